/* SPDX-License-Identifier: MIT */
/**
 * @file base.h
 * What every other header stands on: the rules, the version, errors, addresses.
 */
/**
 * @page rules The rules that hold everywhere
 *
 * The comment of a function only says what differs from these.
 *
 * @section rules_results Results
 * A function that returns `int` returns #MOX_OK (0) or a negative `MOX_E_` code of enum mox_status
 * (what only passes on the word of an ops function may also be MOX_ERRNO(e), and its comment says
 * so); a positive value is always a count, a number or flags that its comment names. A maker
 * returns the object or NULL; a `_start` function returns the id of what it started or 0. `err` may
 * always be NULL. On failure it is filled completely; on success only its `code` is written, as 0.
 * The library never prints, aborts, exits, changes a signal disposition or sets a global.
 *
 * @section rules_structs Structs
 * A word in the comment of each struct says which of three kinds it is.
 * - **IN**: made by the caller. Its first field is `size`, set to sizeof of the struct, and every
 *   other field is at its default when it is zero. So `= {.size = sizeof x}` is all there is to do
 *   in C, and memset and `size` in any other language; there is no init function. A shorter one, of
 *   a caller built against an older header, is accepted. A longer one, of a newer caller, is
 *   accepted if the part that this library does not know is zero; else the call fails with
 *   #MOX_E_UNSUPPORTED.
 * - **VALUE**: its layout is fixed for ever, and fields named `reserved` must be zero. It may stand
 *   in arrays and be copied freely.
 * - **VIEW**: only ever seen through a const pointer that the library gives. It may grow at its
 *   end, so never take its sizeof, copy it whole or index it as an array; the items of a list are
 *   reached by index functions.
 *
 * @section rules_enums Enums
 * Enums are declared for their names and carried as `int` or `int32_t`. New values may appear, so a
 * switch needs a default. Every `mox_…_name` function gives a static, stable, lower-case word,
 * never NULL ("unknown" for a value it does not know), the same that the command writes in its JSON
 * output.
 *
 * @section rules_strings Strings
 * Strings are UTF-8 and end in NUL. Domain names have no trailing dot; they go in as U-labels or
 * A-labels and come out as A-labels. Strings and arrays that are given to a call are copied before
 * it returns, unless its comment says otherwise. Strings in a VIEW live as long as the object it
 * came from. A function that writes text to a buffer does as snprintf does: it returns the length
 * needed, without the NUL, and always ends what it wrote; with a capacity of 0 it writes nothing
 * and the buffer may be NULL.
 *
 * @section rules_ownership Ownership
 * Every pointer is *borrowed* (the comment says until when), *owned* (by whom from then on) or
 * *copied*. Functions named new, parse, load, open and ref give an object or a reference away;
 * those named free and close take it, and accept NULL.
 *
 * @section rules_threads Threads
 * "Any thread": the function touches nothing but its arguments and immutable data. "One thread at a
 * time per context": a context and all that was made from it (plans, connections, operations)
 * belong to one thread at a time; different contexts may run in different threads and share a
 * configuration. mox_ctx_wakeup() alone may be called from other threads and from signal handlers.
 *
 * @section rules_callbacks Callbacks
 * A completion callback runs only inside mox_ctx_dispatch() or mox_ctx_wait(), never inside a call
 * that starts, cancels, answers, closes or frees something; even an immediate failure arrives
 * through the next dispatch. Inside one, everything may be called except dispatch, wait and the
 * blocking functions, which fail with #MOX_E_REENTRANT. mox_ctx_free() called there is deferred
 * until the dispatch unwinds, and no further callback is made. The functions that a host supplies
 * in ops tables, and every function called back *during* a call, may only call functions marked
 * "answer function" and those of the thread rule "any thread".
 *
 * @section rules_cancel Cancel
 * When mox_op_cancel() returns, the callback will never be called, the operation is gone, its
 * sockets and queries are released, and `arg` may be freed. mox_ctx_free() cancels everything in
 * the same silent way. An operation ends when its callback is entered; to cancel it from then on
 * gives #MOX_E_STALE and does nothing. mox_ctx_shutdown(), in contrast, ends with callbacks.
 *
 * @section rules_fork Fork
 * Every descriptor is close-on-exec. After fork() the child may use a configuration and all
 * functions of the thread rule "any thread". It may call mox_ctx_free(), which then only closes
 * descriptors and frees memory: nothing is said to any server, and the loop of the parent is not
 * touched.
 */
