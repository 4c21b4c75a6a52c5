/*
 * names.h - the names of a client: those of its PTR records whose addresses, looked up, hold its
 * own (RFC 7208 section 5.5). Each is looked up once in a check, when somebody wants it.
 */
#ifndef SPF_NAMES_H
#define SPF_NAMES_H

#include <stdbool.h>

#include "base/domain.h"
#include "base/limits.h"
#include "dns/answer.h"

struct spf_name {
    struct domain name;
    bool asked, valid; /* its addresses have been looked up; the client's is one of them */
};

struct spf_names { /* all zero: not known yet */
    bool known;
    size_t count;
    struct spf_name list[MOX_LIMIT_PTR];
};

/* The name in a record; false: the root, or one that was not told byte by byte. */
bool spf_name_of(const struct dns_item *item, struct domain *out);

/* From the PTR records, of which the first 10 count. */
void spf_names_take(struct spf_names *names, const struct dns_item *items, size_t n);

/*
 * The best one for a domain that is valid or may prove so: the domain itself before those below it,
 * and these, if any other will do, before all others. NULL: there is none.
 */
struct spf_name *spf_names_best(struct spf_names *names, const struct domain *domain, bool any);

#endif
