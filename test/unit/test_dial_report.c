/*
 * test_dial_report.c - the facts for TLS reports (RFC 8460; semantics.md 7.5): what the plan says
 * of the recipient's domain, each attempt of its host, and the MX host of a lookup that failed.
 */
#include <stdio.h>

#include "dial_world.h"
#include "test/sim/fetch.h"
#include "test/sim/papers.h"
#include "test/sim/secure.h"

#define HOST "h0.z0.example"
#define DOMAIN "z0.example"
#define ADDRESS "192.0.2.1"
#define MORE(code) "~" code /* the code is part of a sentence */

struct fact {
    const char *type, *code;
};

#define NOTHING                                                                                    \
    {                                                                                              \
        NULL, NULL                                                                                 \
    }
#define SUCCESS                                                                                    \
    {                                                                                              \
        "success", NULL                                                                            \
    }
#define INVALID "validation-failure"

static const struct report_case {
    const char *name;
    const char *mode, *mx; /* of the domain's policy; NULL: none; mx NULL: the host */
    struct papers_record tlsa;
    const char *zone; /* more lines; "+bad" TLSA sets and the like */
    enum paper paper;
    int reply, shake, after; /* of the server */
    bool stripped, no_chance;
    uint32_t flags;
    const char *server;
    int status;
    struct fact host, domain, lookup; /* of the attempt, of the domain, of the MX host */
} cases[] = {
    {.name = "no policy", .host = SUCCESS, .domain = SUCCESS},
    {.name = "no policy, a bad certificate",
     .paper = PAPER_EXPIRED,
     .host = SUCCESS,
     .domain = SUCCESS},
    {.name = "a server by name", .server = HOST},
    {.name = "STARTTLS not offered",
     .stripped = true,
     .host = {"starttls-not-supported", NULL},
     .domain = {"starttls-not-supported", NULL}},
    {.name = "STARTTLS refused for good",
     .reply = SECURE_REFUSED,
     .host = {"starttls-not-supported", "smtp-starttls-reply-code-554"},
     .domain = {"starttls-not-supported", "smtp-starttls-reply-code-554"}},
    {.name = "STARTTLS refused for now",
     .reply = SECURE_LATER,
     .host = {"starttls-not-supported", "smtp-starttls-reply-code-454"},
     .domain = {"starttls-not-supported", "smtp-starttls-reply-code-454"}},
    {.name = "a broken handshake",
     .shake = SECURE_ALERTS,
     .host = {INVALID, MORE("alert")},
     .domain = {INVALID, MORE("alert")}},
    {.name = "what this machine lacks is no fact", .no_chance = true, .status = MOX_E_OS},
    {.name = "an alert is the first that comes over TLS",
     .after = SECURE_DENIES,
     .status = MOX_E_TLS,
     .host = {INVALID, MORE("alert")},
     .domain = {INVALID, MORE("alert")}},
    {.name = "the connection ends over TLS",
     .after = SECURE_CUTS,
     .status = MOX_E_CLOSED,
     .host = SUCCESS,
     .domain = SUCCESS},
    {.name = "a refusal over TLS",
     .after = SECURE_NO_HELLO,
     .status = MOX_E_REFUSED,
     .host = SUCCESS,
     .domain = SUCCESS},

    {.name = "enforced, good", .mode = "enforce", .host = SUCCESS, .domain = SUCCESS},
    {.name = "enforced, another host",
     .mode = "enforce",
     .mx = "h1.z0.example",
     .status = MOX_E_TLS_REQUIRED,
     .domain = {INVALID, "mtasts-policy-mx-mismatch"}},
    {.name = "enforced, expired",
     .mode = "enforce",
     .paper = PAPER_EXPIRED,
     .status = MOX_E_VERIFY,
     .host = {"certificate-expired", NULL},
     .domain = {"certificate-expired", NULL}},
    {.name = "enforced, another name",
     .mode = "enforce",
     .paper = PAPER_OTHER_NAME,
     .status = MOX_E_VERIFY,
     .host = {"certificate-host-mismatch", NULL},
     .domain = {"certificate-host-mismatch", NULL}},
    {.name = "enforced, not trusted",
     .mode = "enforce",
     .paper = PAPER_SELF_SIGNED,
     .status = MOX_E_VERIFY,
     .host = {"certificate-not-trusted", NULL},
     .domain = {"certificate-not-trusted", NULL}},
    {.name = "enforced, STARTTLS refused",
     .mode = "enforce",
     .reply = SECURE_REFUSED,
     .status = MOX_E_REFUSED,
     .host = {"starttls-not-supported", "smtp-starttls-reply-code-554"},
     .domain = {"starttls-not-supported", "smtp-starttls-reply-code-554"}},
    {.name = "enforced, TLS-Required: No, expired",
     .mode = "enforce",
     .paper = PAPER_EXPIRED,
     .flags = MOX_DIAL_TLS_OPTIONAL,
     .host = SUCCESS,
     .domain = {"certificate-expired", NULL}},
    {.name = "testing, good", .mode = "testing", .host = SUCCESS, .domain = SUCCESS},
    {.name = "testing, another host",
     .mode = "testing",
     .mx = "h1.z0.example",
     .host = SUCCESS,
     .domain = {INVALID, "mtasts-policy-mx-mismatch"}},
    {.name = "testing, expired",
     .mode = "testing",
     .paper = PAPER_EXPIRED,
     .host = SUCCESS,
     .domain = {"certificate-expired", NULL}},
    {.name = "testing, another name",
     .mode = "testing",
     .paper = PAPER_OTHER_NAME,
     .host = SUCCESS,
     .domain = {"certificate-host-mismatch", NULL}},
    {.name = "none, expired",
     .mode = "none",
     .paper = PAPER_EXPIRED,
     .host = SUCCESS,
     .domain = SUCCESS},

    {.name = "DANE, good", .tlsa = {3, 1, 1, PAPER_HOSTS}, .host = SUCCESS, .domain = SUCCESS},
    {.name = "DANE, no match",
     .tlsa = {3, 1, 1, PAPER_OTHER_NAME},
     .status = MOX_E_VERIFY,
     .host = {INVALID, "dane-no-match"},
     .domain = {INVALID, NULL}},
    {.name = "DANE, an anchor that does not verify",
     .tlsa = {2, 0, 0, PAPER_ROOT},
     .paper = PAPER_EXPIRED,
     .status = MOX_E_VERIFY,
     .host = {INVALID, "dane-no-match+errors"},
     .domain = {INVALID, NULL}},
    {.name = "DANE, TLS-Required: No, good",
     .tlsa = {3, 1, 1, PAPER_HOSTS},
     .flags = MOX_DIAL_TLS_OPTIONAL,
     .host = SUCCESS,
     .domain = SUCCESS},
    {.name = "DANE, TLS-Required: No, no match",
     .tlsa = {3, 1, 1, PAPER_OTHER_NAME},
     .flags = MOX_DIAL_TLS_OPTIONAL,
     .host = {INVALID, "dane-no-match"},
     .domain = SUCCESS},
    {.name = "DANE, an alert over TLS",
     .tlsa = {3, 1, 1, PAPER_HOSTS},
     .after = SECURE_DENIES,
     .status = MOX_E_TLS,
     .host = {INVALID, MORE("alert")},
     .domain = {INVALID, MORE("alert")}},
    {.name = "unusable records",
     .tlsa = {1, 1, 1, PAPER_HOSTS},
     .host = {"tlsa-invalid", "all-unusable-records+ignored"},
     .domain = SUCCESS},
    {.name = "unusable records, a broken handshake",
     .tlsa = {1, 1, 1, PAPER_HOSTS},
     .shake = SECURE_CLOSES,
     .status = MOX_E_TLS,
     .host = {INVALID, MORE("handshake")},
     .domain = {INVALID, MORE("handshake")}},
    {.name = "testing and DANE, neither holds",
     .mode = "testing",
     .tlsa = {3, 1, 1, PAPER_OTHER_NAME},
     .paper = PAPER_SELF_SIGNED,
     .status = MOX_E_VERIFY,
     .host = {INVALID, "dane-no-match"},
     .domain = {"certificate-not-trusted", NULL}},
    {.name = "testing and DANE, which holds",
     .mode = "testing",
     .tlsa = {3, 1, 1, PAPER_SELF_SIGNED},
     .paper = PAPER_SELF_SIGNED,
     .host = SUCCESS,
     .domain = {"certificate-not-trusted", NULL}},
    {.name = "enforced and DANE, neither holds",
     .mode = "enforce",
     .tlsa = {3, 1, 1, PAPER_OTHER_NAME},
     .paper = PAPER_SELF_SIGNED,
     .status = MOX_E_VERIFY,
     .host = {INVALID, "dane-no-match"},
     .domain = {"certificate-not-trusted", NULL}},
    {.name = "enforced and DANE, which holds alone",
     .mode = "enforce",
     .tlsa = {3, 1, 1, PAPER_SELF_SIGNED},
     .paper = PAPER_SELF_SIGNED,
     .status = MOX_E_VERIFY,
     .host = {"certificate-not-trusted", NULL},
     .domain = {"certificate-not-trusted", NULL}},
    {.name = "enforced and unusable records, expired",
     .mode = "enforce",
     .tlsa = {1, 1, 1, PAPER_HOSTS},
     .paper = PAPER_EXPIRED,
     .status = MOX_E_VERIFY,
     .host = {"tlsa-invalid", "all-unusable-records+ignored"},
     .domain = {"certificate-expired", NULL}},

    {.name = "TLSA records cannot be had",
     .zone = "_25._tcp." HOST " TLSA +servfail\n",
     .status = MOX_E_DNS,
     .lookup = {"tlsa-invalid", MORE("SERVFAIL")}},
    {.name = "a TLSA record that is none",
     .zone = "_25._tcp." HOST " TLSA +ad \\# 2 0301\n",
     .status = MOX_E_DNS,
     .lookup = {"tlsa-invalid", MORE("malformed")}},
    {.name = "TLSA records are bogus",
     .zone = "_25._tcp." HOST " TLSA +bogus\n",
     .status = MOX_E_DNS,
     .lookup = {"dnssec-invalid", MORE("DNSSEC bogus")}},
    {.name = "TLSA records are bogus, TLS-Required: No",
     .zone = "_25._tcp." HOST " TLSA +bogus\n",
     .flags = MOX_DIAL_TLS_OPTIONAL,
     .host = SUCCESS,
     .domain = SUCCESS,
     .lookup = {"dnssec-invalid", MORE("DNSSEC bogus")}},
};

