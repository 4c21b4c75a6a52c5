/*
 * tell.h - the facts of a seed as text, for whoever reads a trace.
 */
#ifndef SIM_TELL_H
#define SIM_TELL_H

#include "test/sim/run.h"

/* What the world was made of, on standard output. */
void tell_world(const struct run *run);

#endif
