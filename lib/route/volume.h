/*
 * volume.h - the counters of MaxPer…: which windows a route has, and by which names all hosts that
 * share a store know them. Pure; whoever dials does the counting.
 */
#ifndef ROUTE_VOLUME_H
#define ROUTE_VOLUME_H

#include <moxdial/route.h>

#include "config/config.h"

enum {
    ROUTE_WINDOWS = 3,     /* a minute, an hour, a day */
    ROUTE_VOLUME_KEY = 640 /* bytes that hold any key, and its NUL */
};

struct route_window {
    uint32_t seconds, max; /* recipients */
};

/* The windows of a route that a lookup filled, the smallest first. Returns how many. */
size_t route_windows(const struct mox_route *route, const struct mox_config *config,
                     struct route_window out[ROUTE_WINDOWS]);

/* The counter of the window in which that moment lies. */
void route_volume_key(const struct mox_route *route, uint32_t seconds, int64_t unix_s,
                      char out[ROUTE_VOLUME_KEY]);

#endif
