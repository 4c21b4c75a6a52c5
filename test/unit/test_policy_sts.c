/* test_policy_sts.c - the MTA-STS record and policy: the public vectors, and what they leave out.
 */
#include "policy/sts.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/buffer.h"
#include "base/domain.h"
#include "base/limits.h"
#include "test.h"
#include "vector_script.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

static const struct vector_departure departures[] = {{"policy-070", "the vector allows both"},
                                                     {"policy-072", "the vector allows both"},
                                                     {"policy-105", "D23: capped"},
                                                     {"policy-109", "D23: capped"},
                                                     {"records-026", "D23: the first id"},
                                                     {NULL, NULL}};

static bool check_records(const char *name, const json_t *c)
{
    static const char *const results[] = {[STS_RECORD_OK] = "record",
                                          [STS_RECORD_ABSENT] = "none",
                                          [STS_RECORD_MULTIPLE] = "multiple",
                                          [STS_RECORD_SYNTAX] = "syntax"};
    const json_t *list = json_object_get(c, "texts"), *mox = json_object_get(c, "mox"), *text;
    struct buffer bytes[8] = {{0}};
    struct slice texts[8];
    char id[STS_ID + 1] = "";
    size_t i;
    enum sts_record_result result;
    bool departs;

    ck_assert_uint_le(json_array_size(list), ARRAY_LEN(texts));
    json_array_foreach(list, i, text)
    {
        vector_append(&bytes[i], text);
        texts[i] = buffer_slice(&bytes[i]);
    }
    result = sts_record_read(texts, json_array_size(list), id);
    departs = strcmp(results[result], text_of(mox, "result")) != 0;
    vector_departs(departures, c, departs);
    ck_assert_msg(departs ? result == STS_RECORD_OK : strcmp(id, text_of(mox, "id")) == 0,
                  "%s: %s, id %s", name, results[result], id);
    for (i = 0; i < ARRAY_LEN(bytes); i++)
        buffer_free(&bytes[i]);
    return departs;
}

/* Returns whether max_age was capped, which is not as mox does. */
static bool check_values(const char *name, const struct sts_policy *policy, const json_t *mox)
{
    const json_t *list = json_object_get(mox, "mx"), *value;
    const char *host;
    struct domain domain;
    size_t i;
    json_int_t age = json_integer_value(json_object_get(mox, "max_age"));

    ck_assert_msg(strcmp(sts_mode_name(policy->mode), text_of(mox, "mode")) == 0, "%s: mode", name);
    ck_assert_msg((json_int_t)policy->max_age_s == (age > 31557600 ? 31557600 : age),
                  "%s: max_age %u", name, policy->max_age_s);
    json_array_foreach(list, i, value)
    {
        ck_assert_msg(policy->mx[i] != NULL && strcmp(policy->mx[i], json_string_value(value)) == 0,
                      "%s: mx %zu", name, i);
    }
    ck_assert_msg(policy->mx[i] == NULL, "%s: over %zu mx", name, i);
    json_object_foreach(json_object_get(mox, "matches"), host, value)
    {
        ck_assert_int_eq(domain_parse(slice_of(host), &domain, NULL), MOX_OK);
        ck_assert_msg(sts_policy_allows(policy, domain.name) == json_is_true(value), "%s: host %s",
                      name, host);
    }
    return (json_int_t)policy->max_age_s != age;
}

/* A policy that mox refuses and we take is not looked at closer. */
static bool check_policy(const char *name, const json_t *c)
{
    const json_t *mox = json_object_get(c, "mox");
    bool accepts = json_is_true(json_object_get(mox, "accept")), departs;
    struct sts_policy policy;
    struct arena arena = {0};
    struct mox_error err = {0};
    struct buffer bytes = {0};
    int status;

    vector_append(&bytes, json_object_get(c, "text"));
    status = sts_policy_read(buffer_slice(&bytes), &policy, &arena, &err);
    departs = (status == MOX_OK) != accepts;
    if (status == MOX_OK && accepts)
        departs = check_values(name, &policy, mox);
    vector_departs(departures, c, departs);
    if (status != MOX_OK)
        ck_assert_msg(status == MOX_E_PROTOCOL && err.message[0] != '\0', "%s: no words", name);
    buffer_free(&bytes);
    arena_free(&arena);
    return departs;
}

