/*
 * result.h - what became of one recipient, as the host reads it.
 */
#ifndef SMTP_RESULT_H
#define SMTP_RESULT_H

#include <stdbool.h>

#include <moxdial/deliver.h>

#include "base/slice.h"

/* How grave an outcome is for the whole message, the gravest last. */
enum smtp_rank {
    SMTP_RANK_NONE = 0, /* accepted */
    SMTP_RANK_PERMANENT,
    SMTP_RANK_LATER, /* temporary, unknown, pending: the message stays in the queue */
    SMTP_RANK_NEXT   /* another candidate may help at once */
};

/* Whether it is to be sent: pending, or another candidate was to be asked. */
bool smtp_result_is_open(const struct mox_rcpt_result *r);

/* enum smtp_rank. */
int smtp_result_rank(const struct mox_rcpt_result *r);

/* MOX_OK: accepted; else why not, also where a host has kept no more than the state. */
int smtp_result_code(const struct mox_rcpt_result *r);

/* Ends in a state, by an error: its code, stage, reply and what to do; host and address stay. */
void smtp_result_set(struct mox_rcpt_result *r, int state, const struct mox_error *why);

/* The server has taken the message: the reply to the dot. text: as smtp_reply_text gives it. */
void smtp_result_accept(struct mox_rcpt_result *r, int code, struct slice text);

/* An error again, for a result of which no more is known. Returns its code. */
int smtp_result_error(const struct mox_rcpt_result *r, struct mox_error *err);

#endif
