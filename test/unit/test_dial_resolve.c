/*
 * test_dial_resolve.c - from the recipient to hosts and addresses: what DNS says, and what is made
 * of it when it lies, fails, or says too much. lib/lookup is tested through it.
 */
#include <stdio.h>

#include "ctx/ctx.h"
#include "dial_world.h"

#define UP "192.0.2.1 up\n192.0.2.2 up\n2001:db8::1 up\n"
#define MX "example.org MX 10 mx.example.org\n"
#define HOST "mx.example.org A 192.0.2.1\n"
#define AT1 .at = "192.0.2.1"

static const struct dial_case cases[] = {
    {"implicit MX", NULL, "example.org A 192.0.2.1\n" UP, AT1},
    {"implicit MX, the MX question says NXDOMAIN", NULL,
     "example.org A 192.0.2.1\nexample.org MX +nxdomain\n" UP, AT1},
    {"null MX", NULL, "example.org MX 0 .\nexample.org A 192.0.2.1\n" UP, .status = MOX_E_NULL_MX,
     .permanent = 1, .dials = "", .stage = MOX_STAGE_RESOLVE, .about = MOX_ABOUT_DOMAIN,
     .never = " A", .says = "null MX"},
    {"null MX of another preference", NULL, "example.org MX 10 .\n" UP, .status = MOX_E_NULL_MX,
     .permanent = 1},
    {"a null MX among others", NULL, "example.org MX 0 .\n" MX HOST UP, AT1},
    {"the domain does not exist", NULL, UP, .status = MOX_E_NO_DOMAIN, .permanent = 1, .dials = "",
     .says = "example.org", .about = MOX_ABOUT_DOMAIN},
    {"neither MX nor address", NULL, "example.org TXT hello\n", .status = MOX_E_NO_ADDRESS,
     .permanent = 1, .dials = ""},
    {"NXDOMAIN, but only one family was asked", NULL, UP, .families = MOX_ALLOW_IPV4,
     .status = MOX_E_NO_DOMAIN, .permanent = 1, .never = "AAAA"},
    {"no address of the allowed family", NULL, "example.org TXT hello\n",
     .families = MOX_ALLOW_IPV4, .status = MOX_E_FILTERED, .never = "AAAA"},
    {"SERVFAIL for MX", NULL, "example.org MX +servfail\nexample.org A 192.0.2.1\n" UP,
     .status = MOX_E_DNS, .dials = "", .says = "SERVFAIL", .stage = MOX_STAGE_RESOLVE},
    {"REFUSED for MX", NULL, "example.org MX +refused\n", .status = MOX_E_DNS},
    {"garbage for MX", NULL, "example.org MX +garbage\n", .status = MOX_E_DNS, .dials = ""},
    {"less than a header for MX", NULL, "example.org MX +truncated\n", .status = MOX_E_DNS},
    {"no answer for MX", NULL, "example.org MX +lost\n", .status = MOX_E_DNS, .ms = 30000,
     .says = "in time"},
    {"the deadline of a question", NULL, "example.org MX +lost\n", .timeouts.dns = 250,
     .status = MOX_E_DNS, .ms = 250},
    {"the resolver gives up", NULL, "example.org MX +timeout\n", .status = MOX_E_DNS},
    {"the resolver is down", NULL, "example.org MX +down\n", .status = MOX_E_DNS},
    {"the question cannot be sent", NULL, "example.org MX +unaskable\n", .status = MOX_E_DNS},
    {"the whole dial ends in DNS", NULL, "example.org MX +lost\n", .timeout_ms = 2000,
     .status = MOX_E_TIMEOUT, .ms = 2000, .stage = MOX_STAGE_RESOLVE, .says = "whole dial"},
    {"a host whose TLSA records are not to be had is no host that said no", "TrustAD: true\n",
     "example.org MX +ad 10 a.example.org\nexample.org MX +ad 20 b.example.net\n"
     "a.example.org A +ad 192.0.2.1\n_25._tcp.a.example.org TLSA +servfail\n"
     "b.example.net A 192.0.2.2\n192.0.2.1 up\n192.0.2.2 up ptr\n",
     .status = MOX_E_REFUSED, .dials = "192.0.2.2@0", .smtp_code = 550, .permanent = 0},
    {"SERVFAIL for all addresses", NULL,
     MX "mx.example.org A +servfail\nmx.example.org AAAA +servfail\n", .status = MOX_E_DNS,
     .says = "SERVFAIL", .dials = ""},
    {"one family fails, the other answers", NULL, MX "mx.example.org AAAA +servfail\n" HOST UP,
     AT1},
    {"one family is lost: the other does not wait for it", NULL,
     MX "mx.example.org AAAA +lost\n" HOST UP, .dials = "192.0.2.1@50"},
    {"one family fails, the other has none: temporary", NULL,
     MX "mx.example.org AAAA +servfail\nmx.example.org A\n", .status = MOX_E_DNS, .dials = ""},
    {"one family is garbage", NULL, MX "mx.example.org AAAA +garbage\n" HOST UP, AT1},
    {"MX hosts without any address: temporary", NULL, MX "mx.example.org TXT x\n",
     .status = MOX_E_NO_ADDRESS, .dials = ""},
    {"MX hosts that do not exist: temporary", NULL, MX, .status = MOX_E_NO_ADDRESS, .dials = ""},
    {"the next host when one has none", NULL,
     "example.org MX 10 gone.example.org\nexample.org MX 20 mx.example.org\n" HOST UP, AT1},
    {"the next host when one fails", NULL,
     "example.org MX 10 bad.example.org\nexample.org MX 20 mx.example.org\n"
     "bad.example.org A +servfail\nbad.example.org AAAA +servfail\n" HOST UP,
     AT1},
    {"an address as MX target", NULL, "example.org MX 10 192.0.2.7\n" MX HOST UP, AT1,
     .never = "192.0.2.7"},
    {"localhost as MX target", NULL, "example.org MX 5 localhost\n" MX HOST UP, AT1,
     .never = "query localhost"},
    {"below .invalid", NULL, "example.org MX 5 mail.invalid\n" MX HOST UP, AT1,
     .never = "query mail.invalid"},
    {"all targets are bad: temporary", NULL,
     "example.org MX 5 localhost\nexample.org MX 6 192.0.2.7\nexample.org MX 7 .\n",
     .status = MOX_E_NO_ADDRESS, .dials = "", .says = "no host names"},
    {"underscores are allowed", NULL,
     "example.org MX 10 my_mx.example.org\nmy_mx.example.org A 192.0.2.1\n" UP, AT1},
    {"capitals are the same host", NULL,
     "example.org MX 10 MX.example.org\nexample.org MX 20 mx.EXAMPLE.org\n" HOST
     "192.0.2.1 refused +ms=0\n",
     .status = MOX_E_CONNECT, .dials = "192.0.2.1@0"},
    {"an alias as domain", NULL,
     "example.org CNAME other.example.net\nother.example.net MX 10 mx.example.org\n" HOST UP, AT1},
    {"an alias as domain, told in part", NULL,
     "example.org CNAME +first other.example.net\n"
     "other.example.net MX 10 mx.example.org\n" HOST UP,
     AT1},
    {"an alias as domain, and the implicit MX is its target", NULL,
     "example.org CNAME other.example.net\nother.example.net A 192.0.2.1\n" UP, AT1,
     .never = "query example.org A"},
    {"an alias to nowhere", NULL, "example.org CNAME gone.example.net\n",
     .never = "gone.example.net MX", .status = MOX_E_NO_DOMAIN, .permanent = 1},
    {"an alias as MX host", NULL,
     MX "mx.example.org CNAME host.example.net\nhost.example.net A 192.0.2.1\n" UP, AT1},
    {"an alias as MX host, told in part", NULL,
     MX "mx.example.org CNAME +first host.example.net\nhost.example.net A 192.0.2.1\n" UP, AT1},
    {"a loop of the domain", NULL,
     "example.org CNAME b.example.org\nb.example.org CNAME example.org\n", .status = MOX_E_DNS,
     .dials = ""},
    {"a loop of the domain, told in parts", NULL,
     "example.org CNAME +first b.example.org\nb.example.org CNAME +first example.org\n",
     .dials = "", .status = MOX_E_LIMIT},
    {"a loop of a host", NULL,
     MX "mx.example.org CNAME b.example.org\nb.example.org CNAME mx.example.org\n",
     .status = MOX_E_DNS, .dials = ""},
    {"an alias of itself but for case is none", NULL, MX "mx.example.org CNAME MX.example.org\n",
     .status = MOX_E_NO_ADDRESS},
    {"an alias to a name that is none", NULL, "example.org CNAME .\n", .status = MOX_E_DNS},
    {"a U-label", NULL, "xn--bcher-kva.example MX 10 mx.example.org\n" HOST UP, AT1,
     .to = "b@b\303\274cher.example"},
    {"a smarthost that does not exist: temporary",
     "Transports:\n\tr:\n\t\tSMTP:\n\t\t\tHost: relay.example.net\n\t\t\tNoSTARTTLS: true\n", UP,
     .transport = "r", .status = MOX_E_NO_DOMAIN, .permanent = 0, .never = "MX"},
};

