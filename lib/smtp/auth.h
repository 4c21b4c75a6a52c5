/*
 * auth.h - the lines of one AUTH exchange (RFC 4954 section 4): base64 around what a mechanism
 * says. For the session alone.
 */
#ifndef SMTP_AUTH_H
#define SMTP_AUTH_H

#include <stdbool.h>

#include <moxdial/base.h>

#include "base/slice.h"

struct sasl;
struct smtp_auth;

/* The first line is made. sasl: owned from now on, also on failure. MOX_OK, MOX_E_INVAL,
 * MOX_E_NOMEM. */
int smtp_auth_new(struct sasl *sasl, struct smtp_auth **out, struct mox_error *err);

/* The line to be written; borrowed until the next call. */
struct slice smtp_auth_line(const struct smtp_auth *auth);

/* It has been written: it is wiped. */
void smtp_auth_sent(struct smtp_auth *auth);

/* "AUTH PLAIN ***", what a log may show in place of the line. */
const char *smtp_auth_masked(const struct smtp_auth *auth);

/*
 * The words of a 334 reply; the next line is made. MOX_OK; MOX_E_AUTH: the login is to be ended by
 * "*", and smtp_auth_why says why; MOX_E_NOMEM.
 */
int smtp_auth_challenge(struct smtp_auth *auth, struct slice text, struct mox_error *err);

/* The server may accept now: all has been said and proven. */
bool smtp_auth_done(const struct smtp_auth *auth);

/* Keeps why the login is being ended until the server has replied to "*"; and tells it. */
int smtp_auth_cancel(struct smtp_auth *auth, const struct mox_error *why);
int smtp_auth_why(const struct smtp_auth *auth, struct mox_error *err);

/* Behind a refusal: which mechanism it was, and what the server told within it. */
void smtp_auth_explain(const struct smtp_auth *auth, struct mox_error *err);

/* Wipes and frees; accepts NULL. */
void smtp_auth_free(struct smtp_auth *auth);

#endif
