/*
 * test_dial_pool.c - connections kept for another message: given to a dial that would have made the
 * same, for a while, and never in anybody's way.
 */
#include "dial_world.h"
#include "test/sim/mailbox.h"

#define RELAY(name) "\t" name ":\n\t\tSMTP:\n\t\t\tHost: mx.example.org\n\t\t\tNoSTARTTLS: true\n"
#define LOGIN(name, mechanism)                                                                     \
    RELAY(name)                                                                                    \
    "\t\t\tAuth:\n\t\t\t\tUsername: relay-user\n\t\t\t\tPassword: pa55Word:7Qz\n"                  \
    "\t\t\t\tMechanisms:\n\t\t\t\t\t- " mechanism "\n"
#define TRANSPORTS                                                                                 \
    "Transports:\n\tv4:\n\t\tDirect:\n\t\t\tDisableIPv6: true\n"                                   \
    "\tspf:\n\t\tDirect:\n\t\t\tRequireSPF: true\n"
#define LOGINS RELAY("open") LOGIN("user", "CRAM-MD5") LOGIN("other", "SCRAM-SHA-1")
#define ROUTES "Routes:\n\t-\n\t\tToDomain:\n\t\t\t- example.net\n\t\tTransport: v4\n"

static const char config[] = TRANSPORTS LOGINS ROUTES;
static const char believing[] = TRANSPORTS LOGINS ROUTES "TrustAD: true\n";

static const char two_domains[] =
    "example.org MX 10 mx.example.org\nmx.example.org A 192.0.2.1\n192.0.2.1 up\n"
    "example.net MX 10 mx.example.net\nmx.example.net A 192.0.2.2\n192.0.2.2 up\n";

static const char text[] = "Subject: hello\r\n\r\nbye\r\n";

static void world_of(uint32_t max_idle, uint32_t max_messages)
{
    struct mox_ctx_options options = {
        .size = sizeof options, .max_idle = max_idle, .max_messages = max_messages};

    dial_renew(&options);
    world_load(sim, two_domains);
    sim->config = mox_config_parse(config, sizeof config - 1, NULL);
    ck_assert_ptr_nonnull(sim->config);
}

static struct mox_conn *dial(const struct dial_case *c)
{
    struct mox_error err;
    struct mox_conn *conn = NULL;

    ck_assert_msg(mox_dial(sim->ctx, dial_request_of(c), &conn, &err) == MOX_OK, "%s: %s", c->name,
                  err.message);
    return conn;
}

static int deliver(struct mox_conn *conn, struct mox_error *err)
{
    const struct mox_rcpt rcpt = {.address = "b@example.org"};
    struct mox_rcpt_result result = {0};
    struct mox_message message = {.size = sizeof message,
                                  .mail_from = "a@example.com",
                                  .rcpts = &rcpt,
                                  .nrcpts = 1,
                                  .body = {.data = text, .len = sizeof text - 1}};

    return mox_deliver(conn, &message, &result, err);
}

static unsigned connects(void)
{
    return world_count(sim, " connect ");
}

