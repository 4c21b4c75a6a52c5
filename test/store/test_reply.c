/*
 * test_reply.c - libmoxdial-redis: what is asked, and every reply to it, cut in every way.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "cases.h"
#include "wire_world.h"

static const struct exchange {
    enum question what;
    const char *sent, *reply;
    int status;
    int64_t number;
    const char *text; /* the value, what is listed, or words of the problem; NULL: none */
} exchanges[] = {
    {ASK_GET, "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "$5\r\na\r\nbc\r\n", MOX_OK, 0, "a\r\nbc"},
    {ASK_GET, NULL, "$-1\r\n", MOX_OK, 0, NULL},
    {ASK_GET, NULL, "$0\r\n\r\n", MOX_OK, 0, ""},
    {ASK_GET, NULL, "-NOAUTH Authentication required.\r\n", MOX_E_STORE, 0,
     ": NOAUTH Authentication"},
    {ASK_GET, NULL, "-ERR \033[2J\r\n", MOX_E_STORE, 0, "ERR ?[2J"},
    {ASK_GET, NULL, ":5\r\n", MOX_E_STORE, 0, "type 3"},
    {ASK_GET, NULL, "*1\r\n$1\r\nv\r\n", MOX_E_STORE, 0, "type 2"},
    {ASK_PUT, "*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n$2\r\nEX\r\n$1\r\n9\r\n", "+OK\r\n", MOX_OK,
     0, NULL},
    {ASK_PUT, NULL, "-MISCONF no disk\r\n", MOX_E_STORE, 0, "MISCONF no disk"},
    {ASK_PUT, NULL, "$2\r\nOK\r\n", MOX_E_STORE, 0, "type 1"},
    {ASK_ADD,
     "*1\r\n$5\r\nMULTI\r\n*6\r\n$3\r\nSET\r\n$1\r\nn\r\n$1\r\n0\r\n$2\r\nEX\r\n$1\r\n9\r\n"
     "$2\r\nNX\r\n*3\r\n$6\r\nINCRBY\r\n$1\r\nn\r\n$1\r\n2\r\n*1\r\n$4\r\nEXEC\r\n",
     "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n:2\r\n", MOX_OK, 2, NULL},
    {ASK_ADD, NULL, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n$-1\r\n:-7\r\n", MOX_OK, -7, NULL},
    {ASK_ADD, NULL, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n$-1\r\n-ERR value is not an integer\r\n",
     MOX_E_STORE, 0, "not an integer"},
    {ASK_ADD, NULL, "+OK\r\n-READONLY replica\r\n-READONLY replica\r\n-EXECABORT discarded\r\n",
     MOX_E_STORE, 0, "READONLY replica"},
    {ASK_ADD, NULL, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*-1\r\n", MOX_E_STORE, 0, "type 4"},
    {ASK_ADD, NULL, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+OK\r\n:2\r\n:3\r\n", MOX_E_STORE, 0,
     "type 2"},
    {ASK_ADD, NULL, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n$1\r\n2\r\n", MOX_E_STORE, 0,
     "type 1"},
    {ASK_EACH,
     "*6\r\n$4\r\nSCAN\r\n$1\r\n0\r\n$5\r\nMATCH\r\n$3\r\np/*\r\n$5\r\nCOUNT\r\n$4\r\n1000\r\n",
     "*2\r\n$1\r\n0\r\n*0\r\n", MOX_OK, 0, ""},
    {ASK_EACH, NULL, "-NOPERM no\r\n", MOX_E_STORE, 0, "NOPERM"},
    {ASK_EACH, NULL, "*1\r\n$1\r\n0\r\n", MOX_E_STORE, 0, "type 2"},
    {ASK_EACH, NULL, "*2\r\n:0\r\n*0\r\n", MOX_E_STORE, 0, "type 2"},
    {ASK_EACH, NULL, "*2\r\n$24\r\n111111111111111111111111\r\n*0\r\n", MOX_E_STORE, 0, "type 2"},
    {ASK_EACH, NULL, "*2\r\n$1\r\n0\r\n$1\r\n0\r\n", MOX_E_STORE, 0, "type 2"},
    {ASK_EACH, NULL, "*2\r\n$1\r\n0\r\n*1\r\n:1\r\n", MOX_E_STORE, 0, "type 2"},
};

static void check_answer(const struct exchange *e, size_t packet)
{
    struct slice value = buffer_slice(&wire.ops[0].value);
    const char *text = e->text == NULL ? "" : e->text;

    ck_assert_msg(wire.done == 1, "%s, by %zu: told %d times", e->reply, packet, wire.done);
    ck_assert_msg(wire.ops[0].status == e->status, "%s: status %d", e->reply, wire.ops[0].status);
    if (e->status != MOX_OK) {
        ck_assert_msg(strstr(wire_problem(), text) != NULL, "%s: %s", e->reply, wire_problem());
        ck_assert_ptr_nonnull(strstr(wire_problem(), "store redis:/"));
        return;
    }
    ck_assert_int_eq(wire.ops[0].number, e->number);
    ck_assert_int_eq(wire.ops[0].found, e->what == ASK_GET && e->text != NULL);
    ck_assert_msg(e->what != ASK_GET || slice_is(value, text), "%.*s", (int)value.len, value.ptr);
}

START_TEST(exchange_in_packets_of_every_size)
{
    const struct exchange *e = &exchanges[_i];
    size_t len = strlen(e->reply);

    for (size_t packet = 1; packet <= len; packet++) {
        wire.done = 0;
        ck_assert_int_eq(wire_start(0, e->what), MOX_OK);
        if (e->sent != NULL)
            ck_assert_str_eq(wire_request(), e->sent);
        else
            wire_request();
        for (size_t at = 0; at < len; at += packet) {
            size_t n = packet < len - at ? packet : len - at;

            ck_assert_int_eq(send(wire.server, e->reply + at, n, MSG_NOSIGNAL), (ssize_t)n);
            wire_turn();
        }
        check_answer(e, packet);
        wire_turn(); /* and the connection is good for the next */
    }
}
END_TEST

START_TEST(each_takes_some_steps)
{
    ck_assert_int_eq(wire_start(0, ASK_EACH), MOX_OK);
    wire_request();
    wire_reply("*2\r\n$2\r\n17\r\n*3\r\n$3\r\np/b\r\n$3\r\np/a\r\n$5\r\nother\r\n");
    ck_assert_ptr_nonnull(strstr(wire_request(), "$4\r\nSCAN\r\n$2\r\n17\r\n"));
    wire_reply("*2\r\n$1\r\n0\r\n*3\r\n$3\r\np/c\r\n$3\r\np/a\r\n$3\r\np/d\r\n"); /* p/a again */
    ck_assert_str_eq(wire_request(),
                     "*5\r\n$4\r\nMGET\r\n$3\r\np/a\r\n$3\r\np/b\r\n$3\r\np/c\r\n$3\r\np/d\r\n");
    ck_assert_int_eq(wire.done, 0);
    wire_reply("*4\r\n$1\r\n1\r\n$-1\r\n$1\r\n3\r\n$1\r\n4\r\n"); /* p/b has gone meanwhile */
    ck_assert_int_eq(wire.done, 1);
    ck_assert_int_eq(wire.ops[0].status, MOX_OK);
    ck_assert_int_eq(wire.ops[0].number, 3);
    ck_assert(slice_is(buffer_slice(&wire.listed), "p/a=1 p/c=3 p/d=4 "));
}
END_TEST

START_TEST(values_of_another_number_are_no_answer)
{
    ck_assert_int_eq(wire_start(0, ASK_EACH), MOX_OK);
    wire_request();
    wire_reply("*2\r\n$1\r\n0\r\n*1\r\n$3\r\np/a\r\n");
    wire_request();
    wire_reply("*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
    ck_assert_int_eq(wire.ops[0].status, MOX_E_STORE);
    ck_assert_uint_eq(buffer_slice(&wire.listed).len, 0);
}
END_TEST

START_TEST(each_that_nobody_wants_asks_no_more)
{
    char text[4096] = "*2\r\n$1\r\n0\r\n*40\r\n";

    ck_assert_int_eq(wire_start(0, ASK_EACH), MOX_OK);
    wire_request();
    for (int i = 10; i < 50; i++)
        snprintf(text + strlen(text), 32, "$4\r\np/%d\r\n", i);
    wire_reply(text);
    ck_assert_ptr_nonnull(strstr(wire_request(), "*33\r\n$4\r\nMGET"));
    store_cancel(&wire.ops[0]);
    snprintf(text, sizeof text, "*32\r\n");
    for (int i = 0; i < 32; i++)
        snprintf(text + strlen(text), 32, "$1\r\nv\r\n");
    wire_reply(text);
    ck_assert_str_eq(wire_request(), "");
    wire_greet();
}
END_TEST

TCase *test_reply(void)
{
    TCase *tc = tcase_create("store/reply");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, wire_setup, wire_teardown);
    tcase_add_loop_test(tc, exchange_in_packets_of_every_size, 0, (int)ARRAY_LEN(exchanges));
    tcase_add_test(tc, each_takes_some_steps);
    tcase_add_test(tc, values_of_another_number_are_no_answer);
    tcase_add_test(tc, each_that_nobody_wants_asks_no_more);
    return tc;
}
