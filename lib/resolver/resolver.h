/*
 * resolver.h - the default dns ops: c-ares carries our queries, the hosts file comes first.
 *
 * Each name server has a c-ares channel of its own with a single try, and which server is asked
 * next is decided here: so an answer that reports a failure, with its extended error, reaches the
 * lookup from every version of c-ares, and the times are ours. The sockets of c-ares are served by
 * the loop of the context.
 */
#ifndef RESOLVER_RESOLVER_H
#define RESOLVER_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>

#include <moxdial/ops.h>

struct resolver;

enum resolver_trust {
    RESOLVER_TRUST_DISTRUST = 0,
    RESOLVER_TRUST_AD = 1,
    RESOLVER_TRUST_DEFAULT = -1
};

struct resolver_options {
    const char *const *servers; /* copied; "192.0.2.53", "[2001:db8::53]:5353" */
    size_t nservers;            /* 0: those of resolv.conf */
    bool hosts_file;            /* ask it first; not with servers given here */
    /* DEFAULT: every server is loopback, or resolv.conf, if it named them, says trust-ad. */
    int trust_ad;
    const char *hosts_path, *resolvconf_path; /* copied; NULL: those in /etc */
};

/* NULL: MOX_E_INVAL (a server), MOX_E_LIMIT (too many), MOX_E_OS, MOX_E_NOMEM. */
struct resolver *resolver_new(const struct resolver_options *options, struct mox_error *err);

/* Borrowed, until resolver_free. */
const struct mox_dns_ops *resolver_ops(struct resolver *resolver);

/* Before the first query: whose loop serves the sockets and who gets the answers. */
void resolver_attach(struct resolver *resolver, struct mox_ctx *ctx);

bool resolver_trusts_ad(const struct resolver *resolver);

/*
 * Ends it without a word to the context, which may be gone: descriptors are closed, not unwatched.
 * So also in a child process, where the parent's loop must not hear of it. Accepts NULL.
 */
void resolver_free(struct resolver *resolver);

#endif
