/*
 * sts_fetch.h - an MTA-STS policy over HTTPS (RFC 8461 section 3.3): asked for, and what came read.
 */
#ifndef LOOKUP_STS_FETCH_H
#define LOOKUP_STS_FETCH_H

#include "ctx/fetch.h"
#include "policy/sts.h"

enum { STS_WHY = 400 /* bytes that hold why there is no policy, and NUL */ };

struct sts_failure {
    const char *type;  /* as RFC 8460 section 4.3 names it */
    char reason[128];  /* "http-status-404", "timeout", … */
    char why[STS_WHY]; /* for a sentence: "… answers with 404" */
};

/* MOX_OK: fetch->done will be called; MOX_E_NOMEM; MOX_E_UNSUPPORTED: no fetch ops. */
int sts_fetch_start(struct mox_ctx *ctx, struct ctx_fetch *fetch, const char *domain,
                    uint64_t timeout_us);

/*
 * What the answer says. MOX_OK: *policy, in the arena; MOX_E_PROTOCOL: there is none, *failure says
 * why; MOX_E_NOMEM.
 */
int sts_fetch_read(const struct ctx_fetch *fetch, const char *domain, struct arena *arena,
                   struct sts_policy *policy, struct sts_failure *failure);

#endif
