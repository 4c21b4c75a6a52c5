/* test_smtp_session.c - the session's states, their names, deadlines, ends and limits. */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "smtp_client.h"
#include "test.h"

static struct arena arena; /* of the session at hand */

static void end_session(struct smtp_session *s)
{
    smtp_session_free(s);
    arena_free(&arena);
}

/* A session after these turns; each is fed whole, then the output is thrown away. */
static void start_after(struct smtp_session *s, const char *greeting, const char *reply)
{
    struct buffer said = {0};
    size_t at;

    ck_assert_int_eq(smtp_session_start(s, &arena, slice_of("me.example"), 0, NULL), MOX_OK);
    if (greeting != NULL)
        smtp_client_feed(s, slice_of(greeting), SIZE_MAX / 2, &at, NULL);
    smtp_client_drain(s, &said);
    if (reply != NULL)
        smtp_client_feed(s, slice_of(reply), SIZE_MAX / 2, &at, NULL);
    buffer_free(&said);
}

START_TEST(early_reply_stays_early_when_cut)
{
    struct smtp_session s;
    struct mox_error err = {0};
    size_t at;

    start_after(&s, "220 hi\r\n25", NULL); /* EHLO is written before the rest comes */
    ck_assert_int_eq(smtp_client_feed(&s, slice_of("0 mx\r\n"), 99, &at, &err), MOX_E_PROTOCOL);
    ck_assert_ptr_nonnull(strstr(err.message, "out of turn"));
    end_session(&s);

    start_after(&s, "220 hi\r\n42", NULL);
    ck_assert_int_eq(smtp_client_feed(&s, slice_of("1 bye\r\n"), 99, &at, &err), MOX_E_REFUSED);
    ck_assert_int_eq(err.smtp_code, 421);
    end_session(&s);
}
END_TEST

START_TEST(offers_are_kept)
{
    struct smtp_session s;
    size_t used;

    start_after(&s, "220 hi\r\n", "250-mx\r\n250-SIZE 77\r\n250 DSN\r\n");
    ck_assert(smtp_session_ready(&s));
    ck_assert_uint_eq(s.ehlo.extensions, MOX_EXT_SIZE | MOX_EXT_DSN);
    ck_assert_uint_eq(s.ehlo.size_limit, 77);
    ck_assert_str_eq(s.ehlo.lines[0], "SIZE 77");
    ck_assert_str_eq(s.ehlo.lines[1], "DSN");
    ck_assert_ptr_null(s.ehlo.lines[2]);
    ck_assert_str_eq(smtp_session_name(&s), "me.example");
    ck_assert_int_eq(smtp_session_input(&s, slice_of("250 more\r\n"), &used, NULL), MOX_OK);
    ck_assert_uint_eq(used, 0);
    end_session(&s);
    end_session(&s); /* zero again */
    ck_assert_ptr_null(smtp_session_greeting(&s));
}
END_TEST

static const struct quit_case {
    const char *name, *greeting, *reply, *said;
} quit_cases[] = {
    {"ready", "220 hi\r\n", "250 mx\r\n", "QUIT\r\n"},
    {"refused greeting", "554 no\r\n", NULL, "QUIT\r\n"},
    {"refused EHLO", "220 hi\r\n", "550 no\r\n", "QUIT\r\n"},
    {"no greeting yet", NULL, NULL, ""},
    {"EHLO not answered", "220 hi\r\n", NULL, ""},
    {"half an answer", "220 hi\r\n", "250-a\r\n", ""},
    {"421", "220 hi\r\n", "421 bye\r\n", ""},
    {"no SMTP", "+OK\r\n", NULL, ""},
    {"broken reply", "220 hi\r\n", "250-a\r\n251 b\r\n", ""},
    {"out of turn", "220 hi\r\n250 a\r\n", NULL, ""},
};

START_TEST(quit_case)
{
    const struct quit_case *c = &quit_cases[_i];
    struct smtp_session s;
    struct mox_error err = {0};
    size_t used;

    start_after(&s, c->greeting, c->reply);
    smtp_session_quit(&s);
    smtp_session_quit(&s); /* is said once */
    ck_assert_msg(slice_is(smtp_session_output(&s), c->said), "%s", c->name);
    if (*c->said != '\0') {
        ck_assert_int_eq(smtp_session_input(&s, slice_of("221 bye\r\n"), &used, &err), MOX_E_STATE);
        ck_assert_uint_eq(used, 0);
    }
    end_session(&s);
}
END_TEST

