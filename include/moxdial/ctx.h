/* SPDX-License-Identifier: MIT */
/**
 * @file ctx.h
 * The context: one event domain, in which dials are in flight.
 */
#ifndef MOXDIAL_CTX_H
#define MOXDIAL_CTX_H

#include <moxdial/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * How a context behaves: bits. With neither of the first two the key TrustAD decides, and without
 * it whether all name servers are on loopback or resolv.conf says trust-ad. #MOX_CTX_DISTRUST_AD
 * and `TrustAD: false` hold for dns ops of the host too, which else say #MOX_DNS_TRUST_AD
 * themselves.
 */
enum mox_ctx_flag {
    MOX_CTX_TRUST_AD = 1,     ///< Believe the AD bit of DNS answers.
    MOX_CTX_DISTRUST_AD = 2,  ///< Never believe it.
    MOX_CTX_NO_HOSTS_FILE = 4 ///< Ask DNS only, not the hosts file.
};

/** For mox_ctx_options::max_conns and its like: no limit. */
#define MOX_UNLIMITED UINT32_MAX

/** IN. How a context is made. Tables, strings and arrays are copied. */
struct mox_ctx_options {
    size_t size;                         ///< sizeof(struct mox_ctx_options).
    const struct mox_loop_ops *loop;     ///< NULL: pull mode, over epoll, kqueue or poll.
    const struct mox_socket_ops *socket; ///< NULL: the system's sockets.
    const struct mox_dns_ops *dns;       ///< NULL: the default resolver, on c-ares; in a build
                                         ///< without it questions end with #MOX_E_UNSUPPORTED.
    const struct mox_store_ops *store;   ///< NULL: memory, of this context alone and bounded.
    const struct mox_fetch_ops *fetch;   ///< NULL: none, so there is no MTA-STS.
    const struct mox_sys_ops *sys;       ///< NULL: the system's clock and randomness.
    mox_log_fn *log;                     ///< Called with what is told; NULL: nobody.
    void *log_user;                      ///< Borrowed until mox_ctx_free(): first argument of log.
    int32_t log_level;                   ///< Enum mox_log_level: tell up to this.
    uint32_t flags;                      ///< MOX_CTX_ bits.
    const char *const *dns_servers;      ///< For the default resolver, like `192.0.2.53` or
                                         ///< `[2001:db8::53]:5353`; NULL: the system's.
    size_t ndns_servers;                 ///< Items in dns_servers.
    const char *ca_file;                 ///< File of root certificates; NULL: the configuration's,
                                         ///< else the system's bundle. Parsed once for all contexts
                                         ///< that use it at the same time.
    uint32_t max_conns;                  ///< Connections open and opening; 0: 1000.
    uint32_t max_conns_per_address;      ///< The same to one address; 0: 20. A full address is
                                         ///< dropped as #MOX_DROP_BUSY, not waited for.
    uint32_t max_idle;     ///< Connections that mox_conn_release() keeps, the oldest makes room;
                           ///< 0: none.
    uint32_t idle_s;       ///< Seconds one is kept; 0: 5.
    uint32_t max_messages; ///< Transactions over one connection; 0: 100. LIMITS MAILMAX (RFC 9422)
                           ///< counts if it is lower.
    mox_token_fn *token;   ///< NULL: Auth.Password is the token.
    void *token_user;      ///< Borrowed until mox_ctx_free(): first argument of token.
};

/**
 * Make a context.
 * Thread rule: any thread; the context belongs to one thread at a time from then on.
 *
 * @param options borrowed until return; NULL: every default
 * @param err #MOX_E_INVAL: a table lacks a function, a server is no address, or servers are counted
 *     that are not given; #MOX_E_UNSUPPORTED: an option that this build or version does not have;
 *     #MOX_E_OS: the system gave no descriptor; #MOX_E_NOMEM
 * @return the context, yours to end with mox_ctx_free(); NULL: see err
 */
MOX_API struct mox_ctx *mox_ctx_new(const struct mox_ctx_options *options, struct mox_error *err);

/**
 * End a context: cancels its operations in silence, closes its connections without waiting, frees
 * them and its plans too. Inside a callback it is deferred until the dispatch unwinds.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx may be NULL
 */
MOX_API void mox_ctx_free(struct mox_ctx *ctx);

