/* source.c - see source.h. */
#include "dial/source.h"

#include "dial/proxy.h"
#include "policy/nat.h"

/*
 * Where the internet is, for the question which source this machine would take: a.root-servers.net.
 * Nothing is sent there. A documentation address would not do: a machine with all of the world's
 * routes and no default one has no way to it.
 */
static const struct mox_ip internet4 = {.family = MOX_IPV4, .bytes = {198, 41, 0, 4}};
static const struct mox_ip internet6 = {
    .family = MOX_IPV6, .bytes = {0x20, 0x01, 0x05, 0x03, 0xba, 0x3e, [13] = 0x02, [15] = 0x30}};

/* As this machine would take it; family 0: it has none. */
static struct mox_ip system_source(const struct mox_ctx *ctx, const struct mox_ip *remote)
{
    const struct mox_socket_ops *socket = &ctx->socket;
    struct mox_ip local = {0};

    if (socket->source == NULL || socket->source(socket->user, remote, &local) != MOX_OK ||
        local.family != remote->family)
        return (struct mox_ip){0};
    return local;
}

struct mox_ip source_local(const struct mox_ctx *ctx, const struct request_rules *rules, int family)
{
    for (uint32_t i = 0; i < rules->nsources; i++) {
        if (rules->sources[i].family == family)
            return rules->sources[i];
    }
    return system_source(ctx, family == MOX_IPV4 ? &internet4 : &internet6);
}

static struct mox_ip public_of(const struct dial *d, const struct mox_ip *local)
{
    return local->family == 0 ? *local : policy_public_source(d->plan->rules.config, local);
}

struct mox_ip source_coming(const struct dial *d, int family)
{
    const struct request_rules *rules = &d->plan->rules;
    struct mox_ip local;

    if (request_proxy(rules) != NULL)
        return proxy_public(rules, family);
    local = source_local(d->ctx, rules, family);
    return public_of(d, &local);
}

struct mox_ip source_of_session(struct dial *d)
{
    const struct mox_candidate *candidate = &d->attempt->candidate->view;
    struct mox_ip *local = &d->attempt->view.local;

    if (request_proxy(&d->plan->rules) != NULL)
        return proxy_public(&d->plan->rules, candidate->ip.family);
    if (local->family == 0 &&
        (d->stream == NULL || d->stream->ops->local(d->stream, local, NULL) != MOX_OK))
        *local = system_source(d->ctx, &candidate->ip);
    return public_of(d, local);
}
