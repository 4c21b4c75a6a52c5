/* test_policy_demand.c - the matrix of semantics.md 7.1 and 9, a row a case. */
#include <string.h>

#include <moxdial/dial.h>

#include "config/config.h"
#include "policy/demand.h"
#include "policy/sts.h"
#include "test.h"

enum { NO_POLICY = -1 };

static const struct published {
    const char *name;
    int sts_mode;
    bool allows;
    size_t tlsa, usable;
    bool requiretls, optional;
    struct demand demand;
    const char *text; /* a part of it */
} published[] = {
    {"nothing",
     NO_POLICY,
     false,
     0,
     0,
     false,
     false,
     {.need = MOX_TLS_OPPORTUNISTIC, .starttls = DEMAND_OFFERED, .or_plaintext = true},
     "no policy demands more: TLS is used where offered"},
    {"testing",
     STS_TESTING,
     false,
     0,
     0,
     false,
     false,
     {.need = MOX_TLS_OPPORTUNISTIC, .starttls = DEMAND_OFFERED, .or_plaintext = true},
     "of a.example is in testing"},
    {"mode none",
     STS_NONE,
     false,
     0,
     0,
     false,
     false,
     {.need = MOX_TLS_OPPORTUNISTIC, .starttls = DEMAND_OFFERED, .or_plaintext = true},
     "no policy"},
    {"enforce, the host matches",
     STS_ENFORCE,
     true,
     0,
     0,
     false,
     false,
     {.need = MOX_TLS_PKIX, .starttls = DEMAND_ALWAYS, .pkix = true},
     "the enforced MTA-STS policy of a.example demands a trusted certificate for mx.example"},
    {"enforce, the host does not match",
     STS_ENFORCE,
     false,
     0,
     0,
     false,
     false,
     {.need = MOX_TLS_PKIX, .starttls = DEMAND_ALWAYS, .pkix = true, .unmet = true},
     "does not name mx.example"},
    {"usable records",
     NO_POLICY,
     false,
     2,
     1,
     false,
     false,
     {.need = MOX_TLS_DANE, .starttls = DEMAND_ALWAYS, .dane = true},
     "the 1 usable TLSA record of mx.example demands DANE"},
    {"records, none usable",
     NO_POLICY,
     false,
     2,
     0,
     false,
     false,
     {.need = MOX_TLS_REQUIRED, .starttls = DEMAND_ALWAYS},
     "none of them usable"},
    {"enforce and usable records: both",
     STS_ENFORCE,
     true,
     2,
     2,
     false,
     false,
     {.need = MOX_TLS_DANE, .starttls = DEMAND_ALWAYS, .pkix = true, .dane = true},
     "demand DANE, and the enforced MTA-STS policy of a.example a trusted certificate too"},
    {"enforce and unusable records: PKIX",
     STS_ENFORCE,
     true,
     2,
     0,
     false,
     false,
     {.need = MOX_TLS_PKIX, .starttls = DEMAND_ALWAYS, .pkix = true},
     "enforced"},
    {"REQUIRETLS, nothing published",
     NO_POLICY,
     false,
     0,
     0,
     true,
     false,
     {.need = MOX_TLS_OPPORTUNISTIC, .starttls = DEMAND_OFFERED, .unmet = true},
     "REQUIRETLS"},
    {"REQUIRETLS, testing does not count",
     STS_TESTING,
     true,
     0,
     0,
     true,
     false,
     {.need = MOX_TLS_OPPORTUNISTIC, .starttls = DEMAND_OFFERED, .unmet = true},
     "REQUIRETLS"},
    {"REQUIRETLS, unusable records do not count",
     NO_POLICY,
     false,
     1,
     0,
     true,
     false,
     {.need = MOX_TLS_REQUIRED, .starttls = DEMAND_ALWAYS, .unmet = true},
     "REQUIRETLS"},
    {"REQUIRETLS, DANE",
     NO_POLICY,
     false,
     1,
     1,
     true,
     false,
     {.need = MOX_TLS_DANE, .starttls = DEMAND_ALWAYS, .dane = true},
     "DANE"},
    {"REQUIRETLS, MTA-STS",
     STS_ENFORCE,
     true,
     0,
     0,
     true,
     false,
     {.need = MOX_TLS_PKIX, .starttls = DEMAND_ALWAYS, .pkix = true},
     "MTA-STS"},
    {"TLS-Required: No, nothing is fatal",
     STS_ENFORCE,
     false,
     2,
     2,
     false,
     true,
     {.need = MOX_TLS_OPPORTUNISTIC, .starttls = DEMAND_OFFERED, .or_plaintext = true},
     "TLS-Required: No"},
};

