/* test_policy_dane.c - the public vectors of DANE, what is usable, and what is said of a refusal.
 */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/limits.h"
#include "odd_certificate.h"
#include "policy/dane.h"
#include "test.h"
#include "vector_script.h"

enum { RECORDS = 40, BYTES = 8192, SUM = 32, EE = 3, TA = 2, CERT = 0, SPKI = 1 };

static const int64_t now = 1700000000, late = 4000000000;
static const char *const mx[] = {"mx.example.org", NULL};
static const char *const other[] = {"other.example", NULL};

/* root issued between, which issued server for mx.example.org. */
static struct credential *root, *between, *server, *stranger;

static void setup(void)
{
    root = credential_root("Root");
    between = issue("Between", root, true);
    server = issue("mx.example.org", between, false);
    stranger = issue("mx.example.org", NULL, false);
}

static void teardown(void)
{
    credential_free(root);
    credential_free(between);
    credential_free(server);
    credential_free(stranger);
}

/* Records, and their bytes. */
static struct {
    struct dane_record records[RECORDS];
    size_t n, used;
    char bytes[BYTES];
    struct mox_error err;
    size_t matched;
} world;

static void add_bytes(int usage, int selector, int matching, struct slice data)
{
    struct dane_record *record = &world.records[world.n++];

    ck_assert_uint_le(world.used + data.len, sizeof world.bytes);
    *record = (struct dane_record){(uint8_t)usage, (uint8_t)selector, (uint8_t)matching, data};
    record->data.ptr = memcpy(world.bytes + world.used, data.ptr, data.len);
    world.used += data.len;
}

/* A record for a certificate. */
static void add_record(int usage, int selector, int matching, const struct credential *of)
{
    const mbedtls_x509_buf *part = selector == CERT ? &of->chain.raw : &of->chain.pk_raw;
    unsigned char sum[64];
    struct slice data = {(const char *)part->p, part->len};

    if (matching != 0) {
        ck_assert_int_eq(matching == 1 ? mbed_sha256(part->p, part->len, sum)
                                       : mbed_sha512(part->p, part->len, sum),
                         0);
        data = (struct slice){(const char *)sum, matching == 1 ? SUM : 2 * SUM};
    }
    add_bytes(usage, selector, matching, data);
}

static int verify_at(const mbedtls_x509_crt *chain, const char *const *names, int64_t at)
{
    struct dane_request request = {world.records, world.n, chain, names, at};
    int status;

    world.matched = 99;
    memset(&world.err, 0, sizeof world.err);
    status = dane_verify(&request, &world.matched, &world.err);
    ck_assert_int_eq(world.err.code, status);
    return status;
}

static int verify(const struct credential *shown)
{
    return verify_at(&shown->chain, mx, now);
}

static void assert_refused(const char *says)
{
    bool anchored = strstr(world.err.message, "names a trust anchor") != NULL;

    ck_assert_int_eq(world.err.code, MOX_E_VERIFY);
    ck_assert_int_eq(world.err.permanent, 0);
    ck_assert_msg(anchored ? world.matched < world.n && world.records[world.matched].usage == 2
                           : world.matched == world.n,
                  "record %zu of %zu", world.matched, world.n);
    ck_assert_msg(strstr(world.err.message, says) != NULL, "%s", world.err.message);
}

static void forget(void)
{
    world.n = world.used = 0;
}

static unsigned char from_hex(const char *text)
{
    unsigned byte = 0;

    ck_assert_int_eq(sscanf(text, "%2x", &byte), 1);
    return (unsigned char)byte;
}

static void take_records(const json_t *records)
{
    const json_t *record;
    size_t i;

    forget();
    json_array_foreach(records, i, record)
    {
        const char *hex = json_string_value(json_object_get(record, "data"));
        char data[BYTES];
        size_t len = 0;

        for (; hex[2 * len] != '\0'; len++)
            data[len] = (char)from_hex(hex + 2 * len);
        add_bytes((int)json_integer_value(json_object_get(record, "usage")),
                  (int)json_integer_value(json_object_get(record, "selector")),
                  (int)json_integer_value(json_object_get(record, "matching")),
                  (struct slice){data, len});
    }
}

