/* test_dial_next.c - mox_dial_next: going on after a refusal that the host met later. */
#include "dial_world.h"

/* The refusal that a host reads later, as it gives it to mox_dial_next. */
static struct mox_error refusal(int stage, const char *reply)
{
    struct mox_error why;

    ck_assert_int_eq(mox_reply_classify(stage, reply, strlen(reply), &why), MOX_OK);
    return why;
}

static const char next_world[] =
    "example.org MX 10 m1.example.org\nexample.org MX 20 m2.example.org\n"
    "m1.example.org AAAA 2001:db8::1\nm1.example.org AAAA 2001:db8::2\n"
    "m1.example.org A 192.0.2.1\nm2.example.org A 192.0.2.2\n"
    "2001:db8::1 up\n2001:db8::2 up\n192.0.2.1 up\n192.0.2.2 up\n";

static const struct {
    const char *name;
    int stage;
    const char *reply; /* NULL: no reason */
    const char *next;
} nexts[] = {
    {"no reason: the next candidate", 0, NULL, "192.0.2.1"},
    {"our address at RCPT: the other family of the host", MOX_STAGE_RCPT,
     "550 5.7.1 Client host rejected: cannot find your reverse hostname\r\n", "192.0.2.1"},
    {"a recipient: the next candidate", MOX_STAGE_RCPT, "550 5.1.1 no such user\r\n", "192.0.2.1"},
};

START_TEST(next_case)
{
    struct mox_error why = {0}, err;
    struct mox_conn *conn = NULL;
    char ip[64];

    world_load(sim, next_world);
    ck_assert_int_eq(mox_dial(sim->ctx, dial_request(), &conn, &err), MOX_OK);
    if (nexts[_i].reply != NULL)
        why = refusal(nexts[_i].stage, nexts[_i].reply);
    ck_assert_msg(mox_dial_next(&conn, nexts[_i].reply == NULL ? NULL : &why, &err) == MOX_OK,
                  "%s: %s", nexts[_i].name, err.message);
    mox_ip_format(&mox_conn_session(conn)->remote, ip, sizeof ip);
    ck_assert_msg(strcmp(ip, nexts[_i].next) == 0, "%s: %s", nexts[_i].name, ip);
    ck_assert_uint_eq(world_count(sim, "sent 2001:db8::1 QUIT"), 1);
    mox_conn_close(conn);
}
END_TEST

/* From candidate to candidate to the last; then the reason itself comes back. */
START_TEST(next_until_none_is_left)
{
    struct mox_error why = refusal(MOX_STAGE_RCPT, "450 4.2.0 not now\r\n"), err;
    struct mox_conn *conn = NULL;
    unsigned sessions = 1;

    world_load(sim, next_world);
    ck_assert_int_eq(mox_dial(sim->ctx, dial_request(), &conn, &err), MOX_OK);
    while (mox_dial_next(&conn, &why, &err) == MOX_OK)
        sessions++;
    ck_assert_uint_eq(sessions, 4);
    ck_assert_ptr_null(conn);
    ck_assert_int_eq(err.code, MOX_E_REFUSED);
    ck_assert_int_eq(err.smtp_code, 450);
    ck_assert_str_eq(err.host, "m2.example.org");
    ck_assert_int_eq(err.permanent, 0);
    ck_assert_str_eq(dial_seen(), "2001:db8::1@0 192.0.2.1@30 2001:db8::2@60 192.0.2.2@90");
}
END_TEST

START_TEST(next_without_a_reason_and_none_left)
{
    struct mox_error err;
    struct mox_conn *conn = NULL;

    world_load(sim, "example.org A 192.0.2.1\n192.0.2.1 up\n");
    ck_assert_int_eq(mox_dial(sim->ctx, dial_request(), &conn, &err), MOX_OK);
    ck_assert_int_lt(mox_dial_next(&conn, NULL, &err), 0);
    ck_assert_ptr_null(conn);
    ck_assert_int_eq(err.permanent, 0);
    ck_assert_int_eq(err.action, MOX_ACTION_LATER);
}
END_TEST

/* Answers that were not there when the dial ended are asked for again. */
START_TEST(next_asks_what_was_cut_short)
{
    struct mox_error err;
    struct mox_conn *conn = NULL;

    world_load(sim, "example.org MX 10 mx.example.org\nmx.example.org A 192.0.2.1\n"
                    "mx.example.org AAAA +ms=5000 2001:db8::1\n192.0.2.1 up\n2001:db8::1 up\n");
    ck_assert_int_eq(mox_dial(sim->ctx, dial_request(), &conn, &err), MOX_OK);
    ck_assert_msg(mox_dial_next(&conn, NULL, &err) == MOX_OK, "%s", err.message);
    ck_assert_str_eq(dial_seen(), "192.0.2.1@50 2001:db8::1@5080");
    mox_conn_close(conn);
}
END_TEST

START_TEST(next_as_an_operation)
{
    struct mox_error err = {0};
    struct sim_call call, next = {.w = sim};
    mox_op_id id;

    world_load(sim, next_world);
    dial_to_end(&call, dial_request());
    id = mox_dial_next_start(call.conn, NULL, sim_on_conn, &next, &err);
    ck_assert_uint_ne(id, 0);
    ck_assert_int_eq(next.calls, 0);
    if (_i == 1) {
        next.cancelled = true;
        ck_assert_int_eq(mox_op_cancel(sim->ctx, id), MOX_OK);
    }
    world_run(sim);
    ck_assert_int_eq(next.calls, _i == 1 ? 0 : 1);
    mox_conn_close(next.conn);
}
END_TEST

TCase *test_dial_next(void)
{
    TCase *tcase = tcase_create("dial/next");

    tcase_add_checked_fixture(tcase, dial_setup, dial_teardown);
    tcase_add_loop_test(tcase, next_case, 0, (int)ARRAY_LEN(nexts));
    tcase_add_test(tcase, next_until_none_is_left);
    tcase_add_test(tcase, next_without_a_reason_and_none_left);
    tcase_add_test(tcase, next_asks_what_was_cut_short);
    tcase_add_loop_test(tcase, next_as_an_operation, 0, 2);
    return tcase;
}
