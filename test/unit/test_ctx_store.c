/* test_ctx_store.c - a question to the store is answered once, or given up, never inside the call.
 */
#include "ctx/store.h"

#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "ctx_world.h"
#include "test.h"

enum { TIMEOUT_US = 1000000 };

static struct ctx_world world;
static struct ctx_store_op op;
static int done, items;

/* What the table was asked for last, and what it says. libcheck allocates: no assertion in it. */
static struct {
    int calls, returns;
    bool wrong;
    char what;
    uint64_t id;
    char key[64], value[64];
    size_t len;
    int64_t delta;
    uint32_t ttl_s;
} asked;

static int note(char what, uint64_t id, const char *key)
{
    asked.calls++;
    asked.what = what;
    asked.id = id;
    slice_clean(slice_of(key), false, asked.key, sizeof asked.key);
    return asked.returns;
}

static int on_get(void *user, uint64_t id, const char *key)
{
    asked.wrong |= user != &asked;
    return note('g', id, key);
}

static int on_put(void *user, uint64_t id, const char *key, const void *value, size_t len,
                  uint32_t ttl_s)
{
    asked.wrong |= user != &asked;
    if (len > 0 && len <= sizeof asked.value)
        memcpy(asked.value, value, len);
    asked.len = len;
    asked.ttl_s = ttl_s;
    return note('p', id, key);
}

static int on_add(void *user, uint64_t id, const char *key, int64_t delta, uint32_t ttl_s)
{
    asked.wrong |= user != &asked;
    asked.delta = delta;
    asked.ttl_s = ttl_s;
    return note('a', id, key);
}

static int on_each(void *user, uint64_t id, const char *prefix)
{
    asked.wrong |= user != &asked;
    return note('e', id, prefix);
}

static void on_done(struct ctx_store_op *o)
{
    done += o == &op;
}

static void on_item(struct ctx_store_op *o, const char *key, struct slice value)
{
    ck_assert_ptr_eq(o, &op);
    ck_assert_str_eq(key, "a/1");
    ck_assert(slice_is(value, "one"));
    items++;
}

static void setup(void)
{
    done = items = 0;
    memset(&asked, 0, sizeof asked);
    op = (struct ctx_store_op){.done = on_done, .item = on_item};
    ctx_world_open(&world);
    world.ctx->store = (struct mox_store_ops){.size = sizeof world.ctx->store,
                                              .user = &asked,
                                              .get = on_get,
                                              .put = on_put,
                                              .add = on_add,
                                              .each = on_each};
}

static void teardown(void)
{
    test_fail_alloc(0);
    ck_assert(!asked.wrong);
    store_cancel(&op);
    ctx_world_close(&world);
}

static int get(void)
{
    return store_get(world.ctx, &op, "a/1", TIMEOUT_US);
}

static int answer(int status, const char *value, int64_t number)
{
    return mox_store_done(world.ctx, asked.id, status, value, value == NULL ? 0 : strlen(value),
                          number);
}

static void dispatch(void)
{
    mox_ctx_dispatch(world.ctx);
}

START_TEST(a_value_is_copied_and_comes_with_the_dispatch)
{
    char value[] = "one";

    ck_assert_int_eq(get(), MOX_OK);
    ck_assert_str_eq(asked.key, "a/1");
    ck_assert_int_eq(answer(MOX_OK, value, 0), MOX_OK);
    memset(value, 'x', sizeof value);
    ck_assert_int_eq(answer(MOX_OK, "two", 0), MOX_E_STALE);
    ck_assert_int_eq(done, 0);
    dispatch();
    ck_assert_int_eq(done, 1);
    ck_assert_int_eq(op.status, MOX_OK);
    ck_assert(op.found);
    ck_assert(slice_is(buffer_slice(&op.value), "one"));
    ck_assert_int_eq(answer(MOX_OK, "two", 0), MOX_E_STALE);
    ck_assert_int_eq(mox_ctx_timeout_ms(world.ctx), -1);
}
END_TEST

START_TEST(absent_is_not_empty)
{
    ck_assert_int_eq(get(), MOX_OK);
    ck_assert_int_eq(answer(MOX_OK, NULL, 0), MOX_OK);
    dispatch();
    ck_assert_int_eq(op.status, MOX_OK);
    ck_assert(!op.found);
    ck_assert_int_eq(get(), MOX_OK);
    ck_assert_int_eq(answer(MOX_OK, "", 0), MOX_OK);
    dispatch();
    ck_assert(op.found);
    ck_assert_uint_eq(buffer_slice(&op.value).len, 0);
}
END_TEST

