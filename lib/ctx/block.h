/*
 * block.h - a blocking call: something is started, and the context runs until its callback.
 */
#ifndef CTX_BLOCK_H
#define CTX_BLOCK_H

#include <stdbool.h>

#include <moxdial/conn.h>

struct block { /* it is the `arg` of what is started */
    bool done;
    int status;
    struct mox_conn *conn;
    struct mox_error *err; /* the caller's, or own; filled when it is done */
    struct mox_error own;
};

/* Before anything is started. err: the caller's, NULL: it does not care. MOX_OK, or why this
 * context cannot wait. */
int block_begin(struct block *b, struct mox_ctx *ctx, struct mox_error *err);

/* The callbacks to start with. */
void block_on_conn(void *arg, int status, struct mox_conn *conn, const struct mox_error *err);
void block_on_done(void *arg, int status, const struct mox_error *err);

/* Waits for what has this id, which is cancelled if the wait fails. id 0: it could not start, and
 * b->err says why. Returns the status it ended with. */
int block_run(struct mox_ctx *ctx, struct block *b, mox_op_id id);

#endif
