/* tcp.h - a stream over the socket ops. */
#ifndef STREAM_TCP_H
#define STREAM_TCP_H

#include "ctx/ctx.h"
#include "stream/stream.h"

struct tcp_target {
    struct mox_ip remote, local; /* local family 0: any */
    uint16_t port;
};

/*
 * Starts to connect and asks for MOX_WRITE. MOX_OK: *out is a stream whose `opened` tells the
 * outcome; else what the ops said, or MOX_E_NOMEM.
 */
int tcp_connect(struct mox_ctx *ctx, const struct tcp_target *target, struct stream **out);

#endif
