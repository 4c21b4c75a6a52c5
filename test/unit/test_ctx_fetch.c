/* test_ctx_fetch.c - a fetch is answered once, or given up, and never inside the call. */
#include "ctx/fetch.h"

#include <errno.h>
#include <string.h>

#include "ctx_world.h"
#include "test.h"

enum { TIMEOUT_US = 5000500, MAX_BYTES = 16 };

static const char url[] = "https://mta-sts.example.org/.well-known/mta-sts.txt";

static struct ctx_world world;
static struct ctx_fetch fetch;
static int done;

/* libcheck allocates: no assertion in the table. */
static struct {
    int calls, cancels, returns;
    bool wrong;
    uint64_t id, cancelled;
    uint32_t timeout_ms;
} asked;

static int on_fetch(void *user, uint64_t id, const char *what, size_t max_bytes,
                    uint32_t timeout_ms)
{
    asked.wrong |= user != &asked || strcmp(what, url) != 0 || max_bytes != MAX_BYTES;
    asked.calls++;
    asked.id = id;
    asked.timeout_ms = timeout_ms;
    return asked.returns;
}

static void on_cancel(void *user, uint64_t id)
{
    asked.wrong |= user != &asked;
    asked.cancels++;
    asked.cancelled = id;
}

static void on_done(struct ctx_fetch *f)
{
    done += f == &fetch;
}

static void setup(void)
{
    done = 0;
    memset(&asked, 0, sizeof asked);
    fetch = (struct ctx_fetch){.done = on_done};
    ctx_world_open(&world);
    world.ctx->fetch = (struct mox_fetch_ops){
        .size = sizeof world.ctx->fetch, .user = &asked, .fetch = on_fetch, .cancel = on_cancel};
}

static void teardown(void)
{
    test_fail_alloc(0);
    ck_assert(!asked.wrong);
    fetch_cancel(&fetch);
    ctx_world_close(&world);
}

static int start(void)
{
    return fetch_start(world.ctx, &fetch, url, MAX_BYTES, TIMEOUT_US);
}

static int answer(int status, const char *body)
{
    return mox_fetch_answer(world.ctx, asked.id, status, body, body == NULL ? 0 : strlen(body));
}

static void dispatch(void)
{
    mox_ctx_dispatch(world.ctx);
}

START_TEST(a_body_is_copied_and_comes_with_the_dispatch)
{
    char body[] = "version: STSv1\n";

    ck_assert_int_eq(start(), MOX_OK);
    ck_assert_uint_eq(asked.timeout_ms, 5001); /* rounded up */
    ck_assert_int_eq(answer(200, body), MOX_OK);
    memset(body, 'x', sizeof body);
    ck_assert_int_eq(answer(404, NULL), MOX_E_STALE);
    ck_assert_int_eq(done, 0);
    dispatch();
    ck_assert_int_eq(done, 1);
    ck_assert_int_eq(fetch.status, 200);
    ck_assert(slice_is(buffer_slice(&fetch.body), "version: STSv1\n"));
    ck_assert_int_eq(answer(404, NULL), MOX_E_STALE);
    ck_assert_int_eq(asked.cancels, 0);
    ck_assert_int_eq(mox_ctx_timeout_ms(world.ctx), -1);
}
END_TEST

START_TEST(answers_keep_their_code)
{
    static const struct {
        int returned, answered, status; /* answered 0: nothing is */
        const char *body;
    } cases[] = {
        {MOX_OK, 404, 404, NULL},
        {MOX_OK, 100, 100, NULL},
        {MOX_OK, 99, MOX_E_CALLBACK, NULL},
        {MOX_OK, 1000, MOX_E_CALLBACK, NULL},
        {MOX_OK, MOX_E_NO_DOMAIN, MOX_E_NO_DOMAIN, NULL},
        {MOX_OK, MOX_ERRNO(ECONNREFUSED), MOX_ERRNO(ECONNREFUSED), "not kept"},
        {MOX_OK, 200, 200, "sixteen bytes fit"},
        {MOX_OK, 200, MOX_E_LIMIT, "but seventeen bytes do not"},
        {MOX_E_NOMEM, 0, MOX_E_NOMEM, NULL},
        {200, 0, MOX_E_CALLBACK, NULL}, /* no way to answer */
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t len = cases[i].body == NULL ? 0 : strlen(cases[i].body);

        asked.returns = cases[i].returned;
        fetch_cancel(&fetch);
        ck_assert_int_eq(start(), MOX_OK);
        if (cases[i].status == 200)
            len = MAX_BYTES;
        if (cases[i].answered != 0)
            ck_assert_int_eq(
                mox_fetch_answer(world.ctx, asked.id, cases[i].answered, cases[i].body, len),
                MOX_OK);
        dispatch();
        ck_assert_int_eq(done, (int)i + 1);
        ck_assert_msg(fetch.status == cases[i].status, "case %zu: %d", i, fetch.status);
        ck_assert_uint_eq(buffer_slice(&fetch.body).len, cases[i].status == 200 ? MAX_BYTES : 0);
    }
    ck_assert_int_eq(asked.cancels, 0);
}
END_TEST