#ifndef MOXDIAL_BASE_H
#define MOXDIAL_BASE_H

#include <stddef.h>
#include <stdint.h>

/** Marks what the shared library exports. */
#if defined(__GNUC__)
#define MOX_API __attribute__((visibility("default")))
#else
#define MOX_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct sockaddr;
/** A configuration: immutable, counted, shared by threads. Opaque. */
struct mox_config;
/** One event domain: what is in flight, its deadlines, its descriptors. Opaque. */
struct mox_ctx;
/** Where a message can go: MX hosts, candidates, and the attempts made so far. Opaque. */
struct mox_plan;
/** An open connection to a server. Opaque. */
struct mox_conn;
/**
 * Something in flight; 0: none. A number and not a pointer, never used twice in a context, so that
 * to cancel one that has just ended is harmless.
 */
typedef uint64_t mox_op_id;

/** @name Version
 * @{ */

#define MOX_VERSION "0.1.0"         ///< Of this header, as text.
#define MOX_VERSION_NUMBER 0x000100 ///< Of this header, as 0xMMmmpp.

/** What a build of the library can do: bits of mox_features(). */
enum mox_feature {
    MOX_FEATURE_CARES = 1, ///< It has a resolver of its own (c-ares).
    MOX_FEATURE_TLS13 = 2, ///< It speaks TLS 1.3.
    MOX_FEATURE_IDN = 4    ///< It takes internationalised domain names.
};

/**
 * The version of the library that runs, which need not be that of this header.
 * Thread rule: any thread.
 *
 * @return static text like "0.1.0", never NULL
 */
MOX_API const char *mox_version(void);

/**
 * What the library that runs can do.
 * Thread rule: any thread.
 *
 * @return bits of enum mox_feature
 */
MOX_API uint32_t mox_features(void);

/** @}
 * @name Errors
 * @{ */

/**
 * How a call ended. The numbers are for ever, and their tens group them. A host needs only `code`,
 * `permanent` and `action` of a struct mox_error to decide.
 */
