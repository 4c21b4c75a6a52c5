/*
 * stalls.h - what the network of a run saw of the families: connects that stalled, connects that
 * came to something.
 */
#ifndef SIM_STALLS_H
#define SIM_STALLS_H

#include "test/sim/reference_health.h"
#include "test/sim/run.h"

struct stalls {
    struct reference_turn *turns; /* in the world's memory, the earliest first */
    size_t n;
};

/* All that came so far. */
void stalls_collect(const struct run *run, struct stalls *out);

/* What may have been put last at any time from one moment to another, as reference_health_last says
 * it. */
unsigned stalls_last(const struct stalls *stalls, struct sim_moment from, struct sim_moment to);

#endif
