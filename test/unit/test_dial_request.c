/*
 * test_dial_request.c - what a dial is asked for: transports of each kind, given servers, faults of
 * the request, and the limits on connections that the context keeps.
 */
#include <stdio.h>

#include "base/limits.h"
#include "dial_world.h"

#define RELAY                                                                                      \
    "Transports:\n\trelay:\n\t\tSMTP:\n\t\t\tHost: relay.example.net\n\t\t\tNoSTARTTLS: true\n"
#define RELAYS "relay.example.net A 192.0.2.1\nrelay.example.net AAAA 2001:db8::1\n"
#define ALL "Routes:\n\t-\n\t\tTransport: t\n"
#define SERVER(method) "Transports:\n\tt:\n\t\t" method ":\n\t\t\tHost: relay.example.net\n"
#define NOTHING .status = MOX_E_UNSUPPORTED, .permanent = 0, .dials = "", .never = "query"
#define UP "192.0.2.1 up\n2001:db8::1 up\n"

static const struct dial_case cases[] = {
    {"a relay in clear", RELAY, RELAYS UP, .transport = "relay", .dials = "2001:db8::1@0",
     .never = "MX"},
    {"a relay may be on loopback", RELAY, "relay.example.net A 127.0.0.1\n127.0.0.1 up\n",
     .transport = "relay", .dials = "127.0.0.1@0"},
    {"a relay on another port", RELAY "\t\t\tPort: 2525\n",
     RELAYS "2001:db8::1 refused +ms=0\n192.0.2.1 up +port=2525\n", .transport = "relay",
     .dials = "2001:db8::1@0 192.0.2.1@0", .never = "port 25 "},
    {"a relay with a family filter", RELAY "\t\t\tDisableIPv6: true\n", RELAYS UP,
     .transport = "relay", .dials = "192.0.2.1@0", .never = "AAAA"},
    {"a relay that is down: temporary", RELAY, RELAYS, .transport = "relay",
     .status = MOX_E_CONNECT, .permanent = 0},
    {"Fail", "Transports:\n\tt:\n\t\tFail:\n\t\t\tSMTPCode: 450\n\t\t\tSMTPMessage: not now\n" ALL,
     UP, .status = MOX_E_FAIL_TRANSPORT, .dials = "", .never = "query", .smtp_code = 450,
     .says = "not now"},
    {"Fail for good", "Transports:\n\tt:\n\t\tFail:\n\t\t\tSMTPMessage: never\n" ALL, UP,
     .status = MOX_E_FAIL_TRANSPORT, .dials = "", .permanent = 1, .smtp_code = 554},
    {"a certificate for nobody to check, and REQUIRETLS",
     SERVER("SMTP") "\t\t\tSTARTTLSInsecureSkipVerify: true\n" ALL, UP,
     .flags = MOX_DIAL_REQUIRETLS, .status = MOX_E_TLS_REQUIRED, .dials = "", .permanent = 1,
     .never = "query", .says = "does not verify TLS"},
    {"no TLS at all, and REQUIRETLS", SERVER("SMTP") "\t\t\tNoSTARTTLS: true\n" ALL, UP,
     .flags = MOX_DIAL_REQUIRETLS, .status = MOX_E_TLS_REQUIRED, .dials = "", .permanent = 1,
     .never = "query", .says = "does not verify TLS"},
    {"a proxy without an address",
     "Transports:\n\tt:\n\t\tSocks:\n\t\t\tAddress: proxy.example:1080\n\t\t\tRemoteIPs:\n"
     "\t\t\t\t- 192.0.2.7\n\t\t\tRemoteHostname: out.example.com\n" ALL,
     "example.org A 192.0.2.1\n" UP, .status = MOX_E_PROXY, .dials = "", .stage = MOX_STAGE_PROXY,
     .about = MOX_ABOUT_LOCAL, .says = "the proxy proxy.example has no address"},
    {"REQUIRETLS, and nobody says how to verify", NULL, "example.org A 192.0.2.1\n" UP,
     .flags = MOX_DIAL_REQUIRETLS, .status = MOX_E_TLS_REQUIRED, .dials = "", .permanent = 1,
     .says = "no mail host of example.org supports"},
    {"an unknown transport", RELAY, UP, .transport = "realy", .status = MOX_E_CONFIG, .dials = "",
     .never = "query", .says = "realy"},
    {"an unknown transport without a configuration", NULL, UP, .transport = "x",
     .status = MOX_E_CONFIG, .dials = "", .never = "query"},
    {"a transport wins over the routes", RELAY "\tt:\n\t\tDirect:\n\t\t\tDisableIPv6: true\n" ALL,
     RELAYS UP, .transport = "relay", .dials = "2001:db8::1@0"},
    {"a server by name", NULL, "mx.example.net A 127.0.0.1\n127.0.0.1 up\n",
     .server = "mx.example.net", .dials = "127.0.0.1@0", .never = "MX"},
    {"a server by address and port", NULL, "2001:db8::1 up +port=2525\n",
     .server = "[2001:db8::1]:2525", .dials = "2001:db8::1@0", .never = "query"},
    {"a literal as recipient", NULL, UP, .to = "b@[192.0.2.1]", .dials = "192.0.2.1@0",
     .never = "query"},
};

