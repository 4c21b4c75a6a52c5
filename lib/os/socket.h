/*
 * socket.h - the default socket ops: TCP over POSIX sockets, served by the loop of the context.
 *
 * With an edge-triggered loop of ours the descriptor is registered once and its readiness is
 * remembered here, so that neither want nor a read that would block costs a system call. With any
 * other loop (a host's, or poll) want asks for what is missing by mox_ctx_watch.
 *
 * mox_conn_detach: fd gives a duplicate (F_DUPFD_CLOEXEC) that is the caller's and known to no loop
 * of ours; the handle is closed after it.
 */
#ifndef OS_SOCKET_H
#define OS_SOCKET_H

#include <stdbool.h>

#include <moxdial/ops.h>

struct os_sockets;

/* edge: os_loop_is_edge of the context's loop; false for a host's loop. NULL: MOX_E_NOMEM. */
struct os_sockets *os_sockets_new(bool edge, struct mox_error *err);

/*
 * Borrowed, until os_sockets_free. Beside MOX_ERRNO(e), connect gives MOX_E_NO_SOURCE (local is not
 * on this machine), MOX_E_NO_PORTS (none left) and MOX_E_NOMEM.
 */
const struct mox_socket_ops *os_sockets_ops(const struct os_sockets *sockets);

/* The context whose loop serves the sockets and whom they report to; borrowed. */
void os_sockets_attach(struct os_sockets *sockets, struct mox_ctx *ctx);

/* Accepts NULL. Every handle has been closed before. */
void os_sockets_free(struct os_sockets *sockets);

#endif
