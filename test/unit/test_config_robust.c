/*
 * test_config_robust.c - broken files and failing memory: every truncation, every byte changed,
 * every allocation failing. The worked example of the routes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config_world.h"
#include "test.h"

static struct world w;

/* semantics.md section 4. */
static const char mox[] =
    "Hostname: mail.sender.example\nDataDir: data\nListeners:\n\tpublic:\n\t\tIPs:\n"
    "\t\t\t- 192.0.2.10\n\t\t\t- 2001:db8::10\n\t\tNATIPs:\n\t\t\t- 198.51.100.1\n\t\tSMTP:\n"
    "\t\t\tEnabled: true\nTLS:\n\tCA:\n\t\tCertFiles:\n\t\t\t- ca.pem\n"
    "Transports:\n\tv4:\n\t\tDirect:\n\t\t\tDisableIPv6: true\n\trelay:\n\t\tSubmission:\n"
    "\t\t\tHost: relay.example\n\t\t\tAuth:\n\t\t\t\tUsername: u\n\t\t\t\tPassword: p\n"
    "\t\t\t\tMechanisms:\n\t\t\t\t\t- PLAIN\n\treject:\n\t\tFail:\n\t\t\tSMTPCode: 550\n"
    "\tplain: nil\n\tsocks:\n\t\tSocks:\n\t\t\tAddress: a.example:1080\n\t\t\tRemoteIPs:\n"
    "\t\t\t\t- 192.0.2.20\n\t\t\tRemoteHostname: b.example\n";
static const char domains[] =
    "Domains:\n\tsender.example:\n\t\tRoutes:\n\t\t\t-\n\t\t\t\tToDomain:\n"
    "\t\t\t\t\t- other.example\n\t\t\t\tTransport: v4\n\t\t\t-\n\t\t\t\tToDomain:\n"
    "\t\t\t\t\t- example.org\n\t\t\t\tMinimumAttempts: 1\n\t\t\t\tTransport: plain\n"
    "\tb\xc3\xbc"
    "cher.example:\n\t\tRoutes:\n\t\t\t-\n\t\t\t\tTransport: relay\n"
    "Accounts:\n\talice:\n\t\tDomain: sender.example\n\t\tRoutes:\n\t\t\t-\n\t\t\t\tToDomain:\n"
    "\t\t\t\t\t- .example.org\n\t\t\t\tMinimumAttempts: 3\n\t\t\t\tTransport: relay\n"
    "\tbob:\n\t\tDomain: sender.example\n"
    "Routes:\n\t-\n\t\tFromDomain:\n\t\t\t- .\n\t\tTransport: v4\n\t-\n\t\tToDomain:\n\t\t\t- .\n"
    "\t\tTransport: reject\n\t-\n\t\tToDomain:\n\t\t\t- .example.org\n\t\tTransport: v4\n\t-\n"
    "\t\tFromDomain:\n\t\t\t- sub.sender.example\n\t\tToDomain:\n\t\t\t- B\xc3\x9c"
    "CHER.example\n"
    "\t\tTransport: relay\n\t-\n\t\tMinimumAttempts: 5\n\t\tTransport: relay\n";
static const char own[] =
    "LocalIPs:\n\t- 192.0.2.1\nSPFIPMap:\n\t10.0.0.0/8: 198.51.100.1\nCAFile: x\nStore: sqlite:x\n"
    "Timeouts:\n\tDNS: 1s\nRoutes:\n\t-\n\t\tToMX:\n\t\t\t- .a.example\n\t\tHours:\n"
    "\t\t\t- Mon 08:00-09:00\n\t\tPercent: 5\n\t\tTransport: x\nTransports:\n\tx:\n\t\tDirect:\n"
    "\t\t\tLocalIPs:\n\t\t\t\t- 192.0.2.2\n\t\t\tEHLOHostname: a.example\n";

