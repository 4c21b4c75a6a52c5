/* gate.c - see gate.h. */
#include "dial/gate.h"

#include "base/ip.h"
#include "base/text.h"
#include "dial/hosts.h"
#include "dial/source.h"
#include "lookup/reverse.h"
#include "policy/identity.h"
#include "spf/check.h"

enum { FAMILIES = 2, KEY = 1024, PROBLEM = 2 * IDENTITY_TEXT };

static const int families[FAMILIES] = {MOX_IPV4, MOX_IPV6};

struct gate_family {
    struct gate *gate;
    struct mox_ip ip;               /* public; family 0: there is none */
    struct lookup_reverse *reverse; /* owned; NULL: not asked, or done with */
    struct spf_check *spf;          /* owned; likewise */
    int drop;                       /* enum mox_drop: it is out */
    const char *problem;            /* of a drop, in the plan's arena */
    bool unknown;                   /* DNS did not tell */
};

struct gate { /* in the plan's arena */
    struct dial *dial;
    struct gate_family of[FAMILIES];
    int status; /* what kept an answer from being had, if it is ours */
    struct mox_error error;
};

/* What a finding is known by. */
static void reverse_key(const struct gate_family *f, char key[KEY])
{
    const char *ehlo = f->gate->dial->plan->rules.ehlo;
    char ip[MOX_LIMIT_IP_TEXT];

    mox_ip_format(&f->ip, ip, sizeof ip);
    text_add(&(struct text){key, KEY, 0}, "ptr %s %s", ip, ehlo == NULL ? "" : ehlo);
}

static void spf_key(const struct gate_family *f, char key[KEY])
{
    const struct request_rules *rules = &f->gate->dial->plan->rules;
    struct slice domain = domain_behind_at(slice_of(rules->from));
    char ip[MOX_LIMIT_IP_TEXT];

    mox_ip_format(&f->ip, ip, sizeof ip);
    text_add(&(struct text){key, KEY, 0}, "spf %s %s %.*s", ip,
             rules->ehlo == NULL ? "" : rules->ehlo, (int)domain.len, domain.ptr);
}

static void shut(struct gate_family *f, int drop, const char *problem)
{
    if (f->drop != MOX_DROP_NONE)
        return; /* one reason is enough */
    f->drop = drop;
    f->problem = arena_text(&f->gate->dial->plan->arena, slice_of(problem));
}

static void keep(struct gate_family *f, const char *key, const char *problem, uint32_t ttl)
{
    struct dial *d = f->gate->dial;

    findings_keep(&d->part->findings, key, problem, ttl, ctx_now_us(d->ctx));
}

/* Known from before: true. */
static bool recall(struct gate_family *f, const char *key, int drop)
{
    struct dial *d = f->gate->dial;
    const struct findings_entry *finding =
        findings_find(&d->part->findings, key, ctx_now_us(d->ctx));

    if (finding != NULL && finding->problem != NULL)
        shut(f, drop, finding->problem);
    return finding != NULL;
}

/* Neither the address nor DNS is to blame: the dial ends with it. */
static void note_fault(struct gate *gate, int status, const struct mox_error *why)
{
    gate->status = status;
    gate->error = *why;
}

static void take_reverse(struct gate_family *f)
{
    const struct lookup_reverse *r = f->reverse;
    struct identity_facts facts = {
        .ip = f->ip, .ehlo = f->gate->dial->plan->rules.ehlo, .reverse = r->found, .ptr = r->name};
    char key[KEY], problem[PROBLEM];
    struct text t = text_to(problem, sizeof problem);
    struct mox_error err;

    reverse_key(f, key);
    if (r->status != MOX_OK) {
        note_fault(f->gate, chain_error(&r->chain, &err), &err);
    } else if (r->found == IDENTITY_REVERSE_UNKNOWN) {
        f->unknown = true;
    } else if (!identity_reverse_fails(&facts)) {
        keep(f, key, NULL, r->ttl);
    } else {
        identity_reverse_problem(&t, &facts);
        text_add(&t, "; create the record ");
        identity_reverse_cure(&t, &facts);
        if (ip_is_private(&f->ip))
            text_add(&t, ", or say by NATIPs which public address stands for it");
        keep(f, key, problem, r->ttl);
        shut(f, MOX_DROP_NO_REVERSE_DNS, problem);
    }
}

static void take_spf(struct gate_family *f)
{
    struct mox_spf_result result;
    char key[KEY], problem[PROBLEM];
    struct text t = text_to(problem, sizeof problem);
    struct mox_error err;
    bool fails;
    int status = spf_check_result(f->spf, &result, &err);

    if (status != MOX_OK) {
        note_fault(f->gate, status, &err);
        return;
    }
    if (result.result == MOX_SPF_TEMPERROR) {
        f->unknown = true;
        return;
    }
    fails = identity_spf_fails(&result);
    if (fails) {
        identity_spf_problem(&t, &result);
        text_add(&t, "; add ");
        identity_spf_cure(&t, &result);
        shut(f, MOX_DROP_SPF, problem);
    }
    spf_key(f, key);
    if (!spf_check_is_of_sender(f->spf))
        keep(f, key, fails ? problem : NULL, spf_check_ttl(f->spf));
}

/* What has been answered is taken and given back. */
static void take_answers(struct gate_family *f)
{
    if (f->reverse != NULL && f->reverse->finished) {
        take_reverse(f);
        lookup_reverse_free(f->reverse);
        f->reverse = NULL;
    }
    if (f->spf != NULL && spf_check_finished(f->spf)) {
        take_spf(f);
        spf_check_free(f->spf);
        f->spf = NULL;
    }
}

static void on_done(void *arg)
{
    dial_step(arg);
}

