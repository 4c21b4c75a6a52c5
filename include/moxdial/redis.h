/* SPDX-License-Identifier: MIT */
/**
 * @file redis.h
 * Shared state on a Redis or Valkey server, by hiredis, in a library of its own: libmoxdial-redis.
 *
 * All processes and machines that use the same server share counters, history and MTA-STS policies.
 * One object serves one context: mox_redis_open(), its table to mox_ctx_new() as
 * mox_ctx_options::store, mox_redis_attach(); at the end mox_ctx_free(), then mox_redis_close().
 *
 * Nothing here waits for the server, save the look-up of its name in mox_redis_open(): the
 * connection is made by the first operation, in the loop of the context. If the connection ends,
 * the operations that wait for an answer end with #MOX_E_STORE at once, and the next one makes
 * another. A server that cannot be reached, or was silent for two seconds while an answer was due,
 * is left alone for a while, from 0.1 to 5 seconds; operations fail at once meanwhile. At most 1024
 * operations are in flight, more fail with #MOX_E_LIMIT. mox_redis_problem() has the words.
 *
 * All keys begin with `mox1/`, database 0 is used, and one server: no cluster, no password, no TLS.
 * So the server must be one that only our machines reach: on a socket, on loopback, or behind a
 * tunnel.
 */
#ifndef MOXDIAL_REDIS_H
#define MOXDIAL_REDIS_H

#include <moxdial/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A store on a server. Opaque. */
struct mox_redis;

/**
 * Name a server. A host name is looked up here, by the system's resolver, which may block; its
 * addresses (at most 8) are kept and tried in turn. An address or a path never blocks.
 * Thread rule: any thread; it belongs to the thread of its context from then on.
 *
 * @param server `host:port`, `192.0.2.6:6379`, `[2001:db8::6]:6379`, or the path of a socket, which
 *     begins with a slash
 * @param err #MOX_E_INVAL: no such form, or a path that is too long; #MOX_E_STORE: the name has no
 *     address; #MOX_E_NOMEM
 * @return the store, yours to end with mox_redis_close(); NULL: see err
 */
MOX_API struct mox_redis *mox_redis_open(const char *server, struct mox_error *err);

/**
 * The table for mox_ctx_options::store.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param redis the store
 * @return borrowed until mox_redis_close(), never NULL
 */
MOX_API const struct mox_store_ops *mox_redis_ops(struct mox_redis *redis);

/**
 * Name the context that is served, once it was made. An operation before that fails with
 * #MOX_E_STATE.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param redis the store
 * @param ctx borrowed until mox_ctx_free()
 */
MOX_API void mox_redis_attach(struct mox_redis *redis, struct mox_ctx *ctx);

/**
 * What went wrong last, for a log.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param redis the store
 * @return one sentence that names the server, borrowed until the next operation or dispatch; "":
 *     nothing has
 */
MOX_API const char *mox_redis_problem(const struct mox_redis *redis);

/**
 * End a store, after its context: closes the connection, sends nothing. So a child may do it after
 * fork(), the parent's connection goes on.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param redis may be NULL
 */
MOX_API void mox_redis_close(struct mox_redis *redis);

#ifdef __cplusplus
}
#endif

#endif
