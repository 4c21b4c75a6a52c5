/*
 * health.h - family health: a host whose IPv6 leads nowhere pays the race delay three times, not
 * for every message (design: kept in memory, per context).
 *
 * Pure but for the struct it is given. What counts as stalled: a connect that timed out, or was
 * still silent when the other family won the race.
 */
#ifndef DIAL_HEALTH_H
#define DIAL_HEALTH_H

#include <stdint.h>

#include <moxdial/route.h>

#include "base/limits.h"

struct health_family {
    uint64_t hosts[MOX_LIMIT_FAMILY_HOSTS]; /* hashes of the different hosts that stalled */
    uint32_t stalled;                       /* how many */
    uint64_t until_us;                      /* put last until then; 0: not */
};

struct health { /* all zero: both are well */
    struct health_family ipv4, ipv6;
};

void health_stalled(struct health *health, int family, const char *host, uint64_t now_us);
void health_connected(struct health *health, int family);

/* MOX_ALLOW_ bits of the families that go last now; never both. */
uint32_t health_last(const struct health *health, uint64_t now_us);

#endif
