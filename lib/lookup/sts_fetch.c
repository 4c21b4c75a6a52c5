/* sts_fetch.c - see sts_fetch.h. */
#include "lookup/sts_fetch.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"

enum { HTTP_OK = 200, URL = MOX_LIMIT_DOMAIN + 64 };

int sts_fetch_start(struct mox_ctx *ctx, struct ctx_fetch *fetch, const char *domain,
                    uint64_t timeout_us)
{
    char url[URL];
    struct text t = text_to(url, sizeof url);

    text_add(&t, "https://mta-sts.%s/.well-known/mta-sts.txt", domain);
    return fetch_start(ctx, fetch, url, MOX_LIMIT_STS_POLICY, timeout_us);
}

/* What a negative code means, behind the host's name. */
static void describe(int code, struct text *why)
{
    struct mox_error err;

    switch (code) {
    case MOX_E_NO_DOMAIN:
        text_add(why, "does not exist");
        break;
    case MOX_E_VERIFY:
        text_add(why, "has a certificate that does not verify");
        break;
    case MOX_E_TLS:
        text_add(why, "breaks the TLS handshake");
        break;
    case MOX_E_TIMEOUT:
        text_add(why, "did not answer in time");
        break;
    case MOX_E_LIMIT:
        text_add(why, "has one of over %d bytes", MOX_LIMIT_STS_POLICY);
        break;
    default:
        if (code <= MOX_ERRNO(0)) {
            error_from_op(&err, code, "the connection");
            text_add(why, "could not be reached (%s)", err.message);
        } else {
            text_add(why, "could not be reached (%s)", mox_status_name(code));
        }
    }
}

static int fail(int status, const char *domain, struct sts_failure *failure)
{
    struct text why = text_to(failure->why, sizeof failure->why);
    struct text reason = text_to(failure->reason, sizeof failure->reason);

    failure->type = status == MOX_E_VERIFY  ? "sts-webpki-invalid"
                    : status == MOX_E_LIMIT ? "sts-policy-invalid"
                                            : "sts-policy-fetch-error";
    text_add(&why, "mta-sts.%s ", domain);
    if (status > 0) {
        text_add(&why, "answers with HTTP status %d", status);
        text_add(&reason, "http-status-%d", status);
    } else {
        describe(status, &why);
        text_add(&reason, "%s", status <= MOX_ERRNO(0) ? "connect" : mox_status_name(status));
    }
    return MOX_E_PROTOCOL;
}

int sts_fetch_read(const struct ctx_fetch *fetch, const char *domain, struct arena *arena,
                   struct sts_policy *policy, struct sts_failure *failure)
{
    struct text why = text_to(failure->why, sizeof failure->why);
    struct text reason = text_to(failure->reason, sizeof failure->reason);
    struct mox_error err;
    int status = fetch->status;

    if (status == MOX_E_NOMEM)
        return status;
    if (status != HTTP_OK)
        return fail(status, domain, failure);
    status = sts_policy_read(buffer_slice(&fetch->body), policy, arena, &err);
    if (status != MOX_E_PROTOCOL)
        return status;
    failure->type = "sts-policy-invalid";
    text_add(&why, "that of mta-sts.%s is wrong: %s", domain, err.message);
    text_add(&reason, "%s", err.message);
    return status;
}
