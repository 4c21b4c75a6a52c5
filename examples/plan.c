/*
 * plan.c - where would this message go, and why? Asks DNS, dials nothing.
 *
 *   cc -o plan plan.c $(pkg-config --cflags --libs libmoxdial)
 *   ./plan moxdial.conf a@example.com b@example.org
 *   ./plan moxdial.conf a@example.com b@example.org 192.0.2.53    asks this name server
 */
#include <stdio.h>
#include <stdlib.h>

#include <moxdial.h>

/* The considered routes, a line each, and the one taken. */
static int explain_route(const struct mox_config *config, const struct mox_envelope *envelope,
                         struct mox_error *err)
{
    struct mox_route route;
    size_t len = mox_route_explain(config, envelope, NULL, 0);
    char *text = malloc(len + 1);
    int status = mox_route_lookup(config, envelope, &route, err);

    if (text != NULL && status == MOX_OK) {
        mox_route_explain(config, envelope, text, len + 1);
        printf("routes considered:\n%s", text);
        printf("transport: %s\n", route.transport == NULL ? "none, so direct" : route.transport);
    }
    free(text);
    return status;
}

static void show_plan(const struct mox_plan *plan)
{
    const struct mox_plan_info *info = mox_plan_summary(plan);
    const struct mox_candidate *c;
    const struct mox_mx *mx;
    char ip[64];

    printf("next hop: %s, %s\n", info->next_hop,
           info->authentic ? "proved by DNSSEC" : "not proved by DNSSEC");
    for (uint32_t i = 0; (mx = mox_plan_mx(plan, i)) != NULL; i++)
        printf("MX %s, preference %d%s%s\n", mx->host, (int)mx->preference,
               mx->drop == MOX_DROP_NONE ? "" : ", dropped: ",
               mx->drop == MOX_DROP_NONE ? "" : mox_drop_name(mx->drop));
    for (uint32_t i = 0; (c = mox_plan_candidate(plan, i)) != NULL; i++) {
        if (mox_ip_format(&c->ip, ip, sizeof ip) == 0)
            snprintf(ip, sizeof ip, "no address");
        printf("%s [%s] port %u: %s", c->host, ip, (unsigned)c->port,
               c->drop == MOX_DROP_NONE ? "dialed, order " : "dropped, ");
        printf("%s%s%s\n",
               c->drop == MOX_DROP_NONE ? mox_order_name(c->order) : mox_drop_name(c->drop),
               c->detail == NULL ? "" : ": ", c->detail == NULL ? "" : c->detail);
    }
}

static int show(struct mox_ctx *ctx, const struct mox_config *config,
                const struct mox_envelope *envelope, struct mox_error *err)
{
    struct mox_dial_request request = {
        .size = sizeof request, .config = config, .envelope = envelope, .plan = mox_plan_new(ctx)};
    int status = explain_route(config, envelope, err);

    if (request.plan == NULL) {
        *err = (struct mox_error){.code = MOX_E_NOMEM, .message = "no memory"};
        return MOX_E_NOMEM;
    }
    if (status == MOX_OK) {
        status = mox_plan_resolve(ctx, &request, err);
        show_plan(request.plan); /* filled on failure too: it shows what was dropped */
    }
    mox_plan_free(request.plan);
    return status;
}

int main(int argc, char **argv)
{
    struct mox_error err = {0};
    struct mox_config *config;
    struct mox_ctx *ctx = NULL;
    const char *server = argc > 4 ? argv[4] : NULL;
    struct mox_ctx_options options = {
        .size = sizeof options, .dns_servers = &server, .ndns_servers = server != NULL};
    struct mox_envelope envelope = {.size = sizeof envelope};

    if (argc < 4) {
        fprintf(stderr, "usage: plan CONFIG FROM TO [NAMESERVER]\n");
        return 64;
    }
    envelope.from = argv[2];
    envelope.to = argv[3];
    config = mox_config_load(argv[1], &err);
    if (config != NULL)
        ctx = mox_ctx_new(&options, &err);
    if (ctx == NULL || show(ctx, config, &envelope, &err) != MOX_OK)
        fprintf(stderr, "%s: %s\n", mox_status_name(err.code), err.message);
    mox_ctx_free(ctx);
    mox_config_free(config);
    return mox_error_exit_code(&err);
}
