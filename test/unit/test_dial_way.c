/*
 * test_dial_way.c - routes that are limited: places that are claimed in the store, and given back.
 */
#include "way_world.h"

static const char limited[] = TRANSPORTS "Routes:\n" ROUTE(PER_HOUR("2"), "a") ROUTE("", "b");
static const char twice[] =
    TRANSPORTS "Routes:\n" ROUTE(PER_HOUR("2") PER_MINUTE("4"), "a") ROUTE("", "b");

static const struct claim_case {
    const char *name, *config;
    int store; /* enum store_kind */
    int64_t minute, hour;
    uint32_t count;
    const char *dials;
    int64_t minute_after, hour_after;
    int status;
    uint64_t ms; /* until the end; 0: whenever */
} claim_cases[] = {
    {"a place", limited, STORE_WORKS, 0, 0, 0, "192.0.2.1@2", -1, 1, MOX_OK, 0},
    {"the last place", limited, STORE_WORKS, 0, 1, 1, "192.0.2.1@2", -1, 2, MOX_OK, 0},
    {"all recipients", limited, STORE_WORKS, 0, 0, 2, "192.0.2.1@2", -1, 2, MOX_OK, 0},
    {"full", limited, STORE_WORKS, 0, 2, 1, "2001:db8::1@2", -1, 2, MOX_OK, 0},
    {"full by one", limited, STORE_WORKS, 0, 1, 2, "2001:db8::1@2", -1, 1, MOX_OK, 0},
    {"more than may ever be", limited, STORE_WORKS, 0, 0, 3, "2001:db8::1@2", -1, 0, MOX_OK, 0},
    {"a slow store", limited, STORE_SLOW, 0, 0, 1, "192.0.2.1@300", -1, 1, MOX_OK, 0},
    {"a store that fails", limited, STORE_FAILS, 0, 0, 1, "2001:db8::1@2", -1, 0, MOX_OK, 0},
    {"a store out of reach", limited, STORE_UNASKABLE, 0, 0, 1, "2001:db8::1@0", -1, 0, MOX_OK, 0},
    {"a store that is mute", limited, STORE_MUTE, 0, 0, 1, "2001:db8::1@1000", -1, 1, MOX_OK, 0},
    {"two windows", twice, STORE_WORKS, 0, 0, 1, "192.0.2.1@4", 1, 1, MOX_OK, 0},
    {"the first is full", twice, STORE_WORKS, 4, 0, 1, "2001:db8::1@2", 4, 0, MOX_OK, 0},
    {"the second is full, the first given back", twice, STORE_WORKS, 1, 2, 1, "2001:db8::1@4", 1, 2,
     MOX_OK, 0},
    {"two limited ones, both full",
     TRANSPORTS "Routes:\n" ROUTE(PER_HOUR("2"), "a") ROUTE(PER_MINUTE("2"), "a") ROUTE("", "b"),
     STORE_WORKS, 2, 2, 1, "2001:db8::1@4", 2, 2, MOX_OK, 0},
    {"the second has a place",
     TRANSPORTS "Routes:\n" ROUTE(PER_HOUR("2"), "a") ROUTE(PER_MINUTE("2"), "a") ROUTE("", "b"),
     STORE_WORKS, 1, 2, 1, "192.0.2.1@4", 2, 2, MOX_OK, 0},
    {"nothing else matches", TRANSPORTS "Routes:\n" ROUTE(PER_HOUR("2"), "a"), STORE_WORKS, 0, 2, 1,
     "2001:db8::1@2", -1, 2, MOX_OK, 0},
    {"Hours say no: nothing is claimed",
     TRANSPORTS "Routes:\n" ROUTE(HOURS("Wed 00:00-24:00") PER_HOUR("2"), "a") ROUTE("", "b"),
     STORE_WORKS, 0, 0, 1, "2001:db8::1@0", -1, 0, MOX_OK, 0},
};

