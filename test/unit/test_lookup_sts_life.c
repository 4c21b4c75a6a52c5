/*
 * test_lookup_sts_life.c - lookups of MTA-STS policies that wait, share, are given up; and the
 * policies that are fetched ahead.
 */
#include "lookup/sts.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "dns/dns.h"
#include "sts_world.h"
#include "test.h"

static struct sts_world w;

static void setup(void)
{
    sts_world_open(&w);
}

static void teardown(void)
{
    sts_world_close(&w);
}

START_TEST(several_records_are_none)
{
    struct mox_dns_record records[] = {
        {"_mta-sts." WORLD_DOMAIN, DNS_TYPE_TXT, 0, 300, "\"v=STSv1; id=1\""},
        {"_mta-sts." WORLD_DOMAIN, DNS_TYPE_TXT, 0, 300, "\"v=STSv1;\" \" id=2\""}};

    w.txt = NULL;
    sts_world_start(&w, 0);
    mox_ctx_dispatch(w.net.ctx);
    mox_dns_answer_records(w.net.ctx, w.net.query_id, 0, records, 2, 0);
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_ptr_null(sts_world_result(&w)->policy);
    sts_world_story(&w, "several", "several records _mta-sts");
}
END_TEST

/* RFC 8461 section 8.2: the record may be a provider's; the policy is still the domain's own. */
START_TEST(an_alias_of_the_record_changes_no_name)
{
    struct mox_dns_record records[] = {
        {"_mta-sts." WORLD_DOMAIN, DNS_TYPE_CNAME, 0, 300, "_mta-sts.provider.example"},
        {"_mta-sts.provider.example", DNS_TYPE_TXT, 0, 300, "\"v=STSv1; id=new;\""}};

    w.txt = NULL;
    sts_world_start(&w, 0);
    mox_ctx_dispatch(w.net.ctx);
    mox_dns_answer_records(w.net.ctx, w.net.query_id, 0, records, 2, 0);
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_int_eq(sts_world_result(&w)->policy->mode, STS_ENFORCE);
    ck_assert_str_eq(w.url, "https://mta-sts." WORLD_DOMAIN "/.well-known/mta-sts.txt");
    sts_world_story(&w, "alias", "fetched from mta-sts." WORLD_DOMAIN);
}
END_TEST

START_TEST(a_silent_store_is_waited_for_a_second)
{
    w.get_status = WORLD_SILENT;
    sts_world_start(&w, 0);
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_int_eq(w.net.queries, 0);
    sts_world_wait(&w, 1);
    ck_assert_int_eq(mox_store_done(w.net.ctx, w.get_id, MOX_OK, "late", 4, 0), MOX_E_STALE);
    ck_assert_int_eq(sts_world_result(&w)->policy->mode, STS_ENFORCE);
    sts_world_story(&w, "silent", "the store did not answer in time");
}
END_TEST

START_TEST(silent_name_servers_end_with_their_deadline)
{
    w.txt = NULL;
    sts_world_start(&w, 0);
    mox_ctx_dispatch(w.net.ctx);
    sts_world_wait(&w, 29);
    ck_assert_int_eq(w.done, 0);
    sts_world_wait(&w, 1);
    ck_assert_int_eq(sts_world_result(&w)->status, MOX_E_DNS);
    ck_assert_int_eq(sts_world_result(&w)->error->stage, MOX_STAGE_RESOLVE);
    ck_assert_str_eq(sts_world_result(&w)->error->host, "_mta-sts." WORLD_DOMAIN);
    ck_assert_int_eq(w.net.cancels, 1);
}
END_TEST

/* Each alias is asked for in time, one after the other, to no end. */
START_TEST(aliases_that_drip_end_with_the_deadline_of_all)
{
    char owner[64] = "_mta-sts." WORLD_DOMAIN, target[64];
    struct mox_dns_record record = {owner, DNS_TYPE_CNAME, 0, 300, target};
    int waited = 0;

    w.txt = NULL;
    sts_world_start(&w, 0);
    mox_ctx_dispatch(w.net.ctx);
    for (; w.done == 0 && waited < 200; waited += 20) {
        snprintf(target, sizeof target, "a%d." WORLD_DOMAIN, waited);
        sts_world_wait(&w, 20);
        if (w.done == 0)
            mox_dns_answer_records(w.net.ctx, w.net.query_id, 0, &record, 1, 0);
        mox_ctx_dispatch(w.net.ctx);
        snprintf(owner, sizeof owner, "a%d." WORLD_DOMAIN, waited);
    }
    ck_assert_int_eq(waited, 60);
    ck_assert_int_eq(sts_world_result(&w)->status, MOX_E_DNS);
    ck_assert_int_eq(sts_world_result(&w)->error->stage, MOX_STAGE_RESOLVE);
}
END_TEST