START_TEST(resolve_case)
{
    dial_case_run(&cases[_i]);
}
END_TEST

/* A chain of so many aliases before the name that has the records. */
static void load_chain(const char *first, int aliases, const char *last, bool in_parts)
{
    char line[256], name[64];

    snprintf(name, sizeof name, "%s", first);
    for (int i = 1; i <= aliases; i++) {
        char next[64];

        snprintf(next, sizeof next, "c%d.example.net", i);
        if (i == aliases)
            snprintf(next, sizeof next, "%s", last);
        snprintf(line, sizeof line, "%s CNAME %s %s\n", name, in_parts ? "+first" : "", next);
        world_load(sim, line);
        snprintf(name, sizeof name, "%s", next);
    }
}

static const struct {
    const char *name;
    int domain, host; /* aliases */
    bool in_parts;
    int status;
} chains[] = {
    {"15 aliases of the domain", 15, 0, false, MOX_OK},
    {"16 aliases of the domain", 16, 0, false, MOX_E_LIMIT},
    {"15 aliases of the domain in parts", 15, 0, true, MOX_OK},
    {"16 aliases of the domain in parts", 16, 0, true, MOX_E_LIMIT},
    {"10 aliases of the host", 0, 10, false, MOX_OK},
    {"11 aliases of the host", 0, 11, false, MOX_E_LIMIT},
    {"10 aliases of the host in parts", 0, 10, true, MOX_OK},
    {"11 aliases of the host in parts", 0, 11, true, MOX_E_LIMIT},
};

