/*
 * test_dial_again.c - what the simulated network (test/sim) found in the dialer: candidates that
 * were lost on the way, and what was kept too long.
 */
#include "dial_world.h"

#define RACE                                                                                       \
    "example.org MX 10 mx.example.org\n"                                                           \
    "mx.example.org AAAA 2001:db8::1\nmx.example.org A 192.0.2.1\n"

static const struct dial_case cases[] = {
    {"the winner refuses, and what lost to it is dialed again", NULL,
     RACE "2001:db8::1 up +ms=1500\n192.0.2.1 up reject +ms=1\n", .at = "2001:db8::1",
     .dials = "2001:db8::1@0 192.0.2.1@1000 2001:db8::1@1011"},
    {"… and only if that refuses too is mail returned", NULL,
     RACE "2001:db8::1 refused +ms=1500\n192.0.2.1 up reject +ms=1\n", .status = MOX_E_REFUSED,
     .smtp_code = 554, .permanent = 0, .dials = "2001:db8::1@0 192.0.2.1@1000 2001:db8::1@1011"},
    {"our address is refused by the winner: the other family had lost", NULL,
     RACE "2001:db8::1 up +ms=1500\n192.0.2.1 up ptr +ms=1\n", .at = "2001:db8::1"},
    {"a loser stands behind what is left of its preference", NULL,
     RACE "mx.example.org A 192.0.2.2\n2001:db8::1 up +ms=1500\n192.0.2.1 up temp +ms=1\n"
          "192.0.2.2 up\n",
     .at = "192.0.2.2", .dials = "2001:db8::1@0 192.0.2.1@1000 192.0.2.2@1011"},
};

/* A loopback address behind a NAT64 is called that, and not an ordinary one. */
START_TEST(special_behind_nat64_is_named)
{
    struct mox_plan *plan = mox_plan_new(sim->ctx);
    struct mox_dial_request request = *dial_request();

    world_load(sim, "example.org MX 10 mx.example.org\n"
                    "mx.example.org AAAA 64:ff9b::7f00:1\n");
    request.plan = plan;
    ck_assert_int_eq(mox_plan_resolve(sim->ctx, &request, NULL), MOX_E_FILTERED);
    ck_assert_ptr_nonnull(
        strstr(mox_plan_candidate(plan, 0)->detail, "a loopback address behind a NAT64"));
    mox_plan_free(plan);
}
END_TEST

START_TEST(again_case)
{
    dial_case_run(&cases[_i]);
}
END_TEST

/* Whatever the order of the hosts: those whose answers came too late are asked again. */
START_TEST(late_hosts_are_asked_again)
{
    struct mox_conn *conn = NULL;
    struct mox_error err;
    int sessions = 0;

    dial_teardown();
    sim = world_new((uint64_t)_i, NULL);
    world_load(sim, "example.org MX 10 a.example.org\nexample.org MX 10 b.example.org\n"
                    "example.org MX 10 c.example.org\n192.0.2.1 up\n192.0.2.2 up\n192.0.2.3 up\n"
                    "a.example.org A +ms=3000 192.0.2.1\nb.example.org A 192.0.2.2\n"
                    "c.example.org A +ms=3000 192.0.2.3\n");
    ck_assert_int_eq(mox_dial(sim->ctx, dial_request(), &conn, &err), MOX_OK);
    do
        sessions++;
    while (mox_dial_next(&conn, NULL, &err) == MOX_OK);
    ck_assert_int_eq(sessions, 3);
}
END_TEST

/* To go on is to begin anew: with all of the time of a dial, however long the session stood. */
START_TEST(going_on_has_its_own_time)
{
    struct mox_conn *conn = NULL;
    struct mox_error err;

    world_load(sim, dial_simple);
    ck_assert_int_eq(mox_dial(sim->ctx, dial_request(), &conn, &err), MOX_OK);
    world_sleep(sim, 1000 * 1000);
    ck_assert_msg(mox_dial_next(&conn, NULL, &err) == MOX_OK, "%s", err.message);
    mox_conn_close(conn);
}
END_TEST

