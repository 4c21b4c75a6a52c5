/*
 * test_dial_life.c - operations and their ends: cancel, shutdown and mox_ctx_free at every step,
 * callbacks in their place, blocking calls, and memory failing at every allocation.
 */
#include "dial_world.h"

/* A long way: both families, a race, a refusal of our address, the next MX host. */
static const char long_way[] = "example.org CNAME +first alias.example.org\n"
                               "alias.example.org MX +ms=5 10 m1.example.org\n"
                               "alias.example.org MX 20 m2.example.org\n"
                               "m1.example.org AAAA +ms=3 2001:db8::1\n"
                               "m1.example.org A +ms=70 192.0.2.1\n"
                               "m2.example.org AAAA +lost\n"
                               "m2.example.org A 192.0.2.2\n"
                               "2001:db8::1 up ptr +ms=1200\n"
                               "192.0.2.1 up busy-ehlo +ms=2000\n"
                               "192.0.2.2 up old\n";

enum { MOST_STEPS = 400 };

/* Steps of the world that a whole dial over the long way takes. */
static int count_steps(void)
{
    struct sim_call call;
    int steps = 0;

    world_load(sim, long_way);
    dial_start(&call, dial_request());
    while (call.calls == 0 && world_step(sim))
        steps++;
    ck_assert_msg(call.status == MOX_OK, "%s\n%s", call.err.message, sim->log.ptr);
    ck_assert_int_lt(steps, MOST_STEPS);
    mox_conn_close(call.conn);
    return steps;
}

/* The long way again, as far as so many steps. */
static mox_op_id walk(struct sim_call *call, struct mox_plan **plan, int steps)
{
    struct mox_dial_request request = *dial_request();
    mox_op_id id;

    dial_renew(NULL);
    world_load(sim, long_way);
    *plan = mox_plan_new(sim->ctx);
    request.plan = *plan;
    id = dial_start(call, &request);
    for (int i = 0; i < steps; i++)
        ck_assert(world_step(sim));
    return id;
}

START_TEST(cancel_at_every_step)
{
    int steps = count_steps();

    for (int k = 0; k <= steps; k++) {
        struct sim_call call;
        struct mox_plan *plan;
        mox_op_id id = walk(&call, &plan, k);
        bool ended = call.calls > 0;

        call.cancelled = !ended;
        ck_assert_int_eq(mox_op_cancel(sim->ctx, id), ended ? MOX_E_STALE : MOX_OK);
        ck_assert_int_eq(mox_op_cancel(sim->ctx, id), MOX_E_STALE);
        ck_assert_int_eq(mox_ctx_pending(sim->ctx), 0);
        for (const struct net_stream *s = sim->streams; s != NULL && !ended; s = s->next)
            ck_assert_msg(s->closed, "after %d steps a stream is open", k);
        while (world_step(sim)) /* late answers, late connects */
            ;
        mox_conn_close(call.conn);
        mox_plan_free(plan);
    }
}
END_TEST

START_TEST(shutdown_at_every_step)
{
    int steps = count_steps();

    for (int k = 0; k <= steps; k++) {
        struct sim_call call;
        struct mox_plan *plan;
        struct mox_error err;

        walk(&call, &plan, k);
        mox_ctx_shutdown(sim->ctx, 1000);
        world_run(sim);
        ck_assert_int_eq(call.calls, 1);
        ck_assert_int_eq(call.status, k == steps ? MOX_OK : MOX_E_SHUTDOWN);
        ck_assert_int_eq(call.err.permanent, 0);
        ck_assert_uint_eq(mox_dial_start(sim->ctx, dial_request(), sim_on_conn, &call, &err), 0);
        ck_assert_int_eq(err.code, MOX_E_SHUTDOWN);
        mox_conn_close(call.conn);
        mox_plan_free(plan);
    }
}
END_TEST