START_TEST(worked_example)
{
    struct mox_config *config = world_build_two(&w, mox, domains);

    if (w.n > 0)
        world_print(&w);
    ck_assert_ptr_nonnull(config);
    ck_assert_uint_eq(config->info.account_routes, 1);
    ck_assert_uint_eq(config->info.domain_routes, 3);
    ck_assert_uint_eq(config->info.global_routes, 5);
    ck_assert_uint_eq(config->nlists, 4);
    ck_assert_str_eq(config->lists[0].name, "alice");
    ck_assert_str_eq(config->lists[1].name, "sender.example");
    ck_assert_str_eq(config->lists[2].name, "xn--bcher-kva.example");
    ck_assert_str_eq(config->lists[2].shown, "b\xc3\xbc"
                                             "cher.example");
    ck_assert_ptr_null(config->lists[3].name);
    ck_assert_uint_eq(config->lists[3].count, 5);
    ck_assert_str_eq(config->lists[3].file, "domains.conf");
    ck_assert_int_eq((int)config->routes[config->lists[3].first].line, 29);
    config_release(config);
}
END_TEST

static void build_part(const char *text, size_t len)
{
    char *exact = malloc(len == 0 ? 1 : len); /* so that a sanitizer sees a byte too many */
    struct mox_config_source source = {"t.conf", exact, len};
    struct mox_config *config;

    ck_assert_ptr_nonnull(exact);
    memcpy(exact, text, len);
    config = world_build_sources(&w, &source, 1);
    ck_assert((config == NULL) == (w.errors > 0));
    ck_assert((config == NULL) == (w.err.code != MOX_OK));
    config_release(config);
    free(exact);
}

static const struct {
    const char *text;
    size_t len;
} files[] = {{mox, sizeof mox - 1}, {domains, sizeof domains - 1}, {own, sizeof own - 1}};

START_TEST(truncated)
{
    for (size_t len = 0; len <= files[_i].len; len++)
        build_part(files[_i].text, len);
}
END_TEST

START_TEST(changed)
{
    static const char bytes[] = {'\0', '\t', '\n', ' ', '-', ':', '#', '\r', '\xff', 'x'};
    char *copy = malloc(files[_i].len);

    ck_assert_ptr_nonnull(copy);
    for (size_t at = 0; at < files[_i].len; at++) {
        memcpy(copy, files[_i].text, files[_i].len);
        for (size_t i = 0; i < ARRAY_LEN(bytes); i++) {
            copy[at] = bytes[i];
            build_part(copy, files[_i].len);
        }
    }
    free(copy);
}
END_TEST

/* Twice as many entries as fit the first tables, so that each of them grows. */
static void write_many(struct text *t)
{
    text_add(t, "%sDomains:\n", own);
    for (int i = 0; i < 40; i++)
        text_add(t,
                 "\td%d.b\xc3\xbc"
                 "cher.example:\n\t\tRoutes:\n\t\t\t-\n\t\t\t\tTransport: x\n",
                 i);
}

START_TEST(no_memory)
{
    static char text[8192];
    struct text t = text_to(text, sizeof text);
    bool failed;
    long n = 0;

    write_many(&t);
    do {
        struct mox_config *config;

        test_fail_alloc(++n);
        config = _i == 0 ? world_build_two(&w, mox, domains) : world_build(&w, text);
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert_msg((config == NULL) == (w.err.code != MOX_OK), "call %ld", n);
        ck_assert_msg(config != NULL || failed, "call %ld", n);
        if (config == NULL)
            ck_assert_msg(w.err.code == MOX_E_NOMEM && w.err.stage == MOX_STAGE_CONFIG, "call %ld",
                          n);
        config_release(config);
    } while (failed);
    ck_assert_int_gt(n, 20);
}
END_TEST

START_TEST(no_memory_for_problems)
{
    bool failed;
    long n = 0;

    do {
        struct mox_config *config;

        test_fail_alloc(++n);
        config = world_build(&w, "Zebra: x\nRaceDelay: 1h\nRoutes:\n\t-\n\t\tFoo: x\n");
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert_ptr_null(config);
        ck_assert_int_eq(w.err.code, failed ? MOX_E_NOMEM : MOX_E_CONFIG);
    } while (failed);
}
END_TEST

TCase *test_config_robust(void)
{
    TCase *tc = tcase_create("config_robust");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, worked_example);
    tcase_add_loop_test(tc, truncated, 0, (int)ARRAY_LEN(files));
    tcase_add_loop_test(tc, changed, 0, (int)ARRAY_LEN(files));
    tcase_add_loop_test(tc, no_memory, 0, 2);
    tcase_add_test(tc, no_memory_for_problems);
    return tc;
}
