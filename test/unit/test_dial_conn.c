/*
 * test_dial_conn.c - connections: what is known of the server, and how a host speaks on one: read,
 * write, watch, wait, detach, close.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "dial_world.h"

/* A connection to the one server of a world, on IPv4. */
static struct mox_conn *open_conn(const char *profile, int stop_at)
{
    struct dial_case c = {.name = "conn", .server = "192.0.2.1", .stop_at = stop_at};
    char world[64] = "192.0.2.1 up ";
    struct sim_call call;

    strncat(world, profile, 32);
    world_load(sim, world);
    dial_to_end(&call, dial_request_of(&c));
    ck_assert_msg(call.status == MOX_OK, "%s", call.err.message);
    return call.conn;
}

static struct net_stream *stream(void)
{
    return net_find(sim, "192.0.2.1");
}

static void write_all(struct mox_conn *conn, const char *text)
{
    size_t len = strlen(text), n;

    while (len > 0) {
        int status = mox_conn_write(conn, text, len, &n);

        if (status == MOX_E_AGAIN) {
            ck_assert_uint_eq(n, 0);
            ck_assert_int_eq(mox_conn_wait(conn, MOX_WRITE, 1000), MOX_OK);
            continue;
        }
        ck_assert_int_eq(status, MOX_OK);
        ck_assert_uint_gt(n, 0);
        text += n;
        len -= n;
    }
}

START_TEST(session_tells_what_is_known)
{
    static const char text[] = "NATIPs:\n\t- 203.0.113.1\nHostname: mail.example.com\n"
                               "LocalIPs:\n\t- 10.0.0.9\n";
    const struct mox_session *s;
    struct sim_call call;

    world_load(sim, dial_simple);
    sim->config = mox_config_parse(text, sizeof text - 1, NULL);
    ck_assert_ptr_nonnull(sim->config);
    world_load(sim, "machine 10.0.0.9 2001:db8:9::9\n2001:db8::1 refused\n");
    dial_to_end(&call, dial_request());
    ck_assert_msg(call.status == MOX_OK, "%s", call.err.message);
    s = mox_conn_session(call.conn);
    ck_assert_str_eq(s->host, "mx.example.org");
    ck_assert_ptr_null(s->transport);
    ck_assert_str_eq(s->ehlo_sent, "mail.example.com");
    ck_assert_str_eq(s->greeting, "mx.example ESMTP");
    ck_assert_int_eq(s->remote.family, MOX_IPV4);
    ck_assert_uint_eq(s->remote_port, 25);
    ck_assert_uint_eq(s->local_port, net_find(sim, "192.0.2.1")->local_port);
    ck_assert_uint_eq(s->local.bytes[0], 10);
    ck_assert_uint_eq(s->public_ip.bytes[0], 203);
    ck_assert_int_eq(s->stage, MOX_STAGE_READY);
    ck_assert_uint_eq(s->extensions,
                      MOX_EXT_PIPELINING | MOX_EXT_SIZE | MOX_EXT_LIMITS | MOX_EXT_8BITMIME);
    ck_assert_uint_eq(s->size_limit, 1000000);
    ck_assert_uint_eq(s->rcpt_limit, 5);
    ck_assert_uint_eq(s->mail_limit, 7);
    ck_assert_str_eq(s->ehlo[0], "PIPELINING");
    ck_assert_ptr_null(s->ehlo[4]);
    ck_assert_ptr_null(s->tls_version);
    ck_assert_int_eq(s->dual_stack, 1);
    ck_assert_ptr_null(s->tls_names[0]);
    mox_conn_close(call.conn);
}
END_TEST

static const struct {
    int stop_at, stage;
    bool ehlo, greeting;
} stops[] = {
    {MOX_STAGE_CONNECT, MOX_STAGE_CONNECT, false, false},
    {MOX_STAGE_PROXY, MOX_STAGE_GREETING, false, true},
    {MOX_STAGE_GREETING, MOX_STAGE_GREETING, false, true},
    {MOX_STAGE_EHLO, MOX_STAGE_EHLO, true, true},
    {MOX_STAGE_AUTH, MOX_STAGE_READY, true, true},
    {MOX_STAGE_READY, MOX_STAGE_READY, true, true},
};

