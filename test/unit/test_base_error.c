/* test_base_error.c - what an error means: about, action, permanent, exit status, and its texts. */
#include <errno.h>
#include <string.h>

#include <check.h>

#include "base/error.h"
#include "test.h"

static const struct meaning_case {
    int code, about, action, permanent, exit_code;
    const char *name;
} meanings[] = {
    {MOX_E_INVAL, MOX_ABOUT_LOCAL, MOX_ACTION_GIVE_UP, 1, 75, "invalid"},
    {MOX_E_NOMEM, MOX_ABOUT_LOCAL, MOX_ACTION_LATER, 0, 75, "no-memory"},
    {MOX_E_UNSUPPORTED, MOX_ABOUT_LOCAL, MOX_ACTION_LATER, 0, 75, "unsupported"},
    {MOX_E_CONFIG, MOX_ABOUT_LOCAL, MOX_ACTION_LATER, 0, 75, "config"},
    {MOX_E_OS, MOX_ABOUT_LOCAL, MOX_ACTION_LATER, 0, 75, "os"},
    {MOX_E_NO_SOURCE, MOX_ABOUT_SOURCE, MOX_ACTION_LATER, 0, 75, "no-source"},
    {MOX_E_DNS, MOX_ABOUT_DOMAIN, MOX_ACTION_LATER, 0, 75, "dns"},
    {MOX_E_NO_DOMAIN, MOX_ABOUT_DOMAIN, MOX_ACTION_GIVE_UP, 1, 68, "no-domain"},
    {MOX_E_NULL_MX, MOX_ABOUT_DOMAIN, MOX_ACTION_GIVE_UP, 1, 68, "null-mx"},
    {MOX_E_NO_ADDRESS, MOX_ABOUT_DOMAIN, MOX_ACTION_GIVE_UP, 1, 68, "no-address"},
    {MOX_E_LOOP, MOX_ABOUT_DOMAIN, MOX_ACTION_GIVE_UP, 1, 69, "loop"},
    {MOX_E_FAIL_TRANSPORT, MOX_ABOUT_LOCAL, MOX_ACTION_GIVE_UP, 1, 69, "fail-transport"},
    {MOX_E_CONNECT, MOX_ABOUT_HOST, MOX_ACTION_LATER, 0, 75, "connect"},
    {MOX_E_TIMEOUT, MOX_ABOUT_HOST, MOX_ACTION_LATER, 0, 75, "timeout"},
    {MOX_E_PROTOCOL, MOX_ABOUT_HOST, MOX_ACTION_LATER, 0, 75, "protocol"},
    {MOX_E_REFUSED, MOX_ABOUT_HOST, MOX_ACTION_LATER, 0, 75, "refused"},
};

START_TEST(sets_what_a_code_means)
{
    const struct meaning_case *c = &meanings[_i];
    struct mox_error err;

    memset(&err, 0xff, sizeof err);
    ck_assert_int_eq(error_set(&err, c->code, "%s number %d", "reason", 7), c->code);
    ck_assert_int_eq(err.code, c->code);
    ck_assert_int_eq(err.about, c->about);
    ck_assert_int_eq(err.action, c->action);
    ck_assert_int_eq(err.permanent, c->permanent);
    ck_assert_int_eq(err.dns_rcode, -1);
    ck_assert_int_eq(err.smtp_code, 0);
    ck_assert_str_eq(err.host, "");
    ck_assert_str_eq(err.message, "reason number 7");
    ck_assert_int_eq(mox_error_exit_code(&err), c->exit_code);
    ck_assert_str_eq(mox_status_name(c->code), c->name);
}
END_TEST

static const struct exit_case {
    int code, about, exit_code;
} exits[] = {
    {MOX_E_REFUSED, MOX_ABOUT_RCPT, 67},        {MOX_E_REFUSED, MOX_ABOUT_MESSAGE, 65},
    {MOX_E_REFUSED, MOX_ABOUT_HOST, 69},        {MOX_E_FILTERED, MOX_ABOUT_SOURCE, 77},
    {MOX_E_FILTERED, MOX_ABOUT_LOCAL, 69},      {MOX_E_AUTH, MOX_ABOUT_LOCAL, 77},
    {MOX_E_TLS_REQUIRED, MOX_ABOUT_DOMAIN, 77}, {MOX_E_VERIFY, MOX_ABOUT_HOST, 77},
    {MOX_E_INVAL, MOX_ABOUT_RCPT, 65},          {MOX_E_INVAL, MOX_ABOUT_SENDER, 65},
    {MOX_E_INVAL, MOX_ABOUT_MESSAGE, 65},       {MOX_E_INVAL, MOX_ABOUT_LOCAL, 75},
    {MOX_E_UNSUPPORTED, MOX_ABOUT_MESSAGE, 75},
};

