/* test_ctx_dispatch.c - events and timers, their order, and who is told of deadlines. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

#include "base/limits.h"
#include "ctx_world.h"
#include "test.h"

static struct ctx_world world;
static char trace[MOX_LIMIT_EVENTS + 64]; /* the names of what ran, in order */

struct item {
    union {
        struct ctx_event event;
        struct ctx_timer timer;
    };
    char name;
    void (*then)(struct item *item);
};

static void note(struct item *item)
{
    size_t len = strlen(trace);

    if (len + 1 < sizeof trace)
        trace[len] = item->name;
    if (item->then != NULL)
        item->then(item);
}

static void run_event(struct ctx_event *event)
{
    note((struct item *)event);
}

static void run_timer(struct ctx_event *event)
{
    note((struct item *)((char *)event - offsetof(struct ctx_timer, event)));
}

static struct item an_event(char name)
{
    return (struct item){.event.run = run_event, .name = name};
}

static struct item a_timer(char name)
{
    return (struct item){.timer.event.run = run_timer, .name = name};
}

static void set_timer(struct item *item, int64_t in_us)
{
    ck_assert_int_eq(ctx_timer_set(world.ctx, &item->timer, (uint64_t)(WORLD_START_US + in_us)),
                     MOX_OK);
}

static void setup(void)
{
    memset(trace, 0, sizeof trace);
    ctx_world_open(&world);
}

static void teardown(void)
{
    ctx_world_close(&world);
}

START_TEST(events_run_once_and_in_order)
{
    struct item a = an_event('a'), b = an_event('b'), c = an_event('c'), d = an_event('d');

    ctx_event_queue(world.ctx, &a.event);
    ctx_event_queue(world.ctx, &b.event);
    ctx_event_queue(world.ctx, &a.event);
    ctx_event_queue(world.ctx, &c.event);
    ctx_event_queue(world.ctx, &d.event);
    ctx_event_drop(&c.event);
    ctx_event_drop(&c.event);
    ck_assert_str_eq(trace, ""); /* to queue is not to run */
    ck_assert_int_eq(mox_ctx_dispatch(world.ctx), 0);
    ck_assert_str_eq(trace, "abd");
    mox_ctx_dispatch(world.ctx);
    ck_assert_str_eq(trace, "abd");
}
END_TEST

static void queue_again(struct item *item)
{
    ctx_event_queue(world.ctx, &item->event);
}

START_TEST(a_dispatch_ends_though_events_do_not)
{
    struct item a = an_event('a'), b = an_event('b');

    a.then = queue_again;
    ctx_event_queue(world.ctx, &a.event);
    ctx_event_queue(world.ctx, &b.event);
    mox_ctx_dispatch(world.ctx);
    ck_assert_uint_eq(strlen(trace), MOX_LIMIT_EVENTS);
    ck_assert_int_eq(strncmp(trace, "abaa", 4), 0);
    ck_assert_int_eq(mox_ctx_timeout_ms(world.ctx), 0); /* the rest wants a turn at once */
    ck_assert_int_eq(world.timer_us, 0);
    ctx_event_drop(&a.event);
}
END_TEST

START_TEST(timers_run_when_due_in_order_of_deadline)
{
    struct item a = a_timer('a'), b = a_timer('b'), c = a_timer('c'), d = a_timer('d');

    set_timer(&a, 30);
    set_timer(&b, 10);
    set_timer(&c, 10);
    set_timer(&d, 50);
    set_timer(&d, 20); /* moved */
    world.now_us += 9;
    mox_ctx_dispatch(world.ctx);
    ck_assert_str_eq(trace, "");
    world.now_us += 1;
    mox_ctx_dispatch(world.ctx);
    ck_assert_str_eq(trace, "bc");
    ctx_timer_clear(world.ctx, &a.timer);
    ctx_timer_clear(world.ctx, &a.timer);
    world.now_us += 100;
    mox_ctx_dispatch(world.ctx);
    ck_assert_str_eq(trace, "bcd");
    set_timer(&a, 0); /* long ago: due at once */
    set_timer(&b, 1);
    ck_assert_int_eq(ctx_timer_set(world.ctx, &b.timer, UINT64_MAX), MOX_OK); /* clears it */
    mox_ctx_dispatch(world.ctx);
    ck_assert_str_eq(trace, "bcda");
    ck_assert_int_eq(mox_ctx_timeout_ms(world.ctx), -1);
}
END_TEST