START_TEST(session_at_each_stage)
{
    struct mox_conn *conn = open_conn("ok", stops[_i].stop_at);
    const struct mox_session *s = mox_conn_session(conn);

    ck_assert_int_eq(s->stage, stops[_i].stage);
    ck_assert_int_eq(s->ehlo_sent != NULL, stops[_i].ehlo);
    ck_assert_int_eq(s->greeting != NULL, stops[_i].greeting);
    ck_assert_ptr_nonnull(s->ehlo);
    ck_assert_int_eq(mox_plan_attempt(mox_conn_plan(conn), 0)->stage, stops[_i].stage);
    mox_conn_close(conn);
}
END_TEST

START_TEST(session_without_ehlo_extensions)
{
    struct mox_conn *conn = open_conn("old", 0);

    ck_assert_uint_eq(mox_conn_session(conn)->extensions, 0);
    ck_assert_ptr_null(mox_conn_session(conn)->ehlo[0]);
    ck_assert_int_eq(mox_conn_session(conn)->dual_stack, 0);
    mox_conn_close(conn);
    ck_assert_uint_eq(world_count(sim, "sent 192.0.2.1 QUIT"), 1);
}
END_TEST

/* A transaction spoken by the host, bytes in any pace. */
START_TEST(host_speaks)
{
    struct mox_conn *conn = open_conn("ok", 0);
    char reply[64];
    size_t n;

    sim->max_write = _i == 1 ? 3 : 0;
    ck_assert_int_eq(mox_conn_read(conn, reply, sizeof reply, &n), MOX_E_AGAIN);
    ck_assert_uint_eq(n, 0);
    write_all(conn, "MAIL FROM:<a@example.com>\r\n");
    ck_assert_int_eq(mox_conn_wait(conn, MOX_READ, 1000), MOX_OK);
    ck_assert_int_eq(mox_conn_read(conn, reply, 3, &n), MOX_OK);
    ck_assert_uint_eq(n, 3);
    ck_assert_int_eq(mox_conn_wait(conn, MOX_READ, 1000), MOX_OK); /* what was read ahead counts */
    ck_assert_int_eq(mox_conn_read(conn, reply, sizeof reply, &n), MOX_OK);
    ck_assert_mem_eq(reply, " ok\r\n", 5);
    write_all(conn, "QUIT\r\n");
    ck_assert_int_eq(mox_conn_wait(conn, MOX_READ, 1000), MOX_OK);
    ck_assert_int_eq(mox_conn_read(conn, reply, sizeof reply, &n), MOX_OK);
    ck_assert_mem_eq(reply, "221 bye\r\n", 9);
    ck_assert_int_eq(mox_conn_read(conn, reply, sizeof reply, &n), MOX_E_EOF);
    ck_assert_int_eq(mox_conn_wait(conn, MOX_READ, 1000), MOX_OK);
    mox_conn_close(conn);
    ck_assert_uint_eq(world_count(sim, "sent 192.0.2.1 QUIT"), 1); /* not another one */
}
END_TEST

/* What the server said behind its last reply is not lost. */
START_TEST(bytes_behind_the_reply_are_kept)
{
    struct mox_conn *conn = open_conn("ahead", 0);
    char text[64];
    size_t n;

    ck_assert_int_eq(mox_conn_wait(conn, MOX_READ, 0), MOX_OK);
    ck_assert_int_eq(mox_conn_read(conn, text, sizeof text, &n), MOX_OK);
    ck_assert_uint_eq(n, strlen("250 spoken ahead\r\n"));
    ck_assert_mem_eq(text, "250 spoken ahead\r\n", n);
    mox_conn_close(conn);
}
END_TEST

START_TEST(wait_runs_out)
{
    struct mox_conn *conn = open_conn("ok", 0);
    uint64_t now = world_ms(sim);

    ck_assert_int_eq(mox_conn_wait(conn, MOX_READ, 250), MOX_E_TIMEOUT);
    ck_assert_uint_eq(world_ms(sim), now + 250);
    ck_assert_int_eq(mox_conn_wait(conn, 0, 250), MOX_E_INVAL);
    ck_assert_int_eq(mox_conn_wait(conn, MOX_READ | MOX_WRITE, 250), MOX_OK);
    ck_assert_uint_eq(world_ms(sim), now + 250);
    mox_conn_close(conn);
}
END_TEST

