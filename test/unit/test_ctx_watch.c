/* test_ctx_watch.c - descriptors and timers of others: replaced, ended, and never called after. */
#include "ctx/watch.h"

#include <errno.h>

#include "base/limits.h"
#include "ctx_world.h"
#include "test.h"

static struct ctx_world world;

struct seen {
    int calls, events;
    intptr_t fd;
};

static struct seen first, second;

static void on_ready(void *arg, intptr_t fd, int events)
{
    struct seen *seen = arg;

    seen->calls++;
    seen->fd = fd;
    seen->events = events;
}

static int watch(intptr_t fd, int events, struct seen *seen)
{
    return mox_ctx_watch(world.ctx, fd, events, on_ready, seen);
}

static void setup(void)
{
    first = second = (struct seen){0};
    ctx_world_open(&world);
}

static void teardown(void)
{
    test_fail_alloc(0);
    ctx_world_close(&world);
}

START_TEST(readiness_comes_with_the_dispatch)
{
    ck_assert_int_eq(watch(5, MOX_READ | MOX_WRITE, &first), MOX_OK);
    ck_assert_int_eq(world.watches, 1);
    ck_assert_int_eq((int)world.watch_fd, 5);
    ck_assert_int_eq(world.watch_events, MOX_READ | MOX_WRITE);
    ck_assert_int_eq(mox_ctx_ready(world.ctx, 5, MOX_READ), MOX_OK);
    ck_assert_int_eq(mox_ctx_ready(world.ctx, 5, MOX_WRITE), MOX_OK);
    ck_assert_int_eq(first.calls, 0);
    ck_assert_int_eq(mox_ctx_dispatch(world.ctx), 0); /* no callback of a host */
    ck_assert_int_eq(first.calls, 1);
    ck_assert_int_eq(first.events, MOX_READ | MOX_WRITE);
    ck_assert_int_eq((int)first.fd, 5);
    ck_assert_int_eq(mox_ctx_ready(world.ctx, 5, MOX_READ), MOX_OK); /* each time */
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(first.calls, 2);
    ck_assert_int_eq(first.events, MOX_READ);
}
END_TEST

START_TEST(what_is_not_watched_is_stale)
{
    static const intptr_t strange[] = {-1, 4, 6, 100000, INTPTR_MAX};

    ck_assert_int_eq(watch(5, MOX_READ, &first), MOX_OK);
    for (size_t i = 0; i < ARRAY_LEN(strange); i++)
        ck_assert_int_eq(mox_ctx_ready(world.ctx, strange[i], MOX_READ), MOX_E_STALE);
    ck_assert_int_eq(watch(4, 0, NULL), MOX_OK); /* to end what never was */
    ck_assert_int_eq(watch(-1, 0, NULL), MOX_OK);
    ck_assert_int_eq(world.watches, 1);
}
END_TEST

START_TEST(a_new_interest_replaces_the_old)
{
    ck_assert_int_eq(watch(5, MOX_READ, &first), MOX_OK);
    ck_assert_int_eq(watch(5, MOX_READ, &second), MOX_OK);
    ck_assert_int_eq(world.watches, 1); /* for the loop nothing has changed */
    ck_assert_int_eq(mox_ctx_ready(world.ctx, 5, MOX_READ), MOX_OK);
    ck_assert_int_eq(watch(5, MOX_WRITE, &second), MOX_OK);
    ck_assert_int_eq(world.watches, 2);
    ck_assert_int_eq(world.watch_events, MOX_WRITE);
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(first.calls, 0);
    ck_assert_int_eq(second.calls, 1);
}
END_TEST

START_TEST(an_ended_interest_is_never_told)
{
    ck_assert_int_eq(watch(5, MOX_READ, &first), MOX_OK);
    ck_assert_int_eq(mox_ctx_ready(world.ctx, 5, MOX_READ), MOX_OK);
    ck_assert_int_eq(watch(5, 0, NULL), MOX_OK);
    ck_assert_int_eq(world.watches, 2);
    ck_assert_int_eq(world.watch_events, 0);
    ck_assert_int_eq(watch(5, 0, NULL), MOX_OK);
    ck_assert_int_eq(world.watches, 2);
    ck_assert_int_eq(mox_ctx_ready(world.ctx, 5, MOX_READ), MOX_E_STALE);
    ck_assert_int_eq(watch(5, MOX_READ, &second), MOX_OK); /* the number comes back */
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(first.calls + second.calls, 0);
}
END_TEST

