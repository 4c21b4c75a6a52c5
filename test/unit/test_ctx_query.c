/* test_ctx_query.c - a question is answered once, or given up; it is told never inside the call. */
#include "ctx/query.h"

#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "ctx_world.h"
#include "test.h"

enum { TIMEOUT_US = 5000, TYPE_A = 1 };

static struct ctx_world world;
static struct ctx_query query;
static int done; /* how often the answer was told */
static char message[MOX_LIMIT_DNS_MESSAGE];
static size_t taken; /* bytes of message */

static void on_message(struct ctx_query *q, struct slice wire)
{
    if (q != &query || wire.len > sizeof message)
        return;
    memcpy(message, wire.ptr, wire.len);
    taken = wire.len;
}

static void on_done(struct ctx_query *q)
{
    done += q == &query;
}

static int ask(void)
{
    query.take = on_message;
    query.done = on_done;
    return query_start(world.ctx, &query, "mx.example.org", TYPE_A, TIMEOUT_US);
}

static void setup(void)
{
    done = 0;
    taken = 0;
    query = (struct ctx_query){0};
    ctx_world_open(&world);
}

static void teardown(void)
{
    test_fail_alloc(0);
    query_cancel(&query);
    ctx_world_close(&world);
}

/* Both answer functions say that nobody waits for this id. */
static void assert_stale(uint64_t id)
{
    ck_assert_int_eq(mox_dns_answer(world.ctx, id, "x", 1, 0), MOX_E_STALE);
    ck_assert_int_eq(mox_dns_answer_records(world.ctx, id, 3, NULL, 0, 0), MOX_E_STALE);
    ck_assert_int_eq(mox_dns_fail(world.ctx, id, MOX_E_DNS), MOX_E_STALE);
}

static void answer_inside(struct ctx_world *w)
{
    ck_assert_int_eq(mox_dns_answer(w->ctx, w->query_id, "wire", 4, MOX_DNS_TRUST_AD), MOX_OK);
}

START_TEST(an_answer_inside_the_question_comes_with_the_dispatch)
{
    world.in_query = answer_inside;
    ck_assert_int_eq(ask(), MOX_OK);
    ck_assert_int_eq(done, 0);
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(done, 1);
    ck_assert_int_eq(query.status, MOX_OK);
    ck_assert(query.trusted);
    ck_assert_uint_eq(taken, 4);
    ck_assert_int_eq(memcmp(message, "wire", 4), 0);
    assert_stale(world.query_id);
    ck_assert_int_eq(world.cancels, 0);
    ck_assert_uint_eq(mox_ctx_stats(world.ctx)->dns_queries, 1);
    ck_assert_uint_eq(mox_ctx_stats(world.ctx)->dns_failures, 0);
    ck_assert_int_eq(mox_ctx_timeout_ms(world.ctx), -1); /* its deadline is gone */
}
END_TEST

START_TEST(who_asks_may_take_such_an_answer_at_once)
{
    world.in_query = answer_inside;
    ck_assert_int_eq(ask(), MOX_OK);
    ck_assert(query_answered_at_once(&query));
    ck_assert_uint_eq(taken, 4);
    ck_assert_int_eq(query.status, MOX_OK);
    assert_stale(world.query_id);
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(done, 0);
    world.in_query = NULL;
    ck_assert_int_eq(ask(), MOX_OK);
    ck_assert(!query_answered_at_once(&query));
    ck_assert_int_eq(mox_dns_answer(world.ctx, world.query_id, "wire", 4, 0), MOX_OK);
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(done, 1);
    world.query_status = MOX_ERRNO(EMFILE);
    ck_assert_int_eq(ask(), MOX_OK);
    ck_assert(query_answered_at_once(&query));
    ck_assert_int_eq(query.status, MOX_ERRNO(EMFILE));
    ck_assert_uint_eq(mox_ctx_stats(world.ctx)->dns_failures, 1);
}
END_TEST

