/*
 * show_route.h - a route as JSON and in words.
 */
#ifndef TOOLS_SHOW_ROUTE_H
#define TOOLS_SHOW_ROUTE_H

#include <stdbool.h>

#include <jansson.h>

#include <moxdial.h>

/* route NULL: there is none, all keys are there and null. named: by --transport, not by a rule. */
json_t *show_route_object(const struct mox_route *route, bool named);

/* "ipv4only (direct), IPv4 only". Returns out. */
const char *show_route_words(const struct mox_route *route, char *out, size_t cap);

/* Why this one: one sentence. Returns out. */
const char *show_route_reason(const struct mox_route *route, bool named, char *out, size_t cap);

#endif
