/* op.c - operations in flight: what mox_op_cancel, mox_ctx_pending and mox_ctx_shutdown speak of.
 */
#include "base/error.h"
#include "base/units.h"
#include "ctx/ctx.h"

static void run_completion(struct ctx_event *event)
{
    struct ctx_op *op = (struct ctx_op *)event; /* its first member */
    struct mox_ctx *ctx = op->ctx;

    ctx_op_drop(op);
    ctx->callbacks++;
    op->class->finish(op);
    ctx->now_us = 0; /* the host may have taken its time */
}

mox_op_id ctx_op_start(struct mox_ctx *ctx, struct ctx_op *op, const struct ctx_op_class *class,
                       struct mox_error *err)
{
    if (ctx->shutting_down) {
        error_set(err, MOX_E_SHUTDOWN, "the context is shutting down; dial again after a restart");
        return 0;
    }
    op->id = ctx_id_new(ctx, CTX_OP, op);
    if (op->id == 0) {
        error_nomem(err);
        return 0;
    }
    op->event.run = run_completion;
    op->ctx = ctx;
    op->class = class;
    op->prev = ctx->ops.prev;
    op->next = &ctx->ops;
    op->prev->next = op->next->prev = op;
    ctx->nops++;
    return op->id;
}

void ctx_op_complete(struct ctx_op *op)
{
    ctx_event_queue(op->ctx, &op->event);
}

void ctx_op_drop(struct ctx_op *op)
{
    if (op->id == 0)
        return;
    ctx_event_drop(&op->event);
    ctx_id_end(op->ctx, op->id);
    op->id = 0;
    op->prev->next = op->next;
    op->next->prev = op->prev;
    op->next = op->prev = NULL;
    op->ctx->nops--;
}

int mox_op_cancel(struct mox_ctx *ctx, mox_op_id id)
{
    struct ctx_op *op = ctx_id_find(ctx, id, CTX_OP);

    if (op == NULL)
        return MOX_E_STALE;
    ctx_op_drop(op);
    op->class->cancel(op);
    ctx_arm(ctx);
    return MOX_OK;
}

int mox_op_resume(struct mox_ctx *ctx, mox_op_id id)
{
    struct ctx_op *op = ctx_id_find(ctx, id, CTX_OP);

    if (op == NULL || op->class->resume == NULL)
        return MOX_E_STALE;
    op->class->resume(op);
    ctx_arm(ctx);
    return MOX_OK;
}

int mox_ctx_pending(const struct mox_ctx *ctx)
{
    return (int)ctx->nops;
}

int mox_ctx_shutdown(struct mox_ctx *ctx, uint32_t grace_ms)
{
    struct ctx_op *op, *next;

    if (!ctx->shutting_down) /* a second call does not lengthen it */
        ctx->grace_us = ctx_now_us(ctx) + us_of_ms(grace_ms);
    ctx->shutting_down = true;
    for (op = ctx->ops.next; op != &ctx->ops; op = next) {
        next = op->next;
        op->class->shutdown(op);
    }
    for (struct ctx_part *part = ctx->parts; part != NULL; part = part->next) {
        if (part->shutdown != NULL)
            part->shutdown(part);
    }
    ctx_arm(ctx);
    return MOX_OK;
}
