/* test_dial_plan.c - plans: resolved and then dialed, used again, and what they tell. */
#include "dial_world.h"

START_TEST(plan_is_resolved_then_dialed)
{
    struct mox_plan *plan = mox_plan_new(sim->ctx);
    struct mox_dial_request request = *dial_request();
    struct mox_conn *conn = NULL;
    struct mox_error err;
    unsigned asked;

    world_load(sim, "example.org MX 10 m1.example.org\nexample.org MX 20 m2.example.org\n"
                    "m1.example.org A 192.0.2.1\nm2.example.org A 192.0.2.2\n"
                    "m2.example.org AAAA 2001:db8::2\n192.0.2.1 refused\n2001:db8::2 up\n");
    request.plan = plan;
    ck_assert_int_eq(mox_plan_resolve(sim->ctx, &request, &err), MOX_OK);
    ck_assert_str_eq(dial_candidates(plan), "192.0.2.1 2001:db8::2 192.0.2.2");
    ck_assert_str_eq(mox_plan_summary(plan)->next_hop, "example.org");
    ck_assert_uint_eq(mox_plan_summary(plan)->n_mx, 2);
    ck_assert_uint_eq(mox_plan_summary(plan)->n_candidates, 3);
    ck_assert_uint_eq(mox_plan_summary(plan)->n_attempts, 0);
    ck_assert_str_eq(dial_seen(), "");
    asked = world_count(sim, "query");
    ck_assert_int_eq(mox_dial(sim->ctx, &request, &conn, &err), MOX_OK);
    ck_assert_uint_eq(world_count(sim, "query"), asked);
    ck_assert_str_eq(dial_seen(), "192.0.2.1@0 2001:db8::2@10");
    ck_assert_uint_eq(mox_plan_summary(plan)->n_attempts, 2);
    ck_assert_uint_eq(mox_plan_summary(plan)->elapsed_ms, 40);
    ck_assert_ptr_eq(mox_conn_plan(conn), plan);
    mox_conn_close(conn);
    mox_plan_free(plan);
}
END_TEST

START_TEST(plan_is_resolved_anew)
{
    struct mox_plan *plan = mox_plan_new(sim->ctx);
    struct mox_dial_request request = *dial_request();

    world_load(sim, dial_simple);
    request.plan = plan;
    ck_assert_int_eq(mox_plan_resolve(sim->ctx, &request, NULL), MOX_OK);
    ck_assert_int_eq(mox_plan_resolve(sim->ctx, &request, NULL), MOX_OK);
    ck_assert_uint_eq(world_count(sim, "query"), 6);
    ck_assert_str_eq(dial_seen(), "");
    mox_plan_free(plan);
}
END_TEST

/* In a plan all levels are known, and still there is no race between them. */
START_TEST(plan_of_two_levels_has_no_race_between_them)
{
    struct mox_plan *plan = mox_plan_new(sim->ctx);
    struct mox_dial_request request = *dial_request();
    struct mox_conn *conn = NULL;

    world_load(sim, "example.org MX 10 m1.example.org\nexample.org MX 20 m2.example.org\n"
                    "m1.example.org A 192.0.2.1\nm2.example.org A 192.0.2.2\n"
                    "192.0.2.1 silent\n192.0.2.2 up\n");
    request.plan = plan;
    ck_assert_int_eq(mox_plan_resolve(sim->ctx, &request, NULL), MOX_OK);
    ck_assert_int_eq(mox_dial(sim->ctx, &request, &conn, NULL), MOX_OK);
    ck_assert_str_eq(dial_seen(), "192.0.2.1@0 192.0.2.2@30000");
    mox_conn_close(conn);
    mox_plan_free(plan);
}
END_TEST

static const struct dial_case others[] = {
    {.name = "another family", .families = MOX_ALLOW_IPV4, .dials = "192.0.2.1@0"},
    {.name = "another domain", .to = "b@example.net", .dials = "192.0.2.3@0"},
    {.name = "a server", .server = "192.0.2.3", .dials = "192.0.2.3@0"},
    {.name = "another source", .source = "2001:db8:9::9", .dials = "2001:db8::1@0"},
    {.name = "a history", .dialed = "*=2001:db8::1", .dials = "192.0.2.1@0"},
    {.name = "another name in EHLO", .ehlo = "other.example.com", .dials = "2001:db8::1@0"},
};

/* Another request than the one that was resolved looks everything up again. */
START_TEST(plan_of_another_request_is_not_dialed)
{
    const struct dial_case *c = &others[_i];
    struct mox_plan *plan = mox_plan_new(sim->ctx);
    struct mox_dial_request request = *dial_request();
    struct mox_conn *conn = NULL;

    world_load(sim, dial_simple);
    world_load(sim, "example.net A 192.0.2.3\n192.0.2.3 up\n");
    request.plan = plan;
    ck_assert_int_eq(mox_plan_resolve(sim->ctx, &request, NULL), MOX_OK);
    request = *dial_request_of(c);
    request.plan = plan;
    ck_assert_int_eq(mox_dial(sim->ctx, &request, &conn, NULL), MOX_OK);
    ck_assert_msg(strcmp(dial_seen(), c->dials) == 0, "%s: %s", c->name, dial_seen());
    if (c->server == NULL)
        ck_assert_msg(world_count(sim, " MX") == 2, "%s", c->name);
    ck_assert(c->ehlo == NULL || strcmp(mox_conn_session(conn)->ehlo_sent, c->ehlo) == 0);
    ck_assert(c->source == NULL || world_count(sim, "from any") == 0);
    mox_conn_close(conn);
    mox_plan_free(plan);
}
END_TEST

