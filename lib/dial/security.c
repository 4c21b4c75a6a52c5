/* security.c - see security.h. */
#include "dial/security.h"

#include <string.h>

#include "base/mem.h"
#include "dial/report.h"

/* Of direct delivery where nothing is published: no allocation, for that is most mail. */
static const struct plan_tls opportunistic = {
    .demand = {.need = MOX_TLS_OPPORTUNISTIC, .starttls = DEMAND_OFFERED, .or_plaintext = true},
    .why = demand_text_none,
    .sts_mode = -1,
};

static void on_answer(void *arg)
{
    dial_step(arg);
}

int security_begin(struct dial *d, struct mox_error *err)
{
    const struct request_rules *rules = &d->plan->rules;
    struct lookup_rules lookup = request_lookup(rules);

    lookup.store_us = dial_store_us(d, lookup.store_us);
    if (d->ctx->fetch.fetch == NULL || rules->target != REQUEST_DOMAIN)
        return MOX_OK;
    d->sts = lookup_sts_start(d->ctx, rules->name, &lookup, on_answer, d);
    return d->sts == NULL ? error_nomem(err) : MOX_OK;
}

/* What the policy says, into the plan, where it outlives the lookup. */
static int keep_policy(struct dial *d, const struct lookup_sts_result *result)
{
    struct mox_plan *plan = d->plan;
    struct arena *arena = &plan->arena;

    plan->info.sts_result_type = result->result_type;
    plan->sts_settled = result->result_type != NULL;
    if (result->failure_code != NULL) {
        plan->info.sts_failure_code = arena_text(arena, slice_of(result->failure_code));
        if (plan->info.sts_failure_code == NULL)
            return MOX_E_NOMEM;
    }
    if (result->story != NULL) {
        plan->info.sts_detail = arena_text(arena, slice_of(result->story));
        if (plan->info.sts_detail == NULL)
            return MOX_E_NOMEM;
    }
    if (result->policy == NULL)
        return MOX_OK;
    plan->sts = arena_new(arena, sizeof *plan->sts);
    if (plan->sts == NULL ||
        sts_policy_read(slice_of(result->policy->text), plan->sts, arena, NULL) != MOX_OK)
        return MOX_E_NOMEM; /* it was read before, so nothing else can be wrong */
    plan->info.sts_mode = sts_mode_name(plan->sts->mode);
    plan->info.sts_policy_string = plan->sts->text;
    return MOX_OK;
}

int security_of_domain(struct dial *d, struct mox_error *err)
{
    bool optional = (d->plan->rules.flags & MOX_DIAL_TLS_OPTIONAL) != 0;
    const struct lookup_sts_result *result;
    int status;

    if (d->sts == NULL)
        return MOX_OK;
    if (!lookup_sts_finished(d->sts))
        return MOX_E_AGAIN;
    result = lookup_sts_result(d->sts);
    status = keep_policy(d, result);
    if (status == MOX_OK && result->status != MOX_OK && !optional) {
        if (result->error != NULL)
            *err = *result->error;
        status = result->error != NULL ? result->status : MOX_E_NOMEM;
    }
    lookup_sts_free(d->sts);
    d->sts = NULL;
    return status == MOX_E_NOMEM ? error_nomem(err) : status;
}

/* Whether TLSA records may be asked for: all that leads to the host is secure (RFC 7672 section
 * 2.2). */
static bool may_have_tlsa(const struct dial *d, const struct dial_host *host)
{
    const struct request_rules *rules = &d->plan->rules;

    if (request_smarthost(rules) != NULL || host->lookup == NULL)
        return false;
    return rules->target == REQUEST_HOST || d->plan->info.authentic;
}

/* MOX_OK: there is nothing more to ask. */
static int ask_tlsa(struct dial *d, struct dial_host *host)
{
    struct lookup_rules rules = request_lookup(&d->plan->rules);
    struct lookup_tlsa_host wanted = {.name = host->host->view.host, .port = d->plan->rules.port};

    if (host->tlsa != NULL)
        return lookup_tlsa_finished(host->tlsa) ? MOX_OK : MOX_E_AGAIN;
    if (!may_have_tlsa(d, host))
        return MOX_OK;
    wanted.expansion = lookup_address_alias(host->lookup);
    if (lookup_address_authentic(host->lookup))
        wanted.alias = wanted.expansion == NULL ? LOOKUP_ALIAS_NONE : LOOKUP_ALIAS_SECURE;
    else if (wanted.expansion != NULL && lookup_address_trusted(host->lookup))
        wanted.alias = LOOKUP_ALIAS_UNKNOWN;
    else
        return MOX_OK;
    host->tlsa = lookup_tlsa_start(d->ctx, &wanted, &rules, on_answer, d);
    if (host->tlsa == NULL)
        return MOX_E_NOMEM;
    return lookup_tlsa_finished(host->tlsa) ? MOX_OK : MOX_E_AGAIN;
}

static struct demand_facts facts_of(const struct dial *d, const struct dial_host *host)
{
    const struct mox_plan *plan = d->plan;
    struct demand_facts facts = {.smarthost = request_smarthost(&plan->rules), .sts_mode = -1};

    facts.requiretls = (plan->rules.flags & MOX_DIAL_REQUIRETLS) != 0;
    facts.tls_optional = (plan->rules.flags & MOX_DIAL_TLS_OPTIONAL) != 0;
    if (plan->sts != NULL) {
        facts.sts_mode = plan->sts->mode;
        facts.sts_allows = sts_policy_allows(plan->sts, host->host->view.host);
    }
    if (host->tlsa != NULL && lookup_tlsa_result(host->tlsa)->status == MOX_OK) {
        facts.tlsa = lookup_tlsa_result(host->tlsa)->n;
        facts.tlsa_usable = lookup_tlsa_result(host->tlsa)->usable;
        facts.tlsa_base = lookup_tlsa_result(host->tlsa)->base;
    }
    return facts;
}

