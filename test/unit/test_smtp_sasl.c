/*
 * test_smtp_sasl.c - what each mechanism but SCRAM says to a server that knows its part, or does
 * not.
 */
#include <string.h>

#include <check.h>

#include "base/error.h"
#include "base/limits.h"
#include "smtp/sasl.h"
#include "test.h"

#define S(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

enum { MOST_ROUNDS = 3 };

/* Of a session where each mechanism may be used but those that are bound to the channel. */
static struct sasl *begin(const char *mechanism, const char *user, const char *password)
{
    const char *const list[] = {mechanism, NULL};
    struct sasl_facts facts = {
        .mechanisms = list,
        .username = user,
        .password = password,
        .host = "mail.example",
        .port = 587,
        .tls = true,
        .certificate = true,
    };
    const struct sasl_mechanism *m = sasl_choose(&facts, mechanism, NULL);

    return m == NULL ? NULL : sasl_new(m, &facts, mechanism);
}

static struct sasl *login(const char *mechanism, const char *user, const char *password)
{
    struct sasl *sasl = begin(mechanism, user, password);

    ck_assert_ptr_nonnull(sasl);
    ck_assert_str_eq(sasl_name(sasl), mechanism);
    return sasl;
}

static void expect(const char *name, struct buffer *out, struct slice want)
{
    struct slice got = buffer_slice(out);

    ck_assert_msg(slice_equal(got, want), "%s: \"%.*s\"", name, (int)got.len, got.ptr);
    buffer_free(out);
}

