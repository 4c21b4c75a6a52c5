/*
 * test_smtp_sasl_scram.c - SCRAM against the examples of its RFCs, against a server written here,
 * and against servers that cheat. The examples with channel binding, and those of prepared names
 * and passwords, were computed by another implementation (Python's hashlib).
 */
#include <stdio.h>
#include <string.h>

#include <check.h>
#include <mbedtls/base64.h>

#include "base/error.h"
#include "base/mbed.h"
#include "smtp/sasl_machine.h"
#include "test.h"

#define NONCE_1 "fyko+d2lbbFgONRv9qkxdawL"
#define BOTH_1 NONCE_1 "3rfcNHYJY1ZVvWVs7j"
#define FIRST_1 "r=" BOTH_1 ",s=QSXCR+Q6sek8bf92,i=4096"
#define NONCE_256 "rOprNGfwEbeRWgbNEkqO"
#define BOTH_256 NONCE_256 "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define FIRST_256 "r=" BOTH_256 ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define FINAL_256 "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

#define S(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* What a login is made of; zero: SCRAM-SHA-256 for user, pencil, without TLS. */
struct setting {
    const char *mechanism, *user, *password, *nonce; /* nonce NULL: of zero bytes */
    const char *binding;                             /* its name; NULL: none */
    size_t binding_len;
    const char *const *mechanisms;
    const char *offered;
    bool tls;
};

static const char *or_else(const char *text, const char *other)
{
    return text == NULL ? other : text;
}

/* NULL: no memory, or the mechanism was not chosen. */
static struct sasl *begin(const struct setting *s)
{
    const char *const list[] = {or_else(s->mechanism, "SCRAM-SHA-256"), NULL};
    const char *offered = or_else(s->offered, list[0]);
    struct sasl_facts facts = {
        .mechanisms = s->mechanisms == NULL ? list : s->mechanisms,
        .username = or_else(s->user, "user"),
        .password = or_else(s->password, "pencil"),
        .tls = s->tls || s->binding != NULL,
        .binding_name = s->binding,
        .binding_len = s->binding_len,
    };
    const struct sasl_mechanism *m = sasl_choose(&facts, offered, NULL);
    struct sasl *sasl;

    for (size_t i = 0; i < s->binding_len; i++)
        facts.binding[i] = (unsigned char)i;
    sasl = m == NULL ? NULL : sasl_new(m, &facts, offered);
    if (sasl != NULL && s->nonce != NULL)
        snprintf(sasl->nonce, sizeof sasl->nonce, "%s", s->nonce);
    return sasl;
}

static void expect(const char *name, struct buffer *out, const char *want)
{
    struct slice got = buffer_slice(out);

    ck_assert_msg(slice_is(got, want), "%s: \"%.*s\"", name, (int)got.len, got.ptr);
    buffer_free(out);
}

/* ------------------------------------------------------------------------------------------------
 * examples */

