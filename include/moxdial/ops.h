/* SPDX-License-Identifier: MIT */
/**
 * @file ops.h
 * What a host can supply: its event loop, sockets, DNS, clock and log.
 *
 * All tables are IN, and are copied by mox_ctx_new(). The field `user` is borrowed until
 * mox_ctx_free() and is the first argument of each function. The ids of questions and streams are
 * unique in a context and never used again, so a late answer is harmless: #MOX_E_STALE. An *answer
 * function* only records: call mox_ctx_dispatch() before you wait again. It may be called from
 * inside an ops function. Blocking calls need ops that answer at once, or mox_loop_ops::wait.
 */
#ifndef MOXDIAL_OPS_H
#define MOXDIAL_OPS_H

#include <moxdial/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @name The event loop
 * @{ */

/** What a descriptor or a stream is ready for: bits. */
enum mox_event {
    MOX_READ = 1, ///< Reading; also the end of the data, and errors.
    MOX_WRITE = 2 ///< Writing; also the end of a connect.
};

/**
 * IN. Push mode, for libevent, libuv and other loops: the library says what to watch. It is about
 * the descriptors that the library itself opens, and those given to mox_ctx_watch().
 */
struct mox_loop_ops {
    size_t size; ///< sizeof(struct mox_loop_ops).
    void *user;  ///< First argument of each function.
    /**
     * Watch fd for events (MOX_READ, MOX_WRITE bits); it replaces the former interest in fd. 0:
     * forget fd, which may be closed next. When fd is ready, call mox_ctx_ready(). Returns #MOX_OK,
     * a `MOX_E_` code or MOX_ERRNO(e).
     */
    int (*watch)(void *user, intptr_t fd, int events);
    /**
     * Call mox_ctx_dispatch() in delay_us microseconds; there is one timer, and this replaces it.
     * -1: no timer. Returns #MOX_OK, a `MOX_E_` code or MOX_ERRNO(e).
     */
    int (*timer)(void *user, int64_t delay_us);
    /**
     * Optional: run your loop once, for at most timeout_us microseconds; -1: until something
     * happens. It is what makes the blocking calls work. Returns #MOX_OK, a `MOX_E_` code or
     * MOX_ERRNO(e).
     */
    int (*wait)(void *user, int64_t timeout_us);
};

/**
 * Answer function: a watched descriptor is ready, by level or by edge.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @param fd as given to mox_loop_ops::watch
 * @param events MOX_READ, MOX_WRITE bits
 * @return #MOX_OK; #MOX_E_STALE: fd is not watched (any more)
 */
MOX_API int mox_ctx_ready(struct mox_ctx *ctx, intptr_t fd, int events);

/**
 * Called inside mox_ctx_dispatch() when what mox_ctx_watch() or mox_ctx_timer() asked for is there,
 * under the rules for ops functions.
 *
 * @param arg as given to mox_ctx_watch() or mox_ctx_timer()
 * @param fd the descriptor; -1: the timer
 * @param events MOX_READ, MOX_WRITE bits; 0: the timer
 */
typedef void mox_watch_fn(void *arg, intptr_t fd, int events);

/**
 * Answer function, for ops with descriptors of their own, like a resolver: let the loop of the
 * context serve them. There is one interest a descriptor; a new one replaces it.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @param fd the descriptor, which stays yours; end the interest before you close it
 * @param events MOX_READ, MOX_WRITE bits; 0: end the interest
 * @param fn called each time fd is ready
 * @param arg borrowed until the interest ends: first argument of fn
 * @return #MOX_OK; #MOX_E_NOMEM; or what mox_loop_ops::watch returned when it failed
 */
MOX_API int mox_ctx_watch(struct mox_ctx *ctx, intptr_t fd, int events, mox_watch_fn *fn,
                          void *arg);

/**
 * Answer function, for ops with deadlines of their own. There is one timer for each `arg`, it runs
 * out once; a new one replaces it.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @param delay_us microseconds from now; -1: end the timer
 * @param fn called when it runs out
 * @param arg borrowed until the timer ends: first argument of fn
 * @return #MOX_OK; #MOX_E_NOMEM
 */
MOX_API int mox_ctx_timer(struct mox_ctx *ctx, int64_t delay_us, mox_watch_fn *fn, void *arg);

/** @}
 * @name Sockets
 * @{ */

/**
 * IN. Streams of your own: a TCP stack in user space, io_uring, a proxy, a simulation. Readiness is
 * told by mox_socket_ready(), not by mox_loop_ops::watch.
 */
struct mox_socket_ops {
    size_t size; ///< sizeof(struct mox_socket_ops).
    void *user;  ///< First argument of each function.
    /**
     * Begin to connect the stream `id` to remote, port (host order). local: our end; NULL: any.
     * Store what names the stream from now on in *handle, yours until close. Returns #MOX_OK, then
     * mox_socket_ready() with #MOX_WRITE once it is decided; or a `MOX_E_` code or MOX_ERRNO(e),
     * then there is no stream. #MOX_E_NO_SOURCE: local is not on this machine; #MOX_E_NO_PORTS: no
     * local port is free.
     */
    int (*connect)(void *user, uint64_t id, const struct mox_ip *remote, uint16_t port,
                   const struct mox_ip *local, void **handle);
    /**
     * How the connect ended and, where not NULL, the local address and port (host order). Asked
     * when somebody wants it, also later. Returns #MOX_OK, #MOX_E_AGAIN, or why it failed.
     */
    int (*connected)(void *user, void *handle, struct mox_ip *local, uint16_t *port);
    /**
     * Read at most cap bytes, store in *n how many. Returns #MOX_OK with at least one byte,
     * #MOX_E_AGAIN, #MOX_E_EOF, a `MOX_E_` code or MOX_ERRNO(e).
     */
    int (*read)(void *user, void *handle, void *buf, size_t cap, size_t *n);
    /**
     * Write at most len bytes, store in *n how many; never raise SIGPIPE. Returns #MOX_OK,
     * #MOX_E_AGAIN, a `MOX_E_` code or MOX_ERRNO(e).
     */
    int (*write)(void *user, void *handle, const void *buf, size_t len, size_t *n);
    /**
     * What to report next by mox_socket_ready(): MOX_READ, MOX_WRITE bits; 0: nothing. If it holds
     * already, report it at once. Returns #MOX_OK, a `MOX_E_` code or MOX_ERRNO(e).
     */
    int (*want)(void *user, void *handle, int events);
    /** Close the stream, connected or not, and release handle. It never blocks. */
    void (*close)(void *user, void *handle);
    /**
     * Optional: which source address the system would take for remote; nothing is sent. Returns
     * #MOX_OK, or why there is none, like MOX_ERRNO(ENETUNREACH). Without it `Prefer: learned`
     * knows only sources that are bound.
     */
    int (*source)(void *user, const struct mox_ip *remote, struct mox_ip *local);
    /**
     * Optional, enables mox_conn_detach(): a descriptor for the stream that is the caller's own,
     * close-on-exec and non-blocking, as by dup(2); close is called right after. -1: none.
     */
    intptr_t (*fd)(void *user, void *handle);
};

/**
 * Answer function: a stream is ready for what mox_socket_ops::want asked, or its connect is
 * decided.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @param id as given to mox_socket_ops::connect
 * @param events MOX_READ, MOX_WRITE bits
 * @return #MOX_OK; #MOX_E_STALE: the stream is closed
 */
MOX_API int mox_socket_ready(struct mox_ctx *ctx, uint64_t id, int events);

/** @}
 * @name DNS
 * @{ */

/** IN. A resolver of your own. */
struct mox_dns_ops {
    size_t size; ///< sizeof(struct mox_dns_ops).
    void *user;  ///< First argument of each function.
    /**
     * Ask for the records of `type` (the IANA number) of `name`: absolute, A-labels, no trailing
     * dot, no search list; borrowed until return. An SPF check asks for names of other bytes too,
     * which stand as in zone files, a blank as `\032` (RFC 1035 section 5.1). Ask with RD, AD and
     * EDNS, and over TCP when the answer was cut. Returns #MOX_OK: answer once, now or later, by
     * mox_dns_answer(), mox_dns_answer_records() or mox_dns_fail(); or a `MOX_E_` code or
     * MOX_ERRNO(e): no answer comes.
     */
    int (*query)(void *user, uint64_t id, const char *name, uint16_t type);
    /** The answer is no longer wanted; one that comes even so gets #MOX_E_STALE. */
    void (*cancel)(void *user, uint64_t id);
};

/** What is known about a DNS answer: bits. */
enum mox_dns_flag {
    MOX_DNS_TRUST_AD = 1 ///< The way to the validating resolver is trusted: believe the AD bit.
};

/** VALUE. A DNS record, as in a zone file. */
struct mox_dns_record {
    const char *name;  ///< Whose it is; A-labels, a trailing dot is allowed.
    uint16_t rrtype;   ///< Its type, the IANA number.
    uint16_t reserved; ///< Zero.
    uint32_t ttl;      ///< Seconds.
    const char *rdata; ///< Its data as a zone file has it, like `10 mx.example.org.`.
};

/**
 * Answer function: the answer to a query, as a whole DNS message.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @param id as given to mox_dns_ops::query
 * @param wire copied: the message (RFC 1035 section 4)
 * @param len bytes in wire
 * @param flags MOX_DNS_ bits
 * @return #MOX_OK: taken, though a message that is too long, or for which there is no memory, makes
 *     the query fail; #MOX_E_STALE: the answer is no longer wanted
 */
MOX_API int mox_dns_answer(struct mox_ctx *ctx, uint64_t id, const void *wire, size_t len,
                           uint32_t flags);

/**
 * Answer function: the answer to a query, as records, for hosts whose resolver gives no messages.
 * The CNAME records of the chain are part of it.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @param id as given to mox_dns_ops::query
 * @param rcode response code (RFC 1035 section 4.1.1): 0 with the records, 3 for no such name
 * @param records copied; may be NULL if n is 0
 * @param n items in records; 0 and rcode 0: the name has no such record
 * @param authentic 1: DNSSEC proved all of it
 * @return #MOX_OK; #MOX_E_STALE: the answer is no longer wanted; #MOX_E_INVAL: a record cannot be
 *     read, and the query fails; #MOX_E_LIMIT: there are too many; #MOX_E_NOMEM
 */
MOX_API int mox_dns_answer_records(struct mox_ctx *ctx, uint64_t id, int rcode,
                                   const struct mox_dns_record *records, size_t n,
                                   uint32_t authentic);

/**
 * Answer function: a query got no answer.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @param id as given to mox_dns_ops::query
 * @param code why: #MOX_E_TIMEOUT, #MOX_E_DNS or MOX_ERRNO(e)
 * @return #MOX_OK; #MOX_E_STALE: the answer is no longer wanted
 */
MOX_API int mox_dns_fail(struct mox_ctx *ctx, uint64_t id, int code);

/** @}
 * @name Store and fetch
 * @{ */

/**
 * IN. A store of state that contexts, processes or machines share: MTA-STS policies, the history of
 * refusals. A key is printable ASCII without a blank, at most 1000 bytes, a value any bytes, at
 * most 128 KiB; both are borrowed until return. Each function returns #MOX_OK: answer once, now or
 * later, by mox_store_done(); or a `MOX_E_` code or MOX_ERRNO(e): no answer comes. An answer that
 * is not there in mox_timeouts::store is not waited for: mail goes on without it.
 */
struct mox_store_ops {
    size_t size; ///< sizeof(struct mox_store_ops).
    void *user;  ///< First argument of each function.
    /** The value of a key. */
    int (*get)(void *user, uint64_t id, const char *key);
    /**
     * Set the value of a key, to be kept for ttl_s seconds from now; 0: until it is replaced. len
     * 0: delete the key.
     */
    int (*put)(void *user, uint64_t id, const char *key, const void *value, size_t len,
               uint32_t ttl_s);
    /**
     * Add delta to a number, which is 0 if the key is not there, in one step that no other user of
     * the store comes between. ttl_s counts only where the key is made by it. `get` gives the
     * number in decimal.
     */
    int (*add)(void *user, uint64_t id, const char *key, int64_t delta, uint32_t ttl_s);
    /** Optional: mox_store_item() for each key that begins with prefix, then the end. */
    int (*each)(void *user, uint64_t id, const char *prefix);
};

/**
 * Answer function: one of the keys that mox_store_ops::each was asked for.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @param id as given to mox_store_ops::each
 * @param key copied: the whole key
 * @param value copied: its value
 * @param len bytes in value
 * @return #MOX_OK; #MOX_E_STALE: the answer is no longer wanted, so stop
 */
MOX_API int mox_store_item(struct mox_ctx *ctx, uint64_t id, const char *key, const void *value,
                           size_t len);

/**
 * Answer function: what was asked of the store is done, or failed.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @param id as given to the function of struct mox_store_ops
 * @param status #MOX_OK, a `MOX_E_` code, like #MOX_E_STORE, or MOX_ERRNO(e)
 * @param value copied: of `get`, the value; NULL: there is no such key
 * @param len bytes in value
 * @param number of `add`, the sum; of `each`, how many there were; else without effect
 * @return #MOX_OK: taken, though a value that is too long, or for which there is no memory, makes
 *     the question fail; #MOX_E_STALE: the answer is no longer wanted
 */
MOX_API int mox_store_done(struct mox_ctx *ctx, uint64_t id, int status, const void *value,
                           size_t len, int64_t number);

/**
 * IN. What fetches MTA-STS policies (RFC 8461 section 3.3) over HTTPS; without such a table there
 * is no MTA-STS. A ready one is in libmoxdial-curl, see moxdial/curl.h.
 */
struct mox_fetch_ops {
    size_t size; ///< sizeof(struct mox_fetch_ops).
    void *user;  ///< First argument of each function.
    /**
     * Get a URL of the scheme https, borrowed until return. The server's certificate must verify
     * for its name, a redirect is an answer and not followed, a body over max_bytes is
     * #MOX_E_LIMIT, and what takes over timeout_ms milliseconds #MOX_E_TIMEOUT. Returns #MOX_OK:
     * answer once, now or later, by mox_fetch_answer(); or a `MOX_E_` code or MOX_ERRNO(e): no
     * answer comes.
     */
    int (*fetch)(void *user, uint64_t id, const char *url, size_t max_bytes, uint32_t timeout_ms);
    /** The answer is no longer wanted; one that comes even so gets #MOX_E_STALE. */
    void (*cancel)(void *user, uint64_t id);
};

/**
 * Answer function: what was fetched, or why nothing was.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @param id as given to mox_fetch_ops::fetch
 * @param http_status the status of the response, like 200 or 404; or negative: #MOX_E_NO_DOMAIN (no
 *     such host), #MOX_E_VERIFY, #MOX_E_TLS, #MOX_E_LIMIT, #MOX_E_TIMEOUT, another `MOX_E_` code or
 *     MOX_ERRNO(e)
 * @param body copied: the body; may be NULL if len is 0
 * @param len bytes in body
 * @return #MOX_OK: taken, though a body that is too long, or for which there is no memory, makes
 *     the fetch fail; #MOX_E_STALE: the answer is no longer wanted
 */
MOX_API int mox_fetch_answer(struct mox_ctx *ctx, uint64_t id, int http_status, const void *body,
                             size_t len);

/** @}
 * @name Clock and randomness
 * @{ */

/** IN. Time and chance. All functions are required. */
struct mox_sys_ops {
    size_t size; ///< sizeof(struct mox_sys_ops).
    void *user;  ///< First argument of each function.
    /** Microseconds of a clock that never goes back; where it starts does not matter. */
    int64_t (*monotonic_us)(void *user);
    /** Unix time in seconds. */
    int64_t (*unix_s)(void *user);
    /** Seconds that local time is ahead of UTC at the Unix time unix_s. */
    int32_t (*utc_offset_s)(void *user, int64_t unix_s);
    /** Fill buf with len bytes fit for cryptography. Returns #MOX_OK or why it failed. */
    int (*random)(void *user, void *buf, size_t len);
};

/** @}
 * @name Log and login
 * @{ */

/** How much is told. */
enum mox_log_level {
    MOX_LOG_ERROR = 0, ///< What failed for good.
    MOX_LOG_WARNING,   ///< What should be looked at.
    MOX_LOG_INFO,      ///< What was done.
    MOX_LOG_DEBUG,     ///< Every step.
    MOX_LOG_DIALOGUE   ///< The lines of SMTP too, secrets masked.
};

/** VIEW. One thing told. */
struct mox_log_entry {
    int32_t level;         ///< Enum mox_log_level.
    int32_t stage;         ///< Enum mox_stage.
    uint64_t tag;          ///< mox_dial_request::tag of the dial it belongs to; 0: none.
    const char *host;      ///< The host it is about; NULL: none.
    struct mox_ip address; ///< Its address; family 0: none.
    const char *text;      ///< One line, without a line feed and without secrets.
};

/**
 * Called with each thing told, under the rules for ops functions.
 *
 * @param user mox_ctx_options::log_user
 * @param entry borrowed until it returns
 */
typedef void mox_log_fn(void *user, const struct mox_log_entry *entry);

/**
 * The OAuth 2 token for OAUTHBEARER and XOAUTH2 (RFC 7628), given at once, so refresh it ahead.
 * Called under the rules for ops functions; buf is wiped after use.
 *
 * @param user mox_ctx_options::token_user
 * @param transport name of the transport
 * @param username its Auth.Username
 * @param buf where to write the token, as snprintf would
 * @param cap bytes in buf
 * @return the length of the token, or a `MOX_E_` code: the login fails, temporary
 */
typedef int mox_token_fn(void *user, const char *transport, const char *username, char *buf,
                         size_t cap);

/** @} */

#ifdef __cplusplus
}
#endif

#endif
