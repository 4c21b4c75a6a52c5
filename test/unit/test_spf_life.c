/*
 * test_spf_life.c - SPF checks that wait, are given up, run out of time or of memory; and whose
 * address they check.
 */
#include <string.h>

#include "base/limits.h"
#include "spf_world.h"
#include "test.h"

enum { TXT = DNS_TYPE_TXT, A = DNS_TYPE_A, PTR = DNS_TYPE_PTR };

static struct spf_world w;

static const struct spf_zone zone[] = {
    {"example.org", TXT, "v=spf1 a:slow.example.org include:inner.example.org -all"},
    {"slow.example.org", A, "198.51.100.1"},
    {"inner.example.org", TXT, "v=spf1 mx ptr exists:%{p}.example.org"},
    {"inner.example.org", DNS_TYPE_MX, "10 slow.example.org"},
    {"1.2.0.192.in-addr.arpa", PTR, "slow.example.org"},
    {"fails.example.org", TXT, "v=spf1 -all exp=slow.example.org"},
    {"nat.example.org", TXT, "v=spf1 ip4:198.51.100.25 -all"},
    {0}};

/* Memory is needed for records, answers, explanations. */
static const struct spf_zone hungry[] = {
    {"example.org", TXT, "v=spf1 include:inner.example.org mx ptr -all exp=exp.example.org"},
    {"inner.example.org", TXT, "v=spf1 exists:%{p}.example.com"},
    {"example.org", DNS_TYPE_MX, "10 mx.example.org"},
    {"mx.example.org", A, "198.51.100.1"},
    {"1.2.0.192.in-addr.arpa", PTR, "a.example.com"},
    {"exp.example.org", TXT, "%{i} is not one of %{d}"},
    {0}};

static const char good_nat[] = "Hostname: mx.example.org\nLocalIPs:\n\t- 10.0.0.1\nNATIPs:\n\t- "
                               "198.51.100.25\nSPFIPMap:\n\t192.168.1.254: 198.51.100.25\n";

START_TEST(it_is_told_later)
{
    w.result.lookups = 7; /* of the check before */
    ck_assert_uint_ne(spf_world_start(&w), 0);
    ck_assert_int_eq(w.done, 0);
    ck_assert_uint_eq(w.result.lookups, 0);
    ck_assert_int_eq(w.net.timer_us, 0);
    ck_assert_int_eq(mox_ctx_pending(w.net.ctx), 1);
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_int_eq(w.done, 1);
    ck_assert_int_eq(mox_ctx_pending(w.net.ctx), 0);
    ck_assert_int_eq(w.result.result, MOX_SPF_FAIL);
}
END_TEST

static void answer_slow(void)
{
    struct mox_dns_record record = {"slow.example.org", A, 0, 300, "192.0.2.1"};

    ck_assert_int_eq(mox_dns_answer_records(w.net.ctx, w.net.query_id, 0, &record, 1, 0), MOX_OK);
}

START_TEST(it_waits_for_answers)
{
    w.silent = "slow.example.org";
    ck_assert_uint_ne(spf_world_start(&w), 0);
    ck_assert_int_eq(w.net.timer_us, MOX_LIMIT_SPF_SECONDS * 1000000);
    spf_world_wait(&w, 1);
    ck_assert_int_eq(w.done, 0);
    answer_slow();
    ck_assert_int_eq(w.done, 0);
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_int_eq(w.done, 1);
    ck_assert_int_eq(w.result.result, MOX_SPF_PASS);
}
END_TEST

START_TEST(a_cancel_is_silent)
{
    w.silent = "slow.example.org";
    ck_assert_uint_ne(spf_world_start(&w), 0);
    ck_assert_int_eq(mox_op_cancel(w.net.ctx, w.id), MOX_OK);
    ck_assert_int_eq(w.net.cancels, 1);
    ck_assert_int_eq(w.net.timer_us, -1);
    spf_world_wait(&w, 60);
    ck_assert_int_eq(w.done, 0);
    ck_assert_int_eq(mox_ctx_pending(w.net.ctx), 0);
    ck_assert_int_eq(mox_op_cancel(w.net.ctx, w.id), MOX_E_STALE);
}
END_TEST

START_TEST(a_cancel_of_what_is_done_and_not_told)
{
    ck_assert_uint_ne(spf_world_start(&w), 0);
    ck_assert_int_eq(mox_op_cancel(w.net.ctx, w.id), MOX_OK);
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_int_eq(w.done, 0);
}
END_TEST

