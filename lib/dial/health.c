/* health.c - see health.h. */
#include "dial/health.h"

#include <string.h>

#include "base/hash.h"
#include "base/ip.h"
#include "base/units.h"

enum { REST_S = 600 };

static struct health_family *of_family(struct health *health, int family)
{
    return family == MOX_IPV6 ? &health->ipv6 : &health->ipv4;
}

void health_stalled(struct health *health, int family, const char *host, uint64_t now_us)
{
    struct health_family *f = of_family(health, family);
    uint64_t hash = hash_bytes(host, strlen(host), 0);

    for (uint32_t i = 0; i < f->stalled; i++) {
        if (f->hosts[i] == hash)
            return;
    }
    f->hosts[f->stalled++] = hash;
    if (f->stalled < MOX_LIMIT_FAMILY_HOSTS)
        return;
    f->stalled = 0;
    f->until_us = now_us + us_of_s(REST_S);
}

void health_connected(struct health *health, int family)
{
    *of_family(health, family) = (struct health_family){0};
}

uint32_t health_last(const struct health *health, uint64_t now_us)
{
    bool ipv4 = health->ipv4.until_us > now_us, ipv6 = health->ipv6.until_us > now_us;

    if (ipv4 == ipv6)
        return 0;
    return ipv4 ? MOX_ALLOW_IPV4 : MOX_ALLOW_IPV6;
}
