/* test_policy_certificate.c - names that cover, what is shown of a certificate, and words. */
#include <stdio.h>
#include <string.h>

#include <mbedtls/oid.h>

#include "base/limits.h"
#include "odd_certificate.h"
#include "policy/certificate.h"
#include "test.h"

static const int64_t now = 1700000000;
static const char *const mx[] = {"mx.example.org", NULL};

static struct certificate_finding found;
static struct mox_error err;

/* As an anchor itself, so that the name alone decides. */
static int check_names(const mbedtls_x509_crt *chain, const char *const *names)
{
    struct certificate_request request = {chain, chain, names, now};

    return certificate_check(&request, &found, &err);
}

static void assert_refused(const char *says)
{
    ck_assert_int_eq(err.code, MOX_E_VERIFY);
    ck_assert_int_eq(found.fault, CERTIFICATE_OTHER_NAME);
    ck_assert_str_eq(found.name, "");
    ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
}

static const struct name_case {
    const char *name;
    const char *dns[4], *wanted[4];
    const char *matched; /* NULL: none */
} name_cases[] = {
    {"the same", {"mx.example.org"}, {"mx.example.org"}, "mx.example.org"},
    {"but for case", {"MX.Example.ORG"}, {"mx.example.org"}, "MX.Example.ORG"},
    {"another", {"my.example.org"}, {"mx.example.org"}, NULL},
    {"above it", {"example.org"}, {"mx.example.org"}, NULL},
    {"below it", {"a.mx.example.org"}, {"mx.example.org"}, NULL},
    {"begins so", {"mx.example.org.evil.example"}, {"mx.example.org"}, NULL},
    {"a final dot", {"mx.example.org."}, {"mx.example.org"}, NULL},
    {"none", {NULL}, {"mx.example.org"}, NULL},
    {"none is wanted", {"mx.example.org"}, {NULL}, NULL},
    {"an empty one", {""}, {"mx.example.org"}, NULL},
    {"an empty one is wanted", {""}, {""}, NULL},
    {"the second of both", {"a.example", "b.example"}, {"c.example", "b.example"}, "b.example"},
    {"the first wanted", {"a.example", "b.example"}, {"b.example", "a.example"}, "b.example"},
    {"wildcard", {"*.example.org"}, {"mx.example.org"}, "*.example.org"},
    {"wildcard but for case", {"*.EXAMPLE.org"}, {"mx.example.org"}, "*.EXAMPLE.org"},
    {"wildcard for an A-label", {"*.example.org"}, {"xn--bcher-kva.example.org"}, "*.example.org"},
    {"wildcard for two labels", {"*.example.org"}, {"a.mx.example.org"}, NULL},
    {"wildcard for none", {"*.example.org"}, {"example.org"}, NULL},
    {"wildcard for an empty label", {"*.example.org"}, {".example.org"}, NULL},
    {"wildcard over a top level", {"*.org"}, {"example.org"}, "*.org"},
    {"wildcard alone", {"*"}, {"localhost"}, NULL},
    {"wildcard and a dot", {"*."}, {"localhost"}, NULL},
    {"wildcard in a label", {"m*.example.org"}, {"mx.example.org"}, NULL},
    {"wildcard in an A-label", {"xn--*.example.org"}, {"xn--bcher-kva.example.org"}, NULL},
    {"wildcard behind a label", {"mx.*.org"}, {"mx.example.org"}, NULL},
    {"two wildcards", {"*.*.org"}, {"mx.example.org"}, NULL},
    {"a wildcard is no name", {"*.example.org"}, {"*"}, NULL},
};

START_TEST(name_case)
{
    const struct name_case *c = &name_cases[_i];
    struct credential *made = credential_new(&(struct credential_request){
        .name = "mx.example.org", .dns = c->dns}); /* the common name never counts */
    char name[CERTIFICATE_NAME] = "";
    bool matches = certificate_matches(&made->chain, c->wanted, name);

    ck_assert_msg(matches == (c->matched != NULL), "%s: \"%s\"", c->name, name);
    ck_assert_str_eq(name, c->matched == NULL ? "" : c->matched);
    ck_assert_int_eq(check_names(&made->chain, c->wanted), matches ? MOX_OK : MOX_E_VERIFY);
    if (matches)
        ck_assert_str_eq(found.name, c->matched);
    else
        ck_assert_int_eq(found.fault, CERTIFICATE_OTHER_NAME);
    credential_free(made);
}
END_TEST

/* A NUL, control characters, what is no UTF-8, an address and a mail address beside DNS names. */
static const unsigned char hostile_names[] = {
    0x30, 51,   0x82, 20,  'm', 'x', '.',  'e', 'x',  'a', 'm', 'p', 'l',  'e',  '.', 'o', 'r', 'g',
    0,    '.',  'e',  'v', 'i', 'l', 0x82, 5,   0x1b, '[', '2', 'J', 0xff, 0x87, 4,   192, 0,   2,
    1,    0x81, 3,    'a', '@', 'b', 0x82, 9,   'b',  '.', 'e', 'x', 'a',  'm',  'p', 'l', 'e'};

