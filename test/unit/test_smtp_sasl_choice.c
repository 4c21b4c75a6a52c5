/*
 * test_smtp_sasl_choice.c - which mechanism is taken, and what is told where none is.
 */
#include <string.h>

#include <check.h>

#include "smtp/sasl.h"
#include "test.h"

enum { MOST_LISTED = 10 };

enum world { PLAINTEXT, TLS, TLS_BINDING, TLS_CERTIFICATE };

static struct sasl_facts facts_of(enum world world, const char *const *mechanisms)
{
    return (struct sasl_facts){
        .mechanisms = mechanisms,
        .username = "user",
        .password = "opensesame",
        .tls = world != PLAINTEXT,
        .certificate = world == TLS_CERTIFICATE,
        .binding_name = world == TLS_BINDING ? "tls-exporter" : NULL,
    };
}

static const struct choice_case {
    const char *name, *mechanisms[MOST_LISTED + 1]; /* none: the default */
    enum world world;
    const char *offered, *chosen, *told[4]; /* chosen NULL: err has what is told */
} choice_cases[] = {
    {"default takes the best",
     {0},
     TLS_BINDING,
     "PLAIN SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-256-PLUS",
     "SCRAM-SHA-256-PLUS",
     {0}},
    {"no binding: PLUS is passed over",
     {0},
     TLS,
     "SCRAM-SHA-256-PLUS SCRAM-SHA-256",
     "SCRAM-SHA-256",
     {0}},
    {"no TLS: PLUS is passed over",
     {0},
     PLAINTEXT,
     "SCRAM-SHA-256-PLUS SCRAM-SHA-1",
     "SCRAM-SHA-1",
     {0}},
    {"SHA-256 before SHA-1-PLUS",
     {0},
     TLS_BINDING,
     "SCRAM-SHA-1-PLUS SCRAM-SHA-256",
     "SCRAM-SHA-256",
     {0}},
    {"SHA-1-PLUS before SHA-1",
     {0},
     TLS_BINDING,
     "SCRAM-SHA-1 SCRAM-SHA-1-PLUS",
     "SCRAM-SHA-1-PLUS",
     {0}},
    {"CRAM-MD5 is the last", {0}, PLAINTEXT, "LOGIN PLAIN CRAM-MD5", "CRAM-MD5", {0}},
    {"the list's order, not the server's", {"LOGIN", "PLAIN"}, TLS, "PLAIN LOGIN", "LOGIN", {0}},
    {"PLAIN over TLS", {"PLAIN"}, TLS, "PLAIN", "PLAIN", {0}},
    {"EXTERNAL with certificate", {"EXTERNAL"}, TLS_CERTIFICATE, "EXTERNAL", "EXTERNAL", {0}},
    {"OAUTHBEARER over TLS",
     {"OAUTHBEARER", "XOAUTH2"},
     TLS,
     "XOAUTH2 OAUTHBEARER",
     "OAUTHBEARER",
     {0}},
    {"XOAUTH2 over TLS", {"OAUTHBEARER", "XOAUTH2"}, TLS, "XOAUTH2", "XOAUTH2", {0}},
    {"no part of a name", {"PLAIN", "CRAM-MD5"}, TLS, "XPLAIN PLAINX CRAM-MD5", "CRAM-MD5", {0}},
    {"unusable ones are passed over",
     {"PLAIN", "LOGIN", "CRAM-MD5"},
     PLAINTEXT,
     "PLAIN LOGIN CRAM-MD5",
     "CRAM-MD5",
     {0}},
    {"PLAIN is not in the default",
     {0},
     TLS,
     "PLAIN LOGIN",
     NULL,
     {"the server offers PLAIN LOGIN;", "configured by default: SCRAM-SHA-256-PLUS, SCRAM-SHA-256",
      "add PLAIN to Mechanisms"}},
    {"PLAIN without TLS",
     {"PLAIN", "LOGIN"},
     PLAINTEXT,
     "LOGIN PLAIN",
     NULL,
     {"offers LOGIN PLAIN; configured: PLAIN, LOGIN; "
      "PLAIN, LOGIN would show the password without TLS"}},
    {"token without TLS",
     {"XOAUTH2", "OAUTHBEARER"},
     PLAINTEXT,
     "XOAUTH2 OAUTHBEARER CRAM-MD5",
     NULL,
     {"XOAUTH2, OAUTHBEARER would show the token without TLS; add CRAM-MD5 to Mechanisms"}},
    {"PLUS alone without TLS",
     {"SCRAM-SHA-1-PLUS"},
     PLAINTEXT,
     "SCRAM-SHA-1-PLUS",
     NULL,
     {"SCRAM-SHA-1-PLUS would have to be bound to TLS"}},
    {"PLUS alone without binding",
     {"SCRAM-SHA-256-PLUS"},
     TLS,
     "SCRAM-SHA-256-PLUS",
     NULL,
     {"gives no channel binding"}},
    {"EXTERNAL without certificate",
     {"EXTERNAL"},
     TLS,
     "EXTERNAL",
     NULL,
     {"EXTERNAL needs TLS with a client certificate"}},
    {"no AUTH without TLS",
     {0},
     PLAINTEXT,
     NULL,
     NULL,
     {"the server offers no login (AUTH) without TLS; configured by default: "}},
    {"no AUTH with TLS",
     {"PLAIN"},
     TLS,
     NULL,
     NULL,
     {"the server offers no login (AUTH); configured: PLAIN"}},
    {"AUTH without mechanisms", {"PLAIN"}, TLS, "", NULL, {"offers no login"}},
    {"the offer is cleaned", {"PLAIN"}, TLS, "X\033[2J", NULL, {"offers X?[2J;"}},
    {"a long offer is cut",
     {"PLAIN"},
     TLS,
     "AAAAAAAAAAAAAAAAAAAA BBBBBBBBBBBBBBBBBBBB CCCCCCCCCCCCCCCCCCCC DDDDDDDDDDDDDDDDDDDD "
     "EEEEEEEEEEEEEEEEEEEE FFFFFFFFFFFFFFFFFFFF",
     NULL,
     {"EEE…; configured: PLAIN"}},
};