static void take_chain(const json_t *certs, const json_t *names, mbedtls_x509_crt *chain)
{
    const json_t *name;
    size_t i;

    mbedtls_x509_crt_init(chain);
    json_array_foreach(names, i, name)
    {
        const json_t *pem = json_object_get(certs, json_string_value(name));

        ck_assert_int_eq(mbedtls_x509_crt_parse(chain,
                                                (const unsigned char *)json_string_value(pem),
                                                json_string_length(pem) + 1),
                         0);
    }
}

/* In the words of the vectors. */
static const char *outcome(const json_t *c, const mbedtls_x509_crt *chain)
{
    const json_t *usable = json_object_get(c, "usable"), *name;
    const char *names[8] = {NULL};
    size_t i, n = 0;

    for (i = 0; i < world.n; i++) {
        if (dane_usable(&world.records[i]))
            ck_assert_int_eq(json_integer_value(json_array_get(usable, n++)), (int)i);
    }
    ck_assert_uint_eq(n, json_array_size(usable));
    json_array_foreach(json_object_get(c, "names"), i, name) names[i] = json_string_value(name);
    if (n == 0)
        return world.n == 0 ? "no-dane" : "tls-unverified";
    return verify_at(chain, names, now) == MOX_OK ? "verified" : "refused";
}

static const struct vector_departure departures[] = {{NULL, NULL}};

static bool check_vector(const json_t *certs, const json_t *c)
{
    const char *id = json_string_value(json_object_get(c, "id")), *got, *wanted;
    const json_t *matched = json_object_get(c, "matched");
    bool departs;
    mbedtls_x509_crt chain;

    take_chain(certs, json_object_get(c, "chain"), &chain);
    take_records(json_object_get(c, "records"));
    got = outcome(c, &chain);
    departs = strcmp(got, json_string_value(json_object_get(c, "result"))) != 0;
    vector_departs(departures, c, departs);
    wanted = json_string_value(json_object_get(c, departs ? "also" : "result"));
    ck_assert_msg(strcmp(got, wanted) == 0, "%s: %s: %s", id, got, world.err.message);
    if (json_is_integer(matched))
        ck_assert_msg(world.matched == (size_t)json_integer_value(matched), "%s: record %zu", id,
                      world.matched);
    mbedtls_x509_crt_free(&chain);
    return departs;
}

START_TEST(vectors_agree)
{
    const char *path = test_vector_path("dane.json");
    json_error_t error;
    json_t *vectors;
    const json_t *c;
    size_t i, departed = 0;

    if (path == NULL)
        return;
    vectors = json_load_file(path, 0, &error);
    ck_assert_msg(vectors != NULL, "%s", error.text);
    ck_assert_uint_gt(json_array_size(json_object_get(vectors, "cases")), 0);
    json_array_foreach(json_object_get(vectors, "cases"), i, c) departed +=
        check_vector(json_object_get(vectors, "certs"), c);
    vector_all_met(departures, departed);
    json_decref(vectors);
}
END_TEST

static const struct form_case {
    const char *name;
    int usage, selector, matching;
    size_t len; /* of zeroes */
    bool usable;
} forms[] = {
    {"PKIX-TA", 0, 1, 1, 32, false},
    {"PKIX-EE", 1, 1, 1, 32, false},
    {"DANE-TA", 2, 0, 1, 32, true},
    {"DANE-EE", 3, 1, 2, 64, true},
    {"private usage", 255, 1, 1, 32, false},
    {"another usage", 4, 1, 1, 32, false},
    {"another selector", 3, 2, 1, 32, false},
    {"private selector", 3, 255, 1, 32, false},
    {"another matching type", 3, 1, 3, 32, false},
    {"private matching", 3, 1, 255, 32, false},
    {"SHA-256, short", 3, 1, 1, 31, false},
    {"SHA-256, long", 3, 1, 1, 33, false},
    {"SHA-512, short", 3, 1, 2, 63, false},
    {"SHA-512, long", 3, 1, 2, 65, false},
    {"SHA-512 of SHA-256", 3, 1, 2, 32, false},
    {"no data", 3, 1, 1, 0, false},
    {"no certificate", 3, 0, 0, 0, false},
    {"no key", 3, 1, 0, 0, false},
    {"zeroes as certificate", 2, 0, 0, 64, false},
    {"zeroes as key", 2, 1, 0, 64, false},
};

