/*
 * test_config_files.c - which file is which, what crosses files, source addresses, files on disk,
 * limits.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "config_world.h"
#include "test.h"

static struct world w;

#define MOX "Hostname: a.example\nListeners:\n\tl:\n\t\tIPs:\n\t\t\t- 0.0.0.0\n"
#define TRANSPORTS "Transports:\n\tx: nil\n"
#define DOMAINS "Domains:\n\ta.example: nil\nAccounts:\n\tbob: nil\n"
#define ROUTE(name) "Routes:\n\t-\n\t\tTransport: " name "\n"

START_TEST(two_files_in_any_order)
{
    struct mox_config *config = world_build_two(&w, MOX TRANSPORTS, DOMAINS ROUTE("x"));

    ck_assert_uint_eq(w.n, 0);
    ck_assert_ptr_nonnull(config);
    ck_assert_uint_eq(config->info.global_routes, 1);
    config_release(config);
    config = world_build_two(&w, DOMAINS ROUTE("x"), MOX TRANSPORTS);
    ck_assert_uint_eq(w.n, 0);
    ck_assert_ptr_nonnull(config);
    ck_assert(config_hosts_domain(config, slice_of("a.example")));
    ck_assert(!config_hosts_domain(config, slice_of("b.example")));
    config_release(config);
}
END_TEST

START_TEST(hosted_domains)
{
    struct mox_config *config =
        world_build(&w, "Domains:\n\tz.example: nil\n\tm.example: nil\n\tb\xc3\xbc"
                        "cher.example: nil\n"
                        "\ta.example: nil\n");

    ck_assert_ptr_nonnull(config);
    ck_assert(config_hosts_domain(config, slice_of("a.example")));
    ck_assert(config_hosts_domain(config, slice_of("m.example")));
    ck_assert(config_hosts_domain(config, slice_of("xn--bcher-kva.example")));
    ck_assert(config_hosts_domain(config, slice_of("z.example")));
    ck_assert(!config_hosts_domain(config, slice_of("example")));
    ck_assert(!config_hosts_domain(config, slice_of("z.exampl")));
    ck_assert(!config_hosts_domain(config, slice_of("z.example.org")));
    config_release(config);
}
END_TEST

START_TEST(crossing_faults_in_order)
{
    ck_assert_ptr_null(
        world_build_two(&w, DOMAINS ROUTE("y") "Zebra: 1\n", MOX TRANSPORTS "Y: 1\n"));
    ck_assert_uint_eq(w.n, 3);
    ck_assert_str_eq(w.problems[0].file, "mox.conf");
    ck_assert_int_eq(w.problems[0].line, 7);
    ck_assert_str_eq(w.problems[0].key, "Routes[0].Transport");
    ck_assert_int_eq(w.problems[1].line, 8);
    ck_assert_str_eq(w.problems[2].file, "domains.conf");
}
END_TEST

static const struct {
    const char *name, *first, *second, *words; /* words of the error about the second file */
} pairs[] = {
    {"two stand-alone", TRANSPORTS, TRANSPORTS, "a second moxdial.conf"},
    {"two mox.conf", MOX, MOX, "a second mox.conf"},
    {"two domains.conf", DOMAINS, DOMAINS, "a second domains.conf"},
    {"stand-alone beside mox.conf", MOX, TRANSPORTS, "moxdial.conf beside a file of mox"},
    {"mox.conf beside stand-alone", TRANSPORTS, MOX, "moxdial.conf beside a file of mox"},
};

START_TEST(config_wrong_pair)
{
    ck_assert_ptr_null(world_build_two(&w, pairs[_i].first, pairs[_i].second));
    ck_assert_uint_eq(w.n, 1);
    ck_assert_ptr_nonnull(world_find(&w, 0, "", pairs[_i].words));
    ck_assert_str_eq(w.problems[0].file, "domains.conf");
    ck_assert_int_eq(w.err.code, MOX_E_CONFIG);
}
END_TEST

