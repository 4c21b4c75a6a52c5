/*
 * test_stream_tls_flight.c - what is held back leaves once and in order, however the stream below
 * cuts it and wherever that has to wait; what is read ahead comes out as it came in.
 */
#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "stream/tls_flight.h"
#include "test.h"

enum { ROOM = 8192, FLIGHT = MOX_LIMIT_TLS_FLIGHT, AHEAD = MOX_LIMIT_TLS_AHEAD };

static struct pipe {      /* the stream below */
    struct stream stream; /* first */
    unsigned char out[ROOM], in[ROOM];
    size_t sent;     /* in out */
    size_t at, len;  /* of in */
    size_t chunk;    /* most bytes that a call takes; 0: all */
    size_t stops_at; /* where in out writing has to wait, once; 0: nowhere */
    int fails;       /* what calls say instead; MOX_OK: nothing */
    size_t writes, reads;
} pipe;

static unsigned char said[ROOM];
static struct tls_flight flight;

static size_t at_most(size_t len, size_t limit)
{
    return limit != 0 && limit < len ? limit : len;
}

static int pipe_write(struct stream *s, const void *buf, size_t len, size_t *n)
{
    struct pipe *p = (struct pipe *)s;

    p->writes++;
    if (p->fails != MOX_OK)
        return p->fails;
    if (p->stops_at != 0 && p->sent == p->stops_at) {
        p->stops_at = 0;
        return MOX_E_AGAIN;
    }
    *n = at_most(at_most(len, p->chunk), ROOM - p->sent);
    if (p->stops_at > p->sent)
        *n = at_most(*n, p->stops_at - p->sent);
    memcpy(p->out + p->sent, buf, *n);
    p->sent += *n;
    return MOX_OK;
}

static int pipe_read(struct stream *s, void *buf, size_t cap, size_t *n)
{
    struct pipe *p = (struct pipe *)s;

    p->reads++;
    if (p->fails != MOX_OK)
        return p->fails;
    if (p->at == p->len)
        return MOX_E_AGAIN;
    *n = at_most(at_most(p->len - p->at, p->chunk), cap);
    memcpy(buf, p->in + p->at, *n);
    p->at += *n;
    return MOX_OK;
}

static const struct stream_ops pipe_ops = {.read = pipe_read, .write = pipe_write};

static void renew(void)
{
    tls_flight_end(&flight);
    pipe = (struct pipe){.stream.ops = &pipe_ops};
    for (size_t i = 0; i < ROOM; i++)
        said[i] = pipe.in[i] = (unsigned char)(i * 7 + i / 251);
}

static void teardown(void)
{
    test_fail_alloc(0);
    tls_flight_end(&flight);
}

/* As mbedTLS does: the same bytes again until all of them were taken. */
static size_t say(size_t at, size_t len, bool gather)
{
    size_t end = at + len, waits = 0;

    while (at < end) {
        size_t n = 0;
        int status = (gather ? tls_flight_gather : tls_flight_write)(&flight, &pipe.stream,
                                                                     said + at, end - at, &n);

        if (status == MOX_OK ? n == 0 || n > end - at : status != MOX_E_AGAIN || n != 0)
            ck_abort_msg("status %d, %zu bytes", status, n);
        at += n;
        waits += status == MOX_E_AGAIN;
    }
    return waits;
}

static void check_sent(const char *name, size_t len)
{
    ck_assert_msg(pipe.sent == len, "%s: %zu of %zu", name, pipe.sent, len);
    ck_assert_msg(memcmp(pipe.out, said, len) == 0, "%s: not what was said", name);
}

static const struct records {
    const char *name;
    size_t len[5]; /* 0: no more */
    size_t held;   /* at the end */
    size_t writes; /* until all has left, where none is cut */
} cases[] = {
    {"one", {51}, 51, 1},
    {"a resumed handshake's end", {6, 45}, 51, 1},
    {"a full handshake's end", {75, 6, 45}, 126, 1},
    {"just fits", {FLIGHT - 6, 6}, FLIGHT, 1},
    {"a byte too many", {FLIGHT - 6, 7}, 7, 2},
    {"the largest that is held", {FLIGHT, FLIGHT}, FLIGHT, 2},
    {"larger than is held", {FLIGHT + 1}, 0, 1},
    {"a client certificate before the rest", {600, 75, 300, 6, 45}, 426, 2},
    {"one between", {100, 600, 6, 45}, 51, 3},
};

