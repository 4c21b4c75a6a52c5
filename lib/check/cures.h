/*
 * cures.h - what to configure, as text that can be pasted. Pure.
 */
#ifndef CHECK_CURES_H
#define CHECK_CURES_H

#include "base/text.h"
#include "check/domains.h"

/* Mail between domains of ours comes back through the router. */
struct cures_hairpin {
    const struct check_domains *domains;
    const struct mox_ip *local, *public_ip; /* our private address; the MX's */
    const struct mox_ip *seen;              /* by which the server saw us; family 0: not known */
    bool unreachable;                       /* the router does not lead back at all */
    bool ipv6_works;                        /* this machine and the MX have IPv6 to do without it */
};

enum { CURES_HAIRPIN = 3 };

/* The i-th of CURES_HAIRPIN, the fitting one first: a line that says what and where, then lines to
 * paste there. */
void cures_hairpin_text(struct text *out, const struct cures_hairpin *hairpin, size_t i);

/* A transport that uses the other family alone, as lines of a configuration. name NULL: a new one,
 * for all mail; else the transport it is about. domains, ndomains: for these alone; 0: for all. */
void cures_one_family(struct text *out, const char *name, int family, const char *const *domains,
                      size_t ndomains);

/* What of the hairpin's first cure is configuration; nothing, where it is none. */
void cures_hairpin_config(struct text *out, const struct cures_hairpin *hairpin);

#endif
