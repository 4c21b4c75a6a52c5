/*
 * mail.h - the mail transactions of one connection as a machine without I/O and clock: bytes in,
 * bytes out (RFC 5321 section 3.3; PIPELINING: RFC 2920; LIMITS: RFC 9422; DSN: RFC 3461).
 *
 * The owner of the connection writes what smtp_mail_output shows, tells what was written with
 * smtp_mail_sent, gives what it read to smtp_mail_input, and keeps the deadline. It reads while it
 * writes: a server that gets thousands of recipients at once answers them as they come. After each
 * of these calls smtp_mail_take_done gives the jobs that have come to their end.
 *
 * Two hands work in it: one says commands, the other takes their replies in the same order; with
 * PIPELINING the first runs ahead, at most to the next DATA, where it waits for the other, and so
 * the envelope of the next message rides behind the final dot of the one before.
 */
#ifndef SMTP_MAIL_H
#define SMTP_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <moxdial/deliver.h>

#include "base/buffer.h"
#include "base/slice.h"
#include "smtp/job.h"
#include "smtp/reply.h"

/*
 * Where a hand is in a transaction. Both walk the same way:
 *
 * RSET --> MAIL --> RCPT, for each recipient --> DATA --> BODY --> END
 *                     |                          |  take: a reply that is not 354
 *                     `--------------------------'-------------------------------> END
 *                         nobody was accepted, and DATA has not been said
 *
 * RSET is said only if the transaction before was left without a dot. BODY is for the one hand the
 * message and its dot, for the other the reply to the dot.
 */
enum smtp_step {
    SMTP_STEP_RSET = 0,
    SMTP_STEP_MAIL,
    SMTP_STEP_RCPT,
    SMTP_STEP_DATA,
    SMTP_STEP_BODY,
    SMTP_STEP_DOT, /* say only */
    SMTP_STEP_END
};

/* Which of the host's deadlines holds; each is for a whole reply, or for a block of the body to be
 * taken. */
enum smtp_mail_deadline {
    SMTP_MAIL_DEADLINE_NONE = 0, /* nothing is awaited, or the host's reader is */
    SMTP_MAIL_DEADLINE_MAIL,     /* RSET's reply too */
    SMTP_MAIL_DEADLINE_RCPT,
    SMTP_MAIL_DEADLINE_DATA,
    SMTP_MAIL_DEADLINE_BLOCK,
    SMTP_MAIL_DEADLINE_FINAL
};

struct smtp_transaction { /* all zero: none */
    struct smtp_job *job; /* NULL: none */
    size_t next;          /* the first recipient whose RCPT may still be said */
    size_t heard;         /* … whose reply may still come: the search begins there */
    uint32_t said, taken; /* RCPT commands, and their replies */
    uint32_t accepted;    /* recipients */
    uint8_t say, take;    /* enum smtp_step at which each hand is */
    bool refused;         /* MAIL was: the replies to RCPT no longer matter */
    bool odd;    /* … and yet a recipient was accepted: there is no saying what DATA does */
    bool full;   /* the server takes no more recipients */
    bool dotted; /* the dot was written completely */
};

struct smtp_mail { /* all zero: not started; smtp_mail_free is allowed */
    const struct smtp_mail_rules *rules;
    struct smtp_job *first, *last;           /* the queue; its first has the front transaction */
    struct smtp_job *done_first, *done_last; /* for smtp_mail_take_done */
    struct smtp_transaction transactions[2]; /* front: whose replies come; back: what is said */
    struct smtp_reply reply;                 /* the one that is awaited */
    struct buffer out;                       /* commands and small pieces, whole until it is sent */
    struct slice piece;                      /* of the body: what is left of the one at hand */
    size_t body_end;                         /* where in out commands begin: before it is message */
    size_t dot_end;                /* where in out the dot has its end; 0: it is not there */
    size_t block;                  /* bytes of the message written since the deadline began */
    uint32_t said, written, taken; /* commands with a reply each: put into out, written, answered */
    uint32_t begun;                /* transactions */
    uint32_t kept;                 /* … when the connection was kept for somebody else */
    uint32_t messages;             /* transactions that ended with an accepted dot */
    uint32_t turn;                 /* counts the deadlines */
    uint8_t front, back;           /* in transactions */
    bool direct;                   /* piece is the output */
    bool starved;                  /* the body's reader had nothing */
    bool reset;     /* the server still holds an envelope: RSET before the next MAIL */
    bool early;     /* the reply at hand began before its command was written */
    bool in_body;   /* … and in the middle of a message */
    bool quit;      /* QUIT is put behind the last message; its reply is not awaited */
    bool dismissed; /* 421 was the first word on the job that ran */
    bool broken;
};

