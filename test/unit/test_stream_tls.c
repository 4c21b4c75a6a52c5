/* test_stream_tls.c - the handshake and what is said over it, in every packet size; the end. */
#include <string.h>

#include <mbedtls/ssl_ciphersuites.h>

#include "test.h"
#include "tls_world.h"

static struct tls_world w;

static void teardown(void)
{
    tls_world_close(&w);
}

static const struct handshake {
    const char *name;
    enum authority_key key;
    enum tls_server_version version;
    size_t chunk;
    bool drips;
} handshakes[] = {
    {"TLS 1.2, ECDSA", AUTHORITY_P256, TLS_SERVER_12, 0, false},
    {"TLS 1.2, ECDSA, a byte at a time", AUTHORITY_P256, TLS_SERVER_12, 1, false},
    {"TLS 1.2, ECDSA, seven and a wait", AUTHORITY_P256, TLS_SERVER_12, 7, true},
    {"TLS 1.2, ECDSA P-384", AUTHORITY_P384, TLS_SERVER_12, 100, false},
    {"TLS 1.2, RSA", AUTHORITY_RSA, TLS_SERVER_12, 0, false},
    {"TLS 1.2, RSA, five at a time", AUTHORITY_RSA, TLS_SERVER_12, 5, true},
#if MBED_TLS13
    {"TLS 1.3, ECDSA", AUTHORITY_P256, TLS_SERVER_13, 0, false},
    {"TLS 1.3, ECDSA, a byte at a time", AUTHORITY_P256, TLS_SERVER_13, 1, false},
    {"TLS 1.3, ECDSA, seven and a wait", AUTHORITY_P256, TLS_SERVER_13, 7, true},
    {"TLS 1.3, RSA", AUTHORITY_RSA, TLS_SERVER_13, 0, false},
    {"either, RSA", AUTHORITY_RSA, TLS_SERVER_ANY, 0, false},
#endif
};

static char said[40000], got[40000];

static void converse(void)
{
    size_t n;

    for (size_t i = 0; i < sizeof said; i++)
        said[i] = (char)(i * 7 + i / 251);
    tls_world_write(&w, said, sizeof said);
    ck_assert_uint_eq(w.nheard, sizeof said);
    ck_assert_mem_eq(w.heard, said, sizeof said);
    ck_assert(tls_session_write(w.wire.session, said, sizeof said));
    ck_assert_int_eq(tls_world_read(&w, got, sizeof got, &n), MOX_E_AGAIN);
    ck_assert_uint_eq(n, sizeof said);
    ck_assert_mem_eq(got, said, sizeof said);
}

START_TEST(shakes_hands_and_speaks)
{
    const struct handshake *c = &handshakes[_i];
    const struct mbedtls_x509_crt *chain;

    tls_world_open(&w, c->key, &(struct tls_server_options){.version = c->version, .seed = 3});
    w.wire.chunk = c->chunk;
    w.wire.drips = c->drips;
    ck_assert_msg(tls_world_connect(&w, NULL) == MOX_OK, "%s", c->name);
    ck_assert_int_eq(tls_session_state(w.wire.session), TLS_SESSION_OPEN);
    ck_assert_str_eq(tls_session_name(w.wire.session), "mx.example");
    ck_assert_str_eq(tls_version(w.stream), tls_session_version(w.wire.session));
    chain = tls_chain(w.stream);
    ck_assert_ptr_nonnull(chain);
    ck_assert_uint_eq(chain->raw.len, w.credential->chain.raw.len);
    ck_assert_mem_eq(chain->raw.p, w.credential->chain.raw.p, chain->raw.len);
    ck_assert_ptr_null(tls_proof(w.stream));
    tls_settle(w.stream);
    ck_assert_ptr_null(tls_chain(w.stream));
    tls_settle(w.stream);
    converse();
}
END_TEST

static const struct suite_case {
    const char *name;
    int suite;
    enum authority_key key;
} suite_cases[] = {
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
     AUTHORITY_RSA},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
     AUTHORITY_P256},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
     MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, AUTHORITY_P256},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,
     AUTHORITY_RSA},
    {"TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", MBEDTLS_TLS_DHE_RSA_WITH_AES_128_GCM_SHA256,
     AUTHORITY_RSA},
    {"TLS_RSA_WITH_AES_256_CBC_SHA", MBEDTLS_TLS_RSA_WITH_AES_256_CBC_SHA, AUTHORITY_RSA},
};