static const struct vector {
    const char *name;
    struct setting setting;
    const char *client_first, *server_first, *client_final, *server_final;
} vectors[] = {
    {"RFC 5802",
     {.mechanism = "SCRAM-SHA-1", .nonce = NONCE_1},
     "n,,n=user,r=" NONCE_1,
     FIRST_1,
     "c=biws,r=" BOTH_1 ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
     "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    {"RFC 7677",
     {.mechanism = "SCRAM-SHA-256", .nonce = NONCE_256},
     "n,,n=user,r=" NONCE_256,
     FIRST_256,
     "c=biws,r=" BOTH_256 ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
     FINAL_256},
    {"SHA-256-PLUS, tls-exporter",
     {.mechanism = "SCRAM-SHA-256-PLUS",
      .nonce = NONCE_256,
      .binding = "tls-exporter",
      .binding_len = 32},
     "p=tls-exporter,,n=user,r=" NONCE_256,
     FIRST_256,
     "c=cD10bHMtZXhwb3J0ZXIsLAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f,r=" BOTH_256
     ",p=QC6CS20quADQRb3mT99YUH+n3VJxUvzuK0K0E1Vrs2M=",
     "v=2GiAgapEppLVlUXbxUDksL3VgYHzuqiK5tR4mhJGgvs="},
    {"SHA-1-PLUS, tls-unique",
     {.mechanism = "SCRAM-SHA-1-PLUS",
      .nonce = NONCE_1,
      .binding = "tls-unique",
      .binding_len = 12},
     "p=tls-unique,,n=user,r=" NONCE_1,
     FIRST_1,
     "c=cD10bHMtdW5pcXVlLCwAAQIDBAUGBwgJCgs=,r=" BOTH_1 ",p=ResgVA2w6fEFiwzXkrPSGTt/RSg=",
     "v=HKBeWjn99U5AvtgAjz6m1d81mhk="},
    {"y, the server has no PLUS",
     {.nonce = NONCE_256,
      .mechanisms = (const char *const[]){"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", NULL},
      .offered = "SCRAM-SHA-256",
      .binding = "tls-exporter",
      .binding_len = 32},
     "y,,n=user,r=" NONCE_256,
     FIRST_256,
     "c=eSws,r=" BOTH_256 ",p=FoqiHTtQEDE8lz1CdaEe3tK4mS+iMDTl77SPyDS53DY=",
     "v=dI4KpiQJwBr1+V+K6U1dA6l6I4I9DUNXWND4pcpRU3U="},
    {"prepared: NFC, escapes, a no-break space",
     {.user = "us,e=re\xcc\x81", .password = "pe\xcc\x81\xc2\xa0ncil", .nonce = NONCE_256},
     "n,,n=us=2Ce=3Dr\xc3\xa9,r=" NONCE_256,
     "r=" BOTH_256 ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2048",
     "c=biws,r=" BOTH_256 ",p=bThcPZOwS6IMSo0apr5kX3qkEFsdnZkl+kN8muK2FWk=",
     "v=cLwOFpVybof2MptCLYja14FqOomwaO2hann7WGFLzwY="},
};

START_TEST(vector)
{
    const struct vector *v = &vectors[_i];
    struct sasl *sasl = begin(&v->setting);
    struct buffer out = {0};

    ck_assert_ptr_nonnull(sasl);
    ck_assert_int_eq(sasl_first(sasl, &out, NULL), 1);
    expect(v->name, &out, v->client_first);
    ck_assert_int_eq(sasl_next(sasl, slice_of(v->server_first), &out, NULL), MOX_OK);
    expect(v->name, &out, v->client_final);
    ck_assert(!sasl_done(sasl));
    ck_assert_int_eq(sasl_next(sasl, slice_of(v->server_final), &out, NULL), MOX_OK);
    expect(v->name, &out, "");
    ck_assert(sasl_done(sasl));
    ck_assert_int_eq(sasl_next(sasl, slice_of(v->server_final), &out, NULL), MOX_E_AUTH);
    ck_assert(!sasl_done(sasl));
    sasl_free(sasl);
}
END_TEST

/* ------------------------------------------------------------------------------------------------
 * the GS2 header */

