/*
 * outcome.h - what a dial that reached nobody ends with: the error of the latest stage reached,
 * the last one's among equals; permanent only if every candidate said 5xx.
 */
#ifndef DIAL_OUTCOME_H
#define DIAL_OUTCOME_H

#include "dial/dial.h"

/* There is no candidate left. Fills err, returns its code. */
int outcome_failure(const struct dial *d, struct mox_error *err);

/* There are no candidates at all in a resolved plan; MOX_OK: there are. */
int outcome_of_plan(const struct dial *d, struct mox_error *err);

/* A server has refused our address: whether all other hosts are known to say 5xx. */
bool outcome_others_refused(const struct dial *d);

/* The whole dial's deadline is over. */
int outcome_timeout(const struct dial *d, struct mox_error *err);

#endif