START_TEST(takes_the_suites_of_old_servers)
{
    const struct suite_case *c = &suite_cases[_i];
    const int suites[] = {c->suite, 0};

    tls_world_open(&w, c->key,
                   &(struct tls_server_options){.version = TLS_SERVER_12, .suites = suites});
    ck_assert_msg(tls_world_connect(&w, NULL) == MOX_OK, "%s", c->name);
    ck_assert_str_eq(tls_cipher(w.stream), c->name);
    ck_assert_str_eq(tls_version(w.stream), "TLSv1.2");
    converse();
}
END_TEST

START_TEST(says_goodbye_once)
{
    bool quietly = _i == 1;

    tls_world_open(&w, AUTHORITY_P256, &(struct tls_server_options){.seed = 1});
    ck_assert_int_eq(tls_world_connect(&w, NULL), MOX_OK);
    w.stream->ops->close(w.stream, quietly);
    w.stream = NULL;
    ck_assert(w.wire.closed);
    ck_assert_int_eq(w.wire.quietly, quietly);
    tls_world_serve(&w);
    ck_assert_int_eq(tls_session_state(w.wire.session),
                     quietly ? TLS_SESSION_OPEN : TLS_SESSION_CLOSED);
}
END_TEST

START_TEST(a_goodbye_that_has_to_wait_is_not_said)
{
    tls_world_open(&w, AUTHORITY_P256, &(struct tls_server_options){.seed = 1});
    ck_assert_int_eq(tls_world_connect(&w, NULL), MOX_OK);
    w.wire.write_fails = MOX_E_AGAIN;
    w.stream->ops->close(w.stream, false);
    w.stream = NULL;
    ck_assert(w.wire.closed);
}
END_TEST

START_TEST(a_server_that_is_not_right_hears_it)
{
    struct tls_proof proof = tls_world_proof();

    tls_world_open(&w, AUTHORITY_P256, &(struct tls_server_options){.tickets = true});
    ck_assert_int_eq(tls_world_connect(&w, tls_world_key), MOX_OK);
    tls_keep(w.stream, &proof);
    tls_reject(w.stream);
    w.stream->ops->close(w.stream, false);
    w.stream = NULL;
    tls_world_serve(&w);
    ck_assert_int_eq(tls_session_state(w.wire.session), TLS_SESSION_FAILED);
    ck_assert_int_eq(tls_session_alerted(w.wire.session), 42); /* bad_certificate */
    tls_world_hang_up(&w);
    ck_assert_int_eq(tls_world_connect(&w, tls_world_key), MOX_OK);
    ck_assert_ptr_null(tls_proof(w.stream)); /* and nothing was kept of it */
}
END_TEST

START_TEST(the_end_is_told_from_a_cut)
{
    char buf[100];
    size_t n;

    tls_world_open(&w, AUTHORITY_P256, &(struct tls_server_options){.seed = 1});
    ck_assert_int_eq(tls_world_connect(&w, NULL), MOX_OK);
    ck_assert(tls_session_write(w.wire.session, "221 bye\r\n", 9));
    if (_i == 0)
        tls_session_close(w.wire.session);
    w.wire.cut = true;
    ck_assert_int_eq(tls_world_read(&w, buf, sizeof buf, &n), _i == 0 ? MOX_E_EOF : MOX_E_CLOSED);
    ck_assert_uint_eq(n, 9);
    ck_assert_mem_eq(buf, "221 bye\r\n", 9);
    ck_assert_int_eq(tls_world_read(&w, buf, sizeof buf, &n), _i == 0 ? MOX_E_EOF : MOX_E_CLOSED);
}
END_TEST

