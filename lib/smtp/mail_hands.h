/*
 * mail_hands.h - the two hands of a struct smtp_mail, and what they share; for mail*.c alone.
 */
#ifndef SMTP_MAIL_HANDS_H
#define SMTP_MAIL_HANDS_H

#include "smtp/mail.h"

enum {
    SMTP_MAIL_OUT = 16 << 10,   /* bytes of the output's memory */
    SMTP_MAIL_DIRECT = 8 << 10, /* a piece of the body from here on is written where it lies */
    SMTP_MAIL_BLOCK = 64 << 10  /* bytes of a message for which one deadline holds */
};

static inline struct smtp_transaction *smtp_mail_front(struct smtp_mail *m)
{
    return &m->transactions[m->front];
}

static inline struct smtp_transaction *smtp_mail_back(struct smtp_mail *m)
{
    return &m->transactions[m->back];
}

/* Nobody was accepted and no RCPT is left to be said or answered: DATA is not said. */
static inline bool smtp_mail_is_hopeless(const struct smtp_transaction *t)
{
    return t->job != NULL && t->say == SMTP_STEP_DATA && t->take == SMTP_STEP_RCPT &&
           t->taken == t->said && t->accepted == 0;
}

/*
 * Puts one thing more into the output, which is sent before it is filled again. MOX_OK: go on;
 * MOX_E_AGAIN: there is nothing to say now, or no room; else the body could not be had.
 */
int smtp_mail_say(struct smtp_mail *m, struct mox_error *err);

/* Takes the reply at hand, which is complete and in turn. MOX_OK, or MOX_E_PROTOCOL. */
int smtp_mail_take(struct smtp_mail *m, struct mox_error *err);

/* The same of a refusal that came in the middle of a body: for the recipients of that message. */
void smtp_mail_take_early(struct smtp_mail *m);

/* The step whose reply comes next. */
enum smtp_step smtp_mail_awaited_step(const struct smtp_transaction *t);

/* The front transaction is over. */
void smtp_mail_end_front(struct smtp_mail *m);

/* The job leaves the queue if all of its recipients have ended and no transaction is of it: one may
 * go on without a recipient, for a server that said 354 to none wants its dot. */
void smtp_mail_end_if_done(struct smtp_mail *m, struct smtp_job *job);

#endif
