/*
 * conditions.h - what a route may ask beyond mox's conditions: ToMX, Hours, MaxPer…, Percent.
 *
 * This version reads these keys and decides none of them. A route that has one and is reached in
 * order ends the lookup with an error: to pass it over, or to take it, could send a message by a
 * way that the administrator did not mean.
 */
#ifndef ROUTE_CONDITIONS_H
#define ROUTE_CONDITIONS_H

#include <moxdial/base.h>

#include "config/config.h"

/* The first such key of the route; NULL: it has none. */
const char *route_undecided_key(const struct mox_config *config, const struct config_route *route);

/* MOX_E_UNSUPPORTED, naming the route's file, line and key. */
int route_undecided(const struct config_list *list, const struct config_route *route,
                    const char *key, struct mox_error *err);

#endif
