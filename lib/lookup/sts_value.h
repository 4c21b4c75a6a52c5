/*
 * sts_value.h - what the store keeps of an MTA-STS policy: the time of the fetch (Unix seconds),
 * blank, id, LF, policy as fetched; or the time alone: none could be had. Hosts that share a store
 * agree on this, and on the key.
 */
#ifndef LOOKUP_STS_VALUE_H
#define LOOKUP_STS_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "ctx/ctx.h"
#include "policy/sts.h"

enum {
    STS_NONE_S = 300,      /* that "none could be had" holds, RFC 8461 section 3.3 */
    STS_REFRESH_S = 43200, /* age of one that is fetched ahead: this, or half its max_age */
    STS_KEY = MOX_LIMIT_DOMAIN + 16 /* bytes of a key with its NUL */
};

struct sts_value {
    uint64_t fetched_s;
    struct slice id, policy; /* ids of no byte: none could be had */
};

void sts_key(char key[STS_KEY], const char *domain);

/* false: another wrote this. The slices are parts of text. */
bool sts_value_read(struct slice text, struct sts_value *out);

/*
 * Writes it, as of now, and asks for no answer. max_age_s 0: it is no longer to be used, the key
 * goes.
 */
void sts_value_put(struct mox_ctx *ctx, const char *domain, struct slice id, struct slice policy,
                   uint32_t max_age_s);
void sts_value_put_none(struct mox_ctx *ctx, const char *domain);
void sts_value_delete(struct mox_ctx *ctx, const char *domain);

#endif
