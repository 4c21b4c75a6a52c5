/*
 * test_lookup_sts.c - where an MTA-STS policy comes from: each row of the cache's table, what the
 * store then holds, and what fails.
 */
#include "lookup/sts.h"

#include <string.h>

#include "sts_world.h"
#include "test.h"

#define TWO_HOURS "version: STSv1\nmode: testing\nmx: mx.example.org\nmax_age: 7200\n"
#define A_WEEK "version: STSv1\nmode: testing\nmx: mx.example.org\nmax_age: 604800\n"
#define NO_MODE "version: STSv1\nmode: none\nmax_age: 86400\n"

static struct sts_world w;

static void setup(void)
{
    sts_world_open(&w);
}

static void teardown(void)
{
    sts_world_close(&w);
}

static const struct sts_case {
    const char *name;
    int get_status;
    const char *value, *txt;
    int fetch_status;
    const char *body;
    int status, mode;        /* mode -1: no policy */
    int queries, fetches;    /* how many */
    const char *put;         /* what the store is told; NULL: nothing */
    const char *result_type; /* or NULL */
    const char *story;
} cases[] = {
    {"nothing cached", MOX_OK, NULL, "v=STSv1; id=new;", 200, WORLD_BODY, MOX_OK, STS_ENFORCE, 1, 1,
     "86400:" WORLD_AT_ONCE " new\n" WORLD_BODY, NULL,
     "(enforce, id new) was fetched from mta-sts.example.org"},
    {"a policy with CR LF is kept as it is", MOX_OK, NULL, "v=STSv1; id=new;", 200,
     "version: STSv1\r\nmode: none\r\nmax_age: 9\r\n", MOX_OK, STS_NONE, 1, 1,
     "9:" WORLD_AT_ONCE " new\nversion: STSv1\r\nmode: none\r\nmax_age: 9\r\n", NULL,
     "was fetched from"},
    {"a policy of no time", MOX_OK, NULL, "v=STSv1; id=new;", 200,
     "version: STSv1\nmode: none\nmax_age: 0\n", MOX_OK, STS_NONE, 1, 1, "-", NULL, "just now"},
    {"the servers fail", MOX_OK, NULL, "?", 200, WORLD_BODY, MOX_E_DNS, -1, 1, 0, NULL, NULL,
     "it could not be learned whether"},
    {"no record", MOX_OK, NULL, "", 200, WORLD_BODY, MOX_OK, -1, 1, 0, NULL, NULL,
     "there is no record"},
    {"another record", MOX_OK, NULL, "v=spf1 -all", 200, WORLD_BODY, MOX_OK, -1, 1, 0, NULL, NULL,
     "there is no record"},
    {"a bad record", MOX_OK, NULL, "v=STSv1; bogus", 200, WORLD_BODY, MOX_OK, -1, 1, 0, NULL, NULL,
     "not well-formed"},
    {"404", MOX_OK, NULL, "v=STSv1; id=new;", 404, "no", MOX_OK, -1, 1, 1, "300:" WORLD_AT_ONCE,
     "sts-policy-fetch-error", "mta-sts.example.org answers with HTTP status 404"},
    {"a redirect", MOX_OK, NULL, "v=STSv1; id=new;", 301, NULL, MOX_OK, -1, 1, 1,
     "300:" WORLD_AT_ONCE, "sts-policy-fetch-error", "HTTP status 301"},
    {"no such host", MOX_OK, NULL, "v=STSv1; id=new;", MOX_E_NO_DOMAIN, NULL, MOX_OK, -1, 1, 1,
     "300:" WORLD_AT_ONCE, "sts-policy-fetch-error", "mta-sts.example.org does not exist"},
    {"a certificate that does not verify", MOX_OK, NULL, "v=STSv1; id=new;", MOX_E_VERIFY, NULL,
     MOX_OK, -1, 1, 1, "300:" WORLD_AT_ONCE, "sts-webpki-invalid", "does not verify"},
    {"no connection", MOX_OK, NULL, "v=STSv1; id=new;", MOX_ERRNO(111), NULL, MOX_OK, -1, 1, 1,
     "300:" WORLD_AT_ONCE, "sts-policy-fetch-error", "could not be reached"},
    {"too long", MOX_OK, NULL, "v=STSv1; id=new;", MOX_E_LIMIT, NULL, MOX_OK, -1, 1, 1,
     "300:" WORLD_AT_ONCE, "sts-policy-invalid", "of over 65536 bytes"},
    {"a bad policy", MOX_OK, NULL, "v=STSv1; id=new;", 200, "mode: yes\n", MOX_OK, -1, 1, 1,
     "300:" WORLD_AT_ONCE, "sts-policy-invalid", "line 1: \"yes\" is no mode"},
    {"none could be had a moment ago", MOX_OK, "1699999701", "v=STSv1; id=new;", 200, WORLD_BODY,
     MOX_OK, -1, 0, 0, NULL, NULL, "for 5 minutes it is not asked again"},
    {"none could be had 5 minutes ago", MOX_OK, "1699999700", "v=STSv1; id=new;", 200, WORLD_BODY,
     MOX_OK, STS_ENFORCE, 1, 1, "86400:" WORLD_AT_ONCE " new\n" WORLD_BODY, NULL, "just now"},
    {"cached, the same id", MOX_OK, WORLD_AN_HOUR_AGO " new\n" WORLD_TESTING, "v=STSv1; id=new;",
     200, WORLD_BODY, MOX_OK, STS_TESTING, 1, 0, NULL, NULL,
     "(testing, id new) was fetched 60 min ago: its record has the same id"},
    {"cached, no record", MOX_OK, WORLD_AN_HOUR_AGO " old\n" WORLD_TESTING, "", 200, WORLD_BODY,
     MOX_OK, STS_TESTING, 1, 0, NULL, NULL, "there is no record"},
    {"cached, the servers fail", MOX_OK, WORLD_AN_HOUR_AGO " old\n" WORLD_TESTING, "?", 200,
     WORLD_BODY, MOX_OK, STS_TESTING, 1, 0, NULL, NULL, "its record could not be looked up"},
    {"cached, a bad record", MOX_OK, WORLD_AN_HOUR_AGO " old\n" WORLD_TESTING, "v=STSv1; bogus",
     200, WORLD_BODY, MOX_OK, STS_TESTING, 1, 0, NULL, NULL, "not well-formed"},
    {"cached, a new id", MOX_OK, WORLD_AN_HOUR_AGO " old\n" WORLD_TESTING, "v=STSv1; id=new;", 200,
     WORLD_BODY, MOX_OK, STS_ENFORCE, 1, 1, "86400:" WORLD_AT_ONCE " new\n" WORLD_BODY, NULL,
     "just now"},
    {"cached, a new id, 404", MOX_OK, WORLD_AN_HOUR_AGO " old\n" WORLD_TESTING, "v=STSv1; id=new;",
     404, NULL, MOX_OK, STS_TESTING, 1, 1, NULL, NULL, "a new one, id new, could not be had"},
    {"cached, a new id, a bad policy", MOX_OK, WORLD_AN_HOUR_AGO " old\n" WORLD_TESTING,
     "v=STSv1; id=new;", 200, "mode: yes\n", MOX_OK, STS_TESTING, 1, 1, NULL, NULL,
     "could not be had"},
    {"cached, at the end of its time", MOX_OK, "1699913601 old\n" WORLD_TESTING, "v=STSv1; id=old;",
     200, WORLD_BODY, MOX_OK, STS_TESTING, 1, 1, "86400:" WORLD_AT_ONCE " old\n" WORLD_BODY, NULL,
     "23 h ago"},
    {"cached, and over", MOX_OK, WORLD_A_DAY_AGO " old\n" WORLD_TESTING, "v=STSv1; id=old;", 200,
     WORLD_BODY, MOX_OK, STS_ENFORCE, 1, 1, "86400:" WORLD_AT_ONCE " old\n" WORLD_BODY, NULL,
     "just now"},
    {"cached, under a clock that is ahead", MOX_OK, "1700000301 old\n" WORLD_TESTING, "", 200,
     WORLD_BODY, MOX_OK, -1, 1, 0, NULL, NULL, "there is no record"},
    {"cached, a little ahead", MOX_OK, "1700000300 old\n" WORLD_TESTING, "", 200, WORLD_BODY,
     MOX_OK, STS_TESTING, 1, 0, NULL, NULL, "fetched 0 s ago"},
    {"another wrote this", MOX_OK, "rubbish", "", 200, WORLD_BODY, MOX_OK, -1, 1, 0, NULL, NULL,
     "there is no record"},
    {"no id", MOX_OK, WORLD_AN_HOUR_AGO " \n" WORLD_TESTING, "", 200, WORLD_BODY, MOX_OK, -1, 1, 0,
     NULL, NULL, "there is no record"},
    {"no policy", MOX_OK, WORLD_AN_HOUR_AGO " old\n", "", 200, WORLD_BODY, MOX_OK, -1, 1, 0, NULL,
     NULL, "there is no record"},
    {"a policy that is none", MOX_OK, WORLD_AN_HOUR_AGO " old\nmode: yes\n", "", 200, WORLD_BODY,
     MOX_OK, -1, 1, 0, NULL, NULL, "there is no record"},
    {"the store fails", MOX_E_STORE, NULL, "v=STSv1; id=new;", 200, WORLD_BODY, MOX_OK, STS_ENFORCE,
     1, 1, "86400:" WORLD_AT_ONCE " new\n" WORLD_BODY, NULL,
     "; the store failed (asking it: store), so the cache"},
    {"no longer wanted", MOX_OK, WORLD_AN_HOUR_AGO " old\n" NO_MODE, "", 200, WORLD_BODY, MOX_OK,
     STS_NONE, 1, 0, "-", NULL, "there is no record"},
    {"half a day old, the same id", MOX_OK, WORLD_A_HALF_DAY_AGO " new\n" WORLD_TESTING,
     "v=STSv1; id=new;", 200, WORLD_BODY, MOX_OK, STS_TESTING, 1, 1,
     "86400:" WORLD_AT_ONCE " new\n" WORLD_BODY, NULL, "12 h ago"},
    {"half a day old, no record", MOX_OK, WORLD_A_HALF_DAY_AGO " old\n" WORLD_TESTING, "", 200,
     WORLD_BODY, MOX_OK, STS_TESTING, 1, 1, "86400:" WORLD_AT_ONCE " old\n" WORLD_BODY, NULL,
     "there is no record"},
    {"a long-lived policy, half a day old", MOX_OK, WORLD_A_HALF_DAY_AGO " new\n" A_WEEK,
     "v=STSv1; id=new;", 200, WORLD_BODY, MOX_OK, STS_TESTING, 1, 1,
     "86400:" WORLD_AT_ONCE " new\n" WORLD_BODY, NULL, "12 h ago"},
    {"a long-lived policy, a second before", MOX_OK, "1699956801 new\n" A_WEEK, "v=STSv1; id=new;",
     200, WORLD_BODY, MOX_OK, STS_TESTING, 1, 0, NULL, NULL, "11 h ago"},
    {"a short-lived policy at half of its time", MOX_OK, WORLD_AN_HOUR_AGO " new\n" TWO_HOURS,
     "v=STSv1; id=new;", 200, WORLD_BODY, MOX_OK, STS_TESTING, 1, 1,
     "86400:" WORLD_AT_ONCE " new\n" WORLD_BODY, NULL, "60 min ago"},
    {"a short-lived policy, a second before", MOX_OK, "1699996401 new\n" TWO_HOURS,
     "v=STSv1; id=new;", 200, WORLD_BODY, MOX_OK, STS_TESTING, 1, 0, NULL, NULL, "59 min ago"},
    {"a short-lived policy that is over", MOX_OK, "1699992800 new\n" TWO_HOURS, "v=STSv1; id=new;",
     200, WORLD_BODY, MOX_OK, STS_ENFORCE, 1, 1, "86400:" WORLD_AT_ONCE " new\n" WORLD_BODY, NULL,
     "just now"},
    {"half a day old, the refresh fails", MOX_OK, WORLD_A_HALF_DAY_AGO " new\n" WORLD_TESTING,
     "v=STSv1; id=new;", 500, WORLD_BODY, MOX_OK, STS_TESTING, 1, 1, NULL, NULL, "12 h ago"},
};

