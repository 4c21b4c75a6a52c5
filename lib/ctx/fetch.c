/* fetch.c - see fetch.h. The deadline is told to the fetcher, and kept here too. */
#include "ctx/fetch.h"

#include "base/units.h"

static void end_wait(struct ctx_fetch *fetch)
{
    ctx_timer_clear(fetch->ctx, &fetch->timer);
    ctx_event_drop(&fetch->event);
    ctx_id_end(fetch->ctx, fetch->id);
    fetch->id = 0;
}

static void run_answer(struct ctx_event *event)
{
    struct ctx_fetch *fetch = (struct ctx_fetch *)event; /* its first member */

    end_wait(fetch);
    fetch->done(fetch);
}

/* After a fork the connection is the parent's, and is not to be closed in words. */
static void tell_cancel(struct ctx_fetch *fetch)
{
    const struct mox_fetch_ops *ops = &fetch->ctx->fetch;

    if (ops->cancel != NULL && !fetch->ctx->forked)
        ops->cancel(ops->user, fetch->id);
}

static void run_deadline(struct ctx_event *event)
{
    struct ctx_fetch *fetch =
        (struct ctx_fetch *)((char *)event - offsetof(struct ctx_fetch, timer.event));

    if (fetch->answered) /* in this very turn: the answer is queued behind, and counts */
        return;
    tell_cancel(fetch);
    fetch->answered = true;
    fetch->status = MOX_E_TIMEOUT;
    run_answer(&fetch->event);
}

static uint32_t in_ms(uint64_t us)
{
    return us / US_PER_MS >= UINT32_MAX ? UINT32_MAX : (uint32_t)((us + US_PER_MS - 1) / US_PER_MS);
}

int fetch_start(struct mox_ctx *ctx, struct ctx_fetch *fetch, const char *url, size_t max_bytes,
                uint64_t timeout_us)
{
    int status;

    *fetch = (struct ctx_fetch){.ctx = ctx, .max_bytes = max_bytes, .done = fetch->done};
    fetch->event.run = run_answer;
    fetch->timer.event.run = run_deadline;
    if (ctx->fetch.fetch == NULL)
        return MOX_E_UNSUPPORTED;
    fetch->id = ctx_id_new(ctx, CTX_FETCH, fetch);
    if (fetch->id == 0)
        return MOX_E_NOMEM;
    if (ctx_timer_set(ctx, &fetch->timer, ctx_now_us(ctx) + timeout_us) != MOX_OK) {
        end_wait(fetch);
        return MOX_E_NOMEM;
    }
    status = ctx->fetch.fetch(ctx->fetch.user, fetch->id, url, max_bytes, in_ms(timeout_us));
    if (status != MOX_OK) /* no answer comes: this is it */
        mox_fetch_answer(ctx, fetch->id, status < 0 ? status : MOX_E_CALLBACK, NULL, 0);
    return MOX_OK;
}

void fetch_cancel(struct ctx_fetch *fetch)
{
    if (fetch->id != 0) {
        if (!fetch->answered)
            tell_cancel(fetch);
        end_wait(fetch);
    }
    buffer_free(&fetch->body);
}

int mox_fetch_answer(struct mox_ctx *ctx, uint64_t id, int http_status, const void *body,
                     size_t len)
{
    enum { FIRST_STATUS = 100, LAST_STATUS = 999 };
    struct ctx_fetch *fetch = ctx_id_find(ctx, id, CTX_FETCH);
    int status = http_status;

    if (fetch == NULL || fetch->answered)
        return MOX_E_STALE;
    if (status >= 0 && (status < FIRST_STATUS || status > LAST_STATUS))
        status = MOX_E_CALLBACK;
    if (status > 0 && len > fetch->max_bytes)
        status = MOX_E_LIMIT;
    if (status > 0 && len > 0 && buffer_append(&fetch->body, body, len) != MOX_OK)
        status = MOX_E_NOMEM;
    fetch->answered = true;
    fetch->status = status;
    ctx_event_queue(ctx, &fetch->event);
    return MOX_OK;
}
