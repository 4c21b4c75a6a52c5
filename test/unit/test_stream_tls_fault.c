/* test_stream_tls_fault.c - broken handshakes and sessions, and the words for them. */
#include <errno.h>
#include <string.h>

#include <mbedtls/oid.h>
#include <mbedtls/ssl_ciphersuites.h>

#include "stream/tls_fault.h"
#include "test.h"
#include "tls_world.h"

static struct tls_world w;

static void setup(void)
{
    tls_world_open(&w, AUTHORITY_P256, &(struct tls_server_options){.seed = 9});
}

static void teardown(void)
{
    tls_world_close(&w);
}

static void check_failure(const char *name, int status, const char *says)
{
    struct mox_error err;

    ck_assert_msg(w.stream->ops->failure(w.stream, &err) == status, "%s: %s", name, err.message);
    ck_assert_int_eq(err.code, status);
    ck_assert_int_eq(err.stage, MOX_STAGE_TLS);
    ck_assert_int_eq(err.permanent, 0);
    ck_assert_int_eq(err.about, status == MOX_E_TLS || status == MOX_E_CLOSED ? MOX_ABOUT_HOST
                                                                              : MOX_ABOUT_LOCAL);
    ck_assert_msg(strstr(err.message, says) != NULL, "%s: %s", name, err.message);
}

#define BYTES(text) text, sizeof text - 1
#define TLS10 "\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01"
#define TLS11 "\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02"
#define RANDOM "0123456789abcdef0123456789abcdef"

static const struct broken {
    const char *name;
    const char *bytes;
    size_t len;
    bool cut;
    const char *says;
} brokens[] = {
    {"hangs up", BYTES(""), true, "the server closed the connection in the TLS handshake"},
    {"hangs up in a record", BYTES("\x16\x03\x03"), true,
     "the server closed the connection in the TLS handshake"},
    {"SMTP", BYTES("220 mx.example ESMTP\r\n"), false,
     "does not speak TLS at all; instead of a handshake it sent \"220 mx.example ESMTP\""},
    {"less than a record", BYTES("no\n"), true, "it sent \"no\""},
    {"bytes of no meaning", BYTES("\xff\xfe\x01\x02\x03\x04"), false, "it sent \"??????\""},
    {"HTTP", BYTES("HTTP/1.1 400 Bad Request\r\n\r\n"), false, "\"HTTP/1.1 400 Bad Request\""},
    {"handshake_failure", BYTES("\x15\x03\x03\x00\x02\x02\x28"), false,
     "with the alert handshake_failure: it has no cipher suite, group or signature"},
    {"insufficient_security", BYTES("\x15\x03\x03\x00\x02\x02\x47"), false,
     "alert insufficient_security: it has no cipher"},
    {"protocol_version", BYTES("\x15\x03\x03\x00\x02\x02\x46"), false,
     MBED_TLS13 ? "alert protocol_version: it speaks neither TLS 1.2 nor TLS 1.3"
                : "alert protocol_version: it does not speak TLS 1.2"},
    {"certificate_required", BYTES("\x15\x03\x03\x00\x02\x02\x74"), false,
     "alert certificate_required: it wants a client certificate"},
    {"unrecognized_name", BYTES("\x15\x03\x03\x00\x02\x02\x70"), false,
     "alert unrecognized_name: it does not know the host name"},
    {"unknown_ca", BYTES("\x15\x03\x03\x00\x02\x02\x30"), false, "the alert unknown_ca"},
    {"an alert without a name", BYTES("\x15\x03\x03\x00\x02\x02\xfe"), false, "the alert unknown"},
    {"close_notify", BYTES("\x15\x03\x03\x00\x02\x01\x00"), false,
     "the server ended TLS in the middle of the handshake"},
    {"TLS 1.0", BYTES(TLS10 RANDOM "\x00\xc0\x13\x00"), false,
     "the server wants a TLS version older than 1.2"},
    {"TLS 1.1", BYTES(TLS11 RANDOM "\x00\xc0\x13\x00"), false,
     "the server wants a TLS version older than 1.2"},
    {"a ServerHello of nothing", BYTES("\x16\x03\x03\x00\x04\x02\x00\x00\x00"), true,
     "the TLS handshake failed: "},
};

