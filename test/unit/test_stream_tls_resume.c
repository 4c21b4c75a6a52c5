/* test_stream_tls_resume.c - what is kept with a session, for how long, and for whom. */
#include <string.h>

#include "test.h"
#include "tls_world.h"

static struct tls_world w;

static const struct way {
    const char *name;
    struct tls_server_options options;
} ways[] = {
    {"TLS 1.2, tickets", {.version = TLS_SERVER_12, .tickets = true}},
    {"TLS 1.2, session ids", {.version = TLS_SERVER_12, .cache = true}},
    {"TLS 1.2, both", {.version = TLS_SERVER_12, .tickets = true, .cache = true}},
#if MBED_TLS13
    {"TLS 1.3", {.version = TLS_SERVER_13, .tickets = true}},
    {"either", {.tickets = true, .cache = true}},
#endif
};

static void teardown(void)
{
    tls_world_close(&w);
}

static void open_world(const struct way *way)
{
    tls_world_open(&w, AUTHORITY_P256, &way->options);
}

/* One read, which brings the ticket that comes before the words. */
static void look_around(void)
{
    char buf[16];
    size_t n = 0;

    ck_assert(tls_session_write(w.wire.session, "220 hi\r\n", 8));
    ck_assert_int_eq(w.stream->ops->read(w.stream, buf, sizeof buf, &n), MOX_OK);
    ck_assert_uint_eq(n, 8);
}

/* A whole session; whether it was resumed. proof: to keep it with; NULL: it is not kept. */
static bool visit(const unsigned char *key, const struct tls_proof *proof)
{
    bool resumed;

    ck_assert_msg(tls_world_connect(&w, key) == MOX_OK, "%s", tls_world_failure(&w));
    resumed = tls_proof(w.stream) != NULL;
    ck_assert_int_eq(resumed, tls_chain(w.stream) == NULL);
    ck_assert_int_eq(resumed, tls_session_resumed(w.wire.session));
    if (proof != NULL && !resumed)
        tls_keep(w.stream, proof);
    tls_settle(w.stream);
    look_around();
    tls_world_hang_up(&w);
    return resumed;
}

static void check_proof(const struct tls_proof *got)
{
    struct tls_proof proof = tls_world_proof();

    ck_assert_ptr_nonnull(got);
    ck_assert_int_eq(got->verified, proof.verified);
    ck_assert_str_eq(got->by, proof.by);
    ck_assert_int_eq(got->expires_s, proof.expires_s);
    ck_assert_str_eq(got->names[0], "mx.example");
    ck_assert_str_eq(got->names[1], "*.example");
    ck_assert_ptr_null(got->names[2]);
}

START_TEST(is_resumed_again_and_again_with_its_proof)
{
    struct tls_proof proof = tls_world_proof();

    open_world(&ways[_i]);
    ck_assert(!visit(tls_world_key, &proof));
    for (int i = 0; i < 5; i++) {
        ck_assert_msg(tls_world_connect(&w, tls_world_key) == MOX_OK, "%s", ways[_i].name);
        check_proof(tls_proof(w.stream));
        ck_assert_ptr_null(tls_chain(w.stream));
        ck_assert(tls_session_resumed(w.wire.session));
        look_around();
        tls_world_hang_up(&w);
    }
}
END_TEST

/* 100 at once to one host: a ticket is not used up. */
START_TEST(serves_several_at_once)
{
    struct tls_proof proof = tls_world_proof();

    open_world(&ways[_i]);
    ck_assert(!visit(tls_world_key, &proof));
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tls_world_connect(&w, tls_world_key), MOX_OK);
        check_proof(tls_proof(w.stream));
        tls_world_hang_up(&w); /* before another ticket was read */
    }
}
END_TEST

START_TEST(only_what_was_kept_is_resumed)
{
    struct tls_proof proof = tls_world_proof();
    const unsigned char other[TLS_KEY] = "another host, or other records";

    open_world(&ways[_i]);
    ck_assert(!visit(tls_world_key, NULL));
    ck_assert(!visit(tls_world_key, &proof));
    ck_assert(!visit(other, &proof));
    ck_assert(!visit(NULL, &proof));
    ck_assert(visit(other, NULL));
    ck_assert(visit(tls_world_key, NULL));
}
END_TEST