START_TEST(claims)
{
    const struct claim_case *c = &claim_cases[_i];
    struct sim_call call;
    struct way_request r;

    sim->store = c->store;
    way_configure(c->config);
    if (c->minute > 0)
        store_count(sim, MINUTE_KEY, c->minute);
    store_count(sim, HOUR_KEY, c->hour);
    way_ask(&r)->envelope.count = c->count;
    dial_to_end(&call, &r.request);
    ck_assert_msg(call.status == c->status, "%s: %s", c->name, call.err.message);
    ck_assert_msg(strcmp(dial_seen(), c->dials) == 0, "%s: %s\n%s", c->name, dial_seen(),
                  sim->log.ptr);
    ck_assert_msg(way_counted(MINUTE_KEY) == c->minute_after, "%s: %lld a minute", c->name,
                  (long long)way_counted(MINUTE_KEY));
    ck_assert_msg(way_counted(HOUR_KEY) == c->hour_after, "%s: %lld an hour", c->name,
                  (long long)way_counted(HOUR_KEY));
    mox_conn_close(call.conn);
    ck_assert_msg(way_counted(HOUR_KEY) == c->hour_after, "%s: the end gives back", c->name);
}
END_TEST

/* A store that is silent costs a dial its deadline once, whatever else it would be asked: for other
 * routes, for a policy, for what was learned of the hosts of each preference. */
static const struct silence_case {
    const char *name, *routes;
    unsigned adds, gets; /* questions that are asked in spite of it */
} silences[] = {
    {"limited routes",
     ROUTE(PER_HOUR("2"), "a") ROUTE(PER_MINUTE("2"), "b") ROUTE(PER_HOUR("3"), "no")
         ROUTE("", "learned"),
     1, 0},
    {"none is limited", ROUTE("", "learned"), 0, 3}, /* the policy, both families of one host */
};

START_TEST(silence_costs_once)
{
    static const char world[] =
        "example.org MX 10 mx.example.org\nexample.org MX 20 m2.example.org\n"
        "m2.example.org A 192.0.2.2\nm2.example.org AAAA 2001:db8::2\n"
        "192.0.2.1 refused\n2001:db8::1 refused\n2001:db8::2 up\n";
    const struct silence_case *c = &silences[_i];
    struct mox_timeouts timeouts = {.size = sizeof timeouts, .store = 200};
    char config[1024];
    struct sim_call call;
    struct way_request r;

    dial_teardown();
    sim = world_bare(1);
    sim->store = STORE_MUTE;
    sim->fetch_ops = sim->dns_at_once = true;
    ck_assert_int_eq(world_open(sim, NULL, NULL), MOX_OK);
    world_load(sim, dial_simple);
    world_load(sim, world);
    snprintf(config, sizeof config,
             TRANSPORTS "\tlearned:\n\t\tDirect:\n\t\t\tPrefer: learned\n"
                        "Routes:\n%s",
             c->routes);
    way_configure(config);
    way_ask(&r)->request.timeouts = &timeouts;
    dial_to_end(&call, &r.request);
    ck_assert_msg(call.status == MOX_OK, "%s: %s", c->name, call.err.message);
    ck_assert_msg(strcmp(dial_seen(), "2001:db8::1@200 192.0.2.1@210 2001:db8::2@220") == 0,
                  "%s: %s\n%s", c->name, dial_seen(), sim->log.ptr);
    ck_assert_msg(world_count(sim, "store adds") == c->adds &&
                      world_count(sim, "store gets") == c->gets,
                  "%s:\n%s", c->name, sim->log.ptr);
    mox_conn_close(call.conn);
}
END_TEST

START_TEST(counters_are_kept_two_windows)
{
    struct mox_conn *conn = NULL;
    struct way_request r;
    const struct store_item *minute, *hour;

    way_configure(twice);
    ck_assert_int_eq(mox_dial(sim->ctx, &way_ask(&r)->request, &conn, NULL), MOX_OK);
    minute = store_item(sim, MINUTE_KEY);
    hour = store_item(sim, HOUR_KEY);
    ck_assert_uint_eq(minute->until_us / 1000000, 5 + 120); /* the clock began at 5 s */
    ck_assert_uint_eq(hour->until_us / 1000000, 5 + 7200);
    mox_conn_close(conn);
}
END_TEST

