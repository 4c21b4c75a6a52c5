/*
 * test_dial_history.c - Prefer: learned through the public tables: what one dial is told of our
 * address orders the next one, for a week; a store that fails or is late changes nothing else.
 */
#include <stdio.h>

#include "dial/conn.h"
#include "dial/history.h"
#include "dial_world.h"
#include "test/sim/fetch.h"

#define LEARNED                                                                                    \
    "Transports:\n\tt:\n\t\tDirect:\n\t\t\tPrefer: learned\nRoutes:\n\t-\n\t\tTransport: t\n"
#define HOST                                                                                       \
    "example.org MX 10 mx.example.org\nmx.example.org A 192.0.2.1\n"                               \
    "mx.example.org AAAA 2001:db8::1\n"
#define REFUSED6 HOST "192.0.2.1 up\n2001:db8::1 up ptr\n"
#define KEY6 "mox1/fam/mx.example.org/2001:db8:9::/6"
#define KEY4 "mox1/fam/mx.example.org/198.51.100.9/4"
#define T0 "1700000005" /* when the world begins */
#define PTR "550 5.7.1 Client host rejected: cannot find your reverse hostname"

enum { DAY_MS = 86400 * 1000 };

/* A world over a store of that kind (enum store_kind). */
static void renew(int store, const char *config, const char *world)
{
    struct mox_error err = {0};

    dial_teardown();
    sim = world_bare(1);
    sim->store = store;
    ck_assert_int_eq(world_open(sim, NULL, &err), MOX_OK);
    world_load(sim, world);
    if (config == NULL)
        return;
    sim->config = mox_config_parse(config, strlen(config), &err);
    ck_assert_msg(sim->config != NULL, "%s", err.message);
}

/* What is in the store, before a dial. */
static void put(const char *key, const char *value)
{
    struct mox_store_ops ops = store_ops(sim);

    ops.put(sim, 0, key, value, strlen(value), 0);
}

/* Dials by this request and closes; the family reached. */
static int reach_by(const struct mox_dial_request *request)
{
    struct sim_call call;
    int family;

    dial_to_end(&call, request);
    ck_assert_msg(call.status == MOX_OK, "%s\n%s", call.err.message, sim->log.ptr);
    family = mox_conn_session(call.conn)->remote.family;
    mox_conn_close(call.conn);
    world_sleep(sim, 1000); /* what nobody waits for is over by then */
    return family;
}

static int reach(uint32_t flags)
{
    struct dial_case c = {.name = "reach", .flags = flags};

    return reach_by(dial_request_of(&c));
}

/* The connects since the last call. */
static const char *dials_since(void)
{
    static size_t seen;
    const char *all = dial_seen(), *rest = all + (seen <= strlen(all) ? seen : 0);

    seen = strlen(all);
    return rest[0] == ' ' ? rest + 1 : rest;
}

static void check_log(const char *line, unsigned times)
{
    ck_assert_msg(world_count(sim, line) == times, "\"%s\" not %u times in\n%s", line, times,
                  sim->log.ptr);
}

START_TEST(a_refusal_orders_the_next_dial)
{
    renew(STORE_WORKS, LEARNED, REFUSED6);
    ck_assert_int_eq(reach(0), MOX_IPV4);
    check_log("connect 2001:db8::1", 1);
    check_log("store puts " KEY6 " for 2592000 s: 0 " T0 " 1 " PTR, 1);
    ck_assert_int_eq(reach(0), MOX_IPV4);
    check_log("connect 2001:db8::1", 1); /* it is not dialed again */
    check_log("connect 192.0.2.1", 2);
}
END_TEST

START_TEST(the_end_of_the_week_is_the_probe)
{
    renew(STORE_WORKS, LEARNED, REFUSED6);
    ck_assert_int_eq(reach(0), MOX_IPV4);
    world_sleep(sim, 7u * DAY_MS - 5000);
    ck_assert_int_eq(reach(0), MOX_IPV4);
    check_log("connect 2001:db8::1", 1);
    world_sleep(sim, 5000);
    ck_assert_int_eq(reach(0), MOX_IPV4); /* still refused: a week more */
    check_log("connect 2001:db8::1", 2);
    check_log(" 2 " PTR, 1);
    ck_assert_int_eq(reach(0), MOX_IPV4);
    check_log("connect 2001:db8::1", 2);
}
END_TEST