static const struct {
    const char *name;
    struct dial_case first, second;
    bool reused;
} pairs[] = {
    {"the same", {.name = "1"}, {.name = "2"}, true},
    {"after a retry", {.name = "1"}, {.name = "2", .attempts = 2}, true},
    {"another domain", {.name = "1"}, {.name = "2", .to = "b@example.net"}, false},
    {"another transport", {.name = "1"}, {.name = "2", .transport = "v4"}, false},
    {"another name in EHLO", {.name = "1"}, {.name = "2", .ehlo = "x.example"}, false},
    {"another source", {.name = "1"}, {.name = "2", .source = "198.51.100.1"}, false},
    {"one family alone", {.name = "1"}, {.name = "2", .families = MOX_ALLOW_IPV4}, false},
    {"TLS may fail there", {.name = "1"}, {.name = "2", .flags = MOX_DIAL_TLS_OPTIONAL}, false},
    {"a fresh one is wanted", {.name = "1"}, {.name = "2", .flags = MOX_DIAL_NO_REUSE}, false},
    {"to EHLO alone", {.name = "1"}, {.name = "2", .stop_at = MOX_STAGE_EHLO}, false},
    {"it was dialed to EHLO alone", {.name = "1", .stop_at = MOX_STAGE_EHLO}, {.name = "2"}, false},
    {"with a history", {.name = "1"}, {.name = "2", .dialed = "*=192.0.2.1"}, false},
    {"loaded anew", {.name = "1"}, {.name = "2", .config = config}, false},
    {"AD is believed", {.name = "1"}, {.name = "2", .config = believing}, false},
    {"special addresses", {.name = "1"}, {.name = "2", .flags = MOX_DIAL_ALLOW_SPECIAL}, false},
    {"no history is kept", {.name = "1"}, {.name = "2", .flags = MOX_DIAL_NO_HISTORY}, false},
    {"verified TLS is wanted", {.name = "1"}, {.name = "2", .flags = MOX_DIAL_REQUIRETLS}, false},
    {"another port", {.name = "1"}, {.name = "2", .port = 2525}, false},
    {"another sender", {.name = "1"}, {.name = "2", .from = "x@example.net"}, true},
    {"another sender, and our address hangs on him",
     {.name = "1", .transport = "spf"},
     {.name = "2", .transport = "spf", .from = "x@example.net"},
     false},
    {"the same login",
     {.name = "1", .transport = "user"},
     {.name = "2", .transport = "user"},
     true},
    {"a login", {.name = "1", .transport = "open"}, {.name = "2", .transport = "user"}, false},
    {"no login", {.name = "1", .transport = "user"}, {.name = "2", .transport = "open"}, false},
    {"another login",
     {.name = "1", .transport = "user"},
     {.name = "2", .transport = "other"},
     false},
    {"its name alone",
     {.name = "1", .server = "mx.example.org"},
     {.name = "2", .server = "192.0.2.1"},
     false},
};

/* By its own configuration, if it has one. NULL: there is no way to what it wants. */
static struct mox_conn *dial_second(const struct dial_case *c, struct mox_config **own)
{
    struct mox_dial_request request = *dial_request_of(c);
    struct mox_conn *conn = NULL;

    if (c->config != NULL)
        request.config = *own = mox_config_parse(c->config, strlen(c->config), NULL);
    ck_assert_ptr_nonnull(request.config);
    mox_dial(sim->ctx, &request, &conn, NULL);
    return conn;
}

START_TEST(who_gets_it)
{
    static const struct secure logins = {
        .login = {.mechanisms = 1u << LOGIN_CRAM_MD5 | 1u << LOGIN_SCRAM_1, .plain = true}};
    struct mox_ip ip = dial_ip("192.0.2.1");
    struct mox_config *own = NULL;
    struct mox_conn *conn;
    struct mox_error err;
    unsigned questions;

    world_of(4, 0);
    world_load(sim, "machine 198.51.100.1 2001:db8:9::9\n");
    net_place(sim, &ip, 0)->secure = &logins;
    mox_conn_release(dial(&pairs[_i].first));
    questions = world_count(sim, " query ");
    conn = dial_second(&pairs[_i].second, &own);
    ck_assert_msg(conn == NULL || connects() == (pairs[_i].reused ? 1 : 2), "%s\n%s",
                  pairs[_i].name, sim->log.ptr);
    ck_assert_uint_eq(mox_ctx_stats(sim->ctx)->reused, pairs[_i].reused);
    if (pairs[_i].reused) {
        ck_assert_uint_eq(world_count(sim, " query "), questions); /* no DNS */
        ck_assert_int_eq(deliver(conn, &err), MOX_OK);
        ck_assert_ptr_nonnull(sim->taken);
    }
    mox_conn_close(conn);
    mox_config_free(own);
}
END_TEST

/* The host looks at a plan of its own, and uses it for every dial. */
START_TEST(own_plan)
{
    struct mox_dial_request request;
    struct mox_conn *conn = NULL;
    struct mox_error err;

    world_of(4, 0);
    request = *dial_request();
    request.plan = mox_plan_new(sim->ctx);
    for (int i = 0; i < 3; i++) {
        ck_assert_msg(mox_dial(sim->ctx, &request, &conn, &err) == MOX_OK, "%s", err.message);
        ck_assert_uint_eq(mox_plan_summary(request.plan)->n_attempts, 1);
        ck_assert_int_eq(mox_plan_attempt(request.plan, 0)->stage, MOX_STAGE_READY);
        ck_assert_str_eq(mox_plan_candidate(request.plan, 0)->host, "mx.example.org");
        mox_conn_release(conn);
    }
    mox_plan_free(request.plan);
}
END_TEST

