/*
 * gate.h - RequireReverseDNS and RequireSPF: a family whose address of ours fails is out before
 * anything is dialed; one of which DNS does not tell stands last. Asked before all else, or known
 * from an earlier dial (findings.h).
 */
#ifndef DIAL_GATE_H
#define DIAL_GATE_H

#include "dial/dial.h"

/* Begins to ask, where the transport requires it. MOX_OK; MOX_E_NOMEM. */
int gate_begin(struct dial *d, struct mox_error *err);

/* MOX_OK: a family is left, or nothing is required; MOX_E_AGAIN: dial_step will be called; else the
 * dial ends. */
int gate_step(struct dial *d, struct mox_error *err);

/* Drops the candidates of families that are out. MOX_OK, MOX_E_NOMEM. */
int gate_drop(struct dial *d);

/* MOX_ALLOW_ bits of the families that are out, and of those that stand last. */
uint32_t gate_shut(const struct dial *d);
uint32_t gate_last(const struct dial *d);

/* Ends what is being asked. */
void gate_end(struct dial *d);

#endif
