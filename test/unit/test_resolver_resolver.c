/*
 * test_resolver_resolver.c - the default resolver through a context, against a name server on
 * loopback: its answers, its failures, and its silence.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <moxdial.h>

#include "base/limits.h"
#include "dns_thread.h"
#include "test.h"

enum { SHORT_MS = 150, LONG_MS = 15 * 1000, MANY = 200 };

static struct dns_thread first, second;
static struct mox_ctx *ctx;

static void open_ctx(const char *a, const char *b)
{
    const char *servers[] = {a, b};
    struct mox_ctx_options options = {
        .size = sizeof options, .dns_servers = servers, .ndns_servers = b == NULL ? 1 : 2};

    ctx = mox_ctx_new(&options, NULL);
    ck_assert_ptr_nonnull(ctx);
}

static void setup(void)
{
    dns_thread_start(&first, DNS_THREAD_ANSWERS);
    dns_thread_start(&second, DNS_THREAD_ANSWERS);
}

static void teardown(void)
{
    mox_ctx_free(ctx);
    ctx = NULL;
    dns_thread_stop(&first);
    dns_thread_stop(&second);
}

struct question {
    struct mox_envelope envelope;
    struct mox_timeouts timeouts;
    struct mox_dial_request request;
};

/* For the A record of a host alone, with a plan of its own. */
static void make(struct question *q, uint32_t dns_ms)
{
    *q = (struct question){
        .envelope = {.size = sizeof q->envelope, .to = "b@example.org"},
        .timeouts = {.size = sizeof q->timeouts, .dns = dns_ms},
        .request = {.size = sizeof q->request,
                    .envelope = &q->envelope,
                    .timeouts = &q->timeouts,
                    .server = "mx.example.org",
                    .families = MOX_ALLOW_IPV4,
                    .plan = mox_plan_new(ctx)},
    };
}

static int resolve(uint32_t dns_ms, struct mox_error *err)
{
    struct question q;
    int status;

    make(&q, dns_ms);
    status = mox_plan_resolve(ctx, &q.request, err);
    mox_plan_free(q.request.plan);
    return status;
}

START_TEST(an_answer)
{
    struct question q;
    struct mox_ip ip;

    open_ctx(first.server, NULL);
    make(&q, LONG_MS);
    ck_assert_int_eq(mox_plan_resolve(ctx, &q.request, NULL), MOX_OK);
    ck_assert_int_eq(mox_ip_parse("192.0.2.25", &ip), MOX_OK);
    ck_assert_int_eq(memcmp(&mox_plan_candidate(q.request.plan, 0)->ip, &ip, sizeof ip), 0);
    ck_assert_ptr_null(mox_plan_candidate(q.request.plan, 1));
    ck_assert_int_eq(atomic_load(&first.by_udp), 1); /* AAAA is not asked for */
    ck_assert_uint_eq(mox_ctx_stats(ctx)->dns_queries, 1);
    mox_plan_free(q.request.plan);
}
END_TEST

START_TEST(many_one_after_the_other)
{
    open_ctx(first.server, second.server);
    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(resolve(LONG_MS, NULL), MOX_OK);
    ck_assert_int_eq(atomic_load(&first.by_udp), MANY);
    ck_assert_int_eq(atomic_load(&second.by_udp), 0); /* the one that answered last is asked */
}
END_TEST

START_TEST(a_failure_has_its_extended_error)
{
    struct mox_error err;

    atomic_store(&first.mode, DNS_THREAD_FAILS);
    open_ctx(first.server, NULL);
    ck_assert_int_eq(resolve(LONG_MS, &err), MOX_E_DNS);
    ck_assert_int_eq(err.dns_rcode, 2);
    ck_assert_int_eq(err.permanent, 0);
    ck_assert_msg(strstr(err.message, DNS_THREAD_EDE_TEXT) != NULL, "%s", err.message);
    ck_assert_int_eq(atomic_load(&first.by_udp), 1);
}
END_TEST

START_TEST(after_a_failure_the_next_server_is_asked)
{
    atomic_store(&first.mode, DNS_THREAD_FAILS);
    open_ctx(first.server, second.server);
    ck_assert_int_eq(resolve(LONG_MS, NULL), MOX_OK);
    ck_assert_int_eq(atomic_load(&first.by_udp), 1);
    ck_assert_int_eq(atomic_load(&second.by_udp), 1);
    ck_assert_int_eq(resolve(LONG_MS, NULL), MOX_OK);
    ck_assert_int_eq(atomic_load(&first.by_udp), 1); /* and the next time at once */
}
END_TEST