START_TEST(all_ops_pass_on_what_they_were_given)
{
    ck_assert_int_eq(store_put(world.ctx, &op, "k", slice_of("v"), 7, TIMEOUT_US), MOX_OK);
    ck_assert(asked.what == 'p' && asked.len == 1 && asked.value[0] == 'v' && asked.ttl_s == 7);
    answer(MOX_OK, NULL, 0);
    dispatch();
    ck_assert_int_eq(store_add(world.ctx, &op, "n", -3, 9, TIMEOUT_US), MOX_OK);
    ck_assert(asked.what == 'a' && asked.delta == -3 && asked.ttl_s == 9);
    answer(MOX_OK, NULL, -4);
    dispatch();
    ck_assert_int_eq(op.number, -4);
    ck_assert_int_eq(store_each(world.ctx, &op, "a/", TIMEOUT_US), MOX_OK);
    ck_assert(asked.what == 'e' && strcmp(asked.key, "a/") == 0);
    ck_assert_int_eq(mox_store_item(world.ctx, asked.id, "a/1", "one", 3), MOX_OK);
    ck_assert_int_eq(answer(MOX_OK, NULL, 1), MOX_OK);
    ck_assert_int_eq(mox_store_item(world.ctx, asked.id, "a/1", "one", 3), MOX_E_STALE);
    dispatch();
    ck_assert_int_eq(items, 1);
    ck_assert_int_eq(op.number, 1);
    ck_assert_int_eq(done, 3);
}
END_TEST

START_TEST(failures_keep_their_code)
{
    static const struct {
        int returned, answered, status; /* answered 1: nothing is */
    } cases[] = {
        {MOX_OK, MOX_E_STORE, MOX_E_STORE},
        {MOX_OK, MOX_ERRNO(ECONNREFUSED), MOX_ERRNO(ECONNREFUSED)},
        {MOX_OK, 2, MOX_E_CALLBACK}, /* a failure that is none */
        {MOX_E_LIMIT, 1, MOX_E_LIMIT},
        {3, 1, MOX_E_CALLBACK},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        asked.returns = cases[i].returned;
        ck_assert_int_eq(get(), MOX_OK);
        if (cases[i].answered != 1)
            ck_assert_int_eq(answer(cases[i].answered, "x", 0), MOX_OK);
        ck_assert_int_eq(done, (int)i);
        dispatch();
        ck_assert_int_eq(done, (int)i + 1);
        ck_assert_int_eq(op.status, cases[i].status);
        ck_assert(!op.found);
    }
}
END_TEST

START_TEST(a_value_beyond_the_limit_fails)
{
    static char value[MOX_LIMIT_STORE_VALUE + 1];

    ck_assert_int_eq(get(), MOX_OK);
    ck_assert_int_eq(mox_store_done(world.ctx, asked.id, MOX_OK, value, sizeof value, 0), MOX_OK);
    dispatch();
    ck_assert_int_eq(op.status, MOX_E_LIMIT);
    ck_assert_int_eq(get(), MOX_OK);
    ck_assert_int_eq(mox_store_done(world.ctx, asked.id, MOX_OK, value, sizeof value - 1, 0),
                     MOX_OK);
    dispatch();
    ck_assert_int_eq(op.status, MOX_OK);
}
END_TEST

START_TEST(the_deadline_gives_it_up)
{
    ck_assert_int_eq(get(), MOX_OK);
    world.now_us += TIMEOUT_US - 1;
    dispatch();
    ck_assert_int_eq(done, 0);
    world.now_us += 1;
    dispatch();
    ck_assert_int_eq(done, 1);
    ck_assert_int_eq(op.status, MOX_E_TIMEOUT);
    ck_assert_int_eq(answer(MOX_OK, "late", 0), MOX_E_STALE);
    ck_assert_int_eq(mox_store_item(world.ctx, asked.id, "a/1", "one", 3), MOX_E_STALE);
}
END_TEST

START_TEST(without_time_it_is_not_asked)
{
    for (int cancelled = 0; cancelled < 2; cancelled++) {
        ck_assert_int_eq(store_get(world.ctx, &op, "a/1", 0), MOX_OK);
        ck_assert_int_eq(done, 0);
        if (cancelled)
            store_cancel(&op);
        dispatch();
        ck_assert_int_eq(done, !cancelled);
        ck_assert_int_eq(op.status, MOX_E_TIMEOUT);
        done = 0;
    }
    ck_assert_int_eq(asked.calls, 0);
}
END_TEST

