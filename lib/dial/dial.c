/* dial.c - see dial.h. Nothing here knows SMTP or DNS: it says who is next and until when. */
#include "dial/dial.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/names.h"
#include "dial/conn.h"
#include "dial/gate.h"
#include "dial/hosts.h"
#include "dial/outcome.h"
#include "dial/pool.h"
#include "dial/proxy.h"
#include "dial/race.h"
#include "dial/security.h"
#include "dial/talk.h"
#include "dial/way.h"
#include "stream/tls.h"

void dial_log(const struct dial *d, int level, int stage, const struct plan_candidate *candidate,
              const char *format, ...)
{
    struct mox_log_entry entry = {.level = level, .stage = stage, .tag = d->plan->rules.tag};
    char text[512];
    va_list args;

    if (!ctx_logs(d->ctx, level))
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    entry.host = candidate == NULL ? d->plan->rules.name : candidate->view.host;
    if (candidate != NULL)
        entry.address = candidate->view.ip;
    entry.text = text;
    ctx_log(d->ctx, &entry);
}

static bool is_store_silent(const struct dial *d)
{
    return d->store_silent || (d->sts != NULL && lookup_sts_store_silent(d->sts));
}

uint64_t dial_store_us(const struct dial *d, uint64_t us)
{
    return is_store_silent(d) ? 0 : us;
}

static void on_mx(void *arg)
{
    dial_step(arg);
}

/* A plan resolved before is dialed as it is: its hosts are known, its order stays; but an address
 * of ours may have failed since. */
static int begin_search(struct dial *d, int *next, struct mox_error *err)
{
    struct lookup_rules lookup = request_lookup(&d->plan->rules);

    *next = DIAL_DONE;
    if (pool_serve(d))
        return MOX_OK;
    *next = DIAL_MX;
    if (proxy_begin(d, err) != MOX_OK)
        return MOX_E_NOMEM;
    if (d->plan->resolved) {
        d->next_host = d->plan->hosts.len;
        *next = DIAL_CONNECT;
        return gate_drop(d) == MOX_OK ? MOX_OK : error_nomem(err);
    }
    if (d->plan->rules.target != REQUEST_DOMAIN)
        return MOX_OK;
    if (security_begin(d, err) != MOX_OK)
        return MOX_E_NOMEM;
    if (d->way != NULL)
        d->mx = way_take_mx(d->way);
    if (d->mx == NULL)
        d->mx = lookup_mx_start(d->ctx, d->plan->rules.name, &lookup, on_mx, d);
    return d->mx == NULL ? error_nomem(err) : MOX_OK;
}

/* Whether our addresses are good comes before everything else, where the transport asks for it. */
static int begin(struct dial *d, int *next, struct mox_error *err)
{
    if (gate_begin(d, err) != MOX_OK)
        return MOX_E_NOMEM;
    if (d->gate == NULL)
        return begin_search(d, next, err);
    *next = DIAL_GATE;
    return MOX_OK;
}

/* What no callback will tell, for the dial could not even start. */
static bool is_no_start(int status)
{
    return status == MOX_E_INVAL || status == MOX_E_NOMEM || status == MOX_E_BUSY ||
           status == MOX_E_LIMIT;
}

/* The route is not known yet: what it hangs on is asked for when the dial has begun. */
static int open_way(struct dial *d, const struct mox_dial_request *request,
                    const struct request_rules *rules, bool resolve, struct mox_error *err)
{
    d->way = way_new(d, request, rules, resolve, err);
    return d->way == NULL ? MOX_E_NOMEM : MOX_OK;
}

/* A request as it was read: what is taken from it, and with which route. */
struct taken {
    struct arena arena;
    struct request_rules rules;
    struct mox_route route;
    int status;
};