static void end_both(void *arg, intptr_t fd, int events)
{
    on_ready(arg, fd, events);
    ck_assert_int_eq(watch(5, 0, NULL), MOX_OK);
    ck_assert_int_eq(watch(6, 0, NULL), MOX_OK);
}

START_TEST(it_may_be_ended_in_a_call_of_its_own_or_anothers)
{
    ck_assert_int_eq(mox_ctx_watch(world.ctx, 5, MOX_READ, end_both, &first), MOX_OK);
    ck_assert_int_eq(mox_ctx_watch(world.ctx, 6, MOX_READ, end_both, &second), MOX_OK);
    ck_assert_int_eq(mox_ctx_ready(world.ctx, 6, MOX_READ), MOX_OK);
    ck_assert_int_eq(mox_ctx_ready(world.ctx, 5, MOX_READ), MOX_OK);
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(second.calls, 1);
    ck_assert_int_eq(first.calls, 0);
}
END_TEST

START_TEST(a_loop_that_refuses_leaves_the_old_interest)
{
    world.watch_status = MOX_ERRNO(EPERM);
    ck_assert_int_eq(watch(5, MOX_READ, &first), MOX_ERRNO(EPERM));
    ck_assert_int_eq(mox_ctx_ready(world.ctx, 5, MOX_READ), MOX_E_STALE);
    world.watch_status = MOX_OK;
    ck_assert_int_eq(watch(5, MOX_READ, &first), MOX_OK);
    world.watch_status = MOX_ERRNO(EPERM);
    ck_assert_int_eq(watch(5, MOX_WRITE, &second), MOX_ERRNO(EPERM));
    ck_assert_int_eq(mox_ctx_ready(world.ctx, 5, MOX_READ), MOX_OK);
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(first.calls, 1); /* whoever failed to replace it is not called */
    ck_assert_int_eq(second.calls, 0);
}
END_TEST

START_TEST(no_memory_or_no_descriptor)
{
    ck_assert_int_eq(watch(-1, MOX_READ, &first), MOX_E_NOMEM);
    ck_assert_int_eq(watch(MOX_LIMIT_DESCRIPTORS, MOX_READ, &first), MOX_E_NOMEM);
    for (long nth = 1; nth <= 2; nth++) {
        test_fail_alloc(nth);
        ck_assert_int_eq(watch(500, MOX_READ, &first), MOX_E_NOMEM);
        ck_assert(test_alloc_failed());
        ck_assert_int_eq(mox_ctx_ready(world.ctx, 500, MOX_READ), MOX_E_STALE);
    }
    test_fail_alloc(0);
    ck_assert_int_eq(watch(500, MOX_READ, &first), MOX_OK);
    ck_assert_int_eq(world.watches, 1);
    test_fail_alloc(1);
    ck_assert_int_eq(mox_ctx_timer(world.ctx, 10, on_ready, &first), MOX_E_NOMEM);
    test_fail_alloc(0);
    ck_assert_int_eq(mox_ctx_timeout_ms(world.ctx), -1);
}
END_TEST

START_TEST(many_descriptors)
{
    for (intptr_t fd = 0; fd < 1000; fd++)
        ck_assert_int_eq(watch(fd, MOX_READ, fd % 2 == 0 ? &first : &second), MOX_OK);
    for (intptr_t fd = 0; fd < 1000; fd++)
        ck_assert_int_eq(mox_ctx_ready(world.ctx, fd, MOX_READ), MOX_OK);
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(first.calls, 500);
    ck_assert_int_eq(second.calls, 500);
}
END_TEST