/* mbedTLS has sealed the first bytes when the wire gets stuck; they go out once. */
START_TEST(a_write_that_waits_is_given_again_with_more)
{
    const struct stream_ops *ops;
    size_t n = 0;

    tls_world_open(&w, AUTHORITY_P256, &(struct tls_server_options){.seed = 1});
    ck_assert_int_eq(tls_world_connect(&w, NULL), MOX_OK);
    ops = w.stream->ops;
    w.wire.write_fails = MOX_E_AGAIN;
    ck_assert_int_eq(ops->write(w.stream, "EHLO me\r\n", 9, &n), MOX_E_AGAIN);
    ck_assert_int_eq(ops->write(w.stream, "EHLO me\r\n", 9, &n), MOX_E_AGAIN);
    ck_assert_int_eq(ops->want(w.stream, MOX_WRITE), MOX_OK);
    ck_assert_int_eq(w.wire.wanted, MOX_WRITE);
    w.wire.write_fails = MOX_OK;
    ck_assert_int_eq(ops->write(w.stream, "EHLO", 4, &n), MOX_E_INVAL);
    ck_assert_int_eq(ops->write(w.stream, "EHLO me\r\nQUIT\r\n", 15, &n), MOX_OK);
    ck_assert_uint_eq(n, 9);
    ck_assert_int_eq(ops->write(w.stream, "QUIT\r\n", 6, &n), MOX_OK);
    tls_world_serve(&w);
    ck_assert_uint_eq(w.nheard, 15);
    ck_assert_mem_eq(w.heard, "EHLO me\r\nQUIT\r\n", 15);
}
END_TEST

START_TEST(what_mbedtls_holds_back_is_told)
{
    const struct stream_ops *ops;
    char buf[4];
    size_t n = 0;

    tls_world_open(&w, AUTHORITY_P256, &(struct tls_server_options){.version = TLS_SERVER_12});
    ck_assert_int_eq(tls_world_connect(&w, NULL), MOX_OK);
    ops = w.stream->ops;
    ck_assert(tls_session_write(w.wire.session, "250 ok\r\n", 8));
    ck_assert_int_eq(ops->read(w.stream, buf, sizeof buf, &n), MOX_OK);
    ck_assert_int_eq(ops->want(w.stream, MOX_READ), MOX_OK); /* the wire is empty */
    ck_assert_int_eq(w.wire.told, 0);                        /* not inside the call */
    ck_assert_int_eq(mox_ctx_dispatch(w.world.ctx), 0);
    ck_assert_int_eq(w.wire.told, 1);
    ck_assert_int_eq(w.wire.told_events, MOX_READ);
    ck_assert_int_eq(ops->read(w.stream, buf, sizeof buf, &n), MOX_OK);
    ck_assert_int_eq(ops->want(w.stream, MOX_READ), MOX_OK);
    ck_assert_int_eq(mox_ctx_dispatch(w.world.ctx), 0);
    ck_assert_int_eq(w.wire.told, 1);
    ck_assert_int_eq(ops->want(w.stream, 0), MOX_OK);
    ck_assert_int_eq(w.wire.wanted, 0);
}
END_TEST

/* The handshake without the owner's word for it: its last flight may be held back. */
static int shake_silently(void)
{
    int status = MOX_E_AGAIN;

    for (int i = 0; i < 20 && status == MOX_E_AGAIN; i++) {
        status = w.stream->ops->opened(w.stream);
        tls_world_serve(&w);
    }
    return status;
}

static const struct flights {
    const char *name;
    enum tls_server_version version;
    bool resumed;
    /* Of the handshake, but for the last flight if it leaves with the EHLO. Nobody looks for an
     * answer before it was asked for. */
    size_t writes, reads;
    bool holds; /* it is ours */
} flights[] = {
    {"TLS 1.2", TLS_SERVER_12, false, 2, 2, false},
    {"TLS 1.2, resumed", TLS_SERVER_12, true, 1, 1, true},
#if MBED_TLS13
    {"TLS 1.3", TLS_SERVER_13, false, 1, 1, true},
    {"TLS 1.3, resumed", TLS_SERVER_13, true, 1, 1, true},
#endif
};

