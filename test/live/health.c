/*
 * health.c - hosts dialed one after the other on one context, which so learns that a family leads
 * nowhere.
 *
 *   health DOMAIN...
 *
 * Prints a line for each: its attempts in order, a family and an outcome, and what the dial took.
 */
#include <stdio.h>

#include <moxdial.h>

enum { TIMEOUT_MS = 20000 };

static void tell(const char *domain, const struct mox_plan *plan)
{
    const struct mox_attempt *attempt;

    printf("%s:", domain);
    for (uint32_t i = 0; (attempt = mox_plan_attempt(plan, i)) != NULL; i++) {
        const struct mox_candidate *target = mox_plan_candidate(plan, attempt->candidate);

        printf("%s %s %s", i == 0 ? "" : ",", mox_family_name(target->ip.family),
               mox_status_name(attempt->outcome));
    }
    printf(" (%u ms)\n", (unsigned)mox_plan_summary(plan)->elapsed_ms);
}

static int dial(struct mox_ctx *ctx, const char *domain)
{
    struct mox_envelope envelope = {.size = sizeof envelope, .to = domain};
    struct mox_dial_request request = {.size = sizeof request,
                                       .envelope = &envelope,
                                       .plan = mox_plan_new(ctx),
                                       .timeout_ms = TIMEOUT_MS,
                                       .ehlo = "client.example.org"};
    struct mox_conn *conn = NULL;
    struct mox_error err;
    int status = MOX_E_NOMEM;

    if (request.plan == NULL)
        return status;
    status = mox_dial(ctx, &request, &conn, &err);
    tell(domain, request.plan);
    if (status != MOX_OK)
        printf("%s: %s\n", domain, err.message);
    mox_conn_close(conn);
    mox_plan_free(request.plan);
    return status;
}

int main(int argc, char **argv)
{
    struct mox_error err;
    struct mox_ctx *ctx;
    int failed = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: health DOMAIN...\n");
        return 64;
    }
    ctx = mox_ctx_new(NULL, &err);
    if (ctx == NULL) {
        fprintf(stderr, "health: no context: %s\n", err.message);
        return 1;
    }
    for (int i = 1; i < argc; i++)
        failed |= dial(ctx, argv[i]) != MOX_OK;
    mox_ctx_free(ctx);
    return failed;
}