START_TEST(all_servers_fail)
{
    struct mox_error err;

    atomic_store(&first.mode, DNS_THREAD_FAILS);
    atomic_store(&second.mode, DNS_THREAD_FAILS);
    open_ctx(first.server, second.server);
    ck_assert_int_eq(resolve(LONG_MS, &err), MOX_E_DNS);
    ck_assert_int_eq(err.dns_rcode, 2);
    ck_assert_int_eq(atomic_load(&first.by_udp) + atomic_load(&second.by_udp), 2);
}
END_TEST

START_TEST(a_cut_answer_is_asked_for_by_tcp)
{
    atomic_store(&first.mode, DNS_THREAD_CUTS);
    open_ctx(first.server, NULL);
    ck_assert_int_eq(resolve(LONG_MS, NULL), MOX_OK);
    ck_assert_int_eq(atomic_load(&first.by_udp), 1);
    ck_assert_int_eq(atomic_load(&first.by_tcp), 1);
}
END_TEST

START_TEST(a_server_without_edns_is_asked_again)
{
    atomic_store(&first.mode, DNS_THREAD_OLD);
    open_ctx(first.server, NULL);
    ck_assert_int_eq(resolve(LONG_MS, NULL), MOX_OK);
    ck_assert_int_eq(atomic_load(&first.by_udp), 2);
}
END_TEST

/* A server that nobody is: its port belongs to a socket that hears itself alone. */
static int closed_port(char *server, size_t cap)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, len), 0);
    snprintf(server, cap, "127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    return fd;
}

START_TEST(a_port_that_nobody_has)
{
    char server[32];
    struct mox_error err;
    int fd = closed_port(server, sizeof server);

    open_ctx(server, second.server);
    ck_assert_int_eq(resolve(LONG_MS, NULL), MOX_OK); /* the next one, at once */
    ck_assert_int_eq(atomic_load(&second.by_udp), 1);
    mox_ctx_free(ctx);
    open_ctx(server, NULL);
    ck_assert_int_eq(resolve(LONG_MS, &err), MOX_E_DNS); /* long before the deadline */
    ck_assert_int_eq(err.permanent, 0);
    close(fd);
}
END_TEST

START_TEST(silence_ends_with_the_deadline)
{
    struct mox_error err;

    atomic_store(&first.mode, DNS_THREAD_IS_SILENT);
    open_ctx(first.server, NULL);
    ck_assert_int_ne(resolve(SHORT_MS, &err), MOX_OK);
    ck_assert(err.code == MOX_E_DNS || err.code == MOX_E_TIMEOUT);
    ck_assert_int_eq(err.permanent, 0);
    ck_assert_int_eq(atomic_load(&first.by_udp), 1);
    ck_assert_uint_eq(mox_ctx_stats(ctx)->dns_failures, 1);
    atomic_store(&first.mode, DNS_THREAD_ANSWERS);
    ck_assert_int_eq(resolve(LONG_MS, &err), MOX_OK); /* the silent one is not in its way */
}
END_TEST

static void on_done(void *arg, int status, const struct mox_error *err)
{
    (void)status;
    (void)err;
    ++*(int *)arg;
}

/* Asks, and waits until the server has the question. */
static mox_op_id ask_slow_server(int *done)
{
    struct question q;
    mox_op_id id;

    atomic_store(&first.mode, DNS_THREAD_IS_SLOW);
    make(&q, LONG_MS);
    id = mox_plan_resolve_start(ctx, &q.request, on_done, done, NULL);
    ck_assert_uint_ne(id, 0);
    mox_plan_free(q.request.plan); /* it lives on until that ends */
    while (atomic_load(&first.by_udp) == 0)
        ck_assert_int_ge(mox_ctx_wait(ctx, 5), 0);
    return id;
}

