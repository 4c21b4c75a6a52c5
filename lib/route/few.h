/*
 * few.h - a short list of routes: one byte of the recipient's domain tells which items could match,
 * and they are compared. That is cheaper than the index, for which the domain must be split and
 * hashed.
 *
 * The byte stands at that place, counted from the end, which tells the items best apart. Before a
 * name stands a dot, and before that nothing but zeroes; so an item without a dot at its beginning,
 * too, has a byte there.
 */
#ifndef ROUTE_FEW_H
#define ROUTE_FEW_H

#include <stdint.h>

#include "config/config.h"
#include "route/name.h"

enum {
    ROUTE_FEW = 16,       /* ToDomain items; a list without counts as one */
    ROUTE_FEW_PLACES = 32 /* from the end, that are looked at for the best */
};

struct route_few_entry { /* a rule with one of its items */
    uint32_t rule;
    uint32_t item, len; /* in config->names; len 0: none, it matches everything */
};

struct route_few {
    uint32_t candidates[UINT8_MAX + 1]; /* by the byte: entries that could match, a bit each */
    uint32_t place, n;
    struct route_few_entry entries[ROUTE_FEW]; /* in file order */
};

/* How many entries the list makes; 0: it is better asked of the index. */
uint32_t route_few_count(const struct mox_config *config, const struct config_list *list);

/* From such a list; *few is zeroed. */
void route_few_set(const struct mox_config *config, const struct config_list *list,
                   struct route_few *few);

static inline uint32_t route_few_candidates(const struct route_few *few,
                                            const struct route_name *to)
{
    unsigned char byte = to->len == few->place ? '.' : '\0';

    if (to->len > few->place)
        byte = (unsigned char)to->text[to->len - few->place - 1];
    return few->candidates[byte];
}

#endif
