/*
 * test_stream_socks.c - a stream through a proxy that is kept in memory: it says its part once it
 * has heard ours, in pieces of every size, and what comes behind its part is left for the owner.
 */
#include <errno.h>
#include <string.h>

#include <check.h>

#include <moxdial/ops.h>

#include "base/buffer.h"
#include "socks_proxy.h"
#include "stream/socks.h"
#include "test.h"

#define S(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

#define REST "220 mx\r\n" /* what the host behind the proxy says */

enum { MOST_PIECE = 24 };

static struct socks_proxy_end end;

/* ------------------------------------------------------------------------------------------------
 * the cases */

#define HELLO S("\5\1\0")
#define HELLO_LOGIN S("\5\2\0\2")
#define NO_METHOD S("\5\0")
#define CONNECT_4 S("\5\1\0\1\300\0\2\1\0\31")
#define CONNECT_6 S("\5\1\0\4\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1\2\113")
#define DONE_4 "\5\0\0\1\0\0\0\0\0\0"
#define DONE_6 "\5\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define LOGIN S("\1\4user\6secret")
#define REFUSE(code)                                                                               \
    {                                                                                              \
        {HELLO, NO_METHOD},                                                                        \
        {                                                                                          \
            CONNECT_4, S("\5" code "\0\1\0\0\0\0\0\0")                                             \
        }                                                                                          \
    }

enum world { IPV4 = 1, IPV6, IPV4_LOGIN };

