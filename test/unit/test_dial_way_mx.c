/*
 * test_dial_way_mx.c - routes that hang on the MX hosts, which are looked up, and on the clock.
 */
#include <stdio.h>

#include "way_world.h"

static const char by_mx[] = TRANSPORTS "Routes:\n" ROUTE(MX(".example.org"), "a")
    ROUTE(MX("smart.example"), "smart") ROUTE("", "b");

static const struct mx_case {
    const char *name, *world, *to, *transport;
    const char *mx; /* given */
    unsigned asked; /* questions for MX records */
    int status;
    const char *says;
} mx_cases[] = {
    {"the MX host", "", NULL, "a", NULL, 1, MOX_OK, NULL},
    {"another MX host", "example.net MX 10 mx.example.net\nmx.example.net AAAA 2001:db8::1\n",
     "b@example.net", "b", NULL, 1, MOX_OK, NULL},
    {"the second MX host of a smarthost's customer",
     "example.net MX 10 mx.example.net\nexample.net MX 20 smart.example\n"
     "smart.example A 192.0.2.1\n",
     "b@example.net", "smart", NULL, 1, MOX_OK, NULL},
    {"no MX: the domain itself", "sub.example.org A 192.0.2.1\n", "b@sub.example.org", "a", NULL, 1,
     MOX_OK, NULL},
    {"an alias of the domain", "example.net CNAME example.org\n", "b@example.net", "a", NULL, 1,
     MOX_OK, NULL},
    {"no MX host is a name", "example.net MX 10 localhost\nexample.net MX 20 192.0.2.1\n",
     "b@example.net", NULL, NULL, 1, MOX_E_NO_ADDRESS, NULL},
    {"null MX", "sub.example.org MX 0 .\n", "b@sub.example.org", NULL, NULL, 1, MOX_E_NULL_MX,
     NULL},
    {"no such domain", "", "b@sub.example.org", NULL, NULL, 1, MOX_E_NO_DOMAIN, NULL},
    {"DNS fails", "example.net MX +servfail\n", "b@example.net", NULL, NULL, 1, MOX_E_DNS,
     "example.net"},
    {"an address", "", "b@[IPv6:2001:db8::1]", "b", NULL, 0, MOX_OK, NULL},
    {"hosts that are given", "smart.example A 192.0.2.1\n", NULL, "smart", "smart.example", 0,
     MOX_OK, NULL},
};

START_TEST(mx_hosts)
{
    const struct mx_case *c = &mx_cases[_i];
    struct sim_call call;
    struct way_request r;

    world_load(sim, c->world);
    way_configure(by_mx);
    way_ask(&r);
    if (c->to != NULL)
        r.envelope.to = c->to;
    if (c->mx != NULL) {
        r.envelope.mx = &c->mx;
        r.envelope.nmx = 1;
    }
    dial_to_end(&call, &r.request);
    ck_assert_msg(call.status == c->status, "%s: %s", c->name, call.err.message);
    ck_assert_msg(c->says == NULL || strstr(call.err.message, c->says) != NULL, "%s: %s", c->name,
                  call.err.message);
    if (c->transport != NULL)
        ck_assert_str_eq(mox_conn_session(call.conn)->transport, c->transport);
    ck_assert_msg(world_count(sim, " MX") == c->asked, "%s\n%s", c->name, sim->log.ptr);
    ck_assert_msg(c->status != MOX_E_DNS || call.err.permanent == 0, "%s", c->name);
    mox_conn_close(call.conn);
}
END_TEST

/* A route is not asked for MX hosts that others decide on, and MX hosts come before a place. */
START_TEST(mx_hosts_come_before_a_claim)
{
    static const char text[] = TRANSPORTS "Routes:\n" ROUTE(MX("mx.example.org"), "b")
        ROUTE(PER_HOUR("2"), "a") ROUTE(MX("mx.example.org"), "no");
    struct mox_conn *conn = NULL;
    struct way_request r;

    way_configure(text);
    ck_assert_int_eq(mox_dial(sim->ctx, &way_ask(&r)->request, &conn, NULL), MOX_OK);
    ck_assert_str_eq(mox_conn_session(conn)->transport, "b");
    ck_assert_int_eq(way_counted(HOUR_KEY), -1);
    mox_conn_close(conn);
}
END_TEST

START_TEST(mx_hosts_that_come_with_the_question)
{
    struct mox_conn *conn = NULL;
    struct way_request r;

    sim->dns_at_once = true;
    way_configure(by_mx);
    ck_assert_int_eq(mox_dial(sim->ctx, &way_ask(&r)->request, &conn, NULL), MOX_OK);
    ck_assert_str_eq(mox_conn_session(conn)->transport, "a");
    ck_assert_uint_eq(world_count(sim, " MX"), 1);
    mox_conn_close(conn);
}
END_TEST

static const struct clock_case {
    const char *name, *hours;
    int64_t unix_s; /* given with the envelope */
    const char *transport;
} clock_cases[] = {
    {"local time", HOURS("Tue 23:00-24:00"), 0, "a"},
    {"not that of UTC", HOURS("Tue 22:00-23:00"), 0, "b"},
    {"UTC", HOURS("Tue 22:00-23:00") "\t\tTimeZone: UTC\n", 0, "a"},
    {"a time that is given", HOURS("Wed 00:00-24:00") "\t\tTimeZone: UTC\n", 1700050000, "a"},
};

START_TEST(hours_by_the_clock)
{
    const struct clock_case *c = &clock_cases[_i];
    struct mox_conn *conn = NULL;
    struct way_request r;
    char text[1024];

    snprintf(text, sizeof text, TRANSPORTS "Routes:\n\t-\n%s\t\tTransport: a\n" ROUTE("", "b"),
             c->hours);
    way_configure(text);
    way_ask(&r)->envelope.unix_s = c->unix_s;
    ck_assert_int_eq(mox_dial(sim->ctx, &r.request, &conn, NULL), MOX_OK);
    ck_assert_msg(strcmp(mox_conn_session(conn)->transport, c->transport) == 0, "%s", c->name);
    mox_conn_close(conn);
}
END_TEST

TCase *test_dial_way_mx(void)
{
    TCase *tcase = tcase_create("dial/way_mx");

    tcase_add_checked_fixture(tcase, way_setup, dial_teardown);
    tcase_add_loop_test(tcase, mx_hosts, 0, (int)ARRAY_LEN(mx_cases));
    tcase_add_test(tcase, mx_hosts_come_before_a_claim);
    tcase_add_test(tcase, mx_hosts_that_come_with_the_question);
    tcase_add_loop_test(tcase, hours_by_the_clock, 0, (int)ARRAY_LEN(clock_cases));
    return tcase;
}
