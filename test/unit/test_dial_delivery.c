/*
 * test_dial_delivery.c - deliveries as operations: several on one connection, cancelled, shut down,
 * fed by a reader, and misused.
 */
#include "dial_world.h"
#include "test/sim/mailbox.h"

enum { MAILS = 4 };

static const char text[] = "Subject: hello\r\n\r\nbye\r\n";
static const char one_server[] =
    "example.org MX 10 mx.example.org\nmx.example.org A 192.0.2.1\n192.0.2.1 up\n";

static const struct mox_rcpt rcpt = {.address = "b@example.org"};

struct mail {
    struct sim_call call;
    struct mox_message message;
    struct mox_rcpt_result result;
    mox_op_id id;
};

static struct mail mails[MAILS];

static struct mox_conn *dial(const char *world)
{
    struct mox_conn *conn = NULL;
    struct mox_error err;

    world_load(sim, one_server);
    world_load(sim, world);
    ck_assert_msg(mox_dial(sim->ctx, dial_request(), &conn, &err) == MOX_OK, "%s", err.message);
    return conn;
}

static void prepare(struct mail *m)
{
    *m = (struct mail){.call = {.w = sim}};
    m->message.size = sizeof m->message;
    m->message.mail_from = "a@example.com";
    m->message.rcpts = &rcpt;
    m->message.nrcpts = 1;
    m->message.body.data = text;
    m->message.body.len = sizeof text - 1;
}

static void start(struct mail *m, struct mox_conn *conn)
{
    struct mox_error err;

    m->id = mox_deliver_start(conn, &m->message, &m->result, sim_on_done, &m->call, &err);
    ck_assert_msg(m->id != 0, "%s", err.message);
    ck_assert_int_eq(m->call.calls, 0);
}

static void start_all(struct mox_conn *conn)
{
    for (int i = 0; i < MAILS; i++) {
        prepare(&mails[i]);
        start(&mails[i], conn);
    }
}

static unsigned taken(void)
{
    unsigned n = 0;

    for (const struct mailbox_taken *t = sim->taken; t != NULL; t = t->next)
        n++;
    return n;
}

/* One behind the other, with PIPELINING and without. */
START_TEST(several)
{
    struct mox_conn *conn = dial(_i == 0 ? "" : "mailbox 192.0.2.1 plain\n");

    start_all(conn);
    world_run(sim);
    for (int i = 0; i < MAILS; i++) {
        ck_assert_int_eq(mails[i].call.calls, 1);
        ck_assert_int_eq(mails[i].call.status, MOX_OK);
        ck_assert_int_eq(mails[i].result.state, MOX_RCPT_ACCEPTED);
    }
    ck_assert_uint_eq(taken(), MAILS);
    ck_assert_uint_eq(mox_conn_session(conn)->messages, MAILS);
    ck_assert_uint_eq(mox_ctx_stats(sim->ctx)->messages, MAILS);
    ck_assert_uint_eq(mox_ctx_stats(sim->ctx)->rcpts_ok, MAILS);
    ck_assert_int_eq(mox_conn_session(conn)->stage, MOX_STAGE_READY);
    mox_conn_close(conn);
    ck_assert_uint_eq(world_count(sim, "sent 192.0.2.1 QUIT"), 1);
}
END_TEST

/* The dialogue has both sides, each line at its stage, and nothing of the message. */
START_TEST(dialogue)
{
    static const char *const lines[] = {"> MAIL FROM:<a@example.com>", "> RCPT TO:<b@example.org>",
                                        "> DATA", "> ."};
    struct mox_conn *conn = dial(_i == 0 ? "" : "mailbox 192.0.2.1 plain\n");

    start_all(conn);
    world_run(sim);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_uint_eq(world_count_told(sim, lines[i]), MAILS);
    ck_assert_uint_eq(world_count_told(sim, "> Subject"), 0);
    ck_assert_uint_eq(world_count_told(sim, "> bye"), 0);
    mox_conn_close(conn);
}
END_TEST