START_TEST(sts_case)
{
    const struct sts_case *c = &cases[_i];
    const struct lookup_sts_result *r;

    w.get_status = c->get_status;
    w.value = c->value;
    w.fetch_status = c->fetch_status;
    w.body = c->body;
    w.txt = c->txt;
    sts_world_start(&w, 0);
    ck_assert_int_eq(w.done, 0);
    mox_ctx_dispatch(w.net.ctx);
    r = sts_world_result(&w);
    ck_assert_msg(r->status == c->status, "%s: status %d", c->name, r->status);
    ck_assert_msg((r->policy == NULL ? -1 : r->policy->mode) == c->mode, "%s: policy", c->name);
    ck_assert_msg(w.net.queries == c->queries, "%s: %d questions", c->name, w.net.queries);
    ck_assert_msg(w.fetches == c->fetches, "%s: %d fetches", c->name, w.fetches);
    ck_assert_msg(strcmp(w.put, c->put == NULL ? "" : c->put) == 0, "%s: put %s", c->name, w.put);
    ck_assert_msg((r->result_type == NULL) == (c->result_type == NULL), "%s: type", c->name);
    ck_assert_msg((r->failure_code == NULL) == (c->result_type == NULL), "%s: code", c->name);
    if (c->result_type != NULL)
        ck_assert_str_eq(r->result_type, c->result_type);
    ck_assert_msg((r->error != NULL) == (r->status != MOX_OK), "%s: error", c->name);
    sts_world_story(&w, c->name, c->story);
    if (c->fetches > 0)
        ck_assert_str_eq(w.url, "https://mta-sts.example.org/.well-known/mta-sts.txt");
}
END_TEST

