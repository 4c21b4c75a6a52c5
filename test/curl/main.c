/*
 * main.c - libmoxdial-curl as the fetcher of a context, against the HTTPS server of test/curl/run,
 * which says where it is by MOX_CURL_CA, MOX_CURL_PORT, MOX_CURL_PLAIN.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <moxdial.h>
#include <moxdial/curl.h>

#include "ctx/fetch.h"
#include "test/unit/test.h"

#define HOST "mta-sts.example.org"

enum { MAX_BYTES = 5000, TIMEOUT_US = 20000000, MANY = 50, US_PER_MS = 1000 };

static struct mox_curl *curl;
static struct mox_ctx *ctx;
static struct ctx_fetch fetches[MANY];
static int done;

static void on_done(struct ctx_fetch *fetch)
{
    (void)fetch;
    done++;
}

/* "127.0.0.1:PORT", of the variable. */
static const char *server_of(const char *variable)
{
    static char server[64];
    const char *port = getenv(variable);

    ck_assert_msg(port != NULL, "this program is started by test/curl/run");
    snprintf(server, sizeof server, "127.0.0.1:%s", port);
    return server;
}

static void resolve(const char *host, const char *server)
{
    ck_assert_int_eq(mox_curl_resolve(curl, host, server), MOX_OK);
}

/* A context that fetches by a curl of this configuration. */
static void open_with(const struct mox_config *config)
{
    struct mox_ctx_options options = {.size = sizeof options};
    struct mox_error err = {.code = 1};

    curl = mox_curl_open(config, &err);
    ck_assert_msg(curl != NULL, "%s", err.message);
    ck_assert_int_eq(err.code, MOX_OK);
    options.fetch = mox_curl_ops(curl);
    ctx = mox_ctx_new(&options, NULL);
    ck_assert_ptr_nonnull(ctx);
    mox_curl_attach(curl, ctx);
    resolve(HOST, server_of("MOX_CURL_PORT"));
}

static void close_all(void)
{
    test_fail_alloc(0);
    for (size_t i = 0; i < MANY; i++)
        fetch_cancel(&fetches[i]);
    mox_ctx_free(ctx);
    mox_curl_close(curl);
    ctx = NULL;
    curl = NULL;
}

static void setup(void)
{
    done = 0;
    memset(fetches, 0, sizeof fetches);
    open_with(NULL);
    ck_assert_int_eq(mox_curl_ca_file(curl, getenv("MOX_CURL_CA"), NULL), MOX_OK);
}

static void start(size_t i, const char *host, const char *path, uint64_t timeout_us)
{
    char url[256];

    snprintf(url, sizeof url, "https://%s/%s", host, path);
    fetches[i].done = on_done;
    ck_assert_int_eq(fetch_start(ctx, &fetches[i], url, MAX_BYTES, timeout_us), MOX_OK);
}

static void wait_for(int n)
{
    while (done < n)
        ck_assert_int_ge(mox_ctx_wait(ctx, 30000), 0);
}

/* The status of one fetch to its end. */
static int fetch(const char *host, const char *path)
{
    fetch_cancel(&fetches[0]);
    done = 0;
    start(0, host, path, TIMEOUT_US);
    wait_for(1);
    return fetches[0].status;
}

static const struct fetch_case {
    const char *name, *host, *path;
    int status;
    size_t len;       /* of the body */
    const char *body; /* NULL: not looked at */
} cases[] = {
    {"a policy", HOST, "ok", 200, 15, "version: STSv1\n"},
    {"as long as may be", HOST, "length/5000", 200, MAX_BYTES, NULL},
    {"a byte too long", HOST, "length/5001", MOX_E_LIMIT, 0, NULL},
    {"as long as may be, in chunks", HOST, "chunks/200/5000", 200, MAX_BYTES, NULL},
    {"a byte too long, in chunks", HOST, "chunks/200/5001", MOX_E_LIMIT, 0, NULL},
    {"far too long", HOST, "chunks/200/100000000", MOX_E_LIMIT, 0, NULL},
    {"nothing", HOST, "length/0", 200, 0, NULL},
    {"404", HOST, "status/404", 404, 0, NULL},
    {"404 with many words", HOST, "chunks/404/100000000", 404, 0, NULL},
    {"204", HOST, "status/204", 204, 0, NULL},
    {"another good status", HOST, "status/203", 203, 0, NULL},
    {"a redirect is not followed", HOST, "redirect", 301, 0, NULL},
    {"a body that ends early", HOST, "half", MOX_E_CLOSED, 0, NULL},
    {"no answer", HOST, "drop", MOX_E_CLOSED, 0, NULL},
    {"no HTTP", HOST, "garbage", MOX_E_PROTOCOL, 0, NULL},
    {"another name", "mta-sts.other.example", "ok", MOX_E_VERIFY, 0, NULL},
    {"no TLS", "mta-sts.plain.example", "ok", MOX_E_TLS, 0, NULL},
    {"nobody listens", "mta-sts.closed.example", "ok", MOX_ERRNO(ECONNREFUSED), 0, NULL},
    {"no name that can be",
     "a-label-of-over-63-bytes-a-label-of-over-63-bytes-a-label-of-over-63-bytes.example", "ok",
     MOX_E_NO_DOMAIN, 0, NULL},
    {"no URL", "a b", "ok", MOX_E_INVAL, 0, NULL},
};

