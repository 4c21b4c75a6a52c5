/* socket.c - see socket.h. */
#include "ctx/socket.h"

static void run_ready(struct ctx_event *event)
{
    struct ctx_socket *socket = (struct ctx_socket *)event; /* its first member */
    int ready = socket->ready;

    socket->ready = 0;
    socket->fn(socket, ready);
}

int socket_register(struct mox_ctx *ctx, struct ctx_socket *socket)
{
    socket->event.run = run_ready;
    socket->id = ctx_id_new(ctx, CTX_SOCKET, socket);
    return socket->id == 0 ? MOX_E_NOMEM : MOX_OK;
}

void socket_unregister(struct mox_ctx *ctx, struct ctx_socket *socket)
{
    if (socket->id == 0)
        return;
    ctx_event_drop(&socket->event);
    ctx_id_end(ctx, socket->id);
    socket->id = 0;
}

int mox_socket_ready(struct mox_ctx *ctx, uint64_t id, int events)
{
    struct ctx_socket *socket = ctx_id_find(ctx, id, CTX_SOCKET);

    if (socket == NULL)
        return MOX_E_STALE;
    socket->ready |= events;
    ctx_event_queue(ctx, &socket->event);
    return MOX_OK;
}
