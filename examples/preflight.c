/*
 * preflight.c - are the addresses of this machine good to send mail from? A server may ask at its
 * start, and warn its administrator before the first message is refused.
 *
 *   cc -o preflight preflight.c $(pkg-config --cflags --libs libmoxdial)
 *   ./preflight moxdial.conf example.com
 *   ./preflight moxdial.conf example.com 192.0.2.53    asks this name server
 */
#include <stdio.h>

#include <moxdial.h>

static void show(const struct mox_preflight_report *report)
{
    const struct mox_preflight_info *info = mox_preflight_summary(report);
    const struct mox_preflight_source *s;
    char ip[64];

    for (uint32_t i = 0; (s = mox_preflight_source_at(report, i)) != NULL; i++) {
        mox_ip_format(&s->public_ip, ip, sizeof ip);
        printf("%s: %s, reverse DNS %s, SPF %s\n", ip, mox_verdict_name(s->verdict),
               s->ptr == NULL ? "none" : s->ptr, s->spf < 0 ? "unchecked" : mox_spf_name(s->spf));
        if (s->problem != NULL)
            printf("  %s\n", s->problem);
        if (s->cure != NULL)
            printf("  to do: %s\n", s->cure);
    }
    if (info->hairpin_story != NULL)
        printf("%s\n", info->hairpin_story);
    if (info->config != NULL)
        printf("to paste:\n%s", info->config);
}

static int check(const char *domain, const struct mox_config *config, const char *resolver,
                 struct mox_error *err)
{
    struct mox_ctx_options options = {
        .size = sizeof options, .dns_servers = &resolver, .ndns_servers = resolver != NULL};
    struct mox_preflight_request request = {
        .size = sizeof request, .config = config, .from_domain = domain};
    struct mox_ctx *ctx = mox_ctx_new(&options, err);
    struct mox_preflight_report *report = NULL;
    int status = ctx == NULL ? err->code : mox_preflight(ctx, &request, &report, err);

    if (report != NULL)
        show(report);
    mox_preflight_report_free(report);
    mox_ctx_free(ctx);
    return status;
}

int main(int argc, char *argv[])
{
    struct mox_error err;
    struct mox_config *config;
    int status;

    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: preflight CONFIG DOMAIN [NAMESERVER]\n");
        return 2;
    }
    config = mox_config_load(argv[1], &err);
    status = config == NULL ? err.code : check(argv[2], config, argc > 3 ? argv[3] : NULL, &err);
    mox_config_free(config);
    if (status != MOX_OK)
        fprintf(stderr, "preflight: %s\n", err.message);
    return status == MOX_OK ? 0 : 1;
}
