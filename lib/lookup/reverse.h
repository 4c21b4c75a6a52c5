/*
 * reverse.h - whether an address has a name that leads back to it (iprev, RFC 8601 section 3).
 *
 * Its PTR records give names, at most 10 of which count; the addresses of each, of the address's
 * own family, are looked up in turn until one is the address.
 */
#ifndef LOOKUP_REVERSE_H
#define LOOKUP_REVERSE_H

#include "base/ip.h"
#include "lookup/chain.h"
#include "policy/identity.h"

enum { LOOKUP_REVERSE_SEED = 256 }; /* bytes that hold a name or two */

struct lookup_reverse {
    struct lookup_chain chain; /* first */
    struct arena arena;
    struct lookup_rules rules;
    struct mox_ctx *ctx;
    struct mox_ip ip;
    char question[MOX_LIMIT_REVERSE_NAME];
    const char *names[MOX_LIMIT_PTR]; /* lower case; the wanted one before all others */
    size_t nnames, at;                /* at: which is being looked up */
    /* The result, once it is finished. */
    bool finished;
    int status;                  /* MOX_OK; MOX_E_NOMEM, MOX_E_UNSUPPORTED: no result, chain_error
                                    says why */
    enum identity_reverse found; /* of MOX_OK */
    const char *name;            /* the one that leads back, else the first; NULL: none */
    const char *why;             /* of IDENTITY_REVERSE_UNKNOWN: a sentence */
    uint32_t ttl; /* seconds: the least of the answers that told something; UINT32_MAX: none did */
    void (*done)(void *arg);
    void *arg;
    max_align_t seed[LOOKUP_REVERSE_SEED / sizeof(max_align_t)]; /* the arena's first memory */
};

/*
 * wanted: the name it should have, which is looked up first if it has it, borrowed until return;
 * NULL: whichever. done: inside a dispatch, once, unless it is finished when this returns; it may
 * be freed in it. NULL: no memory.
 */
struct lookup_reverse *lookup_reverse_start(struct mox_ctx *ctx, const struct mox_ip *ip,
                                            const char *wanted, const struct lookup_rules *rules,
                                            void (*done)(void *arg), void *arg);

/* Ends it in silence if need be. Accepts NULL. */
void lookup_reverse_free(struct lookup_reverse *reverse);

#endif
