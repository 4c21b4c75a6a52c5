/*
 * ip.h - IP addresses and prefixes: what is not in the public header.
 */
#ifndef BASE_IP_H
#define BASE_IP_H

#include <stdbool.h>

#include <moxdial/base.h>

#include "base/limits.h"
#include "base/slice.h"

struct ip_prefix {
    struct mox_ip ip; /* host bits are zero */
    int bits;
};

/* Why an address must not be dialed when a recipient's domain named it (design.md). */
enum ip_special {
    IP_ORDINARY = 0,
    IP_UNSPECIFIED, /* 0/8, :: */
    IP_LOOPBACK,    /* 127/8, ::1 */
    IP_MULTICAST,   /* 224/4, ff00::/8 */
    IP_RESERVED,    /* class E with the broadcast address */
    IP_LINK_LOCAL,  /* fe80::/10 without a zone, 169.254/16 */
    IP_MAPPED       /* ::ffff:0:0/96 and ::/96: IPv4 in disguise */
};

/* Bytes of an address: 4, 16; 0 for no family. */
size_t ip_size(const struct mox_ip *ip);

bool ip_equal(const struct mox_ip *a, const struct mox_ip *b);

/* The enum mox_families bit of the address's family; 0: none. */
uint32_t ip_family_bit(int family);
int ip_other_family(int family);

/* From network bytes; family: enum mox_family. */
struct mox_ip ip_from_bytes(int family, const void *bytes);

/*
 * Strict text as Go's netip takes it: no brackets, no zone, no leading zeros, nothing around it.
 * IPv4-mapped becomes IPv4. MOX_OK or MOX_E_INVAL.
 */
int ip_parse_plain(struct slice text, struct mox_ip *out);

/* What mox_ip_parse takes, brackets and zones included, from a piece of text. */
int ip_parse_any(struct slice text, struct mox_ip *out);

/* "192.0.2.0/24", "2001:db8::/32", or an address alone, which is its own prefix. */
int ip_parse_prefix(struct slice text, struct ip_prefix *out);
bool ip_in_prefix(const struct mox_ip *ip, const struct ip_prefix *prefix);

enum ip_special ip_special(const struct mox_ip *ip);
const char *ip_special_name(enum ip_special special); /* "loopback", … */

bool ip_is_private(const struct mox_ip *ip);    /* RFC 1918, RFC 6598, fc00::/7, link-local */
bool ip_is_nat64(const struct mox_ip *ip);      /* 64:ff9b::/96 */
bool ip_is_transition(const struct mox_ip *ip); /* 6to4, Teredo */

/* Its name in the reverse zone (RFC 1035 section 3.5, RFC 3596 section 2.5):
 * "1.2.0.192.in-addr.arpa".
 */
void ip_reverse_name(const struct mox_ip *ip, char out[MOX_LIMIT_REVERSE_NAME]);

/*
 * "host:port", "ip:port", "[ip6]:port"; a port that is absent is left as it is. host: borrowed
 * from text, without brackets. MOX_E_INVAL: no such thing, or a port over 65535.
 */
int ip_split_port(struct slice text, struct slice *host, uint16_t *port);

#endif
