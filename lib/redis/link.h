/*
 * link.h - a connection to the server, made when something is sent, over the loop of a context.
 *
 *   DOWN -send-> CONNECTING -> UP -its end-> DOWN
 *                    |          |
 *                    +--silence-+-> RESTING -time-> DOWN    while it rests send fails at once
 *
 * hiredis writes the commands and reads the replies, but the socket is ours: its own is not
 * close-on-exec, and a write on it may raise SIGPIPE in our host. The server is trusted with what
 * it stores, not with our memory and time: see LINK_REPLY and the deadlines in link.c.
 */
#ifndef REDIS_LINK_H
#define REDIS_LINK_H

#include <hiredis.h>

#include <moxdial/ops.h>

#include "redis/place.h"

enum {
    LINK_UNSENT = 4 << 20, /* bytes that wait to be sent */
    LINK_REPLY = 8 << 20,  /* bytes of one reply: 32 values of 128 KiB, and their keys */
    LINK_PROBLEM = 512
};

struct link;

/* What a link tells: from the loop, never from within link_send. */
struct link_events {
    void *user;
    void (*reply)(void *user, const redisReply *reply); /* borrowed; in the order of the commands */
    void (*lost)(void *user);                           /* no more replies to what was sent */
};

struct command {
    int argc;
    const char **argv;
    const size_t *len; /* bytes of each */
};

struct link *link_new(const struct place *place, const struct link_events *events);
void link_attach(struct link *link, struct mox_ctx *ctx);

/*
 * Sends n commands, all or none; each will have a reply, or `lost` comes. MOX_E_STORE: the server
 * cannot be reached; MOX_E_LIMIT, MOX_E_NOMEM, or what the context's loop said.
 */
int link_send(struct link *link, const struct command *commands, size_t n);

/* Keeps the words of a failure. */
void link_note(struct link *link, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *link_problem(const struct link *link); /* "": none was noted */

/* Says nothing to the context, which may be gone. Accepts NULL. */
void link_free(struct link *link);

#endif
