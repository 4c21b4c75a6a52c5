/* test_dial_tls.c - STARTTLS in a dial that fails: when the same address is dialed again in clear,
 * and when it is not. The simulated network has the rest. */
#include "dial_world.h"
#include "test/sim/papers.h"
#include "test/sim/secure.h"

#define TWO_ADDRESSES                                                                              \
    "example.org MX 10 mx.example.org\nmx.example.org A 192.0.2.1\n"                               \
    "mx.example.org A 192.0.2.2\n192.0.2.1 up\n192.0.2.2 up\n"

static const char required[] = "Transports:\n\trelay:\n\t\tSMTP:\n\t\t\tHost: mx.example.org\n"
                               "\t\t\tSTARTTLSInsecureSkipVerify: true\n";

static const struct broken {
    const char *name;
    int reply, shake; /* of the server, enum secure_reply and secure_shake */
    int code;         /* what came of it */
    bool clear;       /* the same address is next, in clear, where nothing demands TLS */
} broken[] = {
    {"a handshake that is closed", SECURE_GO_AHEAD, SECURE_CLOSES, MOX_E_TLS, true},
    {"a handshake that is none", SECURE_GO_AHEAD, SECURE_BABBLES, MOX_E_TLS, true},
    {"a handshake that ends in an alert", SECURE_GO_AHEAD, SECURE_ALERTS, MOX_E_TLS, true},
    {"a handshake that stands still", SECURE_GO_AHEAD, SECURE_STALLS, MOX_E_TIMEOUT, true},
    {"STARTTLS unknown", SECURE_UNKNOWN, SECURE_SHAKES, MOX_E_REFUSED, true},
    {"STARTTLS refused", SECURE_REFUSED, SECURE_SHAKES, MOX_E_REFUSED, true},
    {"STARTTLS refused for now", SECURE_LATER, SECURE_SHAKES, MOX_E_REFUSED, true},
    {"STARTTLS refused with 421", SECURE_GOODBYE, SECURE_SHAKES, MOX_E_REFUSED, true},
    {"250 in place of 220", SECURE_YES_BUT, SECURE_SHAKES, MOX_E_PROTOCOL, true},
    {"words that are no reply", SECURE_NONSENSE, SECURE_SHAKES, MOX_E_PROTOCOL, false},
    {"no reply", SECURE_MUTE, SECURE_SHAKES, MOX_E_TIMEOUT, false},
    {"an end in place of a reply", SECURE_HANGS_UP, SECURE_SHAKES, MOX_E_CLOSED, false},
    {"words behind the 220", SECURE_INJECTED, SECURE_SHAKES, MOX_E_PROTOCOL, false},
};

static void place_secure(const char *ip, struct secure *secure)
{
    struct mox_ip address = dial_ip(ip);

    net_place(sim, &address, 25)->secure = secure;
    secure_prepare(sim, secure);
}

/* To 192.0.2.1, which fails as the row says, and 192.0.2.2, whose TLS is good. */
static void dial_broken(const struct broken *row, const char *transport, struct mox_plan *plan,
                        struct sim_call *call)
{
    static struct secure first, second;
    const struct dial_case asked = {.transport = transport};
    struct mox_dial_request request;

    first = (struct secure){.there = true, .offered = true, .reply = row->reply};
    first.shake = row->shake;
    second = (struct secure){.there = true, .offered = true, .paper = PAPER_HOSTS};
    world_load(sim, TWO_ADDRESSES);
    sim->config = mox_config_parse(required, strlen(required), NULL);
    place_secure("192.0.2.1", &first);
    place_secure("192.0.2.2", &second);
    request = *dial_request_of(&asked);
    request.plan = plan;
    dial_to_end(call, &request);
}

/* What it came to, and that the second connect was to that address, the last one. */
static void check_broken(const struct broken *row, const struct mox_plan *plan, bool clear,
                         const struct sim_call *call)
{
    const struct mox_attempt *one = mox_plan_attempt(plan, 0), *two = mox_plan_attempt(plan, 1);
    const struct mox_session *session;

    ck_assert_msg(call->status == MOX_OK, "%s: %s: %s", row->name, mox_status_name(call->status),
                  call->err.message);
    session = mox_conn_session(call->conn);
    ck_assert_msg(one->outcome == row->code, "%s: %s", row->name, mox_status_name(one->outcome));
    ck_assert_msg(one->stage == MOX_STAGE_TLS, "%s: %s", row->name, mox_stage_name(one->stage));
    ck_assert_msg(mox_plan_attempt(plan, 2) == NULL, "%s: dialed %s", row->name, dial_seen());
    ck_assert_msg((two->candidate == one->candidate) == clear, "%s: dialed %s", row->name,
                  dial_seen());
    ck_assert_msg((session->tls_version == NULL) == clear, "%s: clear or not", row->name);
}

/* semantics.md 7.1. */
START_TEST(in_clear_after_a_refusal_or_a_failed_handshake_alone)
{
    const struct broken *row = &broken[_i];
    struct mox_plan *plan = mox_plan_new(sim->ctx);
    struct sim_call call;

    dial_broken(row, NULL, plan, &call);
    check_broken(row, plan, row->clear, &call);
    mox_conn_close(call.conn);
    mox_plan_free(plan);
    dial_renew(NULL); /* what the places borrow ends here */
}
END_TEST

START_TEST(never_in_clear_where_tls_is_required)
{
    const struct broken *row = &broken[_i];
    struct mox_plan *plan = mox_plan_new(sim->ctx);
    struct sim_call call;

    dial_broken(row, "relay", plan, &call);
    check_broken(row, plan, false, &call);
    mox_conn_close(call.conn);
    mox_plan_free(plan);
    dial_renew(NULL);
}
END_TEST

/* It is not the server that is to blame. */
START_TEST(not_in_clear_for_want_of_random_numbers)
{
    struct secure secure = {.there = true, .offered = true, .paper = PAPER_HOSTS};
    struct sim_call call;

    world_load(sim, "example.org MX 10 mx.example.org\nmx.example.org A 192.0.2.1\n192.0.2.1 up\n");
    place_secure("192.0.2.1", &secure);
    sim->no_chance = true;
    dial_to_end(&call, dial_request());
    ck_assert_int_eq(call.status, MOX_E_OS);
    ck_assert_str_eq(dial_seen(), "192.0.2.1@0");
    dial_renew(NULL);
}
END_TEST

TCase *test_dial_tls(void)
{
    TCase *tcase = tcase_create("dial/tls");

    tcase_add_checked_fixture(tcase, dial_setup, dial_teardown);
    tcase_add_loop_test(tcase, in_clear_after_a_refusal_or_a_failed_handshake_alone, 0,
                        (int)ARRAY_LEN(broken));
    tcase_add_loop_test(tcase, never_in_clear_where_tls_is_required, 0, (int)ARRAY_LEN(broken));
    tcase_add_test(tcase, not_in_clear_for_want_of_random_numbers);
    return tcase;
}
