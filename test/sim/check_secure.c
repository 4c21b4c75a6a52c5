/*
 * check_secure.c - see check.h: TLS and logins, from what the servers heard. Each dial has a name
 * of its own in EHLO, so a server knows which one it was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/base64.h>

#include "test/sim/check.h"
#include "test/sim/memory.h"
#include "test/sim/server.h"

enum { SECRETS = 3, SECRET_FORMS = 4, SECRET_FORM = 64 /* bytes of one, and NUL */ };

static const struct seed_place *place_of(const struct run_dial *d,
                                         const struct reference_pair *pair)
{
    return &d->run->seed->places[pair->place];
}

/* The n-th pair of the dial that has this address; NULL: there is none. host: NULL: any. */
static const struct reference_pair *pair_at(const struct run_dial *d, const struct mox_ip *ip,
                                            const char *host, size_t n)
{
    const struct reference *r = &d->reference;

    for (size_t i = 0; i < r->nknown; i++) {
        const struct reference_pair *pair = &r->known[i];

        if (pair->place != REFERENCE_NO_PLACE && sim_same_ip(&place_of(d, pair)->ip, ip) &&
            (host == NULL || strcmp(host, pair->host) == 0) && n-- == 0)
            return pair;
    }
    return NULL;
}

static bool is_complete(const struct run_dial *d)
{
    return d->reference.nknown < REFERENCE_PAIRS;
}

void check_proof(struct run_dial *d, const struct mox_conn *conn)
{
    const struct mox_session *session = mox_conn_session(conn);
    const struct reference_pair *pair;
    bool fits = !is_complete(d) || !run_is_sound(d->run), any = false;
    bool tls = session->tls_version != NULL;

    d->run->proven[session->tls_verified]++;
    for (size_t n = 0; (pair = pair_at(d, &session->remote, session->host, n)) != NULL; n++) {
        any = true;
        fits = fits || pair->demand.unsure || pair->end.unsure ||
               (pair->end.tls == tls && pair->end.verified == session->tls_verified);
    }
    if (!fits)
        run_broken(d->run, "tls", "dial %d is at %s%s, %s TLS which proves %s", run_number_of(d),
                   session->host, any ? "" : ", of which nothing is known",
                   tls ? "over" : "without", mox_tls_need_name(session->tls_verified));
    if (tls && (session->tls_cipher == NULL || session->tls_names == NULL ||
                (session->tls_verified != MOX_TLS_NONE) != (session->tls_verified_by != NULL)))
        run_broken(d->run, "tls", "the session of dial %d says half of its TLS", run_number_of(d));
}

bool check_is_retry(const struct run_dial *d, uint32_t n)
{
    const struct mox_attempt *a = mox_plan_attempt(d->plan, n);

    for (uint32_t i = 0; i < n; i++) {
        const struct mox_attempt *b = mox_plan_attempt(d->plan, i);

        if (a->candidate == b->candidate && b->error != NULL && b->error->stage == MOX_STAGE_TLS)
            return true;
    }
    return false;
}

/* The attempt that began when that one had ended; NULL: none. */
static const struct mox_attempt *next_after(const struct run_dial *d, uint32_t n)
{
    const struct mox_attempt *a = mox_plan_attempt(d->plan, n), *next;

    for (uint32_t i = n + 1; (next = mox_plan_attempt(d->plan, i)) != NULL; i++) {
        if (next->start_ms >= a->end_ms)
            return next;
    }
    return NULL;
}

/* What a TLS report must say of the host (RFC 8460). *code: how it begins; NULL: there is none. */
static void expected_report(const struct run_dial *d, const struct mox_attempt *a,
                            const struct reference_pair *pair, const char **type, const char **code)
{
    const struct mox_error *err = a->error;
    bool verify = err != NULL && err->code == MOX_E_VERIFY;

    *type = "validation-failure";
    *code = ""; /* a sentence */
    if (a->tls_ms >= 0 || verify) {
        reference_report(&pair->demand, place_of(d, pair)->secure.paper, !verify, type, code);
    } else if (err == NULL || err->stage != MOX_STAGE_TLS) {
        *type = "starttls-not-supported";
        *code = NULL;
    } else if (err->code == MOX_E_REFUSED) {
        *type = "starttls-not-supported";
        *code = "smtp-starttls-reply-code-";
    }
}

static bool begins_with(const char *text, const char *begin)
{
    return begin == NULL ? text == NULL : text != NULL && strncmp(text, begin, strlen(begin)) == 0;
}