START_TEST(the_answer_is_read_where_it_comes_and_the_second_is_stale)
{
    char wire[] = "once";

    ck_assert_int_eq(ask(), MOX_OK);
    ck_assert_int_eq(mox_dns_answer(world.ctx, world.query_id, wire, 4, 0), MOX_OK);
    memset(wire, 'x', sizeof wire);
    assert_stale(world.query_id); /* before the dispatch too */
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(done, 1);
    ck_assert(!query.trusted);
    ck_assert_int_eq(memcmp(message, "once", 4), 0);
    assert_stale(0);
    assert_stale(UINT64_MAX);
}
END_TEST

START_TEST(the_deadline_gives_it_up)
{
    ck_assert_int_eq(ask(), MOX_OK);
    world.now_us += TIMEOUT_US - 1;
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(done, 0);
    world.now_us += 1;
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(done, 1);
    ck_assert_int_eq(query.status, MOX_E_TIMEOUT);
    ck_assert_int_eq(world.cancels, 1);
    ck_assert_uint_eq(world.cancelled_id, world.query_id);
    assert_stale(world.query_id);
    ck_assert_uint_eq(mox_ctx_stats(world.ctx)->dns_failures, 1);
    ck_assert_uint_eq(taken, 0);
}
END_TEST

static struct ctx_event late;

static void answer_late(struct ctx_event *event)
{
    (void)event;
    ck_assert_int_eq(mox_dns_answer(world.ctx, world.query_id, "late", 4, 0), MOX_OK);
}

START_TEST(an_answer_in_the_turn_of_the_deadline_counts)
{
    ck_assert_int_eq(ask(), MOX_OK);
    late = (struct ctx_event){.run = answer_late};
    ctx_event_queue(world.ctx, &late); /* like a ready socket: it stands before the timer */
    world.now_us += TIMEOUT_US;
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(done, 1);
    ck_assert_int_eq(query.status, MOX_OK);
    ck_assert_uint_eq(taken, 4);
    ck_assert_int_eq(world.cancels, 0);
}
END_TEST

START_TEST(a_failure_keeps_its_code)
{
    static const struct {
        int code, status;
    } cases[] = {
        {MOX_E_TIMEOUT, MOX_E_TIMEOUT},
        {MOX_E_DNS, MOX_E_DNS},
        {MOX_ERRNO(ECONNREFUSED), MOX_ERRNO(ECONNREFUSED)},
        {0, MOX_E_CALLBACK}, /* a failure that is none */
        {17, MOX_E_CALLBACK},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_int_eq(ask(), MOX_OK);
        ck_assert_int_eq(mox_dns_fail(world.ctx, world.query_id, cases[i].code), MOX_OK);
        ck_assert_int_eq(done, (int)i);
        mox_ctx_dispatch(world.ctx);
        ck_assert_int_eq(done, (int)i + 1);
        ck_assert_int_eq(query.status, cases[i].status);
        assert_stale(world.query_id);
    }
    ck_assert_int_eq(world.cancels, 0);
    ck_assert_uint_eq(mox_ctx_stats(world.ctx)->dns_failures, ARRAY_LEN(cases));
}
END_TEST

START_TEST(a_question_that_cannot_be_sent_fails_in_the_dispatch)
{
    static const struct {
        int returned, status;
    } cases[] = {
        {MOX_ERRNO(EMFILE), MOX_ERRNO(EMFILE)},
        {MOX_E_NOMEM, MOX_E_NOMEM},
        {3, MOX_E_CALLBACK},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        world.query_status = cases[i].returned;
        ck_assert_int_eq(ask(), MOX_OK);
        ck_assert_int_eq(done, (int)i);
        mox_ctx_dispatch(world.ctx);
        ck_assert_int_eq(done, (int)i + 1);
        ck_assert_int_eq(query.status, cases[i].status);
    }
    ck_assert_int_eq(world.cancels, 0);
}
END_TEST

START_TEST(a_message_beyond_the_limit_is_a_failure_that_names_it)
{
    static char wire[MOX_LIMIT_DNS_MESSAGE + 1];

    ck_assert_int_eq(ask(), MOX_OK);
    ck_assert_int_eq(mox_dns_answer(world.ctx, world.query_id, wire, sizeof wire, 0), MOX_OK);
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(query.status, MOX_E_LIMIT);
    ck_assert_int_eq(ask(), MOX_OK);
    ck_assert_int_eq(mox_dns_answer(world.ctx, world.query_id, wire, sizeof wire - 1, 0), MOX_OK);
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(query.status, MOX_OK);
    ck_assert_uint_eq(taken, MOX_LIMIT_DNS_MESSAGE);
}
END_TEST