static struct item *victim;

static void clear_victim(struct item *item)
{
    (void)item;
    ctx_timer_clear(world.ctx, &victim->timer);
}

static void set_victim(struct item *item)
{
    (void)item;
    set_timer(victim, 0);
}

START_TEST(a_timer_cleared_when_it_was_due_already_does_not_run)
{
    struct item a = a_timer('a'), b = a_timer('b'), c = a_timer('c');

    victim = &b;
    a.then = clear_victim;
    set_timer(&a, 0);
    set_timer(&b, 0);
    set_timer(&c, 0);
    mox_ctx_dispatch(world.ctx);
    ck_assert_str_eq(trace, "ac");
}
END_TEST

START_TEST(a_timer_set_by_a_timer_waits_its_turn)
{
    struct item a = a_timer('a'), b = a_timer('b');

    victim = &a; /* itself, due at once: it must not spin */
    a.then = set_victim;
    set_timer(&a, 0);
    set_timer(&b, 0);
    mox_ctx_dispatch(world.ctx);
    ck_assert_str_eq(trace, "ab");
    mox_ctx_dispatch(world.ctx);
    ck_assert_str_eq(trace, "aba");
    ctx_timer_clear(world.ctx, &a.timer);
}
END_TEST

START_TEST(timeout_is_rounded_up_and_bounded)
{
    static const struct {
        int64_t in_us;
        int ms;
    } cases[] = {
        {-5, 0},
        {0, 0},
        {1, 1},
        {999, 1},
        {1000, 1},
        {1001, 2},
        {60000000, 60000},
        {INT64_C(1) << 60, INT_MAX},
    };
    struct item a = a_timer('a'), e = an_event('e');

    ck_assert_int_eq(mox_ctx_timeout_ms(world.ctx), -1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        set_timer(&a, cases[i].in_us);
        ck_assert_int_eq(mox_ctx_timeout_ms(world.ctx), cases[i].ms);
    }
    ctx_timer_set(world.ctx, &a.timer, UINT64_MAX - 1);
    ck_assert_int_eq(mox_ctx_timeout_ms(world.ctx), INT_MAX);
    ctx_event_queue(world.ctx, &e.event);
    ck_assert_int_eq(mox_ctx_timeout_ms(world.ctx), 0);
    ctx_event_drop(&e.event);
    ctx_timer_clear(world.ctx, &a.timer);
}
END_TEST

START_TEST(the_hosts_loop_is_told_of_deadlines_that_changed)
{
    struct item a = a_timer('a'), b = a_timer('b');

    ctx_arm(world.ctx);
    ck_assert_int_eq(world.timers, 0); /* there is none, and it knows of none */
    set_timer(&a, 7000);
    ctx_arm(world.ctx);
    ck_assert_int_eq(world.timers, 1);
    ck_assert_int_eq(world.timer_us, 7000);
    world.now_us += 1000;
    ctx_arm(world.ctx);
    set_timer(&b, 9000); /* later than the first */
    ctx_arm(world.ctx);
    ck_assert_int_eq(world.timers, 1);
    set_timer(&b, 3000);
    ctx_arm(world.ctx);
    ck_assert_int_eq(world.timers, 2);
    ck_assert_int_eq(world.timer_us, 2000); /* from now */
    world.now_us += 2000;
    mox_ctx_dispatch(world.ctx);
    ck_assert_str_eq(trace, "b");
    ck_assert_int_eq(world.timers, 3);
    ck_assert_int_eq(world.timer_us, 4000);
    mox_ctx_dispatch(world.ctx); /* the host's one timer may have fired for it: told anew */
    ck_assert_int_eq(world.timers, 4);
    ck_assert_int_eq(world.timer_us, 4000);
    ctx_timer_clear(world.ctx, &a.timer);
    ctx_arm(world.ctx);
    ck_assert_int_eq(world.timers, 5);
    ck_assert_int_eq(world.timer_us, -1);
}
END_TEST