START_TEST(a_broken_handshake_is_told)
{
    const struct broken *c = &brokens[_i];

    for (size_t chunk = 0; chunk < 3; chunk++) {
        w.wire.chunk = chunk;
        w.wire.cut = c->cut;
        ck_assert_int_eq(tls_world_start_raw(&w, c->bytes, c->len), MOX_OK);
        ck_assert_msg(tls_world_shake(&w) == MOX_E_TLS, "%s", c->name);
        ck_assert_int_eq(w.stream->ops->opened(w.stream), MOX_E_TLS);
        check_failure(c->name, MOX_E_TLS, c->says);
        tls_world_hang_up(&w);
    }
}
END_TEST

#define TLS12 "\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03" RANDOM "\x00\xc0\x2b\x00"

/* The head of a message, the bytes of its first two records, and what is said of it. */
static const struct large {
    unsigned char head[4];
    size_t record;
    const char *says;
} larges[] = {
    {{11, 0, 0x7f, 0},
     1 << 14,
     "sent a handshake message of 32516 bytes, as a large chain of certificates makes it; mbedTLS "
     "takes 16384 at most"},
    {{11, 0, 8, 0},
     512,
     MBED_3 ? "the server closed the connection in the TLS handshake"
            : "sent a handshake message of 2052 bytes in several records, which this version of "
              "mbedTLS does not take"},
};

START_TEST(a_message_that_is_too_large_is_told)
{
    static char bytes[sizeof TLS12 + 2 * (5 + (1 << 14))];
    const struct large *c = &larges[_i];
    const char record[] = {0x16, 3, 3, (char)(c->record >> 8), (char)c->record};
    size_t at = sizeof TLS12 - 1;

    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, TLS12, at);
    memcpy(bytes + at + sizeof record, c->head, sizeof c->head);
    for (int i = 0; i < 2; i++, at += sizeof record + c->record)
        memcpy(bytes + at, record, sizeof record);
    w.wire.cut = true;
    ck_assert_int_eq(tls_world_start_raw(&w, bytes, at), MOX_OK);
    ck_assert_int_eq(tls_world_shake(&w), MOX_E_TLS);
    check_failure("large", MOX_E_TLS, c->says);
}
END_TEST

/* As mbedTLS says it, with and without a detail. */
START_TEST(a_key_of_an_unknown_kind_is_told)
{
    static const int rets[] = {
        MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG + MBEDTLS_ERR_OID_NOT_FOUND,
        MBEDTLS_ERR_PK_UNKNOWN_PK_ALG,
        MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE,
        MBEDTLS_ERR_SSL_PK_TYPE_MISMATCH,
    };
    struct tls_fault fault = {.status = MOX_E_TLS, .ret = rets[_i]};
    struct mox_error err;

    ck_assert_int_eq(tls_fault_error(&fault, NULL, &err), MOX_E_TLS);
    ck_assert_str_eq(err.message, "the server's certificates have a key or a signature of a kind "
                                  "that mbedTLS does not know, as Ed25519 is");
}
END_TEST

static const struct lower {
    const char *name;
    int fails;
    int shaking, open; /* what we say of it in the handshake, and after */
    const char *says;
} lowers[] = {
    {"reset", MOX_ERRNO(ECONNRESET), MOX_E_TLS, MOX_ERRNO(ECONNRESET),
     "closed the connection in the TLS handshake"},
    {"broken pipe", MOX_ERRNO(EPIPE), MOX_E_TLS, MOX_ERRNO(EPIPE), "closed the connection"},
    {"end", MOX_E_EOF, MOX_E_TLS, MOX_E_CLOSED, "closed the connection"},
    {"no memory below", MOX_E_NOMEM, MOX_E_NOMEM, MOX_E_NOMEM, "out of memory"},
    {"the host's fault", MOX_E_CALLBACK, MOX_E_CALLBACK, MOX_E_CALLBACK, "under TLS: callback"},
};

START_TEST(what_the_wire_says_in_the_handshake)
{
    const struct lower *c = &lowers[_i];

    for (int writes = 0; writes < 2; writes++) {
        ck_assert_int_eq(tls_world_start(&w, NULL), MOX_OK);
        *(writes ? &w.wire.write_fails : &w.wire.read_fails) = c->fails;
        ck_assert_msg(tls_world_shake(&w) == c->shaking, "%s", c->name);
        check_failure(c->name, c->shaking, c->says);
        tls_world_hang_up(&w);
    }
}
END_TEST