START_TEST(connection_that_broke)
{
    struct mox_conn *conn = open_conn("ok", 0);
    struct sim_call call = {.w = sim};
    struct mox_error err;
    char text[8];
    intptr_t fd;
    size_t n;

    net_hang_up(stream(), true);
    if (_i == 1) /* a watch sees it first, and must not swallow it */
        ck_assert_int_eq(mox_conn_wait(conn, MOX_READ, 100), MOX_OK);
    ck_assert_int_eq(mox_conn_read(conn, text, sizeof text, &n), MOX_E_CLOSED);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(mox_conn_read(conn, text, sizeof text, &n), MOX_E_STATE);
    ck_assert_int_eq(mox_conn_write(conn, "x", 1, &n), MOX_E_STATE);
    ck_assert_int_eq(mox_conn_detach(conn, &fd, text, sizeof text, &n), MOX_E_STATE);
    ck_assert_uint_eq(mox_conn_watch(conn, MOX_READ, sim_on_done, &call, &err), 0);
    ck_assert_int_eq(err.code, MOX_E_STATE);
    ck_assert_int_eq(mox_conn_session(conn)->stage, MOX_STAGE_QUIT);
    mox_conn_close(conn);
}
END_TEST

START_TEST(write_to_a_connection_that_broke)
{
    struct mox_conn *conn = open_conn("ok", 0);
    size_t n;

    net_hang_up(stream(), true);
    ck_assert_int_eq(mox_conn_write(conn, "x", 1, &n), MOX_E_CLOSED);
    ck_assert_int_eq(mox_conn_write(conn, "x", 1, &n), MOX_E_STATE);
    mox_conn_close(conn);
}
END_TEST

START_TEST(watch_tells_once)
{
    struct mox_conn *conn = open_conn("ok", 0);
    struct sim_call call = {.w = sim}, other = {.w = sim};
    struct mox_error err;
    mox_op_id id = mox_conn_watch(conn, MOX_READ, sim_on_done, &call, &err);

    ck_assert_uint_ne(id, 0);
    ck_assert_uint_eq(mox_conn_watch(conn, MOX_READ, sim_on_done, &other, &err), 0);
    ck_assert_int_eq(err.code, MOX_E_BUSY);
    ck_assert_int_eq(mox_conn_wait(conn, MOX_READ, 10), MOX_E_BUSY);
    world_sleep(sim, 5);
    ck_assert_int_eq(call.calls, 0);
    net_say(stream(), "x", 1);
    world_run(sim);
    ck_assert_int_eq(call.status, MOX_OK);
    net_say(stream(), "y", 1);
    world_sleep(sim, 5);
    ck_assert_int_eq(call.calls, 1);
    ck_assert_int_eq(mox_op_cancel(sim->ctx, id), MOX_E_STALE);
    ck_assert_uint_ne(mox_conn_watch(conn, MOX_READ, sim_on_done, &other, &err), 0);
    ck_assert_int_eq(other.calls, 0); /* it holds already: told by a dispatch even so */
    world_run(sim);
    ck_assert_int_eq(other.calls, 1);
    mox_conn_close(conn);
}
END_TEST

START_TEST(watch_is_cancelled)
{
    struct mox_conn *conn = open_conn("ok", 0);
    struct sim_call call = {.w = sim};
    mox_op_id id = mox_conn_watch(conn, MOX_READ, sim_on_done, &call, NULL);

    call.cancelled = true;
    if (_i == 0)
        ck_assert_int_eq(mox_op_cancel(sim->ctx, id), MOX_OK);
    else
        mox_conn_close(conn);
    if (_i == 0)
        net_say(stream(), "x", 1);
    ck_assert_int_eq(mox_ctx_pending(sim->ctx), 0);
    while (world_step(sim))
        ;
    ck_assert_int_eq(call.calls, 0);
    if (_i == 0)
        mox_conn_close(conn);
}
END_TEST

START_TEST(watch_ends_with_the_context)
{
    struct mox_conn *conn = open_conn("ok", 0);
    struct sim_call call = {.w = sim};
    struct mox_error err;

    ck_assert_uint_ne(mox_conn_watch(conn, MOX_READ, sim_on_done, &call, NULL), 0);
    mox_ctx_shutdown(sim->ctx, 0);
    ck_assert_int_eq(call.calls, 0);
    world_run(sim);
    ck_assert_int_eq(call.status, MOX_E_SHUTDOWN);
    ck_assert_uint_eq(mox_conn_watch(conn, MOX_READ, sim_on_done, &call, &err), 0);
    ck_assert_int_eq(err.code, MOX_E_SHUTDOWN);
    mox_conn_close(conn);
}
END_TEST

/* A callback that ends the connection it is about. */
struct closing {
    struct mox_conn *conn;
    int calls;
};