START_TEST(plan_in_use_is_busy)
{
    struct mox_plan *plan = mox_plan_new(sim->ctx);
    struct mox_dial_request request = *dial_request();
    struct mox_error err = {0};
    struct sim_call call, other = {.w = sim};

    world_load(sim, dial_simple);
    request.plan = plan;
    dial_start(&call, &request);
    ck_assert_uint_eq(mox_dial_start(sim->ctx, &request, sim_on_conn, &other, &err), 0);
    ck_assert_int_eq(err.code, MOX_E_BUSY);
    world_run(sim);
    ck_assert_int_eq(call.status, MOX_OK);
    ck_assert_uint_eq(mox_dial_start(sim->ctx, &request, sim_on_conn, &other, &err), 0);
    mox_plan_free(plan); /* the connection keeps it */
    ck_assert_uint_eq(mox_plan_summary(mox_conn_plan(call.conn))->n_attempts, 1);
    mox_conn_close(call.conn);
}
END_TEST

START_TEST(plan_tells_of_a_failure)
{
    struct mox_plan *plan = mox_plan_new(sim->ctx);
    struct mox_dial_request request = *dial_request();
    struct sim_call call;

    world_load(sim, "example.org MX 5 localhost\nexample.org MX 10 mx.example.org\n"
                    "example.org MX 20 gone.example.org\nexample.org MX 30 bad.example.org\n"
                    "bad.example.org A +servfail\nbad.example.org AAAA +servfail\n"
                    "mx.example.org A 192.0.2.1\nmx.example.org A 127.0.0.1\n"
                    "192.0.2.1 refused\n");
    request.plan = plan;
    dial_to_end(&call, &request);
    ck_assert_int_eq(call.status, MOX_E_CONNECT);
    ck_assert_uint_eq(mox_plan_summary(plan)->n_attempts, 1);
    ck_assert_uint_eq(mox_plan_summary(plan)->elapsed_ms, 10);
    ck_assert_int_eq(mox_plan_attempt(plan, 0)->outcome, MOX_E_CONNECT);
    ck_assert_str_eq(mox_plan_candidate(plan, mox_plan_attempt(plan, 0)->candidate)->host,
                     "mx.example.org");
    ck_assert_str_eq(dial_candidates(plan),
                     "192.0.2.1 localhost/bad-name 127.0.0.1/special gone.example.org/no-address "
                     "bad.example.org/dns-error");
    for (uint32_t i = 1; mox_plan_candidate(plan, i) != NULL; i++)
        ck_assert_ptr_nonnull(mox_plan_candidate(plan, i)->detail);
    ck_assert_ptr_null(mox_plan_attempt(plan, 1));
    mox_plan_free(plan);
}
END_TEST

static const struct reason_case {
    const char *name, *zone, *dialed, *server;
    int order;
    const char *tls; /* part of the reason */
} reasons[] = {
    {"nothing is published", "", NULL, NULL, MOX_ORDER_DEFAULT, "no policy demands more"},
    {"a server by name", "", NULL, "mx.example.org", MOX_ORDER_DEFAULT, "no policy demands more"},
    {"an address", "", NULL, "192.0.2.1", MOX_ORDER_DEFAULT, "no policy demands more"},
    {"DANE", "_25._tcp.mx.example.org TLSA +ad 3 1 1 00\n", NULL, NULL, MOX_ORDER_DEFAULT,
     "mx.example.org has TLSA records"},
    {"DANE, and dialed before", "_25._tcp.mx.example.org TLSA +ad 3 1 1 00\n", "*=2001:db8::1",
     NULL, MOX_ORDER_OTHER_FAMILY, "mx.example.org has TLSA records"},
};

/* Why this TLS is one thing, why this order another. */
START_TEST(a_reason_for_each)
{
    const struct reason_case *row = &reasons[_i];
    struct dial_case how = {.name = row->name, .dialed = row->dialed, .server = row->server};
    struct mox_dial_request request = *dial_request_of(&how);
    const struct mox_candidate *first;

    world_load(sim, "example.org MX +ad 10 mx.example.org\nmx.example.org A +ad 192.0.2.1\n"
                    "mx.example.org AAAA +ad 2001:db8::1\n");
    world_load(sim, row->zone);
    request.plan = mox_plan_new(sim->ctx);
    ck_assert_int_eq(mox_plan_resolve(sim->ctx, &request, NULL), MOX_OK);
    first = mox_plan_candidate(request.plan, 0);
    ck_assert_msg(first->order == row->order, "%s: order %s", row->name,
                  mox_order_name(first->order));
    ck_assert_msg(first->detail == NULL, "%s: %s", row->name, first->detail);
    ck_assert_msg(first->tls_reason != NULL && strstr(first->tls_reason, row->tls) != NULL,
                  "%s: %s", row->name, first->tls_reason == NULL ? "-" : first->tls_reason);
    mox_plan_free(request.plan);
}
END_TEST

TCase *test_dial_plan(void)
{
    TCase *tcase = tcase_create("dial/plan");

    tcase_add_checked_fixture(tcase, dial_setup, dial_teardown);
    tcase_add_test(tcase, plan_is_resolved_then_dialed);
    tcase_add_test(tcase, plan_is_resolved_anew);
    tcase_add_test(tcase, plan_of_two_levels_has_no_race_between_them);
    tcase_add_loop_test(tcase, plan_of_another_request_is_not_dialed, 0, (int)ARRAY_LEN(others));
    tcase_add_test(tcase, plan_in_use_is_busy);
    tcase_add_test(tcase, plan_tells_of_a_failure);
    tcase_add_loop_test(tcase, a_reason_for_each, 0, (int)ARRAY_LEN(reasons));
    return tcase;
}
