/*
 * race.h - connects: the next candidate, at most MOX_LIMIT_IN_FLIGHT at once within one preference,
 * the first to connect wins (RFC 8305 section 5).
 */
#ifndef DIAL_RACE_H
#define DIAL_RACE_H

#include "dial/dial.h"

/*
 * Looks at the connects in flight and begins what may begin now. MOX_OK: d->stream and d->attempt
 * are the winner's; MOX_E_AGAIN: wait; MOX_E_EOF: nothing left to dial among what is known;
 * else the dial ends with err: the fault is ours, not a host's.
 */
int race_step(struct dial *d, struct mox_error *err);

/* The earliest time at which race_step has something to do; UINT64_MAX: none. */
uint64_t race_deadline_us(const struct dial *d);

/* Ends what is in flight; outcome: enum mox_status of their attempts. */
void race_end(struct dial *d, int outcome);

#endif
