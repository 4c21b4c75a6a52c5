/*
 * test_all.c - what every store does alike, through its ops table: in memory, in a file, on a Redis
 * that really runs.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "cases.h"
#include "store_world.h"

static struct store_world world;

static void teardown(void)
{
    store_world_close(&world);
}

/* Keys of this test alone, for the stores keep theirs. */
static const char *own(const char *name)
{
    static char key[4][64];
    static unsigned next, tests;
    char *out = key[next++ % 4];

    if (name == NULL) {
        tests++;
        return NULL;
    }
    snprintf(out, sizeof key[0], "test/%d/%u/%s", (int)getpid(), tests, name);
    return out;
}

static bool silent; /* nothing may be told any more */

static bool open_kind(int kind)
{
    own(NULL);
    silent = false;
    if (!store_has((enum store_kind)kind))
        return false;
    store_world_open(&world, (enum store_kind)kind, NULL);
    return true;
}

static int put(const char *name, const char *value, uint32_t ttl_s)
{
    return store_world_put(&world, own(name), slice_of(value), ttl_s);
}

static const char *get(const char *name)
{
    return store_world_text(&world, own(name));
}

START_TEST(what_is_put_is_found_until_it_is_deleted)
{
    if (!open_kind(_i))
        return;
    ck_assert_ptr_null(get("a"));
    ck_assert_int_eq(put("a", "1", 0), MOX_OK);
    ck_assert_int_eq(put("b", "2", 100), MOX_OK);
    ck_assert_str_eq(get("a"), "1");
    ck_assert_int_eq(put("a", "one", 100), MOX_OK);
    ck_assert_str_eq(get("a"), "one");
    ck_assert_str_eq(get("b"), "2");
    ck_assert_int_eq(put("a", "", 0), MOX_OK);
    ck_assert_ptr_null(get("a"));
    ck_assert_int_eq(put("a", "", 0), MOX_OK); /* what is not there is deleted too */
    ck_assert_str_eq(get("b"), "2");
}
END_TEST

START_TEST(any_bytes_are_a_value_and_the_largest_fits)
{
    static char value[MOX_LIMIT_STORE_VALUE], key[MOX_LIMIT_STORE_KEY + 1];
    static const char bytes[] = {'\0', '\r', '\n', '\xff', '*', '\'', '\0'};
    struct slice got;

    if (!open_kind(_i))
        return;
    ck_assert_int_eq(store_world_put(&world, own("bytes"), (struct slice){bytes, sizeof bytes}, 9),
                     MOX_OK);
    ck_assert_int_eq(store_world_get(&world, own("bytes")), MOX_OK);
    got = buffer_slice(&world.op.value);
    ck_assert_uint_eq(got.len, sizeof bytes);
    ck_assert_mem_eq(got.ptr, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof value; i++)
        value[i] = (char)(i * 31 + i / 251);
    for (size_t i = 0; i < MOX_LIMIT_STORE_KEY; i++)
        key[i] = (char)('!' + i % 94);
    ck_assert_int_eq(store_world_put(&world, key, (struct slice){value, sizeof value}, 9), MOX_OK);
    ck_assert_int_eq(store_world_get(&world, key), MOX_OK);
    got = buffer_slice(&world.op.value);
    ck_assert_uint_eq(got.len, sizeof value);
    ck_assert_mem_eq(got.ptr, value, sizeof value);
    ck_assert_int_eq(store_world_put(&world, key, slice_of(""), 0), MOX_OK);
}
END_TEST

START_TEST(what_no_context_asks_for_is_refused)
{
    static char key[MOX_LIMIT_STORE_KEY + 2], large[MOX_LIMIT_STORE_VALUE + 1];
    const struct mox_store_ops *ops;

    if (!open_kind(_i))
        return;
    ops = &world.ctx->store;
    memset(key, 'k', sizeof key - 1);
    ck_assert_int_eq(ops->put(ops->user, 1, key, "v", 1, 0), MOX_E_LIMIT);
    ck_assert_int_eq(ops->add(ops->user, 1, key, 1, 0), MOX_E_LIMIT);
    ck_assert_int_eq(ops->put(ops->user, 1, "k", large, sizeof large, 0), MOX_E_LIMIT);
}
END_TEST

START_TEST(numbers_add_up_and_are_text)
{
    if (!open_kind(_i))
        return;
    ck_assert_int_eq(store_world_add(&world, own("n"), 5, 100), MOX_OK);
    ck_assert_int_eq(world.op.number, 5);
    ck_assert_int_eq(store_world_add(&world, own("n"), -7, 100), MOX_OK);
    ck_assert_int_eq(world.op.number, -2);
    ck_assert_str_eq(get("n"), "-2");
    ck_assert_int_eq(store_world_add(&world, own("n"), 0, 100), MOX_OK);
    ck_assert_int_eq(world.op.number, -2);
    ck_assert_int_eq(put("m", "41", 100), MOX_OK); /* what was put as a number is one */
    ck_assert_int_eq(store_world_add(&world, own("m"), 1, 0), MOX_OK);
    ck_assert_int_eq(world.op.number, 42);
    ck_assert_int_eq(store_world_add(&world, own("large"), INT64_MAX - 1, 100), MOX_OK);
    ck_assert_int_eq(store_world_add(&world, own("large"), 1, 100), MOX_OK);
    ck_assert_int_eq(world.op.number, INT64_MAX); /* no float on the way */
    ck_assert_str_eq(get("large"), "9223372036854775807");
}
END_TEST