/* What it tells is not changed by what another dial does. */
START_TEST(own_plan_beside_another_dial)
{
    static const struct dial_case other = {.name = "2"};
    struct mox_dial_request request;
    struct mox_conn *conn = NULL;
    struct mox_error err;

    world_of(4, 0);
    request = *dial_request();
    request.plan = mox_plan_new(sim->ctx);
    ck_assert_int_eq(mox_dial(sim->ctx, &request, &conn, &err), MOX_OK);
    mox_conn_release(conn);
    mox_conn_close(dial(&other));
    ck_assert_uint_eq(connects(), 2);
    mox_plan_free(request.plan);
}
END_TEST

START_TEST(bounded_in_number)
{
    static const struct dial_case one = {.name = "1"}, other = {.name = "2", .to = "b@example.net"};
    struct mox_conn *a, *b;

    world_of(1, 0);
    a = dial(&one);
    b = dial(&other);
    mox_conn_release(a);
    mox_conn_release(b);
    ck_assert_uint_eq(world_count(sim, "sent 192.0.2.1 QUIT"), 1); /* the older one */
    ck_assert_uint_eq(world_count(sim, "sent 192.0.2.2 QUIT"), 0);
    mox_conn_close(dial(&other));
    ck_assert_uint_eq(connects(), 2);
}
END_TEST

START_TEST(bounded_in_time)
{
    static const struct dial_case one = {.name = "1"};

    world_of(4, 0);
    mox_conn_release(dial(&one));
    world_sleep(sim, 4900);
    ck_assert_uint_eq(world_count(sim, "QUIT"), 0);
    world_sleep(sim, 200);
    ck_assert_uint_eq(world_count(sim, "sent 192.0.2.1 QUIT"), 1);
    mox_conn_close(dial(&one));
    ck_assert_uint_eq(connects(), 2);
}
END_TEST

/* More seconds than 32 bits hold in microseconds. */
START_TEST(long_kept)
{
    struct mox_ctx_options options = {.size = sizeof options, .max_idle = 4, .idle_s = 5000};
    static const struct dial_case one = {.name = "1"};

    dial_renew(&options);
    world_load(sim, two_domains);
    mox_conn_release(dial(&one));
    world_sleep(sim, 4999 * 1000);
    ck_assert_uint_eq(world_count(sim, "QUIT"), 0);
    world_sleep(sim, 2000);
    ck_assert_uint_eq(world_count(sim, "sent 192.0.2.1 QUIT"), 1);
}
END_TEST

START_TEST(bounded_in_messages)
{
    static const struct dial_case one = {.name = "1"};
    struct mox_conn *conn;
    struct mox_error err;

    world_of(4, 2);
    for (int i = 0; i < 3; i++) {
        conn = dial(&one);
        ck_assert_int_eq(deliver(conn, &err), MOX_OK);
        mox_conn_release(conn);
    }
    ck_assert_uint_eq(connects(), 2);
}
END_TEST

/* Not kept: nothing is to be kept, the host spoke itself, or the session is not sound. */
START_TEST(not_kept)
{
    static const struct dial_case one = {.name = "1"};
    struct mox_conn *conn;
    struct mox_error err;
    size_t n;

    world_of(_i == 0 ? 0 : 4, 0);
    if (_i == 2)
        world_load(sim, "mailbox 192.0.2.1 final=~close\n");
    conn = dial(&one);
    if (_i == 1)
        ck_assert_int_eq(mox_conn_write(conn, "NOOP\r\n", 6, &n), MOX_OK);
    if (_i == 2)
        ck_assert_int_eq(deliver(conn, &err), MOX_E_CLOSED);
    mox_conn_release(conn);
    mox_conn_close(dial(&one));
    ck_assert_uint_eq(connects(), 2);
}
END_TEST

/* Closed by the server while it was kept: seen by the loop, or when it is looked at. */
START_TEST(closed_meanwhile)
{
    static const struct dial_case one = {.name = "1"};

    world_of(4, 0);
    mox_conn_release(dial(&one));
    net_hang_up(net_find(sim, "192.0.2.1"), _i == 1);
    if (_i < 2)
        world_sleep(sim, 10);
    mox_conn_close(dial(&one));
    ck_assert_uint_eq(connects(), 2);
    ck_assert_uint_eq(mox_ctx_stats(sim->ctx)->reused, 0);
}
END_TEST

/* Given up by the server just when it is used: a new dial to the same address, and nothing is lost.
 * Only on a connection that was kept is 421 no more than that. */
