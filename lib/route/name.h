/*
 * name.h - the domain of an envelope address, taken apart once for all the questions asked of it:
 * each of its suffixes with a hash.
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
    size_t len;
    size_t labels; /* 0: the empty domain */
    /* Lower case, A-labels; not ended by NUL. Whole words are read, so there is room behind it. */
    char text[MOX_LIMIT_DOMAIN + 1 + ROUTE_WORD];
    uint8_t at[MOX_LIMIT_LABELS + 1];    /* [n]: where the suffix of n labels begins */
    uint64_t hash[MOX_LIMIT_LABELS + 1]; /* [n]: of that suffix; [0]: of the empty domain */
};

/*
 * An address, a bare domain or a literal, as domain_of_address takes it; what: "sender",
 * "recipient". A plain name costs one pass and no allocation. MOX_E_INVAL,
 * MOX_E_NOMEM: err is complete, with the address in it.
 */
int route_name_parse(const char *address, const char *what, struct route_name *out,
                     struct mox_error *err);

/* From a name that is valid A-labels in lower case, at most MOX_LIMIT_DOMAIN bytes. */
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
