/*
 * test_resolver_files.c - a default resolver that goes by resolv.conf and the hosts file, of its
 * own here; whom it believes; what it refuses.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <moxdial.h>

#include "base/limits.h"
#include "dns_thread.h"
#include "resolver/resolver.h"
#include "test.h"

static char hosts[] = "/tmp/test-hosts-XXXXXX", resolvconf[] = "/tmp/test-resolv-XXXXXX";

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static void make_name(char *path)
{
    int fd;

    memcpy(path + strlen(path) - 6, "XXXXXX", 6); /* a test without a fork may be run again */
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void setup(void)
{
    make_name(hosts);
    make_name(resolvconf);
}

static void teardown(void)
{
    unlink(hosts);
    unlink(resolvconf);
}

static struct resolver_options of_files(void)
{
    return (struct resolver_options){.hosts_file = true,
                                     .trust_ad = RESOLVER_TRUST_DEFAULT,
                                     .hosts_path = hosts,
                                     .resolvconf_path = resolvconf};
}

/* The one candidate for mx.example.org over a family; "": there is none. */
static void resolve(struct mox_ctx *ctx, uint32_t family, char *out, size_t cap)
{
    struct mox_envelope envelope = {.size = sizeof envelope, .to = "b@example.org"};
    struct mox_dial_request request = {.size = sizeof request,
                                       .envelope = &envelope,
                                       .server = "mx.example.org",
                                       .families = family,
                                       .plan = mox_plan_new(ctx)};

    out[0] = '\0';
    if (mox_plan_resolve(ctx, &request, NULL) == MOX_OK)
        mox_ip_format(&mox_plan_candidate(request.plan, 0)->ip, out, cap);
    ck_assert(out[0] == '\0' || mox_plan_summary(request.plan)->authentic == 0);
    mox_plan_free(request.plan);
}

START_TEST(the_hosts_file_comes_first)
{
    struct resolver_options files = of_files();
    struct resolver *resolver;
    struct mox_ctx_options options = {.size = sizeof options};
    struct mox_ctx *ctx;
    char got[MOX_LIMIT_IP_TEXT];

    write_file(hosts, "203.0.113.9 mx.example.org\n");
    write_file(resolvconf, "nameserver 192.0.2.1\n"); /* which nobody asks */
    resolver = resolver_new(&files, NULL);
    ck_assert_ptr_nonnull(resolver);
    options.dns = resolver_ops(resolver);
    ctx = mox_ctx_new(&options, NULL);
    ck_assert_ptr_nonnull(ctx);
    resolver_attach(resolver, ctx);
    resolve(ctx, MOX_ALLOW_IPV4, got, sizeof got);
    ck_assert_str_eq(got, "203.0.113.9");
    resolve(ctx, MOX_ALLOW_IPV6, got, sizeof got);
    ck_assert_str_eq(got, ""); /* the host is there, and has no such address */
    mox_ctx_free(ctx);
    resolver_free(resolver);
}
END_TEST

START_TEST(a_server_given_by_hand_is_all)
{
    struct dns_thread server;
    struct resolver_options files = of_files();
    const char *servers[] = {server.server};
    struct resolver *resolver;
    struct mox_ctx_options options = {.size = sizeof options};
    struct mox_ctx *ctx;
    char got[MOX_LIMIT_IP_TEXT];

    dns_thread_start(&server, DNS_THREAD_ANSWERS);
    write_file(hosts, "203.0.113.9 mx.example.org\n");
    files.servers = servers; /* so neither file counts */
    files.nservers = 1;
    resolver = resolver_new(&files, NULL);
    ck_assert_ptr_nonnull(resolver);
    options.dns = resolver_ops(resolver);
    ctx = mox_ctx_new(&options, NULL);
    ck_assert_ptr_nonnull(ctx);
    resolver_attach(resolver, ctx);
    resolve(ctx, MOX_ALLOW_IPV4, got, sizeof got);
    ck_assert_str_eq(got, "192.0.2.25");
    ck_assert_int_eq(atomic_load(&server.by_udp), 1);
    mox_ctx_free(ctx);
    resolver_free(resolver);
    dns_thread_stop(&server);
}
END_TEST