/**
 * Pull mode: the descriptor to poll for reading, for no longer than mox_ctx_timeout_ms(); then call
 * mox_ctx_dispatch().
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @return the descriptor, the same all its life and the context's to close; #MOX_E_UNSUPPORTED: in
 *     push mode, and where the system has only poll(2)
 */
MOX_API int mox_ctx_fd(const struct mox_ctx *ctx);

/**
 * Pull mode: how long to wait at most. Ask anew before each wait.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @return milliseconds; 0: dispatch now; -1: no deadline
 */
MOX_API int mox_ctx_timeout_ms(const struct mox_ctx *ctx);

/**
 * Do what can be done now and make the callbacks that are due. It never blocks.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @return the number of callbacks made; #MOX_E_REENTRANT: inside a callback
 */
MOX_API int mox_ctx_dispatch(struct mox_ctx *ctx);

/**
 * Wait, then dispatch: a loop for hosts that have none.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @param timeout_ms milliseconds to wait at most; -1: until something happens
 * @return the number of callbacks made; #MOX_E_REENTRANT: inside a callback; #MOX_E_UNSUPPORTED: in
 *     push mode without mox_loop_ops::wait; or what the wait returned when it failed, like
 *     MOX_ERRNO(e)
 */
MOX_API int mox_ctx_wait(struct mox_ctx *ctx, int timeout_ms);

/**
 * End a wait, and the sleep of a blocking call, which goes on with its work. In push mode it does
 * nothing: wake your own loop.
 * Thread rule: any thread, and signal handlers.
 *
 * @param ctx the context
 */
MOX_API void mox_ctx_wakeup(struct mox_ctx *ctx);

/**
 * An orderly end: nothing new starts, and what is in flight ends with #MOX_E_SHUTDOWN by its
 * callback; a message whose body is being sent may be finished. It is over when mox_ctx_pending()
 * is 0.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @param grace_ms milliseconds for bodies that are being sent
 * @return #MOX_OK
 */
MOX_API int mox_ctx_shutdown(struct mox_ctx *ctx, uint32_t grace_ms);

/**
 * How much is in flight.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @return the number of operations whose callback was not entered yet
 */
MOX_API int mox_ctx_pending(const struct mox_ctx *ctx);

/**
 * Cancel an operation: when it returns the callback will never be called, and all that the
 * operation held is released.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @param id the operation; 0 is harmless
 * @return #MOX_OK; #MOX_E_STALE: it had ended
 */
MOX_API int mox_op_cancel(struct mox_ctx *ctx, mox_op_id id);

/**
 * Answer function: a body reader that said #MOX_E_AGAIN has data, or its end, or an error to tell.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @param id of mox_deliver_start()
 * @return #MOX_OK; #MOX_E_STALE: it had ended, or is no delivery
 */
MOX_API int mox_op_resume(struct mox_ctx *ctx, mox_op_id id);

/** VIEW. Counters since mox_ctx_new(); they move on while they are looked at. */
struct mox_stats {
    uint64_t dials;            ///< Dials begun.
    uint64_t dials_ok;         ///< Dials that gave a connection.
    uint64_t attempts;         ///< Addresses dialed.
    uint64_t connects_ipv4;    ///< Connects over IPv4 that succeeded.
    uint64_t connects_ipv6;    ///< Connects over IPv6 that succeeded.
    uint64_t tls_ok;           ///< TLS handshakes that succeeded.
    uint64_t tls_failed;       ///< TLS handshakes that failed.
    uint64_t messages;         ///< Messages accepted.
    uint64_t rcpts_ok;         ///< Recipients accepted.
    uint64_t rcpts_temp;       ///< Recipients refused for now.
    uint64_t rcpts_perm;       ///< Recipients refused for good.
    uint64_t bytes_in;         ///< Bytes read from servers.
    uint64_t bytes_out;        ///< Bytes written to servers.
    uint64_t dns_queries;      ///< Questions asked.
    uint64_t dns_failures;     ///< Questions without an answer.
    uint64_t reused;           ///< Dials that took a connection kept.
    uint64_t family_fallbacks; ///< Times the other family was taken after a refusal of our address.
};

/**
 * The counters of a context.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @return borrowed until mox_ctx_free(), never NULL
 */
MOX_API const struct mox_stats *mox_ctx_stats(const struct mox_ctx *ctx);

#ifdef __cplusplus
}
#endif

#endif
