/*
 * own_sockets.c - streams of your own: what is dialed is one end of a socketpair, at whose other
 * end a thread of this program answers as a mail server. Nothing leaves the process.
 *
 *   cc -pthread -o own_sockets own_sockets.c $(pkg-config --cflags --libs libmoxdial)
 *   ./own_sockets
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <moxdial.h>

/* A net of one server. A bigger one has an object for each stream, and gives that as its handle. */
struct net {
    struct mox_ctx *ctx;
    uint64_t id; /* of the stream; 0: not dialed yet */
    int ends[2]; /* the client's, the server's */
};

/* One line, one answer: our client sends no two at once. */
static void *serve(void *arg)
{
    const int fd = ((struct net *)arg)->ends[1];
    const char *answer = "220 inside.example ESMTP\r\n";
    char line[512];
    ssize_t n;

    while (send(fd, answer, strlen(answer), MSG_NOSIGNAL) > 0 &&
           (n = recv(fd, line, sizeof line, 0)) > 0) {
        printf("server got: %.*s", (int)n, line);
        answer = strncmp(line, "QUIT", 4) == 0 ? "221 bye\r\n" : "250 fine\r\n";
    }
    close(fd);
    return NULL;
}

/* The loop of the context has served our descriptor: whose it is, we know. */
static void on_ready(void *arg, intptr_t fd, int events)
{
    struct net *net = arg;

    (void)fd;
    mox_socket_ready(net->ctx, net->id, events);
}

static int net_connect(void *user, uint64_t id, const struct mox_ip *remote, uint16_t port,
                       const struct mox_ip *local, void **handle)
{
    struct net *net = user;

    if (remote->family != MOX_IPV4 || port != 25 || local != NULL || net->id != 0)
        return MOX_ERRNO(ENETUNREACH); /* there is no way to any other server */
    net->id = id;
    *handle = net;
    return MOX_OK; /* want is called next, and a socketpair is writable: connected */
}

static int net_connected(void *user, void *handle, struct mox_ip *local, uint16_t *port)
{
    (void)user;
    (void)handle;
    if (port != NULL)
        *port = 40000;
    return local == NULL ? MOX_OK : mox_ip_parse("192.0.2.1", local);
}

static int result(ssize_t done, size_t *n)
{
    *n = done > 0 ? (size_t)done : 0;
    if (done < 0)
        return errno == EAGAIN ? MOX_E_AGAIN : MOX_ERRNO(errno);
    return MOX_OK;
}

static int net_read(void *user, void *handle, void *buf, size_t cap, size_t *n)
{
    int status = result(recv(((struct net *)handle)->ends[0], buf, cap, MSG_DONTWAIT), n);

    (void)user;
    return status == MOX_OK && *n == 0 ? MOX_E_EOF : status;
}

static int net_write(void *user, void *handle, const void *buf, size_t len, size_t *n)
{
    const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;

    (void)user;
    return result(send(((struct net *)handle)->ends[0], buf, len, flags), n);
}

static int net_want(void *user, void *handle, int events)
{
    struct net *net = handle;

    (void)user;
    return mox_ctx_watch(net->ctx, net->ends[0], events, on_ready, net);
}

static void net_close(void *user, void *handle)
{
    struct net *net = handle;

    (void)user;
    mox_ctx_watch(net->ctx, net->ends[0], 0, on_ready, net);
    shutdown(net->ends[0], SHUT_RDWR); /* the server reads the end */
}

int main(void)
{
    struct net net = {0};
    struct mox_socket_ops ops = {
        .size = sizeof ops, .user = &net, .connect = net_connect, .connected = net_connected};
    struct mox_ctx_options options = {.size = sizeof options, .socket = &ops};
    struct mox_envelope envelope = {.size = sizeof envelope, .to = "b@[192.0.2.25]"};
    struct mox_dial_request request = {.size = sizeof request, .envelope = &envelope};
    struct mox_conn *conn = NULL;
    struct mox_error err;
    pthread_t server;

    ops.read = net_read;
    ops.write = net_write;
    ops.want = net_want;
    ops.close = net_close;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, net.ends) != 0 ||
        pthread_create(&server, NULL, serve, &net) != 0) {
        perror("own_sockets");
        return 71;
    }
    net.ctx = mox_ctx_new(&options, &err);
    if (net.ctx != NULL && mox_dial(net.ctx, &request, &conn, &err) == MOX_OK)
        printf("open: %s\n", mox_conn_session(conn)->greeting);
    else
        fprintf(stderr, "%s: %s\n", mox_status_name(err.code), err.message);
    mox_conn_close(conn); /* QUIT */
    mox_ctx_free(net.ctx);
    shutdown(net.ends[0], SHUT_RDWR); /* if nobody dialed, the server waits still */
    pthread_join(server, NULL);
    close(net.ends[0]);
    return mox_error_exit_code(&err);
}