static void check_report(struct run_dial *d, const struct mox_attempt *a,
                         const struct reference_pair *pair)
{
    bool tlsa = pair->demand.has_tlsa;
    const char *type, *code;

    if (a->tls_result_type == NULL || pair->demand.mixed || !run_is_sound(d->run))
        return;
    expected_report(d, a, pair, &type, &code);
    if (!d->reference.asks_mx || a->tls_policy_type == NULL || a->tls_policy_domain == NULL ||
        (a->tls_policy_string != NULL) != tlsa ||
        strcmp(a->tls_policy_type, tlsa ? "tlsa" : "no-policy-found") != 0 ||
        strcmp(a->tls_result_type, type) != 0 || !begins_with(a->tls_failure_code, code))
        run_broken(d->run, "tls", "dial %d reports %s, %s, %s, and not %s, %s", run_number_of(d),
                   a->tls_policy_type == NULL ? "-" : a->tls_policy_type, a->tls_result_type,
                   a->tls_failure_code == NULL ? "-" : a->tls_failure_code, type,
                   code == NULL ? "-" : code);
}

/* Why a host is out, if TLS is what it is out for. */
static int cause_of(const struct mox_candidate *candidate)
{
    switch (candidate->drop) {
    case MOX_DROP_STS_MISMATCH:
        return REFERENCE_STS;
    case MOX_DROP_TLSA_ERROR:
        return REFERENCE_TLSA;
    case MOX_DROP_NO_VERIFIED_TLS:
        return REFERENCE_NO_WAY;
    default:
        return REFERENCE_IN;
    }
}

void check_lost(struct run_dial *d)
{
    const struct reference *r = &d->reference;
    const struct mox_candidate *candidate;

    for (uint32_t n = 0; (candidate = mox_plan_candidate(d->plan, n)) != NULL; n++) {
        int cause = cause_of(candidate);

        for (size_t i = 0; i < r->nknown && is_complete(d); i++) {
            const struct reference_demand *demand = &r->known[i].demand;
            bool is_told = cause != REFERENCE_IN || candidate->drop == MOX_DROP_NONE;

            if (strcmp(candidate->host, r->known[i].host) == 0 && is_told && !demand->unsure &&
                demand->out != cause)
                run_broken(d->run, "tls", "dial %d: %s is %s", run_number_of(d), candidate->host,
                           candidate->drop == MOX_DROP_NONE ? "dialed, though it is out"
                                                            : mox_drop_name(candidate->drop));
        }
    }
}

/* What ended it was not the server's doing. */
static bool is_cut_short(const struct mox_attempt *a)
{
    return a->outcome == MOX_E_CANCELLED || a->outcome == MOX_E_SHUTDOWN ||
           strstr(a->error->message, "whole dial") != NULL;
}

/* The error of a session that failed, and where. A connection that failed before has none, one that
 * failed later is the mail's. Not foretold: where the pair hangs on what came first, or several
 * have the address, which check_retry passes over; and REFERENCE_ANY_CODE. */
static void check_code(struct run_dial *d, const struct mox_attempt *a,
                       const struct reference_pair *pair)
{
    const struct reference_end *end = &pair->end;

    if (a->error == NULL || a->stage < MOX_STAGE_GREETING || a->stage > MOX_STAGE_AUTH ||
        is_cut_short(a))
        return;
    d->run->foretold += end->code != REFERENCE_ANY_CODE;
    if (a->stage == end->stage && (a->outcome == end->code || end->code == REFERENCE_ANY_CODE))
        return;
    run_broken(d->run, "error", "dial %d fails at %s with %s at %s, not %s at %s: %s",
               run_number_of(d), pair->host, mox_status_name(a->outcome), mox_stage_name(a->stage),
               mox_status_name(end->code), mox_stage_name(end->stage), a->error->message);
}

/* A dial that reached nothing tells of the attempt that came farthest, of equals the last one; but
 * for what this machine lacks, at a proxy too, which ends it. */
void check_result(struct run_dial *d, int status, const struct mox_error *err)
{
    const struct mox_attempt *a, *best = NULL;

    if (d->plan == NULL || d->sessions > 0 || d->reference.ours || status == MOX_E_OS ||
        status == MOX_E_NO_PORTS || strstr(err->message, "whole dial") != NULL)
        return;
    for (uint32_t i = 0; (a = mox_plan_attempt(d->plan, i)) != NULL; i++) {
        if (a->error != NULL && a->outcome != MOX_E_CANCELLED &&
            (best == NULL || a->error->stage >= best->error->stage))
            best = a;
    }
    if (best == NULL || best->outcome == status ||
        (status == MOX_E_TLS_REQUIRED && best->outcome == MOX_E_NO_EXTENSION))
        return;
    run_broken(d->run, "error", "dial %d ends with %s, and came farthest with %s", run_number_of(d),
               mox_status_name(status), mox_status_name(best->outcome));
}

