/*
 * test_dial_gate.c - RequireReverseDNS and RequireSPF: a family whose address of ours fails is not
 * dialed, is said why, and DNS is not asked for every dial. The machine has 198.51.100.9 and
 * 2001:db8:9::9.
 */
#include "dial_world.h"

#define PTR4 "9.100.51.198.in-addr.arpa"
#define PTR6 "9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.9.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
#define HOST                                                                                       \
    "example.org MX 10 mx.example.org\nmx.example.org A 192.0.2.1\n"                               \
    "mx.example.org AAAA 2001:db8::1\n192.0.2.1 up\n2001:db8::1 up\n"
#define GOOD4 PTR4 " PTR us.example.com\nus.example.com A 198.51.100.9\n"
#define GOOD6 PTR6 " PTR us.example.com\nus.example.com AAAA 2001:db8:9::9\n"
#define WITH(keys)                                                                                 \
    "Hostname: us.example.com\n"                                                                   \
    "Transports:\n\tt:\n\t\tDirect:\n" keys "Routes:\n\t-\n\t\tTransport: t\n"
#define PTR WITH("\t\t\tRequireReverseDNS: true\n")
#define SPF WITH("\t\t\tRequireSPF: true\n")
#define BOTH WITH("\t\t\tRequireReverseDNS: true\n\t\t\tRequireSPF: true\n")
#define NAT                                                                                        \
    "Hostname: us.example.com\nNATIPs:\n\t- 203.0.113.7\nLocalIPs:\n\t- 198.51.100.9\n"            \
    "Transports:\n\tt:\n\t\tDirect:\n\t\t\tRequireReverseDNS: true\n"                              \
    "\t\t\tDisableIPv6: true\nRoutes:\n\t-\n\t\tTransport: t\n"
#define SHUT                                                                                       \
    .status = MOX_E_FILTERED, .dials = "", .about = MOX_ABOUT_SOURCE, .stage = MOX_STAGE_RESOLVE,  \
    .action = MOX_ACTION_LATER

static const struct dial_case cases[] = {
    {"both are good", PTR, HOST GOOD4 GOOD6, .dials = "2001:db8::1@0"},
    {"IPv6 has no name", PTR, HOST GOOD4, .dials = "192.0.2.1@0", .never = "connect 2001"},
    {"IPv6 has a name that does not lead back", PTR,
     HOST GOOD4 PTR6 " PTR other.example.com\nother.example.com AAAA 2001:db8:9::8\n",
     .dials = "192.0.2.1@0"},
    {"the name leads to the other family alone", PTR, HOST GOOD4 PTR6 " PTR us.example.com\n",
     .dials = "192.0.2.1@0", .never = "query us.example.com MX"},
    {"the second name leads back", PTR,
     HOST GOOD4 PTR6 " PTR x.example.com\n" PTR6 " PTR y.example.com\n"
                     "y.example.com AAAA 2001:db8:9::9\n",
     .dials = "2001:db8::1@0"},
    {"DNS does not tell of IPv6: it is last", PTR, HOST GOOD4 PTR6 " PTR +servfail\n",
     .dials = "192.0.2.1@0"},
    {"DNS tells of neither: the default", PTR, HOST PTR4 " PTR +servfail\n" PTR6 " PTR +servfail\n",
     .dials = "2001:db8::1@0"},
    {"neither has a name", PTR, HOST, SHUT, .never = "MX",
     .says = "create the record 9.100.51.198.in-addr.arpa. IN PTR us.example.com."},
    {"IPv6 has none and the host has nothing else", PTR,
     "example.org MX 10 mx.example.org\nmx.example.org AAAA 2001:db8::1\n" GOOD4, SHUT,
     .says = "IN PTR us.example.com."},
    {"the public address counts", NAT,
     HOST "7.113.0.203.in-addr.arpa PTR us.example.com\nus.example.com A 203.0.113.7\n",
     .dials = "192.0.2.1@0", .never = PTR4},
    {"the public address has none", NAT, HOST GOOD4, SHUT, .says = "203.0.113.7 has no reverse"},
    {"a disabled family is not asked about",
     WITH("\t\t\tRequireReverseDNS: true\n\t\t\tDisableIPv6: true\n"), HOST GOOD4,
     .dials = "192.0.2.1@0", .never = "ip6.arpa"},
    {"SPF passes for one", SPF, HOST "example.com TXT \"v=spf1 ip4:198.51.100.9 -all\"\n",
     .dials = "192.0.2.1@0"},
    {"SPF softfails for one", SPF, HOST "example.com TXT \"v=spf1 ip6:2001:db8:9::/48 ~all\"\n",
     .dials = "2001:db8::1@0"},
    {"no SPF", SPF, HOST, .dials = "2001:db8::1@0"},
    {"SPF that cannot be had", SPF, HOST "example.com TXT +servfail\n", .dials = "2001:db8::1@0"},
    {"SPF fails for both", SPF, HOST "example.com TXT \"v=spf1 -all\"\n", SHUT, .never = "MX",
     .says = "add ip4:198.51.100.9"},
    {"names and SPF, each for the other family", BOTH,
     HOST GOOD6 "example.com TXT \"v=spf1 ip4:198.51.100.9 -all\"\n", SHUT, .says = "-all"},
    {"names and SPF", BOTH, HOST GOOD4 GOOD6 "example.com TXT \"v=spf1 ip4:198.51.100.9 -all\"\n",
     .dials = "192.0.2.1@0"},
};