START_TEST(choice_case)
{
    const struct choice_case *c = &choice_cases[_i];
    struct sasl_facts facts = facts_of(c->world, c->mechanisms[0] == NULL ? NULL : c->mechanisms);
    struct mox_error err = {0};
    const struct sasl_mechanism *m = sasl_choose(&facts, c->offered, &err);

    ck_assert_msg((m != NULL) == (c->chosen != NULL), "%s: %s", c->name,
                  m == NULL ? err.message : sasl_mechanism_name(m));
    ck_assert_ptr_eq(sasl_choose(&facts, c->offered, NULL), m);
    if (m != NULL) {
        ck_assert_str_eq(sasl_mechanism_name(m), c->chosen);
        return;
    }
    ck_assert_int_eq(err.code, MOX_E_AUTH);
    ck_assert_int_eq(err.stage, MOX_STAGE_AUTH);
    ck_assert_int_eq(err.permanent, 1);
    ck_assert_int_eq(err.action, MOX_ACTION_GIVE_UP);
    for (size_t i = 0; c->told[i] != NULL; i++)
        ck_assert_msg(strstr(err.message, c->told[i]) != NULL, "%s: %s", c->name, err.message);
    ck_assert_ptr_null(strstr(err.message, "opensesame"));
}
END_TEST

START_TEST(an_empty_list_is_the_default)
{
    static const char *const none[] = {NULL};
    struct sasl_facts facts = facts_of(PLAINTEXT, none);
    const struct sasl_mechanism *m = sasl_choose(&facts, "CRAM-MD5", NULL);

    ck_assert_ptr_nonnull(m);
    ck_assert_str_eq(sasl_mechanism_name(m), "CRAM-MD5");
    ck_assert(!sasl_wants_token(m));
}
END_TEST

TCase *test_smtp_sasl_choice(void)
{
    TCase *tcase = tcase_create("smtp/sasl_choice");

    tcase_add_loop_test(tcase, choice_case, 0, (int)ARRAY_LEN(choice_cases));
    tcase_add_test(tcase, an_empty_list_is_the_default);
    return tcase;
}