START_TEST(request_case)
{
    dial_case_run(&cases[_i]);
}
END_TEST

static const struct {
    const char *name;
    const char *to, *server, *ehlo;
    int stop_at;
    uint32_t families;
} wrong[] = {
    {"no recipient", "", NULL, NULL, 0, 0},
    {"a recipient that is none", "b@a_b.example", NULL, NULL, 0, 0},
    {"a server that is none", "b@example.org", "a b:x", NULL, 0, 0},
    {"a server's name that is none", "b@example.org", "a!b.example", NULL, 0, 0},
    {"a server's name of over 64 bytes that is none", "b@example.org",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example", NULL, 0,
     0},
    {"nothing behind the @", "b@", NULL, NULL, 0, 0},
    {"an EHLO name that is none", "b@example.org", NULL, "a b", 0, 0},
    {"an EHLO name with a line end", "b@example.org", NULL, "a\r\nMAIL", 0, 0},
    {"a stage before the connect", "b@example.org", NULL, NULL, MOX_STAGE_RESOLVE, 0},
    {"a stage behind the session", "b@example.org", NULL, NULL, MOX_STAGE_MAIL, 0},
    {"a family there is not", "b@example.org", NULL, NULL, 0, 8},
};

START_TEST(wrong_case)
{
    struct dial_case c = {.name = wrong[_i].name,
                          .to = wrong[_i].to,
                          .server = wrong[_i].server,
                          .ehlo = wrong[_i].ehlo,
                          .stop_at = wrong[_i].stop_at,
                          .families = wrong[_i].families};
    struct sim_call call = {.w = sim};
    struct mox_conn *conn = NULL;
    struct mox_error err = {0};

    world_load(sim, dial_simple);
    ck_assert_msg(mox_dial_start(sim->ctx, dial_request_of(&c), sim_on_conn, &call, &err) == 0,
                  "%s", c.name);
    ck_assert_msg(err.code == MOX_E_INVAL, "%s: %s", c.name, err.message);
    ck_assert_int_eq(mox_dial(sim->ctx, dial_request_of(&c), &conn, NULL), MOX_E_INVAL);
    ck_assert_int_eq(mox_ctx_pending(sim->ctx), 0);
    ck_assert_int_eq(call.calls, 0);
    ck_assert_ptr_null(sim->log.ptr);
}
END_TEST

START_TEST(plan_to_resolve_is_required)
{
    struct sim_call call = {.w = sim};
    struct mox_error err = {0};

    ck_assert_int_eq(mox_plan_resolve(sim->ctx, dial_request(), &err), MOX_E_INVAL);
    ck_assert_uint_eq(mox_plan_resolve_start(sim->ctx, dial_request(), sim_on_done, &call, NULL),
                      0);
}
END_TEST

START_TEST(structs_of_other_versions)
{
    struct {
        struct mox_dial_request request;
        uint64_t more;
    } longer = {*dial_request(), 0};
    struct mox_dial_request shorter = *dial_request();
    struct sim_call call = {.w = sim};
    struct mox_error err;

    world_load(sim, dial_simple);
    shorter.size = offsetof(struct mox_dial_request, tag);
    dial_to_end(&call, &shorter);
    ck_assert_int_eq(call.status, MOX_OK);
    mox_conn_close(call.conn);
    longer.request.size = sizeof longer;
    dial_to_end(&call, &longer.request);
    ck_assert_int_eq(call.status, MOX_OK);
    mox_conn_close(call.conn);
    longer.more = 1;
    dial_start(&call, &longer.request); /* what it asks for is told by the callback */
    world_run(sim);
    ck_assert_int_eq(call.status, MOX_E_UNSUPPORTED);
    shorter.size = sizeof(size_t);
    ck_assert_uint_eq(mox_dial_start(sim->ctx, &shorter, sim_on_conn, &call, &err), 0);
    ck_assert_int_eq(err.code, MOX_E_INVAL);
}
END_TEST

