/* test_policy_certificate_path.c - paths that lead to an anchor, and all that is wrong with them.
 */
#include <string.h>

#include <mbedtls/oid.h>
#include <mbedtls/rsa.h>

#include "base/limits.h"
#include "odd_certificate.h"
#include "policy/certificate.h"
#include "test.h"

enum { BEFORE = 946684799, FROM = 946684800 };

static const int64_t now = 1700000000, until = 2208988800;
static const char *const mx[] = {"mx.example.org", NULL};

/* root issued between, which issued server; rival is a root of the same name. */
static struct credential *root, *between, *server, *rival;
static struct certificate_finding found;
static struct mox_error err;

static void setup(void)
{
    root = credential_root("Root");
    rival = credential_root("Root");
    between = issue("Between", root, true);
    server = issue("mx.example.org", between, false);
}

static void teardown(void)
{
    credential_free(root);
    credential_free(rival);
    credential_free(between);
    credential_free(server);
}

static int check_names(const mbedtls_x509_crt *chain, const mbedtls_x509_crt *anchors, int64_t at,
                       const char *const *names)
{
    struct certificate_request request = {chain, anchors, names, at};
    int status;

    memset(&found, 0x55, sizeof found);
    memset(&err, 0, sizeof err);
    status = certificate_check(&request, &found, &err);
    ck_assert_int_eq(err.code, status);
    ck_assert_int_eq(status == MOX_OK, found.fault == CERTIFICATE_GOOD);
    if (status != MOX_OK)
        ck_assert_str_eq(found.name, "");
    return status;
}

static int check(const mbedtls_x509_crt *chain, const struct credential *anchor)
{
    return check_names(chain, anchor == NULL ? NULL : &anchor->chain, now, mx);
}

static void assert_refused(int fault, const char *says)
{
    ck_assert_int_eq(err.code, MOX_E_VERIFY);
    ck_assert_int_eq(err.permanent, 0);
    ck_assert_msg((int)found.fault == fault, "%s: %s", certificate_fault_name((int)found.fault),
                  err.message);
    ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
}

START_TEST(dates_of_the_server)
{
    ck_assert_int_eq(check_names(&server->chain, &root->chain, FROM, mx), MOX_OK);
    ck_assert_int_eq(check_names(&server->chain, &root->chain, until, mx), MOX_OK);
    check_names(&server->chain, &root->chain, BEFORE, mx);
    assert_refused(CERTIFICATE_EXPIRED, "\"CN=Root\" is not valid before 2000-01-01");
    check_names(&server->chain, &root->chain, until + 1, mx);
    assert_refused(CERTIFICATE_EXPIRED, "\"CN=Root\" expired on 2040-01-01");
}
END_TEST

/* 0: the server's own; 1: between; 2: the anchor. The clock of this machine says nothing. */
START_TEST(dates_of_each)
{
    static const char *const says[] = {"verify: it expired on 2001-09-09",
                                       "its chain's \"CN=B\" expired on 2001-09-09",
                                       "its chain's \"CN=R\" expired on 2001-09-09"};
    static const char *const names[] = {"mx.example.org", NULL};
    struct credential *r, *b, *s;
    int64_t end = 1000000000;

    r = credential_new(
        &(struct credential_request){.name = "R", .authority = true, .until_s = _i == 2 ? end : 0});
    b = credential_new(&(struct credential_request){
        .name = "B", .authority = true, .of = r, .until_s = _i == 1 ? end : 0});
    s = credential_new(&(struct credential_request){
        .name = "S", .dns = names, .of = b, .until_s = _i == 0 ? end : 0});
    ck_assert_int_eq(check_names(&s->chain, &r->chain, end, mx), MOX_OK);
    check_names(&s->chain, &r->chain, end + 1, mx);
    assert_refused(CERTIFICATE_EXPIRED, says[_i]);
    credential_free(r);
    credential_free(b);
    credential_free(s);
}
END_TEST

START_TEST(a_chain_to_its_root)
{
    ck_assert_int_eq(check(&server->chain, root), MOX_OK);
    ck_assert_str_eq(found.name, "mx.example.org");
    ck_assert_int_eq(check(&server->chain, between), MOX_OK); /* an anchor need not be a root */
    ck_assert_int_eq(check_names(&server->chain, &root->chain, now, NULL), MOX_OK);
    ck_assert_str_eq(found.name, "");
}
END_TEST

START_TEST(no_anchor)
{
    check(&server->chain, NULL);
    assert_refused(CERTIFICATE_NOT_TRUSTED,
                   "no trust anchor has signed its chain's \"CN=Between\" (issuer \"CN=Root\")");
    check(&server->chain, rival); /* only the name is right */
    assert_refused(CERTIFICATE_NOT_TRUSTED,
                   "no trust anchor has signed its chain's \"CN=Between\"");
    check(NULL, root);
    assert_refused(CERTIFICATE_INVALID, "the server showed no certificate");
}
END_TEST