static void close_it(void *arg, int status, const struct mox_error *err)
{
    struct closing *closing = arg;

    (void)status;
    (void)err;
    closing->calls++;
    mox_conn_close(closing->conn);
}

START_TEST(close_inside_the_watch)
{
    struct closing closing = {open_conn("ok", 0), 0};

    ck_assert_uint_ne(mox_conn_watch(closing.conn, MOX_WRITE, close_it, &closing, NULL), 0);
    world_run(sim);
    ck_assert_int_eq(closing.calls, 1);
    ck_assert(stream()->closed);
}
END_TEST

START_TEST(detach_gives_the_descriptor_and_what_was_read)
{
    struct mox_conn *conn = open_conn("ahead", 0);
    struct sim_call call = {.w = sim};
    char text[64];
    intptr_t fd = 0;
    size_t n;

    ck_assert_int_eq(mox_conn_detach(conn, &fd, text, 5, &n), MOX_E_LIMIT);
    ck_assert_uint_ne(mox_conn_watch(conn, MOX_READ, sim_on_done, &call, NULL), 0);
    call.cancelled = true; /* it ends in silence, with the connection */
    sim->no_fd = true;
    ck_assert_int_eq(mox_conn_detach(conn, &fd, text, sizeof text, &n), MOX_E_UNSUPPORTED);
    ck_assert_int_eq(fd, -1);
    sim->no_fd = false;
    ck_assert_int_eq(mox_conn_detach(conn, &fd, text, sizeof text, &n), MOX_OK);
    ck_assert_int_eq(fd, stream()->local_port);
    ck_assert_uint_eq(n, strlen("250 spoken ahead\r\n"));
    ck_assert_uint_eq(world_count(sim, "QUIT"), 0);
}
END_TEST

START_TEST(close_says_quit_where_it_may)
{
    static const struct {
        int stop_at;
        unsigned quits;
    } rows[] = {
        {MOX_STAGE_READY, 1}, {MOX_STAGE_EHLO, 1}, {MOX_STAGE_GREETING, 1}, {MOX_STAGE_CONNECT, 0}};

    mox_conn_close(open_conn("ok", rows[_i].stop_at));
    ck_assert_uint_eq(world_count(sim, "sent 192.0.2.1 QUIT"), rows[_i].quits);
    ck_assert(stream()->closed);
    mox_conn_close(NULL);
}
END_TEST

/* The context ends what the host left open, and says QUIT. */
START_TEST(context_ends_connections)
{
    open_conn("ok", 0);
    mox_ctx_free(sim->ctx);
    sim->ended = true;
    ck_assert(stream()->closed);
    ck_assert_uint_eq(world_count(sim, "sent 192.0.2.1 QUIT"), 1);
}
END_TEST

/* After a fork the child ends the context, and nothing is said to any server. */
START_TEST(child_ends_the_context_in_silence)
{
    struct mox_conn *conn = open_conn("ok", 0);
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        mox_ctx_free(sim->ctx);
        _exit(stream()->closed && world_count(sim, "QUIT") == 0 ? 0 : 1);
    }
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    mox_conn_close(conn);
    ck_assert_uint_eq(world_count(sim, "QUIT"), 1);
}
END_TEST

TCase *test_dial_conn(void)
{
    TCase *tcase = tcase_create("dial/conn");

    tcase_add_checked_fixture(tcase, dial_setup, dial_teardown);
    tcase_add_test(tcase, session_tells_what_is_known);
    tcase_add_loop_test(tcase, session_at_each_stage, 0, (int)ARRAY_LEN(stops));
    tcase_add_test(tcase, session_without_ehlo_extensions);
    tcase_add_loop_test(tcase, host_speaks, 0, 2);
    tcase_add_test(tcase, bytes_behind_the_reply_are_kept);
    tcase_add_test(tcase, wait_runs_out);
    tcase_add_loop_test(tcase, connection_that_broke, 0, 2);
    tcase_add_test(tcase, write_to_a_connection_that_broke);
    tcase_add_test(tcase, watch_tells_once);
    tcase_add_loop_test(tcase, watch_is_cancelled, 0, 2);
    tcase_add_test(tcase, watch_ends_with_the_context);
    tcase_add_test(tcase, close_inside_the_watch);
    tcase_add_test(tcase, detach_gives_the_descriptor_and_what_was_read);
    tcase_add_loop_test(tcase, close_says_quit_where_it_may, 0, 4);
    tcase_add_test(tcase, context_ends_connections);
    tcase_add_test(tcase, child_ends_the_context_in_silence);
    return tcase;
}
