/*
 * lookup.h - what the dialer asks of routes beyond moxdial/route.h.
 */
#ifndef ROUTE_LOOKUP_H
#define ROUTE_LOOKUP_H

#include <moxdial/route.h>

#include "config/config.h"
#include "route/name.h"

/* The transport of a route that a lookup filled; NULL: none, direct. The config's. */
const struct config_transport *route_transport(const struct mox_route *route);

/* The list in which it stands, and its rule there; NULL: no route matched. */
const struct config_list *route_list(const struct mox_route *route);
const struct config_route *route_rule(const struct mox_route *route,
                                      const struct mox_config *config);

/*
 * For an asker who claims places itself: routes with MaxPer… match, limited is set, and where the
 * claim fails it is noted here and asked again. All before that route did not match, so one number
 * for each scope tells which are refused.
 */
struct route_claims {                       /* all zero: none is refused yet */
    uint32_t refused[MOX_SCOPE_GLOBAL + 1]; /* routes with MaxPer… below that number; 0: none */
};

/* That limited route does not match. */
void route_refuse(struct route_claims *claims, const struct mox_route *route);

/*
 * mox_route_lookup, which gives the recipient's domain too, once it was read well. claims: NULL,
 * nobody claims: routes with MaxPer… do not match.
 */
int route_lookup(const struct mox_config *config, const struct mox_envelope *envelope,
                 const struct route_claims *claims, struct route_name *to, struct mox_route *out,
                 struct mox_error *err);

/*
 * The transport given with a message, which wins over all routes (semantics.md 4). MOX_E_CONFIG,
 * temporary: there is none of that name. config may be NULL.
 */
int route_by_transport(const struct mox_config *config, const char *name, struct mox_route *out,
                       struct mox_error *err);

/* What is told where no route matches: direct, both families. */
void route_set_none(struct mox_route *out);

/* Fills out from the rule-th route, which is in that list. */
void route_set(const struct mox_config *config, const struct config_list *list, uint32_t rule,
               struct mox_route *out);

/*
 * Makes *envelope whole: it points to the caller's, or to *copy. MOX_E_INVAL, MOX_E_UNSUPPORTED:
 * err says what is wrong with it.
 */
int route_envelope(const struct mox_envelope **envelope, struct mox_envelope *copy,
                   struct mox_error *err);

#endif