START_TEST(form_case)
{
    static const char zeroes[72];
    const struct form_case *c = &forms[_i];
    struct dane_record record = {
        (uint8_t)c->usage, (uint8_t)c->selector, (uint8_t)c->matching, {zeroes, c->len}};

    ck_assert_msg(dane_usable(&record) == c->usable, "%s", c->name);
}
END_TEST

/* A certificate, and a key: whole, cut at each byte, with a byte behind, and taken for the other.
 */
START_TEST(whole_ones)
{
    const mbedtls_x509_buf *part = _i == CERT ? &server->chain.raw : &server->chain.pk_raw;
    char bytes[2048] = "";
    struct dane_record record = {EE, (uint8_t)_i, 0, {bytes, part->len}};

    memcpy(bytes, part->p, part->len);
    ck_assert(dane_usable(&record));
    record.usage = TA;
    ck_assert(dane_usable(&record));
    record.selector = (uint8_t)!_i;
    ck_assert(!dane_usable(&record));
    record.selector = (uint8_t)_i;
    for (record.data.len = 0; record.data.len < part->len; record.data.len++)
        ck_assert(!dane_usable(&record));
    record.data.len = part->len + 1;
    ck_assert(!dane_usable(&record));
}
END_TEST

/* One element too many inside, and one too few. */
START_TEST(whole_ones_of_other_parts)
{
    const mbedtls_x509_buf *key = &server->chain.pk_raw;
    char bytes[256];
    struct dane_record record = {EE, SPKI, 0, {bytes, key->len + 2}};

    ck_assert_int_lt(key->p[1], 0x7e); /* its length has one byte */
    memcpy(bytes, key->p, key->len);
    memcpy(bytes + key->len, "\5\0", 2);
    bytes[1] = (char)(key->p[1] + 2);
    ck_assert(!dane_usable(&record));
    record.data = (struct slice){"\x30\4\x30\2\6\0", 6};
    ck_assert(!dane_usable(&record));
    record.data = (struct slice){"\x30\6\x30\4\6\2\x2a\3", 8}; /* no key behind its algorithm */
    ck_assert(!dane_usable(&record));
}
END_TEST

START_TEST(from_rdata)
{
    struct dane_record record;
    char text[32];

    for (size_t len = 0; len < 3; len++)
        ck_assert(!dane_record_read((struct slice){"\3\1\1", len}, &record));
    ck_assert(dane_record_read((struct slice){"\3\1\2", 3}, &record));
    ck_assert_uint_eq(record.data.len, 0);
    ck_assert_uint_eq(dane_record_text(&record, text, sizeof text), 6);
    ck_assert_str_eq(text, "3 1 2 ");
    ck_assert(dane_record_read((struct slice){"\xff\0\1\x0a\xf0\x7f", 6}, &record));
    ck_assert_uint_eq(dane_record_text(&record, text, sizeof text), 14);
    ck_assert_str_eq(text, "255 0 1 0af07f");
    ck_assert_uint_eq(dane_record_text(&record, text, 10), 14);
    ck_assert_str_eq(text, "255 0 1 0");
    ck_assert_uint_eq(dane_record_text(&record, NULL, 0), 14);
}
END_TEST

