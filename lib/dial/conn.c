/* conn.c - see conn.h and moxdial/conn.h. */
#include "dial/conn.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/ip.h"
#include "base/limits.h"
#include "dial/talk.h"
#include "policy/nat.h"
#include "stream/tls.h"

enum { READ_SIZE = 256 }; /* a reply, as a rule; what is longer waits in the stream */

static_assert(2 * READ_SIZE <= MOX_LIMIT_READ_AHEAD, "what the session left and one read fit");

struct conn_watch {   /* mox_conn_watch: one at a time */
    struct ctx_op op; /* first */
    struct mox_conn *conn;
    mox_done_fn *fn;
    void *arg;
    int events, status; /* asked for; of the end */
};

struct mox_conn {
    struct part_link link; /* first */
    struct dial *dial;     /* owned, once handed over; has the stream and the session */
    bool handed_over;
    bool spoken; /* the host has written: the dialogue, QUIT included, is its own */
    bool broken; /* the stream failed, and the host was told */
    int met;     /* what reading ahead met: told by the next read; a system may say it only once */
    struct conn_watch watch;
    struct mox_session view;
};

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

/* Ends the connection alone. */
static void discard(struct mox_conn *conn)
{
    drop_watch(conn);
    part_unlink(&conn->link);
    conn->dial->conn = NULL;
}

void conn_end(struct part_link *link)
{
    struct mox_conn *conn = (struct mox_conn *)link; /* its first member */
    struct dial *d = conn->dial;
    bool owned = conn->handed_over;

    if (owned && !conn->spoken && !conn->broken && !d->ctx->forked)
        dial_close_stream(d, true);
    discard(conn);
    if (owned)
        dial_free(d);
}

struct dial *conn_give_up(struct mox_conn *conn)
{
    struct dial *d = conn->dial;