/* A port that nobody listens on, for it is bound by us. */
static int occupy_port(char *server, size_t cap)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    snprintf(server, cap, "127.0.0.1:%u", ntohs(address.sin_port));
    return fd;
}

START_TEST(fetch_case)
{
    const struct fetch_case *c = &cases[_i];
    char server[64];
    int fd = occupy_port(server, sizeof server), status;
    struct slice body;

    resolve("mta-sts.closed.example", server);
    resolve("mta-sts.other.example", server_of("MOX_CURL_PORT"));
    resolve("mta-sts.plain.example", server_of("MOX_CURL_PLAIN"));
    status = fetch(c->host, c->path);
    body = buffer_slice(&fetches[0].body);
    ck_assert_msg(status == c->status, "%s: status %d", c->name, status);
    ck_assert_msg(body.len == c->len, "%s: %zu bytes", c->name, body.len);
    ck_assert_msg(c->body == NULL || slice_is(body, c->body), "%s: %.*s", c->name, (int)body.len,
                  body.ptr);
    close(fd);
}
END_TEST

START_TEST(only_https)
{
    fetches[0].done = on_done;
    fetch_start(ctx, &fetches[0], "http://" HOST "/ok", MAX_BYTES, TIMEOUT_US);
    wait_for(1);
    ck_assert_int_eq(fetches[0].status, MOX_E_PROTOCOL);
}
END_TEST

START_TEST(the_request_says_no_more_than_it_must)
{
    char text[MAX_BYTES + 1];

    ck_assert_int_eq(fetch(HOST, "request"), 200);
    slice_clean(buffer_slice(&fetches[0].body), true, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "GET /request HTTP/1.1"));
    ck_assert_ptr_nonnull(strstr(text, "Host: " HOST));
    ck_assert_ptr_nonnull(strstr(text, "User-Agent: libmoxdial/" MOX_VERSION));
    ck_assert_ptr_null(strstr(text, "Encoding")); /* what is packed small may be large */
    ck_assert_ptr_null(strstr(text, "Cookie"));
}
END_TEST

START_TEST(a_proxy_of_the_environment_is_not_used)
{
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    ck_assert_int_eq(fetch(HOST, "ok"), 200);
    unsetenv("https_proxy");
    unsetenv("ALL_PROXY");
}
END_TEST

START_TEST(the_systems_certificates_do_not_know_ours)
{
    close_all();
    open_with(NULL);
    ck_assert_int_eq(fetch(HOST, "ok"), MOX_E_VERIFY);
}
END_TEST

/* A configuration of this text, in which %s is the file of our CA. */
static int fetch_under(const char *format)
{
    char text[1024];
    struct mox_config *config;
    struct mox_error err = {0};

    snprintf(text, sizeof text, format, getenv("MOX_CURL_CA"));
    config = mox_config_parse(text, strlen(text), &err);
    ck_assert_msg(config != NULL, "%s", err.message);
    close_all();
    open_with(config);
    mox_config_free(config);
    return fetch(HOST, "ok");
}

#define MOX                                                                                        \
    "DataDir: data\nHostname: a.example\nListeners:\n\tpublic:\n\t\tIPs:\n\t\t\t- 192.0.2.1\n"

