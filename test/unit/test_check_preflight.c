/*
 * test_check_preflight.c - mox_preflight in a simulated world: what is found, what is told of it,
 * and every way to end. The machine has 198.51.100.9 and 2001:db8:9::9, unless a world says other.
 */
#include <moxdial/check.h>

#include "base/limits.h"
#include "check/probe.h"
#include "dial_world.h"

#define PTR4 "9.100.51.198.in-addr.arpa"
#define PTR6 "9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.9.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
#define GOOD4 PTR4 " PTR us.example.com\nus.example.com A 198.51.100.9\n"
#define GOOD6 PTR6 " PTR us.example.com\nus.example.com AAAA 2001:db8:9::9\n"
#define SPF "example.com TXT \"v=spf1 ip4:198.51.100.9 ip6:2001:db8:9::9 -all\"\n"
#define NAME "Hostname: us.example.com\n"
#define MAPPED "7.113.0.203.in-addr.arpa PTR us.example.com\nus.example.com A 203.0.113.7\n"
#define HAIRPIN                                                                                    \
    NAME "NATIPs:\n\t- 203.0.113.7\nLocalIPs:\n\t- 192.168.1.10\n"                                 \
         "Domains:\n\town.example:\n\t\tRoutes:\n\t\t\t-\n\t\t\t\tTransport: v4\n"                 \
         "\tother.example: nil\nTransports:\n\tv4:\n\t\tDirect:\n\t\t\tDisableIPv6: true\n"
#define OWN_MX                                                                                     \
    "machine 192.168.1.10 2001:db8:9::9\nown.example MX 10 us.example.com\n"                       \
    "other.example MX 10 elsewhere.example\nelsewhere.example A 192.0.2.1\n" MAPPED

struct preflight_case {
    const char *name, *config, *world, *domain, *transport;
    uint32_t flags;
    int v4, v6;           /* enum mox_verdict; -1: the family is not there */
    int hairpin, probe;   /* enum mox_probe */
    const char *problem4; /* parts; NULL: not looked at */
    const char *problem6, *config_has, *first_cure, *story, *never;
};