static const struct exchange_case {
    const char *name, *mechanism, *user, *password;
    int first; /* 1: there is an initial response */
    struct slice initial;
    struct {
        struct slice challenge, response;
        int status;
    } rounds[MOST_ROUNDS]; /* status 1 ends them */
    bool done;
    const char *told; /* in the last round's error, or in the detail */
} exchange_cases[] = {
    {"PLAIN",
     "PLAIN",
     "tim",
     "tanstaaftanstaaf",
     1,
     S("\0tim\0tanstaaftanstaaf"),
     {{.status = 1}},
     true,
     NULL},
    {"PLAIN is not prepared",
     "PLAIN",
     "u,=\xc2\xa0",
     "\xc2\xa0 \xff",
     1,
     S("\0u,=\xc2\xa0\0\xc2\xa0 \xff"),
     {{.status = 1}},
     true,
     NULL},
    {"PLAIN, empty", "PLAIN", "", NULL, 1, S("\0\0"), {{.status = 1}}, true, NULL},
    {"PLAIN asked for more",
     "PLAIN",
     "tim",
     "secret1",
     1,
     S("\0tim\0secret1"),
     {{S(""), S(""), MOX_E_AUTH}},
     false,
     "asks for more than PLAIN has to say"},
    {"EXTERNAL", "EXTERNAL", "tim", "secret1", 1, S(""), {{.status = 1}}, true, NULL},
    {"EXTERNAL asked for more",
     "EXTERNAL",
     "tim",
     "secret1",
     1,
     S(""),
     {{S(""), S(""), MOX_E_AUTH}},
     false,
     "asks for more"},
    {"LOGIN",
     "LOGIN",
     "tim",
     "secret1",
     0,
     S(""),
     {{S("Username:"), S("tim"), 0}, {S("Password:"), S("secret1"), 0}, {.status = 1}},
     true,
     NULL},
    {"LOGIN, other words",
     "LOGIN",
     "tim",
     "secret1",
     0,
     S(""),
     {{S("User Name\0"), S("tim"), 0}, {S(""), S("secret1"), 0}, {.status = 1}},
     true,
     NULL},
    {"LOGIN, half",
     "LOGIN",
     "tim",
     "secret1",
     0,
     S(""),
     {{S("Username:"), S("tim"), 0}, {.status = 1}},
     false,
     NULL},
    {"LOGIN asked for more",
     "LOGIN",
     "tim",
     "secret1",
     0,
     S(""),
     {{S("a"), S("tim"), 0}, {S("b"), S("secret1"), 0}, {S("c"), S(""), MOX_E_AUTH}},
     false,
     "more than LOGIN"},
    {"CRAM-MD5 of RFC 2195",
     "CRAM-MD5",
     "tim",
     "tanstaaftanstaaf",
     0,
     S(""),
     {{S("<1896.697170952@postoffice.reston.mci.net>"), S("tim b913a602c7eda7a495b4e6e7334d3890"),
       0},
      {.status = 1}},
     true,
     NULL},
    {"CRAM-MD5 asked twice",
     "CRAM-MD5",
     "tim",
     "tanstaaftanstaaf",
     0,
     S(""),
     {{S("<1896.697170952@postoffice.reston.mci.net>"), S("tim b913a602c7eda7a495b4e6e7334d3890"),
       0},
      {S("<1.2@a>"), S(""), MOX_E_AUTH}},
     false,
     "more than CRAM-MD5"},
    {"CRAM-MD5 not begun", "CRAM-MD5", "tim", "secret1", 0, S(""), {{.status = 1}}, false, NULL},
    {"OAUTHBEARER",
     "OAUTHBEARER",
     "u@a.example",
     "dG9rZW4=",
     1,
     S("n,a=u@a.example,\1host=mail.example\1port=587\1auth=Bearer dG9rZW4=\1\1"),
     {{.status = 1}},
     true,
     NULL},
    {"OAUTHBEARER escapes",
     "OAUTHBEARER",
     "a,b=c",
     "t",
     1,
     S("n,a=a=2Cb=3Dc,\1host=mail.example\1port=587\1auth=Bearer t\1\1"),
     {{.status = 1}},
     true,
     NULL},
    {"OAUTHBEARER without name",
     "OAUTHBEARER",
     "",
     "t",
     1,
     S("n,,\1host=mail.example\1port=587\1auth=Bearer t\1\1"),
     {{.status = 1}},
     true,
     NULL},
    {"OAUTHBEARER refused",
     "OAUTHBEARER",
     "u",
     "tok-en",
     1,
     S("n,a=u,\1host=mail.example\1port=587\1auth=Bearer tok-en\1\1"),
     {{S("{\"status\":\"invalid_token\"}\r\n"), S("\1"), 0}, {.status = 1}},
     false,
     "{\"status\":\"invalid_token\"}"},
    {"OAUTHBEARER refused, and on",
     "OAUTHBEARER",
     "u",
     "tok-en",
     1,
     S("n,a=u,\1host=mail.example\1port=587\1auth=Bearer tok-en\1\1"),
     {{S("{}"), S("\1"), 0}, {S("{}"), S(""), MOX_E_AUTH}},
     false,
     "goes on asking"},
    {"XOAUTH2",
     "XOAUTH2",
     "u@a.example",
     "ya29.x",
     1,
     S("user=u@a.example\1auth=Bearer ya29.x\1\1"),
     {{.status = 1}},
     true,
     NULL},
    {"XOAUTH2 refused",
     "XOAUTH2",
     "u",
     "tok-en",
     1,
     S("user=u\1auth=Bearer tok-en\1\1"),
     {{S("{\"status\":\"400\"}\033"), S(""), 0}, {.status = 1}},
     false,
     "{\"status\":\"400\"}?"},
    {"OAUTHBEARER, token with a field",
     "OAUTHBEARER",
     "u",
     "tok\1host=x",
     MOX_E_INVAL,
     S(""),
     {{.status = 1}},
     false,
     "OAUTHBEARER cannot be used: the token has a control character"},
    {"XOAUTH2, token with a line end",
     "XOAUTH2",
     "u",
     "tok\n",
     MOX_E_INVAL,
     S(""),
     {{.status = 1}},
     false,
     "the token has a control character or a line end"},
    {"XOAUTH2, name with a field",
     "XOAUTH2",
     "u\1auth=",
     "tok",
     MOX_E_INVAL,
     S(""),
     {{.status = 1}},
     false,
     "the username"},
    {"XOAUTH2, no token",
     "XOAUTH2",
     "u",
     "",
     MOX_E_INVAL,
     S(""),
     {{.status = 1}},
     false,
     "the token is empty"},
    {"SCRAM, no name",
     "SCRAM-SHA-1",
     "",
     "secret1",
     MOX_E_INVAL,
     S(""),
     {{.status = 1}},
     false,
     "SCRAM-SHA-1 needs a username"},
};