/* Into the plan, in place of what it holds. */
static void install(struct mox_plan *plan, const struct taken *taken, bool open)
{
    static const struct mox_route none = {.index = -1};

    plan_reset(plan);
    plan->taken = true;
    plan->arena = taken->arena;
    plan->rules = taken->rules;
    plan->info.route = open ? none : taken->route;
}

/* A plan that was resolved for the very same request and is to be dialed keeps its hosts. */
static void keep_plan(struct mox_plan *plan, struct taken *taken, bool open)
{
    if (open) { /* whether it is the same shows when the route is chosen */
        plan->rules.total_us = taken->rules.total_us;
        plan->rules.tag = taken->rules.tag;
    } else {
        request_renew(&plan->rules, &taken->rules);
        plan->info.route = taken->route;
    }
    if (taken->rules.config != NULL)
        config_release(taken->rules.config);
    arena_free(&taken->arena);
}

/*
 * A plan that was used before, or is filled again with the route that was chosen. The request may
 * point into the plan, which is emptied only after it was taken.
 */
static int retake_request(struct dial *d, const struct mox_dial_request *request, bool resolve,
                          struct mox_error *err)
{
    struct mox_plan *plan = d->plan;
    bool keeps = !resolve && plan->resolved && plan->attempts.len == 0, open;
    struct taken taken = {.status = MOX_OK};

    taken.status = request_take(d->ctx, request, &taken.arena, &taken.rules, &taken.route, err);
    open = way_is_open(request, &taken.route) && !is_no_start(taken.status);
    keeps = keeps && (open || (taken.status == MOX_OK && request_same(&taken.rules, &plan->rules)));
    if (open)
        taken.status = open_way(d, request, &taken.rules, resolve, err);
    if (keeps)
        keep_plan(plan, &taken, open);
    else
        install(plan, &taken, open);
    return taken.status;
}

/* A plan that is new takes all into its own memory. */
static int take_first(struct dial *d, const struct mox_dial_request *request, bool resolve,
                      struct mox_error *err)
{
    struct mox_plan *plan = d->plan;
    struct mox_route *route = &plan->info.route;
    int status = request_take(d->ctx, request, &plan->arena, &plan->rules, route, err);

    plan->taken = true;
    if (!way_is_open(request, route) || is_no_start(status))
        return status;
    *route = (struct mox_route){.index = -1};
    return open_way(d, request, &plan->rules, resolve, err);
}

static int take_request(struct dial *d, const struct mox_dial_request *request, bool resolve,
                        struct mox_error *err)
{
    struct mox_plan *plan = d->plan;
    int status;

    if (plan->references > 1)
        pool_forget(d->part, plan);
    if (plan->references > 1)
        return error_set(err, MOX_E_BUSY,
                         "mox_dial_request.plan is in use by another dial or connection");
    status = plan->taken ? retake_request(d, request, resolve, err)
                         : take_first(d, request, resolve, err);
    if (status == MOX_OK)
        plan_begin(plan, ctx_now_us(d->ctx));
    return status;
}

/* The request is taken with the route that was chosen, in place of a first guess. */
static int settle(struct dial *d, struct mox_error *err)
{
    uint64_t start_us = d->plan->start_us;
    int status = retake_request(d, way_request(d->way), dial_is_plan(d), err);

    plan_begin(d->plan, start_us);
    return status;
}

static int run_route(struct dial *d, int *next, struct mox_error *err)
{
    int status = way_step(d->way, err);

    if (status == MOX_OK)
        status = settle(d, err);
    return status == MOX_OK ? begin(d, next, err) : status;
}

static int run_gate(struct dial *d, int *next, struct mox_error *err)
{
    int status = gate_step(d, err);

    return status == MOX_OK ? begin_search(d, next, err) : status;
}

