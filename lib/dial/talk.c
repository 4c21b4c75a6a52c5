/* talk.c - see talk.h. */
#include "dial/talk.h"

#include <stdio.h>
#include <string.h>

#include "base/ip.h"
#include "base/units.h"
#include "dial/login.h"
#include "dial/race.h"
#include "dial/refusal.h"
#include "dial/report.h"
#include "dial/secure.h"

enum { READ_SIZE = 4096 };

static const struct plan_candidate *present(const struct dial *d)
{
    return d->attempt->candidate;
}

static void on_ready(void *arg, struct stream *stream, int events)
{
    (void)stream;
    (void)events;
    dial_step(arg);
}

/* Our end as EHLO wants it where no name is configured (RFC 5321 section 4.1.3). */
static int literal_name(struct dial *d, char *buf, size_t cap)
{
    struct mox_ip local = {0};
    char ip[MOX_LIMIT_IP_TEXT];
    int status = d->stream->ops->local(d->stream, &local, NULL);

    if (status != MOX_OK)
        return status;
    local.scope = 0; /* a zone means nothing to the other side */
    mox_ip_format(&local, ip, sizeof ip);
    snprintf(buf, cap, local.family == MOX_IPV6 ? "[IPv6:%s]" : "[%s]", ip);
    d->attempt->view.local = local;
    return MOX_OK;
}

static uint64_t allowed_us(const struct request_rules *rules, int deadline)
{
    switch (deadline) {
    case SMTP_DEADLINE_GREETING:
        return us_of_ms(rules->greeting_ms);
    case SMTP_DEADLINE_EHLO:
        return us_of_ms(rules->ehlo_ms);
    case SMTP_DEADLINE_TLS:
        return us_of_ms(rules->tls_ms);
    case SMTP_DEADLINE_AUTH:
        return us_of_ms(rules->auth_ms);
    default:
        return UINT64_MAX;
    }
}

static void set_deadline(struct dial *d, int deadline)
{
    uint64_t allowed = allowed_us(&d->plan->rules, deadline);

    d->stage_us = allowed == UINT64_MAX ? UINT64_MAX : ctx_now_us(d->ctx) + allowed;
}

static void start_deadline(struct dial *d)
{
    d->smtp_turn = d->smtp.turn;
    set_deadline(d, smtp_session_deadline_kind(&d->smtp));
}

/* Connected is all that is wanted; through a proxy, by it. */
static bool is_connect_only(const struct dial *d)
{
    int stop_at = d->plan->rules.stop_at;

    return stop_at == MOX_STAGE_CONNECT || (stop_at == MOX_STAGE_PROXY && d->proxy != NULL);
}

/* What the session is to do about TLS; once it failed at this address, nothing. */
static int starttls_of(const struct dial *d)
{
    const struct demand *demand = &secure_tls(d)->demand;
    static const int says[] = {
        [DEMAND_NEVER] = SMTP_STARTTLS_NEVER,
        [DEMAND_OFFERED] = SMTP_STARTTLS_OFFERED,
        [DEMAND_ALWAYS] = SMTP_STARTTLS_ALWAYS,
    };

    return d->attempt->plain || demand->immediate ? SMTP_STARTTLS_NEVER : says[demand->starttls];
}

/* From here on it is the stream over the stream that has news. */
static int begin_secure(struct dial *d, struct mox_error *err)
{
    int status = secure_begin(d, err);

    if (status == MOX_OK)
        stream_notify(d->stream, on_ready, d);
    return status;
}

int talk_begin(struct dial *d, struct mox_error *err)
{
    const struct request_rules *rules = &d->plan->rules;
    char literal[MOX_LIMIT_IP_TEXT + 8] = "[127.0.0.1]";
    const char *name = rules->ehlo;
    int status;

    stream_notify(d->stream, on_ready, d);
    d->attempt->view.connect_ms = plan_ms(d->plan, ctx_now_us(d->ctx));
    if (ctx_logs(d->ctx, MOX_LOG_INFO))
        dial_log(d, MOX_LOG_INFO, MOX_STAGE_CONNECT, present(d), "connected");
    d->proof = NULL;
    d->heard = d->handshaking = false;
    d->pkix = CERTIFICATE_GOOD;
    d->dane = DANE_GOOD;
    if (is_connect_only(d))
        return MOX_OK;
    if (name == NULL) {
        literal_name(d, literal, sizeof literal); /* fails on a connection that is dead already */
        name = literal;
    }
    status = smtp_session_start(&d->smtp, &d->plan->arena, slice_of(name), rules->stop_at, err);
    if (status != MOX_OK)
        return status;
    smtp_session_plan(&d->smtp, starttls_of(d), login_is_wanted(d));
    start_deadline(d);
    if (!secure_tls(d)->demand.immediate)
        return MOX_OK;
    set_deadline(d, SMTP_DEADLINE_TLS);
    return begin_secure(d, err);
}