START_TEST(the_hosts_loop_is_told_of_events_at_once)
{
    struct item a = an_event('a');

    ctx_event_queue(world.ctx, &a.event);
    ctx_arm(world.ctx);
    ck_assert_int_eq(world.timers, 1);
    ck_assert_int_eq(world.timer_us, 0);
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(world.timer_us, -1);
}
END_TEST

START_TEST(our_own_loop_is_told_nothing)
{
    struct item a = a_timer('a');

    ctx_world_close(&world);
    ctx_world_open_pull(&world);
    ck_assert_int_eq(mox_ctx_fd(world.ctx), 42);
    set_timer(&a, 1000);
    ctx_arm(world.ctx);
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(world.timers, 0);
    ck_assert_int_eq(world.waits, 1); /* but asked what is ready */
    ck_assert_int_eq(world.wait_us, 0);
    world.wait_status = MOX_ERRNO(EBADF);
    world.now_us += 1000;
    ck_assert_int_eq(mox_ctx_dispatch(world.ctx), MOX_ERRNO(EBADF));
    ck_assert_str_eq(trace, "a"); /* a deadline holds even so */
}
END_TEST

START_TEST(push_mode_has_no_descriptor_and_no_wake_up)
{
    ck_assert_int_eq(mox_ctx_fd(world.ctx), MOX_E_UNSUPPORTED);
    mox_ctx_wakeup(world.ctx);
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(world.waits, 0); /* the host's own loop runs it, not we */
}
END_TEST

START_TEST(wait_sleeps_no_longer_than_asked_nor_past_a_deadline)
{
    static const struct {
        int64_t deadline_us;
        int timeout_ms;
        int64_t wait_us;
    } cases[] = {
        {-1, -1, -1},    {-1, 0, 0},   {-1, 5, 5000}, {2000, -1, 2000},      {2000, 1, 1000},
        {2000, 5, 2000}, {2000, 0, 0}, {0, 5, 0},     {5000, INT_MAX, 5000},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct item a = a_timer('a');

        if (cases[i].deadline_us >= 0)
            ck_assert_int_eq(
                ctx_timer_set(world.ctx, &a.timer, (uint64_t)(world.now_us + cases[i].deadline_us)),
                MOX_OK);
        ck_assert_int_eq(mox_ctx_wait(world.ctx, cases[i].timeout_ms), 0);
        ck_assert_int_eq(world.wait_us, cases[i].wait_us);
        ctx_timer_clear(world.ctx, &a.timer);
    }
}
END_TEST

START_TEST(wait_says_why_it_failed)
{
    struct item a = an_event('a');

    world.wait_status = MOX_ERRNO(EBADF);
    ck_assert_int_eq(mox_ctx_wait(world.ctx, 5), MOX_ERRNO(EBADF));
    world.ctx->loop.wait = NULL;
    ck_assert_int_eq(mox_ctx_wait(world.ctx, 5), MOX_E_UNSUPPORTED);
    ctx_event_queue(world.ctx, &a.event);
    ck_assert_int_eq(mox_ctx_wait(world.ctx, 5), 0); /* there is nothing to wait for */
    ck_assert_str_eq(trace, "a");
}
END_TEST

static int inner[4];

static void dispatch_inside(struct world_op *op)
{
    inner[0] = mox_ctx_dispatch(op->op.ctx);
    inner[1] = mox_ctx_wait(op->op.ctx, 0);
    inner[2] = ctx_may_block(op->op.ctx, NULL);
}

START_TEST(nothing_waits_inside_a_callback)
{
    struct world_op op = {.on_finish = dispatch_inside}, other = {0};
    struct mox_error err;

    world_op_start(&world, &op);
    ck_assert_int_eq(ctx_may_block(world.ctx, &err), MOX_E_BUSY);
    ck_assert_ptr_nonnull(strstr(err.message, "1 operations"));
    world_op_start(&world, &other);
    ctx_op_complete(&op.op);
    ctx_op_complete(&other.op);
    ck_assert_int_eq(mox_ctx_dispatch(world.ctx), 2);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(inner[i], MOX_E_REENTRANT);
    ck_assert_int_eq(ctx_may_block(world.ctx, &err), MOX_OK);
}
END_TEST

