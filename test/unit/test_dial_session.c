/*
 * test_dial_session.c - what servers say, or fail to say, up to EHLO, and what the dial makes of
 * it: refusals of our address, other refusals, deadlines, broken servers.
 */
#include <stdio.h>

#include "dial_world.h"

#define BOTH                                                                                       \
    "example.org MX 10 mx.example.org\nmx.example.org A 192.0.2.1\n"                               \
    "mx.example.org AAAA 2001:db8::1\n"
#define ONE "example.org MX 10 mx.example.org\nmx.example.org A 192.0.2.1\n"
#define TWO                                                                                        \
    "example.org MX 10 m1.example.org\nexample.org MX 20 m2.example.org\n"                         \
    "m1.example.org A 192.0.2.1\nm2.example.org A 192.0.2.2\n"
#define OTHERS BOTH "mx.example.org AAAA 2001:db8::2\n2001:db8::2 up\n"
#define HOUR_MS (3600 * 1000)

static const struct dial_case refusals[] = {
    {"our IPv6 address is refused: IPv4 of the same host is next", NULL,
     OTHERS "2001:db8::1 up ptr\n192.0.2.1 up\n", .dials = "2001:db8::1@0 192.0.2.1@20",
     .at = "192.0.2.1", .ms = 50},
    {"the same in EHLO", NULL, OTHERS "2001:db8::1 up ptr-ehlo\n192.0.2.1 up\n",
     .dials = "2001:db8::1@0 192.0.2.1@30", .at = "192.0.2.1"},
    {"the same in HELO", NULL, OTHERS "2001:db8::1 up ptr-helo\n192.0.2.1 up\n",
     .dials = "2001:db8::1@0 192.0.2.1@40", .at = "192.0.2.1"},
    {"the same, and the server closes", NULL, OTHERS "2001:db8::1 up ptr-close\n192.0.2.1 up\n",
     .dials = "2001:db8::1@0 192.0.2.1@20", .at = "192.0.2.1"},
    {"any 5xx greeting may be about our address", NULL,
     OTHERS "2001:db8::1 up reject\n192.0.2.1 up\n", .dials = "2001:db8::1@0 192.0.2.1@20"},
    {"IPv4 is refused: IPv6 is next", "Transports:\n\tp:\n\t\tDirect:\n\t\t\tPrefer: ipv4\n",
     BOTH "192.0.2.1 up ptr\n2001:db8::1 up\n", .transport = "p",
     .dials = "192.0.2.1@0 2001:db8::1@20", .at = "2001:db8::1"},
    {"both refuse: permanent, in the server's words", NULL,
     BOTH "2001:db8::1 up ptr\n192.0.2.1 up ptr\n", .status = MOX_E_REFUSED,
     .dials = "2001:db8::1@0 192.0.2.1@20", .permanent = 1, .smtp_code = 550,
     .about = MOX_ABOUT_SOURCE, .stage = MOX_STAGE_GREETING, .at = "192.0.2.1",
     .says = "cannot find your reverse hostname"},
    {"the other family is not allowed: never dialed", NULL,
     BOTH "2001:db8::1 up ptr\n"
          "192.0.2.1 up\n",
     .families = MOX_ALLOW_IPV6, .status = MOX_E_REFUSED, .dials = "2001:db8::1@0",
     .never = "192.0.2.1", .permanent = 1, .smtp_code = 550, .about = MOX_ABOUT_SOURCE},
    {"the other family cannot be reached: temporary", NULL,
     BOTH "2001:db8::1 up ptr\n192.0.2.1 silent\n", .status = MOX_E_REFUSED,
     .dials = "2001:db8::1@0 192.0.2.1@20", .permanent = 0, .smtp_code = 550},
    {"a 4xx greeting only moves on", NULL, OTHERS "2001:db8::1 up temp\n192.0.2.1 refused\n",
     .dials = "2001:db8::1@0 192.0.2.1@20 2001:db8::2@30", .at = "2001:db8::2"},
    {"a 4xx greeting of all", NULL, TWO "192.0.2.1 up temp\n192.0.2.2 up temp\n",
     .status = MOX_E_REFUSED, .dials = "192.0.2.1@0 192.0.2.2@20", .smtp_code = 451,
     .stage = MOX_STAGE_GREETING, .action = MOX_ACTION_LATER},
    {"a 5xx greeting of all", NULL, TWO "192.0.2.1 up reject\n192.0.2.2 up reject\n",
     .status = MOX_E_REFUSED, .dials = "192.0.2.1@0 192.0.2.2@20", .permanent = 1, .smtp_code = 554,
     .at = "192.0.2.2"},
    {"5xx and 4xx: temporary", NULL, TWO "192.0.2.1 up reject\n192.0.2.2 up temp\n",
     .status = MOX_E_REFUSED, .smtp_code = 451, .at = "192.0.2.2"},
    {"5xx and no connection: temporary", NULL, TWO "192.0.2.1 up reject\n192.0.2.2 refused\n",
     .status = MOX_E_REFUSED, .smtp_code = 554, .at = "192.0.2.1"},
    {"5xx, and DNS failed for the other host: temporary", NULL,
     "example.org MX 10 m1.example.org\nexample.org MX 20 m2.example.org\n"
     "m1.example.org A 192.0.2.1\nm2.example.org A +servfail\nm2.example.org AAAA +servfail\n"
     "192.0.2.1 up reject\n",
     .status = MOX_E_REFUSED, .smtp_code = 554},
    {"the latest stage is told", NULL, TWO "192.0.2.1 up reject-ehlo\n192.0.2.2 up temp\n",
     .status = MOX_E_REFUSED, .smtp_code = 550, .stage = MOX_STAGE_EHLO, .at = "192.0.2.1"},
    {"421 in the greeting", NULL, TWO "192.0.2.1 up busy\n192.0.2.2 up\n", .at = "192.0.2.2",
     .never = "sent 192.0.2.1"},
    {"421 to EHLO", NULL, TWO "192.0.2.1 up busy-ehlo\n192.0.2.2 up\n", .at = "192.0.2.2",
     .never = "sent 192.0.2.1 QUIT"},
    {"HELO where EHLO is unknown", NULL, ONE "192.0.2.1 up old\n", .at = "192.0.2.1", .ms = 40},
    {"HELO after 502", NULL, ONE "192.0.2.1 up old-502\n", .at = "192.0.2.1"},
    {"neither EHLO nor HELO", NULL, ONE "192.0.2.1 up older\n", .status = MOX_E_REFUSED,
     .permanent = 1, .smtp_code = 504, .stage = MOX_STAGE_EHLO},
    {"a greeting that says neither yes nor no", NULL, ONE "192.0.2.1 up 354\n",
     .status = MOX_E_PROTOCOL, .smtp_code = 354},
    {"line ends without CR", NULL, ONE "192.0.2.1 up lf-only\n", .at = "192.0.2.1"},
};

