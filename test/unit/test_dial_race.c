/*
 * test_dial_race.c - when connects begin and end: the race, the resolution delay, family health,
 * source addresses, limits, and what a failed connect means.
 */
#include <stdio.h>

#include "dial_world.h"

#define MX "example.org MX 10 mx.example.org\n"
#define BOTH MX "mx.example.org A 192.0.2.1\nmx.example.org AAAA 2001:db8::1\n"
#define TWO4 MX "mx.example.org A 192.0.2.1\nmx.example.org A 192.0.2.2\n"
#define SOURCES "LocalIPs:\n\t- 198.51.100.9\n\t- 2001:db8:9::9\n"

static const struct dial_case cases[] = {
    {"the second begins after the race delay", NULL, BOTH "2001:db8::1 silent\n192.0.2.1 up\n",
     .dials = "2001:db8::1@0 192.0.2.1@1000", .at = "192.0.2.1", .ms = 1030},
    {"RaceDelay", "RaceDelay: 300ms\n", BOTH "2001:db8::1 silent\n192.0.2.1 up\n",
     .dials = "2001:db8::1@0 192.0.2.1@300"},
    {"a fast first one is alone", NULL, BOTH "2001:db8::1 up +ms=999\n192.0.2.1 up\n",
     .dials = "2001:db8::1@0"},
    {"the first may win late", NULL, BOTH "2001:db8::1 up +ms=1005\n192.0.2.1 up +ms=500\n",
     .dials = "2001:db8::1@0 192.0.2.1@1000", .at = "2001:db8::1", .never = "sent 192"},
    {"at once on failure", NULL, BOTH "2001:db8::1 refused +ms=40\n192.0.2.1 up\n",
     .dials = "2001:db8::1@0 192.0.2.1@40"},
    {"unreachable: in the same moment", NULL, BOTH "2001:db8::1 unreachable\n192.0.2.1 up\n",
     .dials = "2001:db8::1@0 192.0.2.1@0"},
    {"at most two", NULL,
     TWO4 "mx.example.org A 192.0.2.3\n192.0.2.1 silent\n192.0.2.2 silent\n192.0.2.3 up\n",
     .dials = "192.0.2.1@0 192.0.2.2@1000 192.0.2.3@30000"},
    {"a failure in the race lets the third begin at once", NULL,
     TWO4 "mx.example.org A 192.0.2.3\n192.0.2.1 silent\n192.0.2.2 refused\n192.0.2.3 up\n",
     .dials = "192.0.2.1@0 192.0.2.2@1000 192.0.2.3@1010"},
    {"no race when told so", NULL, BOTH "2001:db8::1 silent\n192.0.2.1 up\n",
     .flags = MOX_DIAL_NO_RACE, .dials = "2001:db8::1@0 192.0.2.1@30000"},
    {"no race over preferences", NULL,
     "example.org MX 10 m1.example.org\nexample.org MX 20 m2.example.org\n"
     "m1.example.org A 192.0.2.1\nm2.example.org A 192.0.2.2\n192.0.2.1 silent\n192.0.2.2 up\n",
     .dials = "192.0.2.1@0 192.0.2.2@30000", .at = "192.0.2.2"},
    {"a race over hosts of one preference", NULL,
     "example.org MX 10 m1.example.org\nexample.org MX 10 m2.example.org\n"
     "m1.example.org A 192.0.2.1\nm2.example.org A 192.0.2.1\nm2.example.org A 192.0.2.2\n"
     "192.0.2.1 silent\n192.0.2.2 up\n",
     .at = "192.0.2.2"},
    {"all are refused", NULL, BOTH "2001:db8::1 refused\n192.0.2.1 refused\n",
     .status = MOX_E_CONNECT, .dials = "2001:db8::1@0 192.0.2.1@10", .at = "192.0.2.1",
     .stage = MOX_STAGE_CONNECT, .about = MOX_ABOUT_HOST, .says = "refused"},
    {"none answers", NULL, BOTH "2001:db8::1 silent\n192.0.2.1 silent\n", .status = MOX_E_TIMEOUT,
     .dials = "2001:db8::1@0 192.0.2.1@1000", .ms = 31000, .stage = MOX_STAGE_CONNECT},
    {"the connect deadline", NULL, TWO4 "192.0.2.1 silent\n192.0.2.2 up\n", .timeouts.connect = 700,
     .dials = "192.0.2.1@0 192.0.2.2@700"},
    {"the other family late: dialed when it comes", NULL,
     MX "mx.example.org A +ms=400 192.0.2.1\nmx.example.org AAAA 2001:db8::1\n"
        "2001:db8::1 refused +ms=0\n192.0.2.1 up\n",
     .dials = "2001:db8::1@50 192.0.2.1@400"},
    {"a late answer joins the race", NULL,
     MX "mx.example.org A +ms=400 192.0.2.1\nmx.example.org AAAA 2001:db8::1\n"
        "2001:db8::1 silent\n192.0.2.1 up\n",
     .dials = "2001:db8::1@50 192.0.2.1@1050"},
    {"a very late answer is dialed at once", NULL,
     MX "mx.example.org A +ms=4000 192.0.2.1\nmx.example.org AAAA 2001:db8::1\n"
        "2001:db8::1 silent\n192.0.2.1 up\n",
     .dials = "2001:db8::1@50 192.0.2.1@4000"},
    {"IPv6 within the resolution delay comes first", NULL,
     MX "mx.example.org A 192.0.2.1\nmx.example.org AAAA +ms=40 2001:db8::1\n"
        "2001:db8::1 up\n192.0.2.1 up\n",
     .dials = "2001:db8::1@40"},
    {"IPv6 behind it does not", NULL,
     MX "mx.example.org A 192.0.2.1\nmx.example.org AAAA +ms=60 2001:db8::1\n"
        "2001:db8::1 up\n192.0.2.1 up\n",
     .dials = "192.0.2.1@50"},
    {"nothing usable in time: the rest is awaited", NULL,
     MX "mx.example.org AAAA ::1\nmx.example.org A +ms=900 192.0.2.1\n192.0.2.1 up\n",
     .dials = "192.0.2.1@900"},
    {"source addresses are bound", SOURCES, BOTH "2001:db8::1 refused +ms=0\n192.0.2.1 up\n",
     .dials = "2001:db8::1@0 192.0.2.1@0", .never = "from any"},
    {"a source address by the request", NULL, BOTH "2001:db8::1 up\n192.0.2.1 up\n",
     .source = "2001:db8:9::9", .dials = "2001:db8::1@0", .never = "from any"},
    {"a source address that is gone: its family is out", SOURCES,
     BOTH "mx.example.org AAAA 2001:db8::2\nmachine 198.51.100.9\n192.0.2.1 up\n",
     .dials = "2001:db8::1@0 192.0.2.1@0", .at = "192.0.2.1"},
    {"no source address at all", SOURCES, BOTH "machine 203.0.113.1\n", .status = MOX_E_NO_SOURCE,
     .dials = "2001:db8::1@0 192.0.2.1@0", .about = MOX_ABOUT_SOURCE, .says = "198.51.100.9"},
    {"descriptors are exhausted: ours, and the dial ends", NULL,
     BOTH "2001:db8::1 no-files\n192.0.2.1 up\n", .status = MOX_E_OS, .dials = "2001:db8::1@0",
     .about = MOX_ABOUT_LOCAL},
    {"ports are exhausted", NULL, BOTH "2001:db8::1 no-ports\n192.0.2.1 up\n",
     .status = MOX_E_NO_PORTS, .dials = "2001:db8::1@0", .about = MOX_ABOUT_LOCAL},
    {"ops that say nonsense", NULL, BOTH "2001:db8::1 broken\n192.0.2.1 up\n",
     .dials = "2001:db8::1@0 192.0.2.1@0", .at = "192.0.2.1"},
    {"the whole dial has a deadline", NULL, BOTH "2001:db8::1 silent\n192.0.2.1 silent\n",
     .timeout_ms = 5000, .status = MOX_E_TIMEOUT, .ms = 5000, .says = "whole dial",
     .stage = MOX_STAGE_CONNECT},
    {"stop at the connect", NULL, BOTH "2001:db8::1 up silent\n", .stop_at = MOX_STAGE_CONNECT,
     .dials = "2001:db8::1@0", .ms = 10, .never = "sent"},
    {"MX hosts at another port by the request's server", NULL,
     "mx.example.org A 192.0.2.1\n"
     "192.0.2.1 up +port=26\n",
     .server = "mx.example.org:26", .dials = "192.0.2.1@0", .never = "MX"},
};