START_TEST(two_anchors_of_one_name)
{
    mbedtls_x509_crt anchors;

    mbedtls_x509_crt_init(&anchors);
    add_copy(&anchors, &rival->chain);
    add_copy(&anchors, &root->chain);
    ck_assert_int_eq(check_names(&server->chain, &anchors, now, mx), MOX_OK);
    mbedtls_x509_crt_free(&anchors);
}
END_TEST

START_TEST(the_issuer_was_not_sent)
{
    mbedtls_x509_crt chain;

    mbedtls_x509_crt_init(&chain);
    add_copy(&chain, &server->chain);
    check(&chain, root);
    assert_refused(CERTIFICATE_NOT_TRUSTED,
                   "verify: no trust anchor has signed it (issuer \"CN=Between\")");
    mbedtls_x509_crt_free(&chain);
}
END_TEST

START_TEST(the_issuer_is_another)
{
    struct credential *fake = issue("Between", root, true);
    mbedtls_x509_crt chain;

    mbedtls_x509_crt_init(&chain);
    add_copy(&chain, &server->chain);
    add_copy(&chain, &fake->chain);
    check(&chain, root);
    assert_refused(CERTIFICATE_NOT_TRUSTED, "verify: it is not really signed by \"CN=Between\"");
    mbedtls_x509_crt_free(&chain);
    credential_free(fake);
}
END_TEST

START_TEST(the_issuer_is_no_authority)
{
    struct credential *server_of_server = issue("far.example.org", server, false);

    check(&server_of_server->chain, root);
    assert_refused(CERTIFICATE_NOT_TRUSTED, "no trust anchor has signed it");
    check(&server_of_server->chain, server); /* not as an anchor either */
    assert_refused(CERTIFICATE_NOT_TRUSTED, "no trust anchor has signed it");
    credential_free(server_of_server);
}
END_TEST

START_TEST(self_signed)
{
    struct credential *made = issue("mx.example.org", NULL, false);

    check(&made->chain, root);
    assert_refused(CERTIFICATE_NOT_TRUSTED, "verify: it is self-signed and no trust anchor");
    check(&rival->chain, NULL);
    assert_refused(CERTIFICATE_NOT_TRUSTED, "it is self-signed");
    credential_free(made);
}
END_TEST

START_TEST(the_chain_ends_at_a_strange_root)
{
    mbedtls_x509_crt chain;

    mbedtls_x509_crt_init(&chain);
    add_copy(&chain, &server->chain);
    add_copy(&chain, &between->chain);
    add_copy(&chain, &root->chain);
    ck_assert_int_eq(check(&chain, root), MOX_OK);
    check(&chain, NULL);
    assert_refused(CERTIFICATE_NOT_TRUSTED,
                   "no trust anchor has signed its chain's \"CN=Root\", where it ends");
    mbedtls_x509_crt_free(&chain);
}
END_TEST

/* The server's own certificate is the anchor: no issuer is needed, dates and names are. */
START_TEST(pinned)
{
    static const char *const other[] = {"other.example", NULL};
    mbedtls_x509_crt alone;

    mbedtls_x509_crt_init(&alone);
    add_copy(&alone, &server->chain);
    ck_assert_int_eq(check(&alone, server), MOX_OK);
    ck_assert_int_eq(check(&server->chain, server), MOX_OK);
    check_names(&alone, &alone, until + 1, mx);
    assert_refused(CERTIFICATE_EXPIRED, "it expired");
    check_names(&alone, &alone, now, other);
    assert_refused(CERTIFICATE_OTHER_NAME, "not for other.example, but for mx.example.org");
    mbedtls_x509_crt_free(&alone);
}
END_TEST

/* Extended key usage: clients; clients and servers; any. */
static const struct use_case {
    const char *name;
    unsigned char bytes[24];
    size_t len;
    bool good;
} uses[] = {
    {"clients", {0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2}, 12, false},
    {"both",
     {0x30, 20, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1},
     22,
     true},
    {"any", {0x30, 6, 6, 4, 0x55, 0x1d, 0x25, 0}, 8, true},
};

