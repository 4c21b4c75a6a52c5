/*
 * sts.h - the MTA-STS policy of a recipient domain: the cache in the store, the TXT record, the
 * fetch (RFC 8461 sections 3.3, 5.1; semantics.md 7.3, D34).
 */
#ifndef LOOKUP_STS_H
#define LOOKUP_STS_H

#include "lookup/chain.h"
#include "policy/sts.h"

struct lookup_sts;

struct lookup_sts_result {
    int status;                      /* MOX_OK; else the delivery attempt fails, temporary */
    const struct sts_policy *policy; /* NULL: no policy */
    /* for TLSRPT (RFC 8460 section 4.3): "sts-policy-fetch-error", "sts-policy-invalid",
     * "sts-webpki-invalid", or NULL; and free text or NULL */
    const char *result_type, *failure_code;
    const char *story; /* one sentence: where the policy came from, or why there is none */
    const struct mox_error *error; /* of status; NULL: no memory for it */
};

/*
 * domain: the recipient's own, A-labels; borrowed until the end. A context without fetch ops has no
 * MTA-STS: the caller does not ask. done: inside a dispatch, once; the lookup may be freed in it.
 * A refresh that it began beside itself (D34) goes on in the context after the lookup was freed.
 * NULL: no memory.
 */
struct lookup_sts *lookup_sts_start(struct mox_ctx *ctx, const char *domain,
                                    const struct lookup_rules *rules, void (*done)(void *arg),
                                    void *arg);

bool lookup_sts_finished(const struct lookup_sts *sts);

/* Whether the store was asked for a policy and did not answer in time. */
bool lookup_sts_store_silent(const struct lookup_sts *sts);

/* Once finished; borrowed until it is freed. */
const struct lookup_sts_result *lookup_sts_result(const struct lookup_sts *sts);

/* Ends it in silence if need be. Accepts NULL. */
void lookup_sts_free(struct lookup_sts *sts);

#endif
