/*
 * nat.h - our addresses as the world sees them (semantics of NATIPs and SPFIPMap).
 */
#ifndef POLICY_NAT_H
#define POLICY_NAT_H

#include <moxdial/check.h>

#include "config/config.h"

/*
 * The public address of one of our own: mox_nat_map, and for a private address that no rule covers
 * the NATIP of its family, if the whole configuration has exactly one. config may be NULL.
 */
struct mox_ip policy_public_source(const struct mox_config *config, const struct mox_ip *source);

/* Whether it is a public address that leads to us through a NAT: a NATIP, or of SPFIPMap. config
 * may be NULL. */
bool policy_is_behind_nat(const struct mox_config *config, const struct mox_ip *ip);

/* Whether SPFIPMap puts the public address in place of a private one that is not just ours, local:
 * that of a router, one may take it. config may be NULL. */
bool policy_maps_router(const struct mox_config *config, const struct mox_ip *local,
                        const struct mox_ip *public_ip);

#endif
