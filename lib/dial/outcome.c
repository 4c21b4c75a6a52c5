/* outcome.c - see outcome.h. */
#include "dial/outcome.h"

#include <string.h>

#include "base/ip.h"
#include "base/mem.h"
#include "base/units.h"
#include "dial/talk.h"

/* A 5xx to STARTTLS is no verdict on the mail (semantics.md D14). */
static bool says_5xx(const struct mox_error *err)
{
    return err != NULL && err->stage != MOX_STAGE_TLS && err->smtp_code >= 500 &&
           err->smtp_code <= 599;
}

/* The error that tells most; NULL: no attempt has one. all_5xx: whether each was such a refusal. */
static const struct mox_error *best_error(const struct mox_plan *plan, bool *all_5xx)
{
    const struct mox_error *best = NULL;

    *all_5xx = true;
    for (size_t i = 0; i < plan->attempts.len; i++) {
        const struct mox_attempt *attempt = &plan_attempt_at(plan, i)->view;

        if (attempt->outcome == MOX_E_CANCELLED)
            continue;
        *all_5xx = *all_5xx && says_5xx(attempt->error);
        if (attempt->error != NULL && (best == NULL || attempt->error->stage >= best->stage))
            best = attempt->error;
    }
    return best;
}

static const struct plan_candidate *dropped_as(const struct mox_plan *plan, int drop)
{
    for (size_t i = 0; i < plan->dropped.len; i++) {
        const struct plan_candidate *candidate = plan->dropped.items[i];

        if (candidate->view.drop == drop)
            return candidate;
    }
    return NULL;
}

static void as_temporary(struct mox_error *err)
{
    err->permanent = 0;
    err->action = MOX_ACTION_LATER;
}

static int at_name(const struct dial *d, struct mox_error *err)
{
    err->stage = MOX_STAGE_RESOLVE;
    if (err->host[0] == '\0')
        error_at_host(err, d->plan->rules.name);
    return err->code;
}

static int fail_loop(const struct dial *d, struct mox_error *err)
{
    error_set(err, MOX_E_LOOP,
              "mail for %s would come back to this host: its %sMX is one of our own addresses and "
              "no better one is left. Host the domain here (Domains), or mend its MX records",
              d->plan->rules.name, d->loop_best ? "best " : "");
    if (!d->loop_best)
        as_temporary(err);
    return at_name(d, err);
}

/* One family is not allowed, and the other has no address. */
static int fail_filtered(const struct dial *d, struct mox_error *err)
{
    const struct request_rules *rules = &d->plan->rules;
    const char *filtered = (rules->families & MOX_ALLOW_IPV4) != 0 ? "IPv6" : "IPv4";
    const char *other = (rules->families & MOX_ALLOW_IPV4) != 0 ? "IPv4" : "IPv6";
    const struct plan_host *host = plan_host_at(d->plan, 0);
    const char *name = host == NULL ? rules->name : host->view.host;

    if (rules->transport != NULL && rules->transport->family_line != 0)
        error_set(err, MOX_E_FILTERED,
                  "%s has no %s address, and %s is disabled by transport %s, %s line %d; enable "
                  "it there or route this domain another way",
                  name, other, filtered, rules->transport->name, rules->transport->file,
                  (int)rules->transport->family_line);
    else
        error_set(err, MOX_E_FILTERED, "%s has no %s address, and %s was not allowed for this dial",
                  name, other, filtered);
    error_at_host(err, name);
    return at_name(d, err);
}

/* Our own address is not what the transport demands of it. */
static bool is_of_source(int drop)
{
    return drop == MOX_DROP_NO_SOURCE || drop == MOX_DROP_NO_REVERSE_DNS || drop == MOX_DROP_SPF;
}

static int fail_dropped(const struct dial *d, const struct plan_candidate *candidate,
                        struct mox_error *err)
{
    char ip[MOX_LIMIT_IP_TEXT];
    bool named;

    mox_ip_format(&candidate->view.ip, ip, sizeof ip);
    named = strcmp(candidate->view.host, ip) != 0;
    error_set(err, MOX_E_FILTERED, "no address is left to dial; %s%s%s is out: %s",
              named ? candidate->view.host : "", named ? " " : "", ip,
              candidate->view.detail == NULL ? mox_drop_name(candidate->view.drop)
                                             : candidate->view.detail);
    if (is_of_source(candidate->view.drop))
        err->about = MOX_ABOUT_SOURCE;
    else if (candidate->view.drop == MOX_DROP_SPECIAL)
        err->about = MOX_ABOUT_DOMAIN;
    if (is_of_source(candidate->view.drop))
        as_temporary(err);
    err->address = candidate->view.ip;
    error_at_host(err, candidate->view.host);
    return at_name(d, err);
}