/* The plan and a connection that nobody closed go with the context. */
START_TEST(free_at_every_step)
{
    int steps = count_steps();

    for (int k = 0; k <= steps; k++) {
        struct sim_call call;
        struct mox_plan *plan;

        walk(&call, &plan, k);
        call.cancelled = call.calls == 0;
    }
}
END_TEST

/* What a callback does to its own context. */
struct freeing {
    struct world *w;
    int calls, status;
    bool close; /* the connection first */
};

static void free_context(void *arg, int status, struct mox_conn *conn, const struct mox_error *err)
{
    struct freeing *f = arg;

    (void)err;
    f->calls++;
    f->status = status;
    if (f->close)
        mox_conn_close(conn);
    mox_ctx_free(f->w->ctx);
    f->w->ended = true; /* nothing may be said to it once the dispatch unwinds */
}

START_TEST(free_inside_the_callback)
{
    struct freeing f = {.w = sim, .close = _i == 1};
    struct sim_call other;

    world_load(sim, _i == 2 ? "" : dial_simple);
    ck_assert_uint_ne(mox_dial_start(sim->ctx, dial_request(), free_context, &f, NULL), 0);
    dial_start(&other, dial_request());
    while (!sim->ended && world_step(sim))
        ;
    ck_assert_int_eq(f.calls, 1);
    ck_assert_int_eq(f.status, _i == 2 ? MOX_E_NO_DOMAIN : MOX_OK);
    ck_assert_int_eq(other.calls, 0);
}
END_TEST

/* What may not be done inside a callback. */
static void try_blocking(void *arg, int status, struct mox_conn *conn, const struct mox_error *err)
{
    struct sim_call *call = arg;
    struct mox_conn *other = NULL;
    struct mox_error why;

    sim_on_conn(arg, status, conn, err);
    if (mox_dial(sim->ctx, dial_request(), &other, &why) != MOX_E_REENTRANT ||
        why.code != MOX_E_REENTRANT || mox_ctx_dispatch(sim->ctx) != MOX_E_REENTRANT ||
        mox_ctx_wait(sim->ctx, 0) != MOX_E_REENTRANT ||
        mox_conn_wait(conn, MOX_READ, 10) != MOX_E_REENTRANT)
        world_fault(sim, "a blocking call inside a callback");
    if (mox_dial_next(&call->conn, NULL, &why) != MOX_E_REENTRANT || call->conn != NULL)
        world_fault(sim, "mox_dial_next inside a callback");
}

START_TEST(blocking_inside_a_callback)
{
    struct sim_call call = {.w = sim};

    world_load(sim, dial_simple);
    ck_assert_uint_ne(mox_dial_start(sim->ctx, dial_request(), try_blocking, &call, NULL), 0);
    world_run(sim);
    ck_assert_int_eq(call.calls, 1);
}
END_TEST

START_TEST(blocking_while_operations_are_in_flight)
{
    struct mox_conn *conn = NULL;
    struct mox_dial_request request = *dial_request();
    struct mox_plan *plan = mox_plan_new(sim->ctx);
    struct mox_error err;
    struct sim_call call;

    world_load(sim, dial_simple);
    dial_start(&call, &request);
    ck_assert_int_eq(mox_dial(sim->ctx, &request, &conn, &err), MOX_E_BUSY);
    request.plan = plan;
    ck_assert_int_eq(mox_plan_resolve(sim->ctx, &request, &err), MOX_E_BUSY);
    world_run(sim);
    ck_assert_int_eq(call.status, MOX_OK);
    mox_conn_close(call.conn);
    mox_plan_free(plan);
}
END_TEST