START_TEST(certificates_of_the_configuration)
{
    static const char *const good[] = {
        "CAFile: %s\n",
        MOX "TLS:\n\tCA:\n\t\tCertFiles:\n\t\t\t- %s\n",
        MOX "TLS:\n\tCA:\n\t\tAdditionalToSystem: true\n\t\tCertFiles:\n\t\t\t- %s\n",
        MOX "TLS:\n\tCA:\n\t\tCertFiles:\n\t\t\t- /dev/null\n\t\t\t- %s\n",
    };

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        ck_assert_msg(fetch_under(good[i]) == 200, "%zu", i);
    ck_assert_int_eq(fetch_under("Hostname: a.example\n"), MOX_E_VERIFY);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named)
{
    static const char *const bad[] = {
        "CAFile: /nowhere/roots.pem\n",
        MOX "TLS:\n\tCA:\n\t\tCertFiles:\n\t\t\t- /dev/null\n\t\t\t- /nowhere/roots.pem\n",
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct mox_config *config = mox_config_parse(bad[i], strlen(bad[i]), NULL);
        struct mox_error err = {0};

        ck_assert_ptr_nonnull(config);
        ck_assert_ptr_null(mox_curl_open(config, &err));
        ck_assert_int_eq(err.code, MOX_E_CONFIG);
        ck_assert_int_eq(err.os_errno, ENOENT);
        ck_assert_ptr_nonnull(strstr(err.message, "/nowhere/roots.pem"));
        ck_assert_ptr_null(mox_curl_open(config, NULL));
        mox_config_free(config);
    }
    ck_assert_int_eq(mox_curl_ca_file(curl, "/nowhere/roots.pem", NULL), MOX_E_CONFIG);
    ck_assert_int_eq(fetch(HOST, "ok"), 200); /* the former holds */
}
END_TEST

START_TEST(servers_that_are_none)
{
    static const char *const bad[] = {
        "",        "127.0.0.1", "127.0.0.1:", ":443",      "127.0.0.1:x",     "127.0.0.1:443x",
        "::1:443", "[::1]",     "[::1:443",   "a.org:443", "[127.0.0.1]:443", "127.0.0.1:443443"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(mox_curl_resolve(curl, HOST, bad[i]) == MOX_E_INVAL, "%s", bad[i]);
    ck_assert_int_eq(mox_curl_resolve(curl, "", "127.0.0.1:443"), MOX_E_INVAL);
    ck_assert_int_eq(mox_curl_resolve(curl, "a:1", "127.0.0.1:443"), MOX_E_INVAL);
    ck_assert_int_eq(mox_curl_resolve(curl, "a", "[2001:db8::1]:443"), MOX_OK);
}
END_TEST

START_TEST(the_deadline_is_libcurls_too)
{
    start(0, HOST, "silent", 200ull * US_PER_MS);
    wait_for(1);
    ck_assert_int_eq(fetches[0].status, MOX_E_TIMEOUT);
}
END_TEST

START_TEST(many_at_once)
{
    for (size_t i = 0; i < MANY; i++)
        start(i, HOST, i % 2 == 0 ? "ok" : "status/404", TIMEOUT_US);
    wait_for(MANY);
    for (size_t i = 0; i < MANY; i++)
        ck_assert_int_eq(fetches[i].status, i % 2 == 0 ? 200 : 404);
}
END_TEST

/* One of our descriptors that is connected to the server; -1: there is none. */
static int connection(void)
{
    struct sockaddr_in peer;

    for (int fd = 3; fd < 256; fd++) {
        socklen_t len = sizeof peer;

        if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 && peer.sin_family == AF_INET &&
            ntohs(peer.sin_port) == strtoul(getenv("MOX_CURL_PORT"), NULL, 10))
            return fd;
    }
    return -1;
}

START_TEST(connections_are_our_own_and_end_with_the_fetch)
{
    int fd;

    start(0, HOST, "silent", TIMEOUT_US);
    while ((fd = connection()) < 0)
        ck_assert_int_ge(mox_ctx_wait(ctx, 30000), 0);
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    fetch_cancel(&fetches[0]);
    ck_assert_int_eq(connection(), -1);
    ck_assert_int_eq(fetch(HOST, "ok"), 200);
    ck_assert_int_eq(connection(), -1);
}
END_TEST

