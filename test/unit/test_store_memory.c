/*
 * test_store_memory.c - the default store: what is put has its time and its bounds. What every
 * store does is in test/store.
 */
#include "store/memory.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "ctx/store.h"
#include "ctx_world.h"
#include "test.h"

enum { US_PER_S = 1000000 };

static struct ctx_world world;
static struct memory_store *store;
static struct ctx_store_op op;
static struct buffer listed; /* what each told: "key=value " */

static void on_done(struct ctx_store_op *o)
{
    (void)o;
}

static void on_item(struct ctx_store_op *o, const char *key, struct slice value)
{
    (void)o;
    buffer_append_text(&listed, key);
    buffer_append_text(&listed, "=");
    buffer_append(&listed, value.ptr, value.len);
    buffer_append_text(&listed, " ");
}

static void setup(void)
{
    ctx_world_open(&world);
    store = memory_store_new(&world.ctx->sys);
    ck_assert_ptr_nonnull(store);
    world.ctx->store = *memory_store_ops(store);
    memory_store_attach(store, world.ctx);
    op = (struct ctx_store_op){.done = on_done, .item = on_item};
}

static void teardown(void)
{
    test_fail_alloc(0);
    store_cancel(&op);
    buffer_free(&listed);
    ctx_world_close(&world);
    memory_store_free(store);
}

/* Each helper asks, and waits for the answer: it is there with the next dispatch. */
static int wait_for(int started)
{
    ck_assert_int_eq(started, MOX_OK);
    mox_ctx_dispatch(world.ctx);
    ck_assert_uint_eq(op.id, 0);
    return op.status;
}

static int put(const char *key, const char *value, uint32_t ttl_s)
{
    store_cancel(&op);
    return wait_for(store_put(world.ctx, &op, key, slice_of(value), ttl_s, 1));
}

static int add(const char *key, int64_t delta, uint32_t ttl_s)
{
    store_cancel(&op);
    return wait_for(store_add(world.ctx, &op, key, delta, ttl_s, 1));
}

/* NULL: it is not there. Valid until the next call. */
static const char *get(const char *key)
{
    static char text[64];

    store_cancel(&op);
    ck_assert_int_eq(wait_for(store_get(world.ctx, &op, key, 1)), MOX_OK);
    slice_clean(buffer_slice(&op.value), false, text, sizeof text);
    return op.found ? text : NULL;
}

static const char *each(const char *prefix)
{
    store_cancel(&op);
    buffer_free(&listed);
    ck_assert_int_eq(wait_for(store_each(world.ctx, &op, prefix, 1)), MOX_OK);
    ck_assert_int_eq(buffer_append(&listed, "", 1), MOX_OK);
    return buffer_slice(&listed).ptr;
}

START_TEST(a_value_has_its_time)
{
    put("a", "1", 10);
    put("b", "2", 0);
    world.now_us += 10LL * US_PER_S - 1;
    ck_assert_str_eq(get("a"), "1");
    ck_assert_str_eq(each(""), "a=1 b=2 ");
    world.now_us += 1;
    ck_assert_str_eq(each(""), "b=2 ");
    ck_assert_int_eq(op.number, 1);
    ck_assert_ptr_null(get("a"));
    put("a", "3", 10);
    world.now_us += 9LL * US_PER_S;
    put("a", "4", 10); /* a put begins it anew */
    world.now_us += 9LL * US_PER_S;
    ck_assert_str_eq(get("a"), "4");
    world.now_us += 1000000LL * US_PER_S;
    ck_assert_str_eq(get("b"), "2");
}
END_TEST

START_TEST(numbers_add_up)
{
    ck_assert_int_eq(add("n", 5, 10), MOX_OK);
    ck_assert_int_eq(op.number, 5);
    world.now_us += 9LL * US_PER_S;
    ck_assert_int_eq(add("n", -7, 10), MOX_OK); /* its time is that of the first */
    ck_assert_int_eq(op.number, -2);
    ck_assert_str_eq(get("n"), "-2");
    world.now_us += US_PER_S;
    ck_assert_int_eq(add("n", 1, 10), MOX_OK);
    ck_assert_int_eq(op.number, 1);
}
END_TEST

START_TEST(what_is_no_number_and_what_is_too_large_fail)
{
    put("t", "text", 0);
    ck_assert_int_eq(add("t", 1, 0), MOX_E_STORE);
    ck_assert_str_eq(get("t"), "text");
    ck_assert_int_eq(add("n", INT64_MAX, 0), MOX_OK);
    ck_assert_int_eq(add("n", 1, 0), MOX_E_STORE);
    ck_assert_str_eq(get("n"), "9223372036854775807");
    ck_assert_int_eq(add("m", -INT64_MAX, 0), MOX_OK);
    ck_assert_int_eq(add("m", -1, 0), MOX_E_STORE);
    ck_assert_int_eq(add("m", INT64_MAX, 0), MOX_OK);
    ck_assert_int_eq(op.number, 0);
}
END_TEST

START_TEST(each_is_in_order_and_by_prefix)
{
    static const char *const keys[] = {"b/2", "a", "b/1", "b", "c/1", "b/10", "b0"};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        put(keys[i], "x", 0);
    ck_assert_str_eq(each("b/"), "b/1=x b/10=x b/2=x ");
    ck_assert_int_eq(op.number, 3);
    ck_assert_str_eq(each("d"), "");
    ck_assert_int_eq(op.number, 0);
    each("");
    ck_assert_int_eq(op.number, (int)ARRAY_LEN(keys));
}
END_TEST