static const struct {
    const char *name;
    const char *mail;  /* what the server says to MAIL; NULL: it closes, or resets */
    bool reset, fresh; /* fresh: it has carried no message */
    int status;
} stales[] = {
    {"closed", NULL, false, true, MOX_E_CLOSED},
    {"reset", NULL, true, true, MOX_E_CLOSED},
    {"closed after a message", NULL, false, false, MOX_E_CLOSED},
    {"reset after a message", NULL, true, false, MOX_E_CLOSED},
    {"421", "250_ok|421_4.4.2_idle_timeout~close", false, false, MOX_E_REFUSED},
    {"421, byte by byte", "250_ok|421_4.4.2_idle_timeout~drip plain", false, false, MOX_E_REFUSED},
};

START_TEST(stale)
{
    static const struct dial_case one = {.name = "1"};
    struct mox_conn *conn;
    struct mox_error err;
    char rules[128];
    int status;

    world_of(4, 0);
    snprintf(rules, sizeof rules, "mailbox 192.0.2.1 mail=%s\n", stales[_i].mail);
    if (stales[_i].mail != NULL)
        world_load(sim, rules);
    conn = dial(&one);
    if (!stales[_i].fresh)
        ck_assert_int_eq(deliver(conn, &err), MOX_OK);
    mox_conn_release(conn);
    conn = dial(&one);
    ck_assert_uint_eq(connects(), 1);
    if (stales[_i].mail == NULL)
        net_hang_up(net_find(sim, "192.0.2.1"), stales[_i].reset);
    status = deliver(conn, &err);
    ck_assert_msg(status == stales[_i].status, "%s: %s\n%s", stales[_i].name, err.message,
                  sim->log.ptr);
    ck_assert_msg(err.action == MOX_ACTION_NEXT, "%s: %s: %s", stales[_i].name,
                  mox_action_name(err.action), err.message);
    ck_assert_msg(mox_dial_next(&conn, NULL, &err) == MOX_OK, "%s: %s", stales[_i].name,
                  err.message);
    ck_assert_uint_eq(connects(), 2);
    ck_assert_int_eq(deliver(conn, &err), MOX_OK);
    mox_conn_close(conn);
}
END_TEST

/* From there on it is the server's word: 421 to what follows, and to what is said on a new one. */
START_TEST(refused_on_a_kept_one)
{
    static const char *const rules[] = {"mailbox 192.0.2.1 rcpt=250_ok|421_4.3.2_bye~close\n",
                                        "mailbox 192.0.2.1 mail=421_4.3.2_bye~close\n"};
    static const struct dial_case one = {.name = "1"};
    struct mox_conn *conn;
    struct mox_error err;

    world_of(4, 0);
    world_load(sim, rules[_i]);
    conn = dial(&one);
    if (_i == 0) {
        ck_assert_int_eq(deliver(conn, &err), MOX_OK);
        mox_conn_release(conn);
        conn = dial(&one);
    }
    ck_assert_int_eq(deliver(conn, &err), MOX_E_REFUSED);
    ck_assert_int_eq(err.action, MOX_ACTION_NEXT);
    ck_assert_int_eq(mox_dial_next(&conn, NULL, &err), MOX_E_REFUSED);
    ck_assert_uint_eq(connects(), 1);
}
END_TEST

/* That the first host gave up a kept connection takes nothing from its refusal on a fresh one. */
START_TEST(refused_by_all_in_the_end)
{
    static const struct dial_case one = {.name = "1"};
    struct mox_conn *conn;
    struct mox_error err;

    world_of(4, 0);
    world_load(sim, "example.org MX 20 mx.example.net\n");
    conn = dial(&one);
    ck_assert_int_eq(deliver(conn, &err), MOX_OK);
    mox_conn_release(conn);
    conn = dial(&one);
    world_load(sim, "mailbox 192.0.2.1 mail=550_5.7.25_no_PTR|421_4.4.2_idle_timeout\n"
                    "mailbox 192.0.2.2 mail=550_5.7.25_no_PTR\n");
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(deliver(conn, &err), MOX_E_REFUSED);
        ck_assert_int_eq(err.action, MOX_ACTION_NEXT);
        ck_assert_int_eq(mox_dial_next(&conn, NULL, &err), MOX_OK);
    }
    ck_assert_int_eq(deliver(conn, &err), MOX_E_REFUSED);
    ck_assert_int_eq(err.action, MOX_ACTION_GIVE_UP);
    ck_assert_str_eq(err.host, "mx.example.net");
    mox_conn_close(conn);
}
END_TEST

