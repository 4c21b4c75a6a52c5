/* test_smtp_ehlo.c - what replies to EHLO offer, and what only seems to. */
#include <string.h>

#include <check.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/limits.h"
#include "smtp/ehlo.h"
#include "test.h"

static const struct ehlo_case {
    const char *name, *text; /* text: without the first line */
    uint32_t extensions;
    uint64_t size;
    uint32_t rcpt, mail;
    const char *auth, *lines; /* lines: joined by '|' */
} cases[] = {
    {"nothing", "", 0, 0, 0, 0, NULL, ""},
    {"blank lines", "\n  \n", 0, 0, 0, 0, NULL, ""},
    {"all", "STARTTLS\nENHANCEDSTATUSCODES\n8BITMIME\nPIPELINING\nREQUIRETLS\nSMTPUTF8\nDSN",
     MOX_EXT_STARTTLS | MOX_EXT_ENHANCED | MOX_EXT_8BITMIME | MOX_EXT_PIPELINING |
         MOX_EXT_REQUIRETLS | MOX_EXT_SMTPUTF8 | MOX_EXT_DSN,
     0, 0, 0, NULL, "STARTTLS|ENHANCEDSTATUSCODES|8BITMIME|PIPELINING|REQUIRETLS|SMTPUTF8|DSN"},
    {"any case, blanks around", " starttls \n Pipelining", MOX_EXT_STARTTLS | MOX_EXT_PIPELINING, 0,
     0, 0, NULL, "starttls|Pipelining"},
    {"unknown is kept", "XCLIENT NAME ADDR\nVRFY", 0, 0, 0, 0, NULL, "XCLIENT NAME ADDR|VRFY"},
    {"argument where none may be", "STARTTLS now\n8BITMIME x\nDSN y", 0, 0, 0, 0, NULL,
     "STARTTLS now|8BITMIME x|DSN y"},
    {"longer word", "STARTTLSX\nPIPELININ\nSIZES 5\nSMTPUTF8X", 0, 0, 0, 0, NULL,
     "STARTTLSX|PIPELININ|SIZES 5|SMTPUTF8X"},
    {"SMTPUTF8 with argument", "SMTPUTF8 x y", MOX_EXT_SMTPUTF8, 0, 0, 0, NULL, "SMTPUTF8 x y"},
    {"SIZE", "SIZE 35651584", MOX_EXT_SIZE, 35651584, 0, 0, NULL, "SIZE 35651584"},
    {"SIZE without number", "SIZE", 0, 0, 0, 0, NULL, "SIZE"},
    {"SIZE 0", "SIZE 0", MOX_EXT_SIZE, 0, 0, 0, NULL, "SIZE 0"},
    {"SIZE below 0", "SIZE -1", MOX_EXT_SIZE, 0, 0, 0, NULL, "SIZE -1"},
    {"SIZE no number", "SIZE many", MOX_EXT_SIZE, 0, 0, 0, NULL, "SIZE many"},
    {"SIZE as large as it may be", "SIZE 9223372036854775807", MOX_EXT_SIZE, INT64_MAX, 0, 0, NULL,
     "SIZE 9223372036854775807"},
    {"SIZE too large", "SIZE 9223372036854775808", MOX_EXT_SIZE, 0, 0, 0, NULL,
     "SIZE 9223372036854775808"},
    {"SIZE twice", "SIZE 5\nSIZE 6", MOX_EXT_SIZE, 6, 0, 0, NULL, "SIZE 5|SIZE 6"},
    {"AUTH", "AUTH plain Login  CRAM-MD5", MOX_EXT_AUTH, 0, 0, 0, "PLAIN LOGIN CRAM-MD5",
     "AUTH plain Login  CRAM-MD5"},
    {"AUTH alone", "AUTH", 0, 0, 0, 0, NULL, "AUTH"},
    {"AUTH= is ignored", "AUTH=PLAIN LOGIN", 0, 0, 0, 0, NULL, "AUTH=PLAIN LOGIN"},
    {"the last AUTH counts", "AUTH PLAIN\nAUTH LOGIN\nAUTH=X", MOX_EXT_AUTH, 0, 0, 0, "LOGIN",
     "AUTH PLAIN|AUTH LOGIN|AUTH=X"},
    {"LIMITS", "LIMITS MAILMAX=5 rcptmax=2 RCPTDOMAINMAX=1", MOX_EXT_LIMITS, 0, 2, 5, NULL,
     "LIMITS MAILMAX=5 rcptmax=2 RCPTDOMAINMAX=1"},
    {"LIMITS unknown name", "LIMITS X-Y_9=a=b RCPTMAX=999999", MOX_EXT_LIMITS, 0, 999999, 0, NULL,
     "LIMITS X-Y_9=a=b RCPTMAX=999999"},
    {"LIMITS seven digits", "LIMITS RCPTMAX=1000000 MAILMAX=7", MOX_EXT_LIMITS, 0, 0, 7, NULL,
     "LIMITS RCPTMAX=1000000 MAILMAX=7"},
    {"LIMITS zeros before", "LIMITS RCPTMAX=0000001", MOX_EXT_LIMITS, 0, 0, 0, NULL,
     "LIMITS RCPTMAX=0000001"},
    {"LIMITS zero", "LIMITS RCPTMAX=0", MOX_EXT_LIMITS, 0, 0, 0, NULL, "LIMITS RCPTMAX=0"},
    {"LIMITS alone", "LIMITS", 0, 0, 0, 0, NULL, "LIMITS"},
    {"LIMITS without value", "LIMITS RCPTMAX=5 MAILMAX", 0, 0, 0, 0, NULL,
     "LIMITS RCPTMAX=5 MAILMAX"},
    {"LIMITS empty value", "LIMITS RCPTMAX= MAILMAX=5", 0, 0, 0, 0, NULL,
     "LIMITS RCPTMAX= MAILMAX=5"},
    {"LIMITS empty name", "LIMITS =5", 0, 0, 0, 0, NULL, "LIMITS =5"},
    {"LIMITS semicolon", "LIMITS RCPTMAX=5;", 0, 0, 0, 0, NULL, "LIMITS RCPTMAX=5;"},
    {"LIMITS two blanks", "LIMITS RCPTMAX=5  MAILMAX=5", 0, 0, 0, 0, NULL,
     "LIMITS RCPTMAX=5  MAILMAX=5"},
    {"LIMITS duplicate", "LIMITS RCPTMAX=5 rcptmax=6", 0, 0, 0, 0, NULL,
     "LIMITS RCPTMAX=5 rcptmax=6"},
    {"LIMITS duplicate of an unknown name", "LIMITS a=1 RCPTMAX=6 A=2", 0, 0, 0, 0, NULL,
     "LIMITS a=1 RCPTMAX=6 A=2"},
    {"the last LIMITS counts", "LIMITS RCPTMAX=5\nLIMITS MAILMAX=2", MOX_EXT_LIMITS, 0, 0, 2, NULL,
     "LIMITS RCPTMAX=5|LIMITS MAILMAX=2"},
    {"blank lines between", "\nDSN\n\n\nSIZE 1\n", MOX_EXT_DSN | MOX_EXT_SIZE, 1, 0, 0, NULL,
     "DSN|SIZE 1"},
};

