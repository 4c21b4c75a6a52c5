/*
 * smtp_client.h - what the owner of a connection does with a session, for the tests of it.
 */
#ifndef SMTP_CLIENT_H
#define SMTP_CLIENT_H

#include "base/buffer.h"
#include "smtp/session.h"

/* Takes all that was read, in packets of that size, then returns to write. *at: bytes taken. */
int smtp_client_feed(struct smtp_session *s, struct slice bytes, size_t packet, size_t *at,
                     struct mox_error *err);

/* Writes what there is, by single bytes, into said. */
void smtp_client_drain(struct smtp_session *s, struct buffer *said);

#endif
