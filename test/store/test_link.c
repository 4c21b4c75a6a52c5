/*
 * test_link.c - libmoxdial-redis: servers that are none, are silent, go and come back.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <moxdial/redis.h>

#include "base/limits.h"
#include "cases.h"
#include "wire_world.h"

static const char *const nonsense[] = {"HTTP/1.1 400 Bad Request\r\n", "*9999999999\r\n", "$-7\r\n",
                                       ":12a\r\n", "\r\n"};

START_TEST(what_is_no_redis_is_left_alone_for_a_while)
{
    ck_assert_int_eq(wire_start(0, ASK_GET), MOX_OK);
    ck_assert_int_eq(wire_start(1, ASK_PUT), MOX_OK);
    wire_request();
    wire_reply(nonsense[_i]);
    ck_assert_int_eq(wire.done, 2);
    ck_assert_int_eq(wire.ops[0].status, MOX_E_STORE);
    ck_assert_int_eq(wire.ops[1].status, MOX_E_STORE);
    ck_assert_msg(strstr(wire_problem(), "no Redis is there: ") != NULL, "%s", wire_problem());
}
END_TEST

/* How long the server is left alone: whether an op at that time opens a connection. */
static bool tries_again(int64_t after_us)
{
    wire.now_us += after_us;
    wire_turn();
    wire_close_server();
    ck_assert_int_eq(wire_start(0, ASK_GET), MOX_OK);
    wire_turn();
    if (wire.server >= 0)
        wire_request();
    return wire.server >= 0;
}

START_TEST(the_rest_grows_and_ends)
{
    static const int64_t rests_us[] = {100000,  200000,  400000,  800000,
                                       1600000, 3200000, 5000000, 5000000};

    for (size_t i = 0; i < ARRAY_LEN(rests_us); i++) {
        ck_assert_msg(tries_again(0), "%zu", i); /* and it ends without a word: */
        wire.done = 0;
        wire_close_server();
        wire_turn();
        ck_assert_int_eq(wire.done, 1);
        ck_assert_int_eq(wire.ops[0].status, MOX_E_STORE);
        ck_assert_ptr_nonnull(strstr(wire_problem(), "closed the connection"));
        ck_assert_msg(!tries_again(rests_us[i] - 1), "%zu", i);
        ck_assert_int_eq(wire.ops[0].status, MOX_E_STORE); /* at once */
        wire.now_us += 1;
        wire_turn();
    }
    wire_greet(); /* which ends it */
    wire_close_server();
    wire_turn();
    ck_assert(tries_again(0));
    wire_close_server();
    wire_turn();
    ck_assert(!tries_again(99999));
    ck_assert(tries_again(1));
}
END_TEST

START_TEST(a_server_that_goes_is_asked_again_at_once)
{
    wire_greet();
    ck_assert_int_eq(wire_start(0, ASK_GET), MOX_OK);
    ck_assert_int_eq(wire_start(1, ASK_ADD), MOX_OK);
    wire_request();
    wire.done = 0;
    wire_close_server();
    wire_turn();
    ck_assert_int_eq(wire.done, 2); /* no deadline has passed */
    ck_assert_int_eq(wire.ops[0].status, MOX_E_STORE);
    ck_assert_int_eq(wire.ops[1].status, MOX_E_STORE);
    wire_greet();
}
END_TEST

START_TEST(one_that_went_while_nothing_was_asked_costs_nothing)
{
    wire_greet();
    wire_close_server();
    wire_turn();
    wire_greet();
}
END_TEST

START_TEST(nobody_listens)
{
    close(wire.listener);
    unlink(store_file("link"));
    ck_assert_int_eq(wire_start(0, ASK_GET), MOX_OK);
    wire_turn();
    ck_assert_int_eq(wire.done, 1);
    ck_assert_int_eq(wire.ops[0].status, MOX_E_STORE);
    ck_assert_ptr_nonnull(strstr(wire_problem(), "cannot be reached: No such file"));
    ck_assert_int_eq(wire_start(0, ASK_GET), MOX_OK);
    wire_turn();
    ck_assert_int_eq(wire.ops[0].status, MOX_E_STORE);
    wire_listen();
    wire.now_us += 100000;
    wire_turn();
    wire_greet();
}
END_TEST

