/* pool.c - see pool.h and mox_conn_release. */
#include "dial/pool.h"

#include "base/ip.h"
#include "base/units.h"
#include "dial/deliver.h"
#include "dial/gate.h"
#include "dial/history.h"
#include "dial/talk.h"

static struct mox_conn *conn_of(struct part_link *link)
{
    return (struct mox_conn *)link; /* its first member */
}

static void drop(struct dial_part *part, struct mox_conn *conn)
{
    part->nidle--;
    conn_end(&conn->link);
}

static void on_idle_end(struct ctx_event *event)
{
    struct mox_conn *conn =
        (struct mox_conn *)((char *)event - offsetof(struct mox_conn, idle.event));

    drop(conn->dial->part, conn);
}

/* Nobody has asked for anything: it closes, or says 421. */
static void on_idle_ready(void *arg, struct stream *stream, int events)
{
    struct mox_conn *conn = arg;

    (void)stream;
    (void)events;
    conn->broken = true;
    drop(conn->dial->part, conn);
}

static bool may_keep(const struct mox_conn *conn)
{
    const struct dial *d = conn->dial;

    return d->ctx->options.max_idle > 0 && !d->ctx->shutting_down && conn_is_sound(conn) &&
           talk_stage(d) == MOX_STAGE_READY && conn->watch.fn == NULL &&
           buffer_slice(conn_ahead(conn)).len == 0 &&
           (conn->delivery == NULL || !deliver_is_over(conn->delivery));
}

void mox_conn_release(struct mox_conn *conn)
{
    struct dial_part *part;
    struct mox_ctx *ctx;

    if (conn == NULL)
        return;
    part = conn->dial->part;
    ctx = part->ctx;
    if (!may_keep(conn) ||
        ctx_timer_set(ctx, &conn->idle, ctx_now_us(ctx) + us_of_s(ctx->options.idle_s)) != MOX_OK) {
        mox_conn_close(conn);
        return;
    }
    while (part->nidle >= ctx->options.max_idle)
        drop(part, conn_of(part->idle.next));
    conn->idle.event.run = on_idle_end;
    part_unlink(&conn->link);
    part_link(&part->idle, &conn->link);
    part->nidle++;
    stream_notify(conn->dial->stream, on_idle_ready, conn);
    conn->dial->stream->ops->want(conn->dial->stream, MOX_READ);
    ctx_arm(ctx);
}

/* Whether what was agreed on it holds for the new dial: it would lead to the same server by the
 * same way, and nothing is known that speaks for another one. A plan that its host still looks at
 * is not written to. */
static bool serves(const struct mox_conn *conn, const struct dial *d)
{
    const struct mox_plan *plan = conn->dial->plan;
    int family = conn->dial->attempt->candidate->view.ip.family;

    return d->plan->rules.ndialed == 0 && plan->references == 1 &&
           (ip_family_bit(family) & gate_shut(d)) == 0 &&
           request_same(&plan->rules, &d->plan->rules);
}

/* The server has neither closed it nor said anything. */
static bool is_alive(struct mox_conn *conn)
{
    struct stream *stream = conn->dial->stream;
    char byte;
    size_t n;

    return stream->ops->read(stream, &byte, sizeof byte, &n) == MOX_E_AGAIN;
}

/* Out of the pool. */
static void take_out(struct mox_conn *conn)
{
    struct dial *d = conn->dial;

    ctx_timer_clear(d->ctx, &conn->idle);
    part_unlink(&conn->link);
    part_link(&d->part->conns, &conn->link);
    d->part->nidle--;
    d->stream->ops->want(d->stream, 0);
    d->stream->ready = NULL;
}

static struct mox_conn *find(const struct dial *d)
{
    struct dial_part *part = d->part;
    struct part_link *link = part->idle.prev, *before; /* the youngest lives longest */

    for (; link != &part->idle; link = before) {
        struct mox_conn *conn = conn_of(link);

        before = link->prev;
        if (!serves(conn, d))
            continue;
        if (is_alive(conn)) {
            take_out(conn);
            return conn;
        }
        conn->broken = true;
        drop(part, conn);
    }
    return NULL;
}

