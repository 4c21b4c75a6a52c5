/* conn.c - see conn.h and moxdial/conn.h. */
#include "dial/conn.h"

#include "base/arena.h"
#include "base/ip.h"
#include "base/limits.h"
#include "dial/deliver.h"
#include "dial/proxy.h"
#include "dial/talk.h"
#include "policy/nat.h"
#include "stream/tls.h"

int conn_make(struct dial *d, struct mox_error *err)
{
    struct mox_conn *conn;

    if (dial_is_plan(d))
        return MOX_OK;
    conn = arena_new(&d->plan->arena, sizeof *conn); /* which dies after it */
    if (conn == NULL)
        return error_nomem(err);
    conn->dial = d;
    d->conn = conn;
    d->stream->ops->want(d->stream, 0);
    part_link(&d->part->conns, &conn->link);
    d->ctx->stats.dials_ok++;
    return MOX_OK;
}

void conn_hand_over(struct mox_conn *conn)
{
    conn->handed_over = true;
    conn->dial->conn = NULL;
    conn->dial->stream->ready = NULL;
}

static void drop_watch(struct mox_conn *conn)
{
    ctx_op_drop(&conn->watch.op);
    conn->watch.fn = NULL;
}

bool conn_is_delivering(const struct mox_conn *conn)
{
    return conn->delivery != NULL && deliver_is_busy(conn->delivery);
}

bool conn_is_sound(const struct mox_conn *conn)
{
    return !conn->spoken && !conn->broken &&
           (conn->delivery == NULL || deliver_is_sound(conn->delivery));
}

/* Ends the connection alone. */
static void discard(struct mox_conn *conn)
{
    drop_watch(conn);
    ctx_timer_clear(conn->dial->ctx, &conn->idle);
    deliver_free(conn->delivery);
    conn->delivery = NULL;
    part_unlink(&conn->link);
    conn->dial->conn = NULL;
}

void conn_end(struct part_link *link)
{
    struct mox_conn *conn = (struct mox_conn *)link; /* its first member */
    struct dial *d = conn->dial;
    bool owned = conn->handed_over;

    if (owned && conn_is_sound(conn) && !d->ctx->forked)
        dial_close_stream(d, true);
    discard(conn);
    if (owned)
        dial_free(d);
}

struct dial *conn_give_up(struct mox_conn *conn)
{
    struct dial *d = conn->dial;

    dial_close_stream(d, conn_is_sound(conn));
    discard(conn);
    return d;
}

struct dial *conn_dial(const struct mox_conn *conn)
{
    return conn->dial;
}

void mox_conn_close(struct mox_conn *conn)
{
    if (conn != NULL)
        conn_end(&conn->link);
}

struct mox_plan *mox_conn_plan(const struct mox_conn *conn)
{
    return conn->dial->plan;
}

static bool is_dual_stack(const struct dial *d)
{
    const struct plan_host *host = d->attempt->candidate->host;
    uint32_t families = 0;

    for (size_t i = 0; i < d->plan->kept.len; i++) {
        const struct plan_candidate *candidate = plan_kept_at(d->plan, i);

        if (candidate->host == host)
            families |= ip_family_bit(candidate->view.ip.family);
    }
    return families == (MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6);
}

/* The system is asked for our end only here, where somebody wants it. */
static void fill_local(struct dial *d, struct mox_session *view)
{
    if (request_proxy(&d->plan->rules) != NULL) {
        view->public_ip = proxy_public(&d->plan->rules, view->remote.family);
        return;
    }
    if (view->local.family != 0 && view->local_port != 0)
        return;
    if (d->stream->ops->local(d->stream, &view->local, &view->local_port) == MOX_OK)
        d->attempt->view.local = view->local;
    view->public_ip = policy_public_source(d->plan->rules.config, &view->local);
}

static void fill_tls(const struct dial *d, struct mox_session *view)
{
    view->tls_version = tls_version(d->stream);
    view->tls_cipher = tls_cipher(d->stream);
    view->tls_verified = d->proof->verified;
    view->tls_verified_by = d->proof->by;
    view->tls_names = d->proof->names;
    view->tls_expires_s = d->proof->expires_s;
}

static bool is_over(const struct mox_conn *conn)
{
    return conn->broken || (conn->delivery != NULL && deliver_is_over(conn->delivery));
}

const struct mox_session *mox_conn_session(const struct mox_conn *conn)
{
    static const char *const nothing[] = {NULL};
    struct dial *d = conn->dial;
    struct mox_session *view = &((struct mox_conn *)(uintptr_t)conn)->view; /* only a cache */
    const struct smtp_ehlo *ehlo = &d->smtp.ehlo;

    view->host = d->attempt->candidate->view.host;
    view->transport = d->plan->info.route.transport;
    view->ehlo_sent = smtp_session_name(&d->smtp);
    view->greeting = smtp_session_greeting(&d->smtp);
    view->remote = d->attempt->candidate->view.ip;
    view->remote_port = d->attempt->candidate->view.port;
    view->stage = is_over(conn) ? MOX_STAGE_QUIT : talk_stage(d);
    view->messages = conn->delivery == NULL ? 0 : deliver_messages(conn->delivery);
    view->extensions = ehlo->extensions;
    view->size_limit = ehlo->size_limit;
    view->rcpt_limit = ehlo->rcpt_limit;
    view->mail_limit = ehlo->mail_limit;
    view->ehlo = ehlo->lines == NULL ? nothing : (const char *const *)ehlo->lines;
    view->tls_names = nothing;
    view->tls_verified = MOX_TLS_NONE;
    if (d->proof != NULL)
        fill_tls(d, view);
    view->auth_mechanism = d->smtp.logged_in ? d->mechanism : NULL;
    view->dual_stack = is_dual_stack(d);
    fill_local(d, view);
    return view;
}
