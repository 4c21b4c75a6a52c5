/*
 * test_redis.c - libmoxdial-redis and a server that really runs: it stops, it is killed, it comes
 * back; times are its own. Skipped where there is none.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <hiredis.h>

#include <moxdial/redis.h>

#include "cases.h"
#include "redis_server.h"
#include "store_world.h"

static struct store_world world;
static struct redis_server server;
static redisContext *other; /* a client beside us */

static void setup(void)
{
    if (!store_has(STORE_REDIS))
        return;
    ck_assert(redis_server_start(&server, "own-redis"));
    store_world_open(&world, STORE_REDIS, server.path);
    other = redisConnectUnix(server.path);
    ck_assert(other != NULL && other->err == 0);
}

static void teardown(void)
{
    if (other != NULL)
        redisFree(other);
    other = NULL;
    store_world_close(&world);
    redis_server_kill(&server);
}

/* The number that the server answers to a command of the other client. */
static long long ask(const char *command)
{
    redisReply *reply = redisCommand(other, command);
    long long number;

    ck_assert_ptr_nonnull(reply);
    ck_assert_msg(reply->type == REDIS_REPLY_INTEGER, "%s: %s", command, reply->str);
    number = reply->integer;
    freeReplyObject(reply);
    return number;
}

static int put(const char *key, const char *value, uint32_t ttl_s)
{
    return store_world_put(&world, key, slice_of(value), ttl_s);
}

START_TEST(a_value_has_its_time)
{
    if (server.pid == 0)
        return;
    ck_assert_int_eq(put("a", "1", 1000), MOX_OK);
    ck_assert_int_gt(ask("TTL a"), 900);
    ck_assert_int_le(ask("TTL a"), 1000);
    ck_assert_int_eq(put("a", "1", 0), MOX_OK);
    ck_assert_int_eq(ask("TTL a"), -1); /* for ever */
    ck_assert_int_eq(put("a", "1", 1000), MOX_OK);
    ck_assert_int_eq(ask("EXPIREAT a 1"), 1); /* its time has come */
    ck_assert_ptr_null(store_world_text(&world, "a"));
}
END_TEST

START_TEST(a_number_has_the_time_of_its_making)
{
    if (server.pid == 0)
        return;
    ck_assert_int_eq(store_world_add(&world, "n", 5, 1000), MOX_OK);
    ck_assert_int_gt(ask("TTL n"), 900);
    ck_assert_int_eq(ask("EXPIRE n 100"), 1);
    ck_assert_int_eq(store_world_add(&world, "n", 1, 1000), MOX_OK);
    ck_assert_int_le(ask("TTL n"), 100);
    ck_assert_int_eq(ask("EXPIREAT n 1"), 1);
    ck_assert_int_eq(store_world_add(&world, "n", 2, 1000), MOX_OK);
    ck_assert_int_eq(world.op.number, 2);
    ck_assert_int_gt(ask("TTL n"), 900);
    ck_assert_int_eq(store_world_add(&world, "m", 2, 0), MOX_OK);
    ck_assert_int_eq(ask("TTL m"), -1);
}
END_TEST

START_TEST(what_is_no_text_is_left_alone)
{
    if (server.pid == 0)
        return;
    ck_assert_int_eq(ask("LPUSH p/list x"), 1);
    ck_assert_int_eq(put("p/a", "1", 0), MOX_OK);
    ck_assert_int_eq(store_world_get(&world, "p/list"), MOX_E_STORE);
    ck_assert_ptr_nonnull(strstr(world.problem, "WRONGTYPE"));
    ck_assert_int_eq(store_world_add(&world, "p/list", 1, 9), MOX_E_STORE);
    ck_assert_ptr_nonnull(strstr(world.problem, "WRONGTYPE"));
    ck_assert_str_eq(store_world_listed(&world, "p/"), "p/a=1 ");
}
END_TEST

START_TEST(killed_and_restarted)
{
    if (server.pid == 0)
        return;
    ck_assert_int_eq(put("a", "1", 0), MOX_OK);
    redis_server_kill(&server);
    ck_assert_int_eq(put("a", "2", 0), MOX_E_STORE);
    ck_assert_str_ne(world.problem, "");
    ck_assert(redis_server_restart(&server));
    while (put("a", "3", 0) != MOX_OK) /* it is left alone for a tenth of a second */
        mox_ctx_wait(world.ctx, 100);
    ck_assert_str_eq(store_world_text(&world, "a"), "3");
}
END_TEST

static void on_done(struct ctx_store_op *op)
{
    (void)op;
}

/* Waits for what is answered with its status. */
static int wait_for(struct ctx_store_op *op)
{
    while (op->id != 0)
        ck_assert_int_ge(mox_ctx_wait(world.ctx, 30000), 0);
    return op->status;
}

START_TEST(stopped_in_the_middle)
{
    struct ctx_store_op op = {.done = on_done}, killed = {.done = on_done};

    if (server.pid == 0)
        return;
    ck_assert_int_eq(put("a", "1", 0), MOX_OK);
    kill(server.pid, SIGSTOP);
    ck_assert_int_eq(store_get(world.ctx, &op, "a", 100000), MOX_OK);
    ck_assert_int_eq(wait_for(&op), MOX_E_TIMEOUT); /* the context's own deadline */
    ck_assert_int_eq(store_add(world.ctx, &op, "n", 1, 0, 100000), MOX_OK);
    ck_assert_int_eq(wait_for(&op), MOX_E_TIMEOUT);
    kill(server.pid, SIGCONT);
    ck_assert_str_eq(store_world_text(&world, "a"), "1"); /* late answers are nobody's */
    ck_assert_str_eq(store_world_text(&world, "n"), "1"); /* it was done, later */
    kill(server.pid, SIGSTOP);
    ck_assert_int_eq(store_get(world.ctx, &killed, "a", WORLD_TIMEOUT_US), MOX_OK);
    mox_ctx_wait(world.ctx, 10);
    redis_server_kill(&server);
    ck_assert_int_eq(wait_for(&killed), MOX_E_STORE);
    store_cancel(&op);
    store_cancel(&killed);
}
END_TEST

TCase *test_redis(void)
{
    TCase *tc = tcase_create("store/redis");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_value_has_its_time);
    tcase_add_test(tc, a_number_has_the_time_of_its_making);
    tcase_add_test(tc, what_is_no_text_is_left_alone);
    tcase_add_test(tc, killed_and_restarted);
    tcase_add_test(tc, stopped_in_the_middle);
    return tc;
}