START_TEST(what_a_request_must_have)
{
    struct mox_dialed dialed[MOX_LIMIT_DIALED + 1];
    struct mox_dial_request request = *dial_request();
    struct mox_conn *conn;
    struct mox_error err;

    world_load(sim, dial_simple);
    request.envelope = NULL;
    ck_assert_int_eq(mox_dial(sim->ctx, &request, &conn, &err), MOX_E_INVAL);
    ck_assert_msg(strstr(err.message, "envelope") != NULL, "%s", err.message);
    ck_assert_int_eq(mox_dial(sim->ctx, NULL, &conn, &err), MOX_E_INVAL);
    request = *dial_request();
    memset(dialed, 0, sizeof dialed);
    request.dialed = dialed;
    request.ndialed = ARRAY_LEN(dialed);
    ck_assert_int_eq(mox_dial(sim->ctx, &request, &conn, &err), MOX_E_LIMIT);
    ck_assert_ptr_null(sim->log.ptr);
}
END_TEST

/* A route that the host has looked up is taken as it is. */
START_TEST(route_of_the_host)
{
    struct mox_dial_request request = *dial_request();
    struct mox_route route;
    struct sim_call call;

    world_load(sim, dial_simple);
    ck_assert_int_eq(mox_route_lookup(NULL, request.envelope, &route, NULL), MOX_OK);
    route.line = 77;
    request.route = &route;
    dial_to_end(&call, &request);
    ck_assert_int_eq(call.status, MOX_OK);
    ck_assert_int_eq(mox_plan_summary(mox_conn_plan(call.conn))->route.line, 77);
    mox_conn_close(call.conn);
}
END_TEST

START_TEST(somebody_must_hear_of_the_end)
{
    struct mox_error err;

    world_load(sim, dial_simple);
    ck_assert_uint_eq(mox_dial_start(sim->ctx, dial_request(), NULL, NULL, &err), 0);
    ck_assert_int_eq(err.code, MOX_E_INVAL);
    ck_assert_int_eq(mox_ctx_pending(sim->ctx), 0);
}
END_TEST

START_TEST(full_address_is_passed_over)
{
    struct mox_ctx_options options = {.size = sizeof options, .max_conns_per_address = 1};
    struct mox_dial_request request;
    struct mox_plan *plan;
    struct sim_call first, second, third;

    dial_renew(&options);
    world_load(sim, dial_simple);
    dial_to_end(&first, dial_request());
    ck_assert_int_eq(first.status, MOX_OK);
    plan = mox_plan_new(sim->ctx);
    request = *dial_request();
    request.plan = plan;
    dial_to_end(&second, &request);
    ck_assert_int_eq(second.status, MOX_OK);
    ck_assert_str_eq(dial_candidates(plan), "192.0.2.1 2001:db8::1/busy");
    dial_to_end(&third, dial_request());
    ck_assert_int_eq(third.status, MOX_E_FILTERED);
    ck_assert_int_eq(third.err.permanent, 0);
    ck_assert_int_eq(third.err.about, MOX_ABOUT_LOCAL);
    mox_conn_close(first.conn);
    dial_to_end(&third, dial_request());
    ck_assert_int_eq(third.status, MOX_OK);
    mox_conn_close(second.conn);
    mox_conn_close(third.conn);
    mox_plan_free(plan);
}
END_TEST

static int dial_server(int n, struct mox_conn **conn)
{
    struct dial_case c = {.name = "one of many"};
    char server[32];

    snprintf(server, sizeof server, "192.0.2.%d", n);
    c.server = server;
    return mox_dial(sim->ctx, dial_request_of(&c), conn, NULL);
}

