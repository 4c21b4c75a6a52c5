/*
 * name.h - the domain of an envelope address, taken apart once for all the questions asked of it:
 * each of its suffixes with a hash, which a sender that no rule asks for does without.
 */
#ifndef ROUTE_NAME_H
#define ROUTE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <moxdial/base.h>

#include "base/limits.h"
#include "base/slice.h"

enum { ROUTE_WORD = 8 }; /* bytes hashed at a time */

struct route_name {
    const char *text; /* lower case, A-labels; borrowed, or copy */
    size_t len;
    size_t labels;                       /* 0: the empty domain */
    bool hashed;                         /* hash is set */
    uint8_t at[MOX_LIMIT_LABELS + 1];    /* [n]: where the suffix of n labels begins */
    uint64_t hash[MOX_LIMIT_LABELS + 1]; /* [n]: of that suffix; [0]: of the empty domain */
    char copy[MOX_LIMIT_DOMAIN];         /* of a name that was not written so */
};

/*
 * An address, a bare domain or a literal, as domain_of_address takes it, without hashes; what:
 * "sender", "recipient". A plain name costs one pass and no allocation. *out borrows the address,
 * and points into itself. MOX_E_INVAL, MOX_E_NOMEM: err is complete, with the address in it.
 */
int route_name_read(const char *address, const char *what, struct route_name *out,
                    struct mox_error *err);

/* Hashes a name that was read, once. */
void route_name_hash(struct route_name *name);

/* Reads and hashes. */
int route_name_parse(const char *address, const char *what, struct route_name *out,
                     struct mox_error *err);

/* Hashes a valid name in A-labels and lower case, at most MOX_LIMIT_DOMAIN bytes; borrowed. */
void route_name_set(struct route_name *out, struct slice name);

/*
 * A name as a key of the index: text itself, or with dot all of it and below. The empty domain's
 * only key is the dot alone.
 */
struct route_key {
    struct slice text; /* without the dot; borrowed from the route_name */
    uint64_t hash;
    bool dot;
};

/* How many keys of rules a name answers to: itself and one with a dot for each suffix. */
static inline size_t route_name_keys(const struct route_name *name)
{
    return name->labels + 1;
}

/* How many labels the i-th key has. */
static inline size_t route_name_depth(const struct route_name *name, size_t i)
{
    return i < name->labels ? i + 1 : name->labels;
}

/* The i-th: the dotted ones from the right, then the name itself. */
static inline struct route_key route_name_key(const struct route_name *name, size_t i)
{
    size_t depth = route_name_depth(name, i), at = name->at[depth];

    return (struct route_key){{name->text + at, name->len - at},
                              name->hash[depth],
                              i < name->labels || name->labels == 0};
}

#endif