/* A dial that has opened no connection gives its place back; one that has does not. */
static const struct end_case {
    const char *name, *config, *world;
    uint32_t families;
    int status;
    int64_t after;
} end_cases[] = {
    {"the transport refuses", TRANSPORTS "Routes:\n" ROUTE(PER_HOUR("2"), "no"), "", 0,
     MOX_E_FAIL_TRANSPORT, 1},
    {"no family is left", limited, "", MOX_ALLOW_IPV6, MOX_E_FILTERED, 0},
    {"DNS fails", limited, "example.org MX +servfail\n", 0, MOX_E_DNS, 0},
    {"there is no address of the family", limited, "example.org MX 10 nowhere.example.org\n", 0,
     MOX_E_FILTERED, 0},
    {"the server is down", limited,
     "example.org MX 10 m.example.org\nm.example.org A 192.0.2.7\n192.0.2.7 refused\n", 0,
     MOX_E_CONNECT, 1},
    {"the server says no", limited,
     "example.org MX 10 m.example.org\nm.example.org A 192.0.2.7\n192.0.2.7 up reject\n", 0,
     MOX_E_REFUSED, 1},
};

START_TEST(ends)
{
    const struct end_case *c = &end_cases[_i];
    const char *key =
        c->status == MOX_E_FAIL_TRANSPORT ? KEY("global/-", "no", "3600/472222") : HOUR_KEY;
    struct sim_call call;
    struct way_request r;

    dial_teardown();
    sim = world_bare(1);
    sim->store = STORE_WORKS;
    ck_assert_int_eq(world_open(sim, NULL, NULL), MOX_OK);
    world_load(sim, c->world);
    way_configure(c->config);
    way_ask(&r)->request.families = c->families;
    dial_to_end(&call, &r.request);
    ck_assert_msg(call.status == c->status, "%s: %s", c->name, call.err.message);
    ck_assert_msg(way_counted(key) == c->after, "%s: %lld", c->name, (long long)way_counted(key));
}
END_TEST

static mox_op_id walk(struct sim_call *call, const char *config, int steps)
{
    struct way_request r;
    mox_op_id id;

    way_renew();
    way_configure(config);
    id = dial_start(call, &way_ask(&r)->request);
    for (int i = 0; i < steps && call->calls == 0; i++)
        ck_assert(world_step(sim));
    return id;
}

/* Whatever ends the dial, and when: what is counted is what was dialed, or what nobody heard of.
 * tried: it may have failed in trying. */
static void check_count(int steps, bool tried)
{
    bool dialed = dial_seen()[0] != '\0';
    const char *const keys[] = {HOUR_KEY, MINUTE_KEY};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const struct store_item *item = store_item(sim, keys[i]);
        int64_t stands = item == NULL ? 0 : item->number - item->lost;

        ck_assert_msg(stands == dialed || (tried && stands == 1), "after %d steps: %lld of %s\n%s",
                      steps, (long long)stands, keys[i], sim->log.ptr);
    }
}

enum ending { CANCEL, SHUTDOWN, FREE, ENDINGS };

START_TEST(ended_at_every_step)
{
    struct sim_call call = {0};

    for (int steps = 0; call.calls == 0; steps++) {
        mox_op_id id = walk(&call, twice, steps);

        ck_assert_int_lt(steps, 100);
        call.cancelled = call.calls == 0 && _i != SHUTDOWN;
        if (_i == CANCEL)
            mox_op_cancel(sim->ctx, id);
        if (_i == SHUTDOWN) {
            mox_ctx_shutdown(sim->ctx, 0);
            if (mox_ctx_pending(sim->ctx) > 0) {
                world_run(sim);
                ck_assert_int_eq(call.status, MOX_E_SHUTDOWN);
                call.calls = 0;
            }
        }
        if (_i == FREE && call.calls == 0) {
            mox_ctx_free(sim->ctx);
            sim->ended = true;
        }
        check_count(steps, false);
        mox_conn_close(call.conn);
    }
}
END_TEST

