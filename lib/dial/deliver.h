/*
 * deliver.h - messages on an open connection: moves bytes between the stream and the machine of
 * smtp/mail.h, keeps its deadlines, and says what a refusal means for the dial.
 */
#ifndef DIAL_DELIVER_H
#define DIAL_DELIVER_H

#include "dial/conn.h"

/* The connection was kept, and serves another dial. */
void deliver_renew(struct delivery *v);

/* What the last message that was not taken by all ended with; NULL: none was refused. */
const struct mox_error *deliver_why(const struct delivery *v);

/* Messages are under way. */
bool deliver_is_busy(const struct delivery *v);

/* Nothing is under way or awaited, and more may be said. */
bool deliver_is_sound(const struct delivery *v);

/* No message can follow: it broke, or has carried as many as it may. */
bool deliver_is_over(const struct delivery *v);

/* The server did not refuse: the connection was stale, or had carried as many as it may. */
bool deliver_is_worn(const struct delivery *v);

/* Transactions that ended well. */
uint32_t deliver_messages(const struct delivery *v);

/* Ends those under way in silence; accepts NULL. */
void deliver_free(struct delivery *v);

#endif