static void check_lines(const struct ehlo_case *c, const char **lines)
{
    struct buffer joined = {0};

    for (size_t i = 0; lines != NULL && lines[i] != NULL; i++) {
        if (i > 0)
            buffer_append_text(&joined, "|");
        buffer_append_text(&joined, lines[i]);
    }
    ck_assert_msg(slice_is(buffer_slice(&joined), c->lines), "%s: lines", c->name);
    buffer_free(&joined);
}

START_TEST(ehlo_case)
{
    const struct ehlo_case *c = &cases[_i];
    struct buffer text = {0};
    struct arena arena = {0};
    struct smtp_ehlo ehlo;

    ck_assert_int_eq(buffer_append_text(&text, "mx.example STARTTLS\n"), MOX_OK);
    ck_assert_int_eq(buffer_append_text(&text, c->text), MOX_OK);
    ck_assert_int_eq(smtp_ehlo_parse(buffer_slice(&text), &arena, &ehlo, NULL), MOX_OK);
    buffer_free(&text); /* nothing of it is borrowed */

    ck_assert_msg(ehlo.extensions == c->extensions, "%s: %x", c->name, ehlo.extensions);
    ck_assert_uint_eq(ehlo.size_limit, c->size);
    ck_assert_uint_eq(ehlo.rcpt_limit, c->rcpt);
    ck_assert_uint_eq(ehlo.mail_limit, c->mail);
    ck_assert_pstr_eq(ehlo.auth, c->auth);
    check_lines(c, ehlo.lines);
    arena_free(&arena);
}
END_TEST