enum mox_status {
    MOX_OK = 0,             ///< Done.
    MOX_E_INVAL = -1,       ///< A bad argument; the message names it.
    MOX_E_NOMEM = -2,       ///< No memory.
    MOX_E_UNSUPPORTED = -3, ///< Not in this build or version, or it needs what the given ops lack.
    MOX_E_BUSY = -4,       ///< The connection has an operation running, or a blocking call was made
                           ///< while operations are in flight.
    MOX_E_REENTRANT = -5,  ///< Not allowed inside a callback.
    MOX_E_STATE = -6,      ///< The wrong stage: a detach under TLS, use of a connection that broke.
    MOX_E_STALE = -7,      ///< The id is no longer waited for: harmless.
    MOX_E_LIMIT = -8,      ///< A limit was exceeded; the message names it.
    MOX_E_AGAIN = -9,      ///< It would block.
    MOX_E_EOF = -10,       ///< The end of the data, in order.
    MOX_E_SHUTDOWN = -11,  ///< Ended by mox_ctx_shutdown().
    MOX_E_CALLBACK = -12,  ///< An ops function failed without saying why.
    MOX_E_CANCELLED = -13, ///< An attempt that lost the race; seen in a plan only.
    MOX_E_CONFIG = -20,    ///< The configuration: file, line, key and cure are in the message.
    MOX_E_OS = -30,        ///< The system refused (see os_errno): ours, not the peer's fault.
    MOX_E_NO_SOURCE = -31, ///< The configured source address is not on this machine.
    MOX_E_NO_PORTS = -32,  ///< The local ports are exhausted.
    MOX_E_STORE = -33,     ///< The store of shared state failed.
    MOX_E_DNS = -40,       ///< No answer, SERVFAIL, a bogus answer: temporary.
    MOX_E_NO_DOMAIN = -41, ///< The domain does not exist (NXDOMAIN).
    MOX_E_NULL_MX = -42,   ///< The domain takes no mail (RFC 7505).
    MOX_E_NO_ADDRESS = -43,     ///< There are hosts, and none has an address.
    MOX_E_LOOP = -44,           ///< The best MX host is ourselves (RFC 5321 section 5.1).
    MOX_E_FILTERED = -50,       ///< Policy left no address. A disabled family is not asked for, so
                                ///< whether the host has any of it is not known.
    MOX_E_FAIL_TRANSPORT = -51, ///< The route's transport is a Fail transport.
    MOX_E_TLS_REQUIRED = -52,   ///< REQUIRETLS, DANE or MTA-STS cannot be met; nothing was sent.
    MOX_E_CONNECT = -60,        ///< The peer could not be connected to.
    MOX_E_TIMEOUT = -61,        ///< A deadline passed; the message says which.
    MOX_E_CLOSED = -62,         ///< The peer closed the connection early.
    MOX_E_PROXY = -63,          ///< The proxy refused or failed.
    MOX_E_TLS = -70,            ///< The TLS handshake failed.
    MOX_E_VERIFY = -71,   ///< The certificate does not verify, or does not match its TLSA record.
    MOX_E_PROTOCOL = -80, ///< The server broke SMTP.
    MOX_E_REFUSED = -81,  ///< A 4xx or 5xx reply; see smtp_code.
    MOX_E_AUTH = -82,     ///< The login failed.
    MOX_E_NO_EXTENSION = -83 ///< An SMTP extension is needed and not offered.
};

/** What an ops function returns to pass on the errno value `e`. */
#define MOX_ERRNO(e) (-(10000 + (e)))

/** How far things got. Of mox_dial_request::stop_at: stop once this one has succeeded. */
enum mox_stage {
    MOX_STAGE_NONE = 0, ///< Nowhere.
    MOX_STAGE_CONFIG,   ///< Reading the configuration.
    MOX_STAGE_ROUTE,    ///< Looking the route up.
    MOX_STAGE_RESOLVE,  ///< Asking DNS.
    MOX_STAGE_CONNECT,  ///< Connecting.
    MOX_STAGE_PROXY,    ///< Speaking with the SOCKS proxy.
    MOX_STAGE_GREETING, ///< Waiting for the server's first reply.
    MOX_STAGE_EHLO,     ///< EHLO, or HELO.
    MOX_STAGE_TLS,      ///< STARTTLS and the handshake.
    MOX_STAGE_AUTH,     ///< Logging in.
    MOX_STAGE_READY,    ///< The session is open; nothing runs.
    MOX_STAGE_MAIL,     ///< MAIL FROM.
    MOX_STAGE_RCPT,     ///< RCPT TO.
    MOX_STAGE_DATA,     ///< The reply to DATA.
    MOX_STAGE_BODY,     ///< Sending the message.
    MOX_STAGE_FINAL,    ///< The reply to the final dot.
    MOX_STAGE_QUIT      ///< QUIT; the session is over.
};

/** What a failure is about, so that a host punishes the right thing. */
enum mox_about {
    MOX_ABOUT_UNKNOWN = 0, ///< Nobody can tell.
    MOX_ABOUT_LOCAL,       ///< This machine, its configuration or its program.
    MOX_ABOUT_SOURCE,      ///< Our address: no reverse DNS, a blocklist.
    MOX_ABOUT_HOST,        ///< The host that was dialed.
    MOX_ABOUT_DOMAIN,      ///< The domain of the recipient.
    MOX_ABOUT_SENDER,      ///< The sender of the message.
    MOX_ABOUT_RCPT,        ///< The recipient.
    MOX_ABOUT_MESSAGE      ///< The message.
};