/* A line or more of the dialogue, one entry each. */
void talk_log(const struct dial *d, int stage, const char *direction, struct slice bytes)
{
    while (bytes.len > 0) {
        size_t end = slice_find(bytes, '\n');
        struct slice line = slice_sub(bytes, 0, end);
        char text[256];

        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        slice_clean(line, false, text, sizeof text);
        dial_log(d, MOX_LOG_DIALOGUE, stage, present(d), "%s %s", direction, text);
        bytes = slice_sub(bytes, end + 1, bytes.len);
    }
}

/* What is no text for logs is shown by its name alone. */
static void log_output(const struct dial *d, struct slice bytes)
{
    const char *masked = smtp_session_masked(&d->smtp);

    talk_log(d, smtp_session_stage(&d->smtp), ">", masked == NULL ? bytes : slice_of(masked));
}

int talk_io_error(const struct dial *d, int stage, int status, const char *what,
                  struct mox_error *err)
{
    if (status == MOX_E_TLS)
        d->stream->ops->failure(d->stream, err);
    else if (status == MOX_E_CLOSED)
        error_set(err, status, "the connection ended without the close that TLS demands");
    else if (status == MOX_E_EOF)
        error_set(err, MOX_E_CLOSED, "the server closed the connection");
    else
        error_from_op(err, status, what);
    if (err->code == MOX_E_OS) /* a reset and the like: the peer's or the network's doing */
        err->code = MOX_E_CLOSED;
    err->about = MOX_ABOUT_HOST;
    err->stage = stage;
    return err->code;
}

/* MOX_OK: all is written. */
static int write_output(struct dial *d, struct mox_error *err)
{
    struct slice out = smtp_session_output(&d->smtp);

    while (out.len > 0) {
        size_t n = 0;
        int status = d->stream->ops->write(d->stream, out.ptr, out.len, &n);

        if (status == MOX_E_AGAIN)
            return status;
        if (status != MOX_OK)
            return talk_io_error(d, smtp_session_stage(&d->smtp), status, "writing to the server",
                                 err);
        if (ctx_logs(d->ctx, MOX_LOG_DIALOGUE))
            log_output(d, slice_sub(out, 0, n));
        smtp_session_sent(&d->smtp, n);
        out = smtp_session_output(&d->smtp);
    }
    return MOX_OK;
}

/* The greeting is in, whatever it says. */
static void note_greeting(struct dial *d)
{
    const char *greeting = smtp_session_greeting(&d->smtp);

    if (d->attempt->greeted || greeting == NULL)
        return;
    d->attempt->greeted = true;
    d->greeted += !d->attempt->again; /* the same server once more */
    d->attempt->view.greeting_ms = plan_ms(d->plan, ctx_now_us(d->ctx));
    d->attempt->view.greeting = greeting; /* in the plan's arena */
}

/* MOX_OK: go on. What comes behind the goal is kept for the host. */
static int feed(struct dial *d, struct slice bytes, struct mox_error *err)
{
    int status = MOX_OK;

    if (ctx_logs(d->ctx, MOX_LOG_DIALOGUE))
        talk_log(d, smtp_session_stage(&d->smtp), "<", bytes);
    while (bytes.len > 0 && !smtp_session_ready(&d->smtp) && status == MOX_OK) {
        size_t used = 0;

        status = smtp_session_input(&d->smtp, bytes, &used, err);
        note_greeting(d);
        bytes = slice_sub(bytes, used, bytes.len);
    }
    if (status != MOX_OK)
        return status;
    if (d->smtp.turn != d->smtp_turn)
        start_deadline(d);
    if (bytes.len == 0)
        return MOX_OK;
    return buffer_append(smtp_session_spare(&d->smtp), bytes.ptr, bytes.len) == MOX_OK
               ? MOX_OK
               : error_nomem(err);
}

/* TLS is up: the session goes on over it; or it has reached its goal, before the greeting. */
static int take_secured(struct dial *d, struct mox_error *err)
{
    int status = secure_step(d, err);

    if (status != MOX_OK)
        return status;
    smtp_session_secured(&d->smtp);
    start_deadline(d);
    return MOX_OK;
}