static void setup(void)
{
    struct mox_ctx_options options = {.size = sizeof options};
    struct mox_error err;

    papers_make();
    options.ca_file = papers_file();
    sim = world_bare(1);
    sim->fetch_ops = true;
    ck_assert_msg(world_open(sim, &options, &err) == MOX_OK, "%s", err.message);
}

/* What a place borrows must not end before the world. */
static struct secure secure;

static void publish(const char *mode, const char *mx)
{
    struct fetch_page *page;
    char body[256];

    if (mode == NULL)
        return;
    world_load(sim, "_mta-sts." DOMAIN " TXT \"v=STSv1; id=1;\"\n");
    snprintf(body, sizeof body, "version: STSv1\nmode: %s\nmx: %s\nmax_age: 86400\n", mode,
             mx == NULL ? HOST : mx);
    page = fetch_page(sim, DOMAIN);
    page->body = world_text(sim, body);
    page->status = 200;
}

static void make_world(const struct report_case *c)
{
    struct mox_ip ip = dial_ip(ADDRESS);
    char rdata[8192];

    world_load(sim, DOMAIN " MX +ad 10 " HOST "\n" HOST " A +ad " ADDRESS "\n" HOST
                           " AAAA +ad\n" ADDRESS " up\n");
    if (c->zone != NULL)
        world_load(sim, c->zone);
    if (c->tlsa.usage != 0) {
        struct dns_set *set = dns_set(sim, "_25._tcp." HOST, dns_type("TLSA"));

        papers_record(&c->tlsa, rdata, sizeof rdata);
        set->authentic = true;
        dns_add(sim, set, rdata);
    }
    publish(c->mode, c->mx);
    secure = (struct secure){.there = true,
                             .offered = !c->stripped,
                             .tickets = true,
                             .reply = c->reply,
                             .shake = c->shake,
                             .after = c->after,
                             .paper = c->paper};
    net_place(sim, &ip, 25)->secure = &secure;
    secure_prepare(sim, &secure);
    sim->no_chance = c->no_chance;
}