START_TEST(permanent_errors_exit_by_whom_they_are_about)
{
    struct mox_error err = {.code = exits[_i].code, .about = exits[_i].about, .permanent = 1};

    ck_assert_int_eq(mox_error_exit_code(&err), exits[_i].exit_code);
    err.permanent = 0;
    ck_assert_int_eq(mox_error_exit_code(&err), 75);
}
END_TEST

START_TEST(cuts_a_long_message)
{
    char long_text[2000];
    struct mox_error err;

    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    error_set(&err, MOX_E_OS, "%s", long_text);
    ck_assert_uint_eq(strlen(err.message), sizeof err.message - 1);
}
END_TEST

START_TEST(knows_what_ops_return)
{
    struct mox_error err;

    ck_assert_int_eq(error_from_op(&err, MOX_ERRNO(EMFILE), "open a socket"), MOX_E_OS);
    ck_assert_int_eq(err.os_errno, EMFILE);
    ck_assert_ptr_eq(strstr(err.message, "open a socket: "), err.message);
    ck_assert_int_eq(error_from_op(&err, MOX_E_CALLBACK, "ask"), MOX_E_CALLBACK);
    ck_assert_int_eq(err.os_errno, 0);
    ck_assert_str_eq(err.message, "ask: callback");
}
END_TEST

/* What to do about it, where it is ours. */
static const struct {
    int e;
    const char *cure; /* NULL: none */
} cures[] = {
    {EMFILE, "raise its limit"}, {ENFILE, "no descriptor left"}, {ENOBUFS, "out of memory"},
    {ENOMEM, "out of memory"},   {ENETUNREACH, "no route"},      {ECONNREFUSED, NULL},
};

START_TEST(says_what_to_do_about_an_errno)
{
    struct mox_error err;
    const char *cure;

    ck_assert_int_eq(error_from_op(&err, MOX_ERRNO(cures[_i].e), "connect"), MOX_E_OS);
    ck_assert_int_eq(err.os_errno, cures[_i].e);
    cure = strchr(err.message, ';');
    ck_assert_int_eq(cure != NULL, cures[_i].cure != NULL);
    ck_assert(cure == NULL || strstr(cure, cures[_i].cure) != NULL);
}
END_TEST

START_TEST(accepts_no_error)
{
    ck_assert_int_eq(error_set(NULL, MOX_E_DNS, "%d", 1), MOX_E_DNS);
    ck_assert_int_eq(error_nomem(NULL), MOX_E_NOMEM);
    ck_assert_int_eq(error_from_op(NULL, MOX_ERRNO(EMFILE), "x"), MOX_E_OS);
    ck_assert_int_eq(error_none(NULL), MOX_OK);
    ck_assert_int_eq(error_at_host(NULL, "x"), MOX_OK);
}
END_TEST

START_TEST(adds_a_host)
{
    struct mox_error err;
    char name[400];

    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    error_set(&err, MOX_E_TIMEOUT, "silent");
    ck_assert_int_eq(error_at_host(&err, "mx.example\n"), MOX_E_TIMEOUT);
    ck_assert_str_eq(err.host, "mx.example?");
    error_at_host(&err, name);
    ck_assert_uint_eq(strlen(err.host), sizeof err.host - 1);
    ck_assert_int_eq(error_none(&err), MOX_OK);
    ck_assert_int_eq(err.code, MOX_OK);
    ck_assert_int_eq(mox_error_exit_code(&err), 0);
}
END_TEST

START_TEST(every_value_has_a_name)
{
    for (int i = 0; i <= MOX_STAGE_QUIT; i++)
        ck_assert_str_ne(mox_stage_name(i), "unknown");
    for (int i = 1; i <= MOX_ABOUT_MESSAGE; i++)
        ck_assert_str_ne(mox_about_name(i), "unknown");
    for (int i = 0; i <= MOX_ACTION_GIVE_UP; i++)
        ck_assert_str_ne(mox_action_name(i), "unknown");
    ck_assert_str_eq(mox_stage_name(MOX_STAGE_QUIT + 1), "unknown");
    ck_assert_str_eq(mox_about_name(-1), "unknown");
    ck_assert_str_eq(mox_action_name(1000), "unknown");
    ck_assert_str_eq(mox_status_name(-1000), "unknown");
    ck_assert_str_eq(mox_status_name(MOX_OK), "ok");
}
END_TEST

TCase *test_base_error(void)
{
    TCase *tc = tcase_create("base_error");

    tcase_add_loop_test(tc, sets_what_a_code_means, 0, ARRAY_LEN(meanings));
    tcase_add_loop_test(tc, permanent_errors_exit_by_whom_they_are_about, 0, ARRAY_LEN(exits));
    tcase_add_test(tc, cuts_a_long_message);
    tcase_add_test(tc, knows_what_ops_return);
    tcase_add_loop_test(tc, says_what_to_do_about_an_errno, 0, ARRAY_LEN(cures));
    tcase_add_test(tc, accepts_no_error);
    tcase_add_test(tc, adds_a_host);
    tcase_add_test(tc, every_value_has_a_name);
    return tc;
}