START_TEST(refusal_case)
{
    dial_case_run(&refusals[_i]);
}
END_TEST

static const struct dial_case broken[] = {
    {"no greeting", NULL, ONE "192.0.2.1 up silent\n", .status = MOX_E_TIMEOUT, .ms = 300000,
     .stage = MOX_STAGE_GREETING},
    {"the greeting's deadline", NULL, TWO "192.0.2.1 up silent\n192.0.2.2 up\n",
     .timeouts.greeting = 400, .dials = "192.0.2.1@0 192.0.2.2@410", .at = "192.0.2.2"},
    {"it is for the whole greeting", NULL, TWO "192.0.2.1 up drip\n192.0.2.2 up\n",
     .timeouts.greeting = 5000, .dials = "192.0.2.1@0 192.0.2.2@5010"},
    {"a drip that ends in time", NULL, ONE "192.0.2.1 up drip\n", .timeouts.greeting = 60000,
     .at = "192.0.2.1"},
    {"half a greeting", NULL, TWO "192.0.2.1 up half-greeting\n192.0.2.2 up\n",
     .timeouts.greeting = 400, .dials = "192.0.2.1@0 192.0.2.2@410"},
    {"no reply to EHLO", NULL, TWO "192.0.2.1 up silent-ehlo\n192.0.2.2 up\n", .timeouts.ehlo = 700,
     .dials = "192.0.2.1@0 192.0.2.2@720"},
    {"it is for the whole reply", NULL, TWO "192.0.2.1 up drip-ehlo\n192.0.2.2 up\n",
     .timeouts.ehlo = 7000, .dials = "192.0.2.1@0 192.0.2.2@7020"},
    {"EHLO's deadline alone", NULL, ONE "192.0.2.1 up half-ehlo\n", .timeouts.ehlo = 700,
     .status = MOX_E_TIMEOUT, .stage = MOX_STAGE_EHLO, .ms = 720, .at = "192.0.2.1",
     .about = MOX_ABOUT_HOST},
    {"Timeouts of the configuration", "Timeouts:\n\tGreeting: 250ms\n\tDial: 1h\n",
     TWO "192.0.2.1 up silent\n192.0.2.2 up\n", .dials = "192.0.2.1@0 192.0.2.2@260"},
    {"the whole dial ends in the session", NULL, ONE "192.0.2.1 up silent\n", .timeout_ms = 900,
     .timeouts.greeting = HOUR_MS, .status = MOX_E_TIMEOUT, .ms = 900, .stage = MOX_STAGE_GREETING,
     .says = "whole dial", .at = "192.0.2.1"},
    {"closed before the greeting", NULL, TWO "192.0.2.1 up close\n192.0.2.2 up\n",
     .dials = "192.0.2.1@0 192.0.2.2@20"},
    {"closed before the greeting, alone", NULL, ONE "192.0.2.1 up close\n", .status = MOX_E_CLOSED,
     .stage = MOX_STAGE_GREETING, .about = MOX_ABOUT_HOST},
    {"reset before the greeting", NULL, ONE "192.0.2.1 up reset\n", .status = MOX_E_CLOSED,
     .stage = MOX_STAGE_GREETING, .about = MOX_ABOUT_HOST},
    {"closed behind the greeting", NULL, ONE "192.0.2.1 up close-greeted\n", .status = MOX_E_CLOSED,
     .stage = MOX_STAGE_EHLO},
    {"reset behind the greeting", NULL, ONE "192.0.2.1 up reset-greeted\n", .status = MOX_E_CLOSED,
     .stage = MOX_STAGE_EHLO},
    {"closed instead of a reply to EHLO", NULL, ONE "192.0.2.1 up close-ehlo\n",
     .status = MOX_E_CLOSED, .stage = MOX_STAGE_EHLO, .at = "192.0.2.1"},
    {"reset in the reply to EHLO", NULL, TWO "192.0.2.1 up reset-ehlo\n192.0.2.2 up\n",
     .dials = "192.0.2.1@0 192.0.2.2@30"},
    {"a web server", NULL, ONE "192.0.2.1 up garbage\n", .status = MOX_E_PROTOCOL,
     .stage = MOX_STAGE_GREETING, .about = MOX_ABOUT_HOST},
    {"binary bytes", NULL, ONE "192.0.2.1 up binary\n", .status = MOX_E_PROTOCOL},
    {"a code that changes within a reply", NULL, ONE "192.0.2.1 up code-changes\n",
     .status = MOX_E_PROTOCOL, .stage = MOX_STAGE_EHLO},
    {"replies to what was not asked", NULL, ONE "192.0.2.1 up nonsense\n", .status = MOX_E_PROTOCOL,
     .never = "sent 192.0.2.1 EHLO"},
    {"a greeting without end", NULL, TWO "192.0.2.1 up endless\n192.0.2.2 up\n",
     .dials = "192.0.2.1@0 192.0.2.2@20"},
    {"a reply without end", NULL, ONE "192.0.2.1 up endless-ehlo\n", .status = MOX_E_LIMIT,
     .stage = MOX_STAGE_EHLO, .says = "MOX_LIMIT_REPLY"},
    {"a line without end", NULL, ONE "192.0.2.1 up endless-line\n", .status = MOX_E_LIMIT,
     .says = "MOX_LIMIT_REPLY_LINE"},
    {"stop at the greeting", NULL, ONE "192.0.2.1 up silent-ehlo\n", .stop_at = MOX_STAGE_GREETING,
     .ms = 20, .never = "EHLO"},
    {"stop at EHLO", NULL, ONE "192.0.2.1 up\n", .stop_at = MOX_STAGE_EHLO, .ms = 30},
    {"stop at a stage there is not: the next there is", NULL, ONE "192.0.2.1 up\n",
     .stop_at = MOX_STAGE_TLS, .ms = 30},
};

