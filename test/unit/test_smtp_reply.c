/* test_smtp_reply.c - good replies, broken ones, limits, and every way to cut them into packets. */
#include <string.h>

#include <check.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "smtp/reply.h"
#include "test.h"

#define S(text) text, sizeof(text) - 1

static const struct reply_case {
    const char *name, *input;
    size_t len;
    int status, code;
    const char *text, *rest; /* rest: what is left for the next reply; both of MOX_OK alone */
} cases[] = {
    {"one line", S("220 mx ESMTP\r\n"), MOX_OK, 220, "mx ESMTP", ""},
    {"code alone, LF alone", S("250\n"), MOX_OK, 250, "", ""},
    {"code and blank", S("250 \r\n"), MOX_OK, 250, "", ""},
    {"several lines", S("250-mx\r\n250-SIZE 1\r\n250 DSN\r\n"), MOX_OK, 250, "mx\nSIZE 1\nDSN", ""},
    {"bare code as last line", S("220-a\r\n220\r\n"), MOX_OK, 220, "a\n", ""},
    {"dash alone", S("250-\r\n250 b\r\n"), MOX_OK, 250, "\nb", ""},
    {"one blank is the separator", S("250   two\r\n"), MOX_OK, 250, "  two", ""},
    {"white space at the end", S("250-a \t\r\r\n250 b \n"), MOX_OK, 250, "a\nb", ""},
    {"the next reply is left", S("250 ok\r\n354 go\r\n"), MOX_OK, 250, "ok", "354 go\r\n"},
    {"lowest code", S("200 a\n"), MOX_OK, 200, "a", ""},
    {"highest code", S("599 a\n"), MOX_OK, 599, "a", ""},
    {"escape sequence", S("220 \033[2J\x7f\r\n"), MOX_OK, 220, "?[2J?", ""},
    {"NUL", S("220 a\0b\r\n"), MOX_OK, 220, "a?b", ""},
    {"tab and bare CR inside", S("220 a\tb\rc\r\n"), MOX_OK, 220, "a?b?c", ""},
    {"UTF-8", S("220 gr\xc3\xbc\xc3\x9f\r\n"), MOX_OK, 220, "gr\xc3\xbc\xc3\x9f", ""},
    {"Latin-1", S("220 gr\xfc\xdf Gott\r\n"), MOX_OK, 220, "gr?? Gott", ""},
    {"UTF-8 cut by the line end", S("250-a\xe2\x82\r\n250 \xac\r\n"), MOX_OK, 250, "a??\n?", ""},
    {"surrogate", S("220 \xed\xa0\x80\r\n"), MOX_OK, 220, "???", ""},
    {"unfinished", S("250-a\r\n250 b"), MOX_E_AGAIN, 250, "", ""},
    {"half a code", S("25"), MOX_E_AGAIN, 0, "", ""},
    {"code changes", S("250-a\r\n550 b\r\n"), MOX_E_PROTOCOL, 0, "", ""},
    {"no space after the code", S("250ok\r\n"), MOX_E_PROTOCOL, 0, "", ""},
    {"tab after the code", S("250\tpeer\r\n"), MOX_E_PROTOCOL, 0, "", ""},
    {"four digits", S("2200 hi\r\n"), MOX_E_PROTOCOL, 0, "", ""},
    {"code too high", S("600 x\r\n"), MOX_E_PROTOCOL, 0, "", ""},
    {"code too low", S("199 x\r\n"), MOX_E_PROTOCOL, 0, "", ""},
    {"a later line without code", S("250-a\r\nhello\r\n"), MOX_E_PROTOCOL, 0, "", ""},
    {"sign in the code", S("+20 x\r\n"), MOX_E_PROTOCOL, 0, "", ""},
    {"NUL in the code", S("2\0\060 x\r\n"), MOX_E_PROTOCOL, 0, "", ""},
    {"blank before the code", S(" 250 x\r\n"), MOX_E_PROTOCOL, 0, "", ""},
    {"POP3", S("+OK POP3 ready\r\n"), MOX_E_PROTOCOL, 0, "", ""},
    {"empty line", S("\r\n"), MOX_E_PROTOCOL, 0, "", ""},
    {"two digits", S("25\n"), MOX_E_PROTOCOL, 0, "", ""},
};

/* Pushes input in packets until the reply ends. MOX_E_AGAIN: it has not; *at: what was taken. */
static int push_all(struct smtp_reply *reply, struct slice input, size_t packet, size_t *at,
                    struct mox_error *err)
{
    size_t used;

    for (*at = 0; *at < input.len && !reply->complete; *at += used) {
        int status = smtp_reply_push(reply, slice_sub(input, *at, *at + packet), &used, err);

        if (status != MOX_OK)
            return status;
    }
    return reply->complete ? MOX_OK : MOX_E_AGAIN;
}

START_TEST(reply_case)
{
    const struct reply_case *c = &cases[_i];

    for (size_t packet = 1; packet <= c->len; packet++) {
        struct smtp_reply reply = {0};
        struct mox_error err = {0};
        size_t at;
        int status = push_all(&reply, (struct slice){c->input, c->len}, packet, &at, &err);

        ck_assert_msg(status == c->status, "%s, by %zu: status %d", c->name, packet, status);
        if (status == MOX_OK) {
            ck_assert_msg(reply.code == c->code, "%s, by %zu: code %d", c->name, packet,
                          reply.code);
            ck_assert_str_eq(smtp_reply_text(&reply).ptr, c->text);
            ck_assert_uint_eq(smtp_reply_text(&reply).len, strlen(c->text));
            ck_assert_str_eq(c->input + at, c->rest);
        } else if (status != MOX_E_AGAIN) {
            ck_assert_int_eq(err.code, status);
            ck_assert_int_eq(err.about, MOX_ABOUT_HOST);
            ck_assert_int_eq(err.permanent, 0);
        }
        smtp_reply_free(&reply);
        ck_assert_ptr_null(reply.text.ptr);
    }
}
END_TEST