START_TEST(what_is_no_number_and_what_is_too_large_fail)
{
    static const char *const texts[] = {"text", "1x",    " 1",   "1 ",
                                        "+1",   "01",    "-0",   "1.0",
                                        "-",    "-0x10", "0x10", "9223372036854775808"};

    if (!open_kind(_i))
        return;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        ck_assert_int_eq(put("t", texts[i], 100), MOX_OK);
        ck_assert_msg(store_world_add(&world, own("t"), 1, 100) == MOX_E_STORE, "%s", texts[i]);
        ck_assert_str_eq(get("t"), texts[i]);
    }
    ck_assert_int_eq(store_world_add(&world, own("n"), INT64_MAX, 100), MOX_OK);
    ck_assert_int_eq(store_world_add(&world, own("n"), 1, 100), MOX_E_STORE);
    ck_assert_str_eq(get("n"), "9223372036854775807");
    ck_assert_int_eq(store_world_add(&world, own("m"), -INT64_MAX, 100), MOX_OK);
    ck_assert_int_eq(store_world_add(&world, own("m"), -2, 100), MOX_E_STORE);
    ck_assert_int_eq(store_world_add(&world, own("m"), INT64_MAX, 100), MOX_OK);
    ck_assert_int_eq(world.op.number, 0);
    ck_assert_int_eq(store_world_add(&world, own("new"), INT64_MIN, 100), MOX_E_STORE);
    ck_assert_ptr_null(get("new"));
}
END_TEST

START_TEST(each_is_in_order_and_by_prefix)
{
    static const char *const keys[] = {"b/2", "a", "b/1", "b", "c/1", "b/10", "b0", "x*[]?\\^y"};
    char wanted[256];

    if (!open_kind(_i))
        return;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        ck_assert_int_eq(put(keys[i], "v", 100), MOX_OK);
    snprintf(wanted, sizeof wanted, "%s=v %s=v %s=v ", own("b/1"), own("b/10"), own("b/2"));
    ck_assert_str_eq(store_world_listed(&world, own("b/")), wanted);
    ck_assert_int_eq(world.op.number, 3);
    ck_assert_str_eq(store_world_listed(&world, own("d")), "");
    ck_assert_int_eq(world.op.number, 0);
    snprintf(wanted, sizeof wanted, "%s=v ", own("x*[]?\\^y"));
    ck_assert_str_eq(store_world_listed(&world, own("x*[]?\\^")), wanted);
    ck_assert_str_eq(store_world_listed(&world, own("?")), ""); /* no pattern */
    store_world_listed(&world, own(""));
    ck_assert_int_eq(world.op.number, ARRAY_LEN(keys));
    store_world_listed(&world, ""); /* and those of other tests */
    ck_assert_int_ge(world.op.number, (int)ARRAY_LEN(keys));
}
END_TEST

START_TEST(each_has_as_many_as_there_are)
{
    enum { MANY = 1500 };
    char key[64], last[64] = "";
    const char *at;

    if (!open_kind(_i))
        return;
    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "%s%04d", own("many/"), i * 7 % MANY);
        ck_assert_int_eq(store_world_put(&world, key, slice_of("v"), 100), MOX_OK);
    }
    at = store_world_listed(&world, own("many/"));
    ck_assert_int_eq(world.op.number, MANY);
    for (int i = 0; i < MANY; i++) {
        size_t len = strcspn(at, "=");

        ck_assert_uint_lt(len, sizeof key);
        memcpy(key, at, len);
        key[len] = '\0';
        ck_assert_str_gt(key, last);
        memcpy(last, key, len + 1);
        at += len + strlen("=v ");
    }
    ck_assert_str_eq(at, "");
}
END_TEST

static void on_done(struct ctx_store_op *op)
{
    (void)op;
    ck_assert_msg(!silent, "a cancelled op is told");
}

/* Each kind of op. */
static int start(struct ctx_store_op *op, int which)
{
    op->done = on_done;
    switch (which) {
    case 0:
        return store_get(world.ctx, op, own("a"), WORLD_TIMEOUT_US);
    case 1:
        return store_put(world.ctx, op, own("a"), slice_of("v"), 9, WORLD_TIMEOUT_US);
    case 2:
        return store_add(world.ctx, op, own("n"), 1, 9, WORLD_TIMEOUT_US);
    default:
        return store_each(world.ctx, op, own(""), WORLD_TIMEOUT_US);
    }
}