START_TEST(an_answer_after_the_cancel_is_for_nobody)
{
    int done = 0;
    mox_op_id id;

    open_ctx(first.server, NULL);
    id = ask_slow_server(&done);
    ck_assert_int_eq(mox_op_cancel(ctx, id), MOX_OK);
    atomic_store(&first.mode, DNS_THREAD_ANSWERS);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(mox_ctx_wait(ctx, 5), 0);
    ck_assert_int_eq(done, 0);
    ck_assert_int_eq(resolve(LONG_MS, NULL), MOX_OK);
    ck_assert_int_eq(done, 0);
}
END_TEST

START_TEST(a_context_may_be_freed_while_it_waits)
{
    int done = 0;

    open_ctx(first.server, second.server);
    ask_slow_server(&done);
    mox_ctx_free(ctx);
    ctx = NULL;
    atomic_store(&first.mode, DNS_THREAD_ANSWERS);
    ck_assert_int_eq(done, 0);
}
END_TEST

/* Takes what has been sent so far; what is not limited would come in one burst. */
static int count_datagrams(int fd)
{
    char bytes[1500];
    int n = 0;

    while (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        n++;
    return n;
}

START_TEST(a_burst_stands_in_line)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_DGRAM, 0), done = 0;
    mox_op_id ids[MANY];
    char server[32];

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    snprintf(server, sizeof server, "127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    open_ctx(server, NULL);
    for (int i = 0; i < MANY; i++) {
        struct question q;

        make(&q, LONG_MS);
        ids[i] = mox_plan_resolve_start(ctx, &q.request, on_done, &done, NULL);
        ck_assert_uint_ne(ids[i], 0);
        mox_plan_free(q.request.plan);
    }
    ck_assert_int_eq(count_datagrams(fd), MOX_LIMIT_DNS_IN_FLIGHT);
    for (int i = 0; i < MANY; i += 2)
        ck_assert_int_eq(mox_op_cancel(ctx, ids[i]), MOX_OK);
    ck_assert_int_eq(count_datagrams(fd), 0); /* c-ares holds what was cancelled to its end */
    ck_assert_int_eq(done, 0);
    close(fd);
}
END_TEST

START_TEST(the_line_moves_on)
{
    int done = 0;
    mox_op_id ids[MANY];

    atomic_store(&first.mode, DNS_THREAD_IS_SLOW);
    open_ctx(first.server, NULL);
    for (int i = 0; i < MANY; i++) {
        struct question q;

        make(&q, LONG_MS);
        ids[i] = mox_plan_resolve_start(ctx, &q.request, on_done, &done, NULL);
        ck_assert_uint_ne(ids[i], 0);
        mox_plan_free(q.request.plan);
    }
    for (int i = 0; i < MANY; i += 2) /* those in flight, and those that wait */
        ck_assert_int_eq(mox_op_cancel(ctx, ids[i]), MOX_OK);
    atomic_store(&first.mode, DNS_THREAD_ANSWERS);
    while (mox_ctx_pending(ctx) > 0)
        ck_assert_int_ge(mox_ctx_wait(ctx, -1), 0);
    ck_assert_int_eq(done, MANY / 2);
    ck_assert_uint_eq(mox_ctx_stats(ctx)->dns_failures, 0);
    /* What was cancelled in the line was never asked. */
    ck_assert_int_eq(atomic_load(&first.by_udp), MANY / 2 + MOX_LIMIT_DNS_IN_FLIGHT / 2);
}
END_TEST

TCase *test_resolver_resolver(void)
{
    TCase *tc = tcase_create("resolver/resolver");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 20);
    tcase_add_test(tc, an_answer);
    tcase_add_test(tc, many_one_after_the_other);
    tcase_add_test(tc, a_failure_has_its_extended_error);
    tcase_add_test(tc, after_a_failure_the_next_server_is_asked);
    tcase_add_test(tc, all_servers_fail);
    tcase_add_test(tc, a_cut_answer_is_asked_for_by_tcp);
    tcase_add_test(tc, a_server_without_edns_is_asked_again);
    tcase_add_test(tc, a_port_that_nobody_has);
    tcase_add_test(tc, silence_ends_with_the_deadline);
    tcase_add_test(tc, an_answer_after_the_cancel_is_for_nobody);
    tcase_add_test(tc, a_context_may_be_freed_while_it_waits);
    tcase_add_test(tc, a_burst_stands_in_line);
    tcase_add_test(tc, the_line_moves_on);
    return tc;
}
