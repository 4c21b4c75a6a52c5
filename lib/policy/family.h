/*
 * family.h - which addresses of a host may be dialed, and in what order: mox_family_filter of
 * moxdial/route.h, and what it is made of.
 */
#ifndef POLICY_FAMILY_H
#define POLICY_FAMILY_H

#include <stdbool.h>

#include <moxdial/route.h>

/* The families that rules or a transport allow, as bits that are never 0. */
uint32_t policy_families(uint32_t bits);

/* An IPv4-mapped IPv6 address as the IPv4 address that it is; any other as it stands. */
struct mox_ip policy_unmapped(const struct mox_ip *ip);

/* The IPv4 address inside a NAT64 one (RFC 6052, 64:ff9b::/96). */
struct mox_ip policy_nat64_ipv4(const struct mox_ip *ip);

/*
 * Why a recipient's domain may not name this address: MOX_DROP_SPECIAL, or MOX_DROP_NONE.
 * IPv4-mapped and -compatible addresses are never allowed.
 */
enum mox_drop policy_special(const struct mox_ip *ip, bool allow_special);

#endif
