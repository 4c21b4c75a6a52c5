/* reference_gate.c - see reference_gate.h. */
#include "test/sim/reference_gate.h"

#include <string.h>

/* The machine has .9 of each network; of whatever else is bound DNS knows nothing. */
static bool is_known(const struct mox_ip *source)
{
    return source->family == 0 || source->bytes[source->family == MOX_IPV4 ? 3 : 15] == 9;
}

/* NATIPs of a family: one of IPv4 is always there (seed_config.c). */
static unsigned nat_ips(const struct seed_config *config, int family)
{
    unsigned n = family == MOX_IPV4;

    for (size_t i = 0; i < SEED_DOMAINS; i++)
        n += config->nat[i];
    return n;
}

static bool is_listed(const struct seed_config *config, const char *text, const struct mox_ip *ip)
{
    const struct seed_listener *first = &config->listeners[0];

    for (size_t i = 0; !config->mox && i < config->nlocal_ips; i++) {
        if (memcmp(&config->local_ips[i], ip, sizeof *ip) == 0)
            return true;
    }
    for (size_t i = 0; config->mox && config->nlisteners > 0 && first->smtp && i < first->n; i++) {
        if (strcmp(first->ips[i], text) == 0)
            return true;
    }
    return false;
}

/* The world sees another address, of which DNS knows nothing. */
static bool is_mapped(const struct seed_config *config, int family)
{
    const char *text = family == MOX_IPV4 ? "198.51.100.9" : "2001:db8:9::9";
    struct mox_ip ip;

    mox_ip_parse(text, &ip);
    return config->there && nat_ips(config, family) == 1 && is_listed(config, text, &ip);
}

struct reference_gate reference_gate(const struct seed *seed, const struct seed_config *config,
                                     uint32_t families, const struct mox_ip *source4,
                                     const struct mox_ip *source6)
{
    struct reference_gate gate = {0};

    for (int family = MOX_IPV4; family <= MOX_IPV6; family += 2) {
        uint32_t bit = family == MOX_IPV4 ? MOX_ALLOW_IPV4 : MOX_ALLOW_IPV6;
        enum seed_reverse reverse = seed_reverse(seed, family);

        if ((families & bit) == 0)
            continue;
        if (!is_known(family == MOX_IPV4 ? source4 : source6) || is_mapped(config, family))
            reverse = SEED_REVERSE_NONE;
        if (reverse == SEED_REVERSE_FAILS)
            gate.last |= bit;
        else if (reverse == SEED_REVERSE_NONE || reverse == SEED_REVERSE_UNCONFIRMED)
            gate.shut |= bit;
    }
    return gate;
}