/* Policy forbids the host: what it publishes, or the message, cannot be met. */
static int fail_tls(const struct dial *d, const struct plan_candidate *candidate,
                    struct mox_error *err)
{
    error_set(err, MOX_E_TLS_REQUIRED, "no host is left to dial: %s", candidate->view.detail);
    err->about = MOX_ABOUT_DOMAIN;
    error_at_host(err, candidate->view.host);
    return at_name(d, err);
}

static int fail_dns(const struct dial *d, const struct plan_candidate *candidate,
                    struct mox_error *err)
{
    *err = *candidate->host->error;
    return at_name(d, err);
}

/* Nothing was filtered and nothing failed: there simply is no address. */
static int fail_absent(const struct dial *d, struct mox_error *err)
{
    const struct plan_host *host = plan_host_at(d->plan, 0);
    const char *name = d->plan->rules.name;
    bool single = host != NULL && host->view.preference < 0;

    if (single && host->no_name) {
        error_set(err, MOX_E_NO_DOMAIN, "%s does not exist (NXDOMAIN)", name);
        if (d->plan->rules.target == REQUEST_HOST)
            as_temporary(err); /* a smarthost of ours: the message is not to blame */
        return at_name(d, err);
    }
    if (single)
        error_set(err, MOX_E_NO_ADDRESS, "%s has neither an MX record nor an address", name);
    else
        error_set(err, MOX_E_NO_ADDRESS, "none of the MX hosts of %s can be used: %s", name,
                  host == NULL ? "their names are no host names" : "they have no address");
    if (!single || d->plan->rules.target == REQUEST_HOST)
        as_temporary(err);
    return at_name(d, err);
}

static int fail_nowhere(const struct dial *d, struct mox_error *err)
{
    static const int drops[] = {
        MOX_DROP_NO_REVERSE_DNS,  MOX_DROP_SPF,       MOX_DROP_SPECIAL, MOX_DROP_TRANSITION,
        MOX_DROP_FAMILY_DISABLED, MOX_DROP_NO_SOURCE, MOX_DROP_BUSY,    MOX_DROP_SELF};
    const struct plan_candidate *dropped = NULL;
    uint32_t both = MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6;
    const struct plan_host *host = plan_host_at(d->plan, 0);

    if (d->loop_preference != INT32_MAX)
        return fail_loop(d, err);
    dropped = dropped_as(d->plan, MOX_DROP_STS_MISMATCH);
    if (dropped == NULL)
        dropped = dropped_as(d->plan, MOX_DROP_NO_VERIFIED_TLS);
    if (dropped != NULL)
        return fail_tls(d, dropped, err);
    for (size_t i = 0; i < sizeof drops / sizeof *drops && dropped == NULL; i++)
        dropped = dropped_as(d->plan, drops[i]);
    if (dropped != NULL)
        return fail_dropped(d, dropped, err);
    dropped = dropped_as(d->plan, MOX_DROP_TLSA_ERROR);
    if (dropped == NULL)
        dropped = dropped_as(d->plan, MOX_DROP_DNS_ERROR);
    if (dropped != NULL)
        return fail_dns(d, dropped, err);
    if (host != NULL && host->view.preference < 0 && host->no_name)
        return fail_absent(d, err);
    if (host != NULL && d->plan->rules.families != both)
        return fail_filtered(d, err);
    return fail_absent(d, err);
}

/* The host gave a connection up and did not say why; it was the last one. */
static int fail_exhausted(const struct dial *d, struct mox_error *err)
{
    error_set(err, MOX_E_NO_ADDRESS, "every address for %s has been dialed; none is left to try",
              d->plan->rules.name);
    as_temporary(err);
    err->about = MOX_ABOUT_HOST;
    return at_name(d, err);
}

/* Every host lacks what REQUIRETLS asks for, and nothing suggests that another day is better. */
static bool nobody_does_requiretls(const struct dial *d)
{
    static const int passing[] = {MOX_DROP_DNS_ERROR, MOX_DROP_TLSA_ERROR, MOX_DROP_BUSY,
                                  MOX_DROP_NO_SOURCE, MOX_DROP_STS_MISMATCH};
    bool any = dropped_as(d->plan, MOX_DROP_NO_VERIFIED_TLS) != NULL;

    if ((d->plan->rules.flags & MOX_DIAL_REQUIRETLS) == 0 || d->limited ||
        request_smarthost(&d->plan->rules) != NULL)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(passing); i++) {
        if (dropped_as(d->plan, passing[i]) != NULL)
            return false;
    }
    for (size_t i = 0; i < d->plan->attempts.len; i++) {
        const struct mox_attempt *attempt = &plan_attempt_at(d->plan, i)->view;

        if (attempt->outcome == MOX_E_CANCELLED)
            continue;
        if (attempt->outcome != MOX_E_NO_EXTENSION)
            return false;
        any = true;
    }
    return any;
}