static void check_last(const struct exchange_case *c, const struct sasl *sasl, int status,
                       const struct mox_error *err)
{
    ck_assert_msg(sasl_done(sasl) == c->done, "%s", c->name);
    if (status < 0) {
        ck_assert_int_eq(err->code, status);
        ck_assert_int_eq(err->stage, MOX_STAGE_AUTH);
        ck_assert_int_eq(err->permanent, 0);
        ck_assert_int_eq(err->action, MOX_ACTION_LATER);
        ck_assert_int_eq(err->about, status == MOX_E_AUTH ? MOX_ABOUT_HOST : MOX_ABOUT_LOCAL);
        ck_assert_msg(strstr(err->message, c->told) != NULL, "%s: %s", c->name, err->message);
        if (c->password[0] != '\0')
            ck_assert_ptr_null(strstr(err->message, c->password));
    } else if (c->told == NULL) {
        ck_assert_ptr_null(sasl_detail(sasl));
    } else {
        ck_assert_str_eq(sasl_detail(sasl), c->told);
    }
}

START_TEST(exchange_case)
{
    const struct exchange_case *c = &exchange_cases[_i];
    struct sasl *sasl = login(c->mechanism, c->user, c->password);
    struct mox_error err = {0};
    struct buffer out = {0};
    int status = sasl_first(sasl, &out, &err);

    ck_assert_msg(status == c->first, "%s: %d", c->name, status);
    expect(c->name, &out, c->initial);
    for (size_t i = 0; status >= 0 && i < MOST_ROUNDS && c->rounds[i].status != 1; i++) {
        status = sasl_next(sasl, c->rounds[i].challenge, &out, &err);
        ck_assert_msg(status == c->rounds[i].status, "%s: %d", c->name, status);
        expect(c->name, &out, c->rounds[i].response);
    }
    check_last(c, sasl, status, &err);
    if (status < 0) { /* what failed says nothing more */
        ck_assert_int_eq(sasl_next(sasl, slice_of("<1.2@a>"), &out, NULL), MOX_E_AUTH);
        expect(c->name, &out, (struct slice){"", 0});
        ck_assert(!sasl_done(sasl));
    }
    sasl_free(sasl);
}
END_TEST

static const struct {
    struct slice challenge;
    bool good;
} cram_cases[] = {
    {S("<1.2@a>"), true},     {S("<17893.1320679123@tesseract.susam.in>"), true},
    {S("<a.b.c@d@e>"), true}, {S(""), false},
    {S("<"), false},          {S(">"), false},
    {S("<>"), false},         {S("1.2@a"), false},
    {S("<1.2@a"), false},     {S("1.2@a>"), false},
    {S("<12@a>"), false},     {S("<1.2a>"), false},
    {S("<.2@a>"), false},     {S("<1.@a>"), false},
    {S("<1.2@>"), false},     {S("<1@2.a>"), false},
    {S("<1.2@a> "), false},   {S("<1. 2@a>"), false},
    {S("<1.2@a\0>"), false},  {S("<1.2@\xc3\xbc>"), false},
};

START_TEST(cram_challenge)
{
    struct sasl *sasl = login("CRAM-MD5", "tim", "secret1");
    struct buffer out = {0};
    struct mox_error err = {0};
    int status = sasl_next(sasl, cram_cases[_i].challenge, &out, &err);

    ck_assert_msg(status == (cram_cases[_i].good ? MOX_OK : MOX_E_AUTH), "%s",
                  cram_cases[_i].challenge.ptr);
    ck_assert_uint_eq(buffer_slice(&out).len, cram_cases[_i].good ? strlen("tim ") + 32 : 0);
    ck_assert(sasl_done(sasl) == cram_cases[_i].good);
    buffer_free(&out);
    sasl_free(sasl);
}
END_TEST

