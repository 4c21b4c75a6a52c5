/* test_ctx_op.c - operations: told once, or never after a cancel; pending; the orderly end. */
#include <string.h>

#include "ctx_world.h"
#include "test.h"

static struct ctx_world world;
static struct world_op one, two, three;

static void setup(void)
{
    one = two = three = (struct world_op){.arg = NULL};
    ctx_world_open(&world);
}

static void teardown(void)
{
    test_fail_alloc(0);
    ctx_world_close(&world);
}

static void look_at_itself(struct world_op *op)
{
    mox_op_id id = *(mox_op_id *)op->arg;

    ck_assert_int_eq(mox_op_cancel(world.ctx, id), MOX_E_STALE); /* it has ended */
    ck_assert_int_eq(mox_ctx_pending(world.ctx), 1);             /* two is in flight */
}

START_TEST(it_ends_when_its_callback_is_entered)
{
    mox_op_id id = world_op_start(&world, &one);

    world_op_start(&world, &two);
    one.on_finish = look_at_itself;
    one.arg = &id;
    ck_assert_int_eq(mox_ctx_pending(world.ctx), 2);
    ctx_op_complete(&one.op);
    ck_assert_int_eq(one.finished, 0); /* not inside the call */
    ck_assert_int_eq(mox_ctx_pending(world.ctx), 2);
    ck_assert_int_eq(mox_ctx_dispatch(world.ctx), 1);
    ck_assert_int_eq(one.finished, 1);
    ck_assert_int_eq(one.cancelled, 0);
    ck_assert_int_eq(mox_op_cancel(world.ctx, id), MOX_E_STALE);
}
END_TEST

START_TEST(a_cancelled_one_is_never_told)
{
    mox_op_id idle = world_op_start(&world, &one), ended = world_op_start(&world, &two);

    ctx_op_complete(&two.op);
    ck_assert_int_eq(mox_op_cancel(world.ctx, idle), MOX_OK);
    ck_assert_int_eq(mox_op_cancel(world.ctx, ended), MOX_OK); /* before its callback */
    ck_assert_int_eq(mox_op_cancel(world.ctx, ended), MOX_E_STALE);
    ck_assert_int_eq(mox_ctx_pending(world.ctx), 0);
    ck_assert_int_eq(mox_ctx_dispatch(world.ctx), 0);
    ck_assert_int_eq(one.finished + two.finished, 0);
    ck_assert_int_eq(one.cancelled, 1);
    ck_assert_int_eq(two.cancelled, 1);
}
END_TEST

START_TEST(to_cancel_nothing_is_harmless)
{
    uint64_t query = ctx_id_new(world.ctx, CTX_QUERY, &one);

    ck_assert_int_eq(mox_op_cancel(world.ctx, 0), MOX_E_STALE);
    ck_assert_int_eq(mox_op_cancel(world.ctx, UINT64_MAX), MOX_E_STALE);
    ck_assert_int_eq(mox_op_cancel(world.ctx, query), MOX_E_STALE); /* it names no operation */
}
END_TEST

static void cancel_other(struct world_op *op)
{
    ck_assert_int_eq(mox_op_cancel(world.ctx, *(mox_op_id *)op->arg), MOX_OK);
}

START_TEST(one_that_is_due_may_be_cancelled_by_a_callback_before_it)
{
    mox_op_id id;

    world_op_start(&world, &one);
    id = world_op_start(&world, &two);
    one.on_finish = cancel_other;
    one.arg = &id;
    ctx_op_complete(&one.op);
    ctx_op_complete(&two.op);
    ck_assert_int_eq(mox_ctx_dispatch(world.ctx), 1);
    ck_assert_int_eq(two.finished, 0);
    ck_assert_int_eq(two.cancelled, 1);
}
END_TEST

static void start_other(struct world_op *op)
{
    world_op_start(&world, op->arg);
    ctx_op_complete(&((struct world_op *)op->arg)->op);
    ck_assert_int_eq(((struct world_op *)op->arg)->finished, 0);
}

START_TEST(one_that_a_callback_starts_is_told_in_the_same_dispatch)
{
    world_op_start(&world, &one);
    one.on_finish = start_other;
    one.arg = &two;
    ctx_op_complete(&one.op);
    ck_assert_int_eq(mox_ctx_dispatch(world.ctx), 2);
    ck_assert_int_eq(two.finished, 1);
}
END_TEST

START_TEST(shutdown_ends_all_with_their_callbacks_and_starts_none)
{
    struct mox_error err;
    int timers;

    world_op_start(&world, &one);
    world_op_start(&world, &two);
    timers = world.timers;
    ck_assert_int_eq(mox_ctx_shutdown(world.ctx, 1000), MOX_OK);
    ck_assert_int_eq(world.timers, timers + 1); /* a push-mode host dispatches soon */
    ck_assert_int_eq(world.timer_us, 0);
    ck_assert_int_eq(one.shut_down + two.shut_down, 2);
    ck_assert_int_eq(mox_ctx_pending(world.ctx), 2);
    ck_assert_uint_eq(ctx_op_start(world.ctx, &three.op, &world_op_class, &err), 0);
    ck_assert_int_eq(err.code, MOX_E_SHUTDOWN);
    ck_assert_int_eq(mox_ctx_dispatch(world.ctx), 2);
    ck_assert_int_eq(one.finished + two.finished, 2);
    ck_assert_int_eq(mox_ctx_pending(world.ctx), 0);
    ck_assert_int_eq(mox_ctx_shutdown(world.ctx, 0), MOX_OK);
}
END_TEST

START_TEST(free_cancels_all_in_silence)
{
    world_op_start(&world, &one);
    world_op_start(&world, &two);
    ctx_op_complete(&two.op);
    ctx_world_close(&world);
    ck_assert_int_eq(one.finished + two.finished + one.shut_down + two.shut_down, 0);
    ck_assert_int_eq(one.cancelled, 1);
    ck_assert_int_eq(two.cancelled, 1);
    mox_ctx_free(NULL);
}
END_TEST

START_TEST(no_memory_starts_nothing)
{
    struct mox_error err;

    test_fail_alloc(1);
    ck_assert_uint_eq(ctx_op_start(world.ctx, &one.op, &world_op_class, &err), 0);
    ck_assert(test_alloc_failed());
    ck_assert_int_eq(err.code, MOX_E_NOMEM);
    ck_assert_int_eq(mox_ctx_pending(world.ctx), 0);
    ctx_op_drop(&one.op); /* harmless for one that never began */
    ck_assert_int_eq(mox_ctx_pending(world.ctx), 0);
}
END_TEST

TCase *test_ctx_op(void)
{
    TCase *tc = tcase_create("ctx/op");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, it_ends_when_its_callback_is_entered);
    tcase_add_test(tc, a_cancelled_one_is_never_told);
    tcase_add_test(tc, to_cancel_nothing_is_harmless);
    tcase_add_test(tc, one_that_is_due_may_be_cancelled_by_a_callback_before_it);
    tcase_add_test(tc, one_that_a_callback_starts_is_told_in_the_same_dispatch);
    tcase_add_test(tc, shutdown_ends_all_with_their_callbacks_and_starts_none);
    tcase_add_test(tc, free_cancels_all_in_silence);
    tcase_add_test(tc, no_memory_starts_nothing);
    return tc;
}
