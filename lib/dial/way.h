/*
 * way.h - the choice of a route that hangs on more than the envelope: the MX hosts of the
 * destination (ToMX), or a place in the volume (MaxPer…).
 *
 *   LOOK --a route asks for MX hosts--> MX --they are known--> LOOK
 *   LOOK --the match is limited--> CLAIM --all its windows have a place--> CHOSEN
 *   CLAIM --full, or the store is out of reach: it does not match--> LOOK
 *   LOOK --any other match, or none--> CHOSEN
 *
 * A place is claimed by adding to a counter that all hosts of the store share, and given back by
 * the opposite; whoever finds the sum over the maximum has no place, so it is never exceeded. What
 * is not known to have been added is not taken off. A plan's resolving is a dry run: it adds
 * nothing and only looks whether there is a place.
 */
#ifndef DIAL_WAY_H
#define DIAL_WAY_H

#include "dial/dial.h"

struct way;

/* Whether a route that a request was taken with is no more than a first guess. */
static inline bool way_is_open(const struct mox_dial_request *request,
                               const struct mox_route *route)
{
    return request != NULL && request->route == NULL &&
           (route->limited != 0 || (route->needs & MOX_NEED_MX) != 0);
}

/* From a request that was taken well, with these rules. dry: nothing is claimed. NULL: no memory.
 */
struct way *way_new(struct dial *d, const struct mox_dial_request *request,
                    const struct request_rules *rules, bool dry, struct mox_error *err);

/* MOX_OK: chosen; MOX_E_AGAIN: dial_step will be called; else no route can be chosen. */
int way_step(struct way *way, struct mox_error *err);

/* The request with the route that was chosen; the way's. */
const struct mox_dial_request *way_request(struct way *way);

/* The lookup of the destination's MX hosts, now the caller's, which may read it while the way
 * lives; NULL: there was none. */
struct lookup_mx *way_take_mx(struct way *way);

/* Ends it, at any time; accepts NULL. used: the claim stands, else it is given back. */
void way_end(struct way *way, bool used);

#endif
