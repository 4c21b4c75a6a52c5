/* start.c - the public calls that dial. */
#include "base/error.h"
#include "dial/conn.h"
#include "dial/deliver.h"

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
        if (conn_dial(conn) != d) /* kept from another dial, which it has with it */
            dial_free(d);
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

static const struct ctx_op_class dial_class = {
    .finish = dial_finish, .cancel = dial_cancel, .shutdown = dial_shutdown};

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

/* What the last message on it found, where the host does not say. */
static const struct mox_error *reason_of(const struct mox_conn *conn, const struct mox_error *why)
{
    if (why != NULL)
        return why->code == MOX_OK ? NULL : why;
    return conn->delivery == NULL ? NULL : deliver_why(conn->delivery);
}

mox_op_id mox_dial_next_start(struct mox_conn *conn, const struct mox_error *why, mox_conn_fn *fn,
                              void *arg, struct mox_error *err)
{
    struct dial *d = conn_dial(conn);
    const struct mox_error *reason = reason_of(conn, why);
    bool worn = conn->delivery != NULL && deliver_is_worn(conn->delivery);
    struct mox_error copy;
    mox_op_id id;

    if (lacks_function(fn != NULL, err))
        return 0;
    if (conn_is_delivering(conn)) {
        error_set(err, MOX_E_BUSY, "mox_dial_next: the connection is delivering a message");
        return 0;
    }
    id = ctx_op_start(d->ctx, &d->op, &dial_class, err);
    if (id == 0)
        return 0;
    if (reason != NULL)
        copy = *reason;
    conn_give_up(conn);
    d->conn_fn = fn;
    d->arg = arg;
    dial_resume(d, reason == NULL ? NULL : &copy, worn);
    ctx_arm(d->ctx);
    return id;
}