START_TEST(what_the_server_forgot_is_a_full_handshake)
{
    struct tls_proof proof = tls_world_proof();

    open_world(&ways[_i]);
    ck_assert(!visit(tls_world_key, &proof));
    tls_server_forget(w.server);
    ck_assert(!visit(tls_world_key, &proof));
    ck_assert(visit(tls_world_key, NULL));
}
END_TEST

/* It takes the old ticket no more and gives no new one; what was kept must not mix the two. */
START_TEST(a_server_that_stops_is_a_full_handshake)
{
    struct tls_proof proof = tls_world_proof();
    struct tls_server_options none = {.version = ways[_i].options.version};

    open_world(&ways[_i]);
    ck_assert(!visit(tls_world_key, &proof));
    tls_world_renew(&w, &none);
    ck_assert(!visit(tls_world_key, &proof));
    ck_assert(!visit(tls_world_key, &proof));
    tls_world_renew(&w, &ways[_i].options);
    ck_assert(!visit(tls_world_key, &proof));
    ck_assert(visit(tls_world_key, &proof));
}
END_TEST

START_TEST(ends_with_the_certificate)
{
    struct tls_proof proof = tls_world_proof();

    open_world(&ways[_i]);
    proof.until_s = 1700000000; /* the world's now */
    ck_assert(!visit(tls_world_key, &proof));
    ck_assert(!visit(tls_world_key, &proof));
    proof.until_s = 1700000001;
    ck_assert(!visit(tls_world_key, &proof));
    ck_assert(visit(tls_world_key, &proof));
    proof.until_s = 0; /* no such date */
    tls_server_forget(w.server);
    ck_assert(!visit(tls_world_key, &proof));
    ck_assert(visit(tls_world_key, &proof));
}
END_TEST

static void pass_s(int64_t s)
{
    w.world.now_us += s * 1000000;
    mox_ctx_dispatch(w.world.ctx);
}

START_TEST(ends_with_the_ticket)
{
    struct tls_proof proof = tls_world_proof();
    struct tls_server_options options = ways[_i].options;

    options.ticket_life_s = 1000;
    open_world(&(struct way){ways[_i].name, options});
    ck_assert(!visit(tls_world_key, &proof));
    if (options.tickets) {
        pass_s(999);
        ck_assert_int_eq(tls_world_connect(&w, tls_world_key), MOX_OK);
        ck_assert_ptr_nonnull(tls_proof(w.stream)); /* no other ticket is read */
        tls_world_hang_up(&w);
        pass_s(1);
    } else {
        pass_s(86400);
    }
    ck_assert(!visit(tls_world_key, &proof));
}
END_TEST

/* However many tickets come in between, a server is looked at again in a day. */
START_TEST(ends_a_day_after_the_full_handshake)
{
    struct tls_proof proof = tls_world_proof();

    open_world(&ways[_i]);
    ck_assert(!visit(tls_world_key, &proof));
    for (int hours = 0; hours < 24; hours += 6) {
        ck_assert(visit(tls_world_key, &proof));
        pass_s(6 * 3600);
    }
    ck_assert(!visit(tls_world_key, &proof));
    ck_assert(visit(tls_world_key, &proof));
}
END_TEST

/* A kept session that breaks the handshake is not offered twice. */
START_TEST(a_broken_handshake_has_it_forgotten)
{
    static const unsigned char alert[] = {21, 3, 3, 0, 2, 2, 40};
    struct tls_proof proof = tls_world_proof();

    open_world(&ways[_i]);
    ck_assert(!visit(tls_world_key, &proof));
    ck_assert_int_eq(tls_world_start_raw(&w, alert, sizeof alert), MOX_OK);
    ck_assert_int_eq(tls_world_shake(&w), MOX_E_TLS);
    tls_world_hang_up(&w);
    ck_assert(!visit(tls_world_key, &proof));
}
END_TEST

START_TEST(a_handshake_that_only_waits_does_not)
{
    struct tls_proof proof = tls_world_proof();

    open_world(&ways[_i]);
    ck_assert(!visit(tls_world_key, &proof));
    ck_assert_int_eq(tls_world_start_raw(&w, "", 0), MOX_OK);
    ck_assert_int_eq(tls_world_shake(&w), MOX_E_AGAIN);
    tls_world_hang_up(&w);
    ck_assert(visit(tls_world_key, &proof));
}
END_TEST