START_TEST(a_flight_is_one_write_and_one_read)
{
    const struct flights *c = &flights[_i];
    struct tls_proof proof = tls_world_proof();
    char buf[8];
    size_t n = 0;

    tls_world_open(&w, AUTHORITY_P256,
                   &(struct tls_server_options){.version = c->version, .tickets = true});
    if (c->resumed) {
        ck_assert_int_eq(tls_world_connect(&w, tls_world_key), MOX_OK);
        tls_keep(w.stream, &proof);
        ck_assert_int_eq(tls_world_read(&w, buf, sizeof buf, &n), MOX_E_AGAIN);
        tls_world_hang_up(&w);
    }
    ck_assert_int_eq(tls_world_start(&w, tls_world_key), MOX_OK);
    ck_assert_int_eq(shake_silently(), MOX_OK);
    ck_assert_int_eq(tls_proof(w.stream) != NULL, c->resumed);
    ck_assert_msg(w.wire.writes == c->writes, "%s: %zu writes", c->name, w.wire.writes);
    ck_assert_msg(w.wire.reads == c->reads, "%s: %zu reads", c->name, w.wire.reads);
    ck_assert_int_eq(tls_session_state(w.wire.session) == TLS_SESSION_OPEN, !c->holds);
    tls_world_write(&w, "EHLO me\r\n", 9);
    ck_assert_uint_eq(w.wire.writes, c->writes + 1);
    ck_assert_uint_eq(w.nheard, 9);
    ck_assert_int_eq(tls_world_read(&w, buf, sizeof buf, &n), MOX_E_AGAIN); /* tickets */
    w.wire.reads = 0;
    ck_assert(tls_session_write(w.wire.session, "250 ok\r\n", 8));
    ck_assert_int_eq(w.stream->ops->read(w.stream, buf, sizeof buf, &n), MOX_OK);
    ck_assert_uint_eq(w.wire.reads, 1);
}
END_TEST

/* A session whose server waits for our last flight. */
static void open_with_a_flight_held_back(void)
{
    struct tls_proof proof = tls_world_proof();
    char buf[8];
    size_t n;

    tls_world_open(&w, AUTHORITY_P256, &(struct tls_server_options){.tickets = true});
    ck_assert_int_eq(tls_world_connect(&w, tls_world_key), MOX_OK);
    tls_keep(w.stream, &proof);
    ck_assert_int_eq(tls_world_read(&w, buf, sizeof buf, &n), MOX_E_AGAIN);
    tls_world_hang_up(&w);
    ck_assert_int_eq(tls_world_start(&w, tls_world_key), MOX_OK);
    ck_assert_int_eq(shake_silently(), MOX_OK);
    ck_assert_int_eq(tls_session_state(w.wire.session), TLS_SESSION_HANDSHAKE);
}

enum parting { BY_WANT, BY_READ, BY_CLOSE, PARTINGS };

START_TEST(the_last_flight_leaves_without_words)
{
    char buf[8];
    size_t n = 0;

    open_with_a_flight_held_back();
    if (_i == BY_WANT)
        ck_assert_int_eq(w.stream->ops->want(w.stream, 0), MOX_OK);
    else if (_i == BY_READ)
        ck_assert_int_eq(w.stream->ops->read(w.stream, buf, sizeof buf, &n), MOX_E_AGAIN);
    else
        w.stream->ops->close(w.stream, false);
    if (_i == BY_CLOSE)
        w.stream = NULL;
    tls_world_serve(&w);
    ck_assert_int_eq(tls_session_state(w.wire.session),
                     _i == BY_CLOSE ? TLS_SESSION_CLOSED : TLS_SESSION_OPEN);
}
END_TEST

/* Whoever waits for words of the server waits for it to have heard us first. */
START_TEST(a_last_flight_that_waits_is_sent_when_it_can)
{
    struct stream *wire = &w.wire.stream;
    char buf[8];
    size_t n = 0;

    open_with_a_flight_held_back();
    w.wire.write_fails = MOX_E_AGAIN;
    ck_assert_int_eq(w.stream->ops->want(w.stream, MOX_READ), MOX_OK);
    ck_assert_int_eq(w.wire.wanted, MOX_READ | MOX_WRITE);
    ck_assert_int_eq(w.stream->ops->read(w.stream, buf, sizeof buf, &n), MOX_E_AGAIN);
    ck_assert_int_eq(w.stream->ops->want(w.stream, MOX_READ), MOX_OK);
    ck_assert_int_eq(w.wire.wanted, MOX_READ | MOX_WRITE);
    w.wire.write_fails = MOX_OK;
    wire->ready(wire->arg, wire, MOX_WRITE);
    ck_assert_int_eq(w.wire.told_events & MOX_READ, MOX_READ);
    ck_assert_int_eq(w.stream->ops->read(w.stream, buf, sizeof buf, &n), MOX_E_AGAIN);
    ck_assert_int_eq(w.stream->ops->want(w.stream, MOX_READ), MOX_OK);
    ck_assert_int_eq(w.wire.wanted, MOX_READ);
    tls_world_serve(&w);
    ck_assert_int_eq(tls_session_state(w.wire.session), TLS_SESSION_OPEN);
}
END_TEST

