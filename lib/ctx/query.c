/* query.c - see query.h. */
#include "ctx/query.h"

#include "base/limits.h"

static void end_wait(struct ctx_query *query)
{
    ctx_timer_clear(query->ctx, &query->timer);
    ctx_event_drop(&query->event);
    ctx_id_end(query->ctx, query->id);
    query->id = 0;
}

/* It has been answered. */
static void end_question(struct ctx_query *query)
{
    end_wait(query);
    if (query->status != MOX_OK)
        query->ctx->stats.dns_failures++;
}

static void run_answer(struct ctx_event *event)
{
    struct ctx_query *query = (struct ctx_query *)event; /* its first member */

    end_question(query);
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

void query_cancel(struct ctx_query *query)
{
    if (query->id == 0)
        return;
    if (!query->answered && query->ctx->dns.cancel != NULL)
        query->ctx->dns.cancel(query->ctx->dns.user, query->id);
    end_wait(query);
}

int query_start(struct mox_ctx *ctx, struct ctx_query *query, const char *name, uint16_t type,
                uint64_t timeout_us)
{
    int status;

    query->ctx = ctx;
    query->name = name;
    query->type = type;
    query->status = MOX_OK;
    query->trusted = query->answered = false;
    query->event.run = run_answer;
    query->timer.event.run = run_deadline;
    if (ctx->dns.query == NULL)
        return MOX_E_UNSUPPORTED;
    query->id = ctx_id_new(ctx, CTX_QUERY, query);
    if (query->id == 0)
        return MOX_E_NOMEM;
    ctx->stats.dns_queries++;
    status = ctx->dns.query(ctx->dns.user, query->id, name, type);
    if (status != MOX_OK) /* no answer comes: this is it */
        mox_dns_fail(ctx, query->id, status);
    if (query->answered)
        return MOX_OK;
    status = ctx_timer_set(ctx, &query->timer, ctx_now_us(ctx) + timeout_us);
    if (status != MOX_OK)
        query_cancel(query);
    return status;
}

bool query_answered_at_once(struct ctx_query *query)
{
    if (query->answered)
        end_question(query);
    return query->answered;
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
    query->status = MOX_OK;
    query->take(query, wire);
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