static void check_fact(const char *name, const char *whose, struct fact want, const char *type,
                       const char *code)
{
    bool same = want.code == code || (want.code != NULL && code != NULL &&
                                      (want.code[0] == '~' ? strstr(code, want.code + 1) != NULL
                                                           : strcmp(code, want.code) == 0));

    ck_assert_msg(
        (want.type == NULL) == (type == NULL) && (type == NULL || strcmp(type, want.type) == 0),
        "%s: of the %s: %s, %s", name, whose, type == NULL ? "-" : type, code == NULL ? "-" : code);
    ck_assert_msg(same, "%s: of the %s: %s, %s", name, whose, type, code == NULL ? "-" : code);
}

/* The first attempt; a second one, in clear, says nothing. */
static void check_attempts(const struct report_case *c, const struct mox_plan *plan)
{
    const struct mox_attempt *first = mox_plan_attempt(plan, 0);
    const char *domain = first == NULL ? NULL : first->tls_policy_domain;
    const char *lines = first == NULL ? NULL : first->tls_policy_string;
    const char *type = first == NULL ? NULL : first->tls_policy_type;

    check_fact(c->name, "host", c->host, first == NULL ? NULL : first->tls_result_type,
               first == NULL ? NULL : first->tls_failure_code);
    for (uint32_t i = 1; mox_plan_attempt(plan, i) != NULL; i++)
        check_fact(c->name, "second try", (struct fact)NOTHING,
                   mox_plan_attempt(plan, i)->tls_result_type, NULL);
    if (c->host.type == NULL)
        return;
    ck_assert_msg(strcmp(type, c->tlsa.usage != 0 ? "tlsa" : "no-policy-found") == 0, "%s: %s",
                  c->name, type);
    ck_assert_msg(strcmp(domain, HOST) == 0, "%s: %s", c->name, domain);
    ck_assert_msg((lines != NULL) == (c->tlsa.usage != 0), "%s: the records", c->name);
    ck_assert_msg(lines == NULL || lines[0] == '0' + c->tlsa.usage, "%s: %s", c->name, lines);
}

