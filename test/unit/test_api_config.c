/*
 * test_api_config.c - a configuration from text, from a file, from several; counted, and shared by
 * threads.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <moxdial.h>

#include "test.h"

enum { THREADS = 4, TURNS = 500 };

static const char good[] = "Transports:\n\tipv4only:\n\t\tDirect:\n\t\t\tDisableIPv6: true\n"
                           "Routes:\n\t-\n\t\tToDomain:\n\t\t\t- example.org\n"
                           "\t\tTransport: ipv4only\n";
static const char bad[] = "Transport:\n\tx:\n\t\tDirect:\n\t\t\tDisableIPv6: perhaps\n";
static const char mox_conf[] = "DataDir: data\nLogLevel: info\nHostname: mail.example.com\n"
                               "AdminPasswordFile: x\nListeners:\n\tpublic:\n\t\tIPs:\n"
                               "\t\t\t- 192.0.2.1\nPostmaster:\n\tAccount: a\n\tMailbox: b\n"
                               "Transports:\n\tfail:\n\t\tFail:\n\t\t\tSMTPCode: 451\n";

static const char *transport_of(const struct mox_config *config, const char *to)
{
    struct mox_envelope envelope = {.size = sizeof envelope, .to = to};
    struct mox_route route;
    struct mox_error err;

    ck_assert_msg(mox_route_lookup(config, &envelope, &route, &err) == MOX_OK, "%s", err.message);
    return route.transport == NULL ? "" : route.transport;
}

START_TEST(from_text_with_its_routes_indexed)
{
    struct mox_error err = {.code = 1};
    struct mox_config *config = mox_config_parse(good, strlen(good), &err);

    ck_assert_ptr_nonnull(config);
    ck_assert_int_eq(err.code, MOX_OK);
    ck_assert_str_eq(transport_of(config, "b@example.org"), "ipv4only");
    ck_assert_str_eq(transport_of(config, "b@example.net"), "");
    ck_assert_uint_eq(mox_config_summary(config)->global_routes, 1);
    mox_config_free(config);
    config = mox_config_parse(good, strlen(good), NULL);
    ck_assert_ptr_nonnull(config);
    mox_config_free(config);
    mox_config_free(NULL);
    ck_assert_ptr_null(mox_config_ref(NULL));
}
END_TEST

START_TEST(text_need_not_end_in_nul_and_may_be_none)
{
    size_t len = strlen(good);
    char *exact = malloc(len); /* a reader that goes past it is told by the sanitizer */
    struct mox_config *config;

    ck_assert_ptr_nonnull(exact);
    memcpy(exact, good, len);
    config = mox_config_parse(exact, len, NULL);
    free(exact);
    ck_assert_ptr_nonnull(config);
    mox_config_free(config);
    config = mox_config_parse(NULL, 0, NULL);
    ck_assert_ptr_nonnull(config);
    ck_assert_str_eq(transport_of(config, "b@example.org"), "");
    mox_config_free(config);
}
END_TEST

START_TEST(an_error_has_its_line)
{
    struct mox_error err;

    ck_assert_ptr_null(mox_config_parse(bad, strlen(bad), &err));
    ck_assert_int_eq(err.code, MOX_E_CONFIG);
    ck_assert_int_eq(err.line, 1);
    ck_assert_ptr_nonnull(strstr(err.message, "Transports")); /* the nearest known key */
    ck_assert_ptr_null(mox_config_parse(bad, strlen(bad), NULL));
}
END_TEST