/* *m: zero or freed before. rules: borrowed until smtp_mail_free. */
void smtp_mail_start(struct smtp_mail *m, const struct smtp_mail_rules *rules);

/*
 * At the end of the queue. job, its message and results: borrowed until it comes out of
 * smtp_mail_take_done. MOX_OK: it will, maybe at once; MOX_E_INVAL (sender, flags, envid, …),
 * MOX_E_NOMEM, MOX_E_STATE: m is broken; then m does not know it, and smtp_job_end is due.
 */
int smtp_mail_add(struct smtp_mail *m, struct smtp_job *job, struct mox_error *err);

/*
 * What to write now, borrowed until smtp_mail_sent has covered it: until then it is the same,
 * whatever else is called. MOX_OK: out->len 0: nothing now; MOX_E_AGAIN: nothing until the body's
 * reader has more. Else the message could not be read: m is broken, only closing is left, and the
 * jobs are done.
 */
int smtp_mail_output(struct smtp_mail *m, struct slice *out, struct mox_error *err);

/* Of the first n bytes of the output, the commands, the dot among them: for logs, where the message
 * has no place. Borrowed as the output is. */
struct slice smtp_mail_commands(const struct smtp_mail *m, size_t n);

/* The first n bytes of the output have been written. */
void smtp_mail_sent(struct smtp_mail *m, size_t n);

/*
 * Takes bytes, whole replies or parts. *used: bytes taken; all, unless m broke. MOX_OK: look at
 * smtp_mail_is_broken: 421, and a refusal in the middle of a body, end the connection in order.
 * MOX_E_PROTOCOL, MOX_E_LIMIT, MOX_E_NOMEM, with err->stage set: m is broken, the jobs are done.
 */
int smtp_mail_input(struct smtp_mail *m, struct slice bytes, size_t *used, struct mox_error *err);

/* The connection was kept, and now serves another owner: what he adds is its first message. */
void smtp_mail_renew(struct smtp_mail *m);

/*
 * The connection is over. why: closed, timed out, shutdown. Every job is done, each recipient by
 * how far it got: whose results stand keep them; the dot written and no reply to it: unknown; else
 * temporary; of the jobs behind: pending, with MOX_E_CLOSED. Of a broken machine nothing changes.
 */
void smtp_mail_break(struct smtp_mail *m, const struct mox_error *why);

/* The first job that is done, out of the queue; NULL: none. */
struct smtp_job *smtp_mail_take_done(struct smtp_mail *m);

/* A reply is due. */
bool smtp_mail_awaits(const struct smtp_mail *m);

/* 421, a reply in the middle of a body, a failure, smtp_mail_break: only closing is left. */
bool smtp_mail_is_broken(const struct smtp_mail *m);

/* It is broken by a 421 that was the first word on the message that ran: of a server that only was
 * tired of the connection. */
bool smtp_mail_is_dismissed(const struct smtp_mail *m);

/* No job, nothing awaited: QUIT may be said, the connection may be kept. */
bool smtp_mail_is_idle(const struct smtp_mail *m);

/* QUIT has been said, behind the last message: only closing is left once it is idle. */
bool smtp_mail_has_quit(const struct smtp_mail *m);

/* No further transaction may begin: QUIT once it is idle. A job that is added ends at once. */
bool smtp_mail_is_spent(const struct smtp_mail *m);

/* The server holds an envelope without a message, as the machine's next MAIL considers by RSET: a
 * connection that somebody else goes on with needs that too. */
bool smtp_mail_needs_reset(const struct smtp_mail *m);

/* The first job is past DATA's 354: a shutdown lets it finish. */
bool smtp_mail_in_body(const struct smtp_mail *m);

/* enum smtp_mail_deadline. */
int smtp_mail_deadline_kind(const struct smtp_mail *m);

/* Changes whenever the deadline begins anew. */
uint32_t smtp_mail_turn(const struct smtp_mail *m);

/* Transactions that ended with an accepted dot. */
uint32_t smtp_mail_messages(const struct smtp_mail *m);

/* What is waited for, for a sentence: "reply to RCPT TO"; "": nothing. */
const char *smtp_mail_awaited(const struct smtp_mail *m);

/* enum mox_stage: the one at work; MOX_STAGE_READY: none; MOX_STAGE_QUIT: m is broken. */
int smtp_mail_stage(const struct smtp_mail *m);

/* Frees what it holds; all zero again. Jobs that are still in it: break it first. */
void smtp_mail_free(struct smtp_mail *m);

#endif