START_TEST(without_the_preference_it_is_written_and_not_read_before)
{
    renew(STORE_WORKS, NULL, REFUSED6);
    ck_assert_int_eq(reach(0), MOX_IPV4);
    ck_assert_int_eq(reach(0), MOX_IPV4);
    check_log("connect 2001:db8::1", 2);
    check_log("store gets " KEY4, 0); /* only to write is one read */
    check_log("s: 0 " T0 " 1 " PTR, 1);
    check_log("s: 0 1700000006 2 " PTR, 1);
}
END_TEST

START_TEST(no_history_neither_reads_nor_writes)
{
    struct dial_case c = {.name = "off", .flags = MOX_DIAL_NO_HISTORY};
    struct sim_call call;

    renew(STORE_WORKS, LEARNED, REFUSED6);
    put(KEY6, "0 " T0 " 1 550 no");
    ck_assert_int_eq(reach(MOX_DIAL_NO_HISTORY), MOX_IPV4);
    check_log("connect 2001:db8::1", 1);
    dial_to_end(&call, dial_request_of(&c));
    ck_assert_int_eq(mox_conn_note(call.conn, NULL), MOX_OK);
    mox_conn_close(call.conn);
    world_sleep(sim, 1000);
    check_log("store gets", 0);
    check_log("store puts", 1); /* the test's own */
}
END_TEST

static const struct order_case {
    const char *name, *entry4, *entry6, *source;
    const char *first; /* the first connect */
} orders[] = {
    {"nothing is known", NULL, NULL, NULL, "2001:db8::1"},
    {"IPv6 was refused", NULL, "0 1699999000 1 550 no", NULL, "192.0.2.1"},
    {"IPv4 was refused", "0 1699999000 1 550 no", NULL, NULL, "2001:db8::1"},
    {"both were refused", "0 1699999000 1 550 no", "0 1699999000 1 550 no", NULL, "2001:db8::1"},
    {"IPv6 was accepted since", NULL, "1699999001 1699999000 1 550 no", NULL, "2001:db8::1"},
    {"IPv6 was refused eight days ago", NULL, "0 1699308805 1 550 no", NULL, "2001:db8::1"},
    {"nonsense", NULL, "mode: enforce", NULL, "2001:db8::1"},
    {"a refusal of next year", NULL, "0 1731536000 1 550 no", NULL, "2001:db8::1"},
    {"another source of ours", NULL, "0 1699999000 1 550 no", "2001:db8:9::9 198.51.100.9",
     "192.0.2.1"},
    {"a source in another network", NULL, "0 1699999000 1 550 no", "2001:db8:8::9", "2001:db8::1"},
};

START_TEST(order_case)
{
    const struct order_case *c = &orders[_i];
    struct dial_case request = {.name = c->name, .source = c->source};

    renew(STORE_WORKS, LEARNED,
          "machine 198.51.100.9 2001:db8:9::9 2001:db8:8::9\n" HOST
          "192.0.2.1 up\n2001:db8::1 up\n");
    if (c->entry4 != NULL)
        put(KEY4, c->entry4);
    if (c->entry6 != NULL)
        put(KEY6, c->entry6);
    dials_since();
    reach_by(dial_request_of(&request));
    ck_assert_msg(strncmp(dials_since(), c->first, strlen(c->first)) == 0, "%s:\n%s", c->name,
                  sim->log.ptr);
}
END_TEST

/* A store out of order: the dial goes on, in default order, after at most the store's time. */
static const struct fault_case {
    const char *name;
    int store;
    uint64_t ms; /* of the connect */
} faults[] = {
    {"fails", STORE_FAILS, 2},          {"cannot be asked", STORE_UNASKABLE, 0},
    {"has nonsense", STORE_GARBAGE, 2}, {"is slow", STORE_SLOW, 300},
    {"says nothing", STORE_MUTE, 500},
};