START_TEST(cancel_is_silent)
{
    ck_assert_int_eq(get(), MOX_OK);
    store_cancel(&op);
    store_cancel(&op);
    ck_assert_int_eq(answer(MOX_OK, "late", 0), MOX_E_STALE);
    op.done = on_done;
    ck_assert_int_eq(get(), MOX_OK);
    ck_assert_int_eq(answer(MOX_OK, "one", 0), MOX_OK);
    store_cancel(&op); /* answered, not told yet */
    world.now_us += TIMEOUT_US;
    dispatch();
    ck_assert_int_eq(done, 0);
}
END_TEST

START_TEST(a_put_that_is_forgotten_waits_for_nothing)
{
    store_put_and_forget(world.ctx, "k", slice_of("v"), 7);
    ck_assert(asked.calls == 1 && asked.what == 'p' && asked.id != 0 && asked.ttl_s == 7);
    ck_assert_int_eq(answer(MOX_OK, NULL, 0), MOX_E_STALE);
    ck_assert_int_eq(mox_ctx_timeout_ms(world.ctx), -1);
    world.ctx->store.put = NULL;
    store_put_and_forget(world.ctx, "k", slice_of("v"), 7);
    ck_assert_int_eq(asked.calls, 1);
}
END_TEST

START_TEST(an_add_that_is_forgotten_waits_for_nothing)
{
    store_add_and_forget(world.ctx, "k", -3, 7);
    ck_assert(asked.calls == 1 && asked.what == 'a' && asked.id != 0 && asked.ttl_s == 7);
    ck_assert_int_eq(asked.delta, -3);
    ck_assert_int_eq(answer(MOX_OK, NULL, 4), MOX_E_STALE);
    ck_assert_int_eq(mox_ctx_timeout_ms(world.ctx), -1);
    world.ctx->store.add = NULL;
    store_add_and_forget(world.ctx, "k", -3, 7);
    ck_assert_int_eq(asked.calls, 1);
}
END_TEST

START_TEST(what_a_store_lacks_is_said_at_once)
{
    world.ctx->store = (struct mox_store_ops){0};
    ck_assert_int_eq(get(), MOX_E_UNSUPPORTED);
    ck_assert_int_eq(store_put(world.ctx, &op, "k", slice_of("v"), 7, 1), MOX_E_UNSUPPORTED);
    ck_assert_int_eq(store_add(world.ctx, &op, "k", 1, 7, 1), MOX_E_UNSUPPORTED);
    ck_assert_int_eq(store_each(world.ctx, &op, "k", 1), MOX_E_UNSUPPORTED);
    dispatch();
    ck_assert_int_eq(done, 0);
}
END_TEST

START_TEST(no_memory_is_said_at_once_or_by_the_answer)
{
    int started = 0;
    bool failed = true;

    for (long nth = 1; failed; nth++) {
        int status;

        teardown();
        setup();
        test_fail_alloc(nth);
        status = get();
        if (status == MOX_OK && answer(MOX_OK, "one", 0) == MOX_OK)
            dispatch();
        failed = test_alloc_failed();
        test_fail_alloc(0);
        if (status == MOX_OK) {
            started++;
            ck_assert_int_eq(done, 1);
            ck_assert_int_eq(op.status, failed ? MOX_E_NOMEM : MOX_OK);
        } else {
            ck_assert_uint_eq(op.id, 0);
            ck_assert_int_eq(asked.calls, 0);
        }
    }
    ck_assert_int_eq(started, 2); /* the value's own copy failed once */
}
END_TEST

TCase *test_ctx_store(void)
{
    TCase *tc = tcase_create("ctx/store");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_value_is_copied_and_comes_with_the_dispatch);
    tcase_add_test(tc, absent_is_not_empty);
    tcase_add_test(tc, all_ops_pass_on_what_they_were_given);
    tcase_add_test(tc, failures_keep_their_code);
    tcase_add_test(tc, a_value_beyond_the_limit_fails);
    tcase_add_test(tc, the_deadline_gives_it_up);
    tcase_add_test(tc, without_time_it_is_not_asked);
    tcase_add_test(tc, cancel_is_silent);
    tcase_add_test(tc, a_put_that_is_forgotten_waits_for_nothing);
    tcase_add_test(tc, an_add_that_is_forgotten_waits_for_nothing);
    tcase_add_test(tc, what_a_store_lacks_is_said_at_once);
    tcase_add_test(tc, no_memory_is_said_at_once_or_by_the_answer);
    return tc;
}