START_TEST(chain_case)
{
    bool domain = chains[_i].domain > 0, host = chains[_i].host > 0;
    struct sim_call call;

    if (domain)
        load_chain("example.org", chains[_i].domain, "end.example.org", chains[_i].in_parts);
    if (host)
        load_chain("mx.example.org", chains[_i].host, "host.example.org", chains[_i].in_parts);
    world_load(sim, domain ? "end.example.org MX 10 mx.example.org\n" : MX);
    world_load(sim, host ? "host.example.org A 192.0.2.1\n" UP : HOST UP);
    dial_to_end(&call, dial_request());
    ck_assert_msg(call.status == chains[_i].status, "%s: %s: %s", chains[_i].name,
                  mox_status_name(call.status), call.err.message);
    if (call.status != MOX_OK)
        ck_assert_int_eq(call.err.permanent, 0);
    mox_conn_close(call.conn);
}
END_TEST

/* How many candidates of the plan were dropped so. */
static unsigned dropped(const struct mox_plan *plan, int drop)
{
    const struct mox_candidate *candidate;
    unsigned n = 0;

    for (uint32_t i = 0; (candidate = mox_plan_candidate(plan, i)) != NULL; i++)
        n += candidate->drop == drop;
    return n;
}

static unsigned dropped_hosts(const struct mox_plan *plan, int drop)
{
    const struct mox_mx *mx;
    unsigned n = 0;

    for (uint32_t i = 0; (mx = mox_plan_mx(plan, i)) != NULL; i++)
        n += mx->drop == drop;
    return n;
}