static const struct preflight_case cases[] = {
    {.name = "all is well",
     .config = NAME,
     .world = GOOD4 GOOD6 SPF,
     .domain = "example.com",
     .v4 = MOX_VERDICT_GOOD,
     .v6 = MOX_VERDICT_GOOD},
    {.name = "IPv6 has no name",
     .config = NAME,
     .world = GOOD4,
     .v4 = MOX_VERDICT_GOOD,
     .v6 = MOX_VERDICT_BAD,
     .problem6 = "has no reverse DNS",
     .config_has = "Transports:\n\tipv4only:\n\t\tDirect:\n\t\t\tDisableIPv6: true\n"
                   "Routes:\n\t-\n\t\tTransport: ipv4only\n"},
    {.name = "IPv4 has no name",
     .config = NAME,
     .world = GOOD6,
     .v4 = MOX_VERDICT_BAD,
     .v6 = MOX_VERDICT_GOOD,
     .config_has = "DisableIPv4: true"},
    {.name = "neither has",
     .config = NAME,
     .world = "",
     .v4 = MOX_VERDICT_BAD,
     .v6 = MOX_VERDICT_BAD},
    {.name = "DNS is silent",
     .config = NAME,
     .world = GOOD4 PTR6 " PTR +servfail\n",
     .v4 = MOX_VERDICT_GOOD,
     .v6 = MOX_VERDICT_UNKNOWN},
    {.name = "SPF forgets IPv6",
     .config = NAME,
     .world = GOOD4 GOOD6 "example.com TXT \"v=spf1 ip4:198.51.100.9 -all\"\n",
     .domain = "example.com",
     .v4 = MOX_VERDICT_GOOD,
     .v6 = MOX_VERDICT_BAD,
     .problem6 = "SPF of example.com: fail",
     .config_has = "DisableIPv6: true"},
    {.name = "a transport's own rule",
     .config = NAME "Transports:\n\tt:\n\t\tDirect:\n\t\t\tDisableIPv6: true\n",
     .world = GOOD4,
     .transport = "t",
     .v4 = MOX_VERDICT_GOOD,
     .v6 = -1,
     .never = "ip6.arpa"},
    {.name = "a transport to be mended",
     .config = NAME "Transports:\n\tt:\n\t\tDirect:\n\t\t\tPrefer: ipv6\n",
     .world = GOOD4,
     .transport = "t",
     .v4 = MOX_VERDICT_GOOD,
     .v6 = MOX_VERDICT_BAD,
     .config_has = "\tt:\n\t\tDirect:\n\t\t\tDisableIPv6: true\n"},
    {.name = "a proxy's addresses",
     .config = "Transports:\n\tp:\n\t\tSocks:\n\t\t\tAddress: 192.0.2.5:1080\n"
               "\t\t\tRemoteIPs:\n\t\t\t\t- 203.0.113.7\n\t\t\tRemoteHostname: us.example.com\n",
     .world = MAPPED,
     .transport = "p",
     .v4 = MOX_VERDICT_GOOD,
     .v6 = -1},
    {.name = "a private address",
     .config = NAME,
     .world = "machine 192.168.1.10\n",
     .v4 = MOX_VERDICT_UNKNOWN,
     .v6 = -1,
     .problem4 = "is a private address"},
    {.name = "a hairpin, inferred",
     .config = HAIRPIN,
     .world = OWN_MX GOOD6,
     .hairpin = 1,
     .v4 = MOX_VERDICT_GOOD,
     .v6 = MOX_VERDICT_GOOD,
     .config_has = "SPFIPMap:\n\t192.168.0.0/16: 203.0.113.7\n",
     .first_cure = "Where SPF is evaluated",
     .story = "--probe"},
    {.name = "a hairpin that leads nowhere",
     .config = HAIRPIN,
     .world = OWN_MX GOOD6 "us.example.com AAAA 2001:db8:9::9\n203.0.113.7 silent\n",
     .flags = MOX_PREFLIGHT_PROBE,
     .hairpin = 1,
     .probe = MOX_PROBE_UNREACHABLE,
     .v4 = MOX_VERDICT_GOOD,
     .v6 = MOX_VERDICT_GOOD,
     .first_cure = "by IPv6 alone",
     .config_has = "\t\tToDomain:\n\t\t\t- own.example\n\t\tTransport: ipv6only\n",
     .story = "not reached"},
    {.name = "the same without IPv6",
     .config = HAIRPIN,
     .world = OWN_MX "203.0.113.7 refused\n",
     .flags = MOX_PREFLIGHT_PROBE,
     .hairpin = 1,
     .probe = MOX_PROBE_UNREACHABLE,
     .v4 = MOX_VERDICT_GOOD,
     .v6 = MOX_VERDICT_BAD,
     .config_has = "DisableIPv6: true",
     .first_cure = "On the router",
     .story = "not reached"},
    {.name = "a hairpin that leads back",
     .config = HAIRPIN,
     .world = OWN_MX GOOD6 "203.0.113.7 up\n",
     .flags = MOX_PREFLIGHT_PROBE,
     .hairpin = 1,
     .probe = MOX_PROBE_REACHED,
     .v4 = MOX_VERDICT_GOOD,
     .v6 = MOX_VERDICT_GOOD,
     .config_has = "SPFIPMap",
     .first_cure = "Where SPF is evaluated",
     .story = "does not say"},
    {.name = "no domain of ours leads here",
     .config = HAIRPIN,
     .world = "machine 192.168.1.10\nown.example MX 10 elsewhere.example\n"
              "elsewhere.example A 192.0.2.1\n" MAPPED,
     .flags = MOX_PREFLIGHT_PROBE,
     .v4 = MOX_VERDICT_GOOD,
     .v6 = -1,
     .never = "connect"},
};

static const struct mox_preflight_request *request_of(const struct preflight_case *c)
{
    static struct mox_preflight_request request;
    struct mox_error err;

    world_load(sim, c->world);
    if (sim->config == NULL)
        sim->config = mox_config_parse(c->config, strlen(c->config), &err);
    ck_assert_msg(sim->config != NULL, "%s: %s", c->name, err.message);
    request = (struct mox_preflight_request){.size = sizeof request,
                                             .config = sim->config,
                                             .transport = c->transport,
                                             .from_domain = c->domain,
                                             .flags = c->flags};
    return &request;
}