/** What to do next. */
enum mox_action {
    MOX_ACTION_NONE = 0,   ///< Nothing.
    MOX_ACTION_NEXT,       ///< Call mox_dial_next() now.
    MOX_ACTION_LATER,      ///< Keep it in the queue; not before retry_after_s.
    MOX_ACTION_LATER_SAME, ///< The same, and greylisted: come back from the same source address to
                           ///< the same address.
    MOX_ACTION_GIVE_UP     ///< Return the message to its sender.
};

/** VALUE. An IP address; all zero: none. */
struct mox_ip {
    uint8_t bytes[16]; ///< In network order; IPv4 in the first 4, the rest is zero.
    uint32_t scope;    ///< Zone index (RFC 4007) of a link-local IPv6 address; 0: none.
    uint16_t family;   ///< Enum mox_family; not AF_*, whose numbers differ between systems.
    uint16_t reserved; ///< Zero.
};

/**
 * VALUE. Why a call failed, and what to do about it. The SMTP fields are zero or empty where no
 * server, and no Fail transport, spoke; os_errno where the system did not.
 */
struct mox_error {
    int32_t code;           ///< Enum mox_status.
    int32_t stage;          ///< Enum mox_stage: where it failed.
    int32_t about;          ///< Enum mox_about: what it is about.
    int32_t action;         ///< Enum mox_action: what to do next.
    int32_t permanent;      ///< 1: it will fail the same way next week; 0: temporary.
    int32_t os_errno;       ///< The errno value; 0: none.
    int32_t smtp_code;      ///< The code of the reply; 0: none.
    int32_t dns_rcode;      ///< The response code of the DNS answer; -1: none.
    int32_t line;           ///< The line of the configuration file; 0: none.
    uint32_t retry_after_s; ///< Seconds, from the server's text or from the library; 0: no hint.
    struct mox_ip address;  ///< The address that was dialed; family 0: none.
    char enhanced[12];      ///< Like "5.7.1" (RFC 3463); empty if the server gave none.
    char host[256];         ///< The host that was dialed, or the name of the file; may be empty.
    char reply[512];        ///< The server's words, lines joined by a line feed, other control
                            ///< characters removed; fit for Diagnostic-Code.
    char message[512];      ///< One sentence for a human, complete in itself, without secrets.
    uint32_t reserved[8];   ///< Zero.
};

/**
 * The name of a status.
 * Thread rule: any thread.
 *
 * @param code enum mox_status
 * @return static text like "no-domain", never NULL
 */
MOX_API const char *mox_status_name(int code);

/**
 * The name of a stage.
 * Thread rule: any thread.
 *
 * @param stage enum mox_stage
 * @return static text like "greeting", never NULL
 */
MOX_API const char *mox_stage_name(int stage);

/**
 * The name of what a failure is about.
 * Thread rule: any thread.
 *
 * @param about enum mox_about
 * @return static text like "source", never NULL
 */
MOX_API const char *mox_about_name(int about);

/**
 * The name of an action.
 * Thread rule: any thread.
 *
 * @param action enum mox_action
 * @return static text like "later", never NULL
 */
MOX_API const char *mox_action_name(int action);

/**
 * Judge a server's reply, for hosts that speak SMTP themselves: what it is about and what to do
 * next (RFC 5321 section 4.2, RFC 3463, RFC 7372). What it leaves in `out` is what mox_dial_next()
 * wants as its `why`. Pure.
 * Thread rule: any thread.
 *
 * @param stage enum mox_stage: the command that was answered
 * @param reply borrowed: the reply as received, one or more lines, with or without the last line
 *     end; need not end in NUL
 * @param len bytes in reply
 * @param out filled: stage, smtp_code, enhanced, reply, about, action, permanent, retry_after_s;
 * its code is #MOX_OK for a reply below 400, else #MOX_E_REFUSED
 * @return #MOX_OK: out holds the verdict, whichever it is; #MOX_E_PROTOCOL: this is no reply, or
 * one longer than a reply may be
 */