static int run_mx(struct dial *d, int *next, struct mox_error *err)
{
    int status;

    if (d->plan->rules.target != REQUEST_DOMAIN) {
        status = hosts_take_single(d, err);
    } else if (d->mx == NULL || !d->mx->chain.finished) {
        return MOX_E_AGAIN;
    } else {
        status = hosts_take_mx(d, err);
        lookup_mx_free(d->mx);
        d->mx = NULL;
    }
    if (status != MOX_OK)
        return status;
    status = hosts_open_window(d, err);
    if (status == MOX_E_EOF)
        return outcome_failure(d, err);
    *next = DIAL_ADDRESSES;
    return status;
}

static int run_addresses(struct dial *d, int *next, struct mox_error *err)
{
    int status;

    d->store_silent = is_store_silent(d); /* what the policy's lookup met outlives it */
    status = security_of_domain(d, err);
    if (status == MOX_OK)
        status = hosts_update(d, err);
    if (status != MOX_OK)
        return status;
    *next = dial_is_plan(d) ? DIAL_DONE : DIAL_CONNECT;
    return dial_is_plan(d) ? outcome_of_plan(d, err) : MOX_OK;
}

/* Where to go when no candidate is left among what is known. */
static int run_dry(struct dial *d, int *next, struct mox_error *err)
{
    int status;

    *next = DIAL_ADDRESSES;
    if (!hosts_settled(d) && !d->limited) {
        d->resolve_us = UINT64_MAX; /* whatever comes next is taken at once */
        return MOX_OK;
    }
    if (d->limited)
        return outcome_failure(d, err);
    status = hosts_open_window(d, err);
    return status == MOX_E_EOF ? outcome_failure(d, err) : status;
}

static int run_connect(struct dial *d, int *next, struct mox_error *err)
{
    int status = proxy_ready(d, err);

    if (status != MOX_OK)
        return status;
    if (!hosts_settled(d))
        status = hosts_update(d, err); /* late answers join the race */
    if (status != MOX_OK && status != MOX_E_AGAIN)
        return status;
    status = race_step(d, err);
    if (status == MOX_E_EOF)
        return run_dry(d, next, err);
    if (status != MOX_OK)
        return status;
    *next = DIAL_SESSION;
    return talk_begin(d, err);
}

/* No other candidate would fare better: the fault is ours, or the login is. */
static bool ends_dial(int status, const struct mox_error *err)
{
    return status == MOX_E_NOMEM || status == MOX_E_CONFIG ||
           (status == MOX_E_AUTH && err->permanent);
}

static int run_session(struct dial *d, int *next, struct mox_error *err)
{
    int status = talk_step(d, err);

    if (status == MOX_E_AGAIN)
        return status;
    if (status == MOX_OK) {
        *next = DIAL_DONE;
        return conn_make(d, err);
    }
    if (ends_dial(status, err))
        return status;
    *next = DIAL_CONNECT; /* the next candidate, if there is one */
    return MOX_OK;
}

static const struct {
    const char *name; /* as the trace shows it */
    /* Do what can be done now. MOX_OK: go on in *next; MOX_E_AGAIN: wait; else the dial ends. */
    int (*run)(struct dial *d, int *next, struct mox_error *err);
} states[] = {
    [DIAL_ROUTE] = {"route", run_route},
    [DIAL_GATE] = {"gate", run_gate},
    [DIAL_MX] = {"mx", run_mx},
    [DIAL_ADDRESSES] = {"addresses", run_addresses},
    [DIAL_CONNECT] = {"connect", run_connect},
    [DIAL_SESSION] = {"session", run_session},
    [DIAL_DONE] = {"done", NULL}, /* the end: step does not run it */
};

/* Called by step alone. */
static void enter(struct dial *d, int next)
{
    if (ctx_logs(d->ctx, MOX_LOG_DEBUG))
        dial_log(d, MOX_LOG_DEBUG, MOX_STAGE_NONE, NULL, "%s -> %s", states[d->state].name,
                 states[next].name);
    d->state = (uint8_t)next;
}

