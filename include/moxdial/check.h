/* SPDX-License-Identifier: MIT */
/**
 * @file check.h
 * Checks of our own addresses, and what was learned of them.
 */
#ifndef MOXDIAL_CHECK_H
#define MOXDIAL_CHECK_H

#include <moxdial/base.h>
#include <moxdial/dial.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The address as the world sees it: by the longest prefix of SPFIPMap that holds it, else by the
 * one NATIP of its family of the SMTP listener (in a moxdial.conf: of LocalIPs) it belongs to.
 * Pure. Thread rule: any thread.
 *
 * @param config borrowed; NULL: nothing is mapped
 * @param seen the address as seen on this machine or on a connection
 * @param out the address of the world; seen itself if no rule covers it; may be seen
 * @return 1: mapped by a rule; 0: out is seen itself
 */
MOX_API int mox_nat_map(const struct mox_config *config, const struct mox_ip *seen,
                        struct mox_ip *out);

/** The result of an SPF check (RFC 7208 section 2.6). */
enum mox_spf {
    MOX_SPF_NONE = 0,  ///< No domain to check, or it says nothing.
    MOX_SPF_NEUTRAL,   ///< The domain says that it says nothing of this address.
    MOX_SPF_PASS,      ///< The address may send for the domain.
    MOX_SPF_FAIL,      ///< It may not.
    MOX_SPF_SOFTFAIL,  ///< It probably may not.
    MOX_SPF_TEMPERROR, ///< DNS did not answer; later it may.
    MOX_SPF_PERMERROR  ///< The domain's record is broken, or asks for too much.
};

/** IN. Whom to check. */
struct mox_spf_request {
    size_t size; ///< sizeof(struct mox_spf_request).
    /** For the NAT map (mox_nat_map()), Timeouts and TrustAD; NULL: none. Borrowed until return. */
    const struct mox_config *config;
    struct mox_ip ip; ///< The client's address as seen on the connection.
    /** The name it gave in EHLO or HELO; NULL: none. Copied, as the two below. */
    const char *helo;
    /** MAIL FROM, an address or a domain alone; NULL or "": the null sender, whose domain is the
     * name in EHLO. */
    const char *mail_from;
    /** Our own host name, for explanations that ask for it; NULL: "unknown". */
    const char *receiver;
};

/** VALUE. What an SPF check found. */
struct mox_spf_result {
    int32_t result;        ///< Enum #mox_spf.
    uint32_t lookups;      ///< Terms that asked DNS, of 10 (RFC 7208 section 4.6.4).
    uint32_t void_lookups; ///< Of them those that found nothing, of 2; a third is a permerror.
    struct mox_ip ip;      ///< The address that was checked: after the NAT map.
    char domain[256];      ///< That was checked, in A-labels; "": there was none.
    /** The term of its record that decided or went wrong, as written there; "default": none did.
     * "": there is no record that could be read. */
    char mechanism[256];
    /** Printable ASCII. Of a fail: the domain owner's words for the client, if there are any (exp=,
     * RFC 7208 section 6.2): a stranger's. Of a temperror or permerror: what is wrong, in a
     * sentence of ours. Else "". */
    char explanation[512];
    uint32_t reserved[4]; ///< Zero.
};

/**
 * Whether this address may send mail for that domain (SPF, RFC 7208). Blocks, for 20 s at most.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context, whose dns ops are asked
 * @param request borrowed until return
 * @param out the result, of #MOX_OK; else zero
 * @param err #MOX_E_UNSUPPORTED: the context has no DNS, or nothing can wake it up; #MOX_E_INVAL:
 *     no address; #MOX_E_BUSY: operations are in flight on the context; #MOX_E_REENTRANT: inside a
 *     callback; #MOX_E_SHUTDOWN; #MOX_E_OS: the wait failed; #MOX_E_NOMEM
 * @return #MOX_OK, also where the result is a fail or an error of SPF; or the code of err
 */
MOX_API int mox_spf_check(struct mox_ctx *ctx, const struct mox_spf_request *request,
                          struct mox_spf_result *out, struct mox_error *err);

/**
 * The same without blocking. Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context, whose dns ops are asked
 * @param request borrowed until return
 * @param out written before the callback, and zero until then; must live until it or the cancel
 * @param fn called once, from a dispatch; never after mox_op_cancel()
 * @param arg first argument of fn
 * @param err why nothing was started, as of mox_spf_check(); what goes wrong later is told to fn
 * @return its id for mox_op_cancel(); 0: nothing was started
 */
MOX_API mox_op_id mox_spf_start(struct mox_ctx *ctx, const struct mox_spf_request *request,
                                struct mox_spf_result *out, mox_done_fn *fn, void *arg,
                                struct mox_error *err);

/**
 * The name of a result as RFC 8601 has it: "pass", "softfail". Thread rule: any thread.
 *
 * @param result enum #mox_spf
 * @return static text; "unknown" for no result
 */