/* The watch of a connection ends in silence where the dial goes on (conn.h, dial.h). */
START_TEST(going_on_ends_the_watch)
{
    struct sim_call first, next = {.w = sim}, watch = {.w = sim, .cancelled = true};

    world_load(sim, dial_simple);
    dial_to_end(&first, dial_request());
    ck_assert_uint_ne(mox_conn_watch(first.conn, MOX_READ, sim_on_done, &watch, NULL), 0);
    ck_assert_uint_ne(mox_dial_next_start(first.conn, NULL, sim_on_conn, &next, NULL), 0);
    ck_assert_int_eq(mox_ctx_pending(sim->ctx), 1);
    world_run(sim);
    ck_assert_int_eq(next.status, MOX_OK);
    mox_conn_close(next.conn);
}
END_TEST

struct resolved { /* what the callback needs to dial */
    struct sim_call call;
    struct mox_plan *plan;
};

static void dial_from_callback(void *arg, int status, const struct mox_error *err)
{
    struct resolved *resolved = arg;
    struct mox_dial_request request = *dial_request();
    struct mox_error why = {0};

    ck_assert_int_eq(status, MOX_OK);
    ck_assert_ptr_null(err);
    request.plan = resolved->plan;
    ck_assert_msg(mox_dial_start(sim->ctx, &request, sim_on_conn, &resolved->call, &why) != 0, "%s",
                  why.message);
}

/* The operation is over when its callback is entered, so its plan is free for the next one. */
START_TEST(plan_is_free_in_the_callback)
{
    struct resolved resolved = {.call.w = sim, .plan = mox_plan_new(sim->ctx)};
    struct mox_dial_request request = *dial_request();

    world_load(sim, dial_simple);
    request.plan = resolved.plan;
    ck_assert_uint_ne(
        mox_plan_resolve_start(sim->ctx, &request, dial_from_callback, &resolved, NULL), 0);
    world_run(sim);
    ck_assert_int_eq(resolved.call.status, MOX_OK);
    ck_assert_uint_eq(world_count(sim, " MX"), 1);
    mox_conn_close(resolved.call.conn);
    mox_plan_free(resolved.plan);
}
END_TEST

/* A full address is passed over; what comes behind it may be of another preference. */
START_TEST(full_address_does_not_open_the_race)
{
    struct mox_ctx_options options = {.size = sizeof options, .max_conns_per_address = 1};
    struct dial_case held = {.name = "held", .server = "192.0.2.1"};
    struct mox_dial_request request;
    struct mox_plan *plan;
    struct sim_call first, second;

    dial_renew(&options);
    plan = mox_plan_new(sim->ctx);
    world_load(sim, RACE "example.org MX 20 last.example.org\nlast.example.org A 192.0.2.2\n"
                         "2001:db8::1 silent\n192.0.2.1 up\n192.0.2.2 up\n");
    dial_to_end(&first, dial_request_of(&held));
    request = *dial_request();
    request.plan = plan;
    ck_assert_int_eq(mox_plan_resolve(sim->ctx, &request, NULL), MOX_OK);
    dial_to_end(&second, &request);
    ck_assert_int_eq(second.status, MOX_OK);
    ck_assert_int_eq(mox_plan_attempt(plan, 1)->start_ms, 30000);
    mox_conn_close(first.conn);
    mox_conn_close(second.conn);
    mox_plan_free(plan);
}
END_TEST

TCase *test_dial_again(void)
{
    TCase *tcase = tcase_create("dial/again");

    tcase_add_checked_fixture(tcase, dial_setup, dial_teardown);
    tcase_add_loop_test(tcase, again_case, 0, (int)ARRAY_LEN(cases));
    tcase_add_loop_test(tcase, late_hosts_are_asked_again, 1, 7);
    tcase_add_test(tcase, special_behind_nat64_is_named);
    tcase_add_test(tcase, going_on_has_its_own_time);
    tcase_add_test(tcase, going_on_ends_the_watch);
    tcase_add_test(tcase, plan_is_free_in_the_callback);
    tcase_add_test(tcase, full_address_does_not_open_the_race);
    return tcase;
}
