/*
 * target.h - domain names that DNS can be asked for, as SPF has them: any visible byte may stand in
 * a label (RFC 7208 section 7.1), also such as no host name has.
 */
#ifndef SPF_TARGET_H
#define SPF_TARGET_H

#include <stdbool.h>

#include "base/domain.h"
#include "spf/macro.h"

/*
 * A name from text, in lower case and without a final dot; of one that is too long labels go from
 * the left until it fits (section 7.3). false: no name.
 */
bool spf_target_set(struct domain *out, struct slice text);

/* The same from a domain-spec. MOX_OK; MOX_E_INVAL: no name; MOX_E_LIMIT: it grows without end. */
int spf_target_expand(struct domain *out, struct slice spec, const struct spf_values *values);

/* The name for a question, with the escapes of zone files (RFC 1035 section 5.1). */
void spf_target_escape(const struct domain *name, char *out, size_t cap);

/* The name of an address in the reverse zone. */
void spf_target_reverse(struct domain *out, const struct mox_ip *ip);

/* 0: it is the domain itself, 1: it is below it, 2: neither. */
int spf_target_rank(const struct domain *name, const struct domain *domain);

#endif
