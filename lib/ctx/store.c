/* store.c - see store.h. */
#include "ctx/store.h"

#include "base/limits.h"

static void end_wait(struct ctx_store_op *op)
{
    ctx_timer_clear(op->ctx, &op->timer);
    ctx_event_drop(&op->event);
    ctx_id_end(op->ctx, op->id);
    op->id = 0;
}

static void run_answer(struct ctx_event *event)
{
    struct ctx_store_op *op = (struct ctx_store_op *)event; /* its first member */

    end_wait(op);
    op->done(op);
}

static void run_deadline(struct ctx_event *event)
{
    struct ctx_store_op *op =
        (struct ctx_store_op *)((char *)event - offsetof(struct ctx_store_op, timer.event));

    if (op->answered) /* in this very turn: the answer is queued behind, and counts */
        return;
    op->answered = true;
    op->status = MOX_E_TIMEOUT;
    run_answer(&op->event);
}

/* Gives the op its id and its deadline; without time it is answered. */
static int begin(struct mox_ctx *ctx, struct ctx_store_op *op, uint64_t timeout_us)
{
    *op = (struct ctx_store_op){.ctx = ctx, .item = op->item, .done = op->done};
    op->event.run = run_answer;
    op->timer.event.run = run_deadline;
    op->id = ctx_id_new(ctx, CTX_STORE, op);
    if (op->id == 0)
        return MOX_E_NOMEM;
    if (timeout_us == 0) {
        op->answered = true;
        op->status = MOX_E_TIMEOUT;
        ctx_event_queue(ctx, &op->event);
        return MOX_OK;
    }
    if (ctx_timer_set(ctx, &op->timer, ctx_now_us(ctx) + timeout_us) != MOX_OK) {
        end_wait(op);
        return MOX_E_NOMEM;
    }
    return MOX_OK;
}

/* What the function of the table returned: if no answer comes, this is it. */
static int asked(struct ctx_store_op *op, int status)
{
    if (status != MOX_OK)
        mox_store_done(op->ctx, op->id, status < 0 ? status : MOX_E_CALLBACK, NULL, 0, 0);
    return MOX_OK;
}

int store_get(struct mox_ctx *ctx, struct ctx_store_op *op, const char *key, uint64_t timeout_us)
{
    int status = ctx->store.get == NULL ? MOX_E_UNSUPPORTED : begin(ctx, op, timeout_us);

    if (status != MOX_OK || op->answered)
        return status;
    return asked(op, ctx->store.get(ctx->store.user, op->id, key));
}

int store_put(struct mox_ctx *ctx, struct ctx_store_op *op, const char *key, struct slice value,
              uint32_t ttl_s, uint64_t timeout_us)
{
    int status = ctx->store.put == NULL ? MOX_E_UNSUPPORTED : begin(ctx, op, timeout_us);

    if (status != MOX_OK || op->answered)
        return status;
    return asked(op, ctx->store.put(ctx->store.user, op->id, key, value.ptr, value.len, ttl_s));
}

int store_add(struct mox_ctx *ctx, struct ctx_store_op *op, const char *key, int64_t delta,
              uint32_t ttl_s, uint64_t timeout_us)
{
    int status = ctx->store.add == NULL ? MOX_E_UNSUPPORTED : begin(ctx, op, timeout_us);

    if (status != MOX_OK || op->answered)
        return status;
    return asked(op, ctx->store.add(ctx->store.user, op->id, key, delta, ttl_s));
}

int store_each(struct mox_ctx *ctx, struct ctx_store_op *op, const char *prefix,
               uint64_t timeout_us)
{
    int status = ctx->store.each == NULL ? MOX_E_UNSUPPORTED : begin(ctx, op, timeout_us);

    if (status != MOX_OK || op->answered)
        return status;
    return asked(op, ctx->store.each(ctx->store.user, op->id, prefix));
}

/* An id that names nothing any more when the store gets it, so that the answer is stale; 0: no
 * memory. */
static uint64_t forgotten_id(struct mox_ctx *ctx)
{
    uint64_t id = ctx_id_new(ctx, CTX_STORE, ctx);

    if (id != 0)
        ctx_id_end(ctx, id);
    return id;
}

void store_put_and_forget(struct mox_ctx *ctx, const char *key, struct slice value, uint32_t ttl_s)
{
    uint64_t id = ctx->store.put == NULL ? 0 : forgotten_id(ctx);

    if (id != 0)
        ctx->store.put(ctx->store.user, id, key, value.ptr, value.len, ttl_s);
}

void store_add_and_forget(struct mox_ctx *ctx, const char *key, int64_t delta, uint32_t ttl_s)
{
    uint64_t id = ctx->store.add == NULL ? 0 : forgotten_id(ctx);

    if (id != 0)
        ctx->store.add(ctx->store.user, id, key, delta, ttl_s);
}

void store_cancel(struct ctx_store_op *op)
{
    if (op->id != 0)
        end_wait(op);
    buffer_free(&op->value);
}

/* The op that still waits for this answer; NULL: none does. */
static struct ctx_store_op *waiting(struct mox_ctx *ctx, uint64_t id)
{
    struct ctx_store_op *op = ctx_id_find(ctx, id, CTX_STORE);

    return op == NULL || op->answered ? NULL : op;
}

int mox_store_item(struct mox_ctx *ctx, uint64_t id, const char *key, const void *value, size_t len)
{
    struct ctx_store_op *op = waiting(ctx, id);

    if (op == NULL)
        return MOX_E_STALE;
    if (op->item != NULL && len <= MOX_LIMIT_STORE_VALUE)
        op->item(op, key, (struct slice){value, len});
    return MOX_OK;
}

int mox_store_done(struct mox_ctx *ctx, uint64_t id, int status, const void *value, size_t len,
                   int64_t number)
{
    struct ctx_store_op *op = waiting(ctx, id);

    if (op == NULL)
        return MOX_E_STALE;
    op->answered = true;
    op->number = number;
    op->status = status > 0 ? MOX_E_CALLBACK : status;
    if (op->status == MOX_OK && value != NULL) {
        op->found = true;
        op->status =
            len > MOX_LIMIT_STORE_VALUE ? MOX_E_LIMIT : buffer_append(&op->value, value, len);
    }
    ctx_event_queue(ctx, &op->event);
    return MOX_OK;
}
