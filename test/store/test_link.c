/*
 * test_link.c - libmoxdial-redis against a server that is this test: every cut of a reply, replies
 * that are none, silence, ends. Time is simulated.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <moxdial/redis.h>

#include "base/limits.h"
#include "cases.h"
#include "store_world.h"

enum { US_PER_S = 1000000, TURNS = 6 };

static struct store_world world;
static int listener, server; /* server: our end of the connection; -1: none */
static int64_t now_us;
static struct ctx_store_op ops[4];
static int done;
static struct buffer listed;

static int64_t get_now(void *user)
{
    (void)user;
    return now_us;
}

static int64_t unix_s(void *user)
{
    (void)user;
    return 1700000000;
}

static int32_t utc_offset_s(void *user, int64_t at)
{
    (void)user;
    (void)at;
    return 0;
}

static int fill(void *user, void *buf, size_t len)
{
    (void)user;
    memset(buf, 7, len);
    return MOX_OK;
}

static void listen_there(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof address.sun_path, "%s", store_file("link"));
    unlink(address.sun_path);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 16), 0);
    ck_assert_int_eq(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
}

static void close_server(void)
{
    if (server >= 0)
        close(server);
    server = -1;
}

static void setup(void)
{
    const struct mox_sys_ops sys = {.size = sizeof sys,
                                    .monotonic_us = get_now,
                                    .unix_s = unix_s,
                                    .utc_offset_s = utc_offset_s,
                                    .random = fill};

    now_us = 5LL * US_PER_S;
    server = -1;
    done = 0;
    memset(ops, 0, sizeof ops);
    listen_there();
    store_world_open_with(&world, STORE_REDIS, store_file("link"), &sys);
}

static void teardown(void)
{
    test_fail_alloc(0);
    for (size_t i = 0; i < ARRAY_LEN(ops) && world.ctx != NULL; i++)
        store_cancel(&ops[i]);
    buffer_free(&listed);
    store_world_close(&world);
    close_server();
    close(listener);
}

static void on_done(struct ctx_store_op *op)
{
    (void)op;
    done++;
}

static void on_item(struct ctx_store_op *op, const char *key, struct slice value)
{
    (void)op;
    buffer_append_text(&listed, key);
    buffer_append_text(&listed, "=");
    buffer_append(&listed, value.ptr, value.len);
    buffer_append_text(&listed, " ");
}

enum question { GET, PUT, ADD, EACH };

/* With a deadline that the clock of these tests does not reach. */
static int start(size_t i, enum question what)
{
    const uint64_t late = 3600ull * US_PER_S;

    store_cancel(&ops[i]);
    ops[i] = (struct ctx_store_op){.done = on_done, .item = on_item};
    switch (what) {
    case GET:
        return store_get(world.ctx, &ops[i], "k", late);
    case PUT:
        return store_put(world.ctx, &ops[i], "k", slice_of("v"), 9, late);
    case ADD:
        return store_add(world.ctx, &ops[i], "n", 2, 9, late);
    default:
        return store_each(world.ctx, &ops[i], "p/", late);
    }
}

/* All that can be done now is done. A socket of this kind has no delay. */
static void turn(void)
{
    for (int i = 0; i < TURNS; i++)
        mox_ctx_wait(world.ctx, 0);
    if (server < 0)
        server = accept(listener, NULL, NULL);
    for (int i = 0; i < TURNS; i++)
        mox_ctx_wait(world.ctx, 0);
}

