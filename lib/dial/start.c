/* start.c - the public calls that dial: begun, and run to their end. */
#include "base/error.h"
#include "dial/conn.h"
#include "dial/dial.h"

/* What the host is told of the end; without memory for it, that. */
static void end_error(const struct dial *d, struct mox_error *err)
{
    if (d->error != NULL)
        *err = *d->error;
    else
        error_nomem(err);
}

/* All is given back before the callback: the host may use the plan again in it. */
static void dial_finish(struct ctx_op *op)
{
    struct dial *d = (struct dial *)op; /* its first member */
    struct mox_conn *conn = d->conn;
    mox_conn_fn *conn_fn = d->conn_fn;
    mox_done_fn *done_fn = d->done_fn;
    void *arg = d->arg;
    int status = d->status;
    struct mox_error err;

    if (conn != NULL) {
        conn_hand_over(conn);
        conn_fn(arg, MOX_OK, conn, NULL);
        return;
    }
    if (status != MOX_OK)
        end_error(d, &err);
    dial_free(d);
    if (conn_fn != NULL)
        conn_fn(arg, status, NULL, &err);
    else
        done_fn(arg, status, status == MOX_OK ? NULL : &err);
}

static void dial_cancel(struct ctx_op *op)
{
    struct dial *d = (struct dial *)op;

    if (d->conn != NULL)
        conn_end((struct part_link *)d->conn); /* nobody has seen it */
    dial_free(d);
}

static void dial_shutdown(struct ctx_op *op)
{
    struct dial *d = (struct dial *)op;
    struct mox_error err;

    if (d->state == DIAL_DONE)
        return;
    error_set(&err, MOX_E_SHUTDOWN, "the context was shut down while it dialed; dial again later");
    dial_stop(d, &err);
}

static const struct ctx_op_class dial_class = {dial_finish, dial_cancel, dial_shutdown};

/* Without a function nobody would hear of the end, or own the connection. */
static bool lacks_function(bool given, struct mox_error *err)
{
    if (!given)
        error_set(err, MOX_E_INVAL, "no function to call at the end");
    return !given;
}

/* The dial has its callback. It is freed on failure. */
static mox_op_id start(struct dial *d, struct mox_error *err)
{
    mox_op_id id = ctx_op_start(d->ctx, &d->op, &dial_class, err);

    if (id == 0) {
        dial_free(d);
        return 0;
    }
    if (dial_begin(d, err) != MOX_OK) {
        ctx_op_drop(&d->op);
        dial_free(d);
        return 0;
    }
    ctx_arm(d->ctx);
    return id;
}

mox_op_id mox_dial_start(struct mox_ctx *ctx, const struct mox_dial_request *request,
                         mox_conn_fn *fn, void *arg, struct mox_error *err)
{
    struct dial *d = lacks_function(fn != NULL, err) ? NULL : dial_new(ctx, request, false, err);

    if (d == NULL)
        return 0;
    d->conn_fn = fn;
    d->arg = arg;
    return start(d, err);
}

mox_op_id mox_plan_resolve_start(struct mox_ctx *ctx, const struct mox_dial_request *request,
                                 mox_done_fn *fn, void *arg, struct mox_error *err)
{
    struct dial *d = lacks_function(fn != NULL, err) ? NULL : dial_new(ctx, request, true, err);

    if (d == NULL)
        return 0;
    d->done_fn = fn;
    d->arg = arg;
    return start(d, err);
}

mox_op_id mox_dial_next_start(struct mox_conn *conn, const struct mox_error *why, mox_conn_fn *fn,
                              void *arg, struct mox_error *err)
{
    struct dial *d = conn_dial(conn);
    mox_op_id id;

    if (lacks_function(fn != NULL, err))
        return 0;
    id = ctx_op_start(d->ctx, &d->op, &dial_class, err);
    if (id == 0)
        return 0;
    conn_give_up(conn);
    d->conn_fn = fn;
    d->arg = arg;
    dial_resume(d, why == NULL || why->code == MOX_OK ? NULL : why);
    ctx_arm(d->ctx);
    return id;
}

