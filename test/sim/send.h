/*
 * send.h - a host of a run that delivers: on its connection message after message, some ahead; then
 * with the next candidate what another one may help; then on another connection the same again.
 */
#ifndef SIM_SEND_H
#define SIM_SEND_H

#include "test/sim/seed.h"

struct run_dial;

struct send_mail { /* a message of a dial */
    struct run_dial *d;
    const struct seed_mail *facts;
    const char *text; /* header with a name of its own, body */
    size_t len, at;   /* at: of its reader */
    unsigned pauses;  /* that the reader still takes */
    char name[SEED_TEXT];
    char addresses[SEED_RCPTS][SEED_TEXT];
    struct mox_rcpt rcpts[SEED_RCPTS];
    struct mox_rcpt_result results[SEED_RCPTS];
    struct mox_message message;
    mox_op_id id;    /* 0: not under way */
    unsigned calls;  /* callbacks so far */
    int round;       /* the last for which it was begun */
    bool abandoned;  /* cancelled, or its connection closed: no callback, nothing is known */
    bool read, over; /* its reader began; no recipient is open */
};

struct send { /* of a dial; all zero: nothing was begun */
    struct send_mail mails[SEED_MAILS];
    bool made;
    int repeats;          /* times that all is sent again by another dial */
    int rounds;           /* connections of this sending */
    bool stopped;         /* no connection follows: none was to be had, or the host wants none */
    char last[SEED_TEXT]; /* host and address of the latest one */
};

/* The dial has a connection: what is to be sent is. */
void send_begin(struct run_dial *d);

/* The connection is to the address of the one before, which had carried as many messages as it
 * might, or was kept and found closed: no other session of the dial. */
bool send_is_again(struct run_dial *d);

/* Deliveries under way. */
int send_in_flight(const struct run_dial *d);

/* The host has had as many connections as it ever makes for one sending. */
bool send_is_out_of_rounds(const struct run_dial *d);

/* The connection, or the context, is about to go: nobody will be called. */
void send_abandon(struct run_dial *d);

/* Cancels one that is under way, if any is. */
void send_cancel(struct run_dial *d);

/* Results against what servers took. */
void check_mail_of(struct run_dial *d);

/* A delivery has ended on the connection of its dial: a refusal of our address is for good only if
 * every other host was looked up and asked, and said 5xx. */
void check_for_good(const struct send_mail *m);

#endif