START_TEST(record_and_fetch_have_a_minute_together)
{
    w.txt = NULL;
    w.fetch_status = WORLD_SILENT;
    sts_world_start(&w, 0);
    mox_ctx_dispatch(w.net.ctx);
    sts_world_wait(&w, 20);
    w.txt = "v=STSv1; id=new;";
    sts_world_answer(&w);
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_int_eq(w.fetches, 1);
    ck_assert_uint_eq(w.timeout_ms, 40000);
    sts_world_wait(&w, 39);
    ck_assert_int_eq(w.done, 0);
    sts_world_wait(&w, 1);
    ck_assert_int_eq(w.cancels, 1);
    ck_assert_int_eq(sts_world_result(&w)->status, MOX_OK);
    ck_assert_ptr_null(sts_world_result(&w)->policy);
    ck_assert_str_eq(sts_world_result(&w)->failure_code, "timeout");
    ck_assert_str_eq(w.put, "300:" WORLD_AT_ONCE);
    ck_assert_int_eq(mox_fetch_answer(w.net.ctx, w.fetch_id, 200, WORLD_BODY, 3), MOX_E_STALE);
}
END_TEST

START_TEST(beside_a_cached_policy_each_has_half_a_minute)
{
    w.value = WORLD_AN_HOUR_AGO " old\n" WORLD_TESTING;
    w.txt = NULL;
    w.fetch_status = WORLD_SILENT;
    sts_world_start(&w, 0);
    mox_ctx_dispatch(w.net.ctx);
    sts_world_wait(&w, 29);
    w.txt = "v=STSv1; id=new;";
    sts_world_answer(&w);
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_uint_eq(w.timeout_ms, 30000);
    sts_world_wait(&w, 30);
    ck_assert_int_eq(sts_world_result(&w)->policy->mode, STS_TESTING);
    ck_assert_str_eq(w.put, "");
}
END_TEST

static void on_other(void *arg)
{
    ((struct sts_world *)arg)->done += 10;
}

START_TEST(lookups_of_one_domain_share_the_work)
{
    w.txt = NULL;
    for (size_t i = 0; i < WORLD_LOOKUPS; i++)
        sts_world_start(&w, i);
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_int_eq(w.gets, 1);
    lookup_sts_free(w.lookups[1]);
    w.lookups[1] = NULL;
    w.txt = "v=STSv1; id=new;";
    sts_world_answer(&w);
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_int_eq(w.done, 2);
    ck_assert_int_eq(w.fetches, 1);
    ck_assert_ptr_eq(lookup_sts_result(w.lookups[0]), lookup_sts_result(w.lookups[2]));
    sts_world_start(&w, 1); /* what has finished is not joined */
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_int_eq(w.gets, 2);
    ck_assert_int_eq(w.done, 3);
}
END_TEST

/* A dial that found the store silent does not wait for one that has just asked it. */
START_TEST(lookups_that_wait_otherwise_for_the_store_do_not)
{
    struct lookup_rules rules = sts_world_rules;

    rules.store_us = 0;
    w.get_status = WORLD_SILENT;
    sts_world_start(&w, 0);
    w.lookups[1] = lookup_sts_start(w.net.ctx, WORLD_DOMAIN, &rules, on_other, &w);
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_int_eq(w.gets, 1);
    ck_assert_int_eq(w.done, 10);
    ck_assert(!lookup_sts_store_silent(w.lookups[0]));
    ck_assert(lookup_sts_store_silent(w.lookups[1]));
    ck_assert_int_eq(lookup_sts_result(w.lookups[1])->policy->mode, STS_ENFORCE);
    sts_world_wait(&w, 1);
    ck_assert_int_eq(w.done, 11);
    ck_assert(lookup_sts_store_silent(w.lookups[0]));
}
END_TEST

static void free_all(void *arg)
{
    (void)arg;
    w.done++;
    for (size_t i = 0; i < WORLD_LOOKUPS; i++) {
        lookup_sts_free(w.lookups[i]);
        w.lookups[i] = NULL;
    }
}

START_TEST(lookups_may_be_freed_in_done)
{
    for (size_t i = 0; i < WORLD_LOOKUPS; i++)
        w.lookups[i] = lookup_sts_start(w.net.ctx, WORLD_DOMAIN, &sts_world_rules, free_all, NULL);
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_int_eq(w.done, 1);
}
END_TEST

START_TEST(freed_at_any_point_it_ends_in_silence)
{
    w.fetch_status = WORLD_SILENT;
    sts_world_start(&w, 0);
    lookup_sts_free(w.lookups[0]); /* the store's answer is there */
    sts_world_start(&w, 0);
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_int_eq(w.fetches, 1);
    lookup_sts_free(w.lookups[0]);
    ck_assert_int_eq(w.cancels, 1);
    w.fetch_status = 200;
    sts_world_start(&w, 0);
    while (!lookup_sts_finished(w.lookups[0]))
        mox_ctx_dispatch(w.net.ctx);
    w.done = 0;
    lookup_sts_free(w.lookups[0]);
    w.lookups[0] = NULL;
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_int_eq(w.done, 0);
    ck_assert_int_eq(mox_ctx_timeout_ms(w.net.ctx), -1);
}
END_TEST