START_TEST(what_is_too_large_is_not_kept)
{
    static const char *many[1001];
    struct tls_proof proof = tls_world_proof();

    for (size_t i = 0; i < ARRAY_LEN(many) - 1; i++)
        many[i] = "a-rather-long-name.example";
    proof.names = many;
    open_world(&ways[_i]);
    ck_assert(!visit(tls_world_key, &proof));
    ck_assert(!visit(tls_world_key, &proof));
}
END_TEST

/* What runs over it outlives what is kept. */
START_TEST(the_proof_of_a_stream_outlives_the_context_s)
{
    struct tls_proof proof = tls_world_proof();

    open_world(&ways[_i]);
    ck_assert(!visit(tls_world_key, &proof));
    ck_assert_int_eq(tls_world_connect(&w, tls_world_key), MOX_OK);
    tls_reject(w.stream);
    check_proof(tls_proof(w.stream));
}
END_TEST

/* Memory runs out at each call in turn: an error, or a session that just is not kept. mbedTLS tells
 * some of its own want of memory as a broken handshake. */
START_TEST(survives_without_memory)
{
    struct tls_proof proof = tls_world_proof();
    bool failed = true;
    int round = 0;

    open_world(&ways[_i]);
    ck_assert(!visit(tls_world_key, &proof)); /* the context's part, and mbedTLS's own things */
    for (long n = 1; failed || round % 2 == 1; n += n < 150 ? 1 : n / 20, round++) {
        char buf[16];
        size_t got;
        int status;

        test_fail_alloc(n);
        status = tls_world_connect(&w, tls_world_key);
        if (status == MOX_OK && tls_proof(w.stream) == NULL)
            tls_keep(w.stream, &proof);
        if (status == MOX_OK) {
            tls_settle(w.stream);
            test_pause_alloc(true);
            ck_assert(tls_session_write(w.wire.session, "220 hi\r\n", 8));
            test_pause_alloc(false);
            status = tls_world_read(&w, buf, sizeof buf, &got);
            status = status == MOX_E_AGAIN ? MOX_OK : status;
        }
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert_msg(status == MOX_OK ||
                          (failed && (status == MOX_E_NOMEM || status == MOX_E_TLS)),
                      "%s, call %ld: %d, %s", ways[_i].name, n, status, tls_world_failure(&w));
        tls_world_hang_up(&w);
        if (round % 2 == 0)
            tls_server_forget(w.server); /* full ones too: they have thousands, for numbers */
        ck_assert_int_lt(n, 1000000);
    }
}
END_TEST

TCase *test_stream_tls_resume(void)
{
    TCase *tcase = tcase_create("stream/tls_resume");
    int n = (int)ARRAY_LEN(ways);

    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_loop_test(tcase, is_resumed_again_and_again_with_its_proof, 0, n);
    tcase_add_loop_test(tcase, serves_several_at_once, 0, n);
    tcase_add_loop_test(tcase, only_what_was_kept_is_resumed, 0, n);
    tcase_add_loop_test(tcase, what_the_server_forgot_is_a_full_handshake, 0, n);
    tcase_add_loop_test(tcase, a_server_that_stops_is_a_full_handshake, 0, n);
    tcase_add_loop_test(tcase, ends_with_the_certificate, 0, n);
    tcase_add_loop_test(tcase, ends_with_the_ticket, 0, n);
    tcase_add_loop_test(tcase, ends_a_day_after_the_full_handshake, 0, n);
    tcase_add_loop_test(tcase, a_broken_handshake_has_it_forgotten, 0, n);
    tcase_add_loop_test(tcase, a_handshake_that_only_waits_does_not, 0, n);
    tcase_add_loop_test(tcase, what_is_too_large_is_not_kept, 0, n);
    tcase_add_loop_test(tcase, the_proof_of_a_stream_outlives_the_context_s, 0, n);
    tcase_add_loop_test(tcase, survives_without_memory, 0, n);
    return tcase;
}