START_TEST(race_case)
{
    dial_case_run(&cases[_i]);
}
END_TEST

/* The loser is closed before the winner says a word, and before it has said one itself. */
START_TEST(loser_is_closed_in_silence)
{
    struct sim_call call;

    world_load(sim, BOTH "2001:db8::1 up +ms=1005\n192.0.2.1 up +ms=1\n");
    dial_to_end(&call, dial_request());
    ck_assert_int_eq(call.status, MOX_OK);
    ck_assert_uint_eq(net_find(sim, "2001:db8::1")->out.len, 0);
    ck_assert(net_find(sim, "2001:db8::1")->closed);
    ck_assert_uint_eq(world_count(sim, "1001 close 2001:db8::1"), 1);
    mox_conn_close(call.conn);
}
END_TEST

/* Dials h<n>.example, whose IPv6 is as told; how long it took. */
static uint64_t dial_host(int n, const char *ipv6)
{
    uint64_t began = world_ms(sim);
    struct dial_case c = {.name = "one of many"};
    struct sim_call call;
    char world[512], to[64];

    snprintf(world, sizeof world,
             "h%d.example MX 10 m.h%d.example\nm.h%d.example A 192.0.2.%d\n"
             "m.h%d.example AAAA 2001:db8::%d\n192.0.2.%d up\n2001:db8::%d %s\n",
             n, n, n, n, n, n, n, n, ipv6);
    snprintf(to, sizeof to, "b@h%d.example", n);
    c.to = to;
    world_load(sim, world);
    dial_to_end(&call, dial_request_of(&c));
    ck_assert_msg(call.status == MOX_OK, "%s", call.err.message);
    mox_conn_close(call.conn);
    return world_ms(sim) - began;
}

