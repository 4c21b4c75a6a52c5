/* blocking.c - the public calls that block: what each starts is run to its end. */
#include <moxdial/deliver.h>

#include "base/units.h"
#include "ctx/block.h"
#include "dial/conn.h"

int mox_plan_resolve(struct mox_ctx *ctx, const struct mox_dial_request *request,
                     struct mox_error *err)
{
    struct block b;
    int status = block_begin(&b, ctx, err);
    mox_op_id id;

    if (status != MOX_OK)
        return status;
    id = mox_plan_resolve_start(ctx, request, block_on_done, &b, b.err);
    return block_run(ctx, &b, id);
}

int mox_dial(struct mox_ctx *ctx, const struct mox_dial_request *request, struct mox_conn **out,
             struct mox_error *err)
{
    struct block b;
    int status = block_begin(&b, ctx, err);
    mox_op_id id;

    *out = NULL;
    if (status != MOX_OK)
        return status;
    id = mox_dial_start(ctx, request, block_on_conn, &b, b.err);
    status = block_run(ctx, &b, id);
    *out = b.conn;
    return status;
}

int mox_dial_next(struct mox_conn **conn, const struct mox_error *why, struct mox_error *err)
{
    struct mox_error reason;
    struct block b;
    struct mox_conn *old = *conn;
    struct mox_ctx *ctx = conn_dial(old)->ctx;
    mox_op_id id = 0;
    int status;

    if (why != NULL)
        reason = *why; /* the caller may give the same struct for both */
    status = block_begin(&b, ctx, err);
    *conn = NULL;
    if (status == MOX_OK) {
        id = mox_dial_next_start(old, why == NULL ? NULL : &reason, block_on_conn, &b, b.err);
        status = b.err->code;
    }
    if (id == 0) {
        mox_conn_close(old);
        return status;
    }
    status = block_run(ctx, &b, id);
    *conn = b.conn;
    return status;
}

/* mox_conn_wait: the watch or its time, whichever comes first. */
struct waiting {
    struct ctx_timer timer; /* first */
    struct block blocked;
};

static void on_timeout(struct ctx_event *event)
{
    struct waiting *w = (struct waiting *)((char *)event - offsetof(struct ctx_timer, event));

    if (w->blocked.done) /* it held in the same moment */
        return;
    w->blocked.done = true;
    w->blocked.status = MOX_E_TIMEOUT;
}

int mox_conn_wait(struct mox_conn *conn, int events, int timeout_ms)
{
    struct mox_ctx *ctx = conn_dial(conn)->ctx;
    struct waiting w = {.timer.event.run = on_timeout};
    int status = block_begin(&w.blocked, ctx, NULL);
    mox_op_id id;

    if (status != MOX_OK)
        return status;
    id = mox_conn_watch(conn, events, block_on_done, &w.blocked, w.blocked.err);
    if (id == 0)
        return w.blocked.err->code;
    if (timeout_ms >= 0)
        status = ctx_timer_set(ctx, &w.timer, ctx_now_us(ctx) + us_of_ms((uint64_t)timeout_ms));
    if (status == MOX_OK)
        status = ctx_run(ctx, &w.blocked.done, w.blocked.err);
    ctx_timer_clear(ctx, &w.timer);
    mox_op_cancel(ctx, id); /* stale where the watch has ended */
    return status != MOX_OK ? status : w.blocked.status;
}

int mox_deliver(struct mox_conn *conn, const struct mox_message *message,
                struct mox_rcpt_result *results, struct mox_error *err)
{
    struct mox_ctx *ctx = conn_dial(conn)->ctx;
    struct block b;
    int status = block_begin(&b, ctx, err);
    mox_op_id id;

    if (status != MOX_OK)
        return status;
    id = mox_deliver_start(conn, message, results, block_on_done, &b, b.err);
    return block_run(ctx, &b, id);
}