START_TEST(broken_case)
{
    dial_case_run(&broken[_i]);
}
END_TEST

static const struct {
    const char *name, *config, *ehlo, *server;
    const char *sent;
} names[] = {
    {"no name: our end as a literal", NULL, NULL, "192.0.2.1", "EHLO [198.51.100.9]"},
    {"and of IPv6", NULL, NULL, "2001:db8::1", "EHLO [IPv6:2001:db8:9::9]"},
    {"Hostname", "Hostname: mail.example.com\n", NULL, "192.0.2.1", "EHLO mail.example.com"},
    {"Hostname as A-labels", "Hostname: b\303\274cher.example\n", NULL, "192.0.2.1",
     "EHLO xn--bcher-kva.example"},
    {"EHLOHostname of the transport",
     "Hostname: mail.example.com\nTransports:\n\tt:\n\t\tDirect:\n\t\t\tEHLOHostname: "
     "out.example.com\nRoutes:\n\t-\n\t\tTransport: t\n",
     NULL, "192.0.2.1", "EHLO out.example.com"},
    {"the request's", "Hostname: mail.example.com\n", "Other.Example.Com", "192.0.2.1",
     "EHLO other.example.com"},
    {"a literal by the request", NULL, "[192.0.2.77]", "192.0.2.1", "EHLO [192.0.2.77]"},
};

