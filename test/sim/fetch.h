/*
 * fetch.h - web servers of a world, which have MTA-STS policies, and its store, which may be slow,
 * broken or full of nonsense.
 */
#ifndef SIM_FETCH_H
#define SIM_FETCH_H

#include "test/sim/world.h"

enum fetch_fate {
    FETCH_ANSWERS = 0, /* with the status */
    FETCH_MUTE,
    FETCH_UNASKABLE, /* the fetch cannot even begin */
    FETCH_LATER      /* the first time it fails, from then on it answers */
};

struct fetch_page { /* of a domain */
    struct fetch_page *next;
    const char *domain, *body;
    int status; /* as mox_fetch_answer takes it */
    int fate;   /* enum fetch_fate */
    uint32_t ms;
    unsigned asked;
};

enum store_kind {
    STORE_OF_LIBRARY = 0, /* its own, in memory */
    STORE_WORKS,
    STORE_SLOW, /* but in time */
    STORE_MUTE,
    STORE_FAILS,
    STORE_UNASKABLE,
    STORE_GARBAGE, /* has something else for each key */
    STORE_KINDS
};

struct store_item {
    struct store_item *next;
    const char *key;
    char *value; /* of puts */
    size_t len;
    int64_t number; /* of adds */
    int64_t lost;   /* … of it what was added, and whoever asked never heard */
    uint64_t until_us;
};

/* The living item under a key; NULL: there is none. And a counter, as if others had counted. */
const struct store_item *store_item(const struct world *w, const char *key);
void store_count(struct world *w, const char *key, int64_t number);

/* The page of that domain, made if it is not there. */
struct fetch_page *fetch_page(struct world *w, const char *domain);

struct mox_fetch_ops fetch_ops(struct world *w);
struct mox_store_ops store_ops(struct world *w);

/* Puts something into the store beforehand. */
void store_keep(struct world *w, const char *key, const char *value, size_t len);

/* Faults for fetches that nobody gave up. */
void fetch_check(struct world *w);

#endif
