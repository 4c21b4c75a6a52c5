/*
 * mx.h - the hosts that take mail for a domain (RFC 5321 section 5.1, RFC 7505; semantics of mox's
 * GatherDestinations).
 */
#ifndef LOOKUP_MX_H
#define LOOKUP_MX_H

#include "lookup/chain.h"

struct lookup_mx_host {
    const char *name;
    int32_t preference; /* -1: implicit */
    int32_t drop;       /* enum mox_drop; 0: a host */
    const char *detail; /* of a drop; NULL: none */
};

enum { LOOKUP_MX_SEED = 256 }; /* bytes that hold a few hosts */

struct lookup_mx {
    struct lookup_chain chain; /* first */
    struct arena arena;
    struct lookup_rules rules;
    /* The result, when done is called. */
    int status;                   /* MOX_OK, MOX_E_NULL_MX, MOX_E_DNS, … */
    const char *next_hop;         /* the domain after its aliases */
    bool authentic;               /* up to the MX set */
    struct lookup_mx_host *hosts; /* by preference, equal ones shuffled, then the dropped */
    size_t nhosts;
    const struct mox_error *error; /* of status; NULL: no memory for it */
    void (*done)(void *arg);
    void *arg;
    max_align_t seed[LOOKUP_MX_SEED / sizeof(max_align_t)]; /* the arena's first memory */
};

/*
 * domain: A-labels, borrowed until the end. NULL: no memory. The caller frees it; in done too.
 * Where the answer comes at once, chain.finished says so and done is not called.
 */
struct lookup_mx *lookup_mx_start(struct mox_ctx *ctx, const char *domain,
                                  const struct lookup_rules *rules, void (*done)(void *arg),
                                  void *arg);

/* Ends it in silence if need be. Accepts NULL. */
void lookup_mx_free(struct lookup_mx *mx);

#endif
