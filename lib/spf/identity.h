/*
 * identity.h - whom a check is about (RFC 7208 sections 2.3, 2.4 and 4.3): the domain of MAIL FROM,
 * of a null sender the name in EHLO.
 */
#ifndef SPF_IDENTITY_H
#define SPF_IDENTITY_H

#include "base/arena.h"
#include "base/domain.h"
#include "spf/macro.h"

struct spf_request { /* copied */
    struct mox_ip ip;
    const char *helo, *mail_from, *receiver; /* NULL: not known */
    int64_t unix_s;
};

/*
 * domain: set to the one that is checked; empty: it is none that could have a record. values: set
 * but for those of a record, d and p; in the arena. MOX_OK, MOX_E_NOMEM.
 */
int spf_identity_of(const struct spf_request *request, struct arena *arena, struct domain *domain,
                    struct spf_values *values);

#endif