static const struct socks_case {
    const char *name;
    enum world world;
    struct socks_round rounds[SOCKS_ROUNDS];
    int status;
    const char *told;
    int about;
} cases[] = {
    {"IPv4", IPV4, {{HELLO, NO_METHOD}, {CONNECT_4, S(DONE_4 REST)}}, MOX_OK, NULL, 0},
    {"IPv6", IPV6, {{HELLO, NO_METHOD}, {CONNECT_6, S(DONE_6 REST)}}, MOX_OK, NULL, 0},
    {"bound to IPv6", IPV4, {{HELLO, NO_METHOD}, {CONNECT_4, S(DONE_6 REST)}}, MOX_OK, NULL, 0},
    {"bound to a name",
     IPV4,
     {{HELLO, NO_METHOD}, {CONNECT_4, S("\5\0\0\3\5proxy\0\1" REST)}},
     MOX_OK,
     NULL,
     0},
    {"bound to an empty name",
     IPV4,
     {{HELLO, NO_METHOD}, {CONNECT_4, S("\5\0\0\3\0\0\1" REST)}},
     MOX_OK,
     NULL,
     0},
    {"login offered, not wanted",
     IPV4_LOGIN,
     {{HELLO_LOGIN, NO_METHOD}, {CONNECT_4, S(DONE_4 REST)}},
     MOX_OK,
     NULL,
     0},
    {"login",
     IPV4_LOGIN,
     {{HELLO_LOGIN, S("\5\2")}, {LOGIN, S("\1\0")}, {CONNECT_4, S(DONE_4 REST)}},
     MOX_OK,
     NULL,
     0},
    {"login, version of SOCKS",
     IPV4_LOGIN,
     {{HELLO_LOGIN, S("\5\2")}, {LOGIN, S("\5\0")}, {CONNECT_4, S(DONE_4 REST)}},
     MOX_OK,
     NULL,
     0},
    {"login refused",
     IPV4_LOGIN,
     {{HELLO_LOGIN, S("\5\2")}, {LOGIN, S("\1\1")}},
     MOX_E_AUTH,
     "the proxy refused the Username or Password",
     MOX_ABOUT_LOCAL},
    {"login wanted",
     IPV4,
     {{HELLO, S("\5\377")}},
     MOX_E_AUTH,
     "add Username and Password to Socks",
     MOX_ABOUT_LOCAL},
    {"no method fits",
     IPV4_LOGIN,
     {{HELLO_LOGIN, S("\5\377")}},
     MOX_E_AUTH,
     "neither without login nor with a password",
     MOX_ABOUT_LOCAL},
    {"login not offered",
     IPV4,
     {{HELLO, S("\5\2")}},
     MOX_E_PROXY,
     "not offered, is 0x02",
     MOX_ABOUT_LOCAL},
    {"GSSAPI",
     IPV4_LOGIN,
     {{HELLO_LOGIN, S("\5\1")}},
     MOX_E_PROXY,
     "not offered, is 0x01",
     MOX_ABOUT_LOCAL},
    {"failure", IPV4, REFUSE("\1"), MOX_E_PROXY, "does not say why", MOX_ABOUT_LOCAL},
    {"ruleset", IPV4, REFUSE("\2"), MOX_E_PROXY, "rules do not allow", MOX_ABOUT_LOCAL},
    {"network", IPV4, REFUSE("\3"), MOX_E_CONNECT, "network unreachable", MOX_ABOUT_HOST},
    {"host", IPV4, REFUSE("\4"), MOX_E_CONNECT, "host unreachable", MOX_ABOUT_HOST},
    {"refused", IPV4, REFUSE("\5"), MOX_E_CONNECT,
     "the proxy could not connect: connection refused", MOX_ABOUT_HOST},
    {"TTL", IPV4, REFUSE("\6"), MOX_E_CONNECT, "no answer in time", MOX_ABOUT_HOST},
    {"command", IPV4, REFUSE("\7"), MOX_E_PROXY, "no CONNECT", MOX_ABOUT_LOCAL},
    {"family 4", IPV4, REFUSE("\10"), MOX_E_PROXY, "does not connect to IPv4", MOX_ABOUT_LOCAL},
    {"family 6",
     IPV6,
     {{HELLO, NO_METHOD}, {CONNECT_6, S("\5\10")}},
     MOX_E_PROXY,
     "does not connect to IPv6",
     MOX_ABOUT_LOCAL},
    {"unknown code", IPV4, REFUSE("\231"), MOX_E_PROXY, "unknown reply 0x99", MOX_ABOUT_LOCAL},
    {"refused, cut",
     IPV4,
     {{HELLO, NO_METHOD}, {CONNECT_4, S("\5\5")}},
     MOX_E_CONNECT,
     "connection refused",
     MOX_ABOUT_HOST},
    {"HTTP",
     IPV4,
     {{HELLO, S("HTTP/1.1 400 Bad Request\r\n")}},
     MOX_E_PROXY,
     "does not speak SOCKS5: its first byte is 0x48",
     MOX_ABOUT_LOCAL},
    {"SOCKS4",
     IPV4,
     {{HELLO, S("\0\133")}},
     MOX_E_PROXY,
     "its first byte is 0x00",
     MOX_ABOUT_LOCAL},
    {"garbage for the login",
     IPV4_LOGIN,
     {{HELLO_LOGIN, S("\5\2")}, {LOGIN, S("\0\0")}},
     MOX_E_PROXY,
     "reply to the login is 0x00",
     MOX_ABOUT_LOCAL},
    {"garbage for a reply",
     IPV4,
     {{HELLO, NO_METHOD}, {CONNECT_4, S("\4\0\0\1\0\0\0\0\0\0")}},
     MOX_E_PROXY,
     "version of its reply is 0x04",
     MOX_ABOUT_LOCAL},
    {"garbage for a type",
     IPV4,
     {{HELLO, NO_METHOD}, {CONNECT_4, S("\5\0\0\2\0\0\0\0\0\0")}},
     MOX_E_PROXY,
     "type of its address is 0x02",
     MOX_ABOUT_LOCAL},
    {"end at once", IPV4, {{HELLO, S("")}}, MOX_E_PROXY, "closed the connection", MOX_ABOUT_LOCAL},
    {"end in the method", IPV4, {{HELLO, S("\5")}}, MOX_E_PROXY, "closed", MOX_ABOUT_LOCAL},
    {"end in the status",
     IPV4_LOGIN,
     {{HELLO_LOGIN, S("\5\2")}, {LOGIN, S("\1")}},
     MOX_E_PROXY,
     "closed",
     MOX_ABOUT_LOCAL},
    {"end before the reply",
     IPV4,
     {{HELLO, NO_METHOD}, {CONNECT_4, S("")}},
     MOX_E_PROXY,
     "closed",
     MOX_ABOUT_LOCAL},
    {"end in the reply",
     IPV4,
     {{HELLO, NO_METHOD}, {CONNECT_4, S("\5\0\0\1\0\0\0\0\0")}},
     MOX_E_PROXY,
     "closed",
     MOX_ABOUT_LOCAL},
    {"end in a name",
     IPV4,
     {{HELLO, NO_METHOD}, {CONNECT_4, S("\5\0\0\3\377abcdef")}},
     MOX_E_PROXY,
     "closed",
     MOX_ABOUT_LOCAL},
};