START_TEST(a_flight_that_fails_to_leave_is_told)
{
    char buf[8];
    size_t n = 0;

    open_with_a_flight_held_back();
    w.wire.write_fails = MOX_E_CALLBACK;
    ck_assert_int_eq(w.stream->ops->want(w.stream, MOX_READ), MOX_OK);
    ck_assert_int_eq(w.stream->ops->read(w.stream, buf, sizeof buf, &n), MOX_E_CALLBACK);
}
END_TEST

/* The wire is empty and will never be ready. Of one warning mbedTLS says that it waits. */
START_TEST(what_is_read_ahead_is_told)
{
    const struct stream_ops *ops;
    int first = _i == 1 ? MOX_E_AGAIN : MOX_OK;
    char buf[16];
    size_t n = 0;

    tls_world_open(&w, AUTHORITY_P256, &(struct tls_server_options){.version = TLS_SERVER_12});
    ck_assert_int_eq(tls_world_connect(&w, NULL), MOX_OK);
    ops = w.stream->ops;
    if (first == MOX_OK)
        ck_assert(tls_session_write(w.wire.session, "250-ok\r\n", 8));
    else
        tls_session_warn(w.wire.session, 100); /* no_renegotiation */
    ck_assert(tls_session_write(w.wire.session, "250 go\r\n", 8));
    ck_assert_int_eq(ops->read(w.stream, buf, sizeof buf, &n), first);
    ck_assert_int_eq(ops->want(w.stream, MOX_READ), MOX_OK);
    ck_assert_int_eq(w.wire.told, 0); /* not inside the call */
    ck_assert_int_eq(mox_ctx_dispatch(w.world.ctx), 0);
    ck_assert_int_eq(w.wire.told, 1);
    ck_assert_int_eq(ops->read(w.stream, buf, sizeof buf, &n), MOX_OK);
    ck_assert_mem_eq(buf, "250 go\r\n", 8);
    ck_assert_int_eq(ops->want(w.stream, MOX_READ), MOX_OK);
    ck_assert_int_eq(mox_ctx_dispatch(w.world.ctx), 0);
    ck_assert_int_eq(w.wire.told, 1);
}
END_TEST

/* Over immediate TLS the greeting may come with the end of the handshake. */
START_TEST(what_came_with_the_handshake_is_told)
{
    char buf[16];
    size_t n = 0;

    tls_world_open(&w, AUTHORITY_P256, &(struct tls_server_options){.version = TLS_SERVER_12});
    ck_assert_int_eq(tls_world_start(&w, NULL), MOX_OK);
    while (tls_session_state(w.wire.session) == TLS_SESSION_HANDSHAKE) {
        ck_assert_int_eq(w.stream->ops->opened(w.stream), MOX_E_AGAIN);
        tls_world_serve(&w);
    }
    ck_assert(tls_session_write(w.wire.session, "220 hi\r\n", 8));
    ck_assert_int_eq(w.stream->ops->opened(w.stream), MOX_OK);
    ck_assert_int_eq(w.stream->ops->want(w.stream, MOX_READ), MOX_OK);
    ck_assert_int_eq(mox_ctx_dispatch(w.world.ctx), 0);
    ck_assert_int_eq(w.wire.told_events, MOX_READ);
    ck_assert_int_eq(w.stream->ops->read(w.stream, buf, sizeof buf, &n), MOX_OK);
    ck_assert_mem_eq(buf, "220 hi\r\n", 8);
}
END_TEST

START_TEST(a_flight_that_waits_is_what_is_waited_for)
{
    tls_world_open(&w, AUTHORITY_P256, &(struct tls_server_options){.seed = 1});
    ck_assert_int_eq(tls_world_start(&w, NULL), MOX_OK);
    w.wire.write_fails = MOX_E_AGAIN;
    ck_assert_int_eq(w.stream->ops->opened(w.stream), MOX_E_AGAIN);
    ck_assert_int_eq(w.wire.wanted, MOX_WRITE);
    ck_assert_int_eq(w.stream->ops->opened(w.stream), MOX_E_AGAIN);
    w.wire.write_fails = MOX_OK;
    ck_assert_int_eq(w.stream->ops->opened(w.stream), MOX_E_AGAIN);
    ck_assert_int_eq(w.wire.wanted, MOX_READ);
    ck_assert_int_eq(tls_world_shake(&w), MOX_OK);
}
END_TEST