START_TEST(ten_thousand_mx_hosts)
{
    struct mox_dial_request request = *dial_request();
    struct dns_set *set = dns_set(sim, "example.org", dns_type("MX"));
    struct mox_plan *plan = mox_plan_new(sim->ctx);
    struct sim_call call;
    char text[128];

    for (int i = 0; i < 10000; i++) {
        snprintf(text, sizeof text, "%d mx%d.example.org", 100 + i, i);
        dns_add(sim, set, text);
    }
    world_load(sim, "mx0.example.org A 192.0.2.1\n" UP);
    request.plan = plan;
    dial_to_end(&call, &request);
    ck_assert_msg(call.status == MOX_OK, "%s", call.err.message);
    ck_assert_uint_gt(dropped_hosts(plan, MOX_DROP_LIMIT), 0);
    mox_conn_close(call.conn);
    mox_plan_free(plan);
}
END_TEST

START_TEST(thirty_two_mx_hosts_are_considered)
{
    struct mox_dial_request request = *dial_request();
    struct mox_plan *plan = mox_plan_new(sim->ctx);
    struct sim_call call;
    char text[128];

    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof text, "example.org MX %d mx%d.example.org\n", 100 - i, i);
        world_load(sim, text);
    }
    request.plan = plan;
    dial_to_end(&call, &request);
    ck_assert_int_eq(call.status, MOX_E_NO_ADDRESS);
    ck_assert_uint_eq(world_count(sim, ".example.org AAAA"), 32);
    ck_assert_uint_eq(world_count(sim, "query mx39.example.org"), 2); /* the best */
    ck_assert_uint_eq(world_count(sim, "query mx7.example.org"), 0);
    ck_assert_uint_eq(dropped_hosts(plan, MOX_DROP_LIMIT), 8);
    mox_plan_free(plan);
}
END_TEST

START_TEST(thousand_addresses_of_a_host)
{
    struct mox_dial_request request = *dial_request();
    struct dns_set *set = dns_set(sim, "mx.example.org", dns_type("A"));
    struct mox_plan *plan = mox_plan_new(sim->ctx);
    struct mox_error err;
    unsigned kept = 0;
    char text[128];

    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "198.18.%d.%d", i / 250, i % 250 + 1);
        dns_add(sim, set, text);
    }
    world_load(sim, MX "mx.example.org AAAA 2001:db8::1\n");
    request.plan = plan;
    ck_assert_int_eq(mox_plan_resolve(sim->ctx, &request, &err), MOX_OK);
    for (uint32_t i = 0; mox_plan_candidate(plan, i) != NULL; i++)
        kept += mox_plan_candidate(plan, i)->drop == MOX_DROP_NONE;
    ck_assert_uint_eq(kept, 16);
    ck_assert_str_eq(mox_plan_candidate(plan, 0)->host, "mx.example.org");
    ck_assert_int_eq(mox_plan_candidate(plan, 0)->ip.family, MOX_IPV6);
    ck_assert_uint_eq(dropped(plan, MOX_DROP_LIMIT), 985);
    mox_plan_free(plan);
}
END_TEST

static const struct {
    const char *name, *config;
    uint32_t flags;
    const char *mx; /* attributes of the record */
    int authentic;
} trusts[] = {
    {"AD as the host says", NULL, 0, "+ad", 1},
    {"no AD", NULL, 0, "", 0},
    {"TrustAD: false", "TrustAD: false\n", 0, "+ad", 0},
    {"TrustAD: true", "TrustAD: true\n", 0, "+ad", 1},
    {"DISTRUST_AD", "TrustAD: true\n", MOX_CTX_DISTRUST_AD, "+ad", 0},
    {"TRUST_AD wins over the key", "TrustAD: false\n", MOX_CTX_TRUST_AD, "+ad", 1},
    {"trusted, but not set", NULL, MOX_CTX_TRUST_AD, "", 0},
};

