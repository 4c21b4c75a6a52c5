/*
 * table.h - the one hash table of a route index: (owner, name) to what the owner keeps under it.
 *
 * Open addressing, twelve bytes a slot. The owner is stored whole and the name compared, so that a
 * foreign name that collides finds nothing that is not its own.
 */
#ifndef ROUTE_TABLE_H
#define ROUTE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "route/name.h"

enum {
    ROUTE_TAG_BITS = 11,      /* of a slot's key: bits of the hash; the rest is the owner */
    ROUTE_OWNER_BITS = 21,    /* lists, sets and groups that a configuration of 64 MiB can have */
    ROUTE_OWNER_ACCOUNTS = 1, /* names of account lists; 0 is no owner: a free slot */
    ROUTE_OWNER_DOMAINS,      /* names of domain lists */
    ROUTE_OWNER_LISTS         /* the first list's ToDomain items; the other owners follow */
};

#define ROUTE_NONE UINT32_MAX /* no value */

struct route_slot {
    uint32_t key;   /* owner and tag; 0: free */
    uint32_t name;  /* the item's text in config->names; of a list's name: unused */
    uint32_t value; /* what it means is the index's; of a list's name: the list */
};

struct route_table {          /* all zero: empty */
    struct route_slot *slots; /* owned */
    uint32_t cap, used;       /* used < cap always: a search ends at a free slot */
};

/* Slots that hold n names at a load at which a search is short. */
uint64_t route_table_cap(uint64_t n);

/* MOX_OK or MOX_E_NOMEM; holds n names. */
int route_table_init(struct route_table *table, uint64_t n);
void route_table_free(struct route_table *table);

static inline uint32_t route_key_hash(const struct route_key *key, uint32_t owner)
{
    uint64_t x = key->hash ^ (((uint64_t)owner << 1 | key->dot) * 0xbf58476d1ce4e5b9u);

    return (uint32_t)((x * 0x94d049bb133111ebu) >> 32);
}

/* Asks for the memory that the search will want. */
static inline void route_table_prefetch(const struct route_table *table, uint32_t hash)
{
#if defined(__GNUC__)
    __builtin_prefetch(&table->slots[(uint64_t)hash * table->cap >> 32]);
#else
    (void)table, (void)hash;
#endif
}

/* Whether a slot of the right owner holds the key's name. */
bool route_slot_has(const struct mox_config *config, const struct route_slot *slot,
                    const struct route_key *key);

static inline uint32_t route_slot_key(uint32_t owner, uint32_t hash)
{
    return owner << ROUTE_TAG_BITS | (hash & ((1u << ROUTE_TAG_BITS) - 1));
}

/*
 * The slot of the owner's name, or the free one (key 0) where it would stand. hash: route_key_hash
 * of the two.
 */
static inline struct route_slot *route_table_find(const struct route_table *table,
                                                  const struct mox_config *config, uint32_t owner,
                                                  const struct route_key *key, uint32_t hash)
{
    uint32_t wanted = route_slot_key(owner, hash);
    struct route_slot *slot = &table->slots[(uint64_t)hash * table->cap >> 32];
    const struct route_slot *end = table->slots + table->cap;

    while (slot->key != 0 && (slot->key != wanted || !route_slot_has(config, slot, key))) {
        if (++slot == end)
            slot = table->slots;
    }
    return slot;
}

/* The slot of that name, made if absent, its value then ROUTE_NONE. There must be room. */
struct route_slot *route_table_put(struct route_table *table, const struct mox_config *config,
                                   uint32_t owner, const struct route_key *key, uint32_t name);

#endif