static void check(const char *name, struct demand got, struct demand want)
{
    ck_assert_msg(got.need == want.need, "%s: need %d", name, got.need);
    ck_assert_msg(got.starttls == want.starttls, "%s: starttls %d", name, got.starttls);
    ck_assert_msg(got.immediate == want.immediate, "%s: immediate", name);
    ck_assert_msg(got.pkix == want.pkix, "%s: pkix %d", name, got.pkix);
    ck_assert_msg(got.dane == want.dane, "%s: dane %d", name, got.dane);
    ck_assert_msg(got.or_plaintext == want.or_plaintext, "%s: plaintext %d", name,
                  got.or_plaintext);
    ck_assert_msg(got.unmet == want.unmet, "%s: unmet %d", name, got.unmet);
}

START_TEST(what_is_published)
{
    const struct published *row = &published[_i];
    struct demand_facts facts = {.sts_mode = row->sts_mode,
                                 .sts_allows = row->allows,
                                 .tlsa = row->tlsa,
                                 .tlsa_usable = row->usable,
                                 .requiretls = row->requiretls,
                                 .tls_optional = row->optional};
    char text[512];

    check(row->name, demand_of(&facts), row->demand);
    demand_text(&facts, "mx.example", "a.example", text, sizeof text);
    ck_assert_msg(strstr(text, row->text) != NULL, "%s: %s", row->name, text);
}
END_TEST

static const struct relayed {
    const char *name;
    int kind;
    bool skip_verify, no_starttls, requiretls;
    struct demand demand;
    const char *text;
} relayed[] = {
    {"Submissions",
     MOX_KIND_SUBMISSIONS,
     false,
     false,
     false,
     {.need = MOX_TLS_PKIX, .starttls = DEMAND_ALWAYS, .immediate = true, .pkix = true},
     "from the first byte on with a certificate for relay.example"},
    {"Submission",
     MOX_KIND_SUBMISSION,
     false,
     false,
     false,
     {.need = MOX_TLS_PKIX, .starttls = DEMAND_ALWAYS, .pkix = true},
     "transport out, f line 7"},
    {"SMTP, not verified",
     MOX_KIND_SMTP,
     true,
     false,
     false,
     {.need = MOX_TLS_REQUIRED, .starttls = DEMAND_ALWAYS},
     "STARTTLSInsecureSkipVerify"},
    {"SMTP, in clear",
     MOX_KIND_SMTP,
     false,
     true,
     false,
     {.need = MOX_TLS_NONE, .starttls = DEMAND_NEVER},
     "NoSTARTTLS"},
    {"REQUIRETLS, verified",
     MOX_KIND_SMTP,
     false,
     false,
     true,
     {.need = MOX_TLS_PKIX, .starttls = DEMAND_ALWAYS, .pkix = true},
     "demands TLS"},
    {"REQUIRETLS, not verified",
     MOX_KIND_SMTP,
     true,
     false,
     true,
     {.need = MOX_TLS_REQUIRED, .starttls = DEMAND_ALWAYS, .unmet = true},
     "does not verify TLS"},
    {"REQUIRETLS, in clear",
     MOX_KIND_SMTP,
     false,
     true,
     true,
     {.need = MOX_TLS_NONE, .starttls = DEMAND_NEVER, .unmet = true},
     "does not verify TLS"},
};

START_TEST(what_a_smarthost_is_told)
{
    const struct relayed *row = &relayed[_i];
    struct config_transport transport = {.name = "out",
                                         .file = "f",
                                         .line = 7,
                                         .kind = row->kind,
                                         .host = "relay.example",
                                         .skip_verify = row->skip_verify,
                                         .no_starttls = row->no_starttls};
    struct demand_facts facts = {
        .smarthost = &transport, .sts_mode = STS_ENFORCE, .tlsa = 1, .requiretls = row->requiretls};
    char text[512];

    check(row->name, demand_of(&facts), row->demand);
    demand_text(&facts, "relay.example", "a.example", text, sizeof text);
    ck_assert_msg(strstr(text, row->text) != NULL, "%s: %s", row->name, text);
}
END_TEST

/* The records of an alias's target are told as the target's. */
START_TEST(records_of_another_name)
{
    struct demand_facts facts = {
        .sts_mode = NO_POLICY, .tlsa = 1, .tlsa_usable = 1, .tlsa_base = "target.example"};
    char text[256];

    demand_text(&facts, "mx.example", "a.example", text, sizeof text);
    ck_assert_str_eq(text, "the 1 usable TLSA record of target.example demands DANE");
    facts.tlsa_usable = 0;
    demand_text(&facts, "mx.example", "a.example", text, sizeof text);
    ck_assert(strncmp(text, "target.example has TLSA records", 31) == 0);
}
END_TEST

TCase *test_policy_demand(void)
{
    TCase *tcase = tcase_create("policy_demand");

    tcase_add_loop_test(tcase, what_is_published, 0, (int)ARRAY_LEN(published));
    tcase_add_test(tcase, records_of_another_name);
    tcase_add_loop_test(tcase, what_a_smarthost_is_told, 0, (int)ARRAY_LEN(relayed));
    return tcase;
}