START_TEST(silence_ends_what_waits)
{
    wire_greet();
    wire.done = 0;
    ck_assert_int_eq(wire_start(0, ASK_GET), MOX_OK);
    wire_request();
    wire.now_us += 2LL * US_PER_S - 1;
    wire_turn();
    ck_assert_int_eq(wire.done, 0);
    wire.now_us += 1;
    wire_turn();
    ck_assert_int_eq(wire.done, 1);
    ck_assert_int_eq(wire.ops[0].status, MOX_E_STORE);
    ck_assert_ptr_nonnull(strstr(wire_problem(), "no answer for 2 seconds"));
    ck_assert(!tries_again(99999)); /* it rests */
    ck_assert(tries_again(1));
}
END_TEST

START_TEST(what_comes_meanwhile_is_no_silence)
{
    ck_assert_int_eq(wire_start(0, ASK_GET), MOX_OK);
    wire_request();
    wire_reply("$4\r\n");
    for (int i = 0; i < 4; i++) {
        wire.now_us += 2LL * US_PER_S - 1;
        ck_assert_int_eq(send(wire.server, "v", 1, MSG_NOSIGNAL), 1);
        wire_turn();
    }
    ck_assert_int_eq(wire.done, 0);
    wire_reply("\r\n");
    ck_assert_int_eq(wire.ops[0].status, MOX_OK);
    wire.now_us += 10LL * US_PER_S; /* nothing is due: no silence either */
    wire_turn();
    ck_assert_int_eq(wire_start(0, ASK_GET), MOX_OK);
    ck_assert_str_ne(wire_request(), "");
}
END_TEST

START_TEST(the_contexts_deadline_comes_first)
{
    wire_greet();
    wire.done = 0;
    wire.ops[0] = (struct ctx_store_op){.done = wire_done};
    ck_assert_int_eq(store_get(wire.store.ctx, &wire.ops[0], "k", US_PER_S), MOX_OK);
    wire_request();
    wire.now_us += US_PER_S;
    wire_turn();
    ck_assert_int_eq(wire.done, 1);
    ck_assert_int_eq(wire.ops[0].status, MOX_E_TIMEOUT);
    wire_reply("$4\r\nlate\r\n");
    ck_assert_int_eq(wire.done, 1);
    wire_greet(); /* its own answer, not that */
}
END_TEST

START_TEST(an_endless_reply_meets_the_limit)
{
    static char piece[64 << 10];
    size_t sent = 0;

    ck_assert_int_eq(wire_start(0, ASK_GET), MOX_OK);
    wire_request();
    wire_reply("$100000000\r\n");
    while (wire.done == 0 && sent < 20u << 20) {
        ssize_t n = send(wire.server, piece, sizeof piece, MSG_NOSIGNAL | MSG_DONTWAIT);

        sent += n > 0 ? (size_t)n : 0;
        wire_turn();
    }
    ck_assert_int_eq(wire.done, 1);
    ck_assert_int_eq(wire.ops[0].status, MOX_E_STORE);
    ck_assert_ptr_nonnull(strstr(wire_problem(), "a reply of over 8388608 bytes"));
    ck_assert_uint_lt(sent, 9u << 20);
}
END_TEST