START_TEST(quit_needs_no_memory)
{
    struct smtp_session s;

    start_after(&s, "220 hi\r\n", "250 mx\r\n");
    test_fail_alloc(1);
    smtp_session_quit(&s);
    test_fail_alloc(0);
    ck_assert(slice_is(smtp_session_output(&s), "QUIT\r\n"));
    ck_assert_int_eq(s.state, SMTP_QUIT);
    end_session(&s);
}
END_TEST

static const struct eof_case {
    const char *greeting, *reply;
    int stage;
    const char *message;
} eof_cases[] = {
    {NULL, NULL, MOX_STAGE_GREETING, "the server closed the connection before its greeting"},
    {"220-a\r\n22", NULL, MOX_STAGE_GREETING,
     "the server closed the connection in the middle of its greeting"},
    {"220 a\r\n", NULL, MOX_STAGE_EHLO,
     "the server closed the connection before its reply to EHLO"},
    {"220 a\r\n", "2", MOX_STAGE_EHLO,
     "the server closed the connection in the middle of its reply to EHLO"},
    {"220 a\r\n", "500 a\r\n", MOX_STAGE_EHLO,
     "the server closed the connection before its reply to HELO"},
    {"220 a\r\n", "250 a\r\n", MOX_STAGE_READY, "the server closed the connection"},
};

START_TEST(eof_case)
{
    const struct eof_case *c = &eof_cases[_i];
    struct smtp_session s;
    struct mox_error err = {0};

    start_after(&s, c->greeting, c->reply);
    ck_assert_int_eq(smtp_session_eof(&s, &err), MOX_E_CLOSED);
    ck_assert_int_eq(err.code, MOX_E_CLOSED);
    ck_assert_str_eq(err.message, c->message);
    ck_assert_int_eq(err.stage, c->stage);
    ck_assert_int_eq(smtp_session_eof(&s, NULL), MOX_E_CLOSED);
    end_session(&s);
}
END_TEST

static const struct name_case {
    const char *name, *text;
    size_t len;
    int status;
} name_cases[] = {
    {"host name", "mx.example", 10, MOX_OK}, {"literal", "[IPv6:2001:db8::1]", 18, MOX_OK},
    {"empty", "", 0, MOX_E_INVAL},           {"line end", "a\r\nMAIL", 7, MOX_E_INVAL},
    {"LF", "a\n", 2, MOX_E_INVAL},           {"blank", "a b", 3, MOX_E_INVAL},
    {"tab", "a\tb", 3, MOX_E_INVAL},         {"NUL", "a\0b", 3, MOX_E_INVAL},
    {"DEL", "a\x7f", 2, MOX_E_INVAL},        {"UTF-8", "\xc3\xa4.example", 10, MOX_E_INVAL},
};

START_TEST(name_case)
{
    const struct name_case *c = &name_cases[_i];
    struct smtp_session s;
    struct mox_error err = {0};

    ck_assert_msg(smtp_session_start(&s, &arena, (struct slice){c->text, c->len}, 0, &err) ==
                      c->status,
                  "%s", c->name);
    ck_assert_int_eq(err.code, c->status);
    ck_assert_ptr_null(smtp_session_name(&s)); /* not said yet */
    end_session(&s);
}
END_TEST

START_TEST(name_has_a_limit)
{
    char name[MOX_LIMIT_DOMAIN + 1];
    struct smtp_session s;

    memset(name, 'a', sizeof name);
    ck_assert_int_eq(smtp_session_start(&s, &arena, (struct slice){name, sizeof name}, 0, NULL),
                     MOX_E_INVAL);
    ck_assert_int_eq(smtp_session_start(&s, &arena, (struct slice){name, sizeof name - 1}, 0, NULL),
                     MOX_OK);
    end_session(&s);
}
END_TEST

