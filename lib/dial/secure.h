/*
 * secure.h - the TLS of a dial's session: the handshake over its stream, the verdict on the server
 * by what the host must have, and what is kept of it.
 */
#ifndef DIAL_SECURE_H
#define DIAL_SECURE_H

#include "dial/dial.h"

/* What the host must have. */
const struct plan_tls *secure_tls(const struct dial *d);

/* Lays TLS over the stream. MOX_OK: secure_step; else the dial or this candidate fails. */
int secure_begin(struct dial *d, struct mox_error *err);

/* MOX_OK: the server is as it must be; MOX_E_AGAIN: wait; else this candidate fails, except
 * MOX_E_NOMEM and MOX_E_CONFIG, which end the dial. */
int secure_step(struct dial *d, struct mox_error *err);

/* Once the session is at its goal: whether it is what policy demands. MOX_OK, or this candidate
 * fails. */
int secure_check_goal(const struct dial *d, struct mox_error *err);

/* Who demands TLS, behind an error that has the plain reason. */
void secure_explain(const struct dial *d, struct mox_error *err);

/*
 * Whether after this failure the same address is dialed once more, d->again: with a full handshake
 * where a kept session was offered and may be to blame; without TLS where policy allows it, after a
 * handshake that failed or a reply to STARTTLS that is no 220, and after nothing else.
 */
void secure_try_again(struct dial *d, const struct mox_error *err);

#endif