static void check_domain(const struct report_case *c, const struct mox_plan *plan)
{
    const struct mox_plan_info *info = mox_plan_summary(plan);
    const char *lines = c->server == NULL ? info->sts_policy_string : NULL;

    check_fact(c->name, "domain", c->domain, info->sts_result_type, info->sts_failure_code);
    ck_assert_msg((lines != NULL) == (c->mode != NULL), "%s: the policy", c->name);
    ck_assert_msg(lines == NULL || strstr(lines, c->mode) != NULL, "%s: %s", c->name, lines);
    check_fact(c->name, "MX host", c->lookup, mox_plan_mx(plan, 0)->tls_result_type,
               mox_plan_mx(plan, 0)->tls_failure_code);
}

/* Dials, and looks at the facts. */
static void visit(const struct report_case *c)
{
    struct dial_case how = {
        .to = "b@" DOMAIN, .flags = c->flags, .server = c->server, .name = c->name};
    struct mox_dial_request request = *dial_request_of(&how);
    struct sim_call call;

    request.plan = mox_plan_new(sim->ctx);
    ck_assert_ptr_nonnull(request.plan);
    dial_to_end(&call, &request);
    ck_assert_msg(call.status == c->status, "%s: %s: %s", c->name, mox_status_name(call.status),
                  call.err.message);
    check_attempts(c, request.plan);
    check_domain(c, request.plan);
    mox_conn_close(call.conn);
    mox_plan_free(request.plan);
}

START_TEST(what_is_reported)
{
    make_world(&cases[_i]);
    visit(&cases[_i]);
}
END_TEST

/* A session that is resumed shows no certificate; what was found of it is told again. */
START_TEST(what_is_reported_of_a_resumed_session)
{
    const struct report_case *c = &cases[_i];

    if (c->status != MOX_OK || c->stripped || c->reply != 0 || c->shake != 0)
        return;
    make_world(c);
    visit(c);
    ck_assert(!net_find(sim, ADDRESS)->secure.resumed);
    visit(c);
    ck_assert_msg(net_find(sim, ADDRESS)->secure.resumed, "%s: a full handshake", c->name);
}
END_TEST

/* A session that was begun without a policy knows nothing of what the policy asks. */
START_TEST(a_policy_that_came_later)
{
    static const struct report_case before = {
        .name = "before", .paper = PAPER_EXPIRED, .host = SUCCESS, .domain = SUCCESS};
    static const struct report_case after = {.name = "after",
                                             .mode = "testing",
                                             .paper = PAPER_EXPIRED,
                                             .host = SUCCESS,
                                             .domain = {"certificate-expired", NULL}};

    make_world(&before);
    visit(&before);
    publish(after.mode, after.mx);
    visit(&after);
    ck_assert(!net_find(sim, ADDRESS)->secure.resumed);
    visit(&after);
    ck_assert(net_find(sim, ADDRESS)->secure.resumed);
}
END_TEST

TCase *test_dial_report(void)
{
    TCase *tcase = tcase_create("dial/report");

    tcase_add_checked_fixture(tcase, setup, dial_teardown);
    tcase_add_loop_test(tcase, what_is_reported, 0, (int)ARRAY_LEN(cases));
    tcase_add_loop_test(tcase, what_is_reported_of_a_resumed_session, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tcase, a_policy_that_came_later);
    return tcase;
}