START_TEST(a_broken_store_changes_nothing)
{
    const struct fault_case *c = &faults[_i];
    struct dial_case request = {.name = c->name, .timeouts.store = 500};
    char wanted[64];

    renew(c->store, LEARNED, HOST "192.0.2.1 up\n2001:db8::1 up\n");
    sim->dns_at_once = true;
    ck_assert_int_eq(reach_by(dial_request_of(&request)), MOX_IPV6);
    snprintf(wanted, sizeof wanted, "2001:db8::1@%llu", (unsigned long long)c->ms);
    ck_assert_str_eq(dial_seen(), wanted);
}
END_TEST

/* It may be there, and know more. */
START_TEST(what_cannot_be_read_is_not_written)
{
    static const int broken[] = {STORE_FAILS, STORE_UNASKABLE, STORE_MUTE};

    for (int learned = 0; learned < 2; learned++) {
        renew(broken[_i], learned ? LEARNED : NULL, REFUSED6);
        ck_assert_int_eq(reach(0), MOX_IPV4);
        world_sleep(sim, 2000);
        check_log("store gets " KEY6, 1 + (unsigned)learned);
        check_log("store puts", 0);
    }
}
END_TEST

/* The one round trip is beside DNS, not behind it. */
START_TEST(the_store_is_asked_beside_dns)
{
    renew(STORE_SLOW, LEARNED,
          "example.org MX 10 mx.example.org\nmx.example.org A +ms=400 192.0.2.1\n"
          "mx.example.org AAAA +ms=400 2001:db8::1\n192.0.2.1 up\n2001:db8::1 up\n");
    put(KEY6, "0 1699999000 1 550 no");
    sim->dns_ms = 0;
    ck_assert_int_eq(reach(0), MOX_IPV4);
    ck_assert_str_eq(dial_seen(), "192.0.2.1@400");
}
END_TEST

/* A family without a source of ours is dialed, but nothing is learned of it. */
START_TEST(no_source_nothing_learned)
{
    renew(STORE_WORKS, LEARNED, "machine 198.51.100.9\n" REFUSED6);
    ck_assert_int_eq(reach(0), MOX_IPV4);
    check_log("/6", 0);
    check_log("store gets " KEY4, 1);
}
END_TEST

START_TEST(the_nat_map_names_the_source)
{
    renew(STORE_WORKS,
          LEARNED
          "SPFIPMap:\n\t198.51.100.0/24: 203.0.113.7\n\t2001:db8:9::/48: 2001:db8:77:1::2\n",
          REFUSED6);
    ck_assert_int_eq(reach(0), MOX_IPV4);
    check_log("store gets mox1/fam/mx.example.org/203.0.113.7/4", 1);
    check_log("store puts mox1/fam/mx.example.org/2001:db8:77:1::/6", 1);
    check_log("2001:db8:9::/6", 0);
}
END_TEST

/* The plan says why, and the reason for its TLS is not lost. */
START_TEST(the_plan_says_why)
{
    struct mox_dial_request request;
    const struct mox_candidate *last;
    struct mox_plan *plan;

    renew(STORE_WORKS, LEARNED, REFUSED6);
    put(KEY6, "0 1700000005 4 " PTR);
    request = *dial_request();
    plan = request.plan = mox_plan_new(sim->ctx);
    ck_assert_int_eq(mox_plan_resolve(sim->ctx, &request, NULL), MOX_OK);
    ck_assert_str_eq(dial_candidates(plan), "192.0.2.1 2001:db8::1");
    last = mox_plan_candidate(plan, 1);
    ck_assert_int_eq(mox_plan_candidate(plan, 0)->order, MOX_ORDER_DEFAULT);
    ck_assert_ptr_null(mox_plan_candidate(plan, 0)->detail);
    ck_assert_ptr_nonnull(mox_plan_candidate(plan, 0)->tls_reason);
    ck_assert_int_eq(last->order, MOX_ORDER_LEARNED);
    ck_assert_str_eq(last->detail,
                     "IPv6 was refused on 2023-11-14: " PTR "; tried again after 2023-11-21");
    ck_assert_str_eq(last->tls_reason, mox_plan_candidate(plan, 0)->tls_reason);
    check_log("store puts", 1); /* a plan writes nothing */
    mox_plan_free(plan);
}
END_TEST