/* What the client has sent. */
static const char *request(void)
{
    static char text[8192];
    ssize_t n;

    turn();
    ck_assert_int_ge(server, 0);
    n = recv(server, text, sizeof text - 1, MSG_DONTWAIT);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

static void reply(const char *text)
{
    size_t len = strlen(text);

    ck_assert_int_eq(send(server, text, len, MSG_NOSIGNAL), (ssize_t)len);
    turn();
}

static const char *problem(void)
{
    return mox_redis_problem(world.redis);
}

/* A good exchange, so that the connection is one that was heard. */
static void greet(void)
{
    int before = done;

    ck_assert_int_eq(start(3, GET), MOX_OK);
    request();
    reply("$1\r\nv\r\n");
    ck_assert_int_eq(done, before + 1);
    ck_assert_int_eq(ops[3].status, MOX_OK);
}

static const struct exchange {
    enum question what;
    const char *sent, *reply;
    int status;
    int64_t number;
    const char *text; /* the value, what is listed, or words of the problem; NULL: none */
} exchanges[] = {
    {GET, "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "$5\r\na\r\nbc\r\n", MOX_OK, 0, "a\r\nbc"},
    {GET, NULL, "$-1\r\n", MOX_OK, 0, NULL},
    {GET, NULL, "$0\r\n\r\n", MOX_OK, 0, ""},
    {GET, NULL, "-NOAUTH Authentication required.\r\n", MOX_E_STORE, 0, ": NOAUTH Authentication"},
    {GET, NULL, "-ERR \033[2J\r\n", MOX_E_STORE, 0, "ERR ?[2J"},
    {GET, NULL, ":5\r\n", MOX_E_STORE, 0, "type 3"},
    {GET, NULL, "*1\r\n$1\r\nv\r\n", MOX_E_STORE, 0, "type 2"},
    {PUT, "*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n$2\r\nEX\r\n$1\r\n9\r\n", "+OK\r\n", MOX_OK, 0,
     NULL},
    {PUT, NULL, "-MISCONF no disk\r\n", MOX_E_STORE, 0, "MISCONF no disk"},
    {PUT, NULL, "$2\r\nOK\r\n", MOX_E_STORE, 0, "type 1"},
    {ADD,
     "*1\r\n$5\r\nMULTI\r\n*6\r\n$3\r\nSET\r\n$1\r\nn\r\n$1\r\n0\r\n$2\r\nEX\r\n$1\r\n9\r\n"
     "$2\r\nNX\r\n*3\r\n$6\r\nINCRBY\r\n$1\r\nn\r\n$1\r\n2\r\n*1\r\n$4\r\nEXEC\r\n",
     "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n:2\r\n", MOX_OK, 2, NULL},
    {ADD, NULL, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n$-1\r\n:-7\r\n", MOX_OK, -7, NULL},
    {ADD, NULL, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n$-1\r\n-ERR value is not an integer\r\n",
     MOX_E_STORE, 0, "not an integer"},
    {ADD, NULL, "+OK\r\n-READONLY replica\r\n-READONLY replica\r\n-EXECABORT discarded\r\n",
     MOX_E_STORE, 0, "READONLY replica"},
    {ADD, NULL, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*-1\r\n", MOX_E_STORE, 0, "type 4"},
    {ADD, NULL, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+OK\r\n:2\r\n:3\r\n", MOX_E_STORE, 0, "type 2"},
    {ADD, NULL, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n$1\r\n2\r\n", MOX_E_STORE, 0, "type 1"},
    {EACH,
     "*6\r\n$4\r\nSCAN\r\n$1\r\n0\r\n$5\r\nMATCH\r\n$3\r\np/*\r\n$5\r\nCOUNT\r\n$4\r\n1000\r\n",
     "*2\r\n$1\r\n0\r\n*0\r\n", MOX_OK, 0, ""},
    {EACH, NULL, "-NOPERM no\r\n", MOX_E_STORE, 0, "NOPERM"},
    {EACH, NULL, "*1\r\n$1\r\n0\r\n", MOX_E_STORE, 0, "type 2"},
    {EACH, NULL, "*2\r\n:0\r\n*0\r\n", MOX_E_STORE, 0, "type 2"},
    {EACH, NULL, "*2\r\n$24\r\n111111111111111111111111\r\n*0\r\n", MOX_E_STORE, 0, "type 2"},
    {EACH, NULL, "*2\r\n$1\r\n0\r\n$1\r\n0\r\n", MOX_E_STORE, 0, "type 2"},
    {EACH, NULL, "*2\r\n$1\r\n0\r\n*1\r\n:1\r\n", MOX_E_STORE, 0, "type 2"},
};

static void check_answer(const struct exchange *e, size_t packet)
{
    struct slice value = buffer_slice(&ops[0].value);
    const char *text = e->text == NULL ? "" : e->text;

    ck_assert_msg(done == 1, "%s, by %zu: told %d times", e->reply, packet, done);
    ck_assert_msg(ops[0].status == e->status, "%s: status %d", e->reply, ops[0].status);
    if (e->status != MOX_OK) {
        ck_assert_msg(strstr(problem(), text) != NULL, "%s: %s", e->reply, problem());
        ck_assert_ptr_nonnull(strstr(problem(), "store redis:/"));
        return;
    }
    ck_assert_int_eq(ops[0].number, e->number);
    ck_assert_int_eq(ops[0].found, e->what == GET && e->text != NULL);
    ck_assert_msg(e->what != GET || slice_is(value, text), "%.*s", (int)value.len, value.ptr);
}

START_TEST(exchange_in_packets_of_every_size)
{
    const struct exchange *e = &exchanges[_i];
    size_t len = strlen(e->reply);

    for (size_t packet = 1; packet <= len; packet++) {
        done = 0;
        ck_assert_int_eq(start(0, e->what), MOX_OK);
        if (e->sent != NULL)
            ck_assert_str_eq(request(), e->sent);
        else
            request();
        for (size_t at = 0; at < len; at += packet) {
            size_t n = packet < len - at ? packet : len - at;

            ck_assert_int_eq(send(server, e->reply + at, n, MSG_NOSIGNAL), (ssize_t)n);
            turn();
        }
        check_answer(e, packet);
        turn(); /* and the connection is good for the next */
    }
}
END_TEST

START_TEST(each_takes_some_steps)
{
    ck_assert_int_eq(start(0, EACH), MOX_OK);
    request();
    reply("*2\r\n$2\r\n17\r\n*3\r\n$3\r\np/b\r\n$3\r\np/a\r\n$5\r\nother\r\n");
    ck_assert_ptr_nonnull(strstr(request(), "$4\r\nSCAN\r\n$2\r\n17\r\n"));
    reply("*2\r\n$1\r\n0\r\n*3\r\n$3\r\np/c\r\n$3\r\np/a\r\n$3\r\np/d\r\n"); /* p/a again */
    ck_assert_str_eq(request(),
                     "*5\r\n$4\r\nMGET\r\n$3\r\np/a\r\n$3\r\np/b\r\n$3\r\np/c\r\n$3\r\np/d\r\n");
    ck_assert_int_eq(done, 0);
    reply("*4\r\n$1\r\n1\r\n$-1\r\n$1\r\n3\r\n$1\r\n4\r\n"); /* p/b has gone meanwhile */
    ck_assert_int_eq(done, 1);
    ck_assert_int_eq(ops[0].status, MOX_OK);
    ck_assert_int_eq(ops[0].number, 3);
    ck_assert(slice_is(buffer_slice(&listed), "p/a=1 p/c=3 p/d=4 "));
}
END_TEST

START_TEST(values_of_another_number_are_no_answer)
{
    ck_assert_int_eq(start(0, EACH), MOX_OK);
    request();
    reply("*2\r\n$1\r\n0\r\n*1\r\n$3\r\np/a\r\n");
    request();
    reply("*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
    ck_assert_int_eq(ops[0].status, MOX_E_STORE);
    ck_assert_uint_eq(buffer_slice(&listed).len, 0);
}
END_TEST

START_TEST(each_that_nobody_wants_asks_no_more)
{
    char text[4096] = "*2\r\n$1\r\n0\r\n*40\r\n";

    ck_assert_int_eq(start(0, EACH), MOX_OK);
    request();
    for (int i = 10; i < 50; i++)
        snprintf(text + strlen(text), 32, "$4\r\np/%d\r\n", i);
    reply(text);
    ck_assert_ptr_nonnull(strstr(request(), "*33\r\n$4\r\nMGET"));
    store_cancel(&ops[0]);
    snprintf(text, sizeof text, "*32\r\n");
    for (int i = 0; i < 32; i++)
        snprintf(text + strlen(text), 32, "$1\r\nv\r\n");
    reply(text);
    ck_assert_str_eq(request(), "");
    greet();
}
END_TEST

static const char *const nonsense[] = {"HTTP/1.1 400 Bad Request\r\n", "*9999999999\r\n", "$-7\r\n",
                                       ":12a\r\n", "\r\n"};

START_TEST(what_is_no_redis_is_left_alone_for_a_while)
{
    ck_assert_int_eq(start(0, GET), MOX_OK);
    ck_assert_int_eq(start(1, PUT), MOX_OK);
    request();
    reply(nonsense[_i]);
    ck_assert_int_eq(done, 2);
    ck_assert_int_eq(ops[0].status, MOX_E_STORE);
    ck_assert_int_eq(ops[1].status, MOX_E_STORE);
    ck_assert_msg(strstr(problem(), "no Redis is there: ") != NULL, "%s", problem());
}
END_TEST

/* How long the server is left alone: whether an op at that time opens a connection. */
static bool tries_again(int64_t after_us)
{
    now_us += after_us;
    turn();
    close_server();
    ck_assert_int_eq(start(0, GET), MOX_OK);
    turn();
    if (server >= 0)
        request();
    return server >= 0;
}

START_TEST(the_rest_grows_and_ends)
{
    static const int64_t rests_us[] = {100000,  200000,  400000,  800000,
                                       1600000, 3200000, 5000000, 5000000};

    for (size_t i = 0; i < ARRAY_LEN(rests_us); i++) {
        ck_assert_msg(tries_again(0), "%zu", i); /* and it ends without a word: */
        done = 0;
        close_server();
        turn();
        ck_assert_int_eq(done, 1);
        ck_assert_int_eq(ops[0].status, MOX_E_STORE);
        ck_assert_ptr_nonnull(strstr(problem(), "closed the connection"));
        ck_assert_msg(!tries_again(rests_us[i] - 1), "%zu", i);
        ck_assert_int_eq(ops[0].status, MOX_E_STORE); /* at once */
        now_us += 1;
        turn();
    }
    greet(); /* which ends it */
    close_server();
    turn();
    ck_assert(tries_again(0));
    close_server();
    turn();
    ck_assert(!tries_again(99999));
    ck_assert(tries_again(1));
}
END_TEST

START_TEST(a_server_that_goes_is_asked_again_at_once)
{
    greet();
    ck_assert_int_eq(start(0, GET), MOX_OK);
    ck_assert_int_eq(start(1, ADD), MOX_OK);
    request();
    done = 0;
    close_server();
    turn();
    ck_assert_int_eq(done, 2); /* no deadline has passed */
    ck_assert_int_eq(ops[0].status, MOX_E_STORE);
    ck_assert_int_eq(ops[1].status, MOX_E_STORE);
    greet();
}
END_TEST

START_TEST(one_that_went_while_nothing_was_asked_costs_nothing)
{
    greet();
    close_server();
    turn();
    greet();
}
END_TEST

START_TEST(nobody_listens)
{
    close(listener);
    unlink(store_file("link"));
    ck_assert_int_eq(start(0, GET), MOX_OK);
    turn();
    ck_assert_int_eq(done, 1);
    ck_assert_int_eq(ops[0].status, MOX_E_STORE);
    ck_assert_ptr_nonnull(strstr(problem(), "cannot be reached: No such file"));
    ck_assert_int_eq(start(0, GET), MOX_OK);
    turn();
    ck_assert_int_eq(ops[0].status, MOX_E_STORE);
    listen_there();
    now_us += 100000;
    turn();
    greet();
}
END_TEST

START_TEST(silence_ends_what_waits)
{
    greet();
    done = 0;
    ck_assert_int_eq(start(0, GET), MOX_OK);
    request();
    now_us += 2LL * US_PER_S - 1;
    turn();
    ck_assert_int_eq(done, 0);
    now_us += 1;
    turn();
    ck_assert_int_eq(done, 1);
    ck_assert_int_eq(ops[0].status, MOX_E_STORE);
    ck_assert_ptr_nonnull(strstr(problem(), "no answer for 2 seconds"));
    ck_assert(!tries_again(99999)); /* it rests */
    ck_assert(tries_again(1));
}
END_TEST

START_TEST(what_comes_meanwhile_is_no_silence)
{
    ck_assert_int_eq(start(0, GET), MOX_OK);
    request();
    reply("$4\r\n");
    for (int i = 0; i < 4; i++) {
        now_us += 2LL * US_PER_S - 1;
        ck_assert_int_eq(send(server, "v", 1, MSG_NOSIGNAL), 1);
        turn();
    }
    ck_assert_int_eq(done, 0);
    reply("\r\n");
    ck_assert_int_eq(ops[0].status, MOX_OK);
    now_us += 10LL * US_PER_S; /* nothing is due: no silence either */
    turn();
    ck_assert_int_eq(start(0, GET), MOX_OK);
    ck_assert_str_ne(request(), "");
}
END_TEST

START_TEST(the_contexts_deadline_comes_first)
{
    greet();
    done = 0;
    ops[0] = (struct ctx_store_op){.done = on_done};
    ck_assert_int_eq(store_get(world.ctx, &ops[0], "k", US_PER_S), MOX_OK);
    request();
    now_us += US_PER_S;
    turn();
    ck_assert_int_eq(done, 1);
    ck_assert_int_eq(ops[0].status, MOX_E_TIMEOUT);
    reply("$4\r\nlate\r\n");
    ck_assert_int_eq(done, 1);
    greet(); /* its own answer, not that */
}
END_TEST

START_TEST(an_endless_reply_meets_the_limit)
{
    static char piece[64 << 10];
    size_t sent = 0;

    ck_assert_int_eq(start(0, GET), MOX_OK);
    request();
    reply("$100000000\r\n");
    while (done == 0 && sent < 20u << 20) {
        ssize_t n = send(server, piece, sizeof piece, MSG_NOSIGNAL | MSG_DONTWAIT);

        sent += n > 0 ? (size_t)n : 0;
        turn();
    }
    ck_assert_int_eq(done, 1);
    ck_assert_int_eq(ops[0].status, MOX_E_STORE);
    ck_assert_ptr_nonnull(strstr(problem(), "a reply of over 8388608 bytes"));
    ck_assert_uint_lt(sent, 9u << 20);
}
END_TEST

START_TEST(a_reply_too_many_ends_the_connection)
{
    greet();
    reply("$1\r\nx\r\n");
    ck_assert_ptr_nonnull(strstr(problem(), "not asked"));
    close_server();
    greet();
}
END_TEST

START_TEST(what_waits_is_bounded)
{
    static char value[MOX_LIMIT_STORE_VALUE];
    const struct mox_store_ops *table = world.ops;
    int n = 0, status = MOX_OK;

    while (status == MOX_OK && n < 2000)
        status = table->get(table->user, (uint64_t)++n + 1000000, "k");
    ck_assert_int_eq(status, MOX_E_LIMIT);
    ck_assert_int_eq(n, 1025);
    teardown();
    setup();
    table = world.ops;
    for (n = 0, status = MOX_OK; status == MOX_OK && n < 200; n++)
        status = table->put(table->user, (uint64_t)n + 1000000, "k", value, sizeof value, 0);
    ck_assert_int_eq(status, MOX_E_LIMIT);
    ck_assert_int_gt(n, 16);
    ck_assert_int_lt(n, 64);
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
    greet();
    ck_assert_int_ge(connection(), 0);
    ck_assert_int_ne(fcntl(connection(), F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_ne(fcntl(connection(), F_GETFL) & O_NONBLOCK, 0);
    store_cancel(&ops[3]);
    store_world_close(&world);
    ck_assert_int_eq(connection(), -1);
}
END_TEST

/* SIGPIPE would end this test. */
START_TEST(a_server_that_is_gone_raises_no_signal)
{
    greet();
    done = 0;
    close_server(); /* not seen yet, when this is written: */
    ck_assert_int_eq(start(0, GET), MOX_OK);
    turn();
    ck_assert_int_eq(done, 1);
    ck_assert_int_eq(ops[0].status, MOX_E_STORE);
}
END_TEST

START_TEST(a_child_leaves_the_connection_alone)
{
    pid_t child;
    int status;

    ck_assert_int_eq(start(0, GET), MOX_OK);
    request();
    child = fork();
    if (child == 0) {
        mox_ctx_free(world.ctx);
        mox_redis_close(world.redis);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    reply("$1\r\nv\r\n");
    ck_assert_int_eq(ops[0].status, MOX_OK);
    ck_assert(ops[0].found);
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

    while ((n = recv(server, text, sizeof text - 1, MSG_DONTWAIT)) > 0) {
        text[n] = '\0';
        for (size_t i = 0; i < ARRAY_LEN(known); i++) {
            if (strstr(text, known[i].asked) != NULL)
                send(server, known[i].answer, strlen(known[i].answer), MSG_NOSIGNAL);
        }
        turn();
    }
}

/* Each allocation of ours fails once; hiredis's own are not touched. */
START_TEST(no_memory_at_any_call)
{
    bool failed = true;

    for (long nth = 1; failed; nth++) {
        struct mox_redis *other;
        int status;

        teardown();
        setup();
        test_fail_alloc(nth);
        other = mox_redis_open("127.0.0.1:1", NULL);
        mox_redis_close(other);
        status = start(0, ADD);
        if (status == MOX_OK)
            status = start(1, EACH);
        if (status == MOX_OK) {
            turn();
            if (server >= 0)
                answer_all();
        }
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert_msg(failed || (status == MOX_OK && done == 2), "%ld: %d, %d", nth, status, done);
        ck_assert(failed || (ops[0].status == MOX_OK && ops[0].number == 2));
        ck_assert(failed || slice_is(buffer_slice(&listed), "p/a=1 p/b=2 "));
    }
}
END_TEST

TCase *test_link(void)
{
    TCase *tc = tcase_create("store/link");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, exchange_in_packets_of_every_size, 0, (int)ARRAY_LEN(exchanges));
    tcase_add_test(tc, each_takes_some_steps);
    tcase_add_test(tc, values_of_another_number_are_no_answer);
    tcase_add_test(tc, each_that_nobody_wants_asks_no_more);
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
