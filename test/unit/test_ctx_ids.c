/* test_ctx_ids.c - ids name one thing, for one time. */
#include "base/limits.h"
#include "ctx_world.h"
#include "test.h"

enum { MANY = 3000 };

static struct ctx_world world;
static int things[MANY];
static uint64_t ids[MANY];

static void setup(void)
{
    ctx_world_open(&world);
}

static void teardown(void)
{
    test_fail_alloc(0);
    ctx_world_close(&world);
}

START_TEST(names_its_object_under_its_kind_alone)
{
    uint64_t id = ctx_id_new(world.ctx, CTX_QUERY, &things[0]);

    ck_assert_uint_ne(id, 0);
    ck_assert_ptr_eq(ctx_id_find(world.ctx, id, CTX_QUERY), &things[0]);
    ck_assert_ptr_null(ctx_id_find(world.ctx, id, CTX_OP));
    ck_assert_ptr_null(ctx_id_find(world.ctx, id, CTX_SOCKET));
}
END_TEST

START_TEST(never_comes_back)
{
    uint64_t last = 0;

    for (int i = 0; i < MANY; i++) {
        uint64_t id = ctx_id_new(world.ctx, CTX_OP, &things[0]);

        ck_assert_uint_gt(id, last); /* though the slot is the same each time */
        ck_assert_ptr_null(ctx_id_find(world.ctx, last, CTX_OP));
        ctx_id_end(world.ctx, id);
        ck_assert_ptr_null(ctx_id_find(world.ctx, id, CTX_OP));
        last = id;
    }
    ck_assert_uint_eq(world.ctx->ids.len, 1);
}
END_TEST

START_TEST(many_live_side_by_side)
{
    for (int i = 0; i < MANY; i++)
        ids[i] = ctx_id_new(world.ctx, CTX_SOCKET, &things[i]);
    for (int i = 0; i < MANY; i += 2)
        ctx_id_end(world.ctx, ids[i]);
    for (int i = 0; i < MANY; i++)
        ck_assert_ptr_eq(ctx_id_find(world.ctx, ids[i], CTX_SOCKET),
                         i % 2 == 0 ? NULL : (void *)&things[i]);
    for (int i = 0; i < MANY; i += 2)
        ids[i] = ctx_id_new(world.ctx, CTX_SOCKET, &things[i]);
    for (int i = 0; i < MANY; i++)
        ck_assert_ptr_eq(ctx_id_find(world.ctx, ids[i], CTX_SOCKET), &things[i]);
    ck_assert_uint_eq(world.ctx->ids.len, MANY);
}
END_TEST

START_TEST(what_was_never_given_is_nothing)
{
    uint64_t id = ctx_id_new(world.ctx, CTX_OP, &things[0]);
    uint64_t strange[] = {0, 1, UINT64_MAX, id + 1, id + MOX_LIMIT_IDS, id - MOX_LIMIT_IDS};

    for (size_t i = 0; i < ARRAY_LEN(strange); i++) {
        ck_assert_ptr_null(ctx_id_find(world.ctx, strange[i], CTX_OP));
        ctx_id_end(world.ctx, strange[i]);
    }
    ck_assert_ptr_eq(ctx_id_find(world.ctx, id, CTX_OP), &things[0]);
    ctx_id_end(world.ctx, id);
    ctx_id_end(world.ctx, id); /* twice: the list of free slots must not meet itself */
    ck_assert_uint_ne(ctx_id_new(world.ctx, CTX_OP, &things[0]),
                      ctx_id_new(world.ctx, CTX_OP, &things[1]));
    ck_assert_uint_eq(world.ctx->ids.len, 2);
}
END_TEST

START_TEST(no_memory_loses_none)
{
    int n = 0;

    test_fail_alloc(2); /* the first growth succeeds */
    while (!test_alloc_failed())
        ids[n] = ctx_id_new(world.ctx, CTX_OP, &things[n]), n++;
    n--;
    ck_assert_uint_eq(ids[n], 0);
    for (int i = 0; i < n; i++)
        ck_assert_ptr_nonnull(ctx_id_find(world.ctx, ids[i], CTX_OP));
    ck_assert_uint_ne(ctx_id_new(world.ctx, CTX_OP, &things[n]), 0);
}
END_TEST

TCase *test_ctx_ids(void)
{
    TCase *tc = tcase_create("ctx/ids");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, names_its_object_under_its_kind_alone);
    tcase_add_test(tc, never_comes_back);
    tcase_add_test(tc, many_live_side_by_side);
    tcase_add_test(tc, what_was_never_given_is_nothing);
    tcase_add_test(tc, no_memory_loses_none);
    return tc;
}