START_TEST(a_cancel_is_silent)
{
    start(0, HOST, "silent", TIMEOUT_US);
    start(1, HOST, "after/0.1", TIMEOUT_US);
    mox_ctx_wait(ctx, 10);
    fetch_cancel(&fetches[0]);
    wait_for(1);
    ck_assert_int_eq(fetches[1].status, 200);
    ck_assert_int_eq(done, 1);
}
END_TEST

START_TEST(a_context_ends_with_fetches_in_flight)
{
    for (size_t i = 0; i < 3; i++)
        start(i, HOST, "silent", TIMEOUT_US);
    while (connection() < 0)
        ck_assert_int_ge(mox_ctx_wait(ctx, 30000), 0);
    for (size_t i = 1; i < 3; i++)
        fetch_cancel(&fetches[i]);
    memset(&fetches[0], 0, sizeof fetches[0]); /* its owner is gone without a word */
    close_all();
    ck_assert_int_eq(connection(), -1);
    ck_assert_int_eq(done, 0);
}
END_TEST

START_TEST(a_child_leaves_the_connection_alone)
{
    pid_t child;
    int status;

    start(0, HOST, "after/0.3", TIMEOUT_US);
    while (connection() < 0)
        ck_assert_int_ge(mox_ctx_wait(ctx, 30000), 0);
    child = fork();
    if (child == 0) {
        mox_ctx_free(ctx);
        mox_curl_close(curl);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    wait_for(1);
    ck_assert_int_eq(fetches[0].status, 200);
}
END_TEST

START_TEST(without_a_context_nothing_is_fetched)
{
    struct mox_curl *alone = mox_curl_open(NULL, NULL);
    const struct mox_fetch_ops *ops = mox_curl_ops(alone);

    ck_assert_int_eq(ops->fetch(ops->user, 1, "https://" HOST "/ok", 1, 1), MOX_E_STATE);
    ops->cancel(ops->user, 1);
    mox_curl_close(alone);
    mox_curl_close(NULL);
}
END_TEST

/* Each allocation of ours fails once; libcurl's own are not touched. */
START_TEST(no_memory_at_any_call)
{
    bool failed = true;

    for (long nth = 1; failed; nth++) {
        struct mox_curl *other;
        int status;

        close_all();
        setup();
        test_fail_alloc(nth);
        other = mox_curl_open(NULL, NULL);
        status = other == NULL ? MOX_E_NOMEM : mox_curl_resolve(other, "a", "192.0.2.1:443");
        if (status == MOX_OK)
            status = mox_curl_ca_file(other, "/dev/null", NULL);
        mox_curl_close(other);
        fetches[0].done = on_done;
        if (status == MOX_OK)
            status = fetch_start(ctx, &fetches[0], "https://" HOST "/ok", MAX_BYTES, TIMEOUT_US);
        while (status == MOX_OK && done == 0)
            mox_ctx_wait(ctx, 30000);
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert_msg(status == MOX_OK || failed, "%ld: %d", nth, status);
        ck_assert(status != MOX_OK || failed || fetches[0].status == 200);
        ck_assert(status != MOX_OK || fetches[0].status == 200 ||
                  fetches[0].status == MOX_E_NOMEM || fetches[0].status == MOX_E_TIMEOUT);
    }
}
END_TEST

static TCase *curl_case(void)
{
    TCase *tc = tcase_create("curl");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, close_all);
    tcase_add_loop_test(tc, fetch_case, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tc, only_https);
    tcase_add_test(tc, the_request_says_no_more_than_it_must);
    tcase_add_test(tc, a_proxy_of_the_environment_is_not_used);
    tcase_add_test(tc, the_systems_certificates_do_not_know_ours);
    tcase_add_test(tc, certificates_of_the_configuration);
    tcase_add_test(tc, a_file_that_is_not_there_is_named);
    tcase_add_test(tc, servers_that_are_none);
    tcase_add_test(tc, the_deadline_is_libcurls_too);
    tcase_add_test(tc, many_at_once);
    tcase_add_test(tc, connections_are_our_own_and_end_with_the_fetch);
    tcase_add_test(tc, a_cancel_is_silent);
    tcase_add_test(tc, a_context_ends_with_fetches_in_flight);
    tcase_add_test(tc, a_child_leaves_the_connection_alone);
    tcase_add_test(tc, without_a_context_nothing_is_fetched);
    tcase_add_test(tc, no_memory_at_any_call);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("curl");
    SRunner *runner;
    int failed;

    suite_add_tcase(suite, curl_case());
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