static size_t gather_all(const struct records *c)
{
    size_t at = 0;

    for (size_t i = 0; i < ARRAY_LEN(c->len) && c->len[i] != 0; i++) {
        say(at, c->len[i], true);
        at += c->len[i];
    }
    return at;
}

START_TEST(leaves_as_one)
{
    const struct records *c = &cases[_i];
    size_t len;

    renew();
    len = gather_all(c);
    ck_assert_msg(pipe.sent == len - c->held, "%s: %zu left early", c->name, pipe.sent);
    ck_assert_int_eq(tls_flight_holds(&flight), c->held > 0);
    ck_assert_int_eq(tls_flight_send(&flight, &pipe.stream), MOX_OK);
    ck_assert(!tls_flight_holds(&flight));
    ck_assert_uint_eq(flight.held, 0); /* there is room for the next */
    ck_assert_int_eq(tls_flight_send(&flight, &pipe.stream), MOX_OK); /* once */
    check_sent(c->name, len);
    ck_assert_msg(pipe.writes == c->writes, "%s: %zu writes", c->name, pipe.writes);
}
END_TEST

static size_t length_of(const struct records *c)
{
    size_t len = 0;

    for (size_t i = 0; i < ARRAY_LEN(c->len); i++)
        len += c->len[i];
    return len;
}

/* Cut into pieces of every size, and made to wait at every byte. */
START_TEST(leaves_whole_however_it_is_cut)
{
    const struct records *c = &cases[_i];
    size_t len = length_of(c), chunks[] = {0, 1, 7};

    for (size_t i = 0; i < len * ARRAY_LEN(chunks); i++) {
        int status;

        renew();
        pipe.chunk = chunks[i / len];
        pipe.stops_at = i % len;
        gather_all(c);
        status = tls_flight_send(&flight, &pipe.stream);
        if (status == MOX_E_AGAIN) {
            ck_assert(tls_flight_holds(&flight));
            status = tls_flight_send(&flight, &pipe.stream);
        }
        ck_assert_int_eq(status, MOX_OK);
        check_sent(c->name, len);
    }
}
END_TEST

static const size_t words[] = {1, 30, FLIGHT - 51, FLIGHT - 50, 1000};

START_TEST(takes_the_first_words_along)
{
    size_t len = 51 + words[_i], chunks[] = {0, 1, 7};

    renew();
    say(0, 51, true);
    say(51, words[_i], false);
    check_sent("at once", len);
    ck_assert(!tls_flight_holds(&flight));
    ck_assert_uint_eq(pipe.writes, len > FLIGHT ? 2 : 1);
    for (size_t i = 0; i < len * ARRAY_LEN(chunks); i++) {
        size_t waits;

        renew();
        pipe.chunk = chunks[i / len];
        pipe.stops_at = i % len;
        say(0, 51, true);
        waits = say(51, words[_i], false);
        check_sent("cut", len);
        ck_assert(pipe.stops_at == 0 && !tls_flight_holds(&flight));
        ck_assert(i == 0 || waits > 0);
    }
}
END_TEST

/* The words are not ours until they have left: their writer may never come again. */
START_TEST(words_that_wait_are_not_kept)
{
    size_t n = 0;

    renew();
    say(0, 51, true);
    pipe.stops_at = 20;
    ck_assert_int_eq(tls_flight_write(&flight, &pipe.stream, said + 51, 30, &n), MOX_E_AGAIN);
    ck_assert_int_eq(tls_flight_send(&flight, &pipe.stream), MOX_E_AGAIN);
    ck_assert_int_eq(tls_flight_send(&flight, &pipe.stream), MOX_OK);
    check_sent("the flight alone", 51);
}
END_TEST

START_TEST(failures_come_through)
{
    unsigned char buf[5];
    size_t n = 0;

    renew();
    say(0, 51, true);
    pipe.fails = MOX_ERRNO(EPIPE);
    ck_assert_int_eq(tls_flight_send(&flight, &pipe.stream), MOX_ERRNO(EPIPE));
    ck_assert_int_eq(tls_flight_write(&flight, &pipe.stream, said, 9, &n), MOX_ERRNO(EPIPE));
    ck_assert_int_eq(tls_flight_gather(&flight, &pipe.stream, said, FLIGHT, &n), MOX_ERRNO(EPIPE));
    ck_assert_int_eq(tls_flight_read(&flight, &pipe.stream, buf, sizeof buf, &n), MOX_ERRNO(EPIPE));
    ck_assert(!tls_flight_is_ahead(&flight));
    ck_assert_uint_eq(n, 0);
}
END_TEST