START_TEST(asks_nobody_before_it_is_attached)
{
    struct resolver_options files = of_files();
    struct resolver *resolver = resolver_new(&files, NULL);

    ck_assert_ptr_nonnull(resolver);
    ck_assert_int_eq(resolver_ops(resolver)->query(resolver_ops(resolver)->user, 1, "a.test", 1),
                     MOX_E_STATE);
    resolver_free(resolver);
    resolver_free(NULL);
}
END_TEST

static const struct {
    const char *name, *resolvconf;
    int trust_ad;
    bool trusted;
} trusts[] = {
    {"loopback", "nameserver 127.0.0.1\nnameserver ::1\n", RESOLVER_TRUST_DEFAULT, true},
    {"one is not loopback", "nameserver 127.0.0.1\nnameserver 192.0.2.1\n", RESOLVER_TRUST_DEFAULT,
     false},
    {"trust-ad", "nameserver 192.0.2.1\noptions trust-ad\n", RESOLVER_TRUST_DEFAULT, true},
    {"told to", "nameserver 192.0.2.1\n", RESOLVER_TRUST_AD, true},
    {"told not to", "nameserver ::1\noptions trust-ad\n", RESOLVER_TRUST_DISTRUST, false},
};

START_TEST(whom_it_believes)
{
    struct resolver_options files = of_files();
    struct resolver *resolver;

    write_file(resolvconf, trusts[_i].resolvconf);
    files.trust_ad = trusts[_i].trust_ad;
    resolver = resolver_new(&files, NULL);
    ck_assert_ptr_nonnull(resolver);
    ck_assert_msg(resolver_trusts_ad(resolver) == trusts[_i].trusted, "%s", trusts[_i].name);
    resolver_free(resolver);
}
END_TEST

START_TEST(so_many_servers_are_too_many)
{
    const char *servers[MOX_LIMIT_DNS_SERVERS + 1];
    struct resolver_options options = {.servers = servers};
    struct resolver *resolver;
    struct mox_error err;

    for (size_t i = 0; i < ARRAY_LEN(servers); i++)
        servers[i] = i % 2 == 0 ? "192.0.2.1" : "[2001:db8::1]:5353";
    options.nservers = MOX_LIMIT_DNS_SERVERS;
    resolver = resolver_new(&options, NULL);
    ck_assert_ptr_nonnull(resolver);
    resolver_free(resolver);
    options.nservers++;
    ck_assert_ptr_null(resolver_new(&options, &err));
    ck_assert_int_eq(err.code, MOX_E_LIMIT);
    servers[0] = "ns.example.org";
    options.nservers = 1;
    ck_assert_ptr_null(resolver_new(&options, &err));
    ck_assert_int_eq(err.code, MOX_E_INVAL);
}
END_TEST

START_TEST(without_memory)
{
    struct resolver_options files = of_files();
    bool failed = true;
    int refused = 0;

    write_file(resolvconf, "nameserver 192.0.2.1\n");
    for (long nth = 1; failed; nth++) {
        struct mox_error err = {0};
        struct resolver *resolver;

        test_fail_alloc(nth);
        resolver = resolver_new(&files, &err);
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert(resolver != NULL || failed); /* the text of a file is tried for twice */
        ck_assert_int_eq(err.code, resolver == NULL ? MOX_E_NOMEM : MOX_OK);
        refused += resolver == NULL;
        resolver_free(resolver);
    }
    ck_assert_int_ge(refused, 3); /* the resolver, the hosts file, its path */
}
END_TEST

TCase *test_resolver_files(void)
{
    TCase *tc = tcase_create("resolver/files");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 20);
    tcase_add_test(tc, the_hosts_file_comes_first);
    tcase_add_test(tc, a_server_given_by_hand_is_all);
    tcase_add_test(tc, asks_nobody_before_it_is_attached);
    tcase_add_loop_test(tc, whom_it_believes, 0, ARRAY_LEN(trusts));
    tcase_add_test(tc, so_many_servers_are_too_many);
    tcase_add_test(tc, without_memory);
    return tc;
}