void check_retry(struct run_dial *d, uint32_t n)
{
    const struct mox_attempt *a = mox_plan_attempt(d->plan, n), *next;
    const struct mox_candidate *candidate = mox_plan_candidate(d->plan, a->candidate);
    const struct reference_pair *pair = pair_at(d, &candidate->ip, candidate->host, 0);

    if (pair == NULL || pair->demand.unsure || pair->end.unsure || !is_complete(d) ||
        pair_at(d, &candidate->ip, candidate->host, 1) != NULL)
        return;
    check_report(d, a, pair);
    check_code(d, a, pair);
    if (check_is_retry(d, n) && a->stage == MOX_STAGE_READY && a->tls_ms < 0 && !pair->end.again)
        run_broken(d->run, "tls", "dial %d does without TLS at %s", run_number_of(d),
                   candidate->host);
    next = next_after(d, n);
    if (a->error == NULL || a->error->stage != MOX_STAGE_TLS || !pair->end.again ||
        pair->demand.requiretls || next == NULL || d->run->seed->max_per_address != 0)
        return;
    if (next->candidate != a->candidate)
        run_broken(d->run, "tls", "dial %d: TLS failed at %s, and that is not next, without it",
                   run_number_of(d), candidate->host);
}

/* base64 is decoded, from each of its possible beginnings. */
static bool hides(const char *text, size_t len, const char *secret)
{
    char clear[4096];

    for (size_t from = 0; from < 4 && from < len; from++) {
        size_t n = (len - from) / 4 * 4;
        int got;

        if (n > sizeof clear)
            n = sizeof clear / 4 * 3;
        got = login_decode(text + from, (unsigned)n, clear, sizeof clear);
        for (int i = 0; got > 0 && i + (int)strlen(secret) <= got; i++) {
            if (memcmp(clear + i, secret, strlen(secret)) == 0)
                return true;
        }
    }
    return false;
}

static bool tells(const char *text, size_t len, const char *secret)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t size = strlen(secret);

    for (size_t i = 0; i + size <= len; i++) {
        if (memcmp(text + i, secret, size) == 0)
            return true;
    }
    for (size_t i = 0; i < len;) {
        size_t run = 0;

        while (i + run < len && text[i + run] != '\0' && strchr(alphabet, text[i + run]) != NULL)
            run++;
        if (run >= size && hides(text + i, run, secret))
            return true;
        i += run + 1;
    }
    return false;
}

static void check_secrets(struct run *run, const char *what, const char *text, size_t len)
{
    const char *const secrets[SECRETS] = {login_password, login_token, proxy_password};

    for (size_t i = 0; i < SECRETS && text != NULL && run->seed->secure; i++) {
        if (tells(text, len, secrets[i]))
            run_broken(run, "secret", "%s tells \"%s\"", what, secrets[i]);
    }
}

/* forms: the secret itself, and for each of the three ways in which it can begin what of its base64
 * is the same whatever stands before and behind it. */
static void write_form(const char *secret, size_t before, char out[SECRET_FORM])
{
    char bytes[SECRET_FORM / 2] = {0}, text[SECRET_FORM];
    size_t len = strlen(secret), first = (8 * before + 5) / 6, end = 8 * (before + len) / 6, n;

    memcpy(bytes + before, secret, len);
    if (mbedtls_base64_encode((unsigned char *)text, sizeof text, &n, (unsigned char *)bytes,
                              before + len) == 0)
        snprintf(out, SECRET_FORM, "%.*s", (int)(end - first), text + first);
}

const char *const *check_forms(void)
{
    static char forms[SECRETS * SECRET_FORMS][SECRET_FORM];
    static const char *list[SECRETS * SECRET_FORMS + 1];
    const char *const secrets[SECRETS] = {login_password, login_token, proxy_password};

    for (size_t i = 0; i < SECRETS * SECRET_FORMS; i++) {
        if (i % SECRET_FORMS == 0)
            snprintf(forms[i], SECRET_FORM, "%s", secrets[i / SECRET_FORMS]);
        else
            write_form(secrets[i / SECRET_FORMS], i % SECRET_FORMS - 1, forms[i]);
        list[i] = forms[i];
    }
    return list;
}

void check_left(struct run *run)
{
    const char *text = memory_left();

    memory_watch(NULL);
    if (text != NULL)
        run_broken(run, "secret", "memory was given back with \"%s\" in it", text);
}

void check_text(struct run *run, const char *what, const char *text)
{
    check_secrets(run, what, text, text == NULL ? 0 : strlen(text));
}

/* What a server heard on one stream. */
struct heard {
    const struct net_stream *stream;
    const char *plain; /* NUL ends it not: see len */
    size_t len;
    int dial;         /* -1: it did not say */
    bool starttls;    /* was said */
    bool words, auth; /* anything in clear but EHLO, HELO, STARTTLS, QUIT; AUTH among it */
    bool after;       /* anything but QUIT behind STARTTLS, in clear */
};

