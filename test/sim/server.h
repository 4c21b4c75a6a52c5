/*
 * server.h - mail servers, kind and unkind, as scripts.
 *
 * A script says one reply to each thing it hears. Behind the reply's text a word after '~' may say
 * what comes next: "~close", "~reset", "~notify" (the end in good order, of TLS), "~forever" (the
 * text again, whenever all was read), "~drip" (the text comes a byte a second), "~tls" (the
 * handshake is awaited). An empty text: silence.
 */
#ifndef SIM_SERVER_H
#define SIM_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "test/sim/proxy.h"
#include "test/sim/secure.h"

struct net_stream;

struct server_profile {
    const char *name;
    const char *greeting, *ehlo, *helo; /* NULL: as a kind server */
    uint32_t ms;                        /* until each reply begins; 0: 10 */
};

struct server_state {
    size_t heard;       /* bytes of the stream's out that were understood */
    size_t heard_clear; /* … of what came over TLS */
    unsigned hellos;    /* EHLO so far */
    struct login_state login;
    const char *rest, *end; /* of a drip: what is left of its text */
    const char *forever;    /* said again whenever all was read; NULL: nothing */
    size_t forever_len;
};

/* NULL: there is none of that name. The n-th one from 0, NULL past the end. */
const struct server_profile *server_profile(const char *name);
const struct server_profile *server_profile_at(size_t n);

/* The client has connected; it has written; it has read all there was. */
void server_begin(struct net_stream *s);
void server_take(struct net_stream *s);
void server_refill(struct net_stream *s);

/* For the parts of a server: the handshake is over; words have come over TLS; it replies. */
void server_secured(struct net_stream *s);
void server_hear(struct net_stream *s);
void server_reply(struct net_stream *s, const char *script);

/* The same; *said_at: bytes of the stream's in with the reply, once it was said. */
void server_reply_to(struct net_stream *s, const char *script, size_t *said_at);

#endif