/* Without a wait, a blocking call works only where everything is answered at once. */
START_TEST(blocking_without_a_wait)
{
    struct mox_dial_request request = *dial_request();
    struct mox_conn *conn = NULL;
    struct mox_error err;

    dial_teardown();
    sim = world_bare(1);
    sim->no_wait = true;
    sim->dns_at_once = true;
    ck_assert_int_eq(world_open(sim, NULL, &err), MOX_OK);
    world_load(sim, dial_simple);
    ck_assert_int_eq(mox_dial(sim->ctx, &request, &conn, &err), MOX_E_UNSUPPORTED);
    ck_assert_int_eq(err.code, MOX_E_UNSUPPORTED);
    ck_assert_int_eq(mox_ctx_pending(sim->ctx), 0);
    request.plan = mox_plan_new(sim->ctx);
    ck_assert_int_eq(mox_plan_resolve(sim->ctx, &request, &err), MOX_OK);
    mox_plan_free(request.plan);
}
END_TEST

START_TEST(the_log_tells_the_dialogue)
{
    struct sim_call call;

    world_load(sim, dial_simple);
    dial_to_end(&call, dial_request());
    ck_assert_ptr_nonnull(strstr(sim->told.ptr, "#77 greeting mx.example.org 2001:db8::1 < 220 "));
    ck_assert_ptr_nonnull(strstr(sim->told.ptr, " > EHLO [IPv6:2001:db8:9::9]\n"));
    ck_assert_ptr_null(strstr(sim->told.ptr, "#0"));
    mox_conn_close(call.conn);
}
END_TEST

/* A dial started inside a callback is an operation like others. */
static void dial_again(void *arg, int status, struct mox_conn *conn, const struct mox_error *err)
{
    struct sim_call *calls = arg;

    sim_on_conn(&calls[0], status, conn, err);
    if (mox_dial_start(sim->ctx, dial_request(), sim_on_conn, &calls[1], NULL) == 0)
        world_fault(sim, "no dial inside a callback");
    if (calls[1].calls != 0)
        world_fault(sim, "a callback inside the start");
}

START_TEST(dial_inside_a_callback)
{
    struct sim_call calls[2] = {{.w = sim}, {.w = sim}};

    world_load(sim, dial_simple);
    ck_assert_uint_ne(mox_dial_start(sim->ctx, dial_request(), dial_again, calls, NULL), 0);
    world_run(sim);
    ck_assert_int_eq(calls[0].calls, 1);
    ck_assert_int_eq(calls[1].status, MOX_OK);
    mox_conn_close(calls[0].conn);
    mox_conn_close(calls[1].conn);
}
END_TEST

/* A callback that cancels the other operation, which may be about to end in the same dispatch. */
struct pair {
    struct sim_call calls[2];
    mox_op_id ids[2];
};

static void cancel_other(void *arg, int status, struct mox_conn *conn, const struct mox_error *err)
{
    struct pair *pair = arg;

    sim_on_conn(&pair->calls[0], status, conn, err);
    pair->calls[1].cancelled = true;
    if (mox_op_cancel(sim->ctx, pair->ids[1]) != MOX_OK)
        world_fault(sim, "the other operation had ended");
}

START_TEST(cancel_inside_a_callback)
{
    struct dial_case c = {.name = "cancel", .transport = _i == 1 ? "unknown" : NULL};
    struct pair pair = {{{.w = sim}, {.w = sim}}, {0, 0}};

    sim->together = _i == 2; /* both have their connection when the first callback is made */
    world_load(sim, dial_simple);
    pair.ids[0] = mox_dial_start(sim->ctx, dial_request_of(&c), cancel_other, &pair, NULL);
    pair.ids[1] = mox_dial_start(sim->ctx, dial_request_of(&c), sim_on_conn, &pair.calls[1], NULL);
    world_run(sim);
    ck_assert_int_eq(pair.calls[0].calls, 1);
    ck_assert_int_eq(pair.calls[1].calls, 0);
    mox_conn_close(pair.calls[0].conn);
}
END_TEST

