/*
 * socks.h - a stream through a SOCKS5 proxy (RFC 1928, RFC 1929): CONNECT to an address, never to a
 * name. `opened` says when the proxy has connected.
 */
#ifndef STREAM_SOCKS_H
#define STREAM_SOCKS_H

#include "stream/stream.h"

struct socks_target {
    struct mox_ip remote;
    uint16_t port;
    const char *username, *password; /* copied, wiped after use; NULL: no login is offered */
};

/*
 * under: a stream to the proxy, open or opening; owned by the new one from MOX_OK on. The new one
 * asks for MOX_WRITE, and each time `opened` gives MOX_E_AGAIN it has asked for what it waits for.
 * MOX_OK; MOX_E_NOMEM; MOX_E_INVAL: no address, or a name or password that is not of 1 to 255
 * bytes; else what the stream below said.
 *
 * `opened` then gives, beside what the stream below says: MOX_E_CONNECT, the proxy could not reach
 * the address; MOX_E_PROXY, it would not, or it broke SOCKS; MOX_E_AUTH, it does not let us in.
 * `failure` tells it with MOX_STAGE_PROXY; it is temporary. `local` is not known
 * (MOX_E_UNSUPPORTED); `fd` gives the descriptor once it is open: nothing is ever read ahead.
 */
int socks_open(struct stream *under, const struct socks_target *target, struct stream **out);

#endif
