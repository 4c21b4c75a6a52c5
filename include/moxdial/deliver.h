/* SPDX-License-Identifier: MIT */
/**
 * @file deliver.h
 * Handing a message over on an open connection, with what became of each recipient.
 */
#ifndef MOXDIAL_DELIVER_H
#define MOXDIAL_DELIVER_H

#include <moxdial/conn.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a message needs: bits. */
enum mox_msg_flag {
    MOX_MSG_8BIT = 1,     ///< It has 8-bit lines: BODY=8BITMIME where offered, else it is sent as
                          ///< it is (RFC 6152).
    MOX_MSG_SMTPUTF8 = 2, ///< Its header is UTF-8 (RFC 6531); implied by a local part that is not
                          ///< ASCII.
    MOX_MSG_STRICT_8BIT = 4, ///< An 8-bit message is not sent to a server without 8BITMIME.
    MOX_MSG_REQUIRETLS = 8,  ///< REQUIRETLS (RFC 8689); the dial must have asked for it too.
    MOX_MSG_LAST = 16        ///< No message follows on this connection: where the server offers
                             ///< PIPELINING, QUIT rides behind the message, and the connection is
                             ///< over with it.
};

/** When a delivery report is wanted: bits of mox_rcpt::notify (RFC 3461 section 4.1). */
enum mox_notify {
    MOX_NOTIFY_DEFAULT = 0,
    MOX_NOTIFY_NEVER = 1, ///< Alone.
    MOX_NOTIFY_SUCCESS = 2,
    MOX_NOTIFY_FAILURE = 4,
    MOX_NOTIFY_DELAY = 8
};

/** What a report of failure holds of the message (RFC 3461 section 4.3). */
enum mox_ret { MOX_RET_DEFAULT = 0, MOX_RET_FULL, MOX_RET_HDRS };

/** How the bytes of a body are taken: bits. */
enum mox_body_flag {
    MOX_BODY_LF = 1, ///< Lines end in LF or CR LF: each is sent with CR LF. Without it a
                     ///< bare CR or LF is an error (RFC 5321 section 2.3.8).
    MOX_BODY_ADD_FINAL_CRLF =
        2 ///< The last line's end may be missing. Without it that is an error.
};

/** Where a body comes from. */
enum mox_body_source { MOX_BODY_BUFFER = 0, MOX_BODY_READER, MOX_BODY_FD };

/**
 * VALUE. A message as it is, header and body: without dot-stuffing, without the final dot. A bare
 * CR is an error even with #MOX_BODY_LF: one server takes it for a line's end, another does not,
 * and between the two a message is smuggled.
 */
struct mox_body {
    int32_t source;   ///< Enum mox_body_source.
    uint32_t flags;   ///< MOX_BODY_ flag bits.
    const void *data; ///< Of a buffer: borrowed until the delivery ends.
    size_t len;       ///< Bytes in data.
    /**
     * Of a reader: fill buf with at most cap bytes, store in *n how many; none: the end. Returns
     * #MOX_OK; #MOX_E_AGAIN: not yet, mox_op_resume() will be called when there is more; another
     * code: the message cannot be had, and the connection is dropped. It runs inside
     * mox_ctx_dispatch(), under the rules for ops functions.
     */
    int (*read)(void *user, void *buf, size_t cap, size_t *n);
    /**
     * Of a reader, optional: the next read begins at the start of the message. Called before the
     * message is sent, the first time too. Without it a body is sent once: recipients that need a
     * second transaction end temporary.
     */
    int (*rewind)(void *user);
    void *user;           ///< First argument of both.
    uint64_t size_hint;   ///< Of a reader: bytes, for SIZE= (RFC 1870); 0: not known.
    int64_t fd_offset;    ///< Of a descriptor: read from here, by pread(2).
    int64_t fd_length;    ///< Bytes to read; 0: to the end.
    int32_t fd;           ///< Borrowed until the delivery ends.
    int32_t reserved1;    ///< 0.
    uint64_t reserved[2]; ///< 0.
};

/** VALUE. A recipient. */
struct mox_rcpt {
    const char *address; ///< Local part and domain, without angle brackets; a literal is allowed.
    const char *orcpt;   ///< ORCPT= (RFC 3461 section 4.2), "rfc822;a@b.example"; NULL: none.
    uint32_t notify;     ///< MOX_NOTIFY_ bits.
    uint32_t reserved;   ///< 0.
};