START_TEST(the_public_vectors)
{
    const char *path = test_vector_path("mtasts.json");
    json_t *file = path == NULL ? NULL : json_load_file(path, 0, NULL);
    const json_t *cases = json_object_get(file, "cases"), *c;
    size_t i, records = 0, policies = 0, departed = 0;

    if (path == NULL)
        return;
    json_array_foreach(cases, i, c)
    {
        char name[128];

        snprintf(name, sizeof name, "%s, %s", text_of(c, "id"), text_of(c, "note"));
        if (strcmp(text_of(c, "kind"), "records") == 0) {
            departed += check_records(name, c);
            records++;
        } else {
            departed += check_policy(name, c);
            policies++;
        }
    }
    ck_assert_uint_gt(records, 0);
    ck_assert_uint_gt(policies, 0);
    vector_all_met(departures, departed);
    json_decref(file);
}
END_TEST

static const struct record_case {
    const char *name, *first, *second; /* second NULL: one record */
    int result;
    const char *id;
} record_cases[] = {
    {"no record", "", NULL, STS_RECORD_ABSENT, ""},
    {"the semicolon at once, all blanks left out", "v=STSv1;id=20160831085700Z;", NULL,
     STS_RECORD_OK, "20160831085700Z"},
    {"nothing behind the version", "v=STSv1;", NULL, STS_RECORD_SYNTAX, ""},
    {"version without semicolon", "v=STSv1 id=1", NULL, STS_RECORD_ABSENT, ""},
    {"a longer version", "v=STSv10; id=1", NULL, STS_RECORD_ABSENT, ""},
    {"id of 33", "v=STSv1; id=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL, STS_RECORD_SYNTAX, ""},
    {"id empty", "v=STSv1; id=;", NULL, STS_RECORD_SYNTAX, ""},
    {"id in capitals", "v=STSv1; ID=1", NULL, STS_RECORD_SYNTAX, ""},
    {"the first id counts", "v=STSv1; id=1; id=2", NULL, STS_RECORD_OK, "1"},
    {"a second id that is none", "v=STSv1; id=1; id=-", NULL, STS_RECORD_SYNTAX, ""},
    {"no key", "v=STSv1; =1; id=1", NULL, STS_RECORD_SYNTAX, ""},
    {"key begins with _", "v=STSv1; _a=1; id=1", NULL, STS_RECORD_SYNTAX, ""},
    {"key of 32", "v=STSv1; aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=1; id=1", NULL, STS_RECORD_OK, "1"},
    {"key of 33", "v=STSv1; aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=1; id=1", NULL, STS_RECORD_SYNTAX,
     ""},
    {"two equals signs", "v=STSv1; id=1; a==", NULL, STS_RECORD_SYNTAX, ""},
    {"blank about the equals sign", "v=STSv1; id =1", NULL, STS_RECORD_SYNTAX, ""},
    {"two semicolons", "v=STSv1; id=1;;", NULL, STS_RECORD_SYNTAX, ""},
    {"two records", "v=STSv1; id=1", "v=STSv1; id=1", STS_RECORD_MULTIPLE, ""},
    {"another record first", "v=spf1 -all", "v=STSv1; id=2", STS_RECORD_OK, "2"},
};

START_TEST(record_case)
{
    const struct record_case *c = &record_cases[_i];
    struct slice texts[] = {slice_of(c->first), slice_of(c->second)};
    char id[STS_ID + 1] = "";

    ck_assert_msg((int)sts_record_read(texts, c->second == NULL ? 1 : 2, id) == c->result, "%s",
                  c->name);
    ck_assert_str_eq(id, c->id);
}
END_TEST

START_TEST(a_record_with_a_nul_is_wrong)
{
    struct slice text = {"v=STSv1; id=1; a\0b=c", 20};
    char id[STS_ID + 1];

    ck_assert_int_eq(sts_record_read(&text, 1, id), STS_RECORD_SYNTAX);
    ck_assert_int_eq(sts_record_read(NULL, 0, id), STS_RECORD_ABSENT);
}
END_TEST

#define HEAD "version: STSv1\nmode: enforce\n"

static const struct policy_case {
    const char *name, *text;
    const char *wrong; /* in the message; NULL: it is taken */
    const char *shown; /* policy->text; NULL: as given */
} policy_cases[] = {
    {"empty", "", "it has no version", NULL},
    {"no mode", "version: STSv1\nmax_age: 1\nmx: a\n", "it has no mode", NULL},
    {"no max_age", HEAD "mx: a\n", "it has no max_age", NULL},
    {"no mx", HEAD "max_age: 1\n", "it has no mx", NULL},
    {"none needs no mx", "version: STSv1\nmode: none\nmax_age: 1\n", NULL, NULL},
    {"the last line without its end", HEAD "mx: a\nmax_age: 1", NULL, HEAD "mx: a\nmax_age: 1\n"},
    {"line ends and blank lines", "\nversion:STSv1 \r\nmode: none\r\n\t\nmax_age: 1\r\n", NULL,
     "\nversion:STSv1\nmode: none\n\nmax_age: 1\n"},
    {"tabs", "version:\tSTSv1\nmode: \tnone\nmax_age:\t\t1\t\n", NULL,
     "version: STSv1\nmode:  none\nmax_age:  1\n"},
    {"another version", "version: STSv2\n", "line 1: \"STSv2\" is no version", NULL},
    {"a second version is passed over", HEAD "version: STSv2\nmx: a\nmax_age: 1\n", NULL, NULL},
    {"a mode in capitals", "version: STSv1\nmode: Enforce\n", "line 2: \"Enforce\" is no mode",
     NULL},
    {"a key in capitals is another", "Version: STSv1\n", "it has no version", NULL},
    {"max_age of 11 digits", HEAD "max_age: 00000000001\n", "is no max_age", NULL},
    {"max_age empty", HEAD "max_age:\n", "is no max_age", NULL},
    {"no colon", HEAD "mx\n", "line 3: \"mx\" is no \"key: value\"", NULL},
    {"blank before the colon", HEAD "mx : a\n", "is no \"key: value\"", NULL},
    {"blank before the key", HEAD " mx: a\n", "is no \"key: value\"", NULL},
    {"a U-label", HEAD "mx: m\303\274nchen.example\n", "is no host name", NULL},
    {"a fullwidth name", HEAD "mx: \357\275\215x.example\n", "is no host name", NULL},
    {"a broken A-label", HEAD "mx: xn--a.example\n", "is no host name", NULL},
    {"a final dot", HEAD "mx: a.example.\n", "is no host name", NULL},
    {"an IPv4 address", HEAD "mx: 192.0.2.1\n", "is no host name", NULL},
    {"a star alone", HEAD "mx: *\n", "is no host name", NULL},
    {"a star and a dot", HEAD "mx: *.\n", "is no host name", NULL},
    {"two stars", HEAD "mx: *.*.example\n", "is no host name", NULL},
    {"an unknown key without value", HEAD "a:\n", "is no value", NULL},
    {"an unknown key with a tab", HEAD "a: b\tc\n", "has a control character", NULL},
    {"CR within a line", HEAD "mx: a\rb\n", "\"a?b\" is no host name", NULL},
    {"words of an unknown key, 8-bit", HEAD "mx: a\nmax_age: 1\na: b c \303\244\377\n", NULL,
     HEAD "mx: a\nmax_age: 1\na: b c \303\244?\n"},
};

START_TEST(policy_case)
{
    const struct policy_case *c = &policy_cases[_i];
    struct sts_policy policy;
    struct arena arena = {0};
    struct mox_error err = {0};
    int status = sts_policy_read(slice_of(c->text), &policy, &arena, &err);

    if (c->wrong == NULL) {
        ck_assert_msg(status == MOX_OK, "%s: %s", c->name, err.message);
        ck_assert_str_eq(policy.text, c->shown == NULL ? c->text : c->shown);
        ck_assert_int_eq(sts_policy_read(slice_of(policy.text), &policy, &arena, NULL), MOX_OK);
        ck_assert_str_eq(policy.text, c->shown == NULL ? c->text : c->shown);
    } else {
        ck_assert_msg(status == MOX_E_PROTOCOL, "%s: status %d", c->name, status);
        ck_assert_msg(strstr(err.message, c->wrong) != NULL, "%s: %s", c->name, err.message);
        ck_assert_int_eq(err.about, MOX_ABOUT_DOMAIN);
    }
    arena_free(&arena);
}
END_TEST

START_TEST(hosts_match_whole_labels)
{
    static const struct {
        const char *host;
        bool allowed;
    } hosts[] = {
        {"mx.example.org", true},
        {"mx.example.orgx", false},
        {"xmx.example.org", false},
        {"a.example.net", true},
        {"a.b.example.net", false},
        {"example.net", false},
        {".example.net", false},
        {"aexample.net", false},
        {"*.example.net", true},
        {"mail.example.com", true},
        {"", false},
        {"com", false},
    };
    struct sts_policy policy;
    struct arena arena = {0};

    ck_assert_int_eq(sts_policy_read(slice_of(HEAD "mx: MX.example.ORG\nmx: *.example.net\n"
                                                   "mx: mail.example.com\nmax_age: 1\n"),
                                     &policy, &arena, NULL),
                     MOX_OK);
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
        ck_assert_msg(sts_policy_allows(&policy, hosts[i].host) == hosts[i].allowed, "%s",
                      hosts[i].host);
    arena_free(&arena);
}
END_TEST

START_TEST(as_many_mx_as_a_policy_holds)
{
    struct buffer text = {0};
    struct sts_policy policy;
    struct arena arena = {0};
    size_t n = 0;

    ck_assert_int_eq(buffer_append_text(&text, HEAD "max_age: 1\n"), MOX_OK);
    for (; text.len + 5 <= MOX_LIMIT_STS_POLICY; n++)
        ck_assert_int_eq(buffer_append_text(&text, "mx:a\n"), MOX_OK);
    ck_assert_int_eq(sts_policy_read(buffer_slice(&text), &policy, &arena, NULL), MOX_OK);
    ck_assert_str_eq(policy.mx[n - 1], "a");
    ck_assert_ptr_null(policy.mx[n]);
    buffer_free(&text);
    arena_free(&arena);
}
END_TEST

START_TEST(no_memory_is_said)
{
    static const char text[] = HEAD "mx: mx.xn--mnchen-3ya.example\nmax_age: 1\n";
    bool failed = true;
    int status = MOX_OK;

    for (long nth = 1; failed; nth++) {
        struct sts_policy policy;
        struct arena arena = {0};

        test_fail_alloc(nth);
        status = sts_policy_read(slice_of(text), &policy, &arena, NULL);
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert_int_eq(status, failed ? MOX_E_NOMEM : MOX_OK);
        arena_free(&arena);
    }
    ck_assert_int_eq(status, MOX_OK);
}
END_TEST

TCase *test_policy_sts(void)
{
    TCase *tc = tcase_create("policy/sts");

    tcase_add_test(tc, the_public_vectors);
    tcase_add_loop_test(tc, record_case, 0, (int)ARRAY_LEN(record_cases));
    tcase_add_test(tc, a_record_with_a_nul_is_wrong);
    tcase_add_loop_test(tc, policy_case, 0, (int)ARRAY_LEN(policy_cases));
    tcase_add_test(tc, hosts_match_whole_labels);
    tcase_add_test(tc, as_many_mx_as_a_policy_holds);
    tcase_add_test(tc, no_memory_is_said);
    return tc;
}