/* As many connections as may be open: kept ones make room. */
START_TEST(makes_room)
{
    struct mox_ctx_options options = {.size = sizeof options,
                                      .max_idle = 4,
                                      .max_conns = _i == 0 ? 1 : 0,
                                      .max_conns_per_address = _i == 1 ? 1 : 0};
    static const struct dial_case one = {.name = "1"},
                                  fresh = {.name = "2", .flags = MOX_DIAL_NO_REUSE};

    dial_renew(&options);
    world_load(sim, two_domains);
    mox_conn_release(dial(&one));
    mox_conn_close(dial(&fresh));
    ck_assert_uint_eq(connects(), 2);
}
END_TEST

START_TEST(shutdown_closes_them)
{
    static const struct dial_case one = {.name = "1"};

    world_of(4, 0);
    mox_conn_release(dial(&one));
    mox_ctx_shutdown(sim->ctx, 0);
    ck_assert_uint_eq(world_count(sim, "sent 192.0.2.1 QUIT"), 1);
    ck_assert_int_eq(mox_ctx_pending(sim->ctx), 0);
}
END_TEST

/* A dial that was cancelled before its callback gives it up. */
START_TEST(cancelled)
{
    static const struct dial_case one = {.name = "1"};
    struct sim_call call;
    mox_op_id id;

    world_of(4, 0);
    mox_conn_release(dial(&one));
    id = dial_start(&call, dial_request_of(&one));
    call.cancelled = true;
    ck_assert_int_eq(mox_op_cancel(sim->ctx, id), MOX_OK);
    world_run(sim);
    ck_assert_int_eq(call.calls, 0);
}
END_TEST

/* As a kept connection is used again, the n-th allocation fails: it is, or another one is dialed by
 * the source address that was asked for. Whether there were as many. */
static bool again_without_memory(const struct dial_case *c, long n)
{
    const struct mox_dial_request *request;
    struct mox_conn *conn;
    struct mox_error err;
    int status;
    bool failed;

    world_of(4, 0);
    world_load(sim, "machine 198.51.100.1\n");
    mox_conn_release(dial(c));
    request = dial_request_of(c);
    test_fail_alloc(n);
    status = mox_dial(sim->ctx, request, &conn, &err);
    failed = test_alloc_failed();
    test_fail_alloc(0);
    ck_assert_msg(status == MOX_OK || err.code == MOX_E_NOMEM, "allocation %ld: %s", n,
                  err.message);
    ck_assert_msg(world_count(sim, "from any") == 0, "allocation %ld", n);
    if (status == MOX_OK)
        mox_conn_close(conn);
    return failed;
}

/* The length of a name decides where in its memory a plan needs more. */
START_TEST(memory_fails_at_every_allocation)
{
    char name[241];
    struct dial_case one = {.name = "1", .source = "198.51.100.1", .ehlo = name};

    for (size_t len = 10; len < sizeof name; len += 10) {
        for (size_t i = 0; i < len; i++)
            name[i] = i % 10 == 5 ? '.' : 'a';
        name[len] = '\0';
        for (long n = 1; again_without_memory(&one, n); n++)
            continue;
    }
}
END_TEST

TCase *test_dial_pool(void)
{
    TCase *tc = tcase_create("dial/pool");

    tcase_add_checked_fixture(tc, dial_setup, dial_teardown);
    tcase_add_loop_test(tc, who_gets_it, 0, sizeof pairs / sizeof *pairs);
    tcase_add_test(tc, own_plan);
    tcase_add_test(tc, own_plan_beside_another_dial);
    tcase_add_test(tc, bounded_in_number);
    tcase_add_test(tc, bounded_in_time);
    tcase_add_test(tc, long_kept);
    tcase_add_test(tc, bounded_in_messages);
    tcase_add_loop_test(tc, not_kept, 0, 3);
    tcase_add_loop_test(tc, closed_meanwhile, 0, 3);
    tcase_add_loop_test(tc, stale, 0, sizeof stales / sizeof *stales);
    tcase_add_loop_test(tc, refused_on_a_kept_one, 0, 2);
    tcase_add_test(tc, refused_by_all_in_the_end);
    tcase_add_loop_test(tc, makes_room, 0, 2);
    tcase_add_test(tc, shutdown_closes_them);
    tcase_add_test(tc, cancelled);
    tcase_add_test(tc, memory_fails_at_every_allocation);
    return tc;
}
