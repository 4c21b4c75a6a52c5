/* SPDX-License-Identifier: MIT */
/**
 * @file dial.h
 * Plans and dials: from an envelope to an open SMTP session.
 */
#ifndef MOXDIAL_DIAL_H
#define MOXDIAL_DIAL_H

#include <moxdial/route.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @name What to dial
 * @{ */

/** VALUE. An address that was connected to before, for the same message. */
struct mox_dialed {
    const char *host; ///< The MX host it was dialed for; NULL: whichever.
    struct mox_ip ip; ///< The address.
};

/**
 * IN. Deadlines in milliseconds; 0: the default. Each covers a whole reply, not a byte (RFC 5321
 * section 4.5.3.2).
 */
struct mox_timeouts {
    size_t size;          ///< sizeof(struct mox_timeouts).
    uint32_t dns;         ///< A DNS question; 30 s.
    uint32_t connect;     ///< A connect; 30 s.
    uint32_t greeting;    ///< The greeting; 5 minutes.
    uint32_t ehlo;        ///< The reply to EHLO or HELO; 5 minutes.
    uint32_t tls;         ///< A TLS handshake; 60 s.
    uint32_t auth;        ///< Each reply of a login; 5 minutes.
    uint32_t mail;        ///< The reply to MAIL; 5 minutes.
    uint32_t rcpt;        ///< The reply to RCPT; 5 minutes.
    uint32_t data;        ///< The reply to DATA; 2 minutes.
    uint32_t block;       ///< Each block of the message; 3 minutes.
    uint32_t final_reply; ///< The reply to the final dot; 10 minutes.
    uint32_t store; ///< An answer of the store; 1 s. If one has not come by then, the dial asks
                    ///< no more of the store, so silence costs it this time once.
};

/** How to dial: bits. */
enum mox_dial_flag {
    MOX_DIAL_REQUIRETLS = 1,     ///< Verified TLS and the extension, or fail (RFC 8689).
    MOX_DIAL_TLS_OPTIONAL = 2,   ///< `TLS-Required: No` (RFC 8689).
    MOX_DIAL_NO_REUSE = 4,       ///< A fresh connection.
    MOX_DIAL_NO_RACE = 8,        ///< Strictly one connect after the other.
    MOX_DIAL_NO_HISTORY = 16,    ///< Neither read nor write the history of refusals.
    MOX_DIAL_ALLOW_SPECIAL = 32, ///< Loopback and the like may be dialed: tests, private relays.
    MOX_DIAL_NO_RESUME = 64      ///< A full TLS handshake; its session is not kept.
};

/**
 * IN. What to dial. Everything is copied or counted before the call returns, except `plan`. What is
 * zero comes from the transport of the route, then from the top of the configuration, then from the
 * default.
 */
struct mox_dial_request {
    size_t size;                         ///< sizeof(struct mox_dial_request).
    const struct mox_config *config;     ///< Counted; NULL: direct delivery, both families.
    const struct mox_envelope *envelope; ///< Required; its `to` is the destination of a direct
                                         ///< transport.
    const struct mox_route *route;       ///< As looked up in config, taken as it is; NULL: the dial
                                         ///< looks it up: for ToMX it asks for the MX hosts, for
                                         ///< MaxPer… it claims a place in the store.
    const char *transport;               ///< Name of a transport that overrides the routes; NULL:
                                         ///< none; unknown: #MOX_E_CONFIG.
    const char *server;           ///< Dial this: `host`, `host:port`, `[ip]:port`. No MX is asked
                                  ///< for, and it may be a special address. NULL: the destination.
    const char *ehlo;             ///< Our name in EHLO; NULL: that of the transport, then of the
                                  ///< configuration, then our address as a literal.
    const struct mox_ip *sources; ///< Our source addresses, instead of the configured ones; the
                                  ///< first of each family is used.
    size_t nsources;              ///< Items in sources.
    struct mox_plan *plan;        ///< Borrowed until the dial ends: filled whatever happens, on
                                  ///< failure too; NULL: not wanted.
    uint16_t port;                ///< Port to dial; 0: 25, or the transport's.
    uint16_t reserved;            ///< Zero.
    int32_t stop_at;              ///< Enum mox_stage, #MOX_STAGE_CONNECT to #MOX_STAGE_READY: be
                                  ///< content with this; 0: #MOX_STAGE_READY. Of a stage this dial
                                  ///< does not have, the next one it has.
    uint32_t families;            ///< MOX_ALLOW_ bits; only narrows what the transport allows.
    uint32_t flags;               ///< MOX_DIAL_ bits.
    const struct mox_dialed *dialed; ///< Connected to before for this message, oldest first; they
                                     ///< decide the order as DialedIPs of mox do.
    size_t ndialed;                  ///< Items in dialed.
    uint32_t timeout_ms;             ///< For the whole dial; 0: 5 minutes.
    uint32_t race_delay_ms;          ///< Between connects to hosts of one preference (RFC 8305
                                     ///< section 5); 0: RaceDelay, else 1000.
    const struct mox_timeouts *timeouts; ///< NULL, or a zero in it: Timeouts, else the default.
    uint64_t tag;                        ///< Comes back in mox_log_entry::tag.
};

/** @}
 * @name Plans
 * @{ */

/**
 * Make an empty plan. It is counted together with a connection that uses it.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context it belongs to
 * @return the plan, yours to end with mox_plan_free(); NULL: no memory
 */
MOX_API struct mox_plan *mox_plan_new(struct mox_ctx *ctx);

/**
 * End a plan. One that a dial or a connection uses lives on until that ends.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param plan may be NULL
 */
MOX_API void mox_plan_free(struct mox_plan *plan);

/**
 * Resolve only, nothing is connected to: fills the plan of the request. A later mox_dial() with the
 * same request and plan dials exactly this. Blocks.
 *
 * It is a dry run: a route with a volume limit matches if the store says that there is a place now,
 * but none is claimed. The later dial claims it, and dials by another route if it has gone.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @param request borrowed until return
 * @param err as of mox_dial(), up to #MOX_STAGE_RESOLVE
 * @return #MOX_OK: there is a candidate; else the code of err
 */
MOX_API int mox_plan_resolve(struct mox_ctx *ctx, const struct mox_dial_request *request,
                             struct mox_error *err);

/** What TLS a candidate needs. */
enum mox_tls_need {
    MOX_TLS_NONE = 0,      ///< None; it is not even tried.
    MOX_TLS_OPPORTUNISTIC, ///< If it can be had.
    MOX_TLS_REQUIRED,      ///< Required, the certificate is not verified.
    MOX_TLS_PKIX,          ///< Required, verified by the certificate authorities.
    MOX_TLS_DANE           ///< Required, verified by TLSA records (RFC 7672).
};

/** VIEW. A plan as a whole. */
struct mox_plan_info {
    const char *next_hop;   ///< The name whose hosts are dialed, after CNAMEs; A-labels.
    const char *sts_mode;   ///< Of MTA-STS: "enforce", "testing", "none"; NULL: no policy.
    int32_t authentic;      ///< 1: DNSSEC proved everything up to the MX hosts.
    uint32_t n_mx;          ///< How many MX hosts.
    uint32_t n_candidates;  ///< How many candidates, the dropped ones included, which stand last.
    uint32_t n_attempts;    ///< How many attempts were made.
    struct mox_route route; ///< The route really used.
    uint32_t elapsed_ms;    ///< Milliseconds from the start of the dial to its end, or to now.
    const char *sts_policy_string; ///< For TLSRPT (RFC 8460), of the recipient's domain: the lines
                                   ///< of the policy; NULL: nothing to report.
    const char *sts_result_type;   ///< The same: the result, as mox_attempt::tls_result_type, of
                                   ///< the last attempt, or what the policy itself came to. A
                                   ///< certificate that the policy does not allow is told here,
                                   ///< in testing too; TLSA records are the host's matter.
    const char *sts_failure_code;  ///< The same: the reason.
    const char *sts_detail; ///< One sentence: where the MTA-STS policy came from, or why there is
                            ///< none; NULL: nobody was asked.
};

/** VIEW. One MX host. */
struct mox_mx {
    const char *host;             ///< Its name, A-labels.
    int32_t preference;           ///< Of its MX record; -1: implicit, there is no MX record.
    int32_t authentic;            ///< 1: DNSSEC proved its record.
    int32_t drop;                 ///< Enum mox_drop; #MOX_DROP_NONE: kept.
    const char *tls_result_type;  ///< For TLSRPT (RFC 8460 section 4.3), of policy type "tlsa": its
                                  ///< TLSA records could not be had, "tlsa-invalid" or
                                  ///< "dnssec-invalid"; NULL: nothing to report but what attempts
                                  ///< at it say.
    const char *tls_failure_code; ///< The same: the reason, free text; NULL: none.
};

/** VIEW. One address that could be dialed, or why not. */
struct mox_candidate {
    const char *host;       ///< The MX host; A-labels.
    struct mox_ip ip;       ///< Its address; family 0: none is known, drop says why.
    struct mox_ip source;   ///< Our end; family 0: the system chooses.
    int32_t preference;     ///< Of its MX record; -1: there is none.
    uint16_t port;          ///< Port to dial.
    uint16_t reserved;      ///< Zero.
    int32_t tls;            ///< Enum mox_tls_need.
    int32_t drop;           ///< Enum mox_drop; #MOX_DROP_NONE: kept.
    int32_t order;          ///< Enum mox_order: why it stands where it stands.
    const char *detail;     ///< Why it is dropped, or why the history or a refusal has put it where
                            ///< it stands, in one sentence; NULL: nothing to add.
    const char *tls_reason; ///< Who demands this TLS and why, or that nobody demands any, in one
                            ///< sentence; NULL: nothing was asked for it, as for what is dropped
                            ///< before that, and for a connection that is used again.
};

/** VIEW. One attempt. Times are milliseconds since the dial began; -1: not reached. */
struct mox_attempt {
    uint32_t candidate;            ///< Index of its candidate.
    int32_t start_ms;              ///< The connect began.
    int32_t connect_ms;            ///< Connected.
    int32_t greeting_ms;           ///< Greeted.
    int32_t tls_ms;                ///< TLS is up.
    int32_t end_ms;                ///< Over, one way or the other.
    int32_t outcome;               ///< Enum mox_status; #MOX_E_CANCELLED: it lost the race.
    int32_t stage;                 ///< Enum mox_stage: how far it got.
    const struct mox_error *error; ///< Why it failed; NULL: it did not.
    struct mox_ip local;           ///< Our end, if bound or asked for while connected; else family
                                   ///< 0.
    const char *tls_policy_type;   ///< For TLSRPT (RFC 8460 sections 4.3 and 4.4): "tlsa", "sts",
                                   ///< "no-policy-found"; NULL: TLS was not reached.
    const char *tls_policy_domain; ///< The domain of the policy; NULL: none.
    const char *tls_policy_string; ///< The policy, lines joined by a line feed; NULL: none.
    const char *tls_result_type;   ///< Like "success" or "starttls-not-supported": what it was for
                                   ///< this host's policy. NULL: none.
    const char *tls_failure_code;  ///< Free text, also of a success; NULL: none.
    const char *greeting;          ///< The server's; NULL: none came.
};

/**
 * A plan as a whole.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param plan borrowed
 * @return borrowed until the plan is used again or ends; never NULL
 */
MOX_API const struct mox_plan_info *mox_plan_summary(const struct mox_plan *plan);

/**
 * An MX host of a plan.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param plan borrowed
 * @param i from 0, in order of preference
 * @return borrowed until the plan is used again or ends; NULL: past the end
 */
MOX_API const struct mox_mx *mox_plan_mx(const struct mox_plan *plan, uint32_t i);

/**
 * A candidate of a plan: first those that can be dialed, in dialing order, then the dropped ones.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param plan borrowed
 * @param i from 0
 * @return borrowed until the plan is used again or ends; NULL: past the end
 */
MOX_API const struct mox_candidate *mox_plan_candidate(const struct mox_plan *plan, uint32_t i);

/**
 * An attempt of a plan.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param plan borrowed
 * @param i from 0, in the order they began
 * @return borrowed until the plan is used again or ends; NULL: past the end
 */
MOX_API const struct mox_attempt *mox_plan_attempt(const struct mox_plan *plan, uint32_t i);

/**
 * The name of a need of TLS.
 * Thread rule: any thread.
 *
 * @param need enum mox_tls_need
 * @return "none", "opportunistic", "required", "pkix" or "dane"
 */
MOX_API const char *mox_tls_need_name(int need);

/** @}
 * @name Dialing, blocking
 * @{ */

/**
 * Dial until one candidate reaches the stage wanted. Blocks.
 *
 * A place that was claimed for a route with a volume limit is given back if the dial ends before it
 * has tried to connect; a dial that failed later, and each retry, counts.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @param request borrowed until return
 * @param out the connection, yours to end with mox_conn_close(); NULL on failure
 * @param err see the return value; its host, address, stage and the server's words are those of the
 *     attempt that got furthest
 * @return #MOX_OK. Nothing was asked or dialed: #MOX_E_INVAL the request; #MOX_E_BUSY operations
 *     are in flight on ctx, or the plan is in use; #MOX_E_REENTRANT inside a callback;
 * #MOX_E_CONFIG an unknown transport, or a file of certificates that cannot be used;
 * #MOX_E_UNSUPPORTED the transport needs what this version does not have; #MOX_E_FAIL_TRANSPORT.
 * No candidate: #MOX_E_DNS, #MOX_E_NO_DOMAIN, #MOX_E_NULL_MX, #MOX_E_NO_ADDRESS, #MOX_E_LOOP,
 * #MOX_E_FILTERED, #MOX_E_NO_SOURCE, #MOX_E_TLS_REQUIRED. No candidate let us in: #MOX_E_CONNECT,
 * #MOX_E_PROXY, #MOX_E_TIMEOUT, #MOX_E_CLOSED, #MOX_E_PROTOCOL, #MOX_E_REFUSED, #MOX_E_TLS,
 * #MOX_E_VERIFY, #MOX_E_AUTH, #MOX_E_NO_EXTENSION. This machine: #MOX_E_OS, #MOX_E_NO_PORTS,
 * #MOX_E_NOMEM, #MOX_E_LIMIT
 */
MOX_API int mox_dial(struct mox_ctx *ctx, const struct mox_dial_request *request,
                     struct mox_conn **out, struct mox_error *err);

/**
 * Go on with the next candidate, after the server refused later in the session: QUIT, then dial on.
 * After a refusal of our address that is the other family of the same host. Blocks.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param conn consumed in any case; the new connection, NULL on failure
 * @param why borrowed until return: what the server said, as of mox_reply_classify(); NULL: take
 *     the next candidate
 * @param err as of mox_dial(); if there is no other candidate, why itself
 * @return as mox_dial(); #MOX_E_BUSY and #MOX_E_REENTRANT too close the connection
 */
MOX_API int mox_dial_next(struct mox_conn **conn, const struct mox_error *why,
                          struct mox_error *err);

/** @}
 * @name Dialing, with callbacks
 * @{ */

/**
 * Called once when a dial has ended, or never if it was cancelled.
 *
 * @param arg as given to the call that started it
 * @param status #MOX_OK or the code of err, as of mox_dial()
 * @param conn the connection, yours to end with mox_conn_close(); NULL on failure
 * @param err borrowed until it returns; NULL on success
 */
typedef void mox_conn_fn(void *arg, int status, struct mox_conn *conn, const struct mox_error *err);

/**
 * Called once when something has ended, or never if it was cancelled.
 *
 * @param arg as given to the call that started it
 * @param status #MOX_OK or the code of err
 * @param err borrowed until it returns; NULL on success
 */
typedef void mox_done_fn(void *arg, int status, const struct mox_error *err);

/**
 * Start what mox_plan_resolve() does.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @param request copied, but for its plan, which is borrowed until the end
 * @param fn called at the end
 * @param arg borrowed until the end: first argument of fn
 * @param err #MOX_E_INVAL, #MOX_E_LIMIT: the request; #MOX_E_BUSY: its plan is in use;
 *     #MOX_E_SHUTDOWN; #MOX_E_NOMEM. All else, as of mox_dial(), comes to fn
 * @return its id; 0: it could not start, see err, and fn is not called
 */
MOX_API mox_op_id mox_plan_resolve_start(struct mox_ctx *ctx,
                                         const struct mox_dial_request *request, mox_done_fn *fn,
                                         void *arg, struct mox_error *err);

/**
 * Start what mox_dial() does.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @param request copied, but for its plan, which is borrowed until the end
 * @param fn called at the end
 * @param arg borrowed until the end: first argument of fn
 * @param err #MOX_E_INVAL, #MOX_E_LIMIT: the request; #MOX_E_BUSY: its plan is in use;
 *     #MOX_E_SHUTDOWN; #MOX_E_NOMEM. All else, as of mox_dial(), comes to fn
 * @return its id; 0: it could not start, see err, and fn is not called
 */
MOX_API mox_op_id mox_dial_start(struct mox_ctx *ctx, const struct mox_dial_request *request,
                                 mox_conn_fn *fn, void *arg, struct mox_error *err);

/**
 * Start what mox_dial_next() does.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param conn consumed, unless 0 is returned; a watch of it ends in silence
 * @param why borrowed until return, as of mox_dial_next(); NULL: take the next candidate
 * @param fn called at the end
 * @param arg borrowed until the end: first argument of fn
 * @param err #MOX_E_SHUTDOWN; #MOX_E_NOMEM
 * @return its id; 0: it could not start, see err, and fn is not called
 */
MOX_API mox_op_id mox_dial_next_start(struct mox_conn *conn, const struct mox_error *why,
                                      mox_conn_fn *fn, void *arg, struct mox_error *err);

/** @} */

#ifdef __cplusplus
}
#endif

#endif