/* The second one's dot is the end of the connection: those behind it never had their turn. */
START_TEST(several_and_the_end)
{
    struct mox_conn *conn = dial("mailbox 192.0.2.1 final=250_ok|~close\n");

    start_all(conn);
    world_run(sim);
    ck_assert_int_eq(mails[0].result.state, MOX_RCPT_ACCEPTED);
    ck_assert_int_eq(mails[1].result.state, MOX_RCPT_UNKNOWN);
    ck_assert_int_eq(mails[1].call.err.action, MOX_ACTION_LATER);
    for (int i = 2; i < MAILS; i++) {
        ck_assert_int_eq(mails[i].call.calls, 1);
        ck_assert_int_eq(mails[i].call.status, MOX_E_CLOSED);
        ck_assert_int_eq(mails[i].result.state, MOX_RCPT_PENDING);
    }
    ck_assert_int_eq(mox_conn_session(conn)->stage, MOX_STAGE_QUIT);
    mox_conn_close(conn);
    ck_assert_uint_eq(world_count(sim, "QUIT"), 0);
}
END_TEST

/* No MAIL more than MAILMAX allows, refused ones counted in: with PIPELINING and without. The
 * server of the world says so if one comes. */
START_TEST(several_and_the_limit)
{
    static const struct {
        const char *world;
        unsigned taken;
    } limits[] = {
        {"mailbox 192.0.2.1 offers=LIMITS_MAILMAX=2\n", 2},
        {"mailbox 192.0.2.1 plain offers=LIMITS_MAILMAX=3\n", 3},
        {"mailbox 192.0.2.1 mail=250_ok|550_5.7.0_no|250_ok offers=LIMITS_MAILMAX=3\n", 2},
    };
    struct mox_conn *conn = dial(limits[_i].world);
    unsigned left = 0;

    start_all(conn);
    world_run(sim);
    ck_assert_uint_eq(taken(), limits[_i].taken);
    for (int i = 0; i < MAILS; i++) {
        ck_assert_int_eq(mails[i].call.calls, 1);
        left += mails[i].result.state == MOX_RCPT_PENDING;
        if (mails[i].result.state == MOX_RCPT_PENDING) {
            ck_assert_int_eq(mails[i].call.status, MOX_E_CLOSED);
            ck_assert_int_eq(mails[i].call.err.action, MOX_ACTION_LATER);
        }
    }
    ck_assert_uint_eq(left, _i == 0 ? 2 : 1);
    mox_conn_close(conn);
    ck_assert_uint_eq(world_count(sim, "sent 192.0.2.1 MAIL"), MAILS - left);
}
END_TEST

/* QUIT rides behind the last message, where the server takes it so; once. */
START_TEST(last_of_all)
{
    static const struct {
        const char *world;
        int status;
        bool rides;
    } lasts[] = {
        {"", MOX_OK, true},
        {"mailbox 192.0.2.1 plain\n", MOX_OK, false},
        {"mailbox 192.0.2.1 final=250_ok|451_4.3.0_not_now\n", MOX_E_REFUSED, true},
        {"mailbox 192.0.2.1 rcpt=250_ok|550_5.1.1_no\n", MOX_E_REFUSED, false},
    };
    struct mox_conn *conn = dial(lasts[_i].world);

    for (int i = 0; i < 2; i++) {
        prepare(&mails[i]);
        mails[i].message.flags = i == 1 ? MOX_MSG_LAST : 0;
        start(&mails[i], conn);
    }
    world_run(sim);
    ck_assert_int_eq(mails[0].call.status, MOX_OK);
    ck_assert_int_eq(mails[1].call.status, lasts[_i].status);
    ck_assert_uint_eq(world_count(sim, "QUIT"), lasts[_i].rides);
    ck_assert_int_eq(mox_conn_session(conn)->stage == MOX_STAGE_QUIT, lasts[_i].rides);
    mox_conn_close(conn);
    ck_assert_uint_eq(world_count(sim, "QUIT"), 1);
}
END_TEST

/* The dot has no reply, and QUIT has: nobody has taken anything. */
START_TEST(last_without_a_reply)
{
    struct mox_conn *conn = dial("mailbox 192.0.2.1 final=221_2.0.0_bye\n");

    prepare(&mails[0]);
    mails[0].message.flags = MOX_MSG_LAST;
    start(&mails[0], conn);
    world_run(sim);
    ck_assert_int_eq(mails[0].call.status, MOX_E_PROTOCOL);
    ck_assert_int_eq(mails[0].result.state, MOX_RCPT_UNKNOWN);
    mox_conn_close(conn);
}
END_TEST