START_TEST(gate_case)
{
    dial_case_run(&cases[_i]);
}
END_TEST

static const char *candidates_of(const struct dial_case *c)
{
    static char seen[512];
    struct mox_dial_request request;
    struct mox_error err;

    world_load(sim, c->world);
    sim->config = mox_config_parse(c->config, strlen(c->config), &err);
    ck_assert_msg(sim->config != NULL, "%s", err.message);
    request = *dial_request_of(c);
    request.plan = mox_plan_new(sim->ctx);
    ck_assert_int_eq(mox_plan_resolve(sim->ctx, &request, &err), MOX_OK);
    snprintf(seen, sizeof seen, "%s", dial_candidates(request.plan));
    mox_plan_free(request.plan);
    return seen;
}

START_TEST(plan_says_why)
{
    const struct dial_case ptr = {.name = "plan", .config = PTR, .world = HOST GOOD4};
    const struct dial_case spf = {.name = "plan",
                                  .config = SPF,
                                  .world = HOST "example.com TXT \"v=spf1 ip4:0.0.0.0/0 -all\"\n"};

    ck_assert_str_eq(candidates_of(&ptr), "192.0.2.1 2001:db8::1/no-reverse-dns");
    dial_renew(NULL);
    ck_assert_str_eq(candidates_of(&spf), "192.0.2.1 2001:db8::1/spf");
}
END_TEST

/* One more dial by the request; how often DNS was asked for the name in all. */
static unsigned asked_after_dial(const struct dial_case *c, const char *question)
{
    struct sim_call call;

    dial_to_end(&call, dial_request_of(c));
    mox_conn_close(call.conn);
    return world_count(sim, question);
}

START_TEST(findings_are_kept_for_their_ttl)
{
    const struct dial_case c = {.name = "findings",
                                .config = BOTH,
                                .world = HOST GOOD4 GOOD6
                                "example.com TXT \"v=spf1 ip4:198.51.100.9 -all\"\n"};
    struct mox_error err;

    world_load(sim, c.world);
    sim->config = mox_config_parse(c.config, strlen(c.config), &err);
    ck_assert_uint_eq(asked_after_dial(&c, "query " PTR4 " PTR"), 1);
    ck_assert_uint_eq(asked_after_dial(&c, "query " PTR4 " PTR"), 1);
    ck_assert_uint_eq(world_count(sim, "query example.com TXT"), 2); /* one of each family */
    world_sleep(sim, 301 * 1000);                                    /* the records' TTL is 300 s */
    ck_assert_uint_eq(asked_after_dial(&c, "query " PTR4 " PTR"), 2);
    ck_assert_uint_eq(world_count(sim, "query example.com TXT"), 4);
    ck_assert_uint_eq(world_count(sim, "connect 2001"), 0);
}
END_TEST

START_TEST(a_name_that_appears_is_seen)
{
    const struct dial_case c = {.name = "appears", .config = PTR, .world = HOST GOOD4};
    struct mox_error err;

    world_load(sim, c.world);
    sim->config = mox_config_parse(c.config, strlen(c.config), &err);
    ck_assert_uint_eq(asked_after_dial(&c, "connect 2001"), 0);
    world_load(sim, GOOD6);
    ck_assert_uint_eq(asked_after_dial(&c, "connect 2001"), 0);
    world_sleep(sim, 301 * 1000);
    ck_assert_uint_eq(asked_after_dial(&c, "connect 2001"), 1);
}
END_TEST

