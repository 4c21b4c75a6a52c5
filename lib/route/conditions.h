/*
 * conditions.h - what a route may ask beyond mox's conditions: ToMX, Hours, Percent, MaxPer….
 *
 * Pure: the time, the MX hosts and the volume are facts that the asker has or lacks. A route that
 * lacks one does not match, for a guess could send a message by a way that the administrator did
 * not mean; but which fact it was is said, so that whoever can get it does and asks again.
 */
#ifndef ROUTE_CONDITIONS_H
#define ROUTE_CONDITIONS_H

#include <moxdial/route.h>

#include "base/text.h"
#include "config/config.h"

enum { ROUTE_BUCKETS = 100 }; /* of Percent */

struct route_facts {
    const struct mox_envelope *envelope; /* whole, see route_envelope */
    bool volume; /* the asker will claim a place itself: MaxPer… is no obstacle until then */
};

struct route_verdict {
    const char *key; /* of the first condition that does not hold, or if there is none of the first
                        that lacks its fact; NULL: all hold */
    uint32_t needs;  /* MOX_NEED_ bits: all that could be asked hold, and these facts are missing */
};

/* Its record; NULL: there is none. */
static inline const struct config_conditions *route_conditions(const struct mox_config *config,
                                                               const struct config_route *route)
{
    return route->conditions == 0 ? NULL : &config->conditions[route->conditions - 1];
}

/* Whether it asks for anything here. */
bool route_is_conditional(const struct mox_config *config, const struct config_route *route);

/* Whether it has one of MaxPer…. */
bool route_is_limited(const struct mox_config *config, const struct config_route *route);

struct route_verdict route_judge(const struct mox_config *config, const struct config_route *route,
                                 const struct route_facts *facts);

/* What a verdict with a key found and what was wanted. */
void route_verdict_text(const struct mox_config *config, const struct config_route *route,
                        const struct mox_envelope *envelope, const char *key, struct text *t);

/* From 0 on, which Percent compares with; ROUTE_BUCKETS: the hash failed, it is in none. */
unsigned route_bucket(const char *transport, const struct mox_envelope *envelope);

#endif