static const struct {
    const char *name, *text, *key, *cure;
} misplaced[] = {
    {"our key in mox.conf", MOX "RaceDelay: 1s\n", "RaceDelay", "a stand-alone moxdial.conf"},
    {"our key of a transport in mox.conf",
     MOX "Transports:\n\tx:\n\t\tDirect:\n\t\t\tPrefer: ipv4\n", "Transports.x.Direct.Prefer",
     "a stand-alone moxdial.conf"},
    {"routes in mox.conf", MOX "Routes:\n\t-\n\t\tTransport: x\n", "Routes", "domains.conf"},
    {"our key of a route in domains.conf",
     DOMAINS "Routes:\n\t-\n\t\tPercent: 5\n\t\tTransport: x\n", "Routes[0].Percent",
     "a stand-alone moxdial.conf"},
    {"listeners' neighbour in moxdial.conf", TRANSPORTS "Pedantic: true\n", "Pedantic", "mox.conf"},
    {"an account's key in moxdial.conf", "Accounts:\n\ta:\n\t\tFullName: x\n",
     "Accounts.a.FullName", "domains.conf"},
};

START_TEST(misplaced_key)
{
    world_build(&w, misplaced[_i].text);
    if (w.n < 1 || strcmp(w.problems[0].key, misplaced[_i].key) != 0)
        world_print(&w);
    ck_assert_uint_ge(w.n, 1);
    ck_assert_str_eq(w.problems[0].key, misplaced[_i].key);
    ck_assert_ptr_nonnull(strstr(w.problems[0].message, "belongs in"));
    ck_assert_ptr_nonnull(strstr(w.problems[0].message, misplaced[_i].cure));
}
END_TEST

START_TEST(mechanisms_of_mox_alone)
{
    ck_assert_ptr_null(world_build(
        &w,
        MOX "Transports:\n\tx:\n\t\tSMTP:\n\t\t\tHost: a.example\n\t\t\tAuth:\n"
            "\t\t\t\tUsername: u\n\t\t\t\tPassword: p\n\t\t\t\tMechanisms:\n\t\t\t\t\t- LOGIN\n"));
    ck_assert_ptr_nonnull(world_find(&w, 14, NULL, "unknown authentication mechanism \"LOGIN\""));
}
END_TEST

START_TEST(junk_parameters_beside_params)
{
    struct mox_config *config = world_build(
        &w, "Domains:\n\ta.example: nil\nAccounts:\n\tb:\n\t\tJunkFilter:\n"
            "\t\t\tThreshold: x\n\t\t\tTopWords: 3\n\t\t\tParams:\n\t\t\t\tTopWords: 3\n");

    ck_assert_uint_eq(w.n, 0);
    config_release(config);
}
END_TEST

/* The table of semantics.md 6.2. Listeners: '+' with SMTP, '-' without; addresses follow. */
static const struct {
    const char *name, *listeners, *v4, *v6;
    size_t own;
} sources[] = {
    {"one of each on one", "+192.0.2.10 2001:db8::10", "192.0.2.10", "2001:db8::10", 2},
    {"one of each on two", "+192.0.2.10 +2001:db8::10", "192.0.2.10", "2001:db8::10", 2},
    {"one without SMTP", "+192.0.2.10 -127.0.0.1", "192.0.2.10", NULL, 1},
    {"two of a family", "+192.0.2.10 192.0.2.11 2001:db8::10", NULL, NULL, 3},
    {"the same twice", "+192.0.2.10 +192.0.2.10 2001:db8::10", NULL, NULL, 3},
    {"unspecified", "+0.0.0.0 +2001:db8::10", NULL, NULL, 1},
    {"no SMTP", "-192.0.2.10", NULL, NULL, 0},
};

static void add_listeners(struct text *t, const char *spec)
{
    char address[64];
    int n = 0, used;

    text_add(t, "Hostname: a.example\nListeners:\n");
    while (sscanf(spec, " %63s%n", address, &used) == 1) {
        bool begins = address[0] == '+' || address[0] == '-';

        if (begins)
            text_add(t, "\tl%d:\n\t\tSMTP:\n\t\t\tEnabled: %s\n\t\tIPs:\n", n++,
                     address[0] == '+' ? "true" : "false");
        text_add(t, "\t\t\t- %s\n", address + (begins ? 1 : 0));
        spec += used;
    }
}

static void check_source(const struct mox_config *config, int family, const char *expected)
{
    char text[64] = "";

    for (size_t i = 0; i < config->nsources; i++) {
        if (config->sources[i].family == family)
            mox_ip_format(&config->sources[i], text, sizeof text);
    }
    ck_assert_str_eq(text, expected == NULL ? "" : expected);
}