START_TEST(first_line_is_no_keyword)
{
    struct arena arena = {0};
    struct smtp_ehlo ehlo;

    ck_assert_int_eq(smtp_ehlo_parse(slice_of("STARTTLS"), &arena, &ehlo, NULL), MOX_OK);
    ck_assert_uint_eq(ehlo.extensions, 0);
    ck_assert_ptr_null(ehlo.lines);
    ck_assert_int_eq(smtp_ehlo_parse(slice_of(""), &arena, &ehlo, NULL), MOX_OK);
    ck_assert_ptr_null(ehlo.lines);
}
END_TEST

START_TEST(one_block_or_none)
{
    struct slice text = slice_of("mx\nSIZE 5\nAUTH PLAIN\nDSN");
    struct mox_error err = {0};
    struct arena arena = {0};
    struct smtp_ehlo ehlo;
    bool failed;
    int status;

    test_fail_alloc(1);
    status = smtp_ehlo_parse(text, &arena, &ehlo, &err);
    test_fail_alloc(0); /* libcheck allocates too */
    ck_assert_int_eq(status, MOX_E_NOMEM);
    ck_assert_int_eq(err.code, MOX_E_NOMEM);
    ck_assert_ptr_null(ehlo.lines);
    arena_free(&arena);

    test_fail_alloc(2);
    status = smtp_ehlo_parse(text, &arena, &ehlo, &err);
    failed = test_alloc_failed();
    test_fail_alloc(0);
    ck_assert_int_eq(status, MOX_OK);
    ck_assert(!failed);
    arena_free(&arena);
}
END_TEST

/* As many lines as a reply can have are kept, and the last of them is read; a text that is no
 * reply's has no more. */
START_TEST(most_lines)
{
    struct buffer text = {0};
    struct arena arena = {0};
    struct smtp_ehlo ehlo;
    size_t n = 0;

    for (size_t i = 0; i < MOX_LIMIT_REPLY_LINES; i++)
        ck_assert_int_eq(buffer_append_text(&text, "X\n"), MOX_OK);
    ck_assert_int_eq(buffer_append_text(&text, "DSN\nSTARTTLS"), MOX_OK);
    ck_assert_int_eq(smtp_ehlo_parse(buffer_slice(&text), &arena, &ehlo, NULL), MOX_OK);
    while (ehlo.lines[n] != NULL)
        n++;
    ck_assert_uint_eq(n, MOX_LIMIT_REPLY_LINES);
    ck_assert_str_eq(ehlo.lines[n - 1], "DSN");
    ck_assert_uint_eq(ehlo.extensions, MOX_EXT_DSN);
    arena_free(&arena);
    buffer_free(&text);
}
END_TEST

TCase *test_smtp_ehlo(void)
{
    TCase *tcase = tcase_create("smtp/ehlo");

    tcase_add_loop_test(tcase, ehlo_case, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tcase, first_line_is_no_keyword);
    tcase_add_test(tcase, one_block_or_none);
    tcase_add_test(tcase, most_lines);
    return tcase;
}