START_TEST(states_have_deadlines_and_names)
{
    struct smtp_session s;

    start_after(&s, NULL, NULL);
    ck_assert_int_eq(smtp_session_deadline_kind(&s), SMTP_DEADLINE_GREETING);
    ck_assert_str_eq(smtp_session_awaited(&s), "greeting");
    end_session(&s);
    start_after(&s, "220 a\n", NULL);
    ck_assert_int_eq(smtp_session_deadline_kind(&s), SMTP_DEADLINE_EHLO);
    end_session(&s);
    start_after(&s, "220 a\n", "500 a\n");
    ck_assert_int_eq(smtp_session_deadline_kind(&s), SMTP_DEADLINE_EHLO);
    ck_assert_str_eq(smtp_session_awaited(&s), "reply to HELO");
    end_session(&s);
    start_after(&s, "220 a\n", "250 a\n");
    ck_assert_int_eq(smtp_session_deadline_kind(&s), SMTP_DEADLINE_NONE);
    end_session(&s);
    ck_assert_str_eq(smtp_session_state_name(SMTP_HELO), "helo");
    ck_assert_str_eq(smtp_session_state_name(SMTP_BROKEN), "broken");
    ck_assert_str_eq(smtp_session_state_name(SMTP_BROKEN + 1), "unknown");
    ck_assert_str_eq(smtp_session_state_name(-1), "unknown");
}
END_TEST

START_TEST(endless_reply_meets_the_limit)
{
    struct smtp_session s;
    struct mox_error err = {0};
    size_t at, sent = 0;

    start_after(&s, "220 hi\r\n", NULL);
    while (smtp_client_feed(&s, slice_of("250-x\r\n"), 7, &at, &err) == MOX_OK)
        sent++;
    ck_assert_uint_eq(sent, MOX_LIMIT_REPLY_LINES);
    ck_assert_int_eq(err.code, MOX_E_LIMIT);
    ck_assert_int_eq(err.stage, MOX_STAGE_EHLO);
    ck_assert_int_eq(s.state, SMTP_BROKEN);
    ck_assert_ptr_null(s.reply.text.ptr);
    end_session(&s);
}
END_TEST

/* One dialogue with all that allocates; MOX_OK or what failed. */
static int run_dialogue(struct smtp_session *s, struct mox_error *err)
{
    int status = smtp_session_start(s, &arena, slice_of("me.example"), 0, err);
    char long_line[512] = "";
    size_t at;

    if (status == MOX_OK)
        status = smtp_client_feed(s, slice_of("220 hi\r\n"), 3, &at, err);
    smtp_session_sent(s, smtp_session_output(s).len);
    snprintf(long_line, sizeof long_line, "250-mx %0400d\r\n250 AUTH PLAIN\r\n", 0);
    if (status == MOX_OK)
        status = smtp_client_feed(s, slice_of(long_line), 3, &at, err);
    return status;
}

START_TEST(survives_without_memory)
{
    bool failed;
    long nth = 0;

    do {
        struct smtp_session s;
        struct mox_error err = {0};
        int status;

        test_fail_alloc(++nth);
        status = run_dialogue(&s, &err);
        failed = test_alloc_failed();
        test_fail_alloc(0); /* libcheck allocates too */
        ck_assert_int_eq(status, failed ? MOX_E_NOMEM : MOX_OK);
        ck_assert_int_eq(err.code, status);
        if (status != MOX_OK) {
            ck_assert(!smtp_session_ready(&s));
            smtp_session_quit(&s);
            ck_assert_uint_eq(smtp_session_output(&s).len, 0);
        }
        end_session(&s);
    } while (failed);
    ck_assert_int_gt(nth, 2); /* the replies, and what is kept of them */
}
END_TEST

TCase *test_smtp_session(void)
{
    TCase *tcase = tcase_create("smtp/session");

    tcase_add_test(tcase, early_reply_stays_early_when_cut);
    tcase_add_test(tcase, offers_are_kept);
    tcase_add_loop_test(tcase, quit_case, 0, (int)ARRAY_LEN(quit_cases));
    tcase_add_test(tcase, quit_needs_no_memory);
    tcase_add_loop_test(tcase, eof_case, 0, (int)ARRAY_LEN(eof_cases));
    tcase_add_loop_test(tcase, name_case, 0, (int)ARRAY_LEN(name_cases));
    tcase_add_test(tcase, name_has_a_limit);
    tcase_add_test(tcase, states_have_deadlines_and_names);
    tcase_add_test(tcase, endless_reply_meets_the_limit);
    tcase_add_test(tcase, survives_without_memory);
    return tcase;
}