START_TEST(source_addresses)
{
    char buf[1000];
    struct text t = text_to(buf, sizeof buf);
    struct mox_config *config;

    add_listeners(&t, sources[_i].listeners);
    config = world_build(&w, buf);
    if (config == NULL)
        world_print(&w);
    ck_assert_ptr_nonnull(config);
    check_source(config, MOX_IPV4, sources[_i].v4);
    check_source(config, MOX_IPV6, sources[_i].v6);
    ck_assert_uint_eq(config->nown, sources[_i].own);
    config_release(config);
}
END_TEST

START_TEST(sources_of_a_stand_alone_file)
{
    struct mox_config *config = world_build(
        &w,
        "LocalIPs:\n\t- 192.0.2.1\n\t- 192.0.2.2\n\t- 2001:db8::1\nNATIPs:\n\t- 198.51.100.1\n");

    ck_assert_ptr_nonnull(config);
    check_source(config, MOX_IPV4, "192.0.2.1");
    check_source(config, MOX_IPV6, "2001:db8::1");
    ck_assert_uint_eq(config->nown, 4);
    config_release(config);
}
END_TEST

static char folder[] = "/tmp/moxdial-config-XXXXXX";

static const char *write_file(const char *name, const char *text)
{
    static char path[200];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
    return path;
}

static struct mox_config *load(const char *path)
{
    struct mox_config_source source = {path, NULL, 0};

    return world_build_sources(&w, &source, 1);
}

START_TEST(ca_files)
{
    char path[200];
    struct mox_config *config;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s", write_file("t.conf", "CAFile: ca.pem\n"));
    ck_assert_ptr_null(load(path));
    ck_assert_ptr_nonnull(world_find(&w, 1, "CAFile", "reading TLS CA cert file: "));
    ck_assert_ptr_nonnull(strstr(w.problems[0].message, "ca.pem"));
    write_file("ca.pem", "-----BEGIN\n-----BEGIN CERTIFICATE----\n");
    ck_assert_ptr_null(load(path));
    ck_assert_ptr_nonnull(world_find(&w, 1, "CAFile", "no CA certs added from"));
    write_file("ca.pem", "x\n-------BEGIN CERTIFICATE-----\n");
    config = load(path);
    ck_assert_ptr_nonnull(config);
    ck_assert_str_eq(strrchr(config->info.ca_files[0], '/'), "/ca.pem");
    ck_assert(strncmp(config->info.ca_files[0], folder, strlen(folder)) == 0);
    config_release(config);
    unlink(write_file("ca.pem", ""));
    unlink(path);
    rmdir(folder);
}
END_TEST

START_TEST(ca_in_text_is_not_opened)
{
    struct mox_config *config = world_build(
        &w, MOX "TLS:\n\tCA:\n\t\tAdditionalToSystem: true\n\t\tCertFiles:\n\t\t\t- /nowhere/a\n"
                "\t\t\t- b\n");

    ck_assert_ptr_nonnull(config);
    ck_assert_str_eq(config->info.ca_files[0], "/nowhere/a");
    ck_assert_str_eq(config->info.ca_files[1], "b");
    ck_assert_ptr_null(config->info.ca_files[2]);
    ck_assert_int_eq(config->info.ca_system, 1);
    config_release(config);
}
END_TEST