START_TEST(spf_of_each_sender)
{
    static const char world[] = HOST "example.com TXT \"v=spf1 exists:%{l}.ok.example.com "
                                     "-all\"\na.ok.example.com A 127.0.0.2\n";
    const struct dial_case c = {.name = "senders", .config = SPF, .world = world};
    struct mox_envelope envelope = {.size = sizeof envelope, .to = "b@example.org"};
    struct mox_dial_request request;
    struct sim_call call;
    struct mox_error err;

    world_load(sim, world);
    sim->config = mox_config_parse(c.config, strlen(c.config), &err);
    request = *dial_request_of(&c);
    request.envelope = &envelope;
    envelope.from = "a@example.com";
    dial_to_end(&call, &request);
    ck_assert_int_eq(call.status, MOX_OK);
    mox_conn_release(call.conn); /* the next sender must not get it unchecked */
    envelope.from = "z@example.com";
    dial_to_end(&call, &request);
    ck_assert_msg(call.status == MOX_E_FILTERED, "%s\n%s", call.err.message, sim->log.ptr);
}
END_TEST

START_TEST(a_kept_connection_of_a_shut_family)
{
    const struct dial_case c = {.name = "pool", .config = PTR, .world = HOST GOOD4 GOOD6};
    struct mox_ctx_options options = {.size = sizeof options, .max_idle = 4, .idle_s = 5000};
    struct sim_call call;
    struct mox_error err;

    dial_renew(&options);
    world_load(sim, c.world);
    sim->config = mox_config_parse(c.config, strlen(c.config), &err);
    for (unsigned i = 0; i < 2; i++) {
        dial_to_end(&call, dial_request_of(&c));
        ck_assert_int_eq(mox_conn_session(call.conn)->remote.family, MOX_IPV6);
        ck_assert_uint_eq(mox_ctx_stats(sim->ctx)->reused, i);
        mox_conn_release(call.conn);
    }
    dns_set(sim, "us.example.com", dns_type("AAAA"))->n = 0;
    world_sleep(sim, 301 * 1000);
    dial_to_end(&call, dial_request_of(&c));
    ck_assert_int_eq(mox_conn_session(call.conn)->remote.family, MOX_IPV4);
    mox_conn_close(call.conn);
}
END_TEST

static const struct dial_case everything = {.name = "everything",
                                            .config = BOTH,
                                            .world =
                                                HOST GOOD4 "example.com TXT \"v=spf1 mx -all\"\n"};

/* A dial with the n-th allocation failing; whether that one was reached. */
static bool fails_at(long nth)
{
    struct mox_dial_request request;
    struct sim_call call = {.w = sim};
    struct mox_error err = {0};
    mox_op_id id;
    bool failed;

    dial_renew(NULL);
    world_load(sim, everything.world);
    sim->config = mox_config_parse(everything.config, strlen(everything.config), &err);
    request = *dial_request_of(&everything);
    call.w = sim;
    test_fail_alloc(nth);
    id = mox_dial_start(sim->ctx, &request, sim_on_conn, &call, &err);
    if (id != 0)
        world_run(sim);
    failed = test_alloc_failed();
    test_fail_alloc(0);
    ck_assert_msg(id != 0 || err.code == MOX_E_NOMEM, "allocation %ld: %s", nth, err.message);
    ck_assert_msg(id == 0 || call.calls == 1, "allocation %ld", nth);
    mox_conn_close(call.conn);
    return failed;
}

START_TEST(memory_fails_at_every_allocation)
{
    long nth = 1;

    while (fails_at(nth))
        nth++;
    ck_assert_int_gt(nth, 10);
}
END_TEST

START_TEST(cancelled_while_it_is_asked)
{
    struct mox_error err;

    for (uint64_t ms = 0; ms < 300; ms += 50) {
        struct sim_call call;
        mox_op_id id;

        dial_renew(NULL);
        world_load(sim, everything.world);
        world_load(sim, PTR4 " PTR +ms=100\nus.example.com A +ms=100\n");
        sim->config = mox_config_parse(everything.config, strlen(everything.config), &err);
        id = dial_start(&call, dial_request_of(&everything));
        world_sleep(sim, ms);
        if (call.calls == 0)
            ck_assert_int_eq(mox_op_cancel(sim->ctx, id), MOX_OK);
        else
            mox_conn_close(call.conn);
    }
}
END_TEST

TCase *test_dial_gate(void)
{
    TCase *tcase = tcase_create("dial/gate");

    tcase_add_checked_fixture(tcase, dial_setup, dial_teardown);
    tcase_add_loop_test(tcase, gate_case, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tcase, plan_says_why);
    tcase_add_test(tcase, findings_are_kept_for_their_ttl);
    tcase_add_test(tcase, a_name_that_appears_is_seen);
    tcase_add_test(tcase, spf_of_each_sender);
    tcase_add_test(tcase, a_kept_connection_of_a_shut_family);
    tcase_add_test(tcase, memory_fails_at_every_allocation);
    tcase_add_test(tcase, cancelled_while_it_is_asked);
    return tcase;
}
