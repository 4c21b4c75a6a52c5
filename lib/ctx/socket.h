/*
 * socket.h - readiness of the streams that socket ops made.
 */
#ifndef CTX_SOCKET_H
#define CTX_SOCKET_H

#include "ctx/ctx.h"

struct ctx_socket { /* all zero: not registered */
    struct ctx_event event;
    uint64_t id;
    int ready;
    void (*fn)(struct ctx_socket *socket, int events); /* inside a dispatch */
};

/* MOX_OK or MOX_E_NOMEM. */
int socket_register(struct mox_ctx *ctx, struct ctx_socket *socket);
void socket_unregister(struct mox_ctx *ctx, struct ctx_socket *socket);

#endif