/* The names that DANE allows (RFC 7672 section 3.2.2): each once, the base domain first. */
static const char *const *dane_names(const struct dial *d, const struct dial_host *host,
                                     const char *base)
{
    const struct mox_plan *plan = d->plan;
    bool named = plan->rules.target == REQUEST_HOST;
    const char *wanted[] = {base, host->host->view.host, named ? NULL : plan->rules.name,
                            named ? NULL : plan->info.next_hop};
    const char **names = arena_array(&d->plan->arena, ARRAY_LEN(wanted) + 1, sizeof *names);
    size_t n = 0;

    for (size_t i = 0; names != NULL && i < ARRAY_LEN(wanted); i++) {
        bool known = wanted[i] == NULL;

        for (size_t k = 0; k < n && !known; k++)
            known = strcmp(names[k], wanted[i]) == 0;
        if (known)
            continue;
        names[n] = arena_text(&d->plan->arena, slice_of(wanted[i]));
        if (names[n++] == NULL)
            return NULL;
    }
    return names;
}

static int keep_tlsa(struct dial *d, const struct dial_host *host, struct plan_tls *tls)
{
    const struct lookup_tlsa_result *result = lookup_tlsa_result(host->tlsa);
    struct arena *arena = &d->plan->arena;
    struct dane_record *records = arena_array(arena, result->n, sizeof *records);

    tls->base = arena_text(arena, slice_of(result->base));
    tls->names = dane_names(d, host, tls->base);
    if (records == NULL || tls->base == NULL || tls->names == NULL)
        return MOX_E_NOMEM;
    for (size_t i = 0; i < result->n; i++) {
        char *data = arena_text(arena, result->records[i].data);

        if (data == NULL)
            return MOX_E_NOMEM;
        records[i] = result->records[i];
        records[i].data.ptr = data;
    }
    tls->records = records;
    tls->nrecords = result->n;
    tls->usable = result->usable;
    return MOX_OK;
}

/* The demand as the plan keeps it. */
static int keep_demand(struct dial *d, struct dial_host *host, const struct demand_facts *facts)
{
    const struct request_rules *rules = &d->plan->rules;
    struct arena *arena = &d->plan->arena;
    char why[512];
    struct plan_tls *tls;

    if (facts->smarthost == NULL && facts->tlsa == 0 && facts->sts_mode <= STS_NONE &&
        !facts->requiretls && !facts->tls_optional) {
        host->host->tls = &opportunistic;
        return MOX_OK;
    }
    tls = arena_new(arena, sizeof *tls);
    if (tls == NULL)
        return MOX_E_NOMEM;
    tls->demand = demand_of(facts);
    tls->sts_mode = facts->sts_mode;
    demand_text(facts, host->host->view.host, rules->name, why, sizeof why);
    tls->why = arena_text(arena, slice_of(why));
    if (facts->smarthost != NULL && rules->target == REQUEST_ADDRESS)
        tls->pkix_name = facts->smarthost->host;
    if (tls->why == NULL || (facts->tlsa > 0 && keep_tlsa(d, host, tls) != MOX_OK))
        return MOX_E_NOMEM;
    host->host->tls = tls;
    return MOX_OK;
}

/* The question failed: the host is not used, for an attacker could have made it fail (RFC 7672
 * section 2.1.2). */
static int fail_tlsa(struct dial *d, struct dial_host *host, int *drop, const char **detail)
{
    const struct lookup_tlsa_result *result = lookup_tlsa_result(host->tlsa);
    struct mox_error *kept = arena_new(&d->plan->arena, sizeof *kept);

    if (kept == NULL || result->error == NULL)
        return MOX_E_NOMEM;
    *kept = *result->error;
    host->host->error = kept;
    *drop = MOX_DROP_TLSA_ERROR;
    *detail = kept->message;
    return MOX_E_FILTERED;
}

int security_of_host(struct dial *d, struct dial_host *host, int *drop, const char **detail)
{
    bool optional = (d->plan->rules.flags & MOX_DIAL_TLS_OPTIONAL) != 0;
    struct demand_facts facts;
    int status;

    if (host->host->tls != NULL)
        return MOX_OK;
    status = ask_tlsa(d, host);
    if (status != MOX_OK)
        return status;
    if (host->tlsa != NULL && lookup_tlsa_result(host->tlsa)->status != MOX_OK) {
        report_lookup(d, host->host, lookup_tlsa_result(host->tlsa));
        if (!optional)
            return fail_tlsa(d, host, drop, detail);
    }
    facts = facts_of(d, host);
    if (keep_demand(d, host, &facts) != MOX_OK)
        return MOX_E_NOMEM;
    security_end_host(host);
    if (!host->host->tls->demand.unmet) {
        if (!facts.sts_allows)
            report_mismatch(d);
        return MOX_OK;
    }
    *drop = facts.sts_mode == STS_ENFORCE && !facts.sts_allows ? MOX_DROP_STS_MISMATCH
                                                               : MOX_DROP_NO_VERIFIED_TLS;
    *detail = host->host->tls->why;
    if (*drop == MOX_DROP_STS_MISMATCH)
        report_mismatch(d);
    return MOX_E_FILTERED;
}

void security_end_host(struct dial_host *host)
{
    lookup_tlsa_free(host->tlsa);
    host->tlsa = NULL;
}

void security_end(struct dial *d)
{
    lookup_sts_free(d->sts);
    d->sts = NULL;
}
