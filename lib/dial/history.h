/*
 * history.h - the history of refusals in a dial (policy/learned.h): under Prefer: learned a host's
 * entries are read beside its address lookups, one round trip of both families together, for no
 * longer than mox_timeouts.store; what was not had in that time is as if it were not known. What
 * happens at a host is written in every mode but MOX_DIAL_NO_HISTORY, so that the history is there
 * when somebody looks or comes to prefer it, and nobody waits for that.
 *
 * An entry is about one address of ours as the world sees it: before the connect that is the source
 * the dial binds, else the one this machine would take towards the internet, which is asked for
 * while DNS is; after it, the connection's own. On a machine with several ways out the two may
 * differ; then what is read is of the first and what is written of the second, and only a bound
 * source (LocalIPs) brings them together.
 */
#ifndef DIAL_HISTORY_H
#define DIAL_HISTORY_H

#include "dial/dial.h"

/* Begins to read what is known of the host, if this dial orders by it. MOX_OK, MOX_E_NOMEM. */
int history_begin(struct dial_host *host);

/* All that is going to be known of it is known. */
bool history_ready(const struct dial_host *host);

/* MOX_ALLOW_ bits of the families to be put last. */
uint32_t history_avoid(const struct plan_host *host);

/* Why that family is; NULL: it is not, or there was no memory for the sentence. */
const char *history_why(const struct plan_host *host, int family);

/* What is being read is given up. */
void history_end(struct dial_host *host);

/*
 * For the session and the delivery on it. err: a refusal; one that is not about our address says
 * nothing. A certain one is learned now; a possible one once history_accepted comes over the other
 * family of the same host, in this dial, for the same recipient. rcpt: the recipient that was
 * refused, or is accepted; NULL: all that the message has. The same refusal may be told twice.
 */
void history_refused(struct dial *d, const struct mox_error *err, const char *rcpt);

/* MAIL and this RCPT were accepted. */
void history_accepted(struct dial *d, const char *rcpt);

/* Another message comes: what was only possible for the last one is forgotten. */
void history_forget(struct dial *d);

#endif