/* Each selector and matching type, for the server's own and for each of its chain. */
START_TEST(every_kind_of_record)
{
    const struct credential *const of[] = {server, between, root};

    for (int kind = 0; kind < 6; kind++) {
        for (size_t i = 0; i < ARRAY_LEN(of); i++) {
            bool sent = of[i] != root, whole = kind % 3 == 0 && kind / 3 == CERT;

            forget();
            add_record(TA, kind / 3, kind % 3, of[i]);
            ck_assert_int_eq(verify(server), sent || whole ? MOX_OK : MOX_E_VERIFY);
            forget();
            add_record(EE, kind / 3, kind % 3, of[i]);
            ck_assert_int_eq(verify(server), of[i] == server ? MOX_OK : MOX_E_VERIFY);
        }
    }
}
END_TEST

START_TEST(usage_3_looks_at_nothing_else)
{
    add_record(EE, SPKI, 1, server);
    ck_assert_int_eq(verify_at(&server->chain, other, late), MOX_OK);
    ck_assert_uint_eq(world.matched, 0);
}
END_TEST

START_TEST(usage_2_looks_at_names_and_dates)
{
    add_record(TA, SPKI, 1, between);
    verify_at(&server->chain, other, now);
    assert_refused("DANE: 1 usable TLSA record, which does not verify: 2 1 1 ");
    assert_refused("… names a trust anchor, but the server's certificate is not for other.example, "
                   "but for mx.example.org");
    verify_at(&server->chain, mx, late);
    assert_refused(
        "but the server's certificate does not verify: its chain's \"CN=Between\" expired");
    forget();
    add_record(TA, CERT, 1, server); /* its own */
    ck_assert_int_eq(verify(server), MOX_OK);
    verify_at(&server->chain, other, now);
    assert_refused("is not for other.example");
    verify_at(&server->chain, mx, late);
    assert_refused("it expired on");
}
END_TEST

/* An anchor that was sent and issued nothing of the path; one that was made for the name. */
START_TEST(anchors_that_prove_nothing)
{
    struct credential *fake = issue("Between", NULL, true);
    mbedtls_x509_crt chain;

    mbedtls_x509_crt_init(&chain);
    add_copy(&chain, &stranger->chain);
    add_copy(&chain, &root->chain);
    add_record(TA, SPKI, 1, root);
    verify_at(&chain, mx, now);
    assert_refused("it is self-signed");
    mbedtls_x509_crt_free(&chain);

    mbedtls_x509_crt_init(&chain);
    add_copy(&chain, &server->chain);
    add_copy(&chain, &fake->chain);
    forget();
    add_record(TA, CERT, 1, fake);
    verify_at(&chain, mx, now);
    assert_refused("it is not really signed by \"CN=Between\"");
    mbedtls_x509_crt_free(&chain);
    credential_free(fake);
}
END_TEST

START_TEST(the_first_that_verifies)
{
    add_bytes(1, SPKI, 1, (struct slice){"x", 1}); /* unusable */
    add_record(EE, SPKI, 1, stranger);
    add_record(TA, SPKI, 1, stranger);
    add_record(TA, CERT, 0, stranger); /* an anchor, of another path */
    add_record(TA, SPKI, 2, between);
    add_record(EE, SPKI, 1, server);
    ck_assert_int_eq(verify(server), MOX_OK);
    ck_assert_uint_eq(world.matched, 4);
}
END_TEST

START_TEST(what_it_could_be)
{
    char own[80], says[160];

    add_record(EE, SPKI, 1, server);
    dane_record_text(&world.records[0], own, sizeof own);
    forget();
    add_record(EE, SPKI, 1, stranger);
    snprintf(says, sizeof says,
             "DANE: 1 usable TLSA record, which does not match; this certificate's 3 1 1 would be "
             "%s",
             own + 6);
    verify(server);
    assert_refused(says);
    add_record(TA, CERT, 2, stranger);
    add_bytes(0, SPKI, 1, (struct slice){own, SUM});
    verify(server);
    assert_refused("DANE: 2 usable TLSA records, none matches; this certificate's 3 1 1 would be ");
    ck_assert_ptr_nonnull(strstr(world.err.message, own + 6));
}
END_TEST

