/*
 * address.h - the addresses of one host, A and AAAA in parallel; a family that is not allowed is
 * not asked for.
 */
#ifndef LOOKUP_ADDRESS_H
#define LOOKUP_ADDRESS_H

#include "lookup/chain.h"

enum { LOOKUP_ADDRESS_SEED = 256 }; /* bytes that hold a few addresses */

struct lookup_address {
    struct lookup_chain families[2]; /* IPv6, IPv4; one that is not asked has asked == false */
    struct mox_ctx *ctx;
    struct arena arena;
    struct lookup_rules rules;
    void (*changed)(void *arg, struct lookup_address *address);
    void *arg;
    max_align_t seed[LOOKUP_ADDRESS_SEED / sizeof(max_align_t)]; /* the arena's first memory */
};

/*
 * families: MOX_ALLOW_ bits. changed: inside a dispatch, for each family that is done, unless its
 * answer came at once; the lookup may be freed in it. host: borrowed until the end. NULL: no
 * memory.
 */
struct lookup_address *lookup_address_start(struct mox_ctx *ctx, const char *host,
                                            uint32_t families, const struct lookup_rules *rules,
                                            void (*changed)(void *arg, struct lookup_address *),
                                            void *arg);

bool lookup_address_finished(const struct lookup_address *address);

/* All that were asked, one at least, said that the name does not exist. */
bool lookup_address_no_name(const struct lookup_address *address);

/* The first family that failed for another reason than absence, want of memory before all else;
 * NULL: none did. */
const struct lookup_chain *lookup_address_failure(const struct lookup_address *address);

/* AD of those answers that gave addresses. */
bool lookup_address_authentic(const struct lookup_address *address);

/* Whether an AD bit would have been believed. */
bool lookup_address_trusted(const struct lookup_address *address);

/* The last name of the chain, where the host is an alias; NULL: it is none. Borrowed. */
const char *lookup_address_alias(const struct lookup_address *address);

/* What has come so far, IPv6 first, each family in the order of its answer: room for cap, returns
 * how many there are. */
size_t lookup_address_list(const struct lookup_address *address, struct mox_ip *out, size_t cap);

/* MOX_ALLOW_ bits of the families that have come with an address so far. */
uint32_t lookup_address_families(const struct lookup_address *address);

/* Accepts NULL. */
void lookup_address_free(struct lookup_address *address);

#endif