/** IN. A message and where it goes. */
struct mox_message {
    size_t size;                  ///< sizeof(struct mox_message).
    const char *mail_from;        ///< The sender; "" or NULL: `<>`.
    const struct mox_rcpt *rcpts; ///< The recipients.
    size_t nrcpts;                ///< Items in rcpts; at least 1.
    struct mox_body body;         ///< The message.
    uint32_t flags;               ///< MOX_MSG_ bits.
    int32_t ret;                  ///< Enum mox_ret.
    const char *envid;            ///< ENVID= (RFC 3461 section 4.4); NULL: none.
    const char *auth; ///< MAIL AUTH= (RFC 4954 section 5), a mailbox or "<>"; NULL: none.
};

/** What became of a recipient. */
enum mox_rcpt_state {
    MOX_RCPT_PENDING = 0, ///< Nothing yet: it is still to be sent.
    MOX_RCPT_ACCEPTED,    ///< The server has taken the message for it.
    MOX_RCPT_TEMPORARY,   ///< Not now.
    MOX_RCPT_PERMANENT,   ///< Never.
    MOX_RCPT_UNKNOWN ///< The final dot was sent and no reply came: temporary, may arrive twice.
};

/** VALUE. What became of a recipient. Zero it before the first call, and pass the same array again
 * after mox_dial_next(). */
struct mox_rcpt_result {
    int32_t state;          ///< Enum mox_rcpt_state; #MOX_RCPT_PENDING and those whose action is
                            ///< #MOX_ACTION_NEXT are sent (again).
    int32_t code;           ///< Enum mox_status.
    int32_t stage;          ///< Enum mox_stage at which it ended.
    int32_t about;          ///< Enum mox_about.
    int32_t action;         ///< Enum mox_action.
    int32_t smtp_code;      ///< Of the server's reply; 0: none.
    uint32_t retry_after_s; ///< Seconds; 0: no hint.
    uint32_t dsn_relayed;   ///< 1: accepted by a server that does not do DSN: if NOTIFY=SUCCESS was
                            ///< asked for, a "relayed" report is due (RFC 3461 section 6.2.7).
    struct mox_ip remote;   ///< The server's address.
    char enhanced[12];      ///< "5.1.1"; empty: none.
    char host[256];         ///< The server's name.
    char reply[512];        ///< Its words, as in mox_error::reply.
    uint32_t reserved[8];   ///< 0.
};

/**
 * Hand a message over: one mail transaction, or several where the server limits the recipients of
 * one, for the recipients that are still open. The connection stays usable for the next message
 * unless mox_session::stage is #MOX_STAGE_QUIT then. Blocks. Thread rule: one thread at a time per
 * context (see Threads).
 *
 * @param conn the connection, dialed to #MOX_STAGE_READY, on which the host has not spoken itself
 * @param message borrowed until return, with all it points to
 * @param results one for each recipient, zeroed or of an earlier call
 * @param err the gravest of what befell the recipients; if any of them can be helped by another
 *     candidate, its action is #MOX_ACTION_NEXT. Else: #MOX_E_INVAL, #MOX_E_STATE, #MOX_E_BUSY, …
 * @return #MOX_OK: all recipients are accepted; or the code of err
 */
MOX_API int mox_deliver(struct mox_conn *conn, const struct mox_message *message,
                        struct mox_rcpt_result *results, struct mox_error *err);

/**
 * Start to hand a message over. While one is under way, further ones on the same connection wait
 * behind it, and where the server offers PIPELINING (RFC 2920) their envelopes ride behind the body
 * before them. If the connection ends before their turn they end after it with #MOX_E_CLOSED,
 * recipients pending: dial anew. Thread rule: one thread at a time per context (see Threads).
 *
 * @param conn the connection; after a cancel it can only be closed
 * @param message borrowed until the callback or the cancel, with all it points to
 * @param results borrowed as well; one for each recipient
 * @param fn called once from a dispatch
 * @param arg first argument of fn
 * @param err #MOX_E_INVAL, #MOX_E_STATE, #MOX_E_SHUTDOWN, #MOX_E_NOMEM
 * @return its id, to cancel or resume it; 0: see err, and fn is not called
 */
MOX_API mox_op_id mox_deliver_start(struct mox_conn *conn, const struct mox_message *message,
                                    struct mox_rcpt_result *results, mox_done_fn *fn, void *arg,
                                    struct mox_error *err);

/**
 * The name of a state.
 * Thread rule: any thread.
 *
 * @param state enum mox_rcpt_state
 * @return static text like "accepted", never NULL
 */
MOX_API const char *mox_rcpt_state_name(int state);

#ifdef __cplusplus
}
#endif

#endif