/* Connections to many addresses come and go in any order, and each is counted for its own. */
START_TEST(addresses_are_counted_apart)
{
    struct mox_ctx_options options = {.size = sizeof options, .max_conns_per_address = 1};
    struct mox_conn *conns[200] = {NULL}, *other;

    dial_renew(&options);
    for (int n = 1; n < 200; n++) {
        char line[64];

        snprintf(line, sizeof line, "192.0.2.%d up\n", n);
        world_load(sim, line);
    }
    for (int i = 0; i < 2000; i++) {
        int n = 1 + (int)(world_random(sim) % 199);

        if (conns[n] == NULL) {
            ck_assert_int_eq(dial_server(n, &conns[n]), MOX_OK);
            continue;
        }
        ck_assert_int_eq(dial_server(n, &other), MOX_E_FILTERED);
        mox_conn_close(conns[n]);
        conns[n] = NULL;
    }
    for (int n = 1; n < 200; n++)
        mox_conn_close(conns[n]);
}
END_TEST

START_TEST(max_conns_is_ours)
{
    struct mox_ctx_options options = {.size = sizeof options, .max_conns = 2};
    struct sim_call call[3];

    dial_renew(&options);
    world_load(sim, dial_simple);
    dial_to_end(&call[0], dial_request());
    dial_to_end(&call[1], dial_request());
    dial_to_end(&call[2], dial_request());
    ck_assert_int_eq(call[2].status, MOX_E_LIMIT);
    ck_assert_int_eq(call[2].err.about, MOX_ABOUT_LOCAL);
    ck_assert_ptr_nonnull(strstr(call[2].err.message, "max_conns"));
    mox_conn_close(call[0].conn);
    mox_conn_close(call[1].conn);
}
END_TEST

/* Where there is no room for a race, the first connect goes on alone. */
START_TEST(no_room_for_a_race_is_no_fault)
{
    struct mox_ctx_options options = {.size = sizeof options, .max_conns = 1};
    struct sim_call call;

    dial_renew(&options);
    world_load(sim, "example.org MX 10 mx.example.org\nmx.example.org A 192.0.2.1\n"
                    "mx.example.org AAAA 2001:db8::1\n192.0.2.1 up\n2001:db8::1 up +ms=3000\n");
    dial_to_end(&call, dial_request());
    ck_assert_msg(call.status == MOX_OK, "%s", call.err.message);
    ck_assert_str_eq(dial_seen(), "2001:db8::1@0");
    mox_conn_close(call.conn);
}
END_TEST

/* Many at once, each with a connection of its own; counters agree with what the network saw. */
START_TEST(many_at_once)
{
    static struct sim_call calls[200];
    struct mox_ctx_options options = {.size = sizeof options, .max_conns_per_address = 500};

    dial_renew(&options);
    world_load(sim, dial_simple);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        dial_start(&calls[i], dial_request());
    ck_assert_int_eq(mox_ctx_pending(sim->ctx), (int)ARRAY_LEN(calls));
    world_run(sim);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        ck_assert_int_eq(calls[i].status, MOX_OK);
        mox_conn_close(calls[i].conn);
    }
    ck_assert_uint_eq(mox_ctx_stats(sim->ctx)->dials_ok, ARRAY_LEN(calls));
    ck_assert_uint_eq(mox_ctx_stats(sim->ctx)->connects_ipv6, ARRAY_LEN(calls));
    ck_assert_uint_eq(mox_ctx_stats(sim->ctx)->dns_queries, 3 * ARRAY_LEN(calls));
}
END_TEST

TCase *test_dial_request(void)
{
    TCase *tcase = tcase_create("dial/request");

    tcase_add_checked_fixture(tcase, dial_setup, dial_teardown);
    tcase_add_loop_test(tcase, request_case, 0, (int)ARRAY_LEN(cases));
    tcase_add_loop_test(tcase, wrong_case, 0, (int)ARRAY_LEN(wrong));
    tcase_add_test(tcase, plan_to_resolve_is_required);
    tcase_add_test(tcase, structs_of_other_versions);
    tcase_add_test(tcase, somebody_must_hear_of_the_end);
    tcase_add_test(tcase, what_a_request_must_have);
    tcase_add_test(tcase, route_of_the_host);
    tcase_add_test(tcase, full_address_is_passed_over);
    tcase_add_test(tcase, addresses_are_counted_apart);
    tcase_add_test(tcase, max_conns_is_ours);
    tcase_add_test(tcase, no_room_for_a_race_is_no_fault);
    tcase_add_test(tcase, many_at_once);
    return tcase;
}