/* A dial of a plan that was resolved adds to what the plan read. */
START_TEST(a_resolved_plan_is_the_base)
{
    struct mox_dial_request request;
    struct mox_plan *plan;

    renew(STORE_WORKS, LEARNED, REFUSED6);
    put(KEY6, "1699000000 1699000001 4 550 old");
    request = *dial_request();
    plan = request.plan = mox_plan_new(sim->ctx);
    ck_assert_int_eq(mox_plan_resolve(sim->ctx, &request, NULL), MOX_OK);
    ck_assert_int_eq(reach_by(&request), MOX_IPV4);
    check_log("store gets " KEY6, 1);
    check_log("1699000000 " T0 " 5 " PTR, 1);
    mox_plan_free(plan);
}
END_TEST

static void classify(int stage, const char *reply, struct mox_error *out)
{
    ck_assert_int_eq(mox_reply_classify(stage, reply, strlen(reply), out), MOX_OK);
}

/* What the host tells of its own transactions: "a" accepted, "n" the next candidate is dialed, else
 * a reply to RCPT. */
static const struct note_case {
    const char *name, *notes[6];
    const char *in4,
        *in6; /* lines that are put, as "accepted refused refusals reply"; NULL: none */
} notes[] = {
    {"accepted", {"a"}, NULL, "1700000005 0 0 "},
    {"certain: learned at once", {"550 5.7.25 no PTR"}, NULL, "0 1700000005 1 550 5.7.25 no PTR"},
    {"… once, though it is told twice",
     {"550 5.7.25 no PTR", "550 5.7.25 no PTR"},
     NULL,
     "0 1700000005 1 550 5.7.25 no PTR"},
    {"… and once more, for the next candidate",
     {"550 5.7.25 no PTR", "n550 5.7.25 no PTR"},
     NULL,
     "0 1700000005 1 550 5.7.25 no PTR"},
    {"possible: not at once", {"550 5.7.1 blocked"}, NULL, NULL},
    {"possible, then accepted over the other family",
     {"550 5.7.1 blocked", "n550 5.7.1 blocked", "a"},
     "1700000005 0 0 ",
     "0 1700000005 1 550 5.7.1 blocked"},
    {"possible, then refused there too",
     {"550 5.7.1 blocked", "n550 5.7.1 blocked", "550 5.7.1 blocked"},
     NULL,
     NULL},
    {"possible, then the recipient is refused for itself, then another message is accepted",
     {"550 5.7.1 blocked", "n550 5.7.1 blocked", "550 5.1.1 who?", "a"},
     "1700000005 0 0 ",
     NULL},
    {"accepted over the same family: nothing", {"550 5.7.1 blocked", "a"}, NULL, "1700000005 0 0 "},
    {"refused for itself", {"550 5.1.1 who?"}, NULL, NULL},
    {"null MX of the sender", {"550 5.7.27 no MX"}, NULL, NULL},
    {"accepted twice: written once", {"a", "a"}, NULL, "1700000005 0 0 "},
};

/* A line of the log that has it, as many times. */
static void check_put(const char *name, const char *key, const char *value)
{
    char line[256], any[128];

    snprintf(any, sizeof any, "store puts %s for", key);
    snprintf(line, sizeof line, "store puts %s for 2592000 s: %s", key, value == NULL ? "" : value);
    ck_assert_msg(world_count(sim, any) == (value != NULL) &&
                      world_count(sim, line) == (value != NULL),
                  "%s: %s\n%s", name, line, sim->log.ptr);
}

