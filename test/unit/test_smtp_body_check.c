/* test_smtp_body_check.c - what is known of a message before anything is said of it to a server. */
#include <string.h>

#include <check.h>

#include "smtp/body.h"
#include "test.h"

enum { LF = MOX_BODY_LF, END = MOX_BODY_ADD_FINAL_CRLF };

static struct mox_body of_text(const char *text, uint32_t flags)
{
    return (struct mox_body){
        .source = MOX_BODY_BUFFER, .flags = flags, .data = text, .len = strlen(text)};
}

static const struct plain_case {
    const char *name, *in;
    uint32_t flags;
    uint64_t plain;
} plains[] = {
    {"all of it", "a\r\nb\r\n", 0, 6},
    {"nothing", "", 0, 0},
    {"up to the first dot to be doubled", "a\r\n.b\r\nc\r\n.\r\n", 0, 3},
    {"a dot at once", ".a\r\n", 0, 0},
    {"a dot within a line", "a.b\r\n", 0, 5},
    {"an end that is added", "a", END, 1},
    {"lines that are made anew", "a\nb\r\n", LF, 0},
};

START_TEST(what_was_checked_is_not_looked_at_again)
{
    const struct plain_case *c = &plains[_i];
    struct mox_body body = of_text(c->in, c->flags);
    struct mox_body changed = of_text("\r.\n", 0); /* seen, it would be refused */
    struct smtp_body b = {0};
    struct slice piece;
    uint64_t plain = 100;

    ck_assert_int_eq(smtp_body_check(&body, &plain, NULL), MOX_OK);
    ck_assert_msg(plain == c->plain, "%s: %d", c->name, (int)plain);
    ck_assert_int_eq(smtp_body_open(&b, &changed, false, NULL), MOX_OK);
    smtp_body_trust(&b, 3);
    ck_assert_int_eq(smtp_body_next(&b, &piece, NULL), MOX_OK);
    ck_assert(slice_is(piece, "\r.\n"));
    ck_assert_int_eq(smtp_body_next(&b, &piece, NULL), MOX_E_EOF);
    smtp_body_close(&b);
}
END_TEST

static const struct wrong_case {
    const char *name;
    struct mox_body body;
} wrongs[] = {
    {"no such source", {.source = MOX_BODY_FD + 1}},
    {"below the enum", {.source = -1}},
    {"unknown flag", {.flags = 4}},
    {"no data", {.len = 1}},
    {"no reader", {.source = MOX_BODY_READER}},
    {"no descriptor", {.source = MOX_BODY_FD, .fd = -1}},
    {"negative offset", {.source = MOX_BODY_FD, .fd_offset = -1}},
    {"negative length", {.source = MOX_BODY_FD, .fd_length = -1}},
    {"beyond all files", {.source = MOX_BODY_FD, .fd_offset = INT64_MAX, .fd_length = 1}},
};

START_TEST(wrong_case)
{
    const struct wrong_case *c = &wrongs[_i];
    struct smtp_body b = {0};
    uint64_t plain;
    struct mox_error err = {0};

    ck_assert_msg(smtp_body_check(&c->body, &plain, &err) == MOX_E_INVAL, "%s", c->name);
    ck_assert_int_eq(err.about, MOX_ABOUT_LOCAL);
    ck_assert_msg(smtp_body_open(&b, &c->body, false, NULL) == MOX_E_INVAL, "%s", c->name);
    ck_assert_uint_eq(smtp_body_size(&c->body), 0);
    smtp_body_close(&b);
}
END_TEST

TCase *test_smtp_body_check(void)
{
    TCase *tcase = tcase_create("smtp/body_check");

    tcase_add_loop_test(tcase, what_was_checked_is_not_looked_at_again, 0, (int)ARRAY_LEN(plains));
    tcase_add_loop_test(tcase, wrong_case, 0, (int)ARRAY_LEN(wrongs));
    return tcase;
}