START_TEST(a_shutdown_is_told)
{
    w.silent = "slow.example.org";
    ck_assert_uint_ne(spf_world_start(&w), 0);
    mox_ctx_shutdown(w.net.ctx, 1000);
    mox_ctx_shutdown(w.net.ctx, 1000); /* once is enough */
    ck_assert_int_eq(w.net.cancels, 1);
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_int_eq(w.done, 1);
    ck_assert_int_eq(w.status, MOX_E_SHUTDOWN);
    ck_assert_ptr_nonnull(strstr(w.err.message, "SPF"));
    ck_assert_uint_eq(spf_world_start(&w), 0);
    ck_assert_int_eq(w.err.code, MOX_E_SHUTDOWN);
}
END_TEST

START_TEST(a_shutdown_leaves_a_result_that_is_there)
{
    ck_assert_uint_ne(spf_world_start(&w), 0);
    mox_ctx_shutdown(w.net.ctx, 1000);
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_int_eq(w.done, 1);
    ck_assert_int_eq(w.status, MOX_OK);
    ck_assert_int_eq(w.result.result, MOX_SPF_FAIL);
}
END_TEST

START_TEST(time_runs_out)
{
    w.silent = "slow.example.org";
    ck_assert_uint_ne(spf_world_start(&w), 0);
    spf_world_wait(&w, MOX_LIMIT_SPF_SECONDS - 1);
    ck_assert_int_eq(w.done, 0);
    spf_world_wait(&w, 1);
    ck_assert_int_eq(w.done, 1);
    ck_assert_int_eq(w.status, MOX_OK);
    ck_assert_int_eq(w.result.result, MOX_SPF_TEMPERROR);
    ck_assert_str_eq(w.result.mechanism, "a:slow.example.org");
    ck_assert_ptr_nonnull(strstr(w.result.explanation, "within 20 s"));
    ck_assert_int_eq(w.net.cancels, 1);
}
END_TEST

START_TEST(an_answer_that_comes_with_the_end_of_the_time_counts)
{
    w.silent = "slow.example.org";
    ck_assert_uint_ne(spf_world_start(&w), 0);
    w.net.now_us += (int64_t)MOX_LIMIT_SPF_SECONDS * 1000000;
    answer_slow();
    mox_ctx_dispatch(w.net.ctx);
    ck_assert_int_eq(w.done, 1);
    ck_assert_int_eq(w.result.result, MOX_SPF_PASS);
}
END_TEST

START_TEST(a_fail_stays_one_without_time_to_explain_it)
{
    w.mail_from = "me@fails.example.org";
    w.silent = "slow.example.org";
    ck_assert_uint_ne(spf_world_start(&w), 0);
    spf_world_wait(&w, MOX_LIMIT_SPF_SECONDS);
    ck_assert_int_eq(w.done, 1);
    ck_assert_int_eq(w.result.result, MOX_SPF_FAIL);
    ck_assert_str_eq(w.result.explanation, "");
    ck_assert_str_eq(w.result.mechanism, "-all");
}
END_TEST

START_TEST(a_question_has_the_time_of_the_configuration)
{
    static const char text[] = "Hostname: mx.example.org\nTimeouts:\n\tDNS: 3s\n";

    w.config = mox_config_parse(text, sizeof text - 1, &w.err);
    ck_assert_msg(w.config != NULL, "%s", w.err.message);
    w.silent = "slow.example.org";
    ck_assert_uint_ne(spf_world_start(&w), 0);
    spf_world_wait(&w, 3);
    ck_assert_int_eq(w.done, 1);
    ck_assert_int_eq(w.result.result, MOX_SPF_TEMPERROR);
    ck_assert_ptr_nonnull(strstr(w.result.explanation, "A of slow.example.org"));
}
END_TEST

static const struct {
    const char *seen, *checked;
    int result;
} seen[] = {
    {"192.168.1.254", "198.51.100.25", MOX_SPF_PASS}, /* by SPFIPMap */
    {"::ffff:192.168.1.254", "198.51.100.25", MOX_SPF_PASS},
    {"10.0.0.1", "198.51.100.25", MOX_SPF_PASS}, /* by NATIPs */
    {"10.0.0.2", "10.0.0.2", MOX_SPF_FAIL},
    {"198.51.100.25", "198.51.100.25", MOX_SPF_PASS},
};

START_TEST(the_address_as_the_world_sees_it)
{
    char text[64];

    w.config = mox_config_parse(good_nat, sizeof good_nat - 1, &w.err);
    ck_assert_msg(w.config != NULL, "%s", w.err.message);
    w.ip = seen[_i].seen;
    w.mail_from = "me@nat.example.org";
    ck_assert_int_eq(spf_world_check(&w), MOX_OK);
    mox_ip_format(&w.result.ip, text, sizeof text);
    ck_assert_str_eq(text, seen[_i].checked);
    ck_assert_int_eq(w.result.result, seen[_i].result);
}
END_TEST

