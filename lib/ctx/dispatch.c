/*
 * dispatch.c - events, timers, and the one place where they run.
 *
 * A dispatch runs what is queued and what that queues, up to MOX_LIMIT_EVENTS: an answer that comes
 * inside the question costs no turn of the host's loop, and a host whose callbacks start ever more
 * cannot be kept from its loop for good.
 */
#include <limits.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/units.h"
#include "ctx/ctx.h"

int ctx_timer_set(struct mox_ctx *ctx, struct ctx_timer *timer, uint64_t at_us)
{
    if (at_us == UINT64_MAX) {
        ctx_timer_clear(ctx, timer);
        return MOX_OK;
    }
    if (heap_is_set(&timer->heap) && timer->heap.at_us == at_us)
        return MOX_OK;
    ctx_event_drop(&timer->event);
    return heap_set(&ctx->timers, &timer->heap, at_us);
}

static bool has_events(const struct mox_ctx *ctx)
{
    return ctx->events.next != &ctx->events;
}

/* Microseconds until there is something to do; -1: no deadline. */
static int64_t timeout_us(const struct mox_ctx *ctx)
{
    const struct heap_timer *first = heap_first(&ctx->timers);
    uint64_t now;

    if (has_events(ctx))
        return 0;
    if (first == NULL)
        return -1;
    now = ctx_clock_us(ctx);
    if (first->at_us <= now)
        return 0;
    return first->at_us - now > INT64_MAX ? INT64_MAX : (int64_t)(first->at_us - now);
}

int mox_ctx_timeout_ms(const struct mox_ctx *ctx)
{
    int64_t us = timeout_us(ctx);

    if (us < 0)
        return -1;
    if (us / US_PER_MS >= INT_MAX)
        return INT_MAX;
    return (int)((us + US_PER_MS - 1) / US_PER_MS); /* rounded up: not one turn too early */
}

/* The default loop needs no telling: it is asked to wait no longer than the first deadline. */
void ctx_arm(struct mox_ctx *ctx)
{
    const struct heap_timer *first;
    int64_t at;

    if (ctx->extra.loop != NULL || ctx->loop.timer == NULL || ctx->dispatching)
        return;
    first = heap_first(&ctx->timers);
    at = first == NULL ? -1 : (int64_t)first->at_us;
    if (has_events(ctx))
        at = 0;
    if (at == ctx->told_us)
        return;
    ctx->told_us = at;
    ctx->loop.timer(ctx->loop.user, timeout_us(ctx));
}

/* Those due are collected first and run after, so that what they set waits its turn. */
static void collect_timers(struct mox_ctx *ctx)
{
    const struct heap_timer *first = heap_first(&ctx->timers);
    uint64_t now = first == NULL ? 0 : ctx_now_us(ctx);

    for (; first != NULL && first->at_us <= now; first = heap_first(&ctx->timers)) {
        struct ctx_timer *timer = (struct ctx_timer *)first; /* its first member */

        heap_clear(&ctx->timers, &timer->heap);
        ctx_event_queue(ctx, &timer->event);
    }
}

static void run_events(struct mox_ctx *ctx)
{
    for (int n = 0; n < MOX_LIMIT_EVENTS && has_events(ctx) && !ctx->free_wanted; n++) {
        struct ctx_event *event = ctx->events.next;

        ctx_event_unlink(event);
        event->run(event);
    }
}

static int dispatch(struct mox_ctx *ctx)
{
    int callbacks;

    ctx->dispatching = true;
    ctx->callbacks = 0;
    collect_timers(ctx);
    run_events(ctx);
    ctx->dispatching = false;
    ctx->now_us = 0;
    callbacks = ctx->callbacks;
    if (ctx->free_wanted) {
        mox_ctx_free(ctx);
        return callbacks;
    }
    ctx->told_us = -2; /* the host's timer has fired or may have: tell it anew */
    ctx_arm(ctx);
    return callbacks;
}

int mox_ctx_dispatch(struct mox_ctx *ctx)
{
    int status = MOX_OK, callbacks;

    if (ctx->dispatching)
        return MOX_E_REENTRANT;
    if (ctx->extra.loop != NULL)
        status = ctx->loop.wait(ctx->loop.user, 0);
    callbacks = dispatch(ctx); /* deadlines hold even where the loop is broken */
    return status < 0 ? status : callbacks;
}

/* Sleeps in the loop until something is ready; nothing is run. */
static int sleep_in_loop(struct mox_ctx *ctx, int64_t us)
{
    if (ctx->loop.wait == NULL)
        return us == 0 ? MOX_OK : MOX_E_UNSUPPORTED;
    return ctx->loop.wait(ctx->loop.user, us);
}

int mox_ctx_wait(struct mox_ctx *ctx, int timeout_ms)
{
    int64_t us = timeout_us(ctx), most = timeout_ms < 0 ? -1 : (int64_t)timeout_ms * US_PER_MS;
    int status;

    if (ctx->dispatching)
        return MOX_E_REENTRANT;
    if (us < 0 || (most >= 0 && most < us))
        us = most;
    status = sleep_in_loop(ctx, us);
    return status != MOX_OK ? status : dispatch(ctx);
}

int ctx_may_block(const struct mox_ctx *ctx, struct mox_error *err)
{
    if (ctx->dispatching)
        return error_set(err, MOX_E_REENTRANT,
                         "a blocking call inside a callback; use the function that ends in _start");
    if (ctx->nops > 0)
        return error_set(err, MOX_E_BUSY,
                         "a blocking call while %zu operations are in flight in this context; use "
                         "the function that ends in _start, or a context of its own",
                         ctx->nops);
    return MOX_OK;
}

int ctx_run(struct mox_ctx *ctx, const bool *done, struct mox_error *err)
{
    int status = MOX_OK;

    while (!*done && status == MOX_OK) {
        if (!has_events(ctx))
            status = sleep_in_loop(ctx, timeout_us(ctx));
        if (status == MOX_OK)
            dispatch(ctx);
    }
    if (*done || status == MOX_OK)
        return MOX_OK;
    if (status == MOX_E_UNSUPPORTED)
        return error_set(err, status,
                         "a blocking call needs ops that answer at once, or loop.wait");
    return error_from_op(err, status, "waiting for the network");
}

int mox_ctx_fd(const struct mox_ctx *ctx)
{
    return ctx->extra.loop == NULL || ctx->extra.fd < 0 ? MOX_E_UNSUPPORTED : ctx->extra.fd;
}

void mox_ctx_wakeup(struct mox_ctx *ctx)
{
    if (ctx->extra.wakeup != NULL)
        ctx->extra.wakeup(ctx->extra.loop);
}