START_TEST(the_limit_is_of_one_reply)
{
    static char text[128 << 10];

    memset(text, 'v', sizeof text);
    for (int i = 0; i < 80; i++) {
        char head[32];

        wire.done = 0;
        ck_assert_int_eq(wire_start(0, ASK_GET), MOX_OK);
        wire_request();
        snprintf(head, sizeof head, "$%zu\r\n", sizeof text);
        wire_reply(head);
        for (size_t at = 0; at < sizeof text;) {
            ssize_t n = send(wire.server, text + at, sizeof text - at, MSG_NOSIGNAL | MSG_DONTWAIT);

            at += n > 0 ? (size_t)n : 0;
            wire_turn();
        }
        wire_reply("\r\n");
        ck_assert_int_eq(wire.done, 1);
        ck_assert_int_eq(wire.ops[0].status, MOX_OK);
    }
}
END_TEST

START_TEST(a_reply_too_many_ends_the_connection)
{
    wire_greet();
    wire_reply("$1\r\nx\r\n");
    ck_assert_ptr_nonnull(strstr(wire_problem(), "not asked"));
    wire_close_server();
    wire_greet();
}
END_TEST

START_TEST(what_waits_is_bounded)
{
    static char value[MOX_LIMIT_STORE_VALUE];
    const struct mox_store_ops *table = wire.store.ops;
    int n = 0, status = MOX_OK;

    while (status == MOX_OK && n < 2000)
        status = table->get(table->user, (uint64_t)++n + 1000000, "k");
    ck_assert_int_eq(status, MOX_E_LIMIT);
    ck_assert_int_eq(n, 1025);
    wire_teardown();
    wire_setup();
    table = wire.store.ops;
    for (n = 0, status = MOX_OK; status == MOX_OK && n < 200; n++)
        status = table->put(table->user, (uint64_t)n + 1000000, "k", value, sizeof value, 0);
    ck_assert_int_eq(status, MOX_E_LIMIT);
    ck_assert_int_gt(n, 16);
    ck_assert_int_lt(n, 64);
}
END_TEST

/* An add is four commands, of which the first alone would have room. */
START_TEST(what_has_no_room_is_not_sent_in_part)
{
    static char value[MOX_LIMIT_STORE_VALUE], sent[5 << 20];
    const struct mox_store_ops *table = wire.store.ops;
    const size_t most = 4 << 20, left = 20,
                 around = strlen("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$131072\r\n\r\n");
    size_t used = 0, len = 0, n = sizeof value;
    ssize_t got = 1;

    while (n == sizeof value) { /* all of these have six digits */
        if (most - left - used < 2 * (sizeof value + around))
            n = (most - left - used) / 2 - around;
        ck_assert_int_eq(table->put(table->user, 1000000, "k", value, n, 0), MOX_OK);
        used += n + around;
    }
    n = most - left - used - around;
    ck_assert_int_eq(table->put(table->user, 1000000, "k", value, n, 0), MOX_OK);
    ck_assert_int_eq(table->add(table->user, 1000001, "k", 1, 0), MOX_E_LIMIT);
    while (got > 0) {
        wire_turn();
        got = recv(wire.server, sent + len, sizeof sent - len, MSG_DONTWAIT);
        len += got > 0 ? (size_t)got : 0;
    }
    ck_assert_uint_eq(len, most - left);
}
END_TEST

/* One of our descriptors that is connected to the listener; -1: there is none. */
static int connection(void)
{
    for (int fd = 3; fd < 256; fd++) {
        struct sockaddr_un peer = {.sun_family = AF_UNSPEC};
        socklen_t len = sizeof peer;

        if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 && peer.sun_family == AF_UNIX &&
            len > sizeof(sa_family_t) && strcmp(peer.sun_path, store_file("link")) == 0)
            return fd;
    }
    return -1;
}

