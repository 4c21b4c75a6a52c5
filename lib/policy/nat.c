/* nat.c - see nat.h and moxdial/check.h. */
#include "policy/nat.h"

#include "base/ip.h"
#include "policy/family.h"

/* The longest prefix of SPFIPMap that holds the address; NULL: none does. */
static const struct config_spf_map *longest_map(const struct mox_config *config,
                                                const struct mox_ip *ip)
{
    const struct config_spf_map *best = NULL;

    for (size_t i = 0; i < config->nspf_map; i++) {
        const struct config_spf_map *map = &config->spf_map[i];

        if (ip_in_prefix(ip, &map->prefix) &&
            (best == NULL || map->prefix.bits > best->prefix.bits))
            best = map;
    }
    return best;
}

/* The NATIPs of one family met so far, equal ones once. */
struct nat {
    int family;
    const struct mox_ip *first;
    bool several;
};

static void collect(struct nat *nat, const struct mox_ip *ips, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (ips[i].family != nat->family)
            continue;
        if (nat->first == NULL)
            nat->first = &ips[i];
        else if (!ip_equal(nat->first, &ips[i]))
            nat->several = true;
    }
}

static const struct mox_ip *the_only(const struct nat *nat)
{
    return nat->several ? NULL : nat->first;
}

static bool holds(const struct mox_ip *ips, size_t n, const struct mox_ip *ip)
{
    for (size_t i = 0; i < n; i++) {
        if (ip_equal(&ips[i], ip))
            return true;
    }
    return false;
}

/* The NATIP of the SMTP listeners, or LocalIPs, that have this address, if they agree on one. */
static const struct mox_ip *nat_of_listener(const struct mox_config *config,
                                            const struct mox_ip *ip)
{
    struct nat nat = {.family = ip->family};

    for (size_t i = 0; i < config->nlisteners; i++) {
        const struct config_listener *l = &config->listeners[i];

        if (l->smtp && holds(l->ips, l->nips, ip))
            collect(&nat, l->nat_ips, l->nnat_ips);
    }
    if (holds(config->local_ips, config->nlocal_ips, ip))
        collect(&nat, config->nat_ips, config->nnat_ips);
    return the_only(&nat);
}

/* The one NATIP of that family in all of the configuration. */
static const struct mox_ip *nat_of_all(const struct mox_config *config, int family)
{
    struct nat nat = {.family = family};

    for (size_t i = 0; i < config->nlisteners; i++)
        collect(&nat, config->listeners[i].nat_ips, config->listeners[i].nnat_ips);
    collect(&nat, config->nat_ips, config->nnat_ips);
    return the_only(&nat);
}

int mox_nat_map(const struct mox_config *config, const struct mox_ip *seen, struct mox_ip *out)
{
    struct mox_ip ip = policy_unmapped(seen);
    const struct config_spf_map *map;
    const struct mox_ip *nat;

    *out = *seen;
    if (config == NULL)
        return 0;
    map = longest_map(config, &ip);
    nat = map != NULL ? &map->ip : nat_of_listener(config, &ip);
    if (nat == NULL)
        return 0;
    *out = *nat;
    return 1;
}

struct mox_ip policy_public_source(const struct mox_config *config, const struct mox_ip *source)
{
    const struct mox_ip *nat = NULL;
    struct mox_ip out;

    if (mox_nat_map(config, source, &out) == 1 || config == NULL || !ip_is_private(source))
        return out;
    nat = nat_of_all(config, source->family);
    return nat != NULL ? *nat : out;
}

bool policy_is_behind_nat(const struct mox_config *config, const struct mox_ip *ip)
{
    if (config == NULL)
        return false;
    for (size_t i = 0; i < config->nlisteners; i++) {
        if (holds(config->listeners[i].nat_ips, config->listeners[i].nnat_ips, ip))
            return true;
    }
    for (size_t i = 0; i < config->nspf_map; i++) {
        if (ip_equal(&config->spf_map[i].ip, ip))
            return true;
    }
    return holds(config->nat_ips, config->nnat_ips, ip);
}

bool policy_maps_router(const struct mox_config *config, const struct mox_ip *local,
                        const struct mox_ip *public_ip)
{
    for (size_t i = 0; config != NULL && i < config->nspf_map; i++) {
        const struct config_spf_map *map = &config->spf_map[i];

        if (ip_equal(&map->ip, public_ip) && ip_is_private(&map->prefix.ip) &&
            !ip_equal(&map->prefix.ip, local))
            return true;
    }
    return false;
}