/* How it ended, for the callback to tell. Without memory for the error, that is the end. */
static void keep_end(struct dial *d, int status, const struct mox_error *err)
{
    d->status = status;
    d->state = DIAL_DONE;
    if (status == MOX_OK)
        return;
    d->error = mem_new(sizeof *d->error);
    if (d->error != NULL)
        *d->error = *err;
    else
        d->status = MOX_E_NOMEM;
}

/* A claimed place is taken once the dial has reached out, or where its transport is to refuse. */
static void end_way(struct dial *d, int status)
{
    bool dialed = d->state != DIAL_ROUTE && d->plan->attempts.len > 0;

    way_end(d->way, dialed || status == MOX_OK || status == MOX_E_FAIL_TRANSPORT);
    d->way = NULL;
}

/* Gives back what only looks for a session. outcome: of the connects that it ends. */
static void end_search(struct dial *d, int outcome)
{
    race_end(d, outcome);
    gate_end(d);
    lookup_mx_free(d->mx);
    d->mx = NULL;
    security_end(d);
    hosts_close_window(d);
    ctx_timer_clear(d->ctx, &d->timer);
}

/* Gives back what the end does not need; the host hears of it in the next dispatch. */
static void finish(struct dial *d, int status, const struct mox_error *err)
{
    uint64_t now = ctx_now_us(d->ctx);

    end_search(d, status == MOX_OK ? MOX_E_CANCELLED : status);
    end_way(d, status);
    if (status != MOX_OK && d->attempt != NULL && d->attempt->view.end_ms < 0)
        plan_end_attempt(d->plan, d->attempt, err->stage, err, now);
    if (d->conn == NULL)
        dial_close_stream(d, false);
    plan_stop(d->plan, now);
    d->plan->resolved = dial_is_plan(d) && status == MOX_OK;
    keep_end(d, status, err);
    if (status != MOX_OK)
        dial_log(d, MOX_LOG_ERROR, err->stage, NULL, "%s", err->message);
    ctx_op_complete(&d->op);
}

void dial_stop(struct dial *d, const struct mox_error *err)
{
    finish(d, err->code, err);
}

static uint64_t state_deadline_us(const struct dial *d)
{
    switch (d->state) {
    case DIAL_ADDRESSES:
        return d->resolve_us;
    case DIAL_CONNECT:
        return race_deadline_us(d);
    case DIAL_SESSION:
        return d->stage_us;
    default:
        return UINT64_MAX;
    }
}

static void set_timer(struct dial *d)
{
    uint64_t at = state_deadline_us(d);

    if (d->deadline_us < at)
        at = d->deadline_us;
    if (heap_is_set(&d->timer.heap) && d->timer.heap.at_us <= at)
        return; /* woken too early, the machine waits on: as a rule it has ended by then */
    if (ctx_timer_set(d->ctx, &d->timer, at) != MOX_OK) {
        struct mox_error err;

        error_nomem(&err);
        finish(d, MOX_E_NOMEM, &err);
    }
}

void dial_step(struct dial *d)
{
    struct mox_error err;
    int status = MOX_OK;

    if (d->state == DIAL_DONE) /* a stream said more than it was asked for */
        return;
    while (d->state != DIAL_DONE) {
        int next = d->state;

        status = ctx_now_us(d->ctx) >= d->deadline_us ? outcome_timeout(d, &err)
                                                      : states[d->state].run(d, &next, &err);
        if (status == MOX_E_AGAIN)
            break;
        if (status != MOX_OK) {
            finish(d, status, &err);
            return;
        }
        enter(d, next);
    }
    if (d->state == DIAL_DONE)
        finish(d, MOX_OK, NULL);
    else
        set_timer(d);
}

static void on_timer(struct ctx_event *event)
{
    struct dial *d = (struct dial *)((char *)event - offsetof(struct dial, timer.event));

    dial_step(d);
}

