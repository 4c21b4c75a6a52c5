/*
 * index.h - routes arranged so that a lookup costs the same however many there are.
 *
 * One table for all: the owner of a name is a list, and the name one of its ToDomain items. Under
 * it stand the rules that have this item, by one of three kinds of value:
 *
 *   rule   one rule, asked directly
 *   chain  a few in file order; or any number of which each wants fewer attempts than the one
 *          before (a rule that does not is never reached), found by halving
 *   group  many: those without FromDomain as a chain; the others in the table again, the group
 *          being the owner and the name a FromDomain item
 *
 * A rule with many items in both lists would stand in the table for each pair. Such a wide rule
 * keeps its FromDomain items once, as a set that is an owner of its own, and each group names it.
 *
 * A global list of few items stands beside the table, see few.h.
 */
#ifndef ROUTE_INDEX_H
#define ROUTE_INDEX_H

#include <moxdial/base.h>

#include "config/config.h"
#include "route/few.h"
#include "route/table.h"

enum {
    ROUTE_DIRECT_ITEMS = 4, /* FromDomain items that are compared one by one */
    ROUTE_DIRECT_RULES = 8, /* rules that are asked one by one */
    ROUTE_DEPTHS = 32       /* labels told apart in a list's masks; more count as the last */
};

enum route_value { /* the two highest bits of a value, in its owner's words below */
                   ROUTE_VALUE_RULE,
                   ROUTE_VALUE_CHAIN,
                   ROUTE_VALUE_GROUP,
                   ROUTE_VALUE_PILE /* while the index is built, see index.c */
};
enum { ROUTE_VALUE_SHIFT = 30 };

/* A chain is its count, whether it is steps (1: none of its rules has FromDomain or conditions,
 * each wants fewer attempts), and its rules. */
enum { ROUTE_CHAIN_COUNT, ROUTE_CHAIN_STEPS, ROUTE_CHAIN_HEAD };

struct route_group {
    uint32_t plain; /* value, rules without FromDomain; or ROUTE_NONE */
    uint32_t wide;  /* in chains: count, then pairs of rule and owner of its set; or ROUTE_NONE */
};

struct route_list {
    uint32_t any;         /* value, rules without ToDomain; or ROUTE_NONE */
    uint32_t dots, names; /* bit n: there are items of n labels, with a dot, without */
};

struct route_index {
    struct route_table table;
    struct route_list *lists;   /* as config->lists */
    struct route_group *groups; /* the owner of group g is first_group + g */
    uint32_t *chains;
    struct route_few *few; /* the global list; NULL: it is in the table */
    uint32_t ngroups, first_group;
    uint32_t nchains, cap_chains;
    uint32_t global;        /* the global list; ROUTE_NONE: there is none */
    bool accounts, domains; /* there are such lists */
    bool conditions;        /* some route may have some */
};

/* Sets config->index and index_free. MOX_OK, MOX_E_NOMEM, MOX_E_LIMIT. */
int route_index_build(struct mox_config *config, struct mox_error *err);

/* Bytes that the index takes. */
size_t route_index_bytes(const struct mox_config *config);

static inline enum route_value route_value_kind(uint32_t value)
{
    return (enum route_value)(value >> ROUTE_VALUE_SHIFT);
}

static inline uint32_t route_value_at(uint32_t value)
{
    return value & ((1u << ROUTE_VALUE_SHIFT) - 1);
}

static inline uint32_t route_depth_bit(size_t labels)
{
    return 1u << (labels < ROUTE_DEPTHS ? labels : ROUTE_DEPTHS - 1);
}

#endif