static struct socks_target target_of(enum world world)
{
    struct socks_target target = {.port = world == IPV6 ? 587 : 25};

    ck_assert_int_eq(mox_ip_parse(world == IPV6 ? "2001:db8::1" : "192.0.2.1", &target.remote),
                     MOX_OK);
    if (world == IPV4_LOGIN) {
        target.username = "user";
        target.password = "secret";
    }
    return target;
}

/* As its owner does: each time something is ready it asks whether it is open. */
static int run(struct stream *s, struct socks_proxy *p)
{
    int status = MOX_E_AGAIN;

    for (int i = 0; i < 2000 && status == MOX_E_AGAIN; i++) {
        p->wanted = 0;
        status = s->ops->opened(s);
        if (status == MOX_E_AGAIN) {
            int wanted = p->wanted;

            ck_assert(wanted == MOX_READ || wanted == MOX_WRITE);
            ck_assert_int_eq(s->ops->want(s, MOX_WRITE), MOX_OK);
            ck_assert_int_eq(p->wanted, wanted);
        }
    }
    return status;
}

static void check_heard(const struct socks_case *c, const struct socks_proxy *p)
{
    struct slice heard = buffer_slice(&p->heard);
    size_t at = 0;

    for (size_t i = 0; i < SOCKS_ROUNDS; at += c->rounds[i].heard.len, i++) {
        struct slice part = slice_sub(heard, at, at + c->rounds[i].heard.len);

        ck_assert_msg(slice_equal(part, c->rounds[i].heard), "%s: round %zu", c->name, i);
    }
    ck_assert_msg(heard.len == at, "%s: more than that was said", c->name);
}

/* The rest is read, and nothing of it before. */
static void check_open(struct stream *s, struct socks_proxy *p)
{
    char text[32] = "";
    size_t at = 0, n = 0;
    int status;

    ck_assert_int_eq(s->ops->fd(s), 42);
    ck_assert_int_eq(s->ops->local(s, NULL, NULL), MOX_E_UNSUPPORTED);
    ck_assert_int_eq(s->ops->opened(s), MOX_OK);
    ck_assert(s->ops->failure == NULL);
    ck_assert_int_eq(s->ops->want(s, MOX_READ | MOX_WRITE), MOX_OK);
    ck_assert_int_eq(p->wanted, MOX_READ | MOX_WRITE);
    while ((status = s->ops->read(s, text + at, sizeof text - at, &n)) != MOX_E_EOF) {
        if (status == MOX_OK)
            at += n;
    }
    ck_assert_str_eq(text, REST);
    buffer_take(&p->heard, p->heard.len);
    while (s->ops->write(s, "Q", 1, &n) == MOX_E_AGAIN)
        continue;
    ck_assert(slice_is(buffer_slice(&p->heard), "Q"));
}

static void check_failed(const struct socks_case *c, struct stream *s)
{
    struct mox_error err = {0};

    ck_assert_int_eq(s->ops->failure(s, &err), c->status);
    ck_assert_int_eq(s->ops->failure(s, NULL), c->status);
    ck_assert_int_eq(s->ops->opened(s), c->status); /* and stays so */
    ck_assert_int_eq(err.code, c->status);
    ck_assert_int_eq(err.stage, MOX_STAGE_PROXY);
    ck_assert_int_eq(err.permanent, 0);
    ck_assert_int_eq(err.action, MOX_ACTION_LATER);
    ck_assert_int_eq(err.about, c->about);
    ck_assert_msg(strstr(err.message, c->told) != NULL, "%s: %s", c->name, err.message);
    ck_assert_ptr_null(strstr(err.message, "secret"));
    ck_assert_int_eq(s->ops->fd(s), -1);
}

