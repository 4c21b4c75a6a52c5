/* block.c - see block.h. */
#include "ctx/block.h"

#include "base/error.h"
#include "ctx/ctx.h"

static void end(struct block *b, int status, const struct mox_error *err)
{
    b->done = true;
    b->status = status;
    if (status == MOX_OK)
        error_none(b->err);
    else
        *b->err = *err;
}

int block_begin(struct block *b, struct mox_ctx *ctx, struct mox_error *err)
{
    b->done = false;
    b->conn = NULL;
    b->own = (struct mox_error){0};
    b->err = err != NULL ? err : &b->own;
    return ctx_may_block(ctx, b->err);
}

void block_on_conn(void *arg, int status, struct mox_conn *conn, const struct mox_error *err)
{
    struct block *b = arg;

    b->conn = conn;
    end(b, status, err);
}

void block_on_done(void *arg, int status, const struct mox_error *err)
{
    end(arg, status, err);
}

int block_run(struct mox_ctx *ctx, struct block *b, mox_op_id id)
{
    int status;

    if (id == 0)
        return b->err->code;
    status = ctx_run(ctx, &b->done, b->err);
    if (status != MOX_OK)
        mox_op_cancel(ctx, id);
    return status != MOX_OK ? status : b->status;
}