START_TEST(a_mapped_address_is_its_ipv4_one)
{
    static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, 198, 51, 100, 25};
    struct mox_spf_request request = {
        .size = sizeof request, .mail_from = "nat.example.org", .ip.family = MOX_IPV6};
    struct mox_spf_result out;

    memcpy(request.ip.bytes, mapped, sizeof mapped);
    ck_assert_int_eq(mox_spf_check(w.net.ctx, &request, &out, &w.err), MOX_OK);
    ck_assert_int_eq(out.ip.family, MOX_IPV4);
    ck_assert_int_eq(out.result, MOX_SPF_PASS);
}
END_TEST

START_TEST(what_cannot_be_checked)
{
    struct mox_spf_request request = {.size = sizeof request};
    struct mox_spf_result out = {.lookups = 7};
    struct mox_error err;

    ck_assert_int_eq(mox_spf_check(w.net.ctx, &request, &out, &err), MOX_E_INVAL);
    ck_assert_ptr_nonnull(strstr(err.message, "no address"));
    ck_assert_uint_eq(out.lookups, 0);
    request.ip.family = MOX_IPV4;
    ck_assert_uint_eq(mox_spf_start(w.net.ctx, &request, &out, NULL, NULL, &err), 0);
    ck_assert_int_eq(err.code, MOX_E_INVAL);
    request.size = 3;
    ck_assert_int_eq(mox_spf_check(w.net.ctx, &request, &out, &err), MOX_E_INVAL);
    w.net.ctx->dns.query = NULL;
    ck_assert_int_eq(spf_world_check(&w), MOX_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(w.err.message, "no DNS"));
}
END_TEST

/* A host that pulls. */
START_TEST(it_blocks)
{
    struct mox_spf_request request = {.size = sizeof request, .mail_from = "example.org"};
    struct mox_spf_result out;

    spf_world_close(&w);
    spf_world_open(&w);
    mox_ip_parse("192.0.2.1", &request.ip);
    w.zone = zone;
    w.silent = "slow.example.org";
    ck_assert_int_eq(mox_spf_check(w.net.ctx, &request, &out, &w.err), MOX_OK);
    ck_assert_int_eq(out.result, MOX_SPF_TEMPERROR);
    ck_assert_uint_ne(spf_world_start(&w), 0);
    ck_assert_int_eq(mox_spf_check(w.net.ctx, &request, &out, NULL), MOX_E_BUSY);
}
END_TEST

/* It ends with a result or says why not, and never with a wrong one. */
START_TEST(no_memory_at_any_point)
{
    bool failed = true;
    long nth = 0;

    while (failed) {
        w.zone = hungry;
        test_fail_alloc(++nth);
        spf_world_check(&w);
        failed = test_alloc_failed();
        test_fail_alloc(0);
        if (w.id != 0 && w.done == 0)
            spf_world_wait(&w, MOX_LIMIT_SPF_SECONDS); /* an answer that could not be kept */
        ck_assert_int_eq(w.done, w.id != 0);
        if (w.id == 0 || w.status != MOX_OK)
            ck_assert_int_eq(w.err.code, MOX_E_NOMEM);
        else
            ck_assert_msg(w.result.result == MOX_SPF_FAIL || w.result.result == MOX_SPF_TEMPERROR,
                          "%ld: %s", nth, mox_spf_name(w.result.result));
        ck_assert_int_eq(mox_ctx_pending(w.net.ctx), 0);
        spf_world_close(&w);
        spf_world_open(&w);
    }
    ck_assert_int_gt(nth, 10);
}
END_TEST

static void setup(void)
{
    spf_world_open(&w);
    w.zone = zone;
}

static void teardown(void)
{
    spf_world_close(&w);
}

TCase *test_spf_life(void)
{
    TCase *tcase = tcase_create("spf/life");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, it_is_told_later);
    tcase_add_test(tcase, it_waits_for_answers);
    tcase_add_test(tcase, a_cancel_is_silent);
    tcase_add_test(tcase, a_cancel_of_what_is_done_and_not_told);
    tcase_add_test(tcase, a_shutdown_is_told);
    tcase_add_test(tcase, a_shutdown_leaves_a_result_that_is_there);
    tcase_add_test(tcase, time_runs_out);
    tcase_add_test(tcase, an_answer_that_comes_with_the_end_of_the_time_counts);
    tcase_add_test(tcase, a_fail_stays_one_without_time_to_explain_it);
    tcase_add_test(tcase, a_question_has_the_time_of_the_configuration);
    tcase_add_loop_test(tcase, the_address_as_the_world_sees_it, 0, (int)ARRAY_LEN(seen));
    tcase_add_test(tcase, a_mapped_address_is_its_ipv4_one);
    tcase_add_test(tcase, what_cannot_be_checked);
    tcase_add_test(tcase, it_blocks);
    tcase_add_test(tcase, no_memory_at_any_point);
    return tcase;
}