START_TEST(a_cancel_is_silent_and_late_answers_are_harmless)
{
    struct ctx_store_op ops[4];

    if (!open_kind(_i))
        return;
    memset(ops, 0, sizeof ops);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(start(&ops[i], i), MOX_OK);
    for (int i = 0; i < 4; i++)
        store_cancel(&ops[i]);
    silent = true;
    ck_assert_int_eq(put("b", "2", 9), MOX_OK); /* behind them all */
    ck_assert_str_eq(get("b"), "2");
    ck_assert_str_eq(get("a"), "v"); /* a cancel does not take back what was asked */
}
END_TEST

START_TEST(a_put_that_is_forgotten_is_done)
{
    if (!open_kind(_i))
        return;
    store_put_and_forget(world.ctx, own("a"), slice_of("v"), 9);
    ck_assert_str_eq(get("a"), "v");
}
END_TEST

START_TEST(a_context_ends_with_ops_in_flight)
{
    static struct ctx_store_op ops[8];

    if (!open_kind(_i))
        return;
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(start(&ops[i], i % 4), MOX_OK);
    if (_i % 2 == 0)
        mox_ctx_wait(world.ctx, 0); /* some are under way, some not */
    silent = true;
    for (int i = 0; i < 8; i++)
        buffer_free(&ops[i].value);
    memset(ops, 0, sizeof ops); /* their owners are gone without a word */
    store_world_close(&world);
}
END_TEST

static long add_many(enum store_kind kind, int n)
{
    struct store_world w;
    long added = 0;

    (void)n;
    store_world_open(&w, kind, NULL);
    for (int i = 0; i < 100; i++)
        added += store_world_add(&w, "shared/sum", 1, 0) == MOX_OK;
    store_world_close(&w);
    return added;
}

/* What was not said to be done was not done, and nothing is lost. */
START_TEST(processes_add_to_one_number)
{
    long added;

    if (_i == STORE_MEMORY || !open_kind(_i))
        return;
    ck_assert_int_eq(store_world_put(&world, "shared/sum", slice_of(""), 0), MOX_OK);
    store_world_close(&world);
    added = store_in_processes(add_many, (enum store_kind)_i);
    store_world_open(&world, (enum store_kind)_i, NULL);
    ck_assert_int_eq(store_world_add(&world, "shared/sum", 0, 0), MOX_OK);
    ck_assert_int_eq(world.op.number, added);
    printf("%s: %ld of %d adds by %d processes were done, none lost\n",
           store_kind_name((enum store_kind)_i), added, WORLD_PROCESSES * 100, WORLD_PROCESSES);
    ck_assert_int_ge(added, WORLD_PROCESSES * 90);
}
END_TEST

enum { MAX_PER_HOUR = 500 };

/* As the route does it. A store out of reach is no claim. */
static long claim_many(enum store_kind kind, int n)
{
    struct store_world w;
    long claimed = 0;

    (void)n;
    store_world_open(&w, kind, NULL);
    for (int i = 0; i < 50; i++) {
        if (store_world_add(&w, "shared/hour", 1, 7200) != MOX_OK)
            continue;
        if (w.op.number <= MAX_PER_HOUR)
            claimed++;
        else
            while (store_world_add(&w, "shared/hour", -1, 7200) != MOX_OK)
                ;
    }
    store_world_close(&w);
    return claimed;
}

START_TEST(processes_claim_exactly_the_maximum)
{
    if (_i == STORE_MEMORY || !open_kind(_i))
        return;
    ck_assert_int_eq(store_world_put(&world, "shared/hour", slice_of(""), 0), MOX_OK);
    store_world_close(&world);
    ck_assert_int_eq(store_in_processes(claim_many, (enum store_kind)_i), MAX_PER_HOUR);
    store_world_open(&world, (enum store_kind)_i, NULL);
    ck_assert_str_eq(store_world_text(&world, "shared/hour"), "500");
}
END_TEST

TCase *test_all(void)
{
    const TTest *const tests[] = {
        what_is_put_is_found_until_it_is_deleted,
        any_bytes_are_a_value_and_the_largest_fits,
        what_no_context_asks_for_is_refused,
        numbers_add_up_and_are_text,
        what_is_no_number_and_what_is_too_large_fail,
        each_is_in_order_and_by_prefix,
        each_has_as_many_as_there_are,
        a_cancel_is_silent_and_late_answers_are_harmless,
        a_put_that_is_forgotten_is_done,
        a_context_ends_with_ops_in_flight,
        processes_add_to_one_number,
        processes_claim_exactly_the_maximum,
    };
    TCase *tc = tcase_create("store/all");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, NULL, teardown);
    for (size_t i = 0; i < ARRAY_LEN(tests); i++)
        tcase_add_loop_test(tc, tests[i], 0, STORE_KINDS);
    return tc;
}
