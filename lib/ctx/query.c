/* query.c - see query.h. */
#include "ctx/query.h"

#include "base/limits.h"
#include "base/mem.h"

static void end_wait(struct ctx_query *query)
{
    ctx_timer_clear(query->ctx, &query->timer);
    ctx_event_drop(&query->event);
    ctx_id_end(query->ctx, query->id);
    query->id = 0;
}

static void run_answer(struct ctx_event *event)
{
    struct ctx_query *query = (struct ctx_query *)event; /* its first member */

    end_wait(query);
    if (query->status != MOX_OK)
        query->ctx->stats.dns_failures++;
    query->done(query);
}

static void run_deadline(struct ctx_event *event)
{
    struct ctx_query *query =
        (struct ctx_query *)((char *)event - offsetof(struct ctx_query, timer.event));

    if (query->answered) /* in this very turn: the answer is queued behind, and counts */
        return;
    if (query->ctx->dns.cancel != NULL)
        query->ctx->dns.cancel(query->ctx->dns.user, query->id);
    query->answered = true;
    query->status = MOX_E_TIMEOUT;
    run_answer(&query->event);
}

int query_start(struct mox_ctx *ctx, struct ctx_query *query, const char *name, uint16_t type,
                uint64_t timeout_us)
{
    int status;

    *query = (struct ctx_query){.ctx = ctx, .name = name, .type = type, .done = query->done};
    query->event.run = run_answer;
    query->timer.event.run = run_deadline;
    if (ctx->dns.query == NULL)
        return MOX_E_UNSUPPORTED;
    query->id = ctx_id_new(ctx, CTX_QUERY, query);
    if (query->id == 0)
        return MOX_E_NOMEM;
    if (ctx_timer_set(ctx, &query->timer, ctx_now_us(ctx) + timeout_us) != MOX_OK) {
        end_wait(query);
        return MOX_E_NOMEM;
    }
    ctx->stats.dns_queries++;
    status = ctx->dns.query(ctx->dns.user, query->id, name, type);
    if (status != MOX_OK) /* no answer comes: this is it */
        mox_dns_fail(ctx, query->id, status);
    return MOX_OK;
}

void query_cancel(struct ctx_query *query)
{
    if (query->id != 0) {
        if (!query->answered && query->ctx->dns.cancel != NULL)
            query->ctx->dns.cancel(query->ctx->dns.user, query->id);
        end_wait(query);
    }
    mem_free(query->wire);
    query->wire = NULL;
    query->len = 0;
}

struct slice query_answer(const struct ctx_query *query)
{
    return (struct slice){query->wire, query->len};
}

/* The query that still waits for this answer; NULL: none does. */
static struct ctx_query *waiting(struct mox_ctx *ctx, uint64_t id)
{
    struct ctx_query *query = ctx_id_find(ctx, id, CTX_QUERY);

    return query == NULL || query->answered ? NULL : query;
}

int query_deliver(struct mox_ctx *ctx, uint64_t id, struct slice wire, bool trusted)
{
    struct ctx_query *query = waiting(ctx, id);

    if (query == NULL)
        return MOX_E_STALE;
    query->answered = true;
    query->trusted = trusted;
    query->wire = mem_text(wire.ptr, wire.len);
    query->len = wire.len;
    query->status = query->wire == NULL ? MOX_E_NOMEM : MOX_OK;
    ctx_event_queue(ctx, &query->event);
    return MOX_OK;
}

int mox_dns_answer(struct mox_ctx *ctx, uint64_t id, const void *wire, size_t len, uint32_t flags)
{
    if (len > MOX_LIMIT_DNS_MESSAGE)
        return mox_dns_fail(ctx, id, MOX_E_LIMIT);
    return query_deliver(ctx, id, (struct slice){wire, len}, (flags & MOX_DNS_TRUST_AD) != 0);
}

int mox_dns_fail(struct mox_ctx *ctx, uint64_t id, int code)
{
    struct ctx_query *query = waiting(ctx, id);

    if (query == NULL)
        return MOX_E_STALE;
    query->answered = true;
    query->status = code < 0 ? code : MOX_E_CALLBACK;
    ctx_event_queue(ctx, &query->event);
    return MOX_OK;
}