START_TEST(socks_case)
{
    const struct socks_case *c = &cases[_i];
    struct socks_target target = target_of(c->world);

    for (size_t piece = 1; piece <= MOST_PIECE; piece++) {
        struct socks_proxy *p = socks_proxy_new(c->rounds, piece, &end);
        struct stream *s;
        int status;

        ck_assert_int_eq(socks_open(&p->stream, &target, &s), MOX_OK);
        ck_assert_int_eq(p->wanted, MOX_WRITE);
        ck_assert_int_eq(s->ops->fd(s), -1);
        ck_assert_int_eq(s->ops->read(s, NULL, 0, NULL), MOX_E_STATE);
        ck_assert_int_eq(s->ops->write(s, NULL, 0, NULL), MOX_E_STATE);
        status = run(s, p);
        ck_assert_msg(status == c->status, "%s, by %zu: %d", c->name, piece, status);
        check_heard(c, p);
        if (status == MOX_OK)
            check_open(s, p);
        else
            check_failed(c, s);
        s->ops->close(s, piece % 2 == 0);
        ck_assert(end.closed && end.quietly == (piece % 2 == 0));
    }
}
END_TEST

/* ------------------------------------------------------------------------------------------------
 * what is no case of the table */

START_TEST(longest_login_and_name)
{
    static char login[2 + UINT8_MAX + 1 + UINT8_MAX], reply[5 + UINT8_MAX + 2 + 3];
    static char name[UINT8_MAX + 1], password[UINT8_MAX + 1];
    const struct socks_round rounds[SOCKS_ROUNDS] = {{HELLO_LOGIN, S("\5\2")},
                                                     {{login, sizeof login}, S("\1\0")},
                                                     {CONNECT_4, {reply, sizeof reply}}};
    struct socks_target target = target_of(IPV4);
    struct socks_proxy *p = socks_proxy_new(rounds, 100, &end);
    struct stream *s;

    memset(name, 'u', UINT8_MAX);
    memset(password, 'p', UINT8_MAX);
    memset(login, 'p', sizeof login);
    memset(login, 'u', 2 + UINT8_MAX);
    memcpy(login, "\1\377", 2);
    login[2 + UINT8_MAX] = '\377';
    memset(reply, 'n', sizeof reply);
    memcpy(reply, "\5\0\0\3\377", 5);
    target.username = name;
    target.password = password;
    ck_assert_int_eq(socks_open(&p->stream, &target, &s), MOX_OK);
    ck_assert_int_eq(run(s, p), MOX_OK);
    ck_assert_uint_eq(p->read_at, 2 + 2 + sizeof reply - 3);
    check_heard(
        &(struct socks_case){.name = "longest", .rounds = {rounds[0], rounds[1], rounds[2]}}, p);
    s->ops->close(s, true);
}
END_TEST

static const struct {
    const char *name, *username, *password;
    int family;
} bad_targets[] = {
    {"no address", NULL, NULL, MOX_FAMILY_NONE},
    {"empty name", "", "p", MOX_IPV4},
    {"empty password", "u", "", MOX_IPV4},
    {"no password", "u", NULL, MOX_IPV6},
    {"long name",
     "uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu"
     "uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu"
     "uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu"
     "uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu",
     "p", MOX_IPV4},
};

START_TEST(bad_target)
{
    struct socks_target target = {.username = bad_targets[_i].username,
                                  .password = bad_targets[_i].password};
    struct socks_proxy *p = socks_proxy_new(NULL, 1, &end);
    struct stream *s = &p->stream;

    target.remote.family = (uint16_t)bad_targets[_i].family;
    ck_assert_int_eq(socks_open(&p->stream, &target, &s), MOX_E_INVAL);
    ck_assert_ptr_null(s);
    ck_assert(!end.closed);
    p->stream.ops->close(&p->stream, true);
}
END_TEST