/* A last message with more recipients than one transaction takes: QUIT behind the last of them. */
START_TEST(last_in_two)
{
    static const struct mox_rcpt two[] = {{.address = "b@example.org"},
                                          {.address = "c@example.org"}};
    struct mox_rcpt_result results[2] = {{0}};
    struct mox_conn *conn = dial("mailbox 192.0.2.1 rcpt=250_ok|452_4.5.3_too_many|250_ok\n");
    struct mail *m = &mails[0];
    struct mox_error err;

    prepare(m);
    m->message.flags = MOX_MSG_LAST;
    m->message.rcpts = two;
    m->message.nrcpts = 2;
    ck_assert_msg(mox_deliver(conn, &m->message, results, &err) == MOX_OK, "%s", err.message);
    ck_assert_uint_eq(taken(), 2);
    ck_assert_uint_eq(world_count(sim, "QUIT"), 1);
    mox_conn_close(conn);
}
END_TEST

/* After so many milliseconds: at MAIL, at DATA, at the dot. */
START_TEST(cancelled)
{
    struct mox_conn *conn = dial("");

    start_all(conn);
    world_sleep(sim, (uint64_t)_i * 5);
    mails[1].call.cancelled = true;
    if (mox_op_cancel(sim->ctx, mails[1].id) == MOX_E_STALE)
        mails[1].call.cancelled = false;
    world_run(sim);
    ck_assert_int_eq(mails[1].call.calls, mails[1].call.cancelled ? 0 : 1);
    for (int i = 0; i < MAILS; i++)
        ck_assert_int_eq(mails[i].call.calls, i == 1 && mails[i].call.cancelled ? 0 : 1);
    mox_conn_close(conn);
}
END_TEST

static void cancel_first(void *arg, int status, const struct mox_error *err)
{
    struct mail *m = arg;

    sim_on_done(&m->call, status, err);
    mails[0].call.cancelled = mails[0].call.calls == 0;
    ck_assert_int_eq(mox_op_cancel(sim->ctx, mails[0].id), MOX_OK);
}

/* Both servers accept in one turn; in the first callback the other delivery, which is done as well,
 * is cancelled: its connection carries on with what is behind it. */
START_TEST(cancelled_when_done)
{
    struct mox_conn *first = dial("mailbox 192.0.2.1 plain\n"), *second = dial("");
    uint64_t began = sim->now_us;
    struct mox_error err;

    sim->together = true;
    for (int i = 0; i < 3; i++)
        prepare(&mails[i]);
    mails[2].id = mox_deliver_start(second, &mails[2].message, &mails[2].result, cancel_first,
                                    &mails[2], &err);
    ck_assert(mails[2].id != 0);
    start(&mails[0], first);
    start(&mails[1], first);
    world_run(sim);
    ck_assert(mails[0].call.cancelled);
    ck_assert_int_eq(mails[0].call.calls, 0);
    ck_assert_int_eq(mails[1].call.calls, 1);
    ck_assert_int_eq(mails[1].call.status, MOX_OK);
    ck_assert_uint_lt(sim->now_us - began, 1000000); /* not when some deadline is over */
    mox_conn_close(first);
    mox_conn_close(second);
}
END_TEST

START_TEST(closed_by_the_host)
{
    struct mox_conn *conn = dial("");

    start_all(conn);
    world_sleep(sim, (uint64_t)_i * 5);
    for (int i = 0; i < MAILS; i++)
        mails[i].call.cancelled = mails[i].call.calls == 0;
    mox_conn_close(conn);
    ck_assert_int_eq(mox_ctx_pending(sim->ctx), 0);
    world_run(sim);
    ck_assert_int_eq(world_count(sim, "QUIT") > 0, mails[MAILS - 1].call.calls > 0);
}
END_TEST