    dial_close_stream(d, !conn->spoken);
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

/* What the world takes for our address where a proxy speaks for us: by the configuration. */
static struct mox_ip proxy_address(const struct config_transport *proxy, int family)
{
    for (size_t i = 0; i < proxy->nremote_ips; i++) {
        if (proxy->remote_ips[i].family == family)
            return proxy->remote_ips[i];
    }
    return (struct mox_ip){0};
}

/* The system is asked for our end only here, where somebody wants it. */
static void fill_local(struct dial *d, struct mox_session *view)
{
    const struct config_transport *proxy = request_proxy(&d->plan->rules);

    if (proxy != NULL) {
        view->public_ip = proxy_address(proxy, view->remote.family);
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
    view->stage = conn->broken ? MOX_STAGE_QUIT : talk_stage(d);
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

/* What was read and not yet asked for. */
static struct buffer *ahead_of(const struct mox_conn *conn)
{
    return smtp_session_spare(&conn->dial->smtp);
}

static int take_ahead(struct mox_conn *conn, void *buf, size_t cap, size_t *n)
{
    struct buffer *ahead = ahead_of(conn);
    struct slice bytes = buffer_slice(ahead);

    *n = bytes.len < cap ? bytes.len : cap;
    if (*n == 0)
        return MOX_E_AGAIN;
    memcpy(buf, bytes.ptr, *n);
    buffer_take(ahead, *n);
    if (*n == bytes.len)
        buffer_free(ahead);
    return MOX_OK;
}

/* What the stream said, as the host is told it; after a failure there is nothing more to be had. */
static int told(struct mox_conn *conn, int status)
{
    if (status == MOX_OK || status == MOX_E_AGAIN || status == MOX_E_EOF)
        return status;
    conn->broken = true;
    switch (status) {
    case MOX_ERRNO(ECONNRESET):
    case MOX_ERRNO(EPIPE):
    case MOX_ERRNO(ECONNABORTED):
    case MOX_ERRNO(ENOTCONN):
    case MOX_ERRNO(ETIMEDOUT):
    case MOX_ERRNO(EHOSTUNREACH):
    case MOX_ERRNO(ENETUNREACH):
    case MOX_E_CLOSED:
        return MOX_E_CLOSED;
    case MOX_E_TLS:
        return MOX_E_TLS;
    default:
        return MOX_E_OS;
    }
}

int mox_conn_read(struct mox_conn *conn, void *buf, size_t cap, size_t *n)
{
    struct stream *stream = conn->dial->stream;
    int status;

    *n = 0;
    if (cap == 0)
        return MOX_E_INVAL;
    if (take_ahead(conn, buf, cap, n) == MOX_OK)
        return MOX_OK;
    if (conn->broken)
        return MOX_E_STATE;
    status = conn->met != MOX_OK ? conn->met : stream->ops->read(stream, buf, cap, n);
    if (status != MOX_OK)
        *n = 0;
    return told(conn, status);
}

int mox_conn_write(struct mox_conn *conn, const void *buf, size_t len, size_t *n)
{
    struct stream *stream = conn->dial->stream;
    int status;

    *n = 0;
    if (conn->broken)
        return MOX_E_STATE;
    if (len == 0)
        return MOX_OK;
    conn->spoken = true;
    status = stream->ops->write(stream, buf, len, n);
    if (status != MOX_OK)
        *n = 0;
    return told(conn, status);
}

/* Reads ahead, so that "readable" is a promise. MOX_E_AGAIN: not yet. */
static int read_ahead(struct mox_conn *conn)
{
    struct stream *stream = conn->dial->stream;
    struct buffer *ahead = ahead_of(conn);
    char *room;
    size_t n = 0;
    int status;

    if (buffer_slice(ahead).len > 0 || conn->met != MOX_OK)
        return MOX_OK;
    room = buffer_room(ahead, READ_SIZE);
    if (room == NULL)
        return MOX_E_NOMEM;
    status = stream->ops->read(stream, room, READ_SIZE, &n);
    if (status == MOX_OK)
        buffer_grown(ahead, n);
    else if (status != MOX_E_AGAIN)
        conn->met = status;
    return status == MOX_E_AGAIN ? status : MOX_OK;
}

/* MOX_E_AGAIN: what is watched for does not hold yet. */
static int check_watch(struct conn_watch *watch, int ready)
{
    int status = MOX_E_AGAIN;

    if ((watch->events & ready & MOX_WRITE) != 0)
        return MOX_OK;
    if ((watch->events & MOX_READ) != 0)
        status = read_ahead(watch->conn);
    return status;
}

static void on_ready(void *arg, struct stream *stream, int events)
{
    struct mox_conn *conn = arg;
    int status = check_watch(&conn->watch, events);

    if (status == MOX_E_AGAIN) {
        stream->ops->want(stream, conn->watch.events);
        return;
    }
    stream->ops->want(stream, 0);
    conn->watch.status = status;
    ctx_op_complete(&conn->watch.op);
}

static void watch_finish(struct ctx_op *op)
{
    struct conn_watch *watch = (struct conn_watch *)op; /* its first member */
    struct mox_error err;
    int status = watch->status;
    mox_done_fn *fn = watch->fn;

    watch->fn = NULL;
    watch->conn->dial->stream->ready = NULL;
    if (status == MOX_E_NOMEM)
        error_nomem(&err);
    else if (status != MOX_OK)
        error_set(&err, status, "the context is shutting down");
    fn(watch->arg, status, status == MOX_OK ? NULL : &err);
}

static void watch_cancel(struct ctx_op *op)
{
    struct conn_watch *watch = (struct conn_watch *)op;

    watch->fn = NULL;
    watch->conn->dial->stream->ready = NULL;
    if (!watch->conn->dial->ctx->forked)
        watch->conn->dial->stream->ops->want(watch->conn->dial->stream, 0);
}

static void watch_shutdown(struct ctx_op *op)
{
    ((struct conn_watch *)op)->status = MOX_E_SHUTDOWN;
    ctx_op_complete(op);
}

static const struct ctx_op_class watch_class = {watch_finish, watch_cancel, watch_shutdown};

mox_op_id mox_conn_watch(struct mox_conn *conn, int events, mox_done_fn *fn, void *arg,
                         struct mox_error *err)
{
    struct conn_watch *watch = &conn->watch;
    struct stream *stream = conn->dial->stream;
    mox_op_id id;

    if ((events & (MOX_READ | MOX_WRITE)) == 0 || fn == NULL) {
        error_set(err, MOX_E_INVAL, "mox_conn_watch: no events, or no function");
        return 0;
    }
    if (watch->fn != NULL) {
        error_set(err, MOX_E_BUSY, "mox_conn_watch: the connection is being watched");
        return 0;
    }
    if (conn->broken) {
        error_set(err, MOX_E_STATE, "mox_conn_watch: the connection broke before");
        return 0;
    }
    id = ctx_op_start(conn->dial->ctx, &watch->op, &watch_class, err);
    if (id == 0)
        return 0;
    watch->conn = conn;
    watch->fn = fn;
    watch->arg = arg;
    watch->events = events;
    watch->status = check_watch(watch, 0);
    if (watch->status != MOX_E_AGAIN) {
        ctx_op_complete(&watch->op);
    } else {
        stream_notify(stream, on_ready, conn);
        stream->ops->want(stream, events);
    }
    ctx_arm(conn->dial->ctx);
    return id;
}

int mox_conn_detach(struct mox_conn *conn, intptr_t *fd, void *readahead, size_t cap, size_t *n)
{
    struct dial *d = conn->dial;

    *fd = -1;
    *n = 0;
    if (conn->broken || d->proof != NULL)
        return MOX_E_STATE;
    if (buffer_slice(ahead_of(conn)).len > cap)
        return MOX_E_LIMIT;
    *fd = d->stream->ops->fd(d->stream);
    if (*fd < 0)
        return MOX_E_UNSUPPORTED;
    take_ahead(conn, readahead, cap, n);
    conn->spoken = true; /* no QUIT: the session lives on */
    conn_end(&conn->link);
    return MOX_OK;
}