START_TEST(what_the_wire_says_later)
{
    const struct lower *c = &lowers[_i];
    char buf[8];
    size_t n;

    ck_assert_int_eq(tls_world_connect(&w, NULL), MOX_OK);
    w.wire.read_fails = c->fails;
    ck_assert_int_eq(tls_world_read(&w, buf, sizeof buf, &n), c->open);
    ck_assert_int_eq(tls_world_read(&w, buf, sizeof buf, &n), c->open);
    tls_world_hang_up(&w);
    ck_assert_int_eq(tls_world_connect(&w, NULL), MOX_OK);
    w.wire.write_fails = c->fails;
    ck_assert_int_eq(w.stream->ops->write(w.stream, "x", 1, &n), c->open);
    ck_assert_int_eq(w.stream->ops->write(w.stream, "x", 1, &n), c->open);
}
END_TEST

START_TEST(an_alert_after_the_handshake_is_told)
{
    char buf[8];
    size_t n;

    ck_assert_int_eq(tls_world_connect(&w, NULL), MOX_OK);
    tls_session_alert(w.wire.session, 80);
    ck_assert_int_eq(tls_world_read(&w, buf, sizeof buf, &n), MOX_E_TLS);
    ck_assert_int_eq(w.stream->ops->write(w.stream, "x", 1, &n), MOX_E_TLS);
    check_failure("alert", MOX_E_TLS, "ended the TLS session with the alert internal_error");
}
END_TEST

START_TEST(a_damaged_record_is_told)
{
    static const unsigned char bad[] = {23, 3, 3, 0, 32, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5,
                                        6,  7, 8, 9, 1,  2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5};
    char buf[8];
    size_t n;

    ck_assert_int_eq(tls_world_connect(&w, NULL), MOX_OK);
    tls_world_serve(&w);
    ck_assert_int_eq(tls_world_read(&w, buf, sizeof buf, &n), MOX_E_AGAIN);
    tls_session_free(w.wire.session);
    w.wire.session = NULL;
    w.wire.raw = bad;
    w.wire.raw_len = sizeof bad;
    ck_assert_int_eq(tls_world_read(&w, buf, sizeof buf, &n), MOX_E_TLS);
    check_failure("damaged", MOX_E_TLS, "the TLS session broke: ");
}
END_TEST

/* Nothing is said by either of a server that chose for itself what we did not offer. */
START_TEST(no_suite_in_common)
{
    static const int suites[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_CAMELLIA_128_GCM_SHA256, 0};

    tls_world_renew(&w, &(struct tls_server_options){.version = TLS_SERVER_12, .suites = suites});
    ck_assert_int_eq(tls_world_connect(&w, NULL), MOX_E_TLS);
    check_failure("suites", MOX_E_TLS, "alert handshake_failure");
}
END_TEST

static int no_random(void *user, void *buf, size_t len)
{
    (void)user, (void)buf, (void)len;
    return MOX_E_CALLBACK;
}

START_TEST(no_random_numbers_is_our_own_fault)
{
    w.world.ctx->sys.random = no_random;
    ck_assert_int_eq(tls_world_connect(&w, NULL), MOX_E_OS);
    check_failure("random", MOX_E_OS, "no random numbers for TLS");
}
END_TEST

START_TEST(alerts_have_names)
{
    ck_assert_str_eq(tls_fault_alert_name(0), "close_notify");
    ck_assert_str_eq(tls_fault_alert_name(48), "unknown_ca");
    ck_assert_str_eq(tls_fault_alert_name(120), "no_application_protocol");
    ck_assert_str_eq(tls_fault_alert_name(121), "unknown");
    ck_assert_str_eq(tls_fault_alert_name(-1), "unknown");
    ck_assert_str_eq(tls_fault_alert_name(1), "unknown");
}
END_TEST

TCase *test_stream_tls_fault(void)
{
    TCase *tcase = tcase_create("stream/tls_fault");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, a_broken_handshake_is_told, 0, (int)ARRAY_LEN(brokens));
    tcase_add_loop_test(tcase, a_message_that_is_too_large_is_told, 0, (int)ARRAY_LEN(larges));
    tcase_add_loop_test(tcase, a_key_of_an_unknown_kind_is_told, 0, 4);
    tcase_add_loop_test(tcase, what_the_wire_says_in_the_handshake, 0, (int)ARRAY_LEN(lowers));
    tcase_add_loop_test(tcase, what_the_wire_says_later, 0, (int)ARRAY_LEN(lowers));
    tcase_add_test(tcase, an_alert_after_the_handshake_is_told);
    tcase_add_test(tcase, a_damaged_record_is_told);
    tcase_add_test(tcase, no_suite_in_common);
    tcase_add_test(tcase, no_random_numbers_is_our_own_fault);
    tcase_add_test(tcase, alerts_have_names);
    return tcase;
}