START_TEST(the_connection_is_our_own)
{
    ck_assert_int_eq(connection(), -1); /* it connects later */
    wire_greet();
    ck_assert_int_ge(connection(), 0);
    ck_assert_int_ne(fcntl(connection(), F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_ne(fcntl(connection(), F_GETFL) & O_NONBLOCK, 0);
    store_cancel(&wire.ops[3]);
    store_world_close(&wire.store);
    ck_assert_int_eq(connection(), -1);
}
END_TEST

START_TEST(the_loop_forgets_a_connection_that_ended)
{
    int fd;

    wire_greet();
    fd = connection();
    ck_assert_int_eq(mox_ctx_ready(wire.store.ctx, fd, MOX_READ), MOX_OK);
    wire_close_server();
    wire_turn();
    ck_assert_int_eq(connection(), -1);
    ck_assert_int_eq(mox_ctx_ready(wire.store.ctx, fd, MOX_READ), MOX_E_STALE);
}
END_TEST

/* SIGPIPE would end this test. */
START_TEST(a_server_that_is_gone_raises_no_signal)
{
    wire_greet();
    wire.done = 0;
    wire_close_server(); /* not seen yet, when this is written: */
    ck_assert_int_eq(wire_start(0, ASK_GET), MOX_OK);
    wire_turn();
    ck_assert_int_eq(wire.done, 1);
    ck_assert_int_eq(wire.ops[0].status, MOX_E_STORE);
}
END_TEST

START_TEST(a_child_leaves_the_connection_alone)
{
    pid_t child;
    int status;

    ck_assert_int_eq(wire_start(0, ASK_GET), MOX_OK);
    wire_request();
    child = fork();
    if (child == 0) {
        mox_ctx_free(wire.store.ctx);
        mox_redis_close(wire.store.redis);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    wire_reply("$1\r\nv\r\n");
    ck_assert_int_eq(wire.ops[0].status, MOX_OK);
    ck_assert(wire.ops[0].found);
}
END_TEST

START_TEST(without_a_context_nothing_is_sent)
{
    struct mox_redis *alone = mox_redis_open("127.0.0.1:1", NULL);
    const struct mox_store_ops *table = mox_redis_ops(alone);

    ck_assert_int_eq(table->get(table->user, 1, "a"), MOX_E_STATE);
    ck_assert_int_eq(table->put(table->user, 1, "a", "1", 1, 0), MOX_E_STATE);
    ck_assert_int_eq(table->add(table->user, 1, "a", 1, 0), MOX_E_STATE);
    ck_assert_int_eq(table->each(table->user, 1, "a"), MOX_E_STATE);
    ck_assert_str_eq(mox_redis_problem(alone), "");
    mox_redis_close(alone);
    mox_redis_close(NULL);
}
END_TEST

static const struct server_case {
    const char *server;
    int code;
} servers[] = {
    {"127.0.0.1:6379", MOX_OK},
    {"[::1]:6379", MOX_OK},
    {"localhost:65535", MOX_OK},
    {"/run/redis.sock", MOX_OK},
    {"", MOX_E_INVAL},
    {"localhost", MOX_E_INVAL},
    {"localhost:", MOX_E_INVAL},
    {":6379", MOX_E_INVAL},
    {"localhost:0", MOX_E_INVAL},
    {"localhost:65536", MOX_E_INVAL},
    {"localhost:123456", MOX_E_INVAL},
    {"localhost:6379x", MOX_E_INVAL},
    {"::1:6379", MOX_E_INVAL},
    {"[::1]", MOX_E_INVAL},
    {"[::1:6379", MOX_E_INVAL},
    {"[]:6379", MOX_E_INVAL},
    {"[127.0.0.1]:6379", MOX_E_INVAL},
    {"/", MOX_E_INVAL},
    {"/123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
     "12345678901234567890",
     MOX_E_INVAL},
    {"no such name.invalid:6379", MOX_E_STORE},
};

START_TEST(a_server_is_named_in_one_of_three_ways)
{
    const struct server_case *c = &servers[_i];
    struct mox_error err = {.code = 1};
    struct mox_redis *redis = mox_redis_open(c->server, &err);

    ck_assert_msg(err.code == c->code, "%s: %d, %s", c->server, err.code, err.message);
    ck_assert_int_eq(redis != NULL, c->code == MOX_OK);
    ck_assert(c->code == MOX_OK || strstr(err.message, c->server) != NULL);
    mox_redis_close(redis);
    redis = mox_redis_open(c->server, NULL);
    ck_assert_int_eq(redis != NULL, c->code == MOX_OK);
    mox_redis_close(redis);
}
END_TEST

/* All that this server is asked, answered well. Libcheck allocates: no assertion here. */
static void answer_all(void)
{
    static const struct {
        const char *asked, *answer;
    } known[] = {
        {"EXEC", "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n:2\r\n"},
        {"SCAN", "*2\r\n$1\r\n0\r\n*2\r\n$3\r\np/b\r\n$3\r\np/a\r\n"},
        {"MGET", "*2\r\n$1\r\n1\r\n$1\r\n2\r\n"},
    };
    char text[8192];
    ssize_t n;

    while ((n = recv(wire.server, text, sizeof text - 1, MSG_DONTWAIT)) > 0) {
        text[n] = '\0';
        for (size_t i = 0; i < ARRAY_LEN(known); i++) {
            if (strstr(text, known[i].asked) != NULL)
                send(wire.server, known[i].answer, strlen(known[i].answer), MSG_NOSIGNAL);
        }
        wire_turn();
    }
}

/* Each allocation of ours fails once; hiredis's own are not touched. */
START_TEST(no_memory_at_any_call)
{
    bool failed = true;

    for (long nth = 1; failed; nth++) {
        struct mox_redis *other;
        int status;

        wire_teardown();
        wire_setup();
        test_fail_alloc(nth);
        other = mox_redis_open("127.0.0.1:1", NULL);
        mox_redis_close(other);
        status = wire_start(0, ASK_ADD);
        if (status == MOX_OK)
            status = wire_start(1, ASK_EACH);
        if (status == MOX_OK) {
            wire_turn();
            if (wire.server >= 0)
                answer_all();
        }
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert_msg(failed || (status == MOX_OK && wire.done == 2), "%ld: %d, %d", nth, status,
                      wire.done);
        ck_assert(failed || (wire.ops[0].status == MOX_OK && wire.ops[0].number == 2));
        ck_assert(failed || slice_is(buffer_slice(&wire.listed), "p/a=1 p/b=2 "));
    }
}
END_TEST

TCase *test_link(void)
{
    TCase *tc = tcase_create("store/link");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, wire_setup, wire_teardown);
    tcase_add_loop_test(tc, what_is_no_redis_is_left_alone_for_a_while, 0,
                        (int)ARRAY_LEN(nonsense));
    tcase_add_test(tc, the_rest_grows_and_ends);
    tcase_add_test(tc, a_server_that_goes_is_asked_again_at_once);
    tcase_add_test(tc, one_that_went_while_nothing_was_asked_costs_nothing);
    tcase_add_test(tc, nobody_listens);
    tcase_add_test(tc, silence_ends_what_waits);
    tcase_add_test(tc, what_comes_meanwhile_is_no_silence);
    tcase_add_test(tc, the_contexts_deadline_comes_first);
    tcase_add_test(tc, an_endless_reply_meets_the_limit);
    tcase_add_test(tc, the_limit_is_of_one_reply);
    tcase_add_test(tc, what_has_no_room_is_not_sent_in_part);
    tcase_add_test(tc, the_loop_forgets_a_connection_that_ended);
    tcase_add_test(tc, a_reply_too_many_ends_the_connection);
    tcase_add_test(tc, what_waits_is_bounded);
    tcase_add_test(tc, the_connection_is_our_own);
    tcase_add_test(tc, a_server_that_is_gone_raises_no_signal);
    tcase_add_test(tc, a_child_leaves_the_connection_alone);
    tcase_add_test(tc, without_a_context_nothing_is_sent);
    tcase_add_loop_test(tc, a_server_is_named_in_one_of_three_ways, 0, (int)ARRAY_LEN(servers));
    tcase_add_test(tc, no_memory_at_any_call);
    return tc;
}