/* It is read ahead with the server's flight, before our answer to that has left. */
START_TEST(what_is_slipped_in_behind_a_flight_is_heard)
{
    static const unsigned char alert[] = {21, 3, 3, 0, 2, 2, 80};

    tls_world_open(&w, AUTHORITY_P256, &(struct tls_server_options){.version = TLS_SERVER_12});
    ck_assert_int_eq(tls_world_start(&w, NULL), MOX_OK);
    ck_assert_int_eq(w.stream->ops->opened(w.stream), MOX_E_AGAIN);
    tls_world_serve(&w);
    w.wire.raw = alert;
    w.wire.raw_len = sizeof alert;
    ck_assert_int_eq(w.stream->ops->opened(w.stream), MOX_E_TLS); /* at once: the wire is empty */
    ck_assert_ptr_nonnull(strstr(tls_world_failure(&w), "the alert internal_error"));
}
END_TEST

/* We have to answer before we read on: nothing is ready, whatever was read ahead. */
START_TEST(a_refusal_that_waits_keeps_nobody_busy)
{
    const struct stream_ops *ops;
    struct stream *wire = &w.wire.stream;
    char buf[16];
    size_t n = 0;

    tls_world_open(&w, AUTHORITY_P256, &(struct tls_server_options){.version = TLS_SERVER_12});
    ck_assert_int_eq(tls_world_connect(&w, NULL), MOX_OK);
    ops = w.stream->ops;
    tls_session_ask_again(w.wire.session);
    ck_assert(tls_session_write(w.wire.session, "250 go\r\n", 8));
    w.wire.write_fails = MOX_E_AGAIN;
    ck_assert_int_eq(ops->read(w.stream, buf, sizeof buf, &n), MOX_E_AGAIN);
    ck_assert_int_eq(ops->want(w.stream, MOX_READ), MOX_OK);
    ck_assert_int_eq(w.wire.wanted, MOX_READ | MOX_WRITE);
    ck_assert_int_eq(mox_ctx_dispatch(w.world.ctx), 0);
    ck_assert_int_eq(w.wire.told, 0);
    w.wire.write_fails = MOX_OK;
    wire->ready(wire->arg, wire, MOX_WRITE);
    ck_assert_int_eq(w.wire.told_events & MOX_READ, MOX_READ);
    ck_assert_int_eq(ops->read(w.stream, buf, sizeof buf, &n), MOX_OK);
    ck_assert_mem_eq(buf, "250 go\r\n", 8);
}
END_TEST

/* It is the last that a server of no use hears of us. */
START_TEST(an_alert_of_the_handshake_leaves)
{
    static const char hello[] = "\x16\x03\x03\x00\x04\x02\x00\x00\x00";

    tls_world_open(&w, AUTHORITY_P256, &(struct tls_server_options){.seed = 1});
    ck_assert_int_eq(tls_world_start_raw(&w, hello, sizeof hello - 1), MOX_OK);
    ck_assert_int_eq(tls_world_shake(&w), MOX_E_TLS);
    ck_assert_uint_eq(w.wire.writes, 2); /* the ClientHello, the alert */
}
END_TEST

START_TEST(readiness_comes_through)
{
    struct stream *wire = &w.wire.stream;

    tls_world_open(&w, AUTHORITY_P256, &(struct tls_server_options){.seed = 1});
    ck_assert_int_eq(tls_world_start(&w, NULL), MOX_OK);
    ck_assert_int_eq(w.stream->ops->opened(w.stream), MOX_E_AGAIN);
    ck_assert_int_eq(w.wire.wanted, MOX_READ); /* for the ServerHello, whatever the owner asks */
    ck_assert_int_eq(w.stream->ops->want(w.stream, MOX_WRITE), MOX_OK);
    ck_assert_int_eq(w.wire.wanted, MOX_READ);
    wire->ready(wire->arg, wire, MOX_READ);
    ck_assert_int_eq(w.wire.told_events, MOX_WRITE);
    ck_assert_int_eq(tls_world_shake(&w), MOX_OK);
    wire->ready(wire->arg, wire, MOX_READ);
    ck_assert_int_eq(w.wire.told_events, MOX_READ);
    wire->ready(wire->arg, wire, MOX_WRITE);
    ck_assert_int_eq(w.wire.told_events, MOX_WRITE);
}
END_TEST