/* A path of SQLite is a file's; what Redis has is none, and an address none at all. */
START_TEST(store_beside_its_file)
{
    static const struct {
        const char *file, *text, *store;
    } cases[] = {
        {"/etc/moxdial/a.conf", "Store: sqlite:state.db\n", "sqlite:/etc/moxdial/state.db"},
        {"/etc/moxdial/a.conf", "Store: sqlite:/var/state\n", "sqlite:/var/state"},
        {"a.conf", "Store: sqlite:state.db\n", "sqlite:state.db"},
        {"conf/a.conf", "Store: sqlite:b/state:db\n", "sqlite:conf/b/state:db"},
        {"conf/a.conf", "Store: redis:/run/redis.sock\n", "redis:/run/redis.sock"},
        {"conf/a.conf", "Store: redis:localhost:6379\n", "redis:localhost:6379"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mox_config_source source = {cases[i].file, cases[i].text, strlen(cases[i].text)};
        struct mox_config *config = world_build_sources(&w, &source, 1);

        ck_assert_ptr_nonnull(config);
        ck_assert_str_eq(config->info.store, cases[i].store);
        config_release(config);
    }
}
END_TEST

START_TEST(unreadable_file)
{
    ck_assert_ptr_null(load("/nowhere/x.conf"));
    ck_assert_int_eq(w.err.code, MOX_E_OS);
    ck_assert_int_eq(w.err.os_errno, ENOENT);
    ck_assert_int_eq(w.err.stage, MOX_STAGE_CONFIG);
    ck_assert_str_eq(w.err.host, "/nowhere/x.conf");
    ck_assert(strncmp(w.err.message, "/nowhere/x.conf: cannot open", 28) == 0);
    ck_assert_uint_eq(w.n, 1);
}
END_TEST

START_TEST(limits)
{
    size_t len = (size_t)MOX_LIMIT_CONFIG + 1;
    char *text = calloc(len, 1);
    struct mox_config_source source = {"t.conf", text, len};

    ck_assert_ptr_nonnull(text);
    memset(text, 'x', len);
    ck_assert_ptr_null(world_build_sources(&w, &source, 1));
    ck_assert_int_eq(w.err.code, MOX_E_LIMIT);
    ck_assert_ptr_nonnull(strstr(w.err.message, "MOX_LIMIT_CONFIG"));
    source.len = 10 << 20;
    ck_assert_ptr_null(world_build_sources(&w, &source, 1));
    ck_assert_int_eq(w.err.code, MOX_E_LIMIT);
    ck_assert_ptr_nonnull(strstr(w.err.message, "MOX_LIMIT_CONFIG_LINE"));
    ck_assert_int_eq(w.err.line, 1);
    ck_assert_uint_eq(w.n, 1);
    source.len = 0;
    config_release(world_build_sources(&w, &source, 1));
    ck_assert_uint_eq(w.n, 0);
    free(text);
}
END_TEST

START_TEST(many_problems)
{
    static char text[40000];
    struct text t = text_to(text, sizeof text);

    for (int i = 0; i < 1500; i++)
        text_add(&t, "Zebra%d: x\n", i);
    ck_assert_ptr_null(world_build(&w, text));
    ck_assert_uint_eq(w.n, MOX_LIMIT_CONFIG_PROBLEMS + 1);
    ck_assert_ptr_nonnull(strstr(w.problems[w.n - 1].message, "500 more errors"));
}
END_TEST

START_TEST(no_source)
{
    struct mox_config_source source = {0};

    ck_assert_ptr_null(world_build_sources(&w, NULL, 0));
    ck_assert_int_eq(w.err.code, MOX_E_INVAL);
    ck_assert_ptr_null(world_build_sources(&w, &source, 1));
    ck_assert_int_eq(w.err.code, MOX_E_INVAL);
}
END_TEST

START_TEST(references)
{
    struct mox_config *config = world_build(&w, "");

    ck_assert_ptr_eq(mox_config_ref(config), config);
    config_release(config);
    ck_assert_uint_eq(mox_config_summary(config)->transports, 0);
    config_release(config);
    config_release(NULL);
}
END_TEST

TCase *test_config_files(void)
{
    TCase *tc = tcase_create("config_files");

    tcase_add_test(tc, two_files_in_any_order);
    tcase_add_test(tc, hosted_domains);
    tcase_add_test(tc, crossing_faults_in_order);
    tcase_add_loop_test(tc, config_wrong_pair, 0, (int)ARRAY_LEN(pairs));
    tcase_add_loop_test(tc, misplaced_key, 0, (int)ARRAY_LEN(misplaced));
    tcase_add_test(tc, mechanisms_of_mox_alone);
    tcase_add_test(tc, junk_parameters_beside_params);
    tcase_add_loop_test(tc, source_addresses, 0, (int)ARRAY_LEN(sources));
    tcase_add_test(tc, sources_of_a_stand_alone_file);
    tcase_add_test(tc, ca_files);
    tcase_add_test(tc, ca_in_text_is_not_opened);
    tcase_add_test(tc, store_beside_its_file);
    tcase_add_test(tc, unreadable_file);
    tcase_add_test(tc, limits);
    tcase_add_test(tc, many_problems);
    tcase_add_test(tc, no_source);
    tcase_add_test(tc, references);
    return tc;
}
