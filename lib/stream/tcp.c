/* tcp.c - see tcp.h. */
#include "stream/tcp.h"

#include "ctx/socket.h"

struct tcp {
    struct stream stream; /* first: the stream is the tcp */
    struct ctx_socket socket;
    struct mox_ctx *ctx;
    void *handle; /* of the socket ops */
};

static int tcp_read(struct stream *s, void *buf, size_t cap, size_t *n)
{
    struct tcp *tcp = (struct tcp *)s;
    int status = tcp->ctx->socket.read(tcp->ctx->socket.user, tcp->handle, buf, cap, n);

    if (status == MOX_OK)
        tcp->ctx->stats.bytes_in += *n;
    return status;
}

static int tcp_write(struct stream *s, const void *buf, size_t len, size_t *n)
{
    struct tcp *tcp = (struct tcp *)s;
    int status = tcp->ctx->socket.write(tcp->ctx->socket.user, tcp->handle, buf, len, n);

    if (status == MOX_OK)
        tcp->ctx->stats.bytes_out += *n;
    return status;
}

static int tcp_want(struct stream *s, int events)
{
    struct tcp *tcp = (struct tcp *)s;

    return tcp->ctx->socket.want(tcp->ctx->socket.user, tcp->handle, events);
}

static int tcp_opened(struct stream *s)
{
    struct tcp *tcp = (struct tcp *)s;

    return tcp->ctx->socket.connected(tcp->ctx->socket.user, tcp->handle, NULL, NULL);
}

static int tcp_local(struct stream *s, struct mox_ip *ip, uint16_t *port)
{
    struct tcp *tcp = (struct tcp *)s;

    return tcp->ctx->socket.connected(tcp->ctx->socket.user, tcp->handle, ip, port);
}

static intptr_t tcp_fd(struct stream *s)
{
    struct tcp *tcp = (struct tcp *)s;

    return tcp->ctx->socket.fd == NULL ? -1
                                       : tcp->ctx->socket.fd(tcp->ctx->socket.user, tcp->handle);
}

static void tcp_close(struct stream *s, bool quietly)
{
    struct tcp *tcp = (struct tcp *)s;

    (void)quietly;
    socket_unregister(tcp->ctx, &tcp->socket);
    tcp->ctx->socket.close(tcp->ctx->socket.user, tcp->handle);
    spares_free(&tcp->ctx->spares, tcp, sizeof *tcp);
}

static const struct stream_ops tcp_ops = {
    .read = tcp_read,
    .write = tcp_write,
    .want = tcp_want,
    .opened = tcp_opened,
    .local = tcp_local,
    .fd = tcp_fd,
    .close = tcp_close,
};

static void on_ready(struct ctx_socket *socket, int events)
{
    struct tcp *tcp = (struct tcp *)((char *)socket - offsetof(struct tcp, socket));

    if (tcp->stream.ready != NULL)
        tcp->stream.ready(tcp->stream.arg, &tcp->stream, events);
}

int tcp_connect(struct mox_ctx *ctx, const struct tcp_target *target, struct stream **out)
{
    struct tcp *tcp = spares_new(&ctx->spares, sizeof *tcp);
    const struct mox_ip *local = target->local.family == 0 ? NULL : &target->local;
    int status = MOX_E_NOMEM;

    *out = NULL;
    if (tcp == NULL)
        return MOX_E_NOMEM;
    tcp->stream.ops = &tcp_ops;
    tcp->ctx = ctx;
    tcp->socket.fn = on_ready;
    if (socket_register(ctx, &tcp->socket) != MOX_OK)
        goto failed;
    status = ctx->socket.connect(ctx->socket.user, tcp->socket.id, &target->remote, target->port,
                                 local, &tcp->handle);
    if (status > MOX_OK)
        status = MOX_E_CALLBACK;
    if (status != MOX_OK)
        goto failed;
    status = tcp_want(&tcp->stream, MOX_WRITE);
    if (status != MOX_OK) {
        tcp_close(&tcp->stream, true);
        return status;
    }
    *out = &tcp->stream;
    return MOX_OK;
failed:
    socket_unregister(ctx, &tcp->socket);
    spares_free(&ctx->spares, tcp, sizeof *tcp);
    return status;
}
