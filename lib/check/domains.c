/* domains.c - see domains.h. */
#include "check/domains.h"

#include "config/config.h"
#include "policy/nat.h"

void check_domains_end(struct check_domains *d)
{
    lookup_address_free(d->address);
    lookup_mx_free(d->mx);
    d->address = NULL;
    d->mx = NULL;
}

static void end_domain(struct check_domains *d)
{
    check_domains_end(d);
    d->host = 0;
    d->domain++;
}

/* A domain of ours that leads here is told once. */
static void note_name(struct check_domains *d)
{
    const char *name = d->request->config->domains_shown[d->domain];

    if (d->nnames == 0 || d->names[d->nnames - 1] != name)
        d->names[d->nnames++] = name;
}

static void take_addresses(struct check_domains *d)
{
    struct mox_ip ips[MOX_LIMIT_HOST_ADDRESSES];
    size_t n = lookup_address_list(d->address, ips, MOX_LIMIT_HOST_ADDRESSES);
    bool ours = false, has_ipv6 = false;

    for (size_t i = 0; i < n && i < MOX_LIMIT_HOST_ADDRESSES; i++) {
        struct mox_ip *first = ips[i].family == MOX_IPV4 ? &d->ipv4 : &d->ipv6;

        has_ipv6 = has_ipv6 || ips[i].family == MOX_IPV6;
        if ((ip_family_bit(ips[i].family) & d->families) == 0 ||
            !policy_is_behind_nat(d->request->config, &ips[i]))
            continue;
        ours = true;
        if (first->family == 0)
            *first = ips[i];
    }
    d->has_ipv6 = d->has_ipv6 || (ours && has_ipv6);
    if (ours)
        note_name(d);
}

static int start_host(struct check_domains *d)
{
    const struct check_request *request = d->request;

    d->address = lookup_address_start(request->ctx, d->mx->hosts[d->host].name,
                                      MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6, &request->rules,
                                      check_on_address, (void *)(uintptr_t)request);
    return d->address == NULL ? MOX_E_NOMEM : MOX_OK;
}

/* Of a domain whose MX hosts are known. MOX_OK: go on; MOX_E_AGAIN: wait; MOX_E_NOMEM. */
static int step_host(struct check_domains *d)
{
    if (d->address == NULL && (d->mx->status != MOX_OK || d->host == d->mx->nhosts ||
                               d->host == MOX_LIMIT_PREFLIGHT_HOSTS)) {
        end_domain(d);
        return MOX_OK;
    }
    if (d->address == NULL && d->mx->hosts[d->host].drop != 0) {
        d->host++;
        return MOX_OK;
    }
    if (d->address == NULL)
        return start_host(d);
    if (!lookup_address_finished(d->address))
        return MOX_E_AGAIN;
    take_addresses(d);
    lookup_address_free(d->address);
    d->address = NULL;
    d->host++;
    return MOX_OK;
}

/* What the routes say of mail to it. MOX_OK, MOX_E_NOMEM. */
static int find_families(struct check_domains *d)
{
    const struct check_request *request = d->request;
    const struct mox_envelope envelope = {.size = sizeof envelope,
                                          .from = request->from_domain,
                                          .to = request->config->domains[d->domain]};
    struct mox_route route;
    int status = mox_route_lookup(request->config, &envelope, &route, NULL);

    d->families = status == MOX_OK && route.kind == MOX_KIND_DIRECT ? route.families : 0;
    return status == MOX_E_NOMEM ? status : MOX_OK;
}

/* Of the next domain. MOX_OK: go on; MOX_E_NOMEM. */
static int start_domain(struct check_domains *d)
{
    const struct check_request *request = d->request;
    int status = find_families(d);

    if (status != MOX_OK)
        return status;
    if (d->families == 0) {
        end_domain(d);
        return MOX_OK;
    }
    d->mx = lookup_mx_start(request->ctx, request->config->domains[d->domain], &request->rules,
                            request->changed, request->arg);
    return d->mx == NULL ? MOX_E_NOMEM : MOX_OK;
}

static int step(struct check_domains *d)
{
    const struct mox_config *config = d->request->config;

    if (config == NULL || d->domain == config->ndomains ||
        d->domain == MOX_LIMIT_PREFLIGHT_DOMAINS) {
        d->finished = true;
        return MOX_OK;
    }
    if (d->mx != NULL)
        return d->mx->chain.finished ? step_host(d) : MOX_E_AGAIN;
    return start_domain(d);
}

void check_domains_step(struct check_domains *d)
{
    int status = MOX_OK;

    while (status == MOX_OK && !d->finished)
        status = step(d);
    if (status == MOX_E_NOMEM)
        d->finished = d->failed = true;
}
