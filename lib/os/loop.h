/*
 * loop.h - the default loop ops: epoll on Linux, kqueue on the BSDs and macOS, else poll.
 *
 * The loop only waits; timers are the context's own. A descriptor is level-triggered unless our
 * sockets ask otherwise (private.h). After fork() the child may free a loop and nothing more: that
 * closes descriptors, and what the parent waits for is left alone.
 */
#ifndef OS_LOOP_H
#define OS_LOOP_H

#include <stdbool.h>

#include <moxdial/ops.h>

struct os_loop;

enum os_backend {
    OS_BACKEND_BEST = 0, /* the first of these that the system has */
    OS_BACKEND_EPOLL,
    OS_BACKEND_KQUEUE,
    OS_BACKEND_POLL
};

/* NULL: MOX_E_NOMEM, MOX_E_OS (no descriptor left), MOX_E_UNSUPPORTED (not on this system). */
struct os_loop *os_loop_new(int backend, struct mox_error *err);

/* Borrowed, until os_loop_free; to be given to the context before os_loop_attach. */
const struct mox_loop_ops *os_loop_ops(const struct os_loop *loop);

/* Whom to tell by mox_ctx_ready. ctx: borrowed; it must not wait on the loop before this. */
void os_loop_attach(struct os_loop *loop, struct mox_ctx *ctx);

/* Readable when wait would return at once; -1: the backend has no such descriptor (poll). */
int os_loop_fd(const struct os_loop *loop);

/* Ends the wait that runs, or else the next one. Any thread, and signal handlers. */
void os_loop_wakeup(struct os_loop *loop);

/* Whether OS_EDGE is honoured: what os_sockets_new wants to know. */
bool os_loop_is_edge(const struct os_loop *loop);

/* "epoll", "kqueue", "poll". */
const char *os_loop_name(const struct os_loop *loop);

/* Accepts NULL. */
void os_loop_free(struct os_loop *loop);

#endif