/* On the server's certificate, and on the one between. */
START_TEST(extended_key_usage)
{
    const struct use_case *use = &uses[_i];
    struct odd odd = {.of = root,
                      .key = &server->key,
                      .subject = "CN=Between",
                      .issuer = "CN=Root",
                      .oid = MBEDTLS_OID_EXTENDED_KEY_USAGE,
                      .oid_len = MBEDTLS_OID_SIZE(MBEDTLS_OID_EXTENDED_KEY_USAGE),
                      .bytes = use->bytes,
                      .len = use->len};
    mbedtls_x509_crt chain;

    mbedtls_x509_crt_init(&chain);
    add_odd(&chain, &odd);
    ck_assert_int_eq(check_names(&chain, &root->chain, now, NULL),
                     use->good ? MOX_OK : MOX_E_VERIFY);
    if (!use->good)
        assert_refused(CERTIFICATE_INVALID, "it is not meant for TLS servers");
    mbedtls_x509_crt_free(&chain);

    mbedtls_x509_crt_init(&chain);
    odd.key = &between->key;
    odd.authority = true;
    add_copy(&chain, &server->chain);
    add_odd(&chain, &odd);
    ck_assert_int_eq(check(&chain, root), use->good ? MOX_OK : MOX_E_VERIFY);
    if (!use->good)
        assert_refused(CERTIFICATE_INVALID, "its chain's \"CN=Between\" is not meant for");
    mbedtls_x509_crt_free(&chain);
}
END_TEST

START_TEST(weak_hash)
{
    struct odd odd = {.of = root,
                      .key = &server->key,
                      .subject = "CN=x",
                      .issuer = "CN=Root",
                      .md = _i == 0 ? MBEDTLS_MD_SHA1 : MBEDTLS_MD_SHA224};
    mbedtls_x509_crt chain;

    mbedtls_x509_crt_init(&chain);
    add_odd(&chain, &odd);
    check_names(&chain, &root->chain, now, NULL);
    assert_refused(CERTIFICATE_INVALID, "it is signed with a weak hash");
    ck_assert_int_eq(check_names(&chain, &chain, now, NULL), MOX_OK); /* the hash proves nothing */
    mbedtls_x509_crt_free(&chain);
}
END_TEST

START_TEST(weak_key)
{
    struct odd odd = {.of = root, .subject = "CN=x", .issuer = "CN=Root"};
    mbedtls_pk_context key;
    mbedtls_x509_crt chain;
    uint64_t chance = 9;

    mbedtls_pk_init(&key);
    mbedtls_x509_crt_init(&chain);
    if (_i == 0) {
        ck_assert_int_eq(mbedtls_pk_setup(&key, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA)), 0);
        ck_assert_int_eq(
            mbedtls_rsa_gen_key(mbedtls_pk_rsa(key), authority_random, &chance, 1024, 65537), 0);
    } else {
        ck_assert_int_eq(mbedtls_pk_setup(&key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)), 0);
        ck_assert_int_eq(mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP192R1, mbedtls_pk_ec(key),
                                             authority_random, &chance),
                         0);
    }
    odd.key = &key;
    add_odd(&chain, &odd);
    check_names(&chain, &root->chain, now, NULL);
    assert_refused(CERTIFICATE_INVALID, "weak key");
    check_names(&chain, &chain, now, NULL); /* nor as an anchor */
    assert_refused(CERTIFICATE_INVALID, "weak key");
    mbedtls_x509_crt_free(&chain);
    mbedtls_pk_free(&key);
}
END_TEST

/* The one between may have nothing between itself and servers. */
START_TEST(bound_on_the_path)
{
    struct odd first = {.of = root,
                        .key = &between->key,
                        .subject = "CN=Between",
                        .issuer = "CN=Root",
                        .authority = true,
                        .max_path = 1};
    struct credential *second = issue("Second", between, true);
    struct credential *far = issue("mx.example.org", second, false);
    mbedtls_x509_crt chain;

    mbedtls_x509_crt_init(&chain);
    add_copy(&chain, &server->chain);
    add_odd(&chain, &first);
    ck_assert_int_eq(check(&chain, root), MOX_OK);
    mbedtls_x509_crt_free(&chain);

    mbedtls_x509_crt_init(&chain);
    add_copy(&chain, &far->chain);
    add_copy(&chain, &second->chain);
    add_odd(&chain, &first);
    check(&chain, root);
    assert_refused(CERTIFICATE_NOT_TRUSTED, "no trust anchor has signed its chain's \"CN=Second\"");
    mbedtls_x509_crt_free(&chain);
    credential_free(far);
    credential_free(second);
}
END_TEST

