/*
 * keep.h - a request that outlives the call that gave it: all that it points to, copied. The plan
 * is not, it belongs to the dial.
 */
#ifndef DIAL_KEEP_H
#define DIAL_KEEP_H

#include <moxdial/dial.h>

#include "base/arena.h"

struct keep {
    struct mox_dial_request request; /* points to what follows, and into the arena */
    struct mox_envelope envelope;
    struct mox_timeouts timeouts;
};

/*
 * Of a request that was taken well before; its config is counted and to be given back by
 * mox_config_free, after a failure too. MOX_OK, MOX_E_NOMEM.
 */
int keep_request(struct keep *keep, struct arena *arena, const struct mox_dial_request *request,
                 struct mox_error *err);

#endif
