/* proxy.c - see proxy.h. */
#include "dial/proxy.h"

#include <stdio.h>
#include <string.h>

#include "base/ip.h"
#include "base/mem.h"
#include "stream/socks.h"

struct dial_proxy {
    const struct config_transport *transport;
    struct lookup_address *lookup; /* owned; NULL: done with */
    struct mox_ip ips[MOX_LIMIT_HOST_ADDRESSES];
    size_t n, at; /* of ips; the one in use */
};

static void on_address(void *arg, struct lookup_address *lookup)
{
    (void)lookup;
    dial_step(arg);
}

int proxy_begin(struct dial *d, struct mox_error *err)
{
    const struct config_transport *transport = request_proxy(&d->plan->rules);
    struct lookup_rules rules = request_lookup(&d->plan->rules);
    struct dial_proxy *proxy;

    if (transport == NULL || dial_is_plan(d))
        return MOX_OK;
    proxy = d->proxy = mem_new(sizeof *proxy);
    if (proxy == NULL)
        return error_nomem(err);
    proxy->transport = transport;
    if (ip_parse_any(slice_of(transport->proxy_host), &proxy->ips[0]) == MOX_OK) {
        proxy->n = 1;
        return MOX_OK;
    }
    proxy->lookup = lookup_address_start(d->ctx, transport->proxy_host,
                                         MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6, &rules, on_address, d);
    return proxy->lookup == NULL ? error_nomem(err) : MOX_OK;
}

static int fail_lookup(const struct dial *d, struct mox_error *err)
{
    const struct lookup_chain *failure = lookup_address_failure(d->proxy->lookup);
    const struct config_transport *transport = d->proxy->transport;
    struct mox_error why = {0};

    if (failure != NULL && chain_error(failure, &why) == MOX_E_NOMEM)
        return error_nomem(err);
    error_set(err, MOX_E_PROXY, "transport %s, %s line %d: the proxy %s has no address%s%s",
              transport->name, transport->file, (int)transport->line, transport->proxy_host,
              failure == NULL ? "" : ": ", why.message);
    err->stage = MOX_STAGE_PROXY;
    return MOX_E_PROXY;
}

int proxy_ready(struct dial *d, struct mox_error *err)
{
    struct dial_proxy *proxy = d->proxy;

    if (proxy == NULL || proxy->lookup == NULL)
        return MOX_OK;
    if (!lookup_address_finished(proxy->lookup))
        return MOX_E_AGAIN;
    proxy->n = lookup_address_list(proxy->lookup, proxy->ips, MOX_LIMIT_HOST_ADDRESSES);
    if (proxy->n == 0)
        return fail_lookup(d, err);
    if (proxy->n > MOX_LIMIT_HOST_ADDRESSES)
        proxy->n = MOX_LIMIT_HOST_ADDRESSES;
    lookup_address_free(proxy->lookup);
    proxy->lookup = NULL;
    return MOX_OK;
}

static int open_through(struct dial *d, const struct mox_candidate *candidate, struct stream **out)
{
    const struct config_transport *transport = d->proxy->transport;
    struct tcp_target way = {.remote = d->proxy->ips[d->proxy->at], .port = transport->port};
    struct socks_target target = {candidate->ip, candidate->port, transport->socks_username,
                                  transport->socks_password};
    struct stream *tcp;
    int status = part_open(d->part, &candidate->ip, &way, &tcp);

    *out = NULL;
    if (status != MOX_OK)
        return status;
    status = socks_open(tcp, &target, out);
    if (status != MOX_OK)
        part_close(d->part, &candidate->ip, tcp, true);
    return status;
}

int proxy_open(struct dial *d, const struct mox_candidate *candidate, struct stream **out)
{
    struct tcp_target target = {candidate->ip, candidate->source, candidate->port};

    if (d->proxy != NULL)
        return open_through(d, candidate, out);
    return part_open(d->part, &candidate->ip, &target, out);
}

bool proxy_next(struct dial *d)
{
    if (d->proxy == NULL || d->proxy->at + 1 >= d->proxy->n)
        return false;
    d->proxy->at++;
    return true;
}

void proxy_text(const struct dial *d, char *buf, size_t cap)
{
    const char *host = d->proxy->transport->proxy_host;
    char ip[MOX_LIMIT_IP_TEXT];

    mox_ip_format(&d->proxy->ips[d->proxy->at], ip, sizeof ip);
    if (strcmp(host, ip) == 0)
        snprintf(buf, cap, "%s", host);
    else
        snprintf(buf, cap, "%s, %s", host, ip);
}

struct mox_ip proxy_public(const struct request_rules *rules, int family)
{
    const struct config_transport *proxy = request_proxy(rules);

    for (size_t i = 0; proxy != NULL && i < proxy->nremote_ips; i++) {
        if (proxy->remote_ips[i].family == family)
            return proxy->remote_ips[i];
    }
    return (struct mox_ip){0};
}

void proxy_end(struct dial *d)
{
    if (d->proxy == NULL)
        return;
    lookup_address_free(d->proxy->lookup);
    mem_free(d->proxy);
    d->proxy = NULL;
}