START_TEST(the_deadline_gives_it_up)
{
    ck_assert_int_eq(start(), MOX_OK);
    world.now_us += TIMEOUT_US - 1;
    dispatch();
    ck_assert_int_eq(done, 0);
    world.now_us += 1;
    dispatch();
    ck_assert_int_eq(done, 1);
    ck_assert_int_eq(fetch.status, MOX_E_TIMEOUT);
    ck_assert_int_eq(asked.cancels, 1);
    ck_assert_uint_eq(asked.cancelled, asked.id);
    ck_assert_int_eq(answer(200, "late"), MOX_E_STALE);
}
END_TEST

static struct ctx_event late;

static void answer_late(struct ctx_event *event)
{
    (void)event;
    ck_assert_int_eq(answer(200, "late"), MOX_OK);
}

START_TEST(an_answer_in_the_turn_of_the_deadline_counts)
{
    ck_assert_int_eq(start(), MOX_OK);
    late = (struct ctx_event){.run = answer_late};
    ctx_event_queue(world.ctx, &late); /* like a ready socket: it stands before the timer */
    world.now_us += TIMEOUT_US;
    dispatch();
    ck_assert_int_eq(done, 1);
    ck_assert_int_eq(fetch.status, 200);
    ck_assert_int_eq(asked.cancels, 0);
}
END_TEST

START_TEST(cancel_is_silent_and_tells_the_fetcher_once)
{
    ck_assert_int_eq(start(), MOX_OK);
    fetch_cancel(&fetch);
    fetch_cancel(&fetch);
    ck_assert_int_eq(asked.cancels, 1);
    ck_assert_uint_eq(asked.cancelled, asked.id);
    ck_assert_int_eq(answer(200, "late"), MOX_E_STALE);
    ck_assert_int_eq(start(), MOX_OK);
    ck_assert_int_eq(answer(200, "body"), MOX_OK);
    fetch_cancel(&fetch); /* answered, not told yet: nothing is in flight any more */
    ck_assert_int_eq(asked.cancels, 1);
    world.now_us += TIMEOUT_US;
    dispatch();
    ck_assert_int_eq(done, 0);
}
END_TEST

START_TEST(in_a_forked_child_nothing_is_said)
{
    ck_assert_int_eq(start(), MOX_OK);
    world.ctx->forked = true;
    fetch_cancel(&fetch);
    ck_assert_int_eq(asked.cancels, 0);
}
END_TEST

START_TEST(what_a_context_lacks_is_said_at_once)
{
    world.ctx->fetch.cancel = NULL;
    ck_assert_int_eq(start(), MOX_OK);
    fetch_cancel(&fetch);
    world.ctx->fetch.fetch = NULL;
    ck_assert_int_eq(start(), MOX_E_UNSUPPORTED);
    dispatch();
    ck_assert_int_eq(done, 0);
}
END_TEST

START_TEST(no_memory_is_said_at_once_or_by_the_answer)
{
    int started = 0;
    bool failed = true;

    for (long nth = 1; failed; nth++) {
        int status;

        teardown();
        setup();
        test_fail_alloc(nth);
        status = start();
        if (status == MOX_OK && answer(200, "body") == MOX_OK)
            dispatch();
        failed = test_alloc_failed();
        test_fail_alloc(0);
        if (status == MOX_OK) {
            started++;
            ck_assert_int_eq(done, 1);
            ck_assert_int_eq(fetch.status, failed ? MOX_E_NOMEM : 200);
        } else {
            ck_assert_uint_eq(fetch.id, 0);
            ck_assert_int_eq(asked.calls, 0);
        }
    }
    ck_assert_int_eq(started, 2); /* the body's own copy failed once */
}
END_TEST

TCase *test_ctx_fetch(void)
{
    TCase *tc = tcase_create("ctx/fetch");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_body_is_copied_and_comes_with_the_dispatch);
    tcase_add_test(tc, answers_keep_their_code);
    tcase_add_test(tc, the_deadline_gives_it_up);
    tcase_add_test(tc, an_answer_in_the_turn_of_the_deadline_counts);
    tcase_add_test(tc, cancel_is_silent_and_tells_the_fetcher_once);
    tcase_add_test(tc, in_a_forked_child_nothing_is_said);
    tcase_add_test(tc, what_a_context_lacks_is_said_at_once);
    tcase_add_test(tc, no_memory_is_said_at_once_or_by_the_answer);
    return tc;
}
