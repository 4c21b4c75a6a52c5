/*
 * login.h - AUTH in a dial: which mechanism, with what, over what.
 */
#ifndef DIAL_LOGIN_H
#define DIAL_LOGIN_H

#include "dial/dial.h"

/* Whether the transport logs in. */
bool login_is_wanted(const struct dial *d);

/* The session is in SMTP_LOGIN. MOX_OK: it goes on; else this candidate fails. */
int login_begin(struct dial *d, struct mox_error *err);

#endif