/* A file with this text; its name is in path. */
static void write_file(char path[32], const char *text)
{
    int fd;

    snprintf(path, 32, "/tmp/moxdial-test-XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

START_TEST(from_a_file)
{
    char path[32];
    struct mox_error err;
    struct mox_config *config;

    write_file(path, good);
    config = mox_config_load(path, &err);
    ck_assert_ptr_nonnull(config);
    ck_assert_str_eq(transport_of(config, "b@example.org"), "ipv4only");
    mox_config_free(config);
    unlink(path);
    write_file(path, bad);
    ck_assert_ptr_null(mox_config_load(path, &err));
    ck_assert_ptr_nonnull(strstr(err.message, path));
    unlink(path);
    ck_assert_ptr_null(mox_config_load(path, &err));
    ck_assert_int_eq(err.code, MOX_E_OS);
    ck_assert_int_ne(err.os_errno, 0);
    ck_assert_ptr_nonnull(strstr(err.message, path));
    ck_assert_ptr_null(mox_config_load("/", &err));
    ck_assert_int_eq(err.code, MOX_E_OS);
    ck_assert_ptr_null(mox_config_load(NULL, &err));
    ck_assert_int_eq(err.code, MOX_E_INVAL);
}
END_TEST

struct told {
    int errors, warnings, lines[8];
};

static void on_problem(void *user, int is_error, const char *file, int line, const char *key,
                       const char *message)
{
    struct told *told = user;

    ck_assert_str_eq(file, "a.conf");
    ck_assert_ptr_nonnull(key);
    ck_assert_int_gt((int)strlen(message), 10);
    if (is_error && told->errors < 8)
        told->lines[told->errors++] = line;
    told->warnings += !is_error;
}

START_TEST(open_tells_every_problem)
{
    struct mox_config_source source = {"a.conf", bad, sizeof bad - 1};
    struct told told = {0};
    struct mox_config_options options = {
        .size = sizeof options, .sources = &source, .nsources = 1, .problem = on_problem};
    static const char two[] = "Nonsense: 1\nHostname: mail.example.com\nRaceDelay: soon\n";
    struct mox_error err;

    options.user = &told;
    source.text = two;
    source.len = sizeof two - 1;
    ck_assert_ptr_null(mox_config_open(&options, &err));
    ck_assert_int_eq(told.errors, 2);
    ck_assert_int_eq(told.lines[0], 1);
    ck_assert_int_eq(told.lines[1], 3);
    ck_assert_int_eq(err.line, 1); /* the first */
}
END_TEST

START_TEST(open_of_several_and_options_of_any_version)
{
    struct mox_config_source sources[] = {
        {"mox.conf", mox_conf, sizeof mox_conf - 1},
        {"domains.conf", "Domains:\n\texample.com: nil\nAccounts:\n\ta:\n\t\tDomain: example.com\n",
         0},
    };
    struct mox_config_options options = {.size = sizeof options};
    struct mox_error err;
    struct mox_config *config;

    ck_assert_ptr_null(mox_config_open(NULL, &err));
    ck_assert_int_eq(err.code, MOX_E_INVAL);
    ck_assert_ptr_null(mox_config_open(&options, &err));
    ck_assert_int_eq(err.code, MOX_E_INVAL); /* no source */
    options.sources = sources;
    options.nsources = 2;
    options.size = offsetof(struct mox_config_options, problem);
    sources[1].len = strlen(sources[1].text);
    config = mox_config_open(&options, &err);
    ck_assert_msg(config != NULL, "%s", err.message);
    ck_assert_str_eq(mox_config_summary(config)->hostname, "mail.example.com");
    ck_assert_uint_eq(mox_config_summary(config)->transports, 1);
    mox_config_free(config);
    options.size = sizeof(size_t);
    ck_assert_ptr_null(mox_config_open(&options, &err));
    ck_assert_int_eq(err.code, MOX_E_INVAL);
}
END_TEST

START_TEST(no_memory_at_any_call_leaks_nothing)
{
    bool failed = true;
    int refused = 0;

    for (long nth = 1; failed; nth++) {
        struct mox_error err;
        struct mox_config *config;

        test_fail_alloc(nth); /* libcheck allocates too: no assertion until it is off */
        config = mox_config_parse(good, strlen(good), &err);
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert(config != NULL || failed);
        ck_assert_int_eq(err.code, config == NULL ? MOX_E_NOMEM : MOX_OK);
        if (config != NULL) /* what failed was to shrink something: all is there */
            ck_assert_str_eq(transport_of(config, "b@example.org"), "ipv4only");
        refused += config == NULL;
        mox_config_free(config);
    }
    ck_assert_int_gt(refused, 5);
}
END_TEST

/* Takes and ends references of its own, while others do; the count of wrong answers. */
static void *share(void *arg)
{
    struct mox_config *config = arg;
    struct mox_envelope envelope = {.size = sizeof envelope, .to = "b@example.org"};
    intptr_t wrong = 0;

    for (int i = 0; i < TURNS; i++) {
        struct mox_config *mine = mox_config_ref(config);
        struct mox_route route;

        wrong += mine != config || mox_route_lookup(mine, &envelope, &route, NULL) != MOX_OK ||
                 route.transport == NULL || strcmp(route.transport, "ipv4only") != 0;
        mox_config_free(mine);
    }
    mox_config_free(config);
    return (void *)wrong;
}

START_TEST(the_last_of_several_threads_frees_it)
{
    struct mox_config *config = mox_config_parse(good, strlen(good), NULL);
    pthread_t threads[THREADS];
    void *wrong;

    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, share, mox_config_ref(config)), 0);
    mox_config_free(config); /* each thread has its own */
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
        ck_assert_int_eq((int)(intptr_t)wrong, 0);
    }
}
END_TEST