/* Header and body, as mbedTLS asks for them. */
static void take(size_t *at, size_t cap)
{
    static unsigned char buf[ROOM];
    size_t n = 0;

    for (size_t end = *at + cap; *at < end; *at += n) {
        ck_assert_int_eq(tls_flight_read(&flight, &pipe.stream, buf, end - *at, &n), MOX_OK);
        ck_assert(n > 0 && n <= end - *at);
        ck_assert_mem_eq(buf, said + *at, n);
    }
}

static const struct reading {
    const char *name;
    size_t body[4]; /* of records, each with a header of 5; 0: no more */
    size_t reads;   /* where none is cut */
} readings[] = {
    {"a reply", {40}, 1},
    {"a resumed server's flight", {90, 200, 1, 40}, 1},
    {"as much as is read ahead", {AHEAD - 5}, 1},
    {"a byte more", {AHEAD - 4}, 2},
    {"the next one begins", {AHEAD - 8, 100}, 2},
    {"a large one is read into its place", {5000}, 2},
};

START_TEST(records_are_read_ahead)
{
    const struct reading *c = &readings[_i];

    for (size_t chunk = 0; chunk < 60; chunk++) {
        unsigned char buf[5];
        size_t at = 0, n = 0;

        renew();
        pipe.chunk = chunk;
        for (size_t i = 0; i < ARRAY_LEN(c->body) && c->body[i] != 0; i++)
            pipe.len += 5 + c->body[i];
        for (size_t i = 0; i < ARRAY_LEN(c->body) && c->body[i] != 0; i++) {
            take(&at, 5);
            take(&at, c->body[i]);
        }
        ck_assert_msg(chunk != 0 || pipe.reads == c->reads, "%s: %zu reads", c->name, pipe.reads);
        ck_assert(!tls_flight_is_ahead(&flight)); /* no memory is held */
        ck_assert_int_eq(tls_flight_read(&flight, &pipe.stream, buf, sizeof buf, &n), MOX_E_AGAIN);
        ck_assert(!tls_flight_is_ahead(&flight));
    }
}
END_TEST

START_TEST(what_is_ahead_is_known)
{
    size_t at = 0;

    renew();
    pipe.len = 100;
    ck_assert(!tls_flight_is_ahead(&flight));
    take(&at, 99);
    ck_assert(tls_flight_is_ahead(&flight));
    pipe.fails = MOX_E_EOF; /* the end comes behind it */
    take(&at, 1);
    ck_assert(!tls_flight_is_ahead(&flight));
}
END_TEST

START_TEST(goes_record_by_record_without_memory)
{
    size_t at = 0;

    renew();
    test_fail_alloc(1);
    say(0, 6, true);
    ck_assert(test_alloc_failed());
    check_sent("at once", 6);
    ck_assert(!tls_flight_holds(&flight));
    pipe.len = 45;
    test_fail_alloc(1);
    take(&at, 5);
    ck_assert(test_alloc_failed());
    ck_assert_uint_eq(pipe.at, 5);
    take(&at, 40); /* memory is back */
    ck_assert_uint_eq(pipe.reads, 2);
}
END_TEST

TCase *test_stream_tls_flight(void)
{
    TCase *tcase = tcase_create("stream/tls_flight");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_loop_test(tcase, leaves_as_one, 0, (int)ARRAY_LEN(cases));
    tcase_add_loop_test(tcase, leaves_whole_however_it_is_cut, 0, (int)ARRAY_LEN(cases));
    tcase_add_loop_test(tcase, takes_the_first_words_along, 0, (int)ARRAY_LEN(words));
    tcase_add_test(tcase, words_that_wait_are_not_kept);
    tcase_add_test(tcase, failures_come_through);
    tcase_add_loop_test(tcase, records_are_read_ahead, 0, (int)ARRAY_LEN(readings));
    tcase_add_test(tcase, what_is_ahead_is_known);
    tcase_add_test(tcase, goes_record_by_record_without_memory);
    return tcase;
}