static const struct mox_preflight_source *source_of(const struct mox_preflight_report *report,
                                                    int family)
{
    const struct mox_preflight_source *s;

    for (uint32_t i = 0; (s = mox_preflight_source_at(report, i)) != NULL; i++) {
        if (s->source.family == family)
            return s;
    }
    return NULL;
}

static void check_source(const struct preflight_case *c, const struct mox_preflight_source *s,
                         int verdict, const char *problem)
{
    ck_assert_msg((s == NULL) == (verdict < 0), "%s: a family", c->name);
    if (s == NULL)
        return;
    ck_assert_msg(s->verdict == verdict, "%s: %s: %s\n%s", c->name, mox_verdict_name(s->verdict),
                  s->problem, sim->log.ptr);
    ck_assert_msg((s->problem == NULL) == (verdict == MOX_VERDICT_GOOD), "%s", c->name);
    if (problem != NULL)
        ck_assert_msg(strstr(s->problem, problem) != NULL, "%s: %s", c->name, s->problem);
}

static void check_part(const char *name, const char *text, const char *part)
{
    if (part != NULL)
        ck_assert_msg(text != NULL && strstr(text, part) != NULL, "%s: %s", name, text);
}

/* What is offered to be pasted is a configuration. */
static void check_config(const struct preflight_case *c, const struct mox_preflight_info *info)
{
    struct mox_config *config;
    struct mox_error err;

    ck_assert_msg((info->config == NULL) == (c->config_has == NULL), "%s: %s", c->name,
                  info->config);
    check_part(c->name, info->config, c->config_has);
    if (info->config == NULL)
        return;
    config = mox_config_parse(info->config, strlen(info->config), &err);
    ck_assert_msg(config != NULL, "%s: %s\n%s", c->name, err.message, info->config);
    mox_config_free(config);
}

START_TEST(preflight_case)
{
    const struct preflight_case *c = &cases[_i];
    const struct mox_preflight_request *request = request_of(c);
    const struct mox_preflight_info *info;
    struct mox_preflight_report *report = NULL;
    struct mox_error err;
    uint32_t cures = 0;

    ck_assert_msg(mox_preflight(sim->ctx, request, &report, &err) == MOX_OK, "%s: %s", c->name,
                  err.message);
    info = mox_preflight_summary(report);
    check_source(c, source_of(report, MOX_IPV4), c->v4, c->problem4);
    check_source(c, source_of(report, MOX_IPV6), c->v6, c->problem6);
    ck_assert_msg(info->hairpin == c->hairpin && info->probe == c->probe, "%s: %d %d", c->name,
                  info->hairpin, info->probe);
    while (info->cures[cures] != NULL)
        cures++;
    ck_assert_uint_eq(cures, c->hairpin != 0 ? 3 : 0);
    check_part(c->name, info->cures[0], c->first_cure);
    check_part(c->name, info->hairpin_story, c->story);
    check_config(c, info);
    if (c->never != NULL)
        ck_assert_msg(world_count(sim, c->never) == 0, "%s: %s", c->name, sim->log.ptr);
    mox_preflight_report_free(report);
}
END_TEST

START_TEST(all_that_is_told_of_a_source)
{
    const struct mox_preflight_request *request = request_of(&cases[0]);
    struct mox_preflight_report *report = NULL;
    const struct mox_preflight_source *s;

    ck_assert_int_eq(mox_preflight(sim->ctx, request, &report, NULL), MOX_OK);
    s = source_of(report, MOX_IPV4);
    ck_assert_str_eq(s->ptr, "us.example.com");
    ck_assert_str_eq(s->ehlo, "us.example.com");
    ck_assert_str_eq(s->spf_mechanism, "ip4:198.51.100.9");
    ck_assert_int_eq(s->forward_confirmed, 1);
    ck_assert_int_eq(s->ehlo_matches, 1);
    ck_assert_int_eq(s->ehlo_leads, 1);
    ck_assert_int_eq(s->spf, MOX_SPF_PASS);
    ck_assert_int_eq(s->spf_ehlo, MOX_SPF_NONE);
    ck_assert_int_eq(s->generated, 0);
    ck_assert_int_eq(s->hairpin, 0);
    ck_assert(mox_preflight_source_at(report, 2) == NULL);
    mox_preflight_report_free(report);
    mox_preflight_report_free(NULL);
    ck_assert_str_eq(mox_verdict_name(MOX_VERDICT_RISKY), "risky");
    ck_assert_str_eq(mox_verdict_name(17), "unknown");
}
END_TEST