START_TEST(note_case)
{
    const struct note_case *c = &notes[_i];
    struct mox_conn *conn = NULL;
    struct mox_error err;

    for (int learned = 0; learned < 2; learned++) {
        renew(STORE_WORKS, learned ? LEARNED : NULL, HOST "192.0.2.1 up\n2001:db8::1 up\n");
        sim->dns_at_once = true;
        ck_assert_int_eq(mox_dial(sim->ctx, dial_request(), &conn, &err), MOX_OK);
        for (size_t i = 0; c->notes[i] != NULL; i++) {
            bool next = c->notes[i][0] == 'n';

            if (strcmp(c->notes[i], "a") == 0) {
                ck_assert_int_eq(mox_conn_note(conn, NULL), MOX_OK);
                continue;
            }
            classify(MOX_STAGE_RCPT, c->notes[i] + next, &err);
            ck_assert_int_eq(next ? mox_dial_next(&conn, &err, &err) : mox_conn_note(conn, &err),
                             MOX_OK);
        }
        mox_conn_close(conn);
        world_sleep(sim, 1000);
        check_put(c->name, KEY6, c->in6);
        check_put(c->name, KEY4, c->in4);
    }
}
END_TEST

/* For whoever delivers: which recipient was refused, and which is accepted. NULL: all of them. */
static const struct rcpt_case {
    const char *name, *refused, *accepted;
    bool forget, learned;
} rcpts[] = {
    {"the same", "b@example.org", "b@example.org", false, true},
    {"another", "b@example.org", "c@example.org", false, false},
    {"all were refused", NULL, "c@example.org", false, true},
    {"all are accepted", "b@example.org", NULL, false, true},
    {"of another message", NULL, NULL, true, false},
};

START_TEST(rcpt_case)
{
    const struct rcpt_case *c = &rcpts[_i];
    struct mox_conn *conn = NULL;
    struct mox_error err;

    renew(STORE_WORKS, NULL, HOST "192.0.2.1 up\n2001:db8::1 up\n");
    ck_assert_int_eq(mox_dial(sim->ctx, dial_request(), &conn, &err), MOX_OK);
    classify(MOX_STAGE_RCPT, "550 5.7.1 blocked", &err);
    history_refused(conn_dial(conn), &err, c->refused);
    ck_assert_int_eq(mox_dial_next(&conn, NULL, &err), MOX_OK);
    if (c->forget)
        history_forget(conn_dial(conn));
    history_accepted(conn_dial(conn), c->accepted);
    mox_conn_close(conn);
    world_sleep(sim, 1000);
    check_put(c->name, KEY4, "1700000005 0 0 ");
    check_put(c->name, KEY6, c->learned ? "0 1700000005 1 550 5.7.1 blocked" : NULL);
}
END_TEST

START_TEST(an_outcome_must_be_one)
{
    struct mox_error none = {.code = MOX_E_TIMEOUT};
    struct sim_call call;

    world_load(sim, dial_simple);
    dial_to_end(&call, dial_request());
    ck_assert_int_eq(mox_conn_note(call.conn, &none), MOX_E_INVAL);
    mox_conn_close(call.conn);
}
END_TEST

/* On one connection that carries mail for hours. */
START_TEST(accepted_is_written_hourly_and_when_it_clears)
{
    struct mox_error refusal;
    struct sim_call call;

    renew(STORE_WORKS, LEARNED, HOST "192.0.2.1 up\n2001:db8::1 up\n");
    dial_to_end(&call, dial_request());
    mox_conn_note(call.conn, NULL);
    world_sleep(sim, 3599 * 1000);
    mox_conn_note(call.conn, NULL);
    check_log("store puts " KEY6, 1);
    world_sleep(sim, 1000);
    mox_conn_note(call.conn, NULL);
    check_log("store puts " KEY6, 2);
    classify(MOX_STAGE_MAIL, "550 5.7.25 no PTR", &refusal);
    mox_conn_note(call.conn, &refusal);
    check_log("store puts " KEY6, 3);
    mox_conn_note(call.conn, NULL); /* at once */
    check_log("store puts " KEY6, 4);
    mox_conn_close(call.conn);
}
END_TEST