static int dial_of(const char *text, size_t len)
{
    static const char hello[] = "EHLO d";

    for (size_t i = 0; i + sizeof hello <= len; i++) {
        if (memcmp(text + i, hello, sizeof hello - 1) == 0)
            return text[i + sizeof hello - 1] - '0';
    }
    return -1;
}

static bool begins(const char *line, size_t len, const char *word)
{
    return len >= strlen(word) && memcmp(line, word, strlen(word)) == 0;
}

/* The word, or so much of it as was said before the end. */
static bool is(const char *line, size_t len, const char *word)
{
    return memcmp(line, word, len < strlen(word) ? len : strlen(word)) == 0;
}

static void hear_line(struct heard *h, const char *line, size_t len)
{
    bool quit = is(line, len, "QUIT\r\n");

    h->after = h->after || (h->starttls && !quit);
    if (is(line, len, "STARTTLS\r\n"))
        h->starttls = true;
    else if (!quit && !is(line, len, "EHLO ") && !is(line, len, "HELO "))
        h->words = true;
    h->auth = h->auth || begins(line, len, "AUTH ");
}

static void hear(const struct net_stream *s, struct heard *h)
{
    size_t end = s->secure.begun ? s->secure.plain_len : s->out.len;

    *h = (struct heard){.stream = s, .plain = s->out.ptr + s->way.taken, .dial = -1};
    if (s->way.step == PROXY_NONE &&
        end > s->way.taken) /* before, it is between us and the proxy */
        h->len = end - s->way.taken;
    for (size_t at = 0; at < h->len;) {
        const char *line = h->plain + at, *lf = memchr(line, '\n', h->len - at);
        size_t len = lf == NULL ? h->len - at : (size_t)(lf - line) + 1;

        hear_line(h, line, len);
        at += len;
    }
    if (h->len > 0)
        h->dial = dial_of(h->plain, h->len);
    if (h->dial < 0 && s->clear.len > 0)
        h->dial = dial_of(s->clear.ptr, s->clear.len);
}

/* Why what was heard is not what may be said to this host; NULL: it may. */
static const char *objection(const struct run_dial *d, const struct reference_pair *pair,
                             const struct heard *h)
{
    const struct reference_demand *demand = &pair->demand;
    const struct seed_place *place = place_of(d, pair);
    bool opportunistic = !demand->never && !demand->always && !demand->immediate;
    bool offered = place->secure.there && place->secure.offered && place->server->ehlo == NULL;
    int verified;

    if (demand->unsure)
        return NULL;
    if (demand->immediate && h->len > 0)
        return "something was said in clear";
    if (h->auth && !demand->never)
        return "AUTH was said in clear";
    if (h->words && d->reference.way.wanted > MOX_STAGE_EHLO && !demand->never && !opportunistic)
        return "it went on in clear";
    if (h->words && d->reference.way.wanted > MOX_STAGE_EHLO && opportunistic && offered &&
        !pair->end.again)
        return "it went on in clear, and TLS was to be had";
    if (h->stream->clear.len > 0 && !reference_proves(demand, place->secure.paper, &verified))
        return "something was said to a server that did not prove itself";
    return NULL;
}

static void check_heard(struct run *run, const struct heard *h)
{
    const struct run_dial *d = &run->dials[h->dial];
    const struct reference_pair *pair;
    const char *why = "nothing is known of it";
    char ip[64] = "-";

    if (h->stream->secure.resumed && (d->facts->flags & MOX_DIAL_NO_RESUME) != 0)
        run_broken(run, "tls", "dial %d resumes a session, and must not", h->dial);
    if (!is_complete(d) || check_may_go_anywhere(run))
        return;
    for (size_t n = 0; (pair = pair_at(d, &h->stream->target, NULL, n)) != NULL; n++) {
        why = objection(d, pair, h);
        if (why == NULL)
            return;
    }
    mox_ip_format(&h->stream->target, ip, sizeof ip);
    run_broken(run, "tls", "dial %d at %s: %s", h->dial, ip, why);
}

void check_secure(struct run *run)
{
    if (!run->seed->secure)
        return;
    check_secrets(run, "the log", run->w->told.ptr, run->w->told.len);
    for (const struct net_stream *s = run->w->streams; s != NULL; s = s->next) {
        struct heard h;

        if (s->out.len == 0)
            continue;
        hear(s, &h);
        check_secrets(run, "a stream in clear", h.plain, h.len);
        if (h.after)
            run_broken(run, "tls", "words in clear came behind STARTTLS");
        if (h.dial >= 0 && (size_t)h.dial < run->seed->ndials)
            check_heard(run, &h);
    }
}