struct heard {
    int times, status;
    struct mox_preflight_report *report;
};

static void on_report(void *arg, int status, struct mox_preflight_report *report,
                      const struct mox_error *err)
{
    struct heard *heard = arg;

    (void)err;
    heard->times++;
    heard->status = status;
    heard->report = report;
}

START_TEST(cancelled_in_every_stage)
{
    for (uint64_t ms = 0; ms < 400; ms += 50) {
        const struct preflight_case c = {.name = "cancel",
                                         .config = HAIRPIN,
                                         .world = OWN_MX "7.113.0.203.in-addr.arpa PTR +ms=100\n"
                                                         "203.0.113.7 up +ms=100\n",
                                         .flags = MOX_PREFLIGHT_PROBE};
        struct heard heard = {0};
        mox_op_id id;

        dial_renew(NULL);
        id = mox_preflight_start(sim->ctx, request_of(&c), on_report, &heard, NULL);
        ck_assert(id != 0);
        world_sleep(sim, ms);
        if (heard.times == 0)
            ck_assert_int_eq(mox_op_cancel(sim->ctx, id), MOX_OK);
        else
            mox_preflight_report_free(heard.report);
        world_sleep(sim, 60 * 1000);
        ck_assert_int_le(heard.times, 1);
    }
}
END_TEST

START_TEST(shut_down_in_every_stage)
{
    for (uint64_t ms = 0; ms < 400; ms += 50) {
        const struct preflight_case c = {.name = "shutdown",
                                         .config = HAIRPIN,
                                         .world = OWN_MX "7.113.0.203.in-addr.arpa PTR +ms=100\n"
                                                         "203.0.113.7 up +ms=100\n",
                                         .flags = MOX_PREFLIGHT_PROBE};
        struct heard heard = {0};

        dial_renew(NULL);
        ck_assert(mox_preflight_start(sim->ctx, request_of(&c), on_report, &heard, NULL) != 0);
        world_sleep(sim, ms);
        mox_ctx_shutdown(sim->ctx, 0);
        world_sleep(sim, 1000);
        ck_assert_int_eq(heard.times, 1);
        ck_assert(heard.status == MOX_OK || heard.status == MOX_E_SHUTDOWN);
        ck_assert((heard.status == MOX_OK) == (heard.report != NULL));
        mox_preflight_report_free(heard.report);
    }
}
END_TEST

/* Domains of which DNS says nothing hold the report up for a minute, however many they are. */
START_TEST(silent_domains_do_not_hold_it_up)
{
    const struct preflight_case c = {.name = "silent",
                                     .config = HAIRPIN "Timeouts:\n\tDNS: 10m\n",
                                     .world = OWN_MX GOOD6 "own.example MX +lost\n"
                                                           "other.example MX +lost\n"
                                                           "us.example.com A +ms=1\n"};
    struct heard heard = {0};

    ck_assert(mox_preflight_start(sim->ctx, request_of(&c), on_report, &heard, NULL) != 0);
    world_sleep(sim, (MOX_LIMIT_PREFLIGHT_SECONDS - 1) * 1000u);
    ck_assert_int_eq(heard.times, 0);
    world_sleep(sim, 2000);
    ck_assert_int_eq(heard.times, 1);
    ck_assert_int_eq(heard.status, MOX_OK);
    mox_preflight_report_free(heard.report);
}
END_TEST

