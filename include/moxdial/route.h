/* SPDX-License-Identifier: MIT */
/**
 * @file route.h
 * By which way a message should leave: routes, and the address-family filter.
 */
#ifndef MOXDIAL_ROUTE_H
#define MOXDIAL_ROUTE_H

#include <moxdial/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @name Routes
 * @{ */

/**
 * IN. What a route may ask about. `from` and `to` are an address (the part after the last at sign
 * counts), a bare domain, or a literal like `[192.0.2.1]`.
 */
struct mox_envelope {
    size_t size;           ///< sizeof(struct mox_envelope).
    const char *from;      ///< The sender; NULL or "": the null sender `<>`.
    const char *to;        ///< The recipient.
    const char *account;   ///< Who submitted the message; NULL: no account's routes hold.
    const char *key;       ///< What Percent hashes, the same at every retry, like a queue id; NULL
                           ///< or "": from and to, in lower case.
    uint32_t attempts;     ///< Deliveries already made; the first try is 0, as in mox.
    uint32_t count;        ///< Recipients this stands for, in volume limits; 0: 1.
    int64_t unix_s;        ///< Now, in Unix seconds, for Hours; 0: not known to a lookup, and the
                           ///< dialer takes its clock.
    int32_t utc_offset_s;  ///< Seconds that local time is ahead of UTC at unix_s, for Hours.
    const char *const *mx; ///< The MX hosts of the destination, for ToMX; what is no name matches
                           ///< nothing. NULL: not known to a lookup, and the dialer asks DNS.
    size_t nmx;            ///< Items in mx.
};

/** The kind of a transport: its method. */
enum mox_kind {
    MOX_KIND_DIRECT = 0,  ///< To the MX hosts of the recipient's domain.
    MOX_KIND_SUBMISSION,  ///< To a smarthost, port 587, with STARTTLS.
    MOX_KIND_SUBMISSIONS, ///< To a smarthost, port 465, in TLS from the first byte.
    MOX_KIND_SMTP,        ///< To a smarthost, port 25.
    MOX_KIND_SOCKS,       ///< Direct, through a SOCKS5 proxy.
    MOX_KIND_FAIL         ///< Not at all: it fails at once.
};

/** Whose list of routes. */
enum mox_scope {
    MOX_SCOPE_NONE = 0, ///< None: no route matched.
    MOX_SCOPE_ACCOUNT,  ///< That of the account; looked at first.
    MOX_SCOPE_DOMAIN,   ///< That of the sender's domain.
    MOX_SCOPE_GLOBAL    ///< The global one; looked at last.
};

/** Facts a route may need and an envelope may lack: bits. */
enum mox_need {
    MOX_NEED_TIME = 1,  ///< The time, for Hours.
    MOX_NEED_MX = 2,    ///< The MX hosts of the destination, for ToMX.
    MOX_NEED_VOLUME = 4 ///< How much was sent, for MaxPerMinute, MaxPerHour, MaxPerDay.
};

/**
 * VALUE. The answer of a lookup. The strings are borrowed from the configuration, valid while a
 * reference to it is held.
 */
struct mox_route {
    const char *transport;   ///< Name of the transport; NULL: no route matched, so direct delivery
                             ///< over both families.
    const char *file;        ///< The file of the route; NULL: none.
    int32_t kind;            ///< Enum mox_kind.
    int32_t scope;           ///< Enum mox_scope.
    int32_t index;           ///< Place in its list, from 0; -1: none.
    int32_t line;            ///< Line of the route; 0: none.
    uint32_t families;       ///< MOX_ALLOW_ bits, never 0 here.
    int32_t prefer;          ///< Enum mox_prefer.
    uint32_t needs;          ///< MOX_NEED_ bits: facts that were missing and could change the
                             ///< answer. The routes that asked for them did not match.
    uint32_t limited;        ///< 1: it has a volume limit, and the dialer claimed a place, or
                             ///< mox_plan_resolve() saw one; in a plan only: a lookup does not
                             ///< match it and says #MOX_NEED_VOLUME.
    const void *internal[2]; ///< The library's own.
};

/**
 * Find the route of an envelope: the first match among the routes of the account, of the sender's
 * domain, and the global ones. It does no input or output and asks no clock and no store; it
 * allocates nothing, unless a domain of the envelope is not plain ASCII.
 * Thread rule: any thread.
 *
 * @param config borrowed; NULL: there are no routes
 * @param envelope borrowed until return
 * @param out the route; no match is an answer too
 * @param err #MOX_E_INVAL: a domain of the envelope is none; #MOX_E_NOMEM
 * @return #MOX_OK or the code of err
 */
MOX_API int mox_route_lookup(const struct mox_config *config, const struct mox_envelope *envelope,
                             struct mox_route *out, struct mox_error *err);

/**
 * Say why: one line for each route considered, with the first condition that did not hold.
 * Thread rule: any thread.
 *
 * @param config borrowed; NULL: there are no routes
 * @param envelope borrowed until return
 * @param buf where to write, as snprintf would
 * @param cap bytes in buf
 * @return the length needed, without the NUL
 */
MOX_API size_t mox_route_explain(const struct mox_config *config,
                                 const struct mox_envelope *envelope, char *buf, size_t cap);

/** VIEW. One route considered. */
struct mox_route_step {
    struct mox_route route; ///< The route; needs: the facts it lacked, and of the answer all that
                            ///< were lacking before it.
    int32_t matched;        ///< 1: it is the answer; it comes last.
    const char *failed;     ///< Key of the first condition that did not hold, or, if all that could
                            ///< be asked hold, lacked its fact; NULL: it matched.
    const char *text;       ///< Its line of mox_route_explain(), without the line feed.
};

/**
 * Called with each route considered, during the call and under the rules for ops functions.
 *
 * @param arg as given to mox_route_each()
 * @param step borrowed until it returns
 */
typedef void mox_route_step_fn(void *arg, const struct mox_route_step *step);

/**
 * Say why as data: the same as mox_route_explain().
 * Thread rule: any thread.
 *
 * @param config borrowed; NULL: there are no routes
 * @param envelope borrowed until return
 * @param fn called for each route considered
 * @param arg first argument of fn
 * @param err as of mox_route_lookup()
 * @return how many routes were considered, or the code of err
 */
MOX_API int mox_route_each(const struct mox_config *config, const struct mox_envelope *envelope,
                           mox_route_step_fn *fn, void *arg, struct mox_error *err);

/**
 * The name of a kind of transport.
 * Thread rule: any thread.
 *
 * @param kind enum mox_kind
 * @return static text like "direct", never NULL
 */
MOX_API const char *mox_kind_name(int kind);

/**
 * The name of a scope.
 * Thread rule: any thread.
 *
 * @param scope enum mox_scope
 * @return static text like "global", never NULL
 */
MOX_API const char *mox_scope_name(int scope);

/**
 * The name of a need.
 * Thread rule: any thread.
 *
 * @param need one bit of enum mox_need
 * @return "time", "mx" or "volume"
 */
MOX_API const char *mox_need_name(int need);

/** @}
 * @name The address-family filter
 * @{ */

/** Why something is not a candidate. */
enum mox_drop {
    MOX_DROP_NONE = 0,        ///< It is one.
    MOX_DROP_FAMILY_DISABLED, ///< Its family is not allowed.
    MOX_DROP_NO_SOURCE,       ///< The source address of its family is not on this machine.
    MOX_DROP_UNREACHABLE,     ///< This machine has no way to its family.
    MOX_DROP_SPECIAL,         ///< Unspecified, loopback, multicast, IPv4-mapped and the like.
    MOX_DROP_TRANSITION,      ///< In 64:ff9b::/96 and not both families are allowed.
    MOX_DROP_SELF,            ///< It is ourselves.
    MOX_DROP_LOOP,            ///< Its preference is not better than that of ourselves.
    MOX_DROP_DUPLICATE,       ///< It was there already.
    MOX_DROP_LIMIT,           ///< Beyond the limit of hosts or addresses.
    MOX_DROP_EXCLUDED,        ///< The caller excluded it.
    MOX_DROP_BAD_NAME,        ///< The name of the host is none.
    MOX_DROP_DNS_ERROR,       ///< DNS failed for the host.
    MOX_DROP_NO_ADDRESS,      ///< The host has no address.
    MOX_DROP_STS_MISMATCH,    ///< The enforced MTA-STS policy does not name the host.
    MOX_DROP_TLSA_ERROR,      ///< Its TLSA records could not be had.
    MOX_DROP_NO_REVERSE_DNS,  ///< RequireReverseDNS: our address of its family has none.
    MOX_DROP_SPF,             ///< RequireSPF: our address of its family fails.
    MOX_DROP_BUSY,            ///< As many connections to it are open as may be.
    MOX_DROP_NO_VERIFIED_TLS  ///< The message requires verified TLS (RFC 8689), nothing says how.
};

/** Why an address stands where it stands. */
enum mox_order {
    MOX_ORDER_DEFAULT = 0,  ///< Interleaved by family.
    MOX_ORDER_PREFERRED,    ///< Its family is preferred, or the other one is.
    MOX_ORDER_SAME_ADDRESS, ///< It was dialed before, for this message (greylisting).
    MOX_ORDER_OTHER_FAMILY, ///< The other family was dialed before, for this message.
    MOX_ORDER_LEARNED,      ///< The history of refusals says so.
    MOX_ORDER_PUT_LAST,     ///< mox_filter_rules::last says so.
    MOX_ORDER_TRANSITION    ///< 6to4 or Teredo: behind the rest.
};

/** IN. What mox_family_filter() decides by. Arrays are borrowed until it returns. */
struct mox_filter_rules {
    size_t size;                  ///< sizeof(struct mox_filter_rules).
    uint32_t families;            ///< MOX_ALLOW_ bits; 0: both.
    int32_t prefer;               ///< Enum mox_prefer.
    const struct mox_ip *sources; ///< Our source addresses; the first of each family is used. None
                                  ///< of a family: the system chooses, nothing is dropped.
    size_t nsources;              ///< Items in sources.
    const struct mox_ip *own;     ///< Addresses that are ourselves, NATIPs too: dropped.
    size_t nown;                  ///< Items in own.
    const struct mox_ip *dialed;  ///< Dialed before for this message at this host, oldest first:
                                  ///< they decide the order as DialedIPs of mox do.
    size_t ndialed;               ///< Items in dialed.
    uint32_t avoid;               ///< MOX_ALLOW_ bits that the history says to avoid: last under
                                  ///< #MOX_PREFER_LEARNED.
    uint32_t last;                ///< MOX_ALLOW_ bits put last whatever prefer says; dialed wins.
    uint32_t max;                 ///< Keep at most this many, of both families; 0: all.
    uint32_t allow_special;       ///< 1: keep special addresses, for tests and private networks;
                                  ///< an IPv4-mapped one is dropped even so.
};

/** VALUE. What became of one address. */
struct mox_choice {
    uint32_t index;       ///< Its place in the addresses given.
    int32_t drop;         ///< Enum mox_drop; #MOX_DROP_NONE: kept.
    int32_t order;        ///< Enum mox_order: why it stands where it stands.
    struct mox_ip source; ///< Our end for it; family 0: the system chooses.
};

/**
 * Filter and order the addresses of one host: a disabled family, special addresses and our own are
 * dropped, the rest comes in dialing order (RFC 8305 section 4, mox's DialedIPs rule). Pure, usable
 * alone, and what the dialer uses.
 * Thread rule: any thread.
 *
 * @param rules borrowed until return
 * @param addrs borrowed until return: the addresses, in the order of the DNS answer
 * @param n items in addrs and out
 * @param out all n are written: first those kept, in dialing order, then those dropped
 * @param err if none is kept: #MOX_E_FILTERED or #MOX_E_NO_ADDRESS, which family was filtered and
 *     which the host has; on failure: #MOX_E_INVAL, an argument is missing; #MOX_E_LIMIT, n is over
 *     INT_MAX
 * @return how many were kept, 0 included; #MOX_E_INVAL or #MOX_E_LIMIT
 */
MOX_API int mox_family_filter(const struct mox_filter_rules *rules, const struct mox_ip *addrs,
                              size_t n, struct mox_choice *out, struct mox_error *err);

/**
 * The name of a reason to drop something.
 * Thread rule: any thread.
 *
 * @param drop enum mox_drop
 * @return static text like "family-disabled", never NULL
 */
MOX_API const char *mox_drop_name(int drop);

/**
 * The name of a reason for a place in the order.
 * Thread rule: any thread.
 *
 * @param order enum mox_order
 * @return static text like "same-address", never NULL
 */
MOX_API const char *mox_order_name(int order);

/** @} */

#ifdef __cplusplus
}
#endif

#endif
