/*
 * mail_world.h - the transaction machine against a scripted server, in memory, with every cut of
 * the bytes in both directions.
 */
#ifndef MAIL_WORLD_H
#define MAIL_WORLD_H

#include "smtp/mail.h"
#include "test.h"

enum { MAIL_RCPTS = 8, MAIL_JOBS = 4, MAIL_TEXT = 512 };

/* What the server waits for, byte by byte, and what it says then. NULL, NULL: the end. */
struct mail_step {
    const char *said, *reply; /* reply NULL: none */
};

struct mail_world { /* of one connection */
    struct smtp_ehlo ehlo;
    struct smtp_mail_rules rules;
    struct smtp_mail m;
    struct mox_message messages[MAIL_JOBS];
    struct mox_rcpt rcpts[MAIL_JOBS][MAIL_RCPTS];
    struct mox_rcpt_result results[MAIL_JOBS][MAIL_RCPTS];
    struct smtp_job jobs[MAIL_JOBS];
    size_t njobs, ndone;
    struct smtp_job *done[MAIL_JOBS]; /* in the order they came */
    struct buffer said;               /* all that the machine wrote */
    size_t writes;                    /* in how many pieces */
    int status;                       /* what ended it; MOX_OK: nothing did */
    struct mox_error err;
};

/* A server that offers the extensions; any number of messages. *w: zero before. */
void mail_world_open(struct mail_world *w, uint32_t extensions);

/* Adds a message; its body is text in memory. to: NULL at the end, unless there are MAIL_RCPTS.
 * Returns it, to be changed until mail_world_add. */
struct mox_message *mail_world_message(struct mail_world *w, const char *from,
                                       const char *const to[], const char *body);

/* Gives the last message to the machine: what smtp_mail_add says. */
int mail_world_add(struct mail_world *w);

/*
 * Plays until nothing moves any more: the server reads out bytes at a time and says in bytes at a
 * time. Returns how many of the steps it went.
 */
size_t mail_world_play(struct mail_world *w, const struct mail_step *steps, size_t out, size_t in);

/* The connection is closed by the server. */
void mail_world_close(struct mail_world *w);

/* Takes the jobs that are done. */
void mail_world_collect(struct mail_world *w);

/* Results of a message as "accepted 250 final none; permanent 550 rcpt give-up" into text. */
const char *mail_world_outcome(const struct mail_world *w, size_t job, char text[MAIL_TEXT]);

void mail_world_end(struct mail_world *w);

#endif