/* A preflight with the n-th allocation failing; whether that one was reached. */
static bool fails_at(long nth)
{
    const struct preflight_case c = {.name = "memory",
                                     .config = HAIRPIN,
                                     .world = OWN_MX GOOD6 "203.0.113.7 up\n",
                                     .domain = "example.com",
                                     .flags = MOX_PREFLIGHT_PROBE};
    const struct mox_preflight_request *request;
    struct heard heard = {0};
    struct mox_error err = {0};
    mox_op_id id;
    bool failed;

    dial_renew(NULL);
    request = request_of(&c);
    test_fail_alloc(nth);
    id = mox_preflight_start(sim->ctx, request, on_report, &heard, &err);
    if (id != 0)
        world_run(sim);
    failed = test_alloc_failed();
    test_fail_alloc(0);
    ck_assert_msg(id != 0 || err.code == MOX_E_NOMEM, "allocation %ld: %s", nth, err.message);
    ck_assert_msg(id == 0 || heard.times == 1, "allocation %ld", nth);
    ck_assert_msg(id == 0 || (heard.status == MOX_OK) == (heard.report != NULL), "allocation %ld",
                  nth);
    mox_preflight_report_free(heard.report);
    return failed;
}

START_TEST(memory_fails_at_every_allocation)
{
    long nth = 1;

    while (fails_at(nth))
        nth++;
    ck_assert_int_gt(nth, 20);
}
END_TEST

START_TEST(what_is_no_request)
{
    struct mox_preflight_request request = *request_of(&cases[0]);
    struct mox_preflight_report *report = NULL;
    struct mox_error err;

    request.from_domain = "no domain";
    ck_assert_int_eq(mox_preflight(sim->ctx, &request, &report, &err), MOX_E_INVAL);
    ck_assert(report == NULL);
    request.from_domain = NULL;
    request.transport = "nowhere";
    ck_assert_int_eq(mox_preflight(sim->ctx, &request, &report, &err), MOX_E_CONFIG);
    request.transport = NULL;
    request.ehlo = "not a name";
    ck_assert_int_eq(mox_preflight(sim->ctx, &request, &report, &err), MOX_E_INVAL);
    request.ehlo = NULL;
    ck_assert(mox_preflight_start(sim->ctx, &request, NULL, NULL, &err) == 0);
    ck_assert_int_eq(err.code, MOX_E_INVAL);
    world_load(sim, "machine\n");
    ck_assert_int_eq(mox_preflight(sim->ctx, &request, &report, &err), MOX_E_NO_SOURCE);
}
END_TEST

static const struct {
    const char *text, *ip;
} greetings[] = {
    {"mx.example Hello us.example [192.168.1.254]\nSIZE 1000", "192.168.1.254"},
    {"mx.example Hello us [192.0.2.1], pleased to meet you", "192.0.2.1"},
    {"mx.example Hello us [IPv6:2001:db8::1]", "2001:db8::1"},
    {"mx.example Hello us [2001:db8::1]", "2001:db8::1"},
    {"mx.example", NULL},
    {"mx.example\nX [192.0.2.1]", NULL},
    {"mx.example [us]", NULL},
    {"mx.example [192.0.2.1", NULL},
};

START_TEST(addresses_in_greetings)
{
    struct mox_ip ip = {0}, wanted;

    ck_assert(probe_address(slice_of(greetings[_i].text), &ip) == (greetings[_i].ip != NULL));
    if (greetings[_i].ip == NULL)
        return;
    mox_ip_parse(greetings[_i].ip, &wanted);
    ck_assert(memcmp(&ip, &wanted, sizeof ip) == 0);
}
END_TEST

TCase *test_check_preflight(void)
{
    TCase *tcase = tcase_create("check/preflight");

    tcase_add_checked_fixture(tcase, dial_setup, dial_teardown);
    tcase_add_loop_test(tcase, preflight_case, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tcase, all_that_is_told_of_a_source);
    tcase_add_test(tcase, cancelled_in_every_stage);
    tcase_add_test(tcase, shut_down_in_every_stage);
    tcase_add_test(tcase, silent_domains_do_not_hold_it_up);
    tcase_add_test(tcase, memory_fails_at_every_allocation);
    tcase_add_test(tcase, what_is_no_request);
    tcase_add_loop_test(tcase, addresses_in_greetings, 0, (int)ARRAY_LEN(greetings));
    return tcase;
}