/* A body that is being sent, or whose reply is awaited, may be finished; what is behind it not. */
START_TEST(shut_down)
{
    struct mox_conn *conn = dial("192.0.2.1 up slow\n");
    static const struct {
        uint64_t after_ms;
        uint32_t grace_ms;
        int first;
    } times[] = {
        {500, 30000, MOX_E_SHUTDOWN}, /* MAIL is not answered yet */
        {2500, 30000, MOX_OK},        /* the dot is */
        {2500, 100, MOX_E_SHUTDOWN},
    };

    start_all(conn);
    world_sleep(sim, times[_i].after_ms);
    mox_ctx_shutdown(sim->ctx, times[_i].grace_ms);
    world_run(sim);
    ck_assert_int_eq(mails[0].call.status, times[_i].first);
    ck_assert_int_eq(mails[0].result.state == MOX_RCPT_ACCEPTED, times[_i].first == MOX_OK);
    for (int i = 1; i < MAILS; i++) {
        ck_assert_int_eq(mails[i].call.calls, 1);
        ck_assert_int_eq(mails[i].call.status, MOX_E_SHUTDOWN);
        ck_assert_int_ne(mails[i].result.state, MOX_RCPT_ACCEPTED);
    }
    mox_conn_close(conn);
}
END_TEST

/* A reader that has a few bytes at a time, and nothing in between. */
struct reader {
    size_t at, step;
    bool hungry, broken;
    unsigned rewinds;
};

static int read_some(void *user, void *buf, size_t cap, size_t *n)
{
    struct reader *r = user;
    size_t left = sizeof text - 1 - r->at;

    *n = 0;
    if (r->broken && r->at > 4)
        return MOX_ERRNO(5);
    r->hungry = !r->hungry;
    if (r->hungry)
        return MOX_E_AGAIN;
    *n = left < r->step ? left : r->step;
    *n = *n < cap ? *n : cap;
    memcpy(buf, text + r->at, *n);
    r->at += *n;
    return MOX_OK;
}

static int start_over(void *user)
{
    struct reader *r = user;

    r->at = 0;
    r->rewinds++;
    return MOX_OK;
}

static void read_by(struct mail *m, struct reader *r)
{
    prepare(m);
    m->message.body = (struct mox_body){
        .source = MOX_BODY_READER, .read = read_some, .rewind = start_over, .user = r};
}

static void feed(struct mail *m)
{
    for (int turn = 0; turn < 1000 && m->call.calls == 0; turn++) {
        world_sleep(sim, 20);
        mox_op_resume(sim->ctx, m->id);
    }
    ck_assert_int_eq(m->call.calls, 1);
}

START_TEST(by_a_reader)
{
    struct mox_conn *conn = dial("");
    struct reader reader = {.step = (size_t)_i + 1};

    read_by(&mails[0], &reader);
    start(&mails[0], conn);
    feed(&mails[0]);
    ck_assert_int_eq(mails[0].call.status, MOX_OK);
    ck_assert_uint_eq(sim->taken->len, sizeof text - 1);
    ck_assert_mem_eq(sim->taken->body, text, sizeof text - 1);
    ck_assert_uint_eq(reader.rewinds, 1);
    ck_assert_int_eq(mox_op_resume(sim->ctx, mails[0].id), MOX_E_STALE);
    mox_conn_close(conn);
}
END_TEST

/* Half a message is never ended by a dot. */
START_TEST(by_a_broken_reader)
{
    struct mox_conn *conn = dial("");
    struct reader reader = {.step = 3, .broken = true};

    read_by(&mails[0], &reader);
    start(&mails[0], conn);
    feed(&mails[0]);
    ck_assert_int_ne(mails[0].call.status, MOX_OK);
    ck_assert_int_eq(mails[0].result.state, MOX_RCPT_TEMPORARY);
    mox_conn_close(conn);
    ck_assert_uint_eq(taken(), 0);
    ck_assert_uint_eq(world_count(sim, "QUIT"), 0);
}
END_TEST