START_TEST(transports_and_domains_are_found)
{
    static const char text[] = "Transports:\n\trelay:\n\t\tSubmission:\n\t\t\tHost: Relay.example\n"
                               "\tno:\n\t\tFail:\n\t\t\tSMTPCode: 451\n\t\t\tSMTPMessage: later\n"
                               "\tv4:\n\t\tDirect:\n\t\t\tDisableIPv6: true\n"
                               "Domains:\n\tb\xc3\xbc"
                               "cher.example: nil\n";
    struct mox_config *config = mox_config_parse(text, strlen(text), NULL);
    struct mox_transport out;

    ck_assert_ptr_nonnull(config);
    ck_assert_int_eq(mox_config_transport(config, "relay", &out), 1);
    ck_assert_str_eq(out.host, "relay.example");
    ck_assert_int_eq(out.kind, MOX_KIND_SUBMISSION);
    ck_assert_uint_eq(out.port, 587);
    ck_assert_int_eq(out.smtp_code, 0);
    ck_assert_int_eq(mox_config_transport(config, "no", &out), 1);
    ck_assert_int_eq(out.smtp_code, 451);
    ck_assert_str_eq(out.message, "later");
    ck_assert_uint_eq(out.port, 0);
    ck_assert_int_eq(mox_config_transport(config, "v4", &out), 1);
    ck_assert_ptr_null(out.host);
    ck_assert_uint_eq(out.families, MOX_ALLOW_IPV4);
    ck_assert_int_eq(mox_config_transport(config, "V4", &out), 0);
    ck_assert_uint_eq(out.families, 0);
    ck_assert_int_eq(mox_config_transport(NULL, "v4", &out), 0);
    ck_assert_int_eq(mox_config_hosts(config, "me@xn--bcher-kva.example"), 1);
    ck_assert_int_eq(mox_config_hosts(config, "B\xc3\x9c"
                                              "CHER.example"),
                     1);
    ck_assert_int_eq(mox_config_hosts(config, "sub.xn--bcher-kva.example"), 0);
    ck_assert_int_eq(mox_config_hosts(config, "a..b"), 0);
    ck_assert_int_eq(mox_config_hosts(config, ""), 0);
    ck_assert_int_eq(mox_config_hosts(NULL, "xn--bcher-kva.example"), 0);
    mox_config_free(config);
}
END_TEST

TCase *test_api_config(void)
{
    TCase *tc = tcase_create("api/config");

    tcase_add_test(tc, from_text_with_its_routes_indexed);
    tcase_add_test(tc, text_need_not_end_in_nul_and_may_be_none);
    tcase_add_test(tc, an_error_has_its_line);
    tcase_add_test(tc, from_a_file);
    tcase_add_test(tc, transports_and_domains_are_found);
    tcase_add_test(tc, open_tells_every_problem);
    tcase_add_test(tc, open_of_several_and_options_of_any_version);
    tcase_add_test(tc, no_memory_at_any_call_leaks_nothing);
    tcase_add_test(tc, the_last_of_several_threads_frees_it);
    return tc;
}