/* As many as go between, and one more. */
START_TEST(long_chains)
{
    struct credential *made[MOX_LIMIT_CHAIN] = {root};
    mbedtls_x509_crt sent;
    size_t n = 1;

    for (; n < MOX_LIMIT_CHAIN; n++) {
        char name[] = {'A', (char)('a' + n), '\0'};

        made[n] = n + 1 < MOX_LIMIT_CHAIN ? issue(name, made[n - 1], true)
                                          : issue("mx.example.org", made[n - 1], false);
    }
    ck_assert_int_eq(check(&made[n - 1]->chain, root), MOX_OK);
    mbedtls_x509_crt_init(&sent);
    for (const mbedtls_x509_crt *at = &made[n - 1]->chain; at != NULL; at = at->next)
        add_copy(&sent, at);
    add_copy(&sent, &root->chain);
    ck_assert_int_eq(check(&sent, root), MOX_OK); /* MOX_LIMIT_CHAIN of them */
    add_copy(&sent, &rival->chain);
    check(&sent, root);
    assert_refused(CERTIFICATE_INVALID, "it came with more than 9 others");
    mbedtls_x509_crt_free(&sent);
    while (--n > 0)
        credential_free(made[n]);
}
END_TEST

/* Four behind the server's own, of which one is a stranger, in all 24 orders; none is lost. */
START_TEST(without_an_order)
{
    struct credential *second = issue("Second", between, true);
    struct credential *third = issue("Third", second, true);
    struct credential *far = issue("mx.example.org", third, false);
    const mbedtls_x509_crt *sent[] = {&rival->chain, &between->chain, &second->chain,
                                      &third->chain};
    size_t left = ARRAY_LEN(sent), order = (size_t)_i, n = 0;
    mbedtls_x509_crt chain;

    mbedtls_x509_crt_init(&chain);
    add_copy(&chain, &far->chain);
    for (; left > 0; order /= left, left--) {
        size_t next = order % left;

        add_copy(&chain, sent[next]);
        sent[next] = sent[left - 1];
    }
    ck_assert_int_eq(check(&chain, root), MOX_OK);
    for (const mbedtls_x509_crt *at = &chain; at != NULL; at = at->next)
        n++;
    ck_assert_uint_eq(n, 1 + ARRAY_LEN(sent));
    mbedtls_x509_crt_free(&chain);
    credential_free(far);
    credential_free(third);
    credential_free(second);
}
END_TEST

/* Anchors are shared by threads. mbedTLS keeps a number with an RSA key once it was used. */
START_TEST(anchors_are_only_read)
{
    struct credential *made = credential_new(
        &(struct credential_request){.name = "R", .key = AUTHORITY_RSA, .authority = true});
    struct credential *signed_by_it = issue("mx.example.org", made, false);

    ck_assert_int_eq(check(&signed_by_it->chain, made), MOX_OK);
    ck_assert_ptr_null(mbedtls_pk_rsa(made->chain.pk)->MBEDTLS_PRIVATE(RN).MBEDTLS_PRIVATE(p));
    credential_free(made);
    credential_free(signed_by_it);
}
END_TEST

/* Without memory nothing is good; mbedTLS takes a signature that it had no room to check for a bad
 * one. */
START_TEST(survives_without_memory)
{
    const mbedtls_x509_crt *anchors = _i == 0 ? &root->chain : &server->chain;
    bool failed;
    long nth = 0;

    do {
        struct certificate_request request = {&server->chain, anchors, mx, now};
        int status;

        nth += 1 + nth / 8; /* the signatures alone take thousands */
        test_fail_alloc(nth);
        status = certificate_check(&request, &found, &err);
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert_msg(failed ? status == MOX_E_NOMEM || status == MOX_E_VERIFY : status == MOX_OK,
                      "%ld: %d", nth, status);
        ck_assert_int_eq(found.fault == CERTIFICATE_GOOD, status == MOX_OK);
    } while (failed);
}
END_TEST

TCase *test_policy_certificate_path(void)
{
    TCase *tcase = tcase_create("policy/certificate paths");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, dates_of_the_server);
    tcase_add_loop_test(tcase, dates_of_each, 0, 3);
    tcase_add_test(tcase, a_chain_to_its_root);
    tcase_add_test(tcase, no_anchor);
    tcase_add_test(tcase, two_anchors_of_one_name);
    tcase_add_test(tcase, the_issuer_was_not_sent);
    tcase_add_test(tcase, the_issuer_is_another);
    tcase_add_test(tcase, the_issuer_is_no_authority);
    tcase_add_test(tcase, self_signed);
    tcase_add_test(tcase, the_chain_ends_at_a_strange_root);
    tcase_add_test(tcase, pinned);
    tcase_add_loop_test(tcase, extended_key_usage, 0, (int)ARRAY_LEN(uses));
    tcase_add_loop_test(tcase, weak_hash, 0, 2);
    tcase_add_loop_test(tcase, weak_key, 0, 2);
    tcase_add_test(tcase, bound_on_the_path);
    tcase_add_test(tcase, long_chains);
    tcase_add_loop_test(tcase, without_an_order, 0, 24);
    tcase_add_test(tcase, anchors_are_only_read);
    tcase_add_loop_test(tcase, survives_without_memory, 0, 2);
    return tcase;
}