static int fail_requiretls(const struct dial *d, struct mox_error *err)
{
    error_set(err, MOX_E_TLS_REQUIRED,
              "the message requires TLS all the way (REQUIRETLS), and no mail host of %s supports "
              "that [5.7.30]; send it without, or to another address",
              d->plan->rules.name);
    err->permanent = 1;
    err->action = MOX_ACTION_GIVE_UP;
    err->stage = MOX_STAGE_EHLO;
    return error_at_host(err, d->plan->rules.name);
}

/* A host that another day may be asked, too; but: not this one. */
static bool was_host_unheard(const struct mox_plan *plan, const struct plan_host *but)
{
    for (size_t i = 0; i < plan->dropped.len; i++) {
        const struct plan_candidate *candidate = plan->dropped.items[i];

        switch (candidate->view.drop) {
        case MOX_DROP_DNS_ERROR:
        case MOX_DROP_TLSA_ERROR:
        case MOX_DROP_BUSY:
        case MOX_DROP_STS_MISMATCH:
            if (candidate->host != but)
                return true;
            break;
        default:
            break;
        }
    }
    return false;
}

/* What came of its candidate in the end: it was not dialed once more. */
static bool is_last(const struct mox_plan *plan, size_t attempt)
{
    const struct plan_candidate *candidate = plan_attempt_at(plan, attempt)->candidate;

    for (size_t i = attempt + 1; i < plan->attempts.len; i++) {
        if (plan_attempt_at(plan, i)->candidate == candidate)
            return false;
    }
    return true;
}

bool outcome_others_refused(const struct dial *d)
{
    const struct plan_host *present = d->attempt->candidate->host;

    for (size_t i = 0; i < d->plan->attempts.len; i++) {
        const struct plan_attempt *attempt = plan_attempt_at(d->plan, i);

        if (attempt->candidate->host == present || attempt->view.outcome == MOX_E_CANCELLED)
            continue;
        if (is_last(d->plan, i) && !says_5xx(attempt->view.error))
            return false;
    }
    return !d->limited && !was_host_unheard(d->plan, present);
}

int outcome_failure(const struct dial *d, struct mox_error *err)
{
    bool all_5xx;
    const struct mox_error *best = best_error(d->plan, &all_5xx);

    if (nobody_does_requiretls(d))
        return fail_requiretls(d, err);
    if (best == NULL && d->plan->attempts.len > 0)
        return fail_exhausted(d, err);
    if (best == NULL)
        return fail_nowhere(d, err);
    *err = *best;
    err->permanent = all_5xx && !d->limited && !was_host_unheard(d->plan, NULL);
    if (err->permanent)
        err->action = MOX_ACTION_GIVE_UP;
    else if (err->action != MOX_ACTION_LATER_SAME)
        err->action = MOX_ACTION_LATER;
    return err->code;
}

int outcome_of_plan(const struct dial *d, struct mox_error *err)
{
    if (d->plan->kept.len > 0)
        return MOX_OK;
    return nobody_does_requiretls(d) ? fail_requiretls(d, err) : fail_nowhere(d, err);
}

int outcome_timeout(const struct dial *d, struct mox_error *err)
{
    static const int stages[] = {
        [DIAL_ROUTE] = MOX_STAGE_ROUTE,     [DIAL_GATE] = MOX_STAGE_RESOLVE,
        [DIAL_MX] = MOX_STAGE_RESOLVE,      [DIAL_ADDRESSES] = MOX_STAGE_RESOLVE,
        [DIAL_CONNECT] = MOX_STAGE_CONNECT, [DIAL_SESSION] = MOX_STAGE_GREETING,
        [DIAL_DONE] = MOX_STAGE_READY,
    };
    bool all_5xx;
    const struct mox_error *best = best_error(d->plan, &all_5xx);
    int stage = d->state == DIAL_SESSION ? talk_stage(d) : stages[d->state];

    error_set(err, MOX_E_TIMEOUT,
              "the whole dial took longer than its %llu s, in the end at %s%s%s",
              (unsigned long long)(d->plan->rules.total_us / US_PER_S), mox_stage_name(stage),
              best == NULL ? "" : "; before that: ", best == NULL ? "" : best->message);
    err->stage = stage;
    if (d->attempt != NULL)
        err->address = d->attempt->candidate->view.ip;
    error_at_host(err, d->attempt != NULL ? d->attempt->candidate->view.host : d->plan->rules.name);
    return MOX_E_TIMEOUT;
}
