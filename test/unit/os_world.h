/*
 * os_world.h - a context over one kind of loop, for the tests of lib/os.
 */
#ifndef OS_WORLD_H
#define OS_WORLD_H

#include "ctx/ctx.h"
#include "os/loop.h"
#include "os/socket.h"

enum { OS_WORLD_HOST = -1 }; /* a host's edge-triggered loop, in place of one of ours */

struct os_world { /* all zero: closed */
    struct os_loop *loop;
    struct os_sockets *sockets;
    struct mox_ctx *ctx;
    int host; /* the host's epoll */
};

/* backend: enum os_backend or OS_WORLD_HOST. False: this system does not have it. */
bool os_world_open(struct os_world *world, int backend, bool edge);
void os_world_close(struct os_world *world);

/* What a host would poll; -1: nothing. */
int os_world_fd(const struct os_world *world);

struct mox_ip os_world_ip(const char *text);

/* Bound to a port of it, and listening if backlog is over 0; -1: no such address here. */
int os_world_listen(const char *text, int backlog, uint16_t *port);

#endif