START_TEST(ehlo_name)
{
    struct dial_case c = {.name = names[_i].name,
                          .config = names[_i].config,
                          .world = "192.0.2.1 up\n2001:db8::1 up\n"};
    struct sim_call call;

    c.ehlo = names[_i].ehlo;
    c.server = names[_i].server;
    if (c.config != NULL)
        sim->config = mox_config_parse(c.config, strlen(c.config), NULL);
    world_load(sim, c.world);
    dial_to_end(&call, dial_request_of(&c));
    ck_assert_msg(call.status == MOX_OK, "%s: %s", c.name, call.err.message);
    ck_assert_msg(world_count(sim, names[_i].sent) == 1, "%s:\n%s", c.name, sim->log.ptr);
    ck_assert_str_eq(mox_conn_session(call.conn)->ehlo_sent, names[_i].sent + 5);
    mox_conn_close(call.conn);
}
END_TEST

/* Bytes may come and go one at a time, and streams may say more than was asked. */
START_TEST(every_pace_gives_the_same_session)
{
    struct sim_call call;

    sim->max_write = _i == 1 ? 1 : 0;
    sim->eager = _i == 2;
    world_load(sim, dial_simple);
    dial_to_end(&call, dial_request());
    ck_assert_msg(call.status == MOX_OK, "%s", call.err.message);
    ck_assert_str_eq(net_find(sim, "2001:db8::1")->out.ptr, "EHLO [IPv6:2001:db8:9::9]\r\n");
    ck_assert_uint_eq(mox_conn_session(call.conn)->size_limit, 1000000);
    mox_conn_close(call.conn);
}
END_TEST

/* A refusal of our address is in the trace of a dial that went well. */
START_TEST(refusal_is_in_the_trace)
{
    struct mox_dial_request request = *dial_request();
    struct mox_plan *plan = mox_plan_new(sim->ctx);
    const struct mox_attempt *attempt;
    struct sim_call call;

    world_load(sim, BOTH "2001:db8::1 up ptr\n192.0.2.1 up\n");
    request.plan = plan;
    dial_to_end(&call, &request);
    ck_assert_int_eq(call.status, MOX_OK);
    ck_assert_uint_eq(mox_plan_summary(plan)->n_attempts, 2);
    attempt = mox_plan_attempt(plan, 0);
    ck_assert_int_eq(attempt->outcome, MOX_E_REFUSED);
    ck_assert_int_eq(attempt->stage, MOX_STAGE_GREETING);
    ck_assert_int_eq(attempt->connect_ms, 10);
    ck_assert_int_eq(attempt->greeting_ms, 20);
    ck_assert_int_eq(attempt->end_ms, 20);
    ck_assert_int_eq(attempt->error->smtp_code, 550);
    ck_assert_str_eq(attempt->error->enhanced, "5.7.1");
    ck_assert_str_eq(attempt->error->host, "mx.example.org");
    ck_assert_ptr_nonnull(strstr(attempt->greeting, "reverse hostname"));
    attempt = mox_plan_attempt(plan, 1);
    ck_assert_int_eq(attempt->outcome, MOX_OK);
    ck_assert_int_eq(attempt->stage, MOX_STAGE_READY);
    ck_assert_int_eq(mox_plan_candidate(plan, attempt->candidate)->order, MOX_ORDER_OTHER_FAMILY);
    ck_assert_ptr_nonnull(strstr(mox_plan_candidate(plan, attempt->candidate)->detail,
                                 "refused our IPv6 address: 550"));
    ck_assert_uint_eq(mox_ctx_stats(sim->ctx)->family_fallbacks, 1);
    ck_assert_uint_eq(world_count(sim, "sent 2001:db8::1 QUIT"), 1);
    mox_conn_close(call.conn);
    mox_plan_free(plan);
}
END_TEST