static const struct limit_case {
    const char *name;
    size_t lines, len; /* so many lines of len bytes, the line end included; the last is last */
    int status;
    const char *named; /* in the message */
} limit_cases[] = {
    {"longest line", 1, MOX_LIMIT_REPLY_LINE, MOX_OK, NULL},
    {"a byte too many in a line", 1, MOX_LIMIT_REPLY_LINE + 1, MOX_E_LIMIT, "MOX_LIMIT_REPLY_LINE"},
    {"most lines", MOX_LIMIT_REPLY_LINES, 8, MOX_OK, NULL},
    {"a line too many", MOX_LIMIT_REPLY_LINES + 1, 8, MOX_E_LIMIT, "MOX_LIMIT_REPLY_LINES"},
    {"longest reply", MOX_LIMIT_REPLY / 1024, 1024, MOX_OK, NULL},
    {"a line over the longest reply", MOX_LIMIT_REPLY / 1024 + 1, 1024, MOX_E_LIMIT,
     "(MOX_LIMIT_REPLY)"},
};

static void append_line(struct buffer *b, char separator, size_t len)
{
    char *room = buffer_room(b, len);

    ck_assert_ptr_nonnull(room);
    memset(room, 'x', len);
    memcpy(room, "250", 3);
    room[3] = separator;
    memcpy(room + len - 2, "\r\n", 2);
    buffer_grown(b, len);
}

START_TEST(limit_case)
{
    static const size_t packets[] = {1, 7, 2047, 2048, 2049, 1 << 20};
    const struct limit_case *c = &limit_cases[_i];
    struct buffer input = {0};

    for (size_t i = 1; i <= c->lines; i++)
        append_line(&input, i == c->lines ? ' ' : '-', c->len);
    for (size_t i = 0; i < ARRAY_LEN(packets); i++) {
        struct smtp_reply reply = {0};
        struct mox_error err = {0};
        size_t at;
        int status = push_all(&reply, buffer_slice(&input), packets[i], &at, &err);

        ck_assert_msg(status == c->status, "%s, by %zu: status %d, %s", c->name, packets[i], status,
                      err.message);
        if (status == MOX_OK) {
            ck_assert_uint_eq(at, buffer_slice(&input).len);
            ck_assert_uint_eq(smtp_reply_text(&reply).len, c->lines * (c->len - 5) - 1);
        } else {
            ck_assert_ptr_nonnull(strstr(err.message, c->named));
            ck_assert_int_eq(err.about, MOX_ABOUT_HOST);
        }
        smtp_reply_free(&reply);
    }
    buffer_free(&input);
}
END_TEST

START_TEST(line_without_end_meets_the_limit)
{
    struct smtp_reply reply = {0};
    struct mox_error err = {0};
    size_t used, sent = 0;

    while (smtp_reply_push(&reply, (struct slice){"250 ", 4}, &used, &err) == MOX_OK)
        sent += used;
    ck_assert_uint_eq(sent, MOX_LIMIT_REPLY_LINE);
    ck_assert_int_eq(err.code, MOX_E_LIMIT);
    smtp_reply_free(&reply);
}
END_TEST

START_TEST(message_quotes_little_and_clean)
{
    struct smtp_reply reply = {0};
    struct mox_error err = {0};
    char line[1024];
    size_t used;

    memset(line, '\033', sizeof line);
    line[sizeof line - 1] = '\n';
    ck_assert_int_eq(smtp_reply_push(&reply, (struct slice){line, sizeof line}, &used, &err),
                     MOX_E_PROTOCOL);
    ck_assert_ptr_null(strchr(err.message, '\033'));
    ck_assert_ptr_nonnull(strstr(err.message, "\"???"));
    ck_assert_uint_lt(strlen(err.message), 300);
    smtp_reply_free(&reply);
}
END_TEST

START_TEST(survives_without_memory)
{
    struct buffer input = {0};
    bool failed;
    long nth = 0;

    append_line(&input, '-', 200);
    append_line(&input, '-', 2000);
    append_line(&input, ' ', 2000);
    do {
        struct smtp_reply reply = {0};
        struct mox_error err = {0};
        size_t at;
        int status;

        test_fail_alloc(++nth);
        status = push_all(&reply, buffer_slice(&input), 100, &at, &err);
        failed = test_alloc_failed();
        test_fail_alloc(0); /* libcheck allocates too */
        ck_assert_int_eq(status, failed ? MOX_E_NOMEM : MOX_OK);
        ck_assert_int_eq(err.code, status);
        smtp_reply_free(&reply);
    } while (failed);
    ck_assert_int_gt(nth, 3); /* the buffer grew several times */
    buffer_free(&input);
}
END_TEST

TCase *test_smtp_reply(void)
{
    TCase *tcase = tcase_create("smtp/reply");

    tcase_add_loop_test(tcase, reply_case, 0, (int)ARRAY_LEN(cases));
    tcase_add_loop_test(tcase, limit_case, 0, (int)ARRAY_LEN(limit_cases));
    tcase_add_test(tcase, line_without_end_meets_the_limit);
    tcase_add_test(tcase, message_quotes_little_and_clean);
    tcase_add_test(tcase, survives_without_memory);
    return tcase;
}