MOX_API const char *mox_spf_name(int result);

/** @name Preflight: are our addresses good to send from?
 * @{ */

/** A report; it stays as it is. */
struct mox_preflight_report;

/** Bits of mox_preflight_request::flags. */
enum mox_preflight_flag {
    /** Really connect to those of our own public addresses that are MX of the domains of the
     * configuration: hairpin NAT is seen then, not inferred. EHLO and QUIT are said, no mail. */
    MOX_PREFLIGHT_PROBE = 1
};

/** IN. What to check. */
struct mox_preflight_request {
    size_t size;                     ///< sizeof(struct mox_preflight_request).
    const struct mox_config *config; ///< NULL: none. Counted.
    const char *transport;           ///< Whose source addresses; NULL: those of direct delivery.
    const char *from_domain;         ///< The sender's domain, for SPF; NULL: not checked.
    const char *ehlo;                ///< Our name; NULL: the configured one.
    uint32_t flags;                  ///< MOX_PREFLIGHT_ bits.
    uint32_t port;                   ///< That a probe connects to; 0: 25.
};

/** What to think of an address. */
enum mox_verdict {
    MOX_VERDICT_UNKNOWN = 0, ///< DNS did not answer, or the public address is not known.
    MOX_VERDICT_GOOD,        ///< Nothing speaks against it.
    MOX_VERDICT_RISKY,       ///< Some receivers will refuse it or count it as a sign of spam.
    MOX_VERDICT_BAD          ///< Many will: no reverse DNS, or SPF fails.
};

/** How an own public address answered, as seen from here. */
enum mox_probe {
    MOX_PROBE_NONE = 0,   ///< It was not asked.
    MOX_PROBE_REACHED,    ///< A server greeted.
    MOX_PROBE_UNREACHABLE ///< None did: the router does not lead back in.
};

/** VIEW. One source address. */
struct mox_preflight_source {
    struct mox_ip source;      ///< On this machine; of a SOCKS transport the proxy's.
    struct mox_ip public_ip;   ///< As the world sees it: by SPFIPMap and NATIPs.
    const char *ptr;           ///< The name in reverse DNS: the one that leads back, if any does;
                               ///< NULL: none.
    int32_t forward_confirmed; ///< 1: that name has the address (iprev, RFC 8601 section 3); 0: it
                               ///< has not, or there is none; -1: not known.
    int32_t ehlo_matches;      ///< 1: and it is the name in EHLO.
    int32_t spf;               ///< Enum #mox_spf of the sender's domain; -1: not checked.
    int32_t verdict;           ///< Enum #mox_verdict.
    int32_t hairpin;           ///< 1: mail to an own domain comes back from a private address.
    const char *problem;       ///< The gravest, a sentence; NULL: none.
    const char *cure;          ///< A DNS record to create, or lines of configuration; NULL: none.
    const char *ehlo;          ///< The name it was checked with; NULL: the address as a literal.
    int32_t spf_ehlo;          ///< Enum #mox_spf of the name in EHLO; -1: not checked.
    int32_t ehlo_leads;        ///< 1: the name in EHLO has the address; 0: not; -1: not known.
    int32_t generated;         ///< 1: ptr looks like a provider's own name for the address.
    const char *spf_mechanism; ///< The term of the sender's record that decided; NULL: none.
};

/** VIEW. The whole. */
struct mox_preflight_info {
    uint32_t nsources;         ///< Sources, see mox_preflight_source_at().
    int32_t hairpin;           ///< 1: hairpin NAT is at work, or must be taken to be.
    const char *const *cures;  ///< For it, the fitting one first, NULL at the end. The first line
                               ///< of each says what and where, the others can be pasted there.
    const char *config;        ///< Lines to paste, with tabs; NULL: nothing to change.
    const char *hairpin_story; ///< What was found of it, in sentences; NULL: it is no matter.
    int32_t probe;             ///< Enum #mox_probe.
    struct mox_ip probe_seen;  ///< From which address we came there, by the server's EHLO reply;
                               ///< family 0: it does not say.
};

/**
 * Check the addresses of this machine before mail is sent from them: reverse DNS with forward
 * confirmation (RFC 8601 section 3), the name in EHLO, SPF (RFC 7208) of the sender's domain and of
 * that name, and hairpin NAT: whether an MX of a domain of the configuration is a public address of
 * ours (NATIPs, SPFIPMap) while our own is private, which is looked for in the first 64 domains and
 * for a minute. Blocks.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context, whose dns ops are asked, and whose socket ops say which address the
 *     system would take
 * @param request borrowed until return
 * @param out the report, yours to end with mox_preflight_report_free(); NULL on failure
 * @param err #MOX_E_UNSUPPORTED: the context has no DNS; #MOX_E_CONFIG: no such transport;
 *     #MOX_E_INVAL: a name is none; #MOX_E_NO_SOURCE: this machine has no address to send from;
 *     #MOX_E_BUSY: operations are in flight on the context; #MOX_E_REENTRANT: inside a callback;
 *     #MOX_E_SHUTDOWN; #MOX_E_OS: the wait failed; #MOX_E_NOMEM
 * @return #MOX_OK, whatever the verdicts; or the code of err
 */
