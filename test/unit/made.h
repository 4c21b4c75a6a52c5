/*
 * made.h - configurations made by hand for the tests of routes and addresses.
 */
#ifndef MADE_H
#define MADE_H

#include <moxdial/config.h>

#include "config/config.h"

struct made {
    struct mox_config config;
    uint32_t *by_name; /* config.transports_by_name */
    uint32_t cap_routes, cap_items, cap_lists, cap_conditions, cap_transports, cap_by_name;
    size_t cap_names;
};

/* All memory is taken here and in the functions below: no failure is expected. */
void made_free(struct made *w);

/* Returns its index. */
uint32_t made_transport(struct made *w, const char *name, int kind);

/* Begins a list: accounts first, then domains, then the global one. name: borrowed. */
void made_list(struct made *w, int scope, const char *name);

/* A route of the last list. from, to: items with blanks between, A-labels; NULL: no such key. */
struct config_route *made_route(struct made *w, const char *from, const char *to, uint32_t attempts,
                                const char *transport);

/* Conditions of the last route. */
struct config_conditions *made_conditions(struct made *w);

#endif
