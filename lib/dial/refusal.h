/*
 * refusal.h - what a refusal of our address means for a dial: the other family of the same host is
 * next, once in a delivery, if it is allowed (design.md "Refusal of our address").
 */
#ifndef DIAL_REFUSAL_H
#define DIAL_REFUSAL_H

#include "dial/dial.h"

/* The other family of the session's host. */
enum refusal_other {
    REFUSAL_OTHER_NONE = 0, /* it has none, or it is not allowed, or refused us too */
    REFUSAL_OTHER_UNHEARD,  /* all its addresses were dialed, none was heard */
    REFUSAL_OTHER_LEFT      /* it can be dialed, as far as is known */
};

int refusal_other_family(const struct dial *d);

/* The session's candidate was refused at this stage: if it is about our address, the other family
 * of its host comes next. */
void refusal_take(struct dial *d, int stage, const struct mox_error *err);

#endif
