/*
 * poll_loop.c - many dials at once in a loop of your own: which of my relays let me in? Ctrl-C ends
 * what is still in flight in good order.
 *
 *   cc -o poll_loop poll_loop.c $(pkg-config --cflags --libs libmoxdial)
 *   ./poll_loop mx1.example.org mx2.example.org:587 [2001:db8::25]:25
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <moxdial.h>

struct probe {
    const char *server;
    int up;
};

static int interrupted[2]; /* a pipe: what the signal handler may do is little */

static void on_signal(int signal_number)
{
    int saved = errno;
    ssize_t written = write(interrupted[1], "", 1);

    (void)signal_number;
    (void)written; /* a full pipe has been heard already */
    errno = saved;
}

/* The end of one dial, by whichever way. It runs inside mox_ctx_dispatch. */
static void on_dialed(void *arg, int status, struct mox_conn *conn, const struct mox_error *err)
{
    struct probe *probe = arg;
    const struct mox_session *session;
    char ip[64];

    if (status != MOX_OK) {
        printf("%s: down: %s: %s\n", probe->server, mox_stage_name(err->stage), err->message);
        return;
    }
    session = mox_conn_session(conn);
    mox_ip_format(&session->remote, ip, sizeof ip);
    printf("%s: up: %s, %s\n", probe->server, ip, session->greeting);
    probe->up = 1;
    mox_conn_close(conn); /* says QUIT */
}

/* How many could not be started. */
static int start_all(struct mox_ctx *ctx, struct probe *probes, int n)
{
    int failed = 0;

    for (int i = 0; i < n; i++) {
        struct mox_error err;
        struct mox_envelope envelope = {.size = sizeof envelope, .to = "postmaster@example.org"};
        struct mox_dial_request request = {.size = sizeof request,
                                           .envelope = &envelope,
                                           .server = probes[i].server,
                                           .timeout_ms = 20 * 1000};

        /* All of the request is copied. What goes wrong later comes to on_dialed. */
        if (mox_dial_start(ctx, &request, on_dialed, &probes[i], &err) != 0)
            continue;
        printf("%s: %s\n", probes[i].server, err.message);
        failed++;
    }
    return failed;
}

static int run(struct mox_ctx *ctx)
{
    struct pollfd fds[2] = {{.fd = interrupted[0], .events = POLLIN},
                            {.fd = mox_ctx_fd(ctx), .events = POLLIN}};

    while (mox_ctx_pending(ctx) > 0) {
        if (poll(fds, 2, mox_ctx_timeout_ms(ctx)) < 0 && errno != EINTR) {
            perror("poll");
            return -1;
        }
        if (fds[0].revents != 0) {
            fds[0].fd = -1; /* once is enough */
            if (mox_ctx_shutdown(ctx, 0) != MOX_OK)
                return -1;
        }
        if (mox_ctx_dispatch(ctx) < 0)
            return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct mox_error err;
    struct mox_ctx *ctx;
    struct probe *probes;
    int n = argc - 1, down = 0;

    if (n < 1) {
        fprintf(stderr, "usage: poll_loop SERVER...\n");
        return 64;
    }
    if (pipe(interrupted) != 0 || sigaction(SIGINT, &action, NULL) != 0) {
        perror("poll_loop");
        return 71;
    }
    probes = calloc((size_t)n, sizeof *probes);
    ctx = probes == NULL ? NULL : mox_ctx_new(NULL, &err);
    if (ctx == NULL) {
        fprintf(stderr, "%s\n", probes == NULL ? "no memory" : err.message);
        free(probes);
        return 71;
    }
    for (int i = 0; i < n; i++)
        probes[i].server = argv[i + 1];
    down = start_all(ctx, probes, n);
    if (run(ctx) != 0)
        down++;
    for (int i = 0; i < n; i++)
        down += !probes[i].up;
    mox_ctx_free(ctx);
    free(probes);
    return down > 0;
}