void dial_close_stream(struct dial *d, bool quit)
{
    if (d->stream == NULL || d->attempt == NULL)
        return;
    if (quit) {
        struct slice out;
        size_t n;

        smtp_session_quit(&d->smtp);
        out = smtp_session_output(&d->smtp);
        if (out.len > 0) /* one try: the connection is given up whatever comes of it */
            d->stream->ops->write(d->stream, out.ptr, out.len, &n);
    }
    part_close(d->part, &d->attempt->candidate->view.ip, d->stream, d->ctx->forked);
    d->stream = NULL;
    d->handshaking = false;
    smtp_session_free(&d->smtp);
}

void dial_free(struct dial *d)
{
    if (d == NULL)
        return;
    if (d->state != DIAL_DONE) {
        end_search(d, MOX_E_CANCELLED);
        end_way(d, MOX_E_CANCELLED);
    }
    dial_close_stream(d, false);
    proxy_end(d);
    tls_identity_free(d->identity);
    mem_free(d->error);
    plan_stop(d->plan, ctx_now_us(d->ctx));
    plan_unref(d->plan);
    spares_free(&d->ctx->spares, d, sizeof *d);
}

static struct dial *make(struct mox_ctx *ctx, struct mox_plan *given)
{
    struct dial *d = spares_new(&ctx->spares, sizeof *d);

    if (d == NULL)
        return NULL;
    d->ctx = ctx;
    d->part = part_of(ctx);
    d->loop_preference = INT32_MAX;
    d->timer.event.run = on_timer;
    d->resolve_us = d->race_us = d->stage_us = UINT64_MAX;
    if (d->part != NULL)
        d->plan = given != NULL ? given : mox_plan_new(ctx);
    if (d->plan == NULL) {
        spares_free(&ctx->spares, d, sizeof *d);
        return NULL;
    }
    return d;
}

struct dial *dial_new(struct mox_ctx *ctx, const struct mox_dial_request *request, bool resolve,
                      struct mox_error *err)
{
    struct mox_plan *given = NULL;
    struct mox_error why; /* filled by what fails */
    struct dial *d;
    int status;

    if (request != NULL && request->size >= offsetof(struct mox_dial_request, port))
        given = request->plan;
    if (resolve && given == NULL) {
        error_set(err, MOX_E_INVAL, "mox_dial_request.plan is NULL; there is nothing to fill");
        return NULL;
    }
    d = make(ctx, given);
    if (d == NULL) {
        error_nomem(err);
        return NULL;
    }
    status = take_request(d, request, resolve, &why);
    if (status != MOX_OK && is_no_start(status)) {
        if (given == NULL)
            plan_unref(d->plan);
        spares_free(&ctx->spares, d, sizeof *d);
        if (err != NULL)
            *err = why;
        return NULL;
    }
    if (given != NULL)
        plan_ref(given);
    if (status != MOX_OK)
        keep_end(d, status, &why);
    d->deadline_us = ctx_now_us(ctx) + d->plan->rules.total_us;
    return d;
}

int dial_begin(struct dial *d, struct mox_error *err)
{
    int status = MOX_OK, next = d->state;

    d->ctx->stats.dials++;
    if (d->state == DIAL_DONE) { /* taking the request was the end */
        ctx_op_complete(&d->op);
        return MOX_OK;
    }
    if (d->way == NULL)
        status = begin(d, &next, err);
    if (status != MOX_OK)
        return status;
    d->state = (uint8_t)next;
    if (d->state == DIAL_DONE)
        finish(d, MOX_OK, NULL);
    else
        dial_step(d);
    return MOX_OK;
}

void dial_resume(struct dial *d, const struct mox_error *why, bool worn)
{
    struct mox_error err;

    d->deadline_us = ctx_now_us(d->ctx) + d->plan->rules.total_us;
    d->status = MOX_OK;
    d->plan->running = true;
    talk_refused_later(d, why, worn);
    d->state = DIAL_CONNECT;
    if (hosts_reopen(d, &err) == MOX_OK)
        dial_step(d);
    else
        finish(d, MOX_E_NOMEM, &err);
}
