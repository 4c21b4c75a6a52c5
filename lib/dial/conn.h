/*
 * conn.h - struct mox_conn: an open connection, with the dial that it came of.
 */
#ifndef DIAL_CONN_H
#define DIAL_CONN_H

#include "dial/dial.h"

struct delivery;

struct conn_watch {   /* mox_conn_watch: one at a time */
    struct ctx_op op; /* first */
    struct mox_conn *conn;
    mox_done_fn *fn; /* NULL: nobody watches */
    void *arg;
    int events, status; /* asked for; of the end */
};

struct mox_conn {
    struct part_link link;     /* first: of the part's conns or its idle ones */
    struct dial *dial;         /* owned, once handed over; has the stream and the session */
    struct delivery *delivery; /* owned: the messages sent on it; NULL: none was */
    bool handed_over;
    bool spoken; /* the host has written: the dialogue, QUIT included, is its own */
    bool broken; /* the stream failed, and the host was told */
    bool reused; /* it was kept for another message, and no reply has come since */
    int met;     /* what reading ahead met: told by the next read; a system may say it only once */
    struct ctx_timer idle; /* while it is kept */
    struct conn_watch watch;
    struct mox_session view;
};

/* Takes the dial's stream and session; d->conn is set. MOX_OK, MOX_E_NOMEM. */
int conn_make(struct dial *d, struct mox_error *err);

/* The host has been given it: it owns the dial from now on. */
void conn_hand_over(struct mox_conn *conn);

/* Closes, with QUIT where the host had it and the session is sound. */
void conn_end(struct part_link *link);

/* For mox_dial_next: closes the stream with QUIT, frees the connection, gives the dial back. */
struct dial *conn_give_up(struct mox_conn *conn);

/* The dial behind it. */
struct dial *conn_dial(const struct mox_conn *conn);

/* Messages are under way on it. */
bool conn_is_delivering(const struct mox_conn *conn);

/* The session is where it was when the dial ended: nobody spoke, nothing is awaited. */
bool conn_is_sound(const struct mox_conn *conn);

/* What was read and not yet asked for. */
static inline struct buffer *conn_ahead(const struct mox_conn *conn)
{
    return smtp_session_spare(&conn->dial->smtp);
}

#endif