MOX_API int mox_preflight(struct mox_ctx *ctx, const struct mox_preflight_request *request,
                          struct mox_preflight_report **out, struct mox_error *err);

/**
 * Called once with the report of mox_preflight_start(), from a dispatch.
 *
 * @param arg as given
 * @param status #MOX_OK, or why there is none
 * @param report yours to end with mox_preflight_report_free(); NULL on failure
 * @param err borrowed until it returns; NULL if all went well
 */
typedef void mox_preflight_fn(void *arg, int status, struct mox_preflight_report *report,
                              const struct mox_error *err);

/**
 * The same without blocking. Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context
 * @param request borrowed until return
 * @param fn called once, from a dispatch; never after mox_op_cancel()
 * @param arg first argument of fn
 * @param err why nothing was started, as of mox_preflight(); what goes wrong later is told to fn
 * @return its id for mox_op_cancel(); 0: nothing was started
 */
MOX_API mox_op_id mox_preflight_start(struct mox_ctx *ctx,
                                      const struct mox_preflight_request *request,
                                      mox_preflight_fn *fn, void *arg, struct mox_error *err);

/**
 * What a report says of the whole. Thread rule: any thread.
 *
 * @param report borrowed
 * @return borrowed until the report ends; never NULL
 */
MOX_API const struct mox_preflight_info *mox_preflight_summary(
    const struct mox_preflight_report *report);

/**
 * What a report says of one source address. Thread rule: any thread.
 *
 * @param report borrowed
 * @param i from 0
 * @return borrowed until the report ends; NULL: there are no more
 */
MOX_API const struct mox_preflight_source *mox_preflight_source_at(
    const struct mox_preflight_report *report, uint32_t i);

/**
 * End a report. Thread rule: any thread.
 *
 * @param report may be NULL
 */
MOX_API void mox_preflight_report_free(struct mox_preflight_report *report);

/**
 * The name of a verdict. Thread rule: any thread.
 *
 * @param verdict enum #mox_verdict
 * @return static text: "unknown", "good", "risky" or "bad"
 */
MOX_API const char *mox_verdict_name(int verdict);

/** @} */

/** VIEW. What is remembered of one MX host, one source address of ours and one family. */
struct mox_history_entry {
    const char *host;        ///< The MX host, A-labels.
    const char *source;      ///< Our address as the world sees it: IPv4, or the /64 of an IPv6 one.
    int32_t family;          ///< Enum mox_family of the connections.
    uint32_t refusals;       ///< How often our address was refused.
    int64_t last_accepted_s; ///< Unix seconds; 0: never.
    int64_t last_refused_s;  ///< Unix seconds; 0: never.
    const char *last_reply;  ///< To the last refusal, code and words; "": there was none.
    int32_t avoided;         ///< 1: `Prefer: learned` puts it last, unless the other family is too.
};

/**
 * Called for each entry of the history, before mox_history_each() returns; it may call whatever
 * that may.
 *
 * @param arg as given to mox_history_each()
 * @param entry borrowed until it returns
 */
typedef void mox_history_fn(void *arg, const struct mox_history_entry *entry);

/**
 * What was learned of hosts, sorted by host, source and family, for 30 days after it was last heard
 * of; of a shared store that is what all who share it learned. Blocks.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context, over the store that is meant
 * @param fn called for each entry
 * @param arg first argument of fn
 * @param err #MOX_E_UNSUPPORTED: the store has no mox_store_ops::each; #MOX_E_STORE: it failed, or
 *     did not answer within 30 s; #MOX_E_LIMIT: there are over 65536; #MOX_E_INVAL: no fn;
 *     #MOX_E_BUSY: operations are in flight on the context; #MOX_E_REENTRANT: inside a callback;
 *     #MOX_E_OS: the wait failed; #MOX_E_NOMEM
 * @return how many there were, or the code of err
 */
MOX_API int mox_history_each(struct mox_ctx *ctx, mox_history_fn *fn, void *arg,
                             struct mox_error *err);

/**
 * Forget what was learned: the next dial tries what it would by default. Blocks.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param ctx the context, over the store that is meant
 * @param host borrowed until return: the MX host, in A- or U-labels; NULL: all of them
 * @param err as of mox_history_each(); #MOX_E_INVAL: host is no name. What was forgotten before a
 *     failure stays so
 * @return how many entries there were, or the code of err
 */
MOX_API int mox_history_reset(struct mox_ctx *ctx, const char *host, struct mox_error *err);

#ifdef __cplusplus
}
#endif

#endif