START_TEST(family_that_stalls_three_times_goes_last)
{
    for (int n = 1; n <= 3; n++)
        ck_assert_uint_eq(dial_host(n, "silent"), 1030);
    ck_assert_uint_eq(dial_host(4, "silent"), 30);
    ck_assert_ptr_null(net_find(sim, "2001:db8::4"));
    world_sleep(sim, 590 * 1000);
    ck_assert_uint_eq(dial_host(5, "silent"), 30);
    world_sleep(sim, 11 * 1000);
    ck_assert_uint_eq(dial_host(6, "silent"), 1030); /* the ten minutes are over */
    ck_assert_uint_eq(dial_host(7, "up"), 30);
    ck_assert_ptr_nonnull(net_find(sim, "2001:db8::7"));
}
END_TEST

START_TEST(success_between_makes_a_family_well)
{
    dial_host(1, "silent");
    dial_host(2, "silent");
    dial_host(3, "up");
    dial_host(4, "silent");
    dial_host(5, "silent");
    ck_assert_uint_eq(dial_host(6, "silent"), 1030);
    ck_assert_uint_eq(dial_host(7, "silent"), 30);
}
END_TEST

START_TEST(one_host_that_stalls_often_is_no_family)
{
    for (int i = 0; i < 5; i++)
        ck_assert_uint_eq(dial_host(1, "silent"), 1030);
}
END_TEST

START_TEST(refused_connects_are_no_stall)
{
    for (int n = 1; n <= 5; n++)
        ck_assert_uint_eq(dial_host(n, "refused"), 40);
}
END_TEST

START_TEST(source_that_is_gone_is_in_the_trace)
{
    struct dial_case c = {.name = "trace", .source = "2001:db8:77::1"};
    struct mox_dial_request request = *dial_request_of(&c);
    struct mox_plan *plan = mox_plan_new(sim->ctx);
    const struct mox_candidate *last;
    struct sim_call call;

    world_load(sim, BOTH "mx.example.org AAAA 2001:db8::2\n192.0.2.1 up\n");
    request.plan = plan;
    dial_to_end(&call, &request);
    ck_assert_int_eq(call.status, MOX_OK);
    ck_assert_str_eq(dial_candidates(plan), "2001:db8::1 192.0.2.1 2001:db8::2/no-source");
    last = mox_plan_candidate(plan, 2);
    ck_assert_ptr_nonnull(strstr(last->detail, "2001:db8:77::1"));
    ck_assert_int_eq(mox_plan_attempt(plan, 0)->outcome, MOX_E_NO_SOURCE);
    mox_conn_close(call.conn);
    mox_plan_free(plan);
}
END_TEST

/* A family that is out is not asked for at the next host; with both out nothing is. */
START_TEST(source_that_is_gone_is_not_asked_for_again)
{
    struct dial_case c = {.name = "no source", .source = "2001:db8:77::1 192.0.2.77"};
    struct mox_dial_request request = *dial_request_of(&c);
    struct mox_plan *plan = mox_plan_new(sim->ctx);
    struct sim_call call;

    world_load(sim, "example.org MX 10 m1.example.org\nexample.org MX 20 m2.example.org\n"
                    "m1.example.org A 192.0.2.1\nm1.example.org AAAA 2001:db8::1\n"
                    "m2.example.org A 192.0.2.2\n192.0.2.2 up\n");
    request.plan = plan;
    dial_to_end(&call, &request);
    ck_assert_int_eq(call.status, MOX_E_NO_SOURCE);
    ck_assert_int_eq(call.err.permanent, 0);
    ck_assert_uint_eq(world_count(sim, "m2.example.org"), 0);
    ck_assert_ptr_null(strstr(mox_plan_candidate(plan, 2)->detail, "does not exist"));
    mox_plan_free(plan);
}
END_TEST

TCase *test_dial_race(void)
{
    TCase *tcase = tcase_create("dial/race");

    tcase_add_checked_fixture(tcase, dial_setup, dial_teardown);
    tcase_add_loop_test(tcase, race_case, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tcase, loser_is_closed_in_silence);
    tcase_add_test(tcase, family_that_stalls_three_times_goes_last);
    tcase_add_test(tcase, success_between_makes_a_family_well);
    tcase_add_test(tcase, one_host_that_stalls_often_is_no_family);
    tcase_add_test(tcase, refused_connects_are_no_stall);
    tcase_add_test(tcase, source_that_is_gone_is_in_the_trace);
    tcase_add_test(tcase, source_that_is_gone_is_not_asked_for_again);
    return tcase;
}