/* A configuration may be freed while a dial uses it. */
START_TEST(reload_while_dialing)
{
    static const char text[] = "Hostname: mail.example.com\nTransports:\n\tv4:\n\t\tDirect:\n"
                               "\t\t\tDisableIPv6: true\nRoutes:\n\t-\n\t\tTransport: v4\n";
    struct sim_call call;

    world_load(sim, dial_simple);
    sim->config = mox_config_parse(text, sizeof text - 1, NULL);
    dial_start(&call, dial_request());
    mox_config_free(sim->config);
    sim->config = NULL;
    world_run(sim);
    ck_assert_int_eq(call.status, MOX_OK);
    ck_assert_str_eq(mox_conn_session(call.conn)->transport, "v4");
    ck_assert_str_eq(dial_seen(), "192.0.2.1@0");
    mox_conn_close(call.conn);
}
END_TEST

/* One dial with the n-th allocation failing; whether that one was reached. */
static bool dial_without_memory(long nth)
{
    struct mox_dial_request request = *dial_request();
    struct sim_call call = {.w = sim};
    struct mox_error err = {0};
    struct mox_plan *plan;
    bool failed;
    mox_op_id id;

    world_load(sim, long_way);
    test_fail_alloc(nth);
    plan = mox_plan_new(sim->ctx);
    request.plan = plan;
    id = plan == NULL ? 0 : mox_dial_start(sim->ctx, &request, sim_on_conn, &call, &err);
    if (id != 0)
        world_run(sim);
    failed = test_alloc_failed();
    test_fail_alloc(0);
    if (id == 0) {
        ck_assert(failed);
        ck_assert_int_eq(plan == NULL ? MOX_E_NOMEM : err.code, MOX_E_NOMEM);
    } else {
        ck_assert_int_eq(call.calls, 1);
        ck_assert_msg(call.status == MOX_OK || (failed && call.status == MOX_E_NOMEM),
                      "allocation %ld: %s: %s\n%s", nth, mox_status_name(call.status),
                      call.err.message, sim->log.ptr);
    }
    mox_conn_close(call.conn);
    mox_plan_free(plan);
    return failed;
}

START_TEST(memory_fails_at_every_allocation)
{
    long nth = 1;

    for (; dial_without_memory(nth); nth++)
        dial_renew(NULL);
    ck_assert_int_gt(nth, 20);
}
END_TEST

/* The same dial twice: the same log of the network, byte for byte. */
START_TEST(same_seed_same_trace)
{
    static char first[16384];
    struct sim_call call;

    for (int run = 0; run < 2; run++) {
        if (run == 1)
            dial_renew(NULL);
        world_load(sim, long_way);
        dial_to_end(&call, dial_request());
        mox_conn_close(call.conn);
        ck_assert_uint_lt(sim->log.len, sizeof first);
        if (run == 0)
            strcpy(first, sim->log.ptr);
    }
    ck_assert_str_eq(sim->log.ptr, first);
}
END_TEST

TCase *test_dial_life(void)
{
    TCase *tcase = tcase_create("dial/life");

    tcase_add_checked_fixture(tcase, dial_setup, dial_teardown);
    tcase_add_test(tcase, cancel_at_every_step);
    tcase_add_test(tcase, shutdown_at_every_step);
    tcase_add_test(tcase, free_at_every_step);
    tcase_add_loop_test(tcase, free_inside_the_callback, 0, 3);
    tcase_add_test(tcase, blocking_inside_a_callback);
    tcase_add_test(tcase, blocking_while_operations_are_in_flight);
    tcase_add_test(tcase, blocking_without_a_wait);
    tcase_add_test(tcase, the_log_tells_the_dialogue);
    tcase_add_test(tcase, dial_inside_a_callback);
    tcase_add_loop_test(tcase, cancel_inside_a_callback, 0, 3);
    tcase_add_test(tcase, reload_while_dialing);
    tcase_add_test(tcase, memory_fails_at_every_allocation);
    tcase_add_test(tcase, same_seed_same_trace);
    return tcase;
}
