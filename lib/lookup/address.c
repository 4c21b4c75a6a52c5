/* address.c - see address.h. */
#include "lookup/address.h"

#include <string.h>

#include "base/mem.h"
#include "dns/dns.h"

static const struct {
    uint32_t bit;
    uint16_t type;
} families[] = {
    {MOX_ALLOW_IPV6, DNS_TYPE_AAAA},
    {MOX_ALLOW_IPV4, DNS_TYPE_A},
};

static void family_done(struct lookup_address *address)
{
    address->changed(address->arg, address);
}

static void ipv6_done(struct lookup_chain *chain)
{
    family_done((struct lookup_address *)chain); /* the first member */
}

static void ipv4_done(struct lookup_chain *chain)
{
    family_done((struct lookup_address *)(chain - 1));
}

struct lookup_address *lookup_address_start(struct mox_ctx *ctx, const char *host, uint32_t allowed,
                                            const struct lookup_rules *rules,
                                            void (*changed)(void *arg, struct lookup_address *),
                                            void *arg)
{
    static void (*const done[])(struct lookup_chain *) = {ipv6_done, ipv4_done};
    struct lookup_address *address = spares_new(&ctx->spares, sizeof *address);

    if (address == NULL)
        return NULL;
    arena_seed(&address->arena, address->seed, sizeof address->seed);
    address->ctx = ctx;
    address->rules = *rules;
    address->changed = changed;
    address->arg = arg;
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        struct lookup_chain *chain = &address->families[i];

        if ((allowed & families[i].bit) == 0)
            continue;
        chain->arena = &address->arena;
        chain->rules = &address->rules;
        chain->type = families[i].type;
        chain->max_aliases = MOX_LIMIT_CNAME;
        chain->at_once = true;
        chain->done = done[i];
        if (chain_start(ctx, chain, host) != MOX_OK) {
            lookup_address_free(address);
            return NULL;
        }
    }
    return address;
}

bool lookup_address_finished(const struct lookup_address *address)
{
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        if (address->families[i].asked && !address->families[i].finished)
            return false;
    }
    return true;
}

bool lookup_address_no_name(const struct lookup_address *address)
{
    bool any = false;

    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        const struct lookup_chain *chain = &address->families[i];

        if (!chain->asked)
            continue;
        any = true;
        if (!chain->finished || chain->status != MOX_OK ||
            chain->answer.rcode != DNS_RCODE_NXDOMAIN)
            return false;
    }
    return any;
}

const struct lookup_chain *lookup_address_failure(const struct lookup_address *address)
{
    const struct lookup_chain *failure = NULL;

    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        const struct lookup_chain *chain = &address->families[i];

        if (chain->asked && chain->finished && chain->status != MOX_OK &&
            (failure == NULL || chain->status == MOX_E_NOMEM))
            failure = chain;
    }
    return failure;
}

static bool has_addresses(const struct lookup_chain *chain)
{
    return chain->asked && chain->finished && chain->status == MOX_OK && chain->answer.count > 0;
}

bool lookup_address_authentic(const struct lookup_address *address)
{
    bool any = false;

    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        const struct lookup_chain *chain = &address->families[i];

        if (!has_addresses(chain))
            continue;
        any = true;
        if (!chain->authentic)
            return false;
    }
    return any;
}

bool lookup_address_trusted(const struct lookup_address *address)
{
    if (address->rules.trust_ad >= 0)
        return address->rules.trust_ad > 0;
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        if (has_addresses(&address->families[i]) && address->families[i].query.trusted)
            return true;
    }
    return false;
}

const char *lookup_address_alias(const struct lookup_address *address)
{
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        const struct lookup_chain *chain = &address->families[i];

        if (has_addresses(chain) && chain->aliases > 0)
            return chain->answer.canonical;
    }
    return NULL;
}

size_t lookup_address_list(const struct lookup_address *address, struct mox_ip *out, size_t cap)
{
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        const struct lookup_chain *chain = &address->families[i];

        if (!has_addresses(chain))
            continue;
        for (size_t k = 0; k < chain->answer.count; k++, n++) {
            if (n < cap)
                out[n] = chain->answer.addresses[k];
        }
    }
    return n;
}

uint32_t lookup_address_families(const struct lookup_address *address)
{
    uint32_t bits = 0;

    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        if (has_addresses(&address->families[i]))
            bits |= families[i].bit;
    }
    return bits;
}

void lookup_address_free(struct lookup_address *address)
{
    if (address == NULL)
        return;
    for (size_t i = 0; i < ARRAY_LEN(families); i++)
        chain_cancel(&address->families[i]);
    arena_free(&address->arena);
    spares_free(&address->ctx->spares, address, sizeof *address);
}
