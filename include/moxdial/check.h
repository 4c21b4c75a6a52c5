/* SPDX-License-Identifier: MIT */
/**
 * @file check.h
 * Checks of our own addresses, and what was learned of them.
 */
#ifndef MOXDIAL_CHECK_H
#define MOXDIAL_CHECK_H

#include <moxdial/base.h>

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