START_TEST(a_forked_child_tells_the_parents_loop_nothing)
{
    ck_assert_int_eq(watch(5, MOX_READ, &first), MOX_OK);
    world.ctx->forked = true; /* as mox_ctx_free sets it there */
    ck_assert_int_eq(watch(5, 0, NULL), MOX_OK);
    ck_assert_int_eq(world.watches, 1);
}
END_TEST

START_TEST(the_loop_forgets_all_when_the_context_ends)
{
    ck_assert_int_eq(watch(5, MOX_READ, &first), MOX_OK);
    ck_assert_int_eq(watch(6, MOX_READ, &second), MOX_OK);
    ck_assert_int_eq(watch(5, 0, NULL), MOX_OK);
    ck_assert_int_eq(world.watches, 3);
    mox_ctx_free(world.ctx);
    world.ctx = NULL;
    ck_assert_int_eq(world.watches, 4); /* 6, for its owner closes it when the context is gone */
    ck_assert_int_eq((int)world.watch_fd, 6);
    ck_assert_int_eq(world.watch_events, 0);
}
END_TEST

START_TEST(a_timer_runs_out_once)
{
    ck_assert_int_eq(mox_ctx_timer(world.ctx, 1000, on_ready, &first), MOX_OK);
    ck_assert_int_eq(mox_ctx_timeout_ms(world.ctx), 1);
    world.now_us += 999;
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(first.calls, 0);
    world.now_us += 1;
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(first.calls, 1);
    ck_assert_int_eq((int)first.fd, -1);
    ck_assert_int_eq(first.events, 0);
    world.now_us += 5000;
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(first.calls, 1);
}
END_TEST

static void other_fn(void *arg, intptr_t fd, int events)
{
    on_ready(arg, fd, events);
    ((struct seen *)arg)->calls += 100;
}

START_TEST(there_is_one_timer_for_each_arg)
{
    ck_assert_int_eq(mox_ctx_timer(world.ctx, 1000, on_ready, &first), MOX_OK);
    ck_assert_int_eq(mox_ctx_timer(world.ctx, 2000, other_fn, &first), MOX_OK);
    ck_assert_int_eq(mox_ctx_timer(world.ctx, 1500, on_ready, &second), MOX_OK);
    world.now_us += 1999;
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(first.calls, 0);
    ck_assert_int_eq(second.calls, 1);
    world.now_us += 1;
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(first.calls, 101);
}
END_TEST

START_TEST(a_timer_that_was_ended_never_runs)
{
    ck_assert_int_eq(mox_ctx_timer(world.ctx, -1, on_ready, &first), MOX_OK);
    ck_assert_int_eq(mox_ctx_timer(world.ctx, 1000, on_ready, &first), MOX_OK);
    ck_assert_int_eq(mox_ctx_timer(world.ctx, -1, NULL, &first), MOX_OK);
    ck_assert_int_eq(mox_ctx_timer(world.ctx, INT64_MAX, on_ready, &second), MOX_OK);
    ck_assert_int_ge(mox_ctx_timeout_ms(world.ctx), 0);
    world.now_us += 100000000;
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(first.calls + second.calls, 0);
}
END_TEST

TCase *test_ctx_watch(void)
{
    TCase *tc = tcase_create("ctx/watch");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, readiness_comes_with_the_dispatch);
    tcase_add_test(tc, what_is_not_watched_is_stale);
    tcase_add_test(tc, a_new_interest_replaces_the_old);
    tcase_add_test(tc, an_ended_interest_is_never_told);
    tcase_add_test(tc, it_may_be_ended_in_a_call_of_its_own_or_anothers);
    tcase_add_test(tc, a_loop_that_refuses_leaves_the_old_interest);
    tcase_add_test(tc, no_memory_or_no_descriptor);
    tcase_add_test(tc, many_descriptors);
    tcase_add_test(tc, a_forked_child_tells_the_parents_loop_nothing);
    tcase_add_test(tc, the_loop_forgets_all_when_the_context_ends);
    tcase_add_test(tc, a_timer_runs_out_once);
    tcase_add_test(tc, there_is_one_timer_for_each_arg);
    tcase_add_test(tc, a_timer_that_was_ended_never_runs);
    return tc;
}
