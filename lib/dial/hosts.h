/*
 * hosts.h - from the destination to candidates: which hosts, which of their addresses, in which
 * order. The deciding is policy's; here is what asks and what keeps the answers.
 */
#ifndef DIAL_HOSTS_H
#define DIAL_HOSTS_H

#include "dial/dial.h"

/* The MX lookup's result, or the one host of another destination, into the plan. */
int hosts_take_mx(struct dial *d, struct mox_error *err);
int hosts_take_single(struct dial *d, struct mox_error *err);

/*
 * Starts to look up the next hosts: those of the next preference; all of them for a plan.
 * MOX_OK; MOX_E_EOF: no hosts are left.
 */
int hosts_open_window(struct dial *d, struct mox_error *err);

/*
 * Takes what has been answered into the plan and orders it. MOX_OK: candidates may be dialed, or
 * all is answered; MOX_E_AGAIN: wait; MOX_E_NOMEM.
 */
int hosts_update(struct dial *d, struct mox_error *err);

/* All questions of the window have been answered. */
bool hosts_settled(const struct dial *d);

/* Whether there is, or may be, an address to dial of another host than that one. */
bool hosts_others_left(const struct dial *d, const struct plan_host *host);

/* Drops what is kept, untried and of these families. */
int hosts_drop_families(struct dial *d, uint32_t families, int drop, const char *detail);

void hosts_close_window(struct dial *d);

/* Looks up again what was cut short when the dial ended, for it goes on. MOX_OK, MOX_E_NOMEM. */
int hosts_reopen(struct dial *d, struct mox_error *err);

#endif