START_TEST(trust_case)
{
    struct mox_ctx_options options = {.size = sizeof options, .flags = trusts[_i].flags};
    struct mox_plan *plan;
    struct dial_case c = {.name = trusts[_i].name};
    struct mox_dial_request request;
    struct mox_error err;
    char text[128];

    dial_renew(&options);
    if (trusts[_i].config != NULL)
        sim->config = mox_config_parse(trusts[_i].config, strlen(trusts[_i].config), &err);
    snprintf(text, sizeof text, "example.org MX %s 10 mx.example.org\n" HOST, trusts[_i].mx);
    world_load(sim, text);
    plan = mox_plan_new(sim->ctx);
    request = *dial_request_of(&c);
    request.plan = plan;
    ck_assert_int_eq(mox_plan_resolve(sim->ctx, &request, &err), MOX_OK);
    ck_assert_msg(mox_plan_summary(plan)->authentic == trusts[_i].authentic, "%s", c.name);
    ck_assert_int_eq(mox_plan_mx(plan, 0)->authentic, trusts[_i].authentic);
    mox_plan_free(plan);
}
END_TEST

/* Every alias on the way must be proven. */
START_TEST(one_alias_without_proof_taints_the_chain)
{
    struct mox_plan *plan = mox_plan_new(sim->ctx);
    struct mox_dial_request request = *dial_request();
    struct mox_error err;

    world_load(sim, "example.org CNAME +first b.example.org\n"
                    "b.example.org MX +ad 10 mx.example.org\n" HOST);
    request.plan = plan;
    ck_assert_int_eq(mox_plan_resolve(sim->ctx, &request, &err), MOX_OK);
    ck_assert_int_eq(mox_plan_summary(plan)->authentic, 0);
    ck_assert_str_eq(mox_plan_summary(plan)->next_hop, "b.example.org");
    mox_plan_free(plan);
}
END_TEST

/* As in a build without c-ares: told by a callback, and nothing is left behind by a cancel. */
START_TEST(context_without_dns)
{
    struct sim_call call;
    mox_op_id id;

    world_load(sim, dial_simple);
    sim->ctx->dns.query = NULL;
    id = dial_start(&call, dial_request());
    if (_i == 1) {
        call.cancelled = true;
        ck_assert_int_eq(mox_op_cancel(sim->ctx, id), MOX_OK);
    }
    world_run(sim);
    while (world_step(sim))
        ;
    ck_assert_int_eq(call.calls, 1 - _i);
    ck_assert_int_eq(call.status, _i == 1 ? MOX_OK : MOX_E_UNSUPPORTED);
    ck_assert(_i == 1 || strstr(call.err.message, "no DNS") != NULL);
    ck_assert_ptr_null(sim->log.ptr == NULL ? NULL : strstr(sim->log.ptr, "query"));
}
END_TEST

/* A resolver may answer inside the question. */
START_TEST(answers_at_once)
{
    struct sim_call call;

    sim->dns_at_once = true;
    world_load(sim, dial_simple);
    dial_to_end(&call, dial_request());
    ck_assert_int_eq(call.status, MOX_OK);
    mox_conn_close(call.conn);
}
END_TEST

TCase *test_dial_resolve(void)
{
    TCase *tcase = tcase_create("dial/resolve");

    tcase_add_checked_fixture(tcase, dial_setup, dial_teardown);
    tcase_add_loop_test(tcase, resolve_case, 0, (int)ARRAY_LEN(cases));
    tcase_add_loop_test(tcase, chain_case, 0, (int)ARRAY_LEN(chains));
    tcase_add_test(tcase, ten_thousand_mx_hosts);
    tcase_add_test(tcase, thirty_two_mx_hosts_are_considered);
    tcase_add_test(tcase, thousand_addresses_of_a_host);
    tcase_add_loop_test(tcase, trust_case, 0, (int)ARRAY_LEN(trusts));
    tcase_add_test(tcase, one_alias_without_proof_taints_the_chain);
    tcase_add_loop_test(tcase, context_without_dns, 0, 2);
    tcase_add_test(tcase, answers_at_once);
    return tcase;
}
