/*
 * mta_sts.c - how must mail to this domain be encrypted, and who says so? Asks DNS and fetches the
 * MTA-STS policy through libcurl; dials nothing.
 *
 *   cc -o mta_sts mta_sts.c $(pkg-config --cflags --libs libmoxdial libmoxdial-curl)
 *   ./mta_sts example.org
 */
#include <stdio.h>

#include <moxdial.h>
#include <moxdial/curl.h>

static void show(const struct mox_plan *plan)
{
    const struct mox_plan_info *info = mox_plan_summary(plan);
    const struct mox_candidate *c;
    const char *why;
    char ip[64];

    if (info->sts_detail != NULL)
        printf("%s\n", info->sts_detail);
    for (uint32_t i = 0; (c = mox_plan_candidate(plan, i)) != NULL; i++) {
        if (mox_ip_format(&c->ip, ip, sizeof ip) == 0)
            snprintf(ip, sizeof ip, "no address");
        why = c->drop == MOX_DROP_NONE ? c->tls_reason : c->detail;
        printf("%s [%s]: %s%s%s\n", c->host, ip,
               c->drop == MOX_DROP_NONE ? mox_tls_need_name(c->tls) : mox_drop_name(c->drop),
               why == NULL ? "" : ": ", why == NULL ? "" : why);
    }
}

static int resolve(struct mox_ctx *ctx, const char *domain, struct mox_error *err)
{
    struct mox_envelope envelope = {.size = sizeof envelope, .to = domain};
    struct mox_dial_request request = {
        .size = sizeof request, .envelope = &envelope, .plan = mox_plan_new(ctx)};
    int status;

    if (request.plan == NULL) {
        *err = (struct mox_error){.code = MOX_E_NOMEM, .message = "no memory"};
        return MOX_E_NOMEM;
    }
    status = mox_plan_resolve(ctx, &request, err);
    show(request.plan); /* filled on failure too */
    mox_plan_free(request.plan);
    return status;
}

int main(int argc, char **argv)
{
    struct mox_error err = {0};
    struct mox_curl *curl;
    struct mox_ctx *ctx = NULL;
    struct mox_ctx_options options = {.size = sizeof options};

    if (argc != 2) {
        fprintf(stderr, "usage: mta_sts DOMAIN\n");
        return 64;
    }
    curl = mox_curl_open(NULL, &err); /* the authorities of the system */
    if (curl != NULL) {
        options.fetch = mox_curl_ops(curl);
        ctx = mox_ctx_new(&options, &err);
    }
    if (ctx != NULL) {
        mox_curl_attach(curl, ctx); /* before the first dial: it answers this context */
        resolve(ctx, argv[1], &err);
    }
    if (err.code != MOX_OK)
        fprintf(stderr, "%s: %s\n", mox_status_name(err.code), err.message);
    mox_ctx_free(ctx); /* first: it may still be waiting for an answer */
    mox_curl_close(curl);
    return mox_error_exit_code(&err);
}
