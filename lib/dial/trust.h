/*
 * trust.h - the trust anchors of a dial: the context's CA file, else the configuration's, else the
 * system's (semantics.md 2.2). Parsed at their first use and shared.
 */
#ifndef DIAL_TRUST_H
#define DIAL_TRUST_H

#include "dial/dial.h"
#include "stream/roots.h"

/* Borrowed, for as long as the context and the configuration live. MOX_E_CONFIG, MOX_E_NOMEM. */
int trust_roots(struct dial *d, const struct roots **out, struct mox_error *err);

#endif