MOX_API int mox_reply_classify(int stage, const char *reply, size_t len, struct mox_error *out);

/**
 * The number of sysexits.h that tells an error to a parent like pipe(8) of Postfix. Numbers that
 * such parents take for a reason to return all mail (64, 70, 76, 78) are never given.
 * Thread rule: any thread.
 *
 * @param err borrowed, not NULL
 * @return 0 for #MOX_OK; 75 for whatever is not permanent and for faults of the configuration, the
 *     build or the caller; else 65 the message, or an address that is none; 67 the recipient, 68
 *     the host or domain, 77 authentication or policy, 69 all else
 */
MOX_API int mox_error_exit_code(const struct mox_error *err);

/** @}
 * @name Addresses
 * @{ */

/** An address family. */
enum mox_family {
    MOX_FAMILY_NONE = 0, ///< No address.
    MOX_IPV4 = 4,        ///< IPv4.
    MOX_IPV6 = 6         ///< IPv6.
};

/** Address families that are allowed: bits. */
enum mox_families {
    MOX_ALLOW_BOTH = 0, ///< Both, as if both bits were set.
    MOX_ALLOW_IPV4 = 1, ///< IPv4.
    MOX_ALLOW_IPV6 = 2  ///< IPv6.
};

/** Which family goes first. An order, never an exclusion. */
enum mox_prefer {
    MOX_PREFER_DEFAULT = 0, ///< Interleaved, IPv6 first.
    MOX_PREFER_IPV4,        ///< All of IPv4, then IPv6.
    MOX_PREFER_IPV6,        ///< All of IPv6, then IPv4.
    MOX_PREFER_LEARNED      ///< As the history of refusals says.
};

/**
 * Read an address from text: `192.0.2.1`, `2001:db8::1`, `fe80::1%eth0`, `[2001:db8::1]`,
 * `[IPv6:2001:db8::1]`. An IPv4-mapped IPv6 address becomes the IPv4 address it holds.
 * Thread rule: any thread.
 *
 * @param text borrowed
 * @param out the address; all zero on failure
 * @return #MOX_OK; #MOX_E_INVAL: this is no address, or its zone is not on this machine
 */
MOX_API int mox_ip_parse(const char *text, struct mox_ip *out);

/**
 * Write an address as text (RFC 5952), as snprintf would.
 * Thread rule: any thread.
 *
 * @param ip borrowed
 * @param buf where to write; 64 bytes always suffice
 * @param cap bytes in buf
 * @return the length needed, without the NUL; 0 for an address without family
 */
MOX_API size_t mox_ip_format(const struct mox_ip *ip, char *buf, size_t cap);

/**
 * Take an address out of a socket address.
 * Thread rule: any thread.
 *
 * @param address borrowed: a sockaddr_in or sockaddr_in6
 * @param out the address; all zero on failure
 * @param port the port, in host order; may be NULL
 * @return #MOX_OK; #MOX_E_INVAL: it is of another family
 */
MOX_API int mox_ip_from_sockaddr(const struct sockaddr *address, struct mox_ip *out,
                                 uint16_t *port);

/**
 * Make a socket address.
 * Thread rule: any thread.
 *
 * @param ip borrowed
 * @param port in host order
 * @param storage a sockaddr_storage to write to
 * @param cap bytes in storage
 * @return the length written; 0: the address has no family, or cap is too small
 */
MOX_API size_t mox_ip_to_sockaddr(const struct mox_ip *ip, uint16_t port, void *storage,
                                  size_t cap);

/**
 * The name of an address family.
 * Thread rule: any thread.
 *
 * @param family enum mox_family
 * @return "ipv4", "ipv6" or "none"
 */
MOX_API const char *mox_family_name(int family);

/**
 * The name of a preference.
 * Thread rule: any thread.
 *
 * @param prefer enum mox_prefer
 * @return "default", "ipv4", "ipv6" or "learned"
 */
MOX_API const char *mox_prefer_name(int prefer);

/** @} */

#ifdef __cplusplus
}
#endif

#endif
