/*
 * conn.h - struct mox_conn: an open connection, with the dial that it came of.
 */
#ifndef DIAL_CONN_H
#define DIAL_CONN_H

#include "dial/dial.h"

/* Takes the dial's stream and session; d->conn is set. MOX_OK, MOX_E_NOMEM. */
int conn_make(struct dial *d, struct mox_error *err);

/* The host has been given it: it owns the dial from now on. */
void conn_hand_over(struct mox_conn *conn);

/* Closes without a word; the host never had it, or the context ends. */
void conn_end(struct part_link *link);

/* For mox_dial_next: closes the stream with QUIT, frees the connection, gives the dial back. */
struct dial *conn_give_up(struct mox_conn *conn);

/* The dial behind it. */
struct dial *conn_dial(const struct mox_conn *conn);

#endif