START_TEST(a_refresh_outlives_the_lookup_and_ends_with_the_context)
{
    w.value = WORLD_A_HALF_DAY_AGO " new\n" WORLD_TESTING;
    w.fetch_status = WORLD_SILENT;
    sts_world_start(&w, 0);
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_int_eq(sts_world_result(&w)->policy->mode, STS_TESTING);
    lookup_sts_free(w.lookups[0]);
    w.lookups[0] = NULL;
    ck_assert_int_eq(w.fetches, 1);
    ck_assert_int_eq(w.cancels, 0);
    sts_world_start(&w, 0);
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_int_eq(w.fetches, 1); /* it runs already */
    lookup_sts_free(w.lookups[0]);
    w.lookups[0] = NULL;
    mox_fetch_answer(w.net.ctx, w.fetch_id, 200, WORLD_BODY, strlen(WORLD_BODY));
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_str_eq(w.put, "86400:" WORLD_AT_ONCE " new\n" WORLD_BODY);
    sts_world_wait(&w, 299);
    sts_world_start(&w, 0);
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_int_eq(w.fetches, 1); /* that of a moment ago may have failed */
    sts_world_wait(&w, 1);
    sts_world_start(&w, 1);
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_int_eq(w.fetches, 2);
    sts_world_close(&w);
    ck_assert_int_eq(w.cancels, 1);
    ctx_world_open(&w.net);
}
END_TEST

static int get_any(void *user, uint64_t id, const char *key)
{
    static const char old[] = WORLD_A_HALF_DAY_AGO " new\n" WORLD_TESTING;

    (void)user;
    (void)key;
    return mox_store_done(w.net.ctx, id, MOX_OK, old, sizeof old - 1, 0);
}

START_TEST(refreshes_are_bounded)
{
    char domain[32];

    w.net.ctx->store.get = get_any;
    w.fetch_status = WORLD_SILENT;
    w.txt = "?";
    for (int i = 0; i < 2 * MOX_LIMIT_STS_REFRESHES; i++) {
        snprintf(domain, sizeof domain, "d%d.example", i);
        w.lookups[0] = lookup_sts_start(w.net.ctx, domain, &sts_world_rules, free_all, NULL);
        mox_ctx_dispatch(w.net.ctx);
    }
    ck_assert_int_eq(w.fetches, MOX_LIMIT_STS_REFRESHES);
    sts_world_wait(&w, 60); /* all give up */
    ck_assert_int_eq(w.cancels, MOX_LIMIT_STS_REFRESHES);
    w.lookups[0] = lookup_sts_start(w.net.ctx, "d99.example", &sts_world_rules, free_all, NULL);
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_int_eq(w.fetches, MOX_LIMIT_STS_REFRESHES + 1);
}
END_TEST

START_TEST(nothing_is_refreshed_in_a_shutdown)
{
    w.value = WORLD_A_HALF_DAY_AGO " new\n" WORLD_TESTING;
    sts_world_start(&w, 0);
    mox_ctx_shutdown(w.net.ctx, 0);
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_int_eq(sts_world_result(&w)->policy->mode, STS_TESTING);
    ck_assert_int_eq(w.fetches, 0);
}
END_TEST

static void count(void *arg)
{
    (void)arg;
    w.done++;
}

START_TEST(a_domain_too_long_for_a_record_has_none)
{
    char domain[MOX_LIMIT_DOMAIN + 1];

    memset(domain, 'a', sizeof domain);
    for (size_t i = 50; i < sizeof domain; i += 50)
        domain[i] = '.';
    domain[MOX_LIMIT_DOMAIN - 8] = '\0'; /* "_mta-sts." is one byte too many */
    w.net.ctx->store.get = get_any;
    w.lookups[0] = lookup_sts_start(w.net.ctx, domain, &sts_world_rules, count, NULL);
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_int_eq(w.net.queries, 0);
    ck_assert_int_eq(sts_world_result(&w)->policy->mode, STS_TESTING);
    ck_assert_int_eq(w.fetches, 1);
    w.wrong = false; /* it was refreshed, under its own key */
}
END_TEST

TCase *test_lookup_sts_life(void)
{
    TCase *tc = tcase_create("lookup/sts, its life");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, several_records_are_none);
    tcase_add_test(tc, an_alias_of_the_record_changes_no_name);
    tcase_add_test(tc, a_silent_store_is_waited_for_a_second);
    tcase_add_test(tc, silent_name_servers_end_with_their_deadline);
    tcase_add_test(tc, aliases_that_drip_end_with_the_deadline_of_all);
    tcase_add_test(tc, record_and_fetch_have_a_minute_together);
    tcase_add_test(tc, beside_a_cached_policy_each_has_half_a_minute);
    tcase_add_test(tc, lookups_of_one_domain_share_the_work);
    tcase_add_test(tc, lookups_that_wait_otherwise_for_the_store_do_not);
    tcase_add_test(tc, lookups_may_be_freed_in_done);
    tcase_add_test(tc, freed_at_any_point_it_ends_in_silence);
    tcase_add_test(tc, a_refresh_outlives_the_lookup_and_ends_with_the_context);
    tcase_add_test(tc, refreshes_are_bounded);
    tcase_add_test(tc, nothing_is_refreshed_in_a_shutdown);
    tcase_add_test(tc, a_domain_too_long_for_a_record_has_none);
    return tc;
}