/* The plan shows candidates in the order in which they were, or would have been, dialed. */
START_TEST(plan_is_in_dialing_order)
{
    static const char config[] = "Transports:\n\tt:\n\t\tDirect:\n\t\t\tPrefer: ipv6\n"
                                 "Routes:\n\t-\n\t\tTransport: t\n";
    struct mox_plan *plan = mox_plan_new(sim->ctx);
    struct mox_dial_request request;
    struct sim_call call;

    sim->config = mox_config_parse(config, sizeof config - 1, NULL);
    request = *dial_request();
    request.plan = plan;
    world_load(sim, OTHERS "2001:db8::1 up ptr\n192.0.2.1 up\n");
    dial_to_end(&call, &request);
    ck_assert_int_eq(call.status, MOX_OK);
    ck_assert_str_eq(dial_candidates(plan), "2001:db8::1 192.0.2.1 2001:db8::2");
    ck_assert_uint_eq(mox_plan_attempt(plan, 1)->candidate, 1);
    mox_conn_close(call.conn);
    mox_plan_free(plan);
}
END_TEST

/* Four greetings in one dial, whatever is left. */
START_TEST(four_sessions_are_enough)
{
    struct sim_call call;
    char line[128];

    world_load(sim, "example.org MX 10 mx.example.org\n");
    for (int n = 1; n <= 8; n++) {
        snprintf(line, sizeof line, "mx.example.org A 192.0.2.%d\n192.0.2.%d up reject\n", n, n);
        world_load(sim, line);
    }
    dial_to_end(&call, dial_request());
    ck_assert_int_eq(call.status, MOX_E_REFUSED);
    ck_assert_int_eq(call.err.permanent, 0); /* the others were not heard */
    ck_assert_uint_eq(world_count(sim, "connect 192"), 4);
}
END_TEST

/* Ten addresses in one dial. */
START_TEST(ten_attempts_are_enough)
{
    struct sim_call call;
    char line[128];

    world_load(sim, "example.org MX 10 mx.example.org\n");
    for (int n = 1; n <= 14; n++) {
        snprintf(line, sizeof line, "mx.example.org A 192.0.2.%d\n192.0.2.%d refused\n", n, n);
        world_load(sim, line);
    }
    dial_to_end(&call, dial_request());
    ck_assert_int_eq(call.status, MOX_E_CONNECT);
    ck_assert_uint_eq(world_count(sim, "connect 192"), 10);
}
END_TEST

/* The limit is met in the middle of a race: the one in flight goes on alone. */
START_TEST(last_attempt_goes_on_alone)
{
    struct sim_call call;
    char line[128];

    world_load(sim, "example.org MX 10 mx.example.org\n");
    for (int n = 1; n <= 14; n++) {
        snprintf(line, sizeof line, "mx.example.org A 192.0.2.%d\n192.0.2.%d %s\n", n, n,
                 n == 10 ? "up +ms=5000" : "refused");
        world_load(sim, line);
    }
    dial_to_end(&call, dial_request());
    ck_assert_msg(call.status == MOX_OK, "%s", call.err.message);
    ck_assert_uint_eq(world_count(sim, "connect 192"), 10);
    mox_conn_close(call.conn);
}
END_TEST

TCase *test_dial_session(void)
{
    TCase *tcase = tcase_create("dial/session");

    tcase_add_checked_fixture(tcase, dial_setup, dial_teardown);
    tcase_add_loop_test(tcase, refusal_case, 0, (int)ARRAY_LEN(refusals));
    tcase_add_loop_test(tcase, broken_case, 0, (int)ARRAY_LEN(broken));
    tcase_add_loop_test(tcase, ehlo_name, 0, (int)ARRAY_LEN(names));
    tcase_add_loop_test(tcase, every_pace_gives_the_same_session, 0, 3);
    tcase_add_test(tcase, refusal_is_in_the_trace);
    tcase_add_test(tcase, plan_is_in_dialing_order);
    tcase_add_test(tcase, four_sessions_are_enough);
    tcase_add_test(tcase, ten_attempts_are_enough);
    tcase_add_test(tcase, last_attempt_goes_on_alone);
    return tcase;
}
