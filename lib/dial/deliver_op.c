/* deliver_op.c - the operations of a host that delivers: begun, ended, cancelled, shut down. */
#include "base/error.h"
#include "base/input.h"
#include "base/mem.h"
#include "dial/delivery.h"
#include "dial/history.h"
#include "dial/talk.h"

static void count(const struct deliver_op *o)
{
    struct mox_stats *stats = &delivery_ctx(o->delivery)->stats;
    struct advice_count now = advice_count(o->job.results, o->message.nrcpts);

    stats->rcpts_ok += now.accepted - o->before.accepted;
    stats->rcpts_temp += now.temporary - o->before.temporary;
    stats->rcpts_perm += now.permanent - o->before.permanent;
    stats->messages += now.accepted > o->before.accepted;
}

/* Of a message whose turn would have come had the context not been shut down. */
static int end_pending(const struct deliver_op *o, struct mox_error *err)
{
    int status = MOX_E_CLOSED;

    for (size_t i = 0; i < o->message.nrcpts; i++) {
        struct mox_rcpt_result *result = &o->job.results[i];

        if (result->state != MOX_RCPT_PENDING)
            continue;
        result->code = status = delivery_shut_down(o->delivery, err);
        result->action = MOX_ACTION_LATER;
    }
    return status;
}

/* What befell the recipients; kept for mox_dial_next. */
static int outcome_of(struct deliver_op *o, struct mox_error *err)
{
    struct delivery *v = o->delivery;
    int status;

    advice_learn(v->conn->dial, &o->message, o->job.results);
    advice_settle(v->conn->dial, o->job.results, o->message.nrcpts);
    count(o);
    status = smtp_job_error(&o->job, err);
    mem_free(v->why);
    v->why = NULL;
    if (status == MOX_OK)
        return status;
    if (status == MOX_E_CLOSED && delivery_ctx(v)->shutting_down)
        status = end_pending(o, err);
    v->why = mem_new(sizeof *v->why);
    if (v->why != NULL)
        *v->why = *err;
    return status;
}

static void op_finish(struct ctx_op *op)
{
    struct deliver_op *o = (struct deliver_op *)op; /* its first member */
    mox_done_fn *fn = o->fn;
    void *arg = o->arg;
    struct mox_error err;
    int status = outcome_of(o, &err);

    ctx_event_queue(delivery_ctx(o->delivery), &o->delivery->event);
    deliver_op_free(o);
    fn(arg, status, status == MOX_OK ? NULL : &err);
}

/* What else is under way on the connection cannot go on: half of this one has been said. */
static void op_cancel(struct ctx_op *op)
{
    struct deliver_op *o = (struct deliver_op *)op;
    struct mox_error err;

    if (!o->done) {
        error_set(&err, MOX_E_CLOSED, "the connection ended, for a delivery on it was cancelled");
        delivery_fail(o->delivery, &err);
    } else {
        ctx_event_queue(delivery_ctx(o->delivery), &o->delivery->event); /* as its callback would */
    }
    deliver_op_free(o);
}

static void op_shutdown(struct ctx_op *op)
{
    struct deliver_op *o = (struct deliver_op *)op;
    struct delivery *v = o->delivery;

    v->rules.max_messages = 0;
    if (!o->done)
        ctx_event_queue(delivery_ctx(v), &v->event); /* it looks at the time, and at the body */
}

static void op_resume(struct ctx_op *op)
{
    struct delivery *v = ((struct deliver_op *)op)->delivery;

    ctx_event_queue(delivery_ctx(v), &v->event);
}

static const struct ctx_op_class deliver_class = {
    .finish = op_finish, .cancel = op_cancel, .shutdown = op_shutdown, .resume = op_resume};

static int check_conn(const struct mox_conn *conn, struct mox_error *err)
{
    const struct dial *d = conn->dial;

    if (!smtp_session_ready(&d->smtp) || talk_stage(d) != MOX_STAGE_READY)
        return error_set(err, MOX_E_STATE,
                         "mox_deliver: the connection was dialed to stage %s alone",
                         mox_stage_name(talk_stage(d)));
    if (conn->spoken)
        return error_set(err, MOX_E_STATE,
                         "mox_deliver: the host has spoken on this connection itself");
    if (conn->broken)
        return error_set(err, MOX_E_STATE, "mox_deliver: the connection has ended; dial anew");
    if (conn->watch.fn != NULL)
        return error_set(err, MOX_E_BUSY, "mox_deliver: the connection is being watched");
    return MOX_OK;
}

static int check_message(const struct dial *d, const struct mox_message *message,
                         struct mox_error *err)
{
    if (message->rcpts == NULL || message->nrcpts == 0)
        return error_set(err, MOX_E_INVAL, "mox_message.rcpts: there is no recipient");
    if ((message->flags & MOX_MSG_REQUIRETLS) != 0 &&
        (d->plan->rules.flags & MOX_DIAL_REQUIRETLS) == 0)
        return error_set(err, MOX_E_INVAL,
                         "mox_message.flags: REQUIRETLS, which the dial did not ask for");
    return MOX_OK;
}

static struct deliver_op *take_message(struct mox_conn *conn, const struct mox_message *message,
                                       struct mox_rcpt_result *results, struct mox_error *err)
{
    struct deliver_op *o = mem_new(sizeof *o);
    int status;

    if (o == NULL) {
        error_nomem(err);
        return NULL;
    }
    status = input_take(&o->message, sizeof o->message, message, sizeof(struct mox_message),
                        "mox_message", err);
    if (status == MOX_OK && results == NULL)
        status = error_set(err, MOX_E_INVAL, "mox_deliver: results is NULL");
    if (status == MOX_OK)
        status = check_message(conn->dial, &o->message, err);
    if (status != MOX_OK) {
        mem_free(o);
        return NULL;
    }
    o->job.message = &o->message;
    o->job.results = results;
    o->before = advice_count(results, o->message.nrcpts);
    return o;
}

/* The op is part of the connection from now on; it is freed on failure. */
static mox_op_id enqueue(struct delivery *v, struct deliver_op *o, struct mox_error *err)
{
    mox_op_id id = ctx_op_start(delivery_ctx(v), &o->op, &deliver_class, err);

    if (id != 0 && smtp_mail_add(&v->mail, &o->job, err) != MOX_OK) {
        ctx_op_drop(&o->op);
        id = 0;
    }
    if (id == 0) {
        smtp_job_end(&o->job);
        mem_free(o);
        return 0;
    }
    o->delivery = v;
    part_link(&v->ops, &o->link);
    delivery_take_done(v); /* what need not be sent at all */
    delivery_wake(v);
    return id;
}

mox_op_id mox_deliver_start(struct mox_conn *conn, const struct mox_message *message,
                            struct mox_rcpt_result *results, mox_done_fn *fn, void *arg,
                            struct mox_error *err)
{
    struct deliver_op *o;

    if (fn == NULL) {
        error_set(err, MOX_E_INVAL, "mox_deliver_start: no function to call at the end");
        return 0;
    }
    if (check_conn(conn, err) != MOX_OK)
        return 0;
    o = take_message(conn, message, results, err);
    if (o == NULL)
        return 0;
    if (conn->delivery != NULL)
        history_forget(conn->dial); /* another message */
    else
        conn->delivery = delivery_new(conn);
    if (conn->delivery == NULL) {
        mem_free(o);
        error_nomem(err);
        return 0;
    }
    o->fn = fn;
    o->arg = arg;
    return enqueue(conn->delivery, o, err);
}
