/*
 * pile.h - while an index is built: the rules of each key in file order, less those that an
 * earlier one hides.
 */
#ifndef ROUTE_PILE_H
#define ROUTE_PILE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "route/index.h"

struct pile_node {
    uint32_t rule, next; /* in nodes; ROUTE_NONE: the last */
};

struct pile {
    uint32_t first, last, count;
    uint32_t least; /* a rule that does not want fewer attempts is never reached */
    uint32_t group; /* ROUTE_NONE: it becomes a rule or a chain */
};

struct piles { /* all zero: empty */
    struct pile *piles;
    struct pile_node *nodes;
    uint32_t npiles, cap_piles, nnodes, cap_nodes;
};

/*
 * Adds a rule, later in the file than all before, under the key whose value this is. from_known:
 * the key has settled FromDomain. MOX_OK or MOX_E_NOMEM.
 */
int pile_add(struct piles *all, const struct mox_config *config, uint32_t *value, uint32_t rule,
             bool from_known);

/* Whether its rules differ in nothing but attempts. */
bool pile_is_steps(const struct piles *all, const struct mox_config *config,
                   const struct pile *pile, bool from_known);

void piles_free(struct piles *all);

/*
 * The array with room for `wanted` things, as it was or moved; NULL: no memory, it is as it was.
 */
void *pile_room(void *array, uint32_t *cap, uint64_t wanted, size_t size);

#endif
