/*
 * proxy.h - the way to a SOCKS proxy: its own name resolved by our resolver, its addresses in turn.
 * The transport's family filter is about the targets, not about this way (semantics.md 9).
 */
#ifndef DIAL_PROXY_H
#define DIAL_PROXY_H

#include "dial/dial.h"

/* Begins to look the proxy's name up, where the dial goes through one. MOX_OK, MOX_E_NOMEM. */
int proxy_begin(struct dial *d, struct mox_error *err);

/* MOX_OK: its addresses are known, or there is no proxy; MOX_E_AGAIN: wait; else the dial ends. */
int proxy_ready(struct dial *d, struct mox_error *err);

/* Opens a stream to the candidate, through the proxy where there is one. As part_open. */
int proxy_open(struct dial *d, const struct mox_candidate *candidate, struct stream **out);

/* The proxy could not be reached at the address in use: whether another one is left, now in use. */
bool proxy_next(struct dial *d);

/* "proxy.example, 192.0.2.1", for errors. */
void proxy_text(const struct dial *d, char *buf, size_t cap);

/* What the world takes for our address of that family where a proxy speaks for us, by the
 * configuration; family 0: it does not say. */
struct mox_ip proxy_public(const struct request_rules *rules, int family);

void proxy_end(struct dial *d);

#endif