START_TEST(dispatch_counts_callbacks_not_events)
{
    struct item a = an_event('a');
    struct world_op ops[3] = {0};

    ctx_event_queue(world.ctx, &a.event);
    for (int i = 0; i < 3; i++) {
        world_op_start(&world, &ops[i]);
        ctx_op_complete(&ops[i].op);
        ctx_op_complete(&ops[i].op);
    }
    ck_assert_int_eq(mox_ctx_wait(world.ctx, 0), 3);
    ck_assert_int_eq(mox_ctx_dispatch(world.ctx), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(ops[i].finished, 1);
}
END_TEST

static int parts_ended;

static void end_part(struct ctx_part *part)
{
    (void)part;
    parts_ended++;
}

static void free_inside(struct world_op *op)
{
    mox_ctx_free(op->op.ctx);
    mox_ctx_free(op->op.ctx); /* twice is once */
    inner[0] = parts_ended;
    inner[1] = mox_ctx_pending(op->op.ctx); /* it is there until the dispatch unwinds */
}

START_TEST(free_inside_a_callback_waits_for_the_dispatch_and_ends_the_callbacks)
{
    struct ctx_part part = {.key = &world, .end = end_part};
    struct world_op op = {.on_finish = free_inside}, done = {0}, idle = {0};
    struct item a = an_event('a');

    parts_ended = 0;
    ctx_part_add(world.ctx, &part);
    ck_assert_ptr_eq(ctx_part_find(world.ctx, &world), &part);
    ck_assert_ptr_null(ctx_part_find(world.ctx, &part));
    world_op_start(&world, &op);
    world_op_start(&world, &done);
    world_op_start(&world, &idle);
    ctx_op_complete(&op.op);
    ctx_op_complete(&done.op);
    ctx_event_queue(world.ctx, &a.event);
    ck_assert_int_eq(mox_ctx_dispatch(world.ctx), 1);
    world.ctx = NULL;
    ck_assert_int_eq(inner[0], 0);
    ck_assert_int_eq(inner[1], 2);
    ck_assert_int_eq(parts_ended, 1);
    ck_assert_int_eq(op.finished, 1);
    ck_assert_int_eq(op.cancelled, 0);
    ck_assert_int_eq(done.finished + idle.finished, 0);
    ck_assert_int_eq(done.cancelled, 1);
    ck_assert_int_eq(idle.cancelled, 1);
    ck_assert_str_eq(trace, "");
}
END_TEST

static bool run_done;

static void end_run(struct item *item)
{
    (void)item;
    run_done = true;
}

START_TEST(run_goes_on_until_it_is_done)
{
    struct item a = a_timer('a'), b = a_timer('b');
    struct mox_error err;

    run_done = true;
    ck_assert_int_eq(ctx_run(world.ctx, &run_done, &err), MOX_OK);
    ck_assert_int_eq(world.waits, 0);
    run_done = false;
    b.then = end_run;
    set_timer(&a, 1000);
    set_timer(&b, 2000);
    ck_assert_int_eq(ctx_run(world.ctx, &run_done, &err), MOX_OK);
    ck_assert_int_eq(world.waits, 2);
    ck_assert_str_eq(trace, "ab");
}
END_TEST

START_TEST(run_says_why_it_cannot)
{
    static const struct {
        int status, code;
    } cases[] = {
        {MOX_ERRNO(EBADF), MOX_E_OS},
        {MOX_E_UNSUPPORTED, MOX_E_UNSUPPORTED},
    };
    struct mox_error err;

    run_done = false;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        world.wait_status = cases[i].status;
        ck_assert_int_eq(ctx_run(world.ctx, &run_done, &err), cases[i].code);
        ck_assert_int_eq(err.code, cases[i].code);
        ck_assert_int_gt((int)strlen(err.message), 10);
    }
    world.ctx->loop.wait = NULL;
    ck_assert_int_eq(ctx_run(world.ctx, &run_done, &err), MOX_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "loop.wait"));
}
END_TEST

