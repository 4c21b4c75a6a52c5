/*
 * delivery.h - what a connection delivers, for deliver.c and deliver_op.c alone: the one moves
 * bytes, the other is the operations that the host started.
 */
#ifndef DIAL_DELIVERY_H
#define DIAL_DELIVERY_H

#include "dial/advice.h"
#include "dial/deliver.h"
#include "smtp/mail.h"

struct deliver_op {   /* a message that the host has handed over */
    struct ctx_op op; /* first */
    struct part_link link;
    struct smtp_job job;
    struct mox_message message; /* complete */
    struct delivery *delivery;
    struct advice_count before; /* recipients of earlier calls */
    mox_done_fn *fn;
    void *arg;
    bool done; /* it is no longer in the machine; its callback is due */
};

struct delivery {           /* of a connection, from its first message on */
    struct ctx_event event; /* first: there may be something to write */
    struct ctx_timer timer;
    struct mox_conn *conn;
    struct part_link ops; /* head: of struct deliver_op */
    struct smtp_mail mail;
    struct smtp_mail_rules rules; /* of the machine */
    struct mox_error *why;        /* owned: see deliver_why */
    uint64_t deadline_us;         /* UINT64_MAX: none */
    uint32_t turn;                /* the machine's, when the deadline was set */
    bool blocked;                 /* the stream takes no more now */
    bool moved;                   /* … and has taken something since the deadline was set */
    bool worn;                    /* see deliver_is_worn */
};

static inline struct mox_ctx *delivery_ctx(const struct delivery *v)
{
    return v->conn->dial->ctx;
}

/* NULL: no memory. */
struct delivery *delivery_new(struct mox_conn *conn);

/* An op has been added to the machine: it is written in the next dispatch. */
void delivery_wake(struct delivery *v);

/* Jobs that are done: out of the machine, and their callbacks due. Whether there was any. */
bool delivery_take_done(struct delivery *v);

/* The connection is of no use any more: all that is under way on it ends by this error, which gets
 * host and address. */
void delivery_fail(struct delivery *v, struct mox_error *err);

/* The error of a shutdown. Returns its code. */
int delivery_shut_down(const struct delivery *v, struct mox_error *err);

/* Frees one that is in no machine any more. */
void deliver_op_free(struct deliver_op *o);

#endif