START_TEST(our_end_is_known_and_the_descriptor_is_not)
{
    struct mox_ip ip;
    uint16_t port;

    tls_world_open(&w, AUTHORITY_P256, &(struct tls_server_options){.seed = 1});
    ck_assert_int_eq(tls_world_connect(&w, NULL), MOX_OK);
    ck_assert_int_eq(w.stream->ops->local(w.stream, &ip, &port), MOX_OK);
    ck_assert_uint_eq(port, 25);
    ck_assert_int_eq(w.stream->ops->fd(w.stream), -1);
}
END_TEST

static const struct binding {
    const char *name;
    const char *binding;
    enum tls_server_version version;
    bool old_secret;
} bindings[] = {
    {"TLS 1.2", "tls-unique", TLS_SERVER_12, false},
    {"TLS 1.2 that binds no secret", NULL, TLS_SERVER_12, true},
#if MBED_TLS13
    {"TLS 1.3", "tls-exporter", TLS_SERVER_13, false},
#endif
};

/* Twice: a full handshake and a resumed one. */
START_TEST(both_ends_have_the_same_binding)
{
    const struct binding *c = &bindings[_i];
    struct tls_proof proof = tls_world_proof();
    unsigned char ours[TLS_BINDING], theirs[TLS_BINDING], buf[8];
    size_t n;

    tls_world_open(&w, AUTHORITY_P256,
                   &(struct tls_server_options){
                       .version = c->version, .old_secret = c->old_secret, .tickets = true});
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(tls_world_connect(&w, tls_world_key), MOX_OK);
        ck_assert_int_eq(tls_session_resumed(w.wire.session), round == 1);
        ck_assert_pstr_eq(tls_binding(w.stream, ours, &n), c->binding);
        if (c->binding != NULL) {
            ck_assert_uint_eq(n, tls_session_binding(w.wire.session, theirs));
            ck_assert_mem_eq(ours, theirs, n);
        }
        if (round == 0)
            tls_keep(w.stream, &proof);
        ck_assert_int_eq(tls_world_read(&w, (char *)buf, sizeof buf, &n), MOX_E_AGAIN);
        tls_world_hang_up(&w);
    }
}
END_TEST

TCase *test_stream_tls(void)
{
    TCase *tcase = tcase_create("stream/tls");

    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_loop_test(tcase, shakes_hands_and_speaks, 0, (int)ARRAY_LEN(handshakes));
    tcase_add_loop_test(tcase, takes_the_suites_of_old_servers, 0, (int)ARRAY_LEN(suite_cases));
    tcase_add_loop_test(tcase, says_goodbye_once, 0, 2);
    tcase_add_test(tcase, a_goodbye_that_has_to_wait_is_not_said);
    tcase_add_test(tcase, a_server_that_is_not_right_hears_it);
    tcase_add_loop_test(tcase, the_end_is_told_from_a_cut, 0, 2);
    tcase_add_test(tcase, a_write_that_waits_is_given_again_with_more);
    tcase_add_test(tcase, what_mbedtls_holds_back_is_told);
    tcase_add_loop_test(tcase, a_flight_is_one_write_and_one_read, 0, (int)ARRAY_LEN(flights));
    tcase_add_loop_test(tcase, the_last_flight_leaves_without_words, 0, PARTINGS);
    tcase_add_test(tcase, a_last_flight_that_waits_is_sent_when_it_can);
    tcase_add_test(tcase, a_flight_that_fails_to_leave_is_told);
    tcase_add_loop_test(tcase, what_is_read_ahead_is_told, 0, 2);
    tcase_add_test(tcase, what_came_with_the_handshake_is_told);
    tcase_add_test(tcase, a_flight_that_waits_is_what_is_waited_for);
    tcase_add_test(tcase, what_is_slipped_in_behind_a_flight_is_heard);
    tcase_add_test(tcase, a_refusal_that_waits_keeps_nobody_busy);
    tcase_add_test(tcase, an_alert_of_the_handshake_leaves);
    tcase_add_test(tcase, readiness_comes_through);
    tcase_add_test(tcase, our_end_is_known_and_the_descriptor_is_not);
    tcase_add_loop_test(tcase, both_ends_have_the_same_binding, 0, (int)ARRAY_LEN(bindings));
    return tcase;
}