static const struct {
    const char *name;
    bool words;
    int open_status, end, status, code, os_errno;
    const char *told;
} lower_cases[] = {
    {"proxy refuses", false, MOX_ERRNO(ECONNREFUSED), MOX_OK, MOX_ERRNO(ECONNREFUSED), MOX_E_PROXY,
     ECONNREFUSED, "cannot connect to the proxy: "},
    {"proxy in time", false, MOX_E_TIMEOUT, MOX_OK, MOX_E_TIMEOUT, MOX_E_TIMEOUT, 0,
     "cannot connect to the proxy: timeout"},
    {"reset", false, MOX_OK, MOX_ERRNO(ECONNRESET), MOX_ERRNO(ECONNRESET), MOX_E_PROXY, ECONNRESET,
     "the connection to the proxy broke: "},
    {"closed below", false, MOX_OK, MOX_E_CLOSED, MOX_E_PROXY, MOX_E_PROXY, 0, "closed"},
    {"with its own words", true, MOX_E_TLS, MOX_OK, MOX_E_TLS, MOX_E_TLS, 0, ""},
};

START_TEST(lower_failure)
{
    const struct socks_round rounds[SOCKS_ROUNDS] = {{HELLO, S("")}};
    struct socks_target target = target_of(IPV4);
    struct socks_proxy *p = socks_proxy_new(rounds, 100, &end);
    struct mox_error err = {0};
    struct stream *s;

    if (lower_cases[_i].words)
        socks_proxy_give_words(p);
    p->open_status = lower_cases[_i].open_status;
    p->end = lower_cases[_i].end;
    p->failure = lower_cases[_i].code;
    ck_assert_int_eq(socks_open(&p->stream, &target, &s), MOX_OK);
    ck_assert_int_eq(run(s, p), lower_cases[_i].status);
    ck_assert_int_eq(s->ops->failure(s, &err), lower_cases[_i].code);
    ck_assert_int_eq(err.code, lower_cases[_i].code);
    ck_assert_int_eq(err.os_errno, lower_cases[_i].os_errno);
    ck_assert_int_eq(err.stage, MOX_STAGE_PROXY);
    ck_assert_msg(strstr(err.message, lower_cases[_i].told) != NULL, "%s: %s", lower_cases[_i].name,
                  err.message);
    s->ops->close(s, true);
}
END_TEST

START_TEST(words_of_the_lower_one_once_open)
{
    struct socks_target target = target_of(IPV4);
    struct socks_proxy *p = socks_proxy_new(cases[0].rounds, 100, &end);
    struct mox_error err;
    struct stream *s;

    socks_proxy_give_words(p);
    p->failure = MOX_E_TLS;
    ck_assert_int_eq(socks_open(&p->stream, &target, &s), MOX_OK);
    ck_assert_int_eq(run(s, p), MOX_OK);
    ck_assert_int_eq(s->ops->failure(s, &err), MOX_E_TLS);
    s->ops->close(s, true);
}
END_TEST

START_TEST(want_fails)
{
    struct socks_target target = target_of(IPV4);
    struct socks_proxy *p = socks_proxy_new(cases[0].rounds, 100, &end);
    struct mox_error err;
    struct stream *s;

    p->want_status = MOX_E_NOMEM;
    ck_assert_int_eq(socks_open(&p->stream, &target, &s), MOX_E_NOMEM);
    ck_assert(!end.closed);
    p->want_status = MOX_OK;
    ck_assert_int_eq(socks_open(&p->stream, &target, &s), MOX_OK);
    p->want_status = MOX_E_NOMEM;
    ck_assert_int_eq(s->ops->opened(s), MOX_E_NOMEM);
    ck_assert_int_eq(s->ops->opened(s), MOX_E_NOMEM);
    ck_assert_int_eq(s->ops->failure(s, &err), MOX_E_NOMEM);
    s->ops->close(s, true);
}
END_TEST

