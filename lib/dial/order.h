/*
 * order.h - the order of a plan's candidates: by host, then as the filter said, mixed by family
 * within a preference.
 */
#ifndef DIAL_ORDER_H
#define DIAL_ORDER_H

#include "dial/dial.h"

/* What was tried stays where it is, at the front; the rest is ordered anew. MOX_OK, MOX_E_NOMEM. */
int order_candidates(struct dial *d);

#endif
