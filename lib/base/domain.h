/*
 * domain.h - domain names: IDNA for what people write, lax names for what DNS answers
 * (RFC 5890, UTS #46 non-transitional; RFC 1035).
 */
#ifndef BASE_DOMAIN_H
#define BASE_DOMAIN_H

#include <moxdial/base.h>

#include "base/limits.h"
#include "base/slice.h"

struct domain {
    char name[MOX_LIMIT_DOMAIN + 1]; /* A-labels, lower case, no final dot; "": the empty domain */
    size_t len;
};

/*
 * A name from a file or an envelope, in U- or A-labels. MOX_OK; MOX_E_INVAL: err says why in a few
 * words ("name has a trailing dot"), for the caller to quote; MOX_E_NOMEM. A name of plain ASCII
 * without A-labels costs no allocation, others go through libidn2.
 */
int domain_parse(struct slice text, struct domain *out, struct mox_error *err);

/* A host name from a DNS answer: letters, digits, '-', '_'; lower-cased. No IDNA check. */
int domain_parse_lax(struct slice text, struct domain *out);

/* The Unicode form of an A-label name: MOX_OK, MOX_E_NOMEM. cap of 1024 always suffices. */
int domain_to_unicode(const struct domain *domain, char *out, size_t cap);

struct slice domain_slice(const struct domain *domain);

/* From a name that was parsed before; one too long gives the empty domain. */
void domain_set(struct domain *domain, struct slice name);

/* The name above, without its first label; empty at the end. */
struct slice domain_parent(struct slice name);

/* Behind the last '@', which no quoted local part holds, for a domain cannot hold one; the text
 * itself without any. */
struct slice domain_behind_at(struct slice address);

/*
 * The domain of an envelope address: what stands behind the last '@', or the text itself; "", an
 * address literal ("[192.0.2.1]", "[IPv6:…]") and NULL give the empty domain. literal: set to the
 * address of a literal, family 0 if it is none; may be NULL. MOX_E_INVAL: err says what is wrong.
 */
int domain_of_address(const char *address, struct domain *out, struct mox_ip *literal,
                      struct mox_error *err);

#endif