START_TEST(no_memory_for_a_timer_is_said_and_it_is_not_set)
{
    struct item a = a_timer('a');

    test_fail_alloc(1);
    ck_assert_int_eq(ctx_timer_set(world.ctx, &a.timer, WORLD_START_US), MOX_E_NOMEM);
    test_fail_alloc(0);
    ck_assert_int_eq(mox_ctx_timeout_ms(world.ctx), -1);
    ck_assert_int_eq(mox_ctx_dispatch(world.ctx), 0);
    ck_assert_str_eq(trace, "");
}
END_TEST

static void *wake_soon(void *arg)
{
    struct pollfd nothing = {.fd = -1};

    poll(&nothing, 1, 20);
    mox_ctx_wakeup(arg);
    return NULL;
}

START_TEST(another_thread_ends_a_wait)
{
    struct mox_ctx *ctx = mox_ctx_new(NULL, NULL);
    pthread_t thread;

    ck_assert_ptr_nonnull(ctx);
    ck_assert_int_eq(pthread_create(&thread, NULL, wake_soon, ctx), 0);
    ck_assert_int_eq(mox_ctx_wait(ctx, -1), 0); /* else it never returns */
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    mox_ctx_free(ctx);
}
END_TEST

START_TEST(a_wake_up_makes_the_descriptor_readable_until_the_dispatch)
{
    struct mox_ctx *ctx = mox_ctx_new(NULL, NULL);
    struct pollfd fd = {.events = POLLIN};

    ck_assert_ptr_nonnull(ctx);
    fd.fd = mox_ctx_fd(ctx);
    if (fd.fd == MOX_E_UNSUPPORTED) { /* a system that has only poll(2) */
        mox_ctx_free(ctx);
        return;
    }
    ck_assert_int_eq(poll(&fd, 1, 0), 0);
    mox_ctx_wakeup(ctx);
    mox_ctx_wakeup(ctx);
    ck_assert_int_eq(poll(&fd, 1, 0), 1);
    ck_assert_int_eq(mox_ctx_dispatch(ctx), 0);
    ck_assert_int_eq(poll(&fd, 1, 0), 0);
    mox_ctx_free(ctx);
}
END_TEST

TCase *test_ctx_dispatch(void)
{
    TCase *tc = tcase_create("ctx/dispatch");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, events_run_once_and_in_order);
    tcase_add_test(tc, a_dispatch_ends_though_events_do_not);
    tcase_add_test(tc, timers_run_when_due_in_order_of_deadline);
    tcase_add_test(tc, a_timer_cleared_when_it_was_due_already_does_not_run);
    tcase_add_test(tc, a_timer_set_by_a_timer_waits_its_turn);
    tcase_add_test(tc, timeout_is_rounded_up_and_bounded);
    tcase_add_test(tc, the_hosts_loop_is_told_of_deadlines_that_changed);
    tcase_add_test(tc, the_hosts_loop_is_told_of_events_at_once);
    tcase_add_test(tc, our_own_loop_is_told_nothing);
    tcase_add_test(tc, push_mode_has_no_descriptor_and_no_wake_up);
    tcase_add_test(tc, wait_sleeps_no_longer_than_asked_nor_past_a_deadline);
    tcase_add_test(tc, wait_says_why_it_failed);
    tcase_add_test(tc, nothing_waits_inside_a_callback);
    tcase_add_test(tc, dispatch_counts_callbacks_not_events);
    tcase_add_test(tc, free_inside_a_callback_waits_for_the_dispatch_and_ends_the_callbacks);
    tcase_add_test(tc, run_goes_on_until_it_is_done);
    tcase_add_test(tc, run_says_why_it_cannot);
    tcase_add_test(tc, no_memory_for_a_timer_is_said_and_it_is_not_set);
    tcase_add_test(tc, another_thread_ends_a_wait);
    tcase_add_test(tc, a_wake_up_makes_the_descriptor_readable_until_the_dispatch);
    return tc;
}