START_TEST(misused)
{
    struct mox_conn *conn = dial("");
    struct mail *m = &mails[0];
    struct mox_error err;
    struct sim_call watched = {.w = sim};
    char byte;
    size_t n;

    prepare(m);
    m->message.nrcpts = 0;
    ck_assert_int_eq(mox_deliver(conn, &m->message, &m->result, &err), MOX_E_INVAL);
    prepare(m);
    ck_assert_int_eq(mox_deliver(conn, &m->message, NULL, &err), MOX_E_INVAL);
    ck_assert_uint_eq(mox_deliver_start(conn, &m->message, &m->result, NULL, NULL, &err), 0);
    m->message.flags = MOX_MSG_REQUIRETLS;
    ck_assert_int_eq(mox_deliver(conn, &m->message, &m->result, &err), MOX_E_INVAL);
    prepare(m);
    m->message.size = 3;
    ck_assert_int_eq(mox_deliver(conn, &m->message, &m->result, &err), MOX_E_INVAL);
    prepare(m);
    start(m, conn);
    ck_assert_int_eq(mox_deliver(conn, &mails[1].message, &mails[1].result, &err), MOX_E_BUSY);
    ck_assert_int_eq(mox_conn_read(conn, &byte, 1, &n), MOX_E_BUSY);
    ck_assert_int_eq(mox_conn_write(conn, "x", 1, &n), MOX_E_BUSY);
    ck_assert_uint_eq(mox_conn_watch(conn, MOX_READ, sim_on_done, &watched, &err), 0);
    ck_assert_int_eq(err.code, MOX_E_BUSY);
    world_run(sim);
    ck_assert_int_eq(m->call.status, MOX_OK);
    ck_assert_int_eq(mox_conn_write(conn, "NOOP\r\n", 6, &n), MOX_OK);
    prepare(m);
    ck_assert_int_eq(mox_deliver(conn, &m->message, &m->result, &err), MOX_E_STATE);
    mox_conn_close(conn);
}
END_TEST

START_TEST(not_ready)
{
    static const struct dial_case ehlo = {.name = "ehlo", .stop_at = MOX_STAGE_EHLO};
    struct mox_conn *conn = NULL;
    struct mox_error err;

    world_load(sim, one_server);
    ck_assert_int_eq(mox_dial(sim->ctx, dial_request_of(&ehlo), &conn, &err), MOX_OK);
    prepare(&mails[0]);
    ck_assert_int_eq(mox_deliver(conn, &mails[0].message, &mails[0].result, &err), MOX_E_STATE);
    mox_conn_close(conn);
}
END_TEST

/* The host's own words and deliveries do not mix, but a connection that delivered can be used on.
 */
START_TEST(spoken_after)
{
    struct mox_conn *conn = dial("");
    struct mox_error err;
    size_t n;

    prepare(&mails[0]);
    ck_assert_int_eq(mox_deliver(conn, &mails[0].message, &mails[0].result, &err), MOX_OK);
    ck_assert_int_eq(mox_conn_write(conn, "NOOP\r\n", 6, &n), MOX_OK);
    ck_assert_int_eq(mox_conn_wait(conn, MOX_READ, 1000), MOX_OK);
    mox_conn_close(conn);
}
END_TEST

TCase *test_dial_delivery(void)
{
    TCase *tc = tcase_create("dial/delivery");

    tcase_add_checked_fixture(tc, dial_setup, dial_teardown);
    tcase_add_loop_test(tc, several, 0, 2);
    tcase_add_loop_test(tc, dialogue, 0, 2);
    tcase_add_test(tc, several_and_the_end);
    tcase_add_loop_test(tc, several_and_the_limit, 0, 3);
    tcase_add_loop_test(tc, last_of_all, 0, 4);
    tcase_add_test(tc, last_in_two);
    tcase_add_test(tc, last_without_a_reply);
    tcase_add_loop_test(tc, cancelled, 0, 20);
    tcase_add_test(tc, cancelled_when_done);
    tcase_add_loop_test(tc, closed_by_the_host, 0, 20);
    tcase_add_loop_test(tc, shut_down, 0, 3);
    tcase_add_loop_test(tc, by_a_reader, 0, 5);
    tcase_add_test(tc, by_a_broken_reader);
    tcase_add_test(tc, misused);
    tcase_add_test(tc, not_ready);
    tcase_add_test(tc, spoken_after);
    return tc;
}