START_TEST(foreign_bytes_in_names)
{
    static const char *const wanted[] = {"mx.example.org", "mx", "192.0.2.1", NULL};
    struct credential *root = credential_root("Root");
    struct odd odd = {.of = root,
                      .key = &root->key,
                      .subject = "CN=x",
                      .issuer = "CN=Root",
                      .oid = MBEDTLS_OID_SUBJECT_ALT_NAME,
                      .oid_len = MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME),
                      .bytes = hostile_names,
                      .len = sizeof hostile_names};
    struct arena arena = {0};
    char name[CERTIFICATE_NAME];
    const char *const *names;
    mbedtls_x509_crt chain;

    mbedtls_x509_crt_init(&chain);
    add_odd(&chain, &odd);
    ck_assert(!certificate_matches(&chain, wanted, name));
    names = certificate_names(&chain, &arena);
    ck_assert_str_eq(names[0], "mx.example.org?.evil");
    ck_assert_str_eq(names[1], "?[2J?");
    ck_assert_str_eq(names[2], "b.example");
    ck_assert_ptr_null(names[3]);
    arena_free(&arena);

    check_names(&chain, wanted);
    assert_refused("not for mx.example.org or mx or 192.0.2.1, but for mx.example.org?.evil, "
                   "?[2J? and 1 more");
    mbedtls_x509_crt_free(&chain);
    credential_free(root);
}
END_TEST

START_TEST(many_names)
{
    char text[MOX_LIMIT_CERTIFICATE_NAMES + 6][16];
    const char *dns[MOX_LIMIT_CERTIFICATE_NAMES + 7] = {NULL};
    struct arena arena = {0};
    struct credential *made;
    const char *const *names;
    size_t n = 0;

    for (size_t i = 0; i < MOX_LIMIT_CERTIFICATE_NAMES + 6; i++) {
        snprintf(text[i], sizeof text[i], "n%02zu.example", i);
        dns[i] = text[i];
    }
    made = credential_new(&(struct credential_request){.name = "many", .dns = dns});
    names = certificate_names(&made->chain, &arena);
    while (names[n] != NULL)
        n++;
    ck_assert_uint_eq(n, MOX_LIMIT_CERTIFICATE_NAMES);
    arena_free(&arena);
    ck_assert_int_eq(check_names(&made->chain, &dns[n + 5]), MOX_OK);
    check_names(&made->chain, mx);
    assert_refused("n00.example, n01.example and 68 more");
    credential_free(made);
}
END_TEST

START_TEST(no_names)
{
    struct credential *made =
        credential_new(&(struct credential_request){.name = "mx.example.org"});
    struct arena arena = {0};

    ck_assert_ptr_null(*certificate_names(&made->chain, &arena));
    arena_free(&arena);
    check_names(&made->chain, mx);
    assert_refused("not for mx.example.org: it has no DNS name at all");
    credential_free(made);
}
END_TEST

static const struct {
    const char *from;
    int64_t until_s;
} ends[] = {
    {"the epoch's end", 2147483647},
    {"a leap day", 951782399 + 1},
    {"the day behind it", 951868800},
    {"the end of a year", 1735689599},
    {"UTCTime's last year", 2524607999},
    {"GeneralizedTime", 4102444800},
    {"a century without a leap day", 4107542400},
};

START_TEST(expiry)
{
    struct credential *made = credential_new(
        &(struct credential_request){.name = "x", .from_s = 1, .until_s = ends[_i].until_s});

    ck_assert_msg(certificate_expiry(&made->chain) == ends[_i].until_s, "%s", ends[_i].from);
    credential_free(made);
}
END_TEST

START_TEST(names_of_faults)
{
    ck_assert_str_eq(certificate_fault_name(CERTIFICATE_GOOD), "success");
    ck_assert_str_eq(certificate_fault_name(CERTIFICATE_EXPIRED), "certificate-expired");
    ck_assert_str_eq(certificate_fault_name(CERTIFICATE_NOT_TRUSTED), "certificate-not-trusted");
    ck_assert_str_eq(certificate_fault_name(CERTIFICATE_OTHER_NAME), "certificate-host-mismatch");
    ck_assert_str_eq(certificate_fault_name(CERTIFICATE_INVALID), "validation-failure");
    ck_assert_str_eq(certificate_fault_name(99), "unknown");
}
END_TEST

START_TEST(names_without_memory)
{
    struct credential *server = issue("mx.example.org", NULL, false);
    bool failed;
    long nth = 0;

    do {
        struct arena arena = {0};
        const char *const *names;

        test_fail_alloc(++nth);
        names = certificate_names(&server->chain, &arena);
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert_int_eq(names == NULL, failed);
        arena_free(&arena);
    } while (failed);
    ck_assert_int_gt(nth, 1);
    credential_free(server);
}
END_TEST

TCase *test_policy_certificate(void)
{
    TCase *tcase = tcase_create("policy/certificate");

    tcase_add_loop_test(tcase, name_case, 0, (int)ARRAY_LEN(name_cases));
    tcase_add_test(tcase, foreign_bytes_in_names);
    tcase_add_test(tcase, many_names);
    tcase_add_test(tcase, no_names);
    tcase_add_loop_test(tcase, expiry, 0, (int)ARRAY_LEN(ends));
    tcase_add_test(tcase, names_of_faults);
    tcase_add_test(tcase, names_without_memory);
    return tcase;
}