/* A blocking call and what it waits for. */
struct blocked {
    bool done;
    int status;
    struct mox_conn *conn;
    struct mox_error *err;
};

static void end_block(struct blocked *b, int status, const struct mox_error *err)
{
    b->done = true;
    b->status = status;
    if (status == MOX_OK)
        error_none(b->err);
    else if (b->err != NULL)
        *b->err = *err;
}

static void on_conn(void *arg, int status, struct mox_conn *conn, const struct mox_error *err)
{
    struct blocked *b = arg;

    b->conn = conn;
    end_block(b, status, err);
}

static void on_done(void *arg, int status, const struct mox_error *err)
{
    end_block(arg, status, err);
}

/* id 0: it could not start, and the error says why. */
static int block_on(struct mox_ctx *ctx, struct blocked *b, mox_op_id id, int not_started)
{
    int status;

    if (id == 0)
        return not_started;
    status = ctx_run(ctx, &b->done, b->err);
    if (status != MOX_OK)
        mox_op_cancel(ctx, id);
    return status != MOX_OK ? status : b->status;
}

int mox_plan_resolve(struct mox_ctx *ctx, const struct mox_dial_request *request,
                     struct mox_error *err)
{
    struct mox_error why = {0};
    struct blocked b = {.err = err != NULL ? err : &why};
    int status = ctx_may_block(ctx, err);
    mox_op_id id;

    if (status != MOX_OK)
        return status;
    id = mox_plan_resolve_start(ctx, request, on_done, &b, b.err);
    return block_on(ctx, &b, id, b.err->code);
}

int mox_dial(struct mox_ctx *ctx, const struct mox_dial_request *request, struct mox_conn **out,
             struct mox_error *err)
{
    struct mox_error why = {0};
    struct blocked b = {.err = err != NULL ? err : &why};
    int status = ctx_may_block(ctx, err);
    mox_op_id id;

    *out = NULL;
    if (status != MOX_OK)
        return status;
    id = mox_dial_start(ctx, request, on_conn, &b, b.err);
    status = block_on(ctx, &b, id, b.err->code);
    *out = b.conn;
    return status;
}

int mox_dial_next(struct mox_conn **conn, const struct mox_error *why, struct mox_error *err)
{
    struct mox_error reason, own = {0};
    struct blocked b = {.err = err != NULL ? err : &own};
    struct mox_conn *old = *conn;
    struct mox_ctx *ctx = conn_dial(old)->ctx;
    int status = ctx_may_block(ctx, err);
    mox_op_id id = 0;

    *conn = NULL;
    if (why != NULL)
        reason = *why; /* the caller may give the same struct for both */
    if (status == MOX_OK) {
        id = mox_dial_next_start(old, why == NULL ? NULL : &reason, on_conn, &b, b.err);
        status = b.err->code;
    }
    if (id == 0) {
        mox_conn_close(old);
        return status;
    }
    status = block_on(ctx, &b, id, status);
    *conn = b.conn;
    return status;
}

/* mox_conn_wait: the watch or its time, whichever comes first. */
struct waiting {
    struct ctx_timer timer; /* first */
    struct blocked blocked;
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
    struct mox_error err;
    struct waiting w = {.blocked = {.err = &err}, .timer.event.run = on_timeout};
    int status = ctx_may_block(ctx, &err);
    mox_op_id id;

    if (status != MOX_OK)
        return status;
    id = mox_conn_watch(conn, events, on_done, &w.blocked, &err);
    if (id == 0)
        return err.code;
    if (timeout_ms >= 0)
        status = ctx_timer_set(ctx, &w.timer, ctx_now_us(ctx) + (uint64_t)timeout_ms * 1000);
    if (status == MOX_OK)
        status = ctx_run(ctx, &w.blocked.done, &err);
    ctx_timer_clear(ctx, &w.timer);
    mox_op_cancel(ctx, id); /* stale where the watch has ended */
    return status != MOX_OK ? status : w.blocked.status;
}