static int ask_reverse(struct gate_family *f)
{
    struct dial *d = f->gate->dial;
    struct lookup_rules lookup = request_lookup(&d->plan->rules);
    char key[KEY];

    reverse_key(f, key);
    if (recall(f, key, MOX_DROP_NO_REVERSE_DNS))
        return MOX_OK;
    f->reverse = lookup_reverse_start(d->ctx, &f->ip, d->plan->rules.ehlo, &lookup, on_done, d);
    return f->reverse == NULL ? MOX_E_NOMEM : MOX_OK;
}

static int ask_spf(struct gate_family *f)
{
    struct dial *d = f->gate->dial;
    const struct request_rules *rules = &d->plan->rules;
    struct mox_spf_request request = {
        .config = rules->config, .ip = f->ip, .helo = rules->ehlo, .mail_from = rules->from};
    char key[KEY];

    spf_key(f, key);
    if (recall(f, key, MOX_DROP_SPF))
        return MOX_OK;
    f->spf = spf_check_start(d->ctx, &request, on_done, d);
    return f->spf == NULL ? MOX_E_NOMEM : MOX_OK;
}

static int begin_family(struct gate_family *f, int family)
{
    struct dial *d = f->gate->dial;
    const struct config_transport *transport = d->plan->rules.transport;
    int status = MOX_OK;

    f->ip = source_coming(d, family);
    if (f->ip.family == 0) {
        f->unknown = d->ctx->socket.source == NULL;
        return MOX_OK;
    }
    if (transport->require_reverse_dns)
        status = ask_reverse(f);
    if (status == MOX_OK && transport->require_spf)
        status = ask_spf(f);
    return status;
}

int gate_begin(struct dial *d, struct mox_error *err)
{
    const struct config_transport *transport = d->plan->rules.transport;
    struct gate *gate;

    if (transport == NULL || (!transport->require_reverse_dns && !transport->require_spf))
        return MOX_OK;
    gate = arena_new(&d->plan->arena, sizeof *gate);
    if (gate == NULL)
        return error_nomem(err);
    d->gate = gate;
    gate->dial = d;
    for (size_t i = 0; i < FAMILIES; i++) {
        struct gate_family *f = &gate->of[i];

        f->gate = gate;
        if ((d->plan->rules.families & ip_family_bit(families[i])) == 0)
            continue;
        if (begin_family(f, families[i]) != MOX_OK)
            return error_nomem(err);
    }
    return MOX_OK;
}

/* No address of ours may be used: it is ours to mend, and the message may wait for that. */
static int fail_shut(const struct dial *d, struct mox_error *err)
{
    const struct config_transport *transport = d->plan->rules.transport;
    char problems[2 * PROBLEM];
    struct text t = text_to(problems, sizeof problems);

    for (size_t i = 0; i < FAMILIES; i++) {
        if (d->gate->of[i].drop != MOX_DROP_NONE)
            text_add(&t, "%s%s", t.len > 0 ? "; and " : "", d->gate->of[i].problem);
    }
    error_set(err, MOX_E_FILTERED, "transport %s, %s line %d, forbids to send from here: %s",
              transport->name, transport->file, (int)transport->line, problems);
    err->permanent = 0;
    err->action = MOX_ACTION_LATER;
    err->about = MOX_ABOUT_SOURCE;
    err->stage = MOX_STAGE_RESOLVE;
    return MOX_E_FILTERED;
}

int gate_step(struct dial *d, struct mox_error *err)
{
    struct gate *gate = d->gate;
    bool waits = false, any_shut = false, any_open = false;

    if (gate == NULL)
        return MOX_OK;
    for (size_t i = 0; i < FAMILIES; i++) {
        struct gate_family *f = &gate->of[i];

        take_answers(f);
        waits = waits || f->reverse != NULL || f->spf != NULL;
        any_shut = any_shut || f->drop != MOX_DROP_NONE;
        any_open = any_open || (f->drop == MOX_DROP_NONE && (f->ip.family != 0 || f->unknown));
        if (f->drop != MOX_DROP_NONE && f->problem == NULL)
            return error_nomem(err);
    }
    if (gate->status != MOX_OK && err != NULL)
        *err = gate->error;
    if (gate->status != MOX_OK)
        return gate->status;
    if (waits)
        return MOX_E_AGAIN;
    return any_shut && !any_open ? fail_shut(d, err) : MOX_OK;
}

int gate_drop(struct dial *d)
{
    for (size_t i = 0; d->gate != NULL && i < FAMILIES; i++) {
        const struct gate_family *f = &d->gate->of[i];

        if (f->drop != MOX_DROP_NONE &&
            hosts_drop_families(d, ip_family_bit(families[i]), f->drop, f->problem) != MOX_OK)
            return MOX_E_NOMEM;
    }
    return MOX_OK;
}

uint32_t gate_shut(const struct dial *d)
{
    uint32_t bits = 0;

    for (size_t i = 0; d->gate != NULL && i < FAMILIES; i++)
        bits |= d->gate->of[i].drop != MOX_DROP_NONE ? ip_family_bit(families[i]) : 0;
    return bits;
}

uint32_t gate_last(const struct dial *d)
{
    uint32_t bits = 0;

    for (size_t i = 0; d->gate != NULL && i < FAMILIES; i++)
        bits |= d->gate->of[i].unknown ? ip_family_bit(families[i]) : 0;
    return bits;
}

void gate_end(struct dial *d)
{
    for (size_t i = 0; d->gate != NULL && i < FAMILIES; i++) {
        struct gate_family *f = &d->gate->of[i];

        lookup_reverse_free(f->reverse);
        spf_check_free(f->spf);
        f->reverse = NULL;
        f->spf = NULL;
    }
}