START_TEST(over_the_number_of_entries_the_least_used_goes)
{
    char key[32];

    for (int i = 0; i < MOX_LIMIT_MEMORY_ENTRIES; i++) {
        snprintf(key, sizeof key, "k/%d", i * 7919 % MOX_LIMIT_MEMORY_ENTRIES);
        put(key, "x", 0);
    }
    each("k/");
    ck_assert_int_eq(op.number, MOX_LIMIT_MEMORY_ENTRIES);
    ck_assert_ptr_nonnull(get("k/0")); /* the first put, so it would go next */
    put("new", "x", 0);
    ck_assert_ptr_nonnull(get("k/0"));
    ck_assert_ptr_null(get("k/7919"));
    ck_assert_ptr_nonnull(get("new"));
    ck_assert_int_eq(add("number", 1, 0), MOX_OK);
    each("");
    ck_assert_int_eq(op.number, MOX_LIMIT_MEMORY_ENTRIES);
}
END_TEST

START_TEST(over_the_number_of_bytes_the_least_used_go)
{
    static char large[MOX_LIMIT_STORE_VALUE];
    int n = MOX_LIMIT_MEMORY_BYTES / MOX_LIMIT_STORE_VALUE;
    char key[32];

    for (int i = 0; i < 2 * n; i++) {
        snprintf(key, sizeof key, "k/%03d", i);
        store_cancel(&op);
        wait_for(store_put(world.ctx, &op, key, (struct slice){large, sizeof large}, 0, 1));
        ck_assert_int_eq(op.status, MOX_OK);
    }
    each("k/");
    ck_assert_int_eq(op.number, n - 1); /* the keys take room too */
    ck_assert_ptr_null(get("k/000"));
    snprintf(key, sizeof key, "k/%03d", 2 * n - 1);
    ck_assert_ptr_nonnull(get(key));
}
END_TEST

START_TEST(what_no_context_asks_for_is_refused)
{
    static char key[MOX_LIMIT_STORE_KEY + 2], large[MOX_LIMIT_STORE_VALUE + 1];
    const struct mox_store_ops *ops = memory_store_ops(store);

    memset(key, 'k', sizeof key - 1);
    ck_assert_int_eq(ops->put(ops->user, 1, key, "v", 1, 0), MOX_E_LIMIT);
    ck_assert_int_eq(ops->add(ops->user, 1, key, 1, 0), MOX_E_LIMIT);
    ck_assert_int_eq(ops->put(ops->user, 1, "k", large, sizeof large, 0), MOX_E_LIMIT);
    key[MOX_LIMIT_STORE_KEY] = '\0';
    ck_assert_int_eq(put(key, "v", 0), MOX_OK);
    ck_assert_str_eq(get(key), "v");
}
END_TEST

static int no_random(void *user, void *buf, size_t len)
{
    (void)user;
    (void)buf;
    (void)len;
    return MOX_E_OS;
}

START_TEST(it_works_without_randomness)
{
    struct mox_sys_ops sys = world.ctx->sys;
    char key[32];

    sys.random = no_random;
    memory_store_free(store);
    store = memory_store_new(&sys);
    memory_store_attach(store, world.ctx);
    world.ctx->store = *memory_store_ops(store);
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "%d", i);
        ck_assert_int_eq(put(key, key, 0), MOX_OK);
    }
    ck_assert_str_eq(get("999"), "999");
}
END_TEST

/* Whatever fails, each key has its old value or its new one. */
START_TEST(no_memory_leaves_what_was)
{
    bool failed = true;

    for (long nth = 1; failed; nth++) {
        const char *a, *b;

        teardown();
        setup();
        put("a", "1", 0);
        store_cancel(&op);
        test_fail_alloc(nth);
        store_put_and_forget(world.ctx, "a", slice_of("2"), 0);
        store_put_and_forget(world.ctx, "b", slice_of("2"), 0);
        failed = test_alloc_failed();
        test_fail_alloc(0);
        a = get("a");
        ck_assert_ptr_nonnull(a);
        ck_assert(strcmp(a, nth > 1 ? "2" : "1") == 0);
        b = get("b");
        ck_assert(b == NULL || strcmp(b, "2") == 0);
        ck_assert_msg((b != NULL) == (!failed || nth == 1), "b, %ld", nth);
    }
    test_fail_alloc(1);
    ck_assert_ptr_null(memory_store_new(&world.ctx->sys));
    test_fail_alloc(0);
    memory_store_free(NULL);
}
END_TEST

TCase *test_store_memory(void)
{
    TCase *tc = tcase_create("store/memory");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_value_has_its_time);
    tcase_add_test(tc, numbers_add_up);
    tcase_add_test(tc, what_is_no_number_and_what_is_too_large_fail);
    tcase_add_test(tc, each_is_in_order_and_by_prefix);
    tcase_add_test(tc, over_the_number_of_entries_the_least_used_goes);
    tcase_add_test(tc, over_the_number_of_bytes_the_least_used_go);
    tcase_add_test(tc, what_no_context_asks_for_is_refused);
    tcase_add_test(tc, it_works_without_randomness);
    tcase_add_test(tc, no_memory_leaves_what_was);
    return tc;
}