/* The nth allocation from the start on fails: no crash, no leak, an answer that is true. */
static void run_without_memory(const struct sts_case *c, long nth, bool *failed)
{
    sts_world_close(&w);
    sts_world_open(&w);
    w.value = c->value;
    w.txt = c->txt;
    w.fetch_status = c->fetch_status;
    w.body = c->body;
    test_fail_alloc(nth);
    sts_world_start(&w, 0);
    if (w.lookups[0] != NULL)
        mox_ctx_dispatch(w.net.ctx);
    *failed = test_alloc_failed();
    test_fail_alloc(0);
    if (w.lookups[0] == NULL)
        return;
    mox_ctx_dispatch(w.net.ctx); /* an answer that could not be made is a failure in the next */
    if (w.done == 0)
        sts_world_wait(&w, 60); /* one that could not be kept is none */
    ck_assert_int_eq(w.done, 1);
    if (sts_world_result(&w)->status == MOX_OK && c->mode >= 0 && c->value != NULL)
        ck_assert_ptr_nonnull(sts_world_result(&w)->policy);
    if (sts_world_result(&w)->status == MOX_OK && c->mode < 0)
        ck_assert_ptr_null(sts_world_result(&w)->policy);
}

START_TEST(no_memory_at_any_point)
{
    bool failed = true;

    for (long nth = 1; failed; nth++)
        run_without_memory(&cases[_i], nth, &failed);
    ck_assert_int_eq(sts_world_result(&w)->status, cases[_i].status);
}
END_TEST

TCase *test_lookup_sts(void)
{
    TCase *tc = tcase_create("lookup/sts");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, sts_case, 0, (int)ARRAY_LEN(cases));
    tcase_add_loop_test(tc, no_memory_at_any_point, 0, (int)ARRAY_LEN(cases));
    return tc;
}
