/*
 * show_session.h - an open session as JSON and as text: where it is, its TLS, what the server
 * offers.
 */
#ifndef TOOLS_SHOW_SESSION_H
#define TOOLS_SHOW_SESSION_H

#include <stdint.h>

#include <jansson.h>

#include <moxdial.h>

/* Puts the keys of the session; session NULL: all of them, null or empty. */
void show_session_put(json_t *object, const struct mox_session *session);
void show_session_print(const struct mox_session *session);

/* "verified (dane) by the TLSA record 3 1 1 ab12", or why not; of a session under TLS. Returns out.
 */
const char *show_session_verdict(const struct mox_session *session, char *out, size_t cap);

/* Whole days that the server's certificate has left; below 0: it has ended. */
int64_t show_session_days(const struct mox_session *session);

#endif
