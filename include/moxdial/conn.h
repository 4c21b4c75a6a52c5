/* SPDX-License-Identifier: MIT */
/**
 * @file conn.h
 * Connections: what was found out about the server, and how a host speaks SMTP on one itself.
 */
#ifndef MOXDIAL_CONN_H
#define MOXDIAL_CONN_H

#include <moxdial/dial.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a server offers: bits. After TLS those of the second EHLO (RFC 3207 section 4.2). */
enum mox_ext {
    MOX_EXT_STARTTLS = 1,     ///< STARTTLS, RFC 3207.
    MOX_EXT_AUTH = 2,         ///< AUTH, RFC 4954.
    MOX_EXT_PIPELINING = 4,   ///< PIPELINING, RFC 2920.
    MOX_EXT_SIZE = 8,         ///< SIZE, RFC 1870.
    MOX_EXT_8BITMIME = 16,    ///< 8BITMIME, RFC 6152.
    MOX_EXT_SMTPUTF8 = 32,    ///< SMTPUTF8, RFC 6531.
    MOX_EXT_DSN = 64,         ///< DSN, RFC 3461.
    MOX_EXT_REQUIRETLS = 128, ///< REQUIRETLS, RFC 8689.
    MOX_EXT_LIMITS = 256,     ///< LIMITS, RFC 9422.
    MOX_EXT_ENHANCED = 512    ///< ENHANCEDSTATUSCODES, RFC 2034.
};

/** VIEW. What is known about a connection and its server. */
struct mox_session {
    const char *host;        ///< The host, A-labels.
    const char *transport;   ///< Name of the transport; NULL: none.
    const char *ehlo_sent;   ///< Our name as sent in EHLO; NULL: not sent.
    const char *greeting;    ///< The server's first reply; NULL: not read.
    struct mox_ip remote;    ///< The server's address.
    struct mox_ip local;     ///< Our end.
    struct mox_ip public_ip; ///< Our end as the world sees it, by the NAT map.
    uint16_t remote_port;    ///< The server's port.
    uint16_t local_port;     ///< Our port.
    int32_t stage;           ///< Enum mox_stage: what was reached; #MOX_STAGE_QUIT: it is over.
    uint32_t extensions;     ///< MOX_EXT_ bits.
    uint64_t size_limit;     ///< Of SIZE, bytes; 0: none.
    uint32_t rcpt_limit;     ///< Of LIMITS, recipients of a transaction; 0: none.
    uint32_t mail_limit;     ///< Of LIMITS, transactions of a connection; 0: none.
    const char *const *ehlo; ///< The lines of the reply to EHLO after the first; NULL at the end.
    const char *tls_version; ///< NULL: in clear.
    const char *tls_cipher;  ///< NULL: in clear.
    int32_t tls_verified;    ///< Enum mox_tls_need: what was proven, not what was asked.
    int32_t dual_stack;      ///< 1: the host has both families, after the filter.
    uint32_t messages;       ///< Messages sent on this connection.
    const char *const *tls_names; ///< DNS names of the server's certificate; NULL at the end.
    const char *tls_verified_by;  ///< The TLSA record or the name that matched; NULL: nothing was
                                  ///< proven.
    int64_t tls_expires_s;        ///< When that certificate ends, Unix seconds; 0: in clear.
    const char *auth_mechanism;   ///< What the login was made by, "SCRAM-SHA-256"; NULL: no login.
};

/**
 * What is known about a connection and its server; each call brings the same view up to date.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param conn borrowed
 * @return borrowed until the connection ends; never NULL
 */
MOX_API const struct mox_session *mox_conn_session(const struct mox_conn *conn);

/**
 * The plan by which a connection was dialed.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param conn borrowed
 * @return borrowed until the connection ends; never NULL
 */
MOX_API struct mox_plan *mox_conn_plan(const struct mox_conn *conn);

/**
 * Read what the server sent, for hosts that speak SMTP themselves. It never blocks.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param conn the connection
 * @param buf where to write
 * @param cap bytes in buf, at least 1
 * @param n how many bytes were read; 0 unless #MOX_OK is returned
 * @return #MOX_OK: at least one byte; #MOX_E_AGAIN: nothing is there; #MOX_E_EOF: the server sent
 *     its last byte; #MOX_E_INVAL: cap is 0; else what the socket ops said, like MOX_ERRNO(e)
 */
MOX_API int mox_conn_read(struct mox_conn *conn, void *buf, size_t cap, size_t *n);

