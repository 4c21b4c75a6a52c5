/*
 * test_dial_findings.c - what the worlds of seeds are too short or too alike for: how long findings
 * about our own addresses are kept, and where a family stands of which DNS does not tell.
 */
#include "dial/findings.h"

#include "base/limits.h"
#include "base/units.h"
#include "dial_world.h"

#define MACHINE "machine 198.51.100.9 2001:db8:9::9\n"
#define PTR4 "9.100.51.198.in-addr.arpa"
#define PTR6 "9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.9.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
#define GOOD4 PTR4 " PTR mail.example.net\nmail.example.net A 198.51.100.9\n"
#define GOOD6 PTR6 " PTR mail6.example.net\nmail6.example.net AAAA 2001:db8:9::9\n"

static const char config[] = "Hostname: mail.example.net\nTransports:\n\tgate:\n\t\tDirect:\n"
                             "\t\t\tRequireReverseDNS: true\n";

static const struct {
    const char *name;
    uint32_t ttl, life_s;
} lives[] = {
    {"as DNS says", 60, 60},
    {"what is not there", UINT32_MAX, 300},
    {"an hour at most", 86400, MOX_LIMIT_FINDING_LIFE},
};

START_TEST(a_finding_lives)
{
    struct findings findings = {0};
    uint64_t from_us = 7, until_us = from_us + us_of_s(lives[_i].life_s);

    findings_keep(&findings, "key", "why", lives[_i].ttl, from_us);
    ck_assert_ptr_nonnull(findings_find(&findings, "key", until_us - 1));
    ck_assert_str_eq(findings_find(&findings, "key", until_us - 1)->problem, "why");
    ck_assert_ptr_null(findings_find(&findings, "other", until_us - 1));
    ck_assert_ptr_null(findings_find(&findings, "key", until_us));
    ck_assert_uint_eq(findings.count, 0);
    findings_free(&findings);
}
END_TEST

START_TEST(findings_are_bounded)
{
    struct findings findings = {0};
    char key[16];

    for (unsigned i = 0; i <= MOX_LIMIT_FINDINGS; i++) {
        snprintf(key, sizeof key, "%u", i);
        findings_keep(&findings, key, NULL, 60, 0);
    }
    ck_assert_uint_eq(findings.count, MOX_LIMIT_FINDINGS);
    ck_assert_ptr_null(findings_find(&findings, "0", 0));
    ck_assert_ptr_nonnull(findings_find(&findings, "1", 0));
    ck_assert_ptr_nonnull(findings_find(&findings, key, 0));
    findings_free(&findings);
}
END_TEST

static void open_world(const char *reverse)
{
    world_load(sim, MACHINE);
    world_load(sim, dial_simple);
    world_load(sim, reverse);
    sim->config = mox_config_parse(config, sizeof config - 1, NULL);
    ck_assert_ptr_nonnull(sim->config);
}

/* The status of a dial; of one that works the family it came to: 4 or 6. */
static int dial(uint32_t families)
{
    const struct dial_case c = {.transport = "gate", .families = families};
    struct sim_call call;
    int status;

    dial_to_end(&call, dial_request_of(&c));
    status = call.status == MOX_OK ? mox_conn_session(call.conn)->remote.family : call.status;
    if (call.conn != NULL)
        mox_conn_close(call.conn);
    return status;
}

static const struct {
    const char *name, *reverse;
    unsigned questions; /* of three dials: two at once, one after 301 s */
    int status;
} kept[] = {
    {"a good address", GOOD4, 2, MOX_IPV4},
    {"one without a name", PTR4 " PTR +nxdomain\n", 2, MOX_E_FILTERED},
    {"a name that leads elsewhere", PTR4 " PTR mail.example.net\nmail.example.net A 192.0.2.77\n",
     2, MOX_E_FILTERED},
    {"DNS does not tell of the name: each asks",
     PTR4 " PTR mail.example.net\nmail.example.net A +servfail\n", 3, MOX_IPV4},
    {"DNS does not tell: each asks", PTR4 " PTR +servfail\n", 3, MOX_IPV4},
};

START_TEST(a_finding_saves_questions)
{
    open_world(kept[_i].reverse);
    for (int i = 0; i < 3; i++) {
        if (i == 2)
            world_sleep(sim, 301000);
        ck_assert_msg(dial(MOX_ALLOW_IPV4) == kept[_i].status, "%s, dial %d", kept[_i].name, i);
    }
    ck_assert_msg(world_count(sim, PTR4 " PTR") == kept[_i].questions, "%s: %u questions",
                  kept[_i].name, world_count(sim, PTR4 " PTR"));
}
END_TEST

static const struct {
    const char *name, *reverse;
    int comes_to;
} orders[] = {
    {"both are good", GOOD4 GOOD6, MOX_IPV6},
    {"IPv6 is not told", GOOD4 PTR6 " PTR +servfail\n", MOX_IPV4},
    {"IPv4 is not told", PTR4 " PTR +servfail\n" GOOD6, MOX_IPV6},
    {"neither is told", PTR4 " PTR +servfail\n" PTR6 " PTR +servfail\n", MOX_IPV6},
    {"IPv6 is bad", GOOD4 PTR6 " PTR +nxdomain\n", MOX_IPV4},
};

START_TEST(who_is_not_told_stands_last)
{
    open_world(orders[_i].reverse);
    ck_assert_msg(dial(0) == orders[_i].comes_to, "%s", orders[_i].name);
}
END_TEST

TCase *test_dial_findings(void)
{
    TCase *tcase = tcase_create("dial/findings");

    tcase_add_checked_fixture(tcase, dial_setup, dial_teardown);
    tcase_add_loop_test(tcase, a_finding_lives, 0, (int)ARRAY_LEN(lives));
    tcase_add_test(tcase, findings_are_bounded);
    tcase_add_loop_test(tcase, a_finding_saves_questions, 0, (int)ARRAY_LEN(kept));
    tcase_add_loop_test(tcase, who_is_not_told_stands_last, 0, (int)ARRAY_LEN(orders));
    return tcase;
}