START_TEST(records_that_cannot_be_read_fail_the_query)
{
    static const struct mox_dns_record good = {"mx.example.org", TYPE_A, 0, 300, "192.0.2.25"};
    static const struct mox_dns_record bad = {"mx.example.org", TYPE_A, 0, 300, "192.0.2.256"};

    ck_assert_int_eq(ask(), MOX_OK);
    ck_assert_int_eq(mox_dns_answer_records(world.ctx, world.query_id, 0, &bad, 1, 0), MOX_E_INVAL);
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(done, 1);
    ck_assert_int_eq(query.status, MOX_E_INVAL);
    ck_assert_int_eq(ask(), MOX_OK);
    ck_assert_int_eq(mox_dns_answer_records(world.ctx, world.query_id, 0, &good, 1, 0), MOX_OK);
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(query.status, MOX_OK);
    ck_assert_uint_gt(taken, 0);
}
END_TEST

START_TEST(cancel_is_silent_and_tells_the_resolver_once)
{
    ck_assert_int_eq(ask(), MOX_OK);
    query_cancel(&query);
    query_cancel(&query);
    ck_assert_int_eq(world.cancels, 1);
    ck_assert_uint_eq(world.cancelled_id, world.query_id);
    assert_stale(world.query_id);
    ck_assert_int_eq(ask(), MOX_OK);
    ck_assert_int_eq(mox_dns_answer(world.ctx, world.query_id, "wire", 4, 0), MOX_OK);
    query_cancel(&query); /* answered, not told yet: nothing is in flight any more */
    ck_assert_int_eq(world.cancels, 1);
    world.now_us += TIMEOUT_US;
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(done, 0);
}
END_TEST

START_TEST(without_dns_ops_nothing_is_asked)
{
    world.ctx->dns.query = NULL;
    ck_assert_int_eq(ask(), MOX_E_UNSUPPORTED);
    mox_ctx_dispatch(world.ctx);
    ck_assert_int_eq(done, 0);
    query_cancel(&query);
}
END_TEST

START_TEST(no_memory_is_said_at_once)
{
    int started = 0;
    bool failed = true;

    for (long nth = 1; failed; nth++) {
        int status;

        ctx_world_close(&world);
        setup();
        test_fail_alloc(nth); /* libcheck allocates too: no assertion until it is off */
        status = ask();
        if (status == MOX_OK && mox_dns_answer(world.ctx, world.query_id, "wire", 4, 0) == MOX_OK)
            mox_ctx_dispatch(world.ctx);
        failed = test_alloc_failed();
        test_fail_alloc(0);
        if (status == MOX_OK) {
            started++;
            ck_assert_int_eq(done, 1);
            ck_assert_int_eq(query.status, MOX_OK);
        } else {
            ck_assert_uint_eq(query.id, 0);
            ck_assert_int_eq(world.queries, world.cancels);
        }
        query_cancel(&query);
    }
    ck_assert_int_eq(started, 1);
}
END_TEST

TCase *test_ctx_query(void)
{
    TCase *tc = tcase_create("ctx/query");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, an_answer_inside_the_question_comes_with_the_dispatch);
    tcase_add_test(tc, who_asks_may_take_such_an_answer_at_once);
    tcase_add_test(tc, the_answer_is_read_where_it_comes_and_the_second_is_stale);
    tcase_add_test(tc, the_deadline_gives_it_up);
    tcase_add_test(tc, an_answer_in_the_turn_of_the_deadline_counts);
    tcase_add_test(tc, a_failure_keeps_its_code);
    tcase_add_test(tc, a_question_that_cannot_be_sent_fails_in_the_dispatch);
    tcase_add_test(tc, a_message_beyond_the_limit_is_a_failure_that_names_it);
    tcase_add_test(tc, records_that_cannot_be_read_fail_the_query);
    tcase_add_test(tc, cancel_is_silent_and_tells_the_resolver_once);
    tcase_add_test(tc, without_dns_ops_nothing_is_asked);
    tcase_add_test(tc, no_memory_is_said_at_once);
    return tc;
}