START_TEST(an_echoed_token_is_not_shown)
{
    struct sasl *sasl = login("XOAUTH2", "u", "ya29.secret");
    struct buffer out = {0};

    ck_assert_int_eq(sasl_first(sasl, &out, NULL), 1);
    ck_assert_int_eq(sasl_next(sasl, slice_of("{\"bad\":\"ya29.secret\"}"), &out, NULL), MOX_OK);
    ck_assert_str_eq(sasl_detail(sasl), "(our secret)");
    buffer_free(&out);
    sasl_free(sasl);
}
END_TEST

START_TEST(a_long_detail_is_cut)
{
    struct sasl *sasl = login("OAUTHBEARER", "u", "t-t");
    struct buffer out = {0};
    char text[2000];

    memset(text, 'x', sizeof text);
    ck_assert_int_eq(sasl_first(sasl, &out, NULL), 1);
    ck_assert_int_eq(sasl_next(sasl, (struct slice){text, sizeof text}, &out, NULL), MOX_OK);
    ck_assert_uint_eq(strlen(sasl_detail(sasl)), MOX_LIMIT_SASL_DETAIL - 1);
    buffer_free(&out);
    sasl_free(sasl);
}
END_TEST

/* As a token from the host is: gone when the login has begun. */
START_TEST(the_password_is_copied)
{
    char password[] = "secret1";
    struct sasl *sasl = login("LOGIN", "tim", password);
    struct buffer out = {0};

    memset(password, 'x', sizeof password - 1);
    ck_assert_int_eq(sasl_next(sasl, slice_of(""), &out, NULL), MOX_OK);
    buffer_free(&out);
    ck_assert_int_eq(sasl_next(sasl, slice_of(""), &out, NULL), MOX_OK);
    expect("LOGIN", &out, slice_of("secret1"));
    sasl_free(sasl);
    sasl_free(NULL);
}
END_TEST

static int run_without_memory(const struct exchange_case *c, struct mox_error *err)
{
    struct buffer out = {0};
    struct sasl *sasl = begin(c->mechanism, c->user, c->password);
    int status;

    if (sasl == NULL)
        return error_nomem(err);
    status = sasl_first(sasl, &out, err);
    for (size_t i = 0; status >= 0 && i < MOST_ROUNDS && c->rounds[i].status == 0; i++) {
        buffer_free(&out);
        status = sasl_next(sasl, c->rounds[i].challenge, &out, err);
    }
    buffer_free(&out);
    sasl_free(sasl);
    return status < 0 ? status : MOX_OK;
}

START_TEST(survives_without_memory)
{
    const struct exchange_case *c = &exchange_cases[_i];
    bool failed;
    long nth = 0;

    if (c->first < 0 || c->rounds[0].status < 0)
        return;
    do {
        struct mox_error err = {0};
        int status;

        test_fail_alloc(++nth);
        status = run_without_memory(c, &err);
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert_msg(status == (failed ? MOX_E_NOMEM : MOX_OK), "%s: %d", c->name, status);
        ck_assert_int_eq(err.code, status);
    } while (failed);
    ck_assert_int_gt(nth, 2);
}
END_TEST

TCase *test_smtp_sasl(void)
{
    TCase *tcase = tcase_create("smtp/sasl");

    tcase_add_loop_test(tcase, exchange_case, 0, (int)ARRAY_LEN(exchange_cases));
    tcase_add_loop_test(tcase, cram_challenge, 0, (int)ARRAY_LEN(cram_cases));
    tcase_add_test(tcase, an_echoed_token_is_not_shown);
    tcase_add_test(tcase, a_long_detail_is_cut);
    tcase_add_test(tcase, the_password_is_copied);
    tcase_add_loop_test(tcase, survives_without_memory, 0, (int)ARRAY_LEN(exchange_cases));
    return tcase;
}
