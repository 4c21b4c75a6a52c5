/* speak.c - the public calls of a host that speaks SMTP on a connection itself. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "dial/conn.h"

enum { READ_SIZE = 256 }; /* a reply, as a rule; what is longer waits in the stream */

static_assert(2 * READ_SIZE <= MOX_LIMIT_READ_AHEAD, "what the session left and one read fit");

static int take_ahead(struct mox_conn *conn, void *buf, size_t cap, size_t *n)
{
    struct buffer *ahead = conn_ahead(conn);
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
    if (conn_is_delivering(conn))
        return MOX_E_BUSY;
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
    if (conn_is_delivering(conn))
        return MOX_E_BUSY;
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
    struct buffer *ahead = conn_ahead(conn);
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

static const struct ctx_op_class watch_class = {
    .finish = watch_finish, .cancel = watch_cancel, .shutdown = watch_shutdown};

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
    if (watch->fn != NULL || conn_is_delivering(conn)) {
        error_set(err, MOX_E_BUSY, "mox_conn_watch: the connection is %s",
                  watch->fn != NULL ? "being watched" : "delivering a message");
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
    if (conn_is_delivering(conn))
        return MOX_E_BUSY;
    if (buffer_slice(conn_ahead(conn)).len > cap)
        return MOX_E_LIMIT;
    *fd = d->stream->ops->fd(d->stream);
    if (*fd < 0)
        return MOX_E_UNSUPPORTED;
    take_ahead(conn, readahead, cap, n);
    conn->spoken = true; /* no QUIT: the session lives on */
    conn_end(&conn->link);
    return MOX_OK;
}