/* Times as the library's own store gives answers: inside the question. */
START_TEST(own_store)
{
    struct mox_conn *conn[3] = {NULL};
    struct way_request r;

    dial_renew(NULL);
    world_load(sim, dial_simple);
    way_configure(limited);
    for (size_t i = 0; i < ARRAY_LEN(conn); i++)
        ck_assert_int_eq(mox_dial(sim->ctx, &way_ask(&r)->request, &conn[i], NULL), MOX_OK);
    ck_assert_str_eq(mox_conn_session(conn[0])->transport, "a");
    ck_assert_str_eq(mox_conn_session(conn[1])->transport, "a");
    ck_assert_str_eq(mox_conn_session(conn[2])->transport, "b");
    world_sleep(sim, 3600 * 1000); /* the next window */
    mox_conn_close(conn[2]);
    ck_assert_int_eq(mox_dial(sim->ctx, &way_ask(&r)->request, &conn[2], NULL), MOX_OK);
    ck_assert_str_eq(mox_conn_session(conn[2])->transport, "a");
    for (size_t i = 0; i < ARRAY_LEN(conn); i++)
        mox_conn_close(conn[i]);
}
END_TEST

START_TEST(a_plan_claims_nothing)
{
    struct mox_plan *plan = mox_plan_new(sim->ctx);
    struct mox_conn *conn = NULL;
    struct way_request r;
    unsigned asked;

    way_configure(limited);
    way_ask(&r)->request.plan = plan;
    sim->dry = true;
    ck_assert_int_eq(mox_plan_resolve(sim->ctx, &r.request, NULL), MOX_OK);
    ck_assert_str_eq(mox_plan_summary(plan)->route.transport, "a");
    ck_assert_uint_eq(mox_plan_summary(plan)->route.limited, 1);
    ck_assert_str_eq(dial_candidates(plan), "192.0.2.1");
    ck_assert_int_eq(way_counted(HOUR_KEY), 0);
    sim->dry = false;
    asked = world_count(sim, "query");
    ck_assert_int_eq(mox_dial(sim->ctx, &r.request, &conn, NULL), MOX_OK);
    ck_assert_int_eq(way_counted(HOUR_KEY), 1);
    ck_assert_uint_eq(world_count(sim, "query"), asked); /* it is dialed as it is */
    ck_assert_uint_eq(mox_plan_summary(plan)->route.limited, 1);
    mox_conn_close(conn);
    store_count(sim, HOUR_KEY, 2);
    sim->dry = true;
    ck_assert_int_eq(mox_plan_resolve(sim->ctx, &r.request, NULL), MOX_OK);
    ck_assert_str_eq(mox_plan_summary(plan)->route.transport, "b");
    ck_assert_uint_eq(mox_plan_summary(plan)->route.limited, 0);
    ck_assert_int_eq(way_counted(HOUR_KEY), 2);
    mox_plan_free(plan);
}
END_TEST

START_TEST(a_plan_whose_place_has_gone)
{
    struct mox_plan *plan = mox_plan_new(sim->ctx);
    struct mox_conn *conn = NULL;
    struct way_request r;

    way_configure(limited);
    way_ask(&r)->request.plan = plan;
    ck_assert_int_eq(mox_plan_resolve(sim->ctx, &r.request, NULL), MOX_OK);
    store_count(sim, HOUR_KEY, 2);
    ck_assert_int_eq(mox_dial(sim->ctx, &r.request, &conn, NULL), MOX_OK);
    ck_assert_str_eq(dial_candidates(plan), "2001:db8::1");
    ck_assert_str_eq(mox_plan_summary(plan)->route.transport, "b");
    ck_assert_int_eq(mox_plan_summary(plan)->route.index, 1);
    ck_assert_int_eq(way_counted(HOUR_KEY), 2);
    mox_conn_close(conn);
    mox_plan_free(plan);
}
END_TEST