/**
 * Write to the server, for hosts that speak SMTP themselves. It never blocks.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param conn the connection
 * @param buf copied
 * @param len bytes in buf
 * @param n how many bytes were taken, maybe not all; 0 unless #MOX_OK is returned
 * @return #MOX_OK; #MOX_E_AGAIN: no room now; else what the socket ops said, like MOX_ERRNO(e)
 */
MOX_API int mox_conn_write(struct mox_conn *conn, const void *buf, size_t len, size_t *n);

/**
 * Wait until mox_conn_read() or mox_conn_write() would not give #MOX_E_AGAIN. Blocks.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param conn the connection
 * @param events MOX_READ, MOX_WRITE bits: any of them
 * @param timeout_ms milliseconds to wait at most; -1: for ever
 * @return #MOX_OK; #MOX_E_TIMEOUT; #MOX_E_INVAL: no events; #MOX_E_BUSY: operations are in flight
 *     on the context; #MOX_E_REENTRANT: inside a callback; #MOX_E_UNSUPPORTED: in push mode without
 *     mox_loop_ops::wait; #MOX_E_OS: the wait failed; #MOX_E_NOMEM
 */
MOX_API int mox_conn_wait(struct mox_conn *conn, int events, int timeout_ms);

/**
 * Be told once when mox_conn_read() or mox_conn_write() would not give #MOX_E_AGAIN. What was read
 * ahead is considered.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param conn the connection; there is one watch at a time
 * @param events MOX_READ, MOX_WRITE bits: any of them
 * @param fn called once from a dispatch
 * @param arg borrowed until then: first argument of fn
 * @param err #MOX_E_INVAL: no events, or no fn; #MOX_E_BUSY: it is being watched; #MOX_E_SHUTDOWN;
 *     #MOX_E_NOMEM
 * @return its id, to cancel it; 0: see err, and fn is not called
 */
MOX_API mox_op_id mox_conn_watch(struct mox_conn *conn, int events, mox_done_fn *fn, void *arg,
                                 struct mox_error *err);

/**
 * Take the descriptor out of a plaintext connection, which is gone then, a watch of it too; on
 * failure nothing has happened.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param conn consumed on success
 * @param fd the descriptor, yours to close; non-blocking and close-on-exec are set
 * @param readahead the bytes that were read and not asked for yet
 * @param cap bytes in readahead; 16 KiB always suffice
 * @param n how many bytes were written to readahead
 * @return #MOX_OK; #MOX_E_STATE: under TLS; #MOX_E_LIMIT: cap is too small; #MOX_E_UNSUPPORTED: the
 *     socket ops have no `fd`
 */
MOX_API int mox_conn_detach(struct mox_conn *conn, intptr_t *fd, void *readahead, size_t cap,
                            size_t *n);

/**
 * Give a connection back. If the session is sound and nothing was read or written on it by the host
 * itself, it is kept for a later dial with the same transport, next hop, source, TLS demand and
 * login, at most mox_ctx_options::idle_s long and mox_ctx_options::max_idle of them; else it is
 * closed as by mox_conn_close(). While the host holds the plan it was dialed by, no other dial gets
 * it. A dial that takes one asks no DNS; if the server has closed it meanwhile, or its first word
 * is 421, mox_deliver() says #MOX_ACTION_NEXT and mox_dial_next() dials the same address anew.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param conn consumed; may be NULL
 */
MOX_API void mox_conn_release(struct mox_conn *conn);

/**
 * Tell the history how a transaction ended that the host spoke itself, so that `Prefer: learned`
 * and mox_history_each() know of it. #MOX_DIAL_NO_HISTORY leaves it without effect. A refusal that
 * mox_dial_next() is told too counts once. Nothing is waited for.
 *
 * A certain refusal of our address (RFC 7372 code X.7.25, words about reverse DNS) is learned at
 * once; one that is only possible (another 5xx greeting, X.7.1, X.7.23, X.7.24, X.7.26) once the
 * same recipient is accepted over the other family of the host; what stands in between, other than
 * mox_dial_next(), is taken for another message.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param conn the connection it was spoken on
 * @param outcome borrowed until return: the reply to MAIL or to the first RCPT as
 *     mox_reply_classify() reads it, its stage included; NULL: both were accepted
 * @return #MOX_OK; #MOX_E_INVAL: outcome is no refusal of a server
 */
MOX_API int mox_conn_note(struct mox_conn *conn, const struct mox_error *outcome);

/**
 * End a connection: sends QUIT if the session is sound, in one write whose reply is not waited for,
 * closes and frees. After mox_conn_write() the dialogue, QUIT included, is the host's own. A watch
 * and deliveries end in silence. It never blocks.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param conn may be NULL
 */
MOX_API void mox_conn_close(struct mox_conn *conn);

#ifdef __cplusplus
}
#endif

#endif