/* The dials of one moment read an entry together, and what they tell of it is counted together. */
START_TEST(many_at_once_are_one_write)
{
    struct sim_call calls[20];
    struct mox_error refusal;

    renew(STORE_SLOW, NULL, HOST "192.0.2.1 up\n2001:db8::1 up\n");
    classify(MOX_STAGE_MAIL, "550 5.7.25 no PTR", &refusal);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        dial_to_end(&calls[i], dial_request());
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        mox_conn_note(calls[i].conn, &refusal);
    world_sleep(sim, 1000);
    check_log("store gets " KEY6, 1);
    check_log("store puts " KEY6, 1);
    check_log(" 20 550 5.7.25 no PTR", 1);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        mox_conn_close(calls[i].conn);
}
END_TEST

/* Whatever is in flight when all ends, is ended. */
START_TEST(the_end_comes_while_it_reads)
{
    struct sim_call call;
    mox_op_id id;

    renew(STORE_MUTE, LEARNED, HOST "192.0.2.1 up\n2001:db8::1 up\n");
    dial_to_end(&call, dial_request());
    mox_conn_note(call.conn, NULL); /* reads to write */
    sim->dns_at_once = true;
    id = dial_start(&call, dial_request()); /* reads to order */
    if (_i == 0)
        ck_assert_int_eq(mox_op_cancel(sim->ctx, id), MOX_OK);
    if (_i == 1)
        mox_ctx_shutdown(sim->ctx, 0);
    if (_i == 1)
        world_run(sim);
}
END_TEST

/* However little memory there is: the dial ends, and all is given back. */
START_TEST(out_of_memory)
{
    bool reached = false;

    for (long n = 1; !reached; n++) {
        struct sim_call call = {0};
        struct mox_error err = {0};
        mox_op_id id;

        renew(STORE_WORKS, LEARNED, REFUSED6);
        put(KEY6, "0 1600000000 1 550 no");
        call.w = sim;
        test_fail_alloc(n);
        id = mox_dial_start(sim->ctx, dial_request(), sim_on_conn, &call, &err);
        while (id != 0 && call.calls == 0 && world_step(sim))
            ;
        reached = !test_alloc_failed();
        test_fail_alloc(0);
        ck_assert_msg(id == 0 || call.calls == 1, "allocation %ld", n);
        if (call.conn != NULL)
            mox_conn_note(call.conn, NULL);
        mox_conn_close(call.conn);
    }
}
END_TEST

TCase *test_dial_history(void)
{
    TCase *tcase = tcase_create("dial/history");

    tcase_add_checked_fixture(tcase, dial_setup, dial_teardown);
    tcase_add_test(tcase, a_refusal_orders_the_next_dial);
    tcase_add_test(tcase, the_end_of_the_week_is_the_probe);
    tcase_add_test(tcase, without_the_preference_it_is_written_and_not_read_before);
    tcase_add_test(tcase, no_history_neither_reads_nor_writes);
    tcase_add_loop_test(tcase, order_case, 0, (int)ARRAY_LEN(orders));
    tcase_add_loop_test(tcase, a_broken_store_changes_nothing, 0, (int)ARRAY_LEN(faults));
    tcase_add_loop_test(tcase, what_cannot_be_read_is_not_written, 0, 3);
    tcase_add_test(tcase, the_store_is_asked_beside_dns);
    tcase_add_test(tcase, no_source_nothing_learned);
    tcase_add_test(tcase, the_nat_map_names_the_source);
    tcase_add_test(tcase, the_plan_says_why);
    tcase_add_test(tcase, a_resolved_plan_is_the_base);
    tcase_add_loop_test(tcase, note_case, 0, (int)ARRAY_LEN(notes));
    tcase_add_loop_test(tcase, rcpt_case, 0, (int)ARRAY_LEN(rcpts));
    tcase_add_test(tcase, an_outcome_must_be_one);
    tcase_add_test(tcase, accepted_is_written_hourly_and_when_it_clears);
    tcase_add_test(tcase, many_at_once_are_one_write);
    tcase_add_loop_test(tcase, the_end_comes_while_it_reads, 0, 3);
    tcase_add_test(tcase, out_of_memory);
    return tcase;
}