/* The session's owner has a turn. MOX_OK: go on; MOX_E_AGAIN: wait. */
static int take_turn(struct dial *d, struct mox_error *err)
{
    int status = MOX_OK;

    if (d->smtp.state == SMTP_HANDSHAKE && !d->handshaking)
        status = begin_secure(d, err);
    if (status == MOX_OK && d->handshaking)
        status = take_secured(d, err);
    if (status == MOX_OK && d->smtp.state == SMTP_LOGIN) {
        status = login_begin(d, err);
        start_deadline(d);
    }
    return status;
}

static bool is_goal(const struct dial *d)
{
    bool tls_only = d->plan->rules.stop_at == MOX_STAGE_TLS && secure_tls(d)->demand.immediate;

    return smtp_session_ready(&d->smtp) || (tls_only && d->proof != NULL);
}

/* Writes, reads, until the goal, a fault, or nothing more now. */
static int converse(struct dial *d, struct mox_error *err)
{
    char bytes[READ_SIZE];

    if (is_connect_only(d))
        return MOX_OK;
    for (;;) {
        size_t n = 0;
        int status = take_turn(d, err);

        if (status != MOX_OK || is_goal(d))
            return status;
        status = write_output(d, err);
        if (status == MOX_E_AGAIN)
            d->stream->ops->want(d->stream, MOX_WRITE);
        if (status != MOX_OK)
            return status;
        status = d->stream->ops->read(d->stream, bytes, sizeof bytes, &n);
        if (status == MOX_E_AGAIN) {
            d->stream->ops->want(d->stream, MOX_READ);
            return status;
        }
        if (status == MOX_E_EOF)
            return smtp_session_eof(&d->smtp, err);
        if (status != MOX_OK)
            return talk_io_error(d, smtp_session_stage(&d->smtp), status, "reading from the server",
                                 err);
        d->heard = d->proof != NULL;
        status = feed(d, (struct slice){bytes, n}, err);
        if (status != MOX_OK)
            return status;
    }
}

static void end_candidate(struct dial *d, struct mox_error *err, bool quit)
{
    const struct plan_candidate *candidate = present(d);

    err->address = candidate->view.ip;
    error_at_host(err, candidate->view.host);
    secure_explain(d, err);
    report_attempt(d, err);
    secure_try_again(d, err);
    plan_end_attempt(d->plan, d->attempt, err->stage, err, ctx_now_us(d->ctx));
    dial_log(d, MOX_LOG_INFO, err->stage, candidate, "%s", err->message);
    refusal_take(d, err->stage, err);
    dial_close_stream(d, quit);
    d->attempt = NULL;
    d->stage_us = UINT64_MAX;
}

static int too_late(struct dial *d, struct mox_error *err)
{
    int stage = d->handshaking ? MOX_STAGE_TLS : smtp_session_stage(&d->smtp);
    const char *awaited = d->handshaking ? "the TLS handshake" : smtp_session_awaited(&d->smtp);

    error_set(err, MOX_E_TIMEOUT, "%s%s was not complete in time", d->handshaking ? "" : "the ",
              awaited);
    err->stage = stage;
    return MOX_E_TIMEOUT;
}

int talk_stage(const struct dial *d)
{
    if (is_connect_only(d))
        return d->plan->rules.stop_at;
    if (d->handshaking || (d->proof != NULL && !smtp_session_ready(&d->smtp) && is_goal(d)))
        return MOX_STAGE_TLS;
    return smtp_session_stage(&d->smtp);
}

int talk_step(struct dial *d, struct mox_error *err)
{
    int status = converse(d, err);

    if (status == MOX_E_AGAIN && ctx_now_us(d->ctx) >= d->stage_us)
        status = too_late(d, err);
    if (status == MOX_OK && !is_connect_only(d))
        status = secure_check_goal(d, err);
    if (status == MOX_OK) {
        if (!is_connect_only(d))
            report_attempt(d, NULL);
        plan_end_attempt(d->plan, d->attempt, talk_stage(d), NULL, ctx_now_us(d->ctx));
    }
    if (status == MOX_OK || status == MOX_E_AGAIN)
        return status;
    end_candidate(d, err,
                  status == MOX_E_REFUSED || status == MOX_E_AUTH || status == MOX_E_NO_EXTENSION);
    return status;
}

void talk_refused_later(struct dial *d, const struct mox_error *why, bool worn)
{
    struct mox_error err;

    if (worn) {
        d->again = d->attempt->candidate;
        d->again_plain = d->again_narrow = false;
    }
    if (why != NULL && !worn) {
        err = *why;
        end_candidate(d, &err, false);
        return;
    }
    d->attempt = NULL;
}
