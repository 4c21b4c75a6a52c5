/*
 * name.h - the domain of an envelope address: read for every lookup, and split into its suffixes
 * with what hashes them only if the index is asked.
 */
#ifndef ROUTE_NAME_H
#define ROUTE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <moxdial/base.h>

#include "base/limits.h"
#include "base/slice.h"

enum {
    ROUTE_WORD = 8, /* bytes read, compared and hashed at a time */
    ROUTE_WORDS = MOX_LIMIT_DOMAIN / ROUTE_WORD + 1
};

struct route_name {
    const char *text; /* lower case, A-labels; borrowed, or copy */
    size_t len;
    /* From the right, the last character is the lowest byte of the first; what stands in the word
     * in which the name begins, before the name, is noise. */
    uint64_t word[ROUTE_WORDS];
    bool split;                       /* what follows is set */
    size_t labels;                    /* 0: the empty domain */
    uint8_t at[MOX_LIMIT_LABELS + 1]; /* [n]: where the suffix of n labels begins */
    uint64_t hash[ROUTE_WORDS];       /* of the words before this one */
    char copy[MOX_LIMIT_DOMAIN];      /* of a name that was not written so */
};

/* The two steps of route_name_read: the first is all that a plain name needs, false: it is none. */
bool route_name_plain(struct slice address, struct route_name *out);
int route_name_unusual(const char *address, const char *what, struct route_name *out,
                       struct mox_error *err);

/*
 * An address, a bare domain or a literal, as domain_of_address takes it; what: "sender",
 * "recipient". A plain name costs one pass and no allocation. *out borrows the address, and may
 * point into itself. MOX_E_INVAL, MOX_E_NOMEM: err is complete, with the address in it.
 */
static inline int route_name_read(const char *address, const char *what, struct route_name *out,
                                  struct mox_error *err)
{
    if (route_name_plain(slice_of(address), out))
        return MOX_OK;
    return route_name_unusual(address, what, out, err);
}

/* Splits a name that was read, once. */
void route_name_split(struct route_name *name);

/* Splits a valid name in A-labels and lower case, at most MOX_LIMIT_DOMAIN bytes; borrowed. */
void route_name_set(struct route_name *out, struct slice name);

/* Which is the lowest bit that is set; there is one. */
static inline size_t route_lowest_bit(uint64_t bits)
{
#if defined(__GNUC__)
    return (size_t)__builtin_ctzll(bits);
#else
    size_t n = 0;

    for (; (bits & 1) == 0; bits >>= 1)
        n++;
    return n;
#endif
}

/* The lowest bytes of a word, fewer than all. */
static inline uint64_t route_word_end(uint64_t word, size_t bytes)
{
    return word & (((uint64_t)1 << 8 * bytes) - 1);
}

static inline uint64_t route_hash_word(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u; /* 2^64 / golden ratio */
    return hash ^ hash >> 32;
}

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
    size_t at = name->at[route_name_depth(name, i)], len = name->len - at, n = len / ROUTE_WORD;

    return (struct route_key){
        {name->text + at, len},
        route_hash_word(name->hash[n], route_word_end(name->word[n], len % ROUTE_WORD)),
        i < name->labels || name->labels == 0};
}

#endif