/* Two routes with one transport: the plan stays, and tells which of them it was. */
START_TEST(a_plan_by_the_other_route)
{
    static const char same[] = TRANSPORTS "Routes:\n" ROUTE(PER_HOUR("2"), "a") ROUTE("", "a");
    struct mox_plan *plan = mox_plan_new(sim->ctx);
    struct mox_conn *conn = NULL;
    struct way_request r;
    unsigned asked;

    way_configure(same);
    way_ask(&r)->request.plan = plan;
    ck_assert_int_eq(mox_plan_resolve(sim->ctx, &r.request, NULL), MOX_OK);
    ck_assert_int_eq(mox_plan_summary(plan)->route.index, 0);
    store_count(sim, HOUR_KEY, 2);
    asked = world_count(sim, "query");
    ck_assert_int_eq(mox_dial(sim->ctx, &r.request, &conn, NULL), MOX_OK);
    ck_assert_int_eq(mox_plan_summary(plan)->route.index, 1);
    ck_assert_uint_eq(mox_plan_summary(plan)->route.limited, 0);
    ck_assert_uint_eq(world_count(sim, "query"), asked);
    mox_conn_close(conn);
    mox_plan_free(plan);
}
END_TEST

START_TEST(a_route_that_is_given_is_taken_as_it_is)
{
    struct mox_plan *plan = mox_plan_new(sim->ctx);
    struct mox_conn *conn = NULL;
    struct mox_route route;
    struct way_request r;

    way_configure(limited);
    way_ask(&r)->request.plan = plan;
    ck_assert_int_eq(mox_plan_resolve(sim->ctx, &r.request, NULL), MOX_OK);
    route = mox_plan_summary(plan)->route;
    mox_plan_free(plan);
    way_ask(&r)->request.route = &route;
    sim->dry = true;
    ck_assert_int_eq(mox_dial(sim->ctx, &r.request, &conn, NULL), MOX_OK);
    ck_assert_str_eq(mox_conn_session(conn)->transport, "a");
    mox_conn_close(conn);
}
END_TEST

/* What is wrong with the request is told at the start, though its route is open. */
START_TEST(bad_arguments_do_not_start)
{
    struct sim_call call = {.w = sim};
    struct mox_error err = {0};
    struct way_request r;

    way_configure(limited);
    way_ask(&r)->request.stop_at = MOX_STAGE_QUIT;
    ck_assert_uint_eq(mox_dial_start(sim->ctx, &r.request, sim_on_conn, &call, &err), 0);
    ck_assert_int_eq(err.code, MOX_E_INVAL);
    way_ask(&r)->envelope.to = "a..b";
    ck_assert_uint_eq(mox_dial_start(sim->ctx, &r.request, sim_on_conn, &call, &err), 0);
    ck_assert_int_eq(err.code, MOX_E_INVAL);
    ck_assert_int_eq(way_counted(HOUR_KEY), -1);
}
END_TEST

/* All that the request points to may go when the call has returned. */
START_TEST(the_request_is_copied)
{
    struct mox_ip source = dial_ip("198.51.100.9");
    struct mox_timeouts timeouts = {.size = sizeof timeouts, .connect = 1234};
    struct mox_dialed dialed = {.host = NULL, .ip = dial_ip("2001:db8::1")};
    char to[] = "b@example.org", from[] = "a@example.com", ehlo[] = "me.example.com";
    char host[] = "mx.example.org", *hosts[] = {host}, key[] = "q1";
    struct sim_call call;
    struct way_request r;

    way_configure(limited);
    way_ask(&r);
    r.envelope.to = to;
    r.envelope.from = from;
    r.envelope.key = key;
    r.envelope.mx = (const char *const *)hosts;
    r.envelope.nmx = 1;
    dialed.host = host;
    r.request.ehlo = ehlo;
    r.request.sources = &source;
    r.request.nsources = 1;
    r.request.timeouts = &timeouts;
    r.request.dialed = &dialed;
    r.request.ndialed = 1;
    dial_start(&call, &r.request);
    memset(to, 'x', sizeof to - 1);
    memset(from, 'x', sizeof from - 1);
    memset(ehlo, 'x', sizeof ehlo - 1);
    memset(host, 'x', sizeof host - 1);
    memset(key, 'x', sizeof key - 1);
    memset(&source, 0xff, sizeof source);
    memset(&dialed, 0, sizeof dialed);
    memset(&timeouts, 0, sizeof timeouts);
    memset(&r, 0xff, sizeof r);
    hosts[0] = NULL;
    world_run(sim);
    ck_assert_msg(call.status == MOX_OK, "%s", call.err.message);
    ck_assert_str_eq(mox_conn_session(call.conn)->ehlo_sent, "me.example.com");
    ck_assert_uint_eq(world_count(sim, "from 198.51.100.9"), 1);
    mox_conn_close(call.conn);
}
END_TEST