static const struct {
    const char *name, *mechanisms[5], *offered;
    const char *binding;
    bool tls;
    const char *header;
} header_cases[] = {
    {"plaintext", {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"}, "SCRAM-SHA-256", NULL, false, "n,,"},
    {"no binding", {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"}, "SCRAM-SHA-256", NULL, true, "n,,"},
    {"PLUS offered, no binding",
     {"SCRAM-SHA-1-PLUS", "SCRAM-SHA-1"},
     "SCRAM-SHA-1-PLUS SCRAM-SHA-1",
     NULL,
     true,
     "n,,"},
    {"PLUS wanted, not offered",
     {"SCRAM-SHA-1-PLUS", "SCRAM-SHA-1"},
     "SCRAM-SHA-1",
     "tls-unique",
     true,
     "y,,"},
    {"default list", {NULL}, "SCRAM-SHA-1 PLAIN", "tls-exporter", true, "y,,"},
    {"default list, the other hash bound",
     {NULL},
     "SCRAM-SHA-256 SCRAM-SHA-1-PLUS",
     "tls-exporter",
     true,
     "y,,"},
    {"PLUS later in the list",
     {"SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"},
     "SCRAM-SHA-1",
     "tls-unique",
     true,
     "n,,"},
    {"PLUS later and offered",
     {"SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"},
     "SCRAM-SHA-1-PLUS SCRAM-SHA-1",
     "tls-unique",
     true,
     "n,,"},
    {"PLUS not in the list", {"SCRAM-SHA-256"}, "SCRAM-SHA-256", "tls-exporter", true, "n,,"},
    {"PLUS of the other hash",
     {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-1"},
     "SCRAM-SHA-1",
     "tls-unique",
     true,
     "n,,"},
    {"PLUS", {"SCRAM-SHA-1-PLUS"}, "SCRAM-SHA-1-PLUS", "tls-unique", true, "p=tls-unique,,"},
};

START_TEST(gs2_header)
{
    struct setting setting = {.mechanisms = header_cases[_i].mechanisms,
                              .offered = header_cases[_i].offered,
                              .binding = header_cases[_i].binding,
                              .tls = header_cases[_i].tls};
    struct sasl *sasl = begin(&setting);
    struct buffer out = {0};
    char want[80];

    ck_assert_ptr_nonnull(sasl);
    snprintf(want, sizeof want, "%sn=user,r=AAAAAAAAAAAAAAAA", header_cases[_i].header);
    ck_assert_int_eq(sasl_first(sasl, &out, NULL), 1);
    expect(header_cases[_i].name, &out, want);
    sasl_free(sasl);
}
END_TEST

/* ------------------------------------------------------------------------------------------------
 * servers that cheat */

#define OURS "AAAAAAAAAAAAAAAA" /* twelve bytes of zero */
#define GOOD_NONCE "r=" OURS "12345678"
#define GOOD_SALT "s=QSXCR+Q6sek="

static const struct {
    const char *name;
    struct slice first;
    const char *told; /* NULL: it is taken */
} first_cases[] = {
    {"the least", S(GOOD_NONCE "," GOOD_SALT ",i=2048"), NULL},
    {"an extension behind", S(GOOD_NONCE "," GOOD_SALT ",i=2048,x=y"), NULL},
    {"mandatory extension", S("m=x," GOOD_NONCE "," GOOD_SALT ",i=2048"), "extension"},
    {"empty", S(""), "nonce"},
    {"other order", S(GOOD_SALT "," GOOD_NONCE ",i=2048"), "nonce"},
    {"our nonce alone", S("r=" OURS "," GOOD_SALT ",i=2048"), "nonce does not continue ours"},
    {"seven more", S("r=" OURS "1234567," GOOD_SALT ",i=2048"), "nonce"},
    {"not our nonce", S("r=BAAAAAAAAAAAAAAA12345678," GOOD_SALT ",i=2048"), "replay"},
    {"a blank in it", S("r=" OURS "1234 5678," GOOD_SALT ",i=2048"), "nonce"},
    {"NUL in it",
     S("r=" OURS "1234\0"
       "5678," GOOD_SALT ",i=2048"),
     "nonce"},
    {"not ASCII", S("r=" OURS "1234567\xc3\xbc," GOOD_SALT ",i=2048"), "nonce"},
    {"no salt", S(GOOD_NONCE ",i=2048"), "has no salt"},
    {"empty salt", S(GOOD_NONCE ",s=,i=2048"), "salt is not"},
    {"short salt", S(GOOD_NONCE ",s=QSXCR+Q6sQ==,i=2048"), "at least 8 bytes"},
    {"salt unpadded", S(GOOD_NONCE ",s=QSXCR+Q6sek,i=2048"), "salt is not base64"},
    {"salt padded inside", S(GOOD_NONCE ",s=QSXC=+Q6sek=,i=2048"), "salt is not base64"},
    {"salt all padding", S(GOOD_NONCE ",s=QSXCR+Q6Q===,i=2048"), "salt is not base64"},
    {"salt with a line end", S(GOOD_NONCE ",s=QSXCR+Q6\nsek,i=2048"), "salt is not base64"},
    {"no iterations", S(GOOD_NONCE "," GOOD_SALT), "no iterations"},
    {"too few", S(GOOD_NONCE "," GOOD_SALT ",i=2047"), "\"2047\" SCRAM iterations; from 2048"},
    {"too many", S(GOOD_NONCE "," GOOD_SALT ",i=1000001"), "MOX_LIMIT_SCRAM_ITERATIONS"},
    {"far too many", S(GOOD_NONCE "," GOOD_SALT ",i=99999999999999999999999"), "iterations"},
    {"empty number", S(GOOD_NONCE "," GOOD_SALT ",i="), "\"\" SCRAM iterations"},
    {"negative", S(GOOD_NONCE "," GOOD_SALT ",i=-2048"), "\"-2048\""},
    {"no number", S(GOOD_NONCE "," GOOD_SALT ",i=2048\033"), "\"2048?\""},
    {"an error", S("e=other-error"), "nonce"},
};

static void check_error(const char *name, const struct mox_error *err, const char *told, int about)
{
    ck_assert_int_eq(err->code, MOX_E_AUTH);
    ck_assert_int_eq(err->stage, MOX_STAGE_AUTH);
    ck_assert_int_eq(err->permanent, 0);
    ck_assert_int_eq(err->action, MOX_ACTION_LATER);
    ck_assert_int_eq(err->about, about);
    ck_assert_msg(strstr(err->message, told) != NULL, "%s: %s", name, err->message);
    ck_assert_ptr_null(strstr(err->message, "pencil"));
}

START_TEST(server_first)
{
    const char *name = first_cases[_i].name, *told = first_cases[_i].told;
    struct sasl *sasl = begin(&(struct setting){0});
    struct mox_error err = {0};
    struct buffer out = {0};
    int status;

    ck_assert_int_eq(sasl_first(sasl, &out, NULL), 1);
    buffer_free(&out);
    status = sasl_next(sasl, first_cases[_i].first, &out, &err);
    ck_assert_msg(status == (told == NULL ? MOX_OK : MOX_E_AUTH), "%s: %s", name, err.message);
    if (told != NULL) {
        check_error(name, &err, told, MOX_ABOUT_HOST);
        expect(name, &out, "");
    }
    buffer_free(&out);
    sasl_free(sasl);
}
END_TEST

static const struct {
    const char *name, *final, *told;
    int about;
} final_cases[] = {
    {"extension behind", FINAL_256 ",x=y", NULL, 0},
    {"one bit", "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "signature is wrong",
     MOX_ABOUT_HOST},
    {"the last byte", "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G8=", "signature is wrong",
     MOX_ABOUT_HOST},
    {"cut", "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl9", "signature is wrong", MOX_ABOUT_HOST},
    {"longer", "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4A", "signature is wrong",
     MOX_ABOUT_HOST},
    {"empty", "v=", "signature is wrong", MOX_ABOUT_HOST},
    {"no base64", "v=6rriTRBi23WpRR_wtup-mMhUZUn_dB5nLTJRsjl95G4=", "signature is wrong",
     MOX_ABOUT_HOST},
    {"nothing", "", "has no signature", MOX_ABOUT_HOST},
    {"behind something", "x=y," FINAL_256, "has no signature", MOX_ABOUT_HOST},
    {"error", "e=invalid-proof", "SCRAM error \"invalid-proof\"", MOX_ABOUT_LOCAL},
    {"error with the password", "e=pencil is wrong", "\"(our secret)\"", MOX_ABOUT_LOCAL},
    {"error, cleaned", "e=\033[1mno", "\"?[1mno\"", MOX_ABOUT_LOCAL},
};

START_TEST(server_final)
{
    const char *name = final_cases[_i].name, *told = final_cases[_i].told;
    struct sasl *sasl = begin(&(struct setting){.nonce = NONCE_256});
    struct mox_error err = {0};
    struct buffer out = {0};
    int status;

    ck_assert_int_eq(sasl_first(sasl, &out, NULL), 1);
    ck_assert_int_eq(sasl_next(sasl, slice_of(FIRST_256), &out, NULL), MOX_OK);
    buffer_free(&out);
    status = sasl_next(sasl, slice_of(final_cases[_i].final), &out, &err);
    ck_assert_msg(status == (told == NULL ? MOX_OK : MOX_E_AUTH), "%s: %s", name, err.message);
    ck_assert(sasl_done(sasl) == (told == NULL));
    expect(name, &out, "");
    if (told != NULL) {
        check_error(name, &err, told, final_cases[_i].about);
        ck_assert_int_eq(sasl_next(sasl, slice_of(FINAL_256), &out, NULL), MOX_E_AUTH);
        ck_assert(!sasl_done(sasl));
    }
    sasl_free(sasl);
}
END_TEST

/* ------------------------------------------------------------------------------------------------
 * a server, written from RFC 5802 section 3 */

struct server {
    const char *password;
    mbedtls_md_type_t md;
    char bare[128], first[128], final[128]; /* bare: the client's */
};

static void server_answer(struct server *s, struct slice client_first)
{
    struct slice header = slice_sub(client_first, 0, strlen("n,,"));
    const char *nonce = strstr(client_first.ptr, ",r=");

    ck_assert(slice_is(header, "n,,"));
    snprintf(s->bare, sizeof s->bare, "%s", client_first.ptr + header.len);
    snprintf(s->first, sizeof s->first, "r=%s+server/Nonce==,s=c2FsdHNhbHQ=,i=2048", nonce + 3);
}

static void hmac(const struct server *s, const unsigned char *key, const char *text,
                 unsigned char *out)
{
    const mbedtls_md_info_t *md = mbedtls_md_info_from_type(s->md);

    ck_assert_int_eq(mbedtls_md_hmac(md, key, mbedtls_md_get_size(md), (const unsigned char *)text,
                                     strlen(text), out),
                     0);
}

/* Whether the proof is right; s->final is made as if it was. */
static bool server_check(struct server *s, const char *client_final)
{
    const mbedtls_md_info_t *md = mbedtls_md_info_from_type(s->md);
    const struct mbed_salted salted = {(const unsigned char *)s->password,
                                       (const unsigned char *)"saltsalt", strlen(s->password), 8};
    const char *proof_text = strstr(client_final, ",p=") + 3;
    unsigned char key[64], client[64], stored[64], signature[64], proof[64];
    char message[512];
    size_t len = mbedtls_md_get_size(md), n = 0;

    snprintf(message, sizeof message, "%s,%s,%.*s", s->bare, s->first,
             (int)(proof_text - 3 - client_final), client_final);
    ck_assert_int_eq(mbed_pbkdf2(s->md, &salted, 2048, key, len), 0);
    hmac(s, key, "Client Key", client);
    ck_assert_int_eq(mbedtls_md(md, client, len, stored), 0);
    hmac(s, stored, message, signature);
    hmac(s, key, "Server Key", key);
    ck_assert_int_eq(mbedtls_base64_decode(proof, sizeof proof, &n,
                                           (const unsigned char *)proof_text, strlen(proof_text)),
                     0);
    for (size_t i = 0; i < len; i++)
        proof[i] ^= signature[i];
    hmac(s, key, message, signature);
    snprintf(s->final, sizeof s->final, "v=");
    ck_assert_int_eq(mbedtls_base64_encode((unsigned char *)s->final + 2, sizeof s->final - 2, &n,
                                           signature, len),
                     0);
    return memcmp(proof, client, len) == 0;
}

static const struct {
    const char *mechanism;
    mbedtls_md_type_t md;
    const char *client, *server; /* their passwords */
    bool same;                   /* once prepared */
} server_cases[] = {
    {"SCRAM-SHA-256", MBEDTLS_MD_SHA256, "pencil", "pencil", true},
    {"SCRAM-SHA-1", MBEDTLS_MD_SHA1, "pencil", "pencil", true},
    {"SCRAM-SHA-256", MBEDTLS_MD_SHA256, "pencil", "pencils", false},
    {"SCRAM-SHA-1", MBEDTLS_MD_SHA1, "pencil", "Pencil", false},
    /* ideographic space; combining ring; a control character: as it is */
    {"SCRAM-SHA-256", MBEDTLS_MD_SHA256,
     "a\xe3\x80\x80"
     "b",
     "a b", true},
    {"SCRAM-SHA-1", MBEDTLS_MD_SHA1, "A\xcc\x8a", "\xc3\x85", true},
    {"SCRAM-SHA-1", MBEDTLS_MD_SHA1, "A\xcc\x8a\x07", "A\xcc\x8a\x07", true},
    {"SCRAM-SHA-1", MBEDTLS_MD_SHA1, "\xff\xc2\xa0", "\xff\xc2\xa0", true},
};

START_TEST(against_a_server)
{
    bool same = server_cases[_i].same;
    struct server server = {.md = server_cases[_i].md, .password = server_cases[_i].server};
    struct sasl *sasl = begin(&(struct setting){.mechanism = server_cases[_i].mechanism,
                                                .password = server_cases[_i].client});
    struct buffer out = {0};

    ck_assert_int_eq(sasl_first(sasl, &out, NULL), 1);
    ck_assert_int_eq(buffer_append(&out, "", 1), MOX_OK);
    server_answer(&server, buffer_slice(&out));
    buffer_free(&out);
    ck_assert_int_eq(sasl_next(sasl, slice_of(server.first), &out, NULL), MOX_OK);
    ck_assert_int_eq(buffer_append(&out, "", 1), MOX_OK);
    ck_assert(server_check(&server, buffer_slice(&out).ptr) == same);
    ck_assert_int_eq(sasl_next(sasl, slice_of(server.final), &out, NULL),
                     same ? MOX_OK : MOX_E_AUTH);
    ck_assert(sasl_done(sasl) == same);
    buffer_free(&out);
    sasl_free(sasl);
}
END_TEST

/* ------------------------------------------------------------------------------------------------
 * memory */

static int run_vector(const struct vector *v, struct mox_error *err)
{
    struct buffer out = {0};
    struct sasl *sasl = begin(&v->setting);
    int status;

    if (sasl == NULL)
        return error_nomem(err);
    status = sasl_first(sasl, &out, err);
    if (status == 1)
        status = sasl_next(sasl, slice_of(v->server_first), &out, err);
    if (status == MOX_OK)
        status = sasl_next(sasl, slice_of(v->server_final), &out, err);
    buffer_free(&out);
    sasl_free(sasl);
    return status;
}

START_TEST(survives_without_memory)
{
    bool failed;
    long nth = 0;

    do {
        struct mox_error err = {0};
        int status;

        test_fail_alloc(++nth);
        status = run_vector(&vectors[_i], &err);
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert_msg(status == (failed ? MOX_E_NOMEM : MOX_OK), "%s, %ld: %d", vectors[_i].name,
                      nth, status);
        ck_assert_int_eq(err.code, status);
    } while (failed);
    ck_assert_int_gt(nth, 8);
}
END_TEST

TCase *test_smtp_sasl_scram(void)
{
    TCase *tcase = tcase_create("smtp/sasl_scram");

    tcase_add_loop_test(tcase, vector, 0, (int)ARRAY_LEN(vectors));
    tcase_add_loop_test(tcase, gs2_header, 0, (int)ARRAY_LEN(header_cases));
    tcase_add_loop_test(tcase, server_first, 0, (int)ARRAY_LEN(first_cases));
    tcase_add_loop_test(tcase, server_final, 0, (int)ARRAY_LEN(final_cases));
    tcase_add_loop_test(tcase, against_a_server, 0, (int)ARRAY_LEN(server_cases));
    tcase_add_loop_test(tcase, survives_without_memory, 0, (int)ARRAY_LEN(vectors));
    return tcase;
}
