/*
 * libevent.c - push mode: libevent watches what the library asks for. Dials, and sends a NOOP.
 *
 *   cc -o libevent libevent.c $(pkg-config --cflags --libs libmoxdial libevent)
 *   ./libevent mx.example.org
 */
#include <stdio.h>
#include <stdlib.h>

#include <event2/event.h>

#include <moxdial.h>

/* The adapter: a list of watched descriptors and one timer. A big host has a table by number. */
struct watched {
    struct watched *next;
    struct adapter *adapter;
    struct event *event;
    intptr_t fd;
};

struct adapter {
    struct event_base *base;
    struct event *timer;
    struct watched *list;
    struct mox_ctx *ctx;
    struct mox_conn *conn;
    int status;
};

static void on_fd(evutil_socket_t fd, short what, void *arg)
{
    struct adapter *adapter = ((struct watched *)arg)->adapter;
    int events = (what & EV_READ ? MOX_READ : 0) | (what & EV_WRITE ? MOX_WRITE : 0);

    /* Stale: forgotten a moment ago, in the same turn of the loop. */
    if (mox_ctx_ready(adapter->ctx, fd, events) == MOX_OK)
        mox_ctx_dispatch(adapter->ctx);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    mox_ctx_dispatch(((struct adapter *)arg)->ctx);
}

static int watch(void *user, intptr_t fd, int events)
{
    struct adapter *adapter = user;
    struct watched **at = &adapter->list, *watched;
    int what = EV_PERSIST | (events & MOX_READ ? EV_READ : 0) | (events & MOX_WRITE ? EV_WRITE : 0);

    while (*at != NULL && (*at)->fd != fd)
        at = &(*at)->next;
    if (*at != NULL) { /* whatever it was, this replaces it */
        watched = *at;
        *at = watched->next;
        event_free(watched->event);
        free(watched);
    }
    if (events == 0)
        return MOX_OK;
    watched = malloc(sizeof *watched);
    if (watched == NULL)
        return MOX_E_NOMEM;
    *watched = (struct watched){adapter->list, adapter, NULL, fd};
    watched->event = event_new(adapter->base, (int)fd, (short)what, on_fd, watched);
    if (watched->event == NULL || event_add(watched->event, NULL) != 0) {
        if (watched->event != NULL)
            event_free(watched->event);
        free(watched);
        return MOX_E_CALLBACK;
    }
    adapter->list = watched;
    return MOX_OK;
}

static int timer(void *user, int64_t delay_us)
{
    struct adapter *adapter = user;
    struct timeval delay = {.tv_sec = (time_t)(delay_us / 1000000),
                            .tv_usec = (suseconds_t)(delay_us % 1000000)};
    int failed = delay_us < 0 ? event_del(adapter->timer) : event_add(adapter->timer, &delay);

    return failed ? MOX_E_CALLBACK : MOX_OK;
}

/* Everything below is the host's own work: it knows nothing of libevent. */

static void on_reply(void *arg, int status, const struct mox_error *err)
{
    struct adapter *adapter = arg;
    char reply[512];
    size_t n;

    (void)err;
    if (status == MOX_OK)
        status = mox_conn_read(adapter->conn, reply, sizeof reply, &n);
    if (status == MOX_OK) {
        printf("NOOP: %.*s", (int)n, reply);
        status = mox_conn_write(adapter->conn, "QUIT\r\n", 6, &n); /* ours, since we wrote */
    }
    adapter->status = status;
    mox_conn_close(adapter->conn);
}

static void on_dialed(void *arg, int status, struct mox_conn *conn, const struct mox_error *err)
{
    struct adapter *adapter = arg;
    struct mox_error why;
    size_t n;

    adapter->conn = conn;
    adapter->status = status;
    if (status != MOX_OK) {
        fprintf(stderr, "%s: %s\n", mox_stage_name(err->stage), err->message);
        return;
    }
    printf("open: %s\n", mox_conn_session(conn)->greeting);
    adapter->status = mox_conn_write(conn, "NOOP\r\n", 6, &n);
    if (adapter->status == MOX_OK && mox_conn_watch(conn, MOX_READ, on_reply, adapter, &why) != 0)
        return;
    mox_conn_close(conn);
}

int main(int argc, char **argv)
{
    struct mox_error err = {0};
    struct adapter a = {.base = event_base_new(), .status = -1};
    struct mox_loop_ops loop = {.size = sizeof loop, .user = &a, .watch = watch, .timer = timer};
    struct mox_ctx_options options = {.size = sizeof options, .loop = &loop};
    struct mox_envelope envelope = {.size = sizeof envelope, .to = "postmaster@example.org"};
    struct mox_dial_request request = {
        .size = sizeof request, .envelope = &envelope, .server = argc > 1 ? argv[1] : "localhost"};

    a.timer = a.base == NULL ? NULL : evtimer_new(a.base, on_timer, &a);
    a.ctx = a.timer == NULL ? NULL : mox_ctx_new(&options, &err);
    if (a.ctx == NULL || mox_dial_start(a.ctx, &request, on_dialed, &a, &err) == 0)
        fprintf(stderr, "cannot start: %s\n", err.message);
    else if (event_base_dispatch(a.base) < 0) /* ends when nothing is watched any more */
        a.status = -1;
    mox_ctx_free(a.ctx);
    if (a.timer != NULL)
        event_free(a.timer);
    if (a.base != NULL)
        event_base_free(a.base);
    return a.status == MOX_OK ? 0 : 1;
}