START_TEST(nothing_to_go_by)
{
    verify_at(NULL, mx, now);
    assert_refused("DANE: the server showed no certificate");
    add_record(1, SPKI, 1, server);
    verify(server);
    assert_refused("DANE: none of the 1 TLSA records is usable");
}
END_TEST

/* Each anchor costs a verification: there is an end to that, but not to comparing. */
START_TEST(most_anchors)
{
    for (int i = 0; i < MOX_LIMIT_DANE_ANCHORS; i++)
        add_record(TA, CERT, 0, stranger);
    verify(server);
    assert_refused("no trust anchor");
    ck_assert_ptr_null(strstr(world.err.message, "more anchors"));
    add_record(TA, CERT, 1, between);
    verify(server);
    assert_refused("; more anchors were named than are tried");
    add_record(EE, CERT, 1, server);
    ck_assert_int_eq(verify(server), MOX_OK);
    forget();
    for (int i = 0; i < MOX_LIMIT_DANE_ANCHORS * 3; i++)
        add_record(TA, CERT, 1, stranger); /* not sent: no anchor */
    add_record(TA, CERT, 1, between);
    ck_assert_int_eq(verify(server), MOX_OK);
}
END_TEST

/* It has the form of a certificate and is none. */
START_TEST(a_whole_one_that_cannot_be_read)
{
    char bytes[2048];
    struct slice data = {bytes, between->chain.raw.len};

    memcpy(bytes, between->chain.raw.p, data.len);
    bytes[8] = 0x55; /* where its version was */
    add_bytes(TA, CERT, 0, data);
    ck_assert(dane_usable(&world.records[0]));
    verify(server);
    assert_refused("which does not match");
}
END_TEST

/* mbedTLS takes a signature that it had no room to check for a bad one. */
START_TEST(survives_without_memory)
{
    bool failed;
    long nth = 0;

    add_record(TA, CERT, 0, _i == 0 ? between : root);
    do {
        struct dane_request request = {world.records, world.n, &server->chain, mx, now};
        int status;

        nth += 1 + nth / 8; /* the signatures alone take thousands */
        test_fail_alloc(nth);
        status = dane_verify(&request, &world.matched, &world.err);
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert_msg(failed ? status == MOX_E_NOMEM || status == MOX_E_VERIFY : status == MOX_OK,
                      "%ld: %d", nth, status);
        if (nth <= 2)
            ck_assert_int_eq(status, MOX_E_NOMEM);
    } while (failed);
    ck_assert_int_gt(nth, 10);
}
END_TEST

TCase *test_policy_dane(void)
{
    TCase *tcase = tcase_create("policy/dane");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_checked_fixture(tcase, forget, NULL);
    tcase_add_test(tcase, vectors_agree);
    tcase_add_loop_test(tcase, form_case, 0, (int)ARRAY_LEN(forms));
    tcase_add_loop_test(tcase, whole_ones, 0, 2);
    tcase_add_test(tcase, whole_ones_of_other_parts);
    tcase_add_test(tcase, from_rdata);
    tcase_add_test(tcase, every_kind_of_record);
    tcase_add_test(tcase, usage_3_looks_at_nothing_else);
    tcase_add_test(tcase, usage_2_looks_at_names_and_dates);
    tcase_add_test(tcase, anchors_that_prove_nothing);
    tcase_add_test(tcase, the_first_that_verifies);
    tcase_add_test(tcase, what_it_could_be);
    tcase_add_test(tcase, nothing_to_go_by);
    tcase_add_test(tcase, most_anchors);
    tcase_add_test(tcase, a_whole_one_that_cannot_be_read);
    tcase_add_loop_test(tcase, survives_without_memory, 0, 2);
    return tcase;
}
