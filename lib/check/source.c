/* source.c - see source.h. */
#include "check/source.h"

#include "base/error.h"
#include "base/ip.h"

void check_on_address(void *arg, struct lookup_address *address)
{
    const struct check_request *request = arg;

    (void)address;
    request->changed(request->arg);
}

static struct spf_check *start_spf(const struct check_source *s,
                                   const struct check_request *request, const char *mail_from)
{
    struct mox_spf_request spf = {
        .config = request->config, .ip = s->ip, .helo = request->ehlo, .mail_from = mail_from};

    return spf_check_start(request->ctx, &spf, request->changed, request->arg);
}

int check_source_start(struct check_source *s, const struct check_request *request)
{
    void *arg = (void *)(uintptr_t)request; /* given back as it was */

    s->reverse = lookup_reverse_start(request->ctx, &s->ip, request->ehlo, &request->rules,
                                      request->changed, request->arg);
    if (s->reverse == NULL)
        return MOX_E_NOMEM;
    if (request->from_domain != NULL) {
        s->spf = start_spf(s, request, request->from_domain);
        if (s->spf == NULL)
            return MOX_E_NOMEM;
    }
    if (request->ehlo == NULL)
        return MOX_OK;
    s->spf_ehlo = start_spf(s, request, NULL);
    s->ehlo = lookup_address_start(request->ctx, request->ehlo, ip_family_bit(s->ip.family),
                                   &request->rules, check_on_address, arg);
    return s->spf_ehlo == NULL || s->ehlo == NULL ? MOX_E_NOMEM : MOX_OK;
}

static bool is_spf_finished(const struct spf_check *check)
{
    return check == NULL || spf_check_finished(check);
}

bool check_source_finished(const struct check_source *s)
{
    return s->reverse->finished && is_spf_finished(s->spf) && is_spf_finished(s->spf_ehlo) &&
           (s->ehlo == NULL || lookup_address_finished(s->ehlo));
}

/* Whether the name in EHLO has the address: -1: DNS did not tell. */
static int ehlo_leads(const struct check_source *s)
{
    struct mox_ip ips[MOX_LIMIT_HOST_ADDRESSES];
    size_t n = s->ehlo == NULL ? 0 : lookup_address_list(s->ehlo, ips, MOX_LIMIT_HOST_ADDRESSES);

    if (s->ehlo == NULL || lookup_address_failure(s->ehlo) != NULL)
        return -1;
    for (size_t i = 0; i < n && i < MOX_LIMIT_HOST_ADDRESSES; i++) {
        if (ip_equal(&ips[i], &s->ip))
            return 1;
    }
    return 0;
}

/* *facts: where it stands if there is a check. */
static int take_spf(const struct spf_check *check, struct mox_spf_result *result,
                    const struct mox_spf_result **facts, struct mox_error *err)
{
    int status = check == NULL ? MOX_OK : spf_check_result(check, result, err);

    *facts = check == NULL ? NULL : result;
    return status;
}

int check_source_take(struct check_source *s, const struct check_request *request,
                      struct mox_error *err)
{
    struct identity_facts *facts = &s->facts;
    int status = s->reverse->status;

    if (status != MOX_OK)
        return chain_error(&s->reverse->chain, err);
    facts->ip = s->ip;
    facts->hidden = ip_is_private(&s->ip);
    facts->ehlo = request->ehlo;
    facts->ehlo_leads = ehlo_leads(s);
    facts->reverse = s->reverse->found;
    facts->ptr = s->reverse->name;
    facts->why = s->reverse->why;
    status = take_spf(s->spf, &s->spf_result, &facts->spf, err);
    if (status == MOX_OK)
        status = take_spf(s->spf_ehlo, &s->spf_ehlo_result, &facts->spf_ehlo, err);
    if (status == MOX_OK)
        identity_judge(facts, &s->verdict);
    return status;
}

void check_source_end(struct check_source *s)
{
    lookup_reverse_free(s->reverse);
    lookup_address_free(s->ehlo);
    spf_check_free(s->spf);
    spf_check_free(s->spf_ehlo);
    s->reverse = NULL;
    s->ehlo = NULL;
    s->spf = s->spf_ehlo = NULL;
}