struct told {
    struct stream *stream;
    int events, calls;
    bool close;
};

static void on_ready(void *arg, struct stream *s, int events)
{
    struct told *told = arg;

    ck_assert_ptr_eq(s, told->stream);
    told->events = events;
    told->calls++;
    if (told->close)
        s->ops->close(s, true);
}

START_TEST(ready_is_passed_on)
{
    struct socks_target target = target_of(IPV4);
    struct socks_proxy *p = socks_proxy_new(cases[0].rounds, 100, &end);
    struct told told = {0};

    ck_assert_int_eq(socks_open(&p->stream, &target, &told.stream), MOX_OK);
    p->stream.ready(p->stream.arg, &p->stream, MOX_WRITE); /* nobody listens yet */
    stream_notify(told.stream, on_ready, &told);
    p->stream.ready(p->stream.arg, &p->stream, MOX_READ);
    ck_assert_int_eq(told.events, MOX_WRITE); /* what the owner of one that opens waits for */
    ck_assert_int_eq(told.stream->ops->want(told.stream, 0), MOX_OK);
    ck_assert_int_eq(p->wanted, 0);
    ck_assert_int_eq(run(told.stream, p), MOX_OK);
    told.close = true; /* it may be closed in it */
    p->stream.ready(p->stream.arg, &p->stream, MOX_READ);
    ck_assert_int_eq(told.events, MOX_READ);
    ck_assert_int_eq(told.calls, 2);
    ck_assert(end.closed);
}
END_TEST

START_TEST(closed_on_the_way)
{
    struct socks_target target = target_of(IPV4_LOGIN);

    for (int steps = 0; steps < 8; steps++) {
        struct socks_proxy *p = socks_proxy_new(cases[6].rounds, 3, &end);
        struct stream *s;

        ck_assert_int_eq(socks_open(&p->stream, &target, &s), MOX_OK);
        for (int i = 0; i < steps; i++)
            ck_assert_int_eq(s->ops->opened(s), MOX_E_AGAIN);
        s->ops->close(s, true);
        ck_assert(end.closed);
    }
}
END_TEST

START_TEST(survives_without_memory)
{
    struct socks_target target = target_of(IPV4_LOGIN);
    struct socks_proxy *p = socks_proxy_new(cases[6].rounds, 100, &end);
    struct stream *s = NULL;
    long nth = 0;
    bool failed;
    int status;

    do {
        test_fail_alloc(++nth);
        status = socks_open(&p->stream, &target, &s);
        test_fail_alloc(0);
        if (status != MOX_OK) {
            ck_assert_int_eq(status, MOX_E_NOMEM);
            ck_assert_ptr_null(s);
        }
    } while (status != MOX_OK);
    ck_assert_int_eq(nth, 3);
    ck_assert_int_eq(buffer_append(&p->heard, "x", 1), MOX_OK); /* the proxy's own memory */
    buffer_take(&p->heard, 1);
    test_fail_alloc(1); /* and from here on none is asked for, also not by libcheck */
    while ((status = s->ops->opened(s)) == MOX_E_AGAIN)
        continue;
    failed = test_alloc_failed();
    test_fail_alloc(0);
    ck_assert(!failed);
    ck_assert_int_eq(status, MOX_OK);
    s->ops->close(s, true);
}
END_TEST

TCase *test_stream_socks(void)
{
    TCase *tcase = tcase_create("stream/socks");

    tcase_add_loop_test(tcase, socks_case, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tcase, longest_login_and_name);
    tcase_add_loop_test(tcase, bad_target, 0, (int)ARRAY_LEN(bad_targets));
    tcase_add_loop_test(tcase, lower_failure, 0, (int)ARRAY_LEN(lower_cases));
    tcase_add_test(tcase, words_of_the_lower_one_once_open);
    tcase_add_test(tcase, want_fails);
    tcase_add_test(tcase, ready_is_passed_on);
    tcase_add_test(tcase, closed_on_the_way);
    tcase_add_test(tcase, survives_without_memory);
    return tcase;
}