/* The dial it came of begins anew: what it was refused and where it failed belongs to another
 * message. */
static void refresh(struct dial *old, const struct dial *d)
{
    struct mox_plan *plan = old->plan;
    struct plan_host *host;

    request_renew(&plan->rules, &d->plan->rules);
    plan->info.route = d->plan->info.route;
    plan->info.elapsed_ms = 0;
    for (size_t i = 0; i < plan->kept.len; i++)
        plan_kept_at(plan, i)->tried = plan_kept_at(plan, i) == old->attempt->candidate;
    for (size_t i = 0; (host = plan_host_at(plan, i)) != NULL; i++)
        host->refused4 = host->refused6 = false;
    plan->attempts.items[0] = old->attempt; /* there is one at least: this */
    plan->attempts.len = 1;
    history_forget(old);
    old->greeted = 1;
    old->retries = 0;
    old->limited = false;
    old->store_silent = d->store_silent;
    old->flip_host = NULL;
    old->again = NULL;
}

/* The host looks into a plan of its own. MOX_E_NOMEM. */
static int show(struct mox_plan *plan, const struct dial *old)
{
    const struct plan_candidate *from = old->attempt->candidate;
    uint32_t hosts = plan->hosts.len, kept = plan->kept.len;
    struct plan_host *host = plan_add_host(plan, slice_of(from->view.host), from->view.preference);
    struct plan_candidate *candidate =
        host == NULL ? NULL : plan_add_candidate(plan, host, &from->view.ip);
    struct plan_attempt *attempt =
        candidate == NULL ? NULL : plan_add_attempt(plan, candidate, ctx_now_us(plan->ctx));

    if (attempt == NULL) {
        plan->hosts.len = hosts; /* half of it would be dialed, from any address of ours */
        plan->kept.len = kept;
        return MOX_E_NOMEM;
    }
    host->looked_up = true;
    candidate->tried = true;
    candidate->view.source = from->view.source;
    candidate->view.port = from->view.port;
    candidate->view.tls = from->view.tls;
    candidate->view.detail = "an open connection, used again";
    plan_end_attempt(plan, attempt, MOX_STAGE_READY, NULL, ctx_now_us(plan->ctx));
    return MOX_OK;
}

bool pool_serve(struct dial *d)
{
    struct mox_conn *conn;

    if (d->part->nidle == 0 || dial_is_plan(d) || (d->plan->rules.flags & MOX_DIAL_NO_REUSE) != 0 ||
        d->plan->rules.stop_at != MOX_STAGE_READY)
        return false;
    conn = find(d);
    if (conn == NULL)
        return false;
    if (show(d->plan, conn->dial) != MOX_OK) {
        conn_end(&conn->link);
        return false;
    }
    refresh(conn->dial, d);
    conn->reused = true;
    if (conn->delivery != NULL)
        deliver_renew(conn->delivery);
    d->conn = conn;
    d->ctx->stats.reused++;
    d->ctx->stats.dials_ok++;
    return true;
}

/* The oldest one; with ip: that is open to it. */
static struct mox_conn *in_the_way(struct dial_part *part, const struct mox_ip *ip)
{
    for (struct part_link *link = part->idle.next; link != &part->idle; link = link->next) {
        struct mox_conn *conn = conn_of(link);

        if (ip == NULL || ip_equal(&conn->dial->attempt->candidate->view.ip, ip))
            return conn;
    }
    return NULL;
}

int pool_may_open(struct dial_part *part, const struct mox_ip *ip)
{
    for (;;) {
        int status = part_may_open(part, ip);
        struct mox_conn *conn = NULL;

        if (status != MOX_OK)
            conn = in_the_way(part, status == MOX_E_BUSY ? ip : NULL);
        if (conn == NULL)
            return status;
        drop(part, conn);
    }
}

void pool_forget(struct dial_part *part, const struct mox_plan *plan)
{
    for (struct part_link *link = part->idle.next; link != &part->idle; link = link->next) {
        if (conn_of(link)->dial->plan != plan)
            continue;
        drop(part, conn_of(link));
        return;
    }
}

void pool_close(struct dial_part *part)
{
    while (part->idle.next != &part->idle)
        drop(part, conn_of(part->idle.next));
}