START_TEST(the_whole_deadline_holds)
{
    struct sim_call call;
    struct way_request r;

    sim->store = STORE_MUTE;
    way_configure(limited);
    way_ask(&r)->request.timeout_ms = 500;
    dial_to_end(&call, &r.request);
    ck_assert_int_eq(call.status, MOX_E_TIMEOUT);
    ck_assert_int_eq(call.err.stage, MOX_STAGE_ROUTE);
    ck_assert_uint_eq(world_ms(sim), 500);
}
END_TEST

START_TEST(the_configuration_may_go)
{
    struct sim_call call;
    struct way_request r;

    way_configure(limited);
    dial_start(&call, &way_ask(&r)->request);
    mox_config_free(sim->config);
    sim->config = NULL;
    world_run(sim);
    ck_assert_int_eq(call.status, MOX_OK);
    mox_conn_close(call.conn);
}
END_TEST

/* One dial with the n-th allocation failing; whether that one was reached. */
static bool fails_at(const char *config, long nth)
{
    struct sim_call call = {.w = sim};
    struct mox_error err = {0};
    struct way_request r;
    mox_op_id id;
    bool failed;

    way_renew();
    world_load(sim, "example.net MX 10 mx.example.net\nmx.example.net AAAA 2001:db8::1\n");
    way_configure(config);
    way_ask(&r);
    call.w = sim;
    test_fail_alloc(nth);
    id = mox_dial_start(sim->ctx, &r.request, sim_on_conn, &call, &err);
    if (id != 0)
        world_run(sim);
    failed = test_alloc_failed();
    test_fail_alloc(0);
    ck_assert_msg(id != 0 || err.code == MOX_E_NOMEM, "allocation %ld: %s", nth, err.message);
    ck_assert_msg(id == 0 || call.calls == 1, "allocation %ld", nth);
    ck_assert_msg(id == 0 || call.status == MOX_OK || call.err.code != MOX_OK, "allocation %ld",
                  nth);
    check_count((int)nth, call.status == MOX_E_NOMEM);
    mox_conn_close(call.conn);
    return failed;
}

START_TEST(memory_fails_at_every_allocation)
{
    static const char both[] = TRANSPORTS
        "Routes:\n" ROUTE(MX("mx.example.org") PER_HOUR("2") PER_MINUTE("2"), "a") ROUTE("", "b");
    long nth = 1;

    while (fails_at(both, nth))
        nth++;
    ck_assert_int_gt(nth, 10);
}
END_TEST

TCase *test_dial_way(void)
{
    TCase *tcase = tcase_create("dial/way");

    tcase_add_checked_fixture(tcase, way_setup, dial_teardown);
    tcase_add_loop_test(tcase, claims, 0, (int)ARRAY_LEN(claim_cases));
    tcase_add_loop_test(tcase, silence_costs_once, 0, (int)ARRAY_LEN(silences));
    tcase_add_test(tcase, counters_are_kept_two_windows);
    tcase_add_loop_test(tcase, ends, 0, (int)ARRAY_LEN(end_cases));
    tcase_add_loop_test(tcase, ended_at_every_step, 0, ENDINGS);
    tcase_add_test(tcase, own_store);
    tcase_add_test(tcase, a_plan_claims_nothing);
    tcase_add_test(tcase, a_plan_whose_place_has_gone);
    tcase_add_test(tcase, a_plan_by_the_other_route);
    tcase_add_test(tcase, a_route_that_is_given_is_taken_as_it_is);
    tcase_add_test(tcase, bad_arguments_do_not_start);
    tcase_add_test(tcase, the_request_is_copied);
    tcase_add_test(tcase, the_whole_deadline_holds);
    tcase_add_test(tcase, the_configuration_may_go);
    tcase_add_test(tcase, memory_fails_at_every_allocation);
    return tcase;
}
