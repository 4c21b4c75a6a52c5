/*
 * job.h - a message on its way, with what became of each recipient so far. The transactions are
 * mail.h's matter; here is who is still to be sent, and whose result stands.
 */
#ifndef SMTP_JOB_H
#define SMTP_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <moxdial/deliver.h>

#include "base/buffer.h"
#include "smtp/body.h"
#include "smtp/ehlo.h"
#include "smtp/path.h"

struct smtp_mail_rules {          /* borrowed until smtp_mail_free */
    const struct smtp_ehlo *ehlo; /* what the server offers */
    const char *host;             /* for results; NULL: none */
    struct mox_ip remote;
    uint32_t max_messages; /* transactions that may be begun; MAILMAX counted in */
    struct buffer *shared; /* memory for outputs, one after the other, of all machines of an owner;
                              NULL: the machine has its own */
};

/*
 * Where a recipient is. OPEN --RCPT said--> SAID --2xx--> TAKEN --reply to the dot--> ENDED. Back
 * from SAID to OPEN: it was one too many for that transaction.
 */
enum smtp_mark {
    SMTP_MARK_ENDED = 0, /* its result stands */
    SMTP_MARK_OPEN,
    SMTP_MARK_SAID,
    SMTP_MARK_TAKEN
};

enum { SMTP_JOB_FEW = 8 /* recipients whose marks need no memory of their own */ };

struct smtp_job {                      /* the first two set by the owner, the rest zero */
    const struct mox_message *message; /* borrowed; complete: laid over zeroes by the owner */
    struct mox_rcpt_result *results;   /* borrowed; one for each recipient */
    struct smtp_job *next;             /* the machine's queue */
    int status; /* once done: MOX_OK, all accepted, or the code of smtp_job_error */

    /* The machine's own from here on. */
    const struct smtp_mail_rules *rules; /* borrowed; of the connection that it is on */
    struct smtp_body body;
    struct smtp_path sender;
    struct smtp_path rcpt; /* see smtp_job_path */
    size_t whose_path;     /* the recipient of it, from 1; 0: of none */
    uint8_t *marks;        /* enum smtp_mark of each recipient: few, or owned */
    uint8_t few[SMTP_JOB_FEW];
    struct mox_error *gravest; /* owned: of what befell the recipients on this connection, as far as
                                  there was memory; NULL: nothing */
    size_t open;               /* recipients that are OPEN */
    size_t left;               /* … that are not ENDED */
    size_t first;              /* none before it is OPEN */
    uint64_t size;             /* of the message, bytes; 0: not known */
    uint64_t plain;            /* of them, from the start: see smtp_body_trust */
    bool utf8;                 /* SMTPUTF8 is asked for */
    bool opened;               /* the body was, once */
    bool begun;                /* it has had a transaction */
    bool heard;                /* there was a reply to its MAIL */
    bool judged;               /* a recipient was answered, and not by a refusal of our address */
    bool accepted;             /* a recipient was accepted, at least by the reply to RCPT */
    uint8_t rank;              /* enum smtp_rank of gravest */
    size_t whose;              /* the recipient of gravest */
};

/*
 * Checks all of it against what the server offers, and ends the recipients that cannot be sent:
 * maybe all of them. rules: borrowed while the job is in a machine. MOX_OK; MOX_E_INVAL: it is no
 * message, nothing was written to the results; MOX_E_NOMEM.
 */
int smtp_job_start(struct smtp_job *job, const struct smtp_mail_rules *rules,
                   struct mox_error *err);

/* The first OPEN recipient from i on; message->nrcpts: there is none. */
size_t smtp_job_next_open(const struct smtp_job *job, size_t i);

/* The same of another mark. */
size_t smtp_job_next_marked(const struct smtp_job *job, size_t i, enum smtp_mark mark);

/* Its path, borrowed until that of another is asked for; NULL: err says why. There is room for one:
 * that of a single recipient is the one that was made to be checked. */
const struct smtp_path *smtp_job_path(struct smtp_job *job, size_t i, struct mox_error *err);

/* Its RCPT is said. */
void smtp_job_say(struct smtp_job *job, size_t i);

/* It is OPEN again. */
void smtp_job_reopen(struct smtp_job *job, size_t i);

/* A recipient ends, in a state, by an error. */
void smtp_job_settle(struct smtp_job *job, size_t i, int state, const struct mox_error *why);

/* The same in the state that the error says: permanent or temporary. */
void smtp_job_fail_one(struct smtp_job *job, size_t i, const struct mox_error *why);

/* The first of them for all that have the mark. */
void smtp_job_end_marked(struct smtp_job *job, enum smtp_mark mark, int state,
                         const struct mox_error *why);

/* The second. */
void smtp_job_fail(struct smtp_job *job, enum smtp_mark mark, const struct mox_error *why);

/* … and for all that have not ended. */
void smtp_job_fail_all(struct smtp_job *job, const struct mox_error *why);

/* All that have not ended stay pending. */
void smtp_job_leave(struct smtp_job *job, const struct mox_error *why);

/* A reply to the dot, 2xx: those that are TAKEN have it. */
void smtp_job_accept(struct smtp_job *job, int code, struct slice text);

/* All recipients have ended, or are left pending: sets status, closes the body. */
void smtp_job_finish(struct smtp_job *job);

/*
 * The error of a job that is done and not well: the gravest of what befell its recipients, those of
 * earlier calls too. Gravest is what another candidate may mend (action MOX_ACTION_NEXT), then what
 * keeps the message in the queue: temporary, unknown, pending; then permanent; the earliest
 * recipient among equals. Returns its code.
 */
int smtp_job_error(const struct smtp_job *job, struct mox_error *err);

/* Frees what the job holds; it is no longer in a machine. One that is still: break that first. */
void smtp_job_end(struct smtp_job *job);

#endif
