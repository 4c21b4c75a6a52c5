/*
 * test_policy_identity.c - what DNS says of an address of ours, judged: the gravest problem, and
 * the record that mends it.
 */
#include <string.h>

#include "policy/identity.h"
#include "test.h"

static struct mox_ip ip_of(const char *text)
{
    struct mox_ip ip = {0};

    ck_assert_int_eq(mox_ip_parse(text, &ip), MOX_OK);
    return ip;
}

static const struct name_case {
    const char *name, *ip;
    bool generated;
} name_cases[] = {
    {"mail.example.org", "192.0.2.7", false},
    {"192-0-2-7.isp.example", "192.0.2.7", true},
    {"host-7.2.0.192.isp.example", "192.0.2.7", true},
    {"ip192002007.isp.example", "192.0.2.7", false}, /* one number, which is none of its bytes */
    {"c0000207.rev.isp.example", "192.0.2.7", true},
    {"c0-00-02-07.isp.example", "192.0.2.7", true},
    {"a7b2c0d192.isp.example", "192.0.2.7", true},
    {"7.isp.example", "192.0.2.7", false},
    {"mx192.example.org", "192.0.2.7", false},
    {"10-10-10.isp.example", "10.10.10.10", false}, /* a number stands for one byte */
    {"10-10-10-10.isp.example", "10.10.10.10", true},
    {"dynamic.isp.example", "192.0.2.7", true},
    {"p4711.dyn.isp.example", "192.0.2.7", true},
    {"x.pool-3.isp.example", "192.0.2.7", true},
    {"pool.example", "192.0.2.7", false}, /* the domain itself */
    {"carpool.fleet.example.org", "192.0.2.7", false},
    {"mail.dsl.example", "192.0.2.7", false}, /* the domain of its own */
    {"20010db8000000000123456789abcdef.isp.example", "2001:db8::123:4567:89ab:cdef", true},
    {"0123-4567-89ab-cdef.isp.example", "2001:db8::123:4567:89ab:cdef", true},
    {"mail.example.org", "2001:db8::25", false},
    {"mx0000000000000025.example.org", "2001:db8::25", false},
    {"", "192.0.2.7", false},
};

START_TEST(generated_names)
{
    const struct name_case *c = &name_cases[_i];
    struct mox_ip ip = ip_of(c->ip);

    ck_assert_msg(identity_name_is_generated(c->name, &ip) == c->generated, "%s", c->name);
}
END_TEST

enum { NO_SPF = -1 };

static const struct verdict_case {
    const char *name, *ip, *ehlo, *ptr;
    int reverse, ehlo_leads, spf, spf_ehlo;
    int verdict;
    const char *problem, *cure; /* parts; NULL: there is none */
} verdict_cases[] = {
    {"good", "203.0.113.7", "mx.example.org", "mx.example.org", IDENTITY_REVERSE_CONFIRMED, 1,
     MOX_SPF_PASS, MOX_SPF_PASS, MOX_VERDICT_GOOD, NULL, NULL},
    {"SPF was not asked for", "203.0.113.7", "mx.example.org", "mx.example.org",
     IDENTITY_REVERSE_CONFIRMED, 1, NO_SPF, MOX_SPF_NONE, MOX_VERDICT_GOOD, NULL, NULL},
    {"no name", "203.0.113.7", "mx.example.org", NULL, IDENTITY_REVERSE_NONE, 1, MOX_SPF_PASS,
     MOX_SPF_PASS, MOX_VERDICT_BAD, "no reverse DNS",
     "7.113.0.203.in-addr.arpa. IN PTR mx.example.org."},
    {"no name for IPv6", "2001:db8::25", "mx.example.org", NULL, IDENTITY_REVERSE_NONE, 1,
     MOX_SPF_PASS, MOX_SPF_PASS, MOX_VERDICT_BAD, "no reverse DNS",
     "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. IN PTR "
     "mx.example.org."},
    {"our name does not lead back", "203.0.113.7", "mx.example.org", "mx.example.org",
     IDENTITY_REVERSE_UNCONFIRMED, 0, NO_SPF, NO_SPF, MOX_VERDICT_BAD, "does not have this address",
     "mx.example.org. IN A 203.0.113.7"},
    {"another name does not lead back", "203.0.113.7", "mx.example.org", "x.isp.example",
     IDENTITY_REVERSE_UNCONFIRMED, 1, NO_SPF, NO_SPF, MOX_VERDICT_BAD, "x.isp.example",
     "IN PTR mx.example.org."},
    {"SPF fails", "203.0.113.7", "mx.example.org", "mx.example.org", IDENTITY_REVERSE_CONFIRMED, 1,
     MOX_SPF_FAIL, MOX_SPF_NONE, MOX_VERDICT_BAD, "SPF of example.org: fail for 203.0.113.7",
     "ip4:203.0.113.7"},
    {"SPF of EHLO fails", "2001:db8::25", "mx.example.org", "mx.example.org",
     IDENTITY_REVERSE_CONFIRMED, 1, MOX_SPF_PASS, MOX_SPF_FAIL, MOX_VERDICT_BAD, "fail",
     "ip6:2001:db8::25"},
    {"DNS was silent", "203.0.113.7", "mx.example.org", NULL, IDENTITY_REVERSE_UNKNOWN, -1, NO_SPF,
     NO_SPF, MOX_VERDICT_UNKNOWN, "could not be had: why", NULL},
    {"what is known to be bad weighs more", "203.0.113.7", "mx.example.org", NULL,
     IDENTITY_REVERSE_UNKNOWN, -1, MOX_SPF_FAIL, NO_SPF, MOX_VERDICT_BAD, "SPF", "ip4:"},
    {"SPF was silent", "203.0.113.7", "mx.example.org", "mx.example.org",
     IDENTITY_REVERSE_CONFIRMED, 1, MOX_SPF_TEMPERROR, NO_SPF, MOX_VERDICT_UNKNOWN, "temperror",
     NULL},
    {"no SPF record", "203.0.113.7", "mx.example.org", "mx.example.org", IDENTITY_REVERSE_CONFIRMED,
     1, MOX_SPF_NONE, NO_SPF, MOX_VERDICT_RISKY, "there is no record",
     "example.org. IN TXT \"v=spf1 mx ip4:203.0.113.7 -all\""},
    {"a broken SPF record", "203.0.113.7", "mx.example.org", "mx.example.org",
     IDENTITY_REVERSE_CONFIRMED, 1, MOX_SPF_PERMERROR, NO_SPF, MOX_VERDICT_RISKY, "permerror",
     NULL},
    {"a generated name", "203.0.113.7", "mx.example.org", "203-0-113-7.isp.example",
     IDENTITY_REVERSE_CONFIRMED, 1, NO_SPF, NO_SPF, MOX_VERDICT_RISKY, "looks like a provider's",
     "IN PTR mx.example.org."},
    {"another name than in EHLO", "203.0.113.7", "mx.example.org", "www.example.org",
     IDENTITY_REVERSE_CONFIRMED, 1, NO_SPF, NO_SPF, MOX_VERDICT_RISKY, "EHLO says mx.example.org",
     "IN PTR mx.example.org."},
    {"no name in EHLO", "203.0.113.7", NULL, "www.example.org", IDENTITY_REVERSE_CONFIRMED, -1,
     NO_SPF, NO_SPF, MOX_VERDICT_RISKY, "no name for EHLO", "Hostname: www.example.org"},
    {"a private address", "192.168.1.10", "mx.example.org", NULL, IDENTITY_REVERSE_NONE, 0, NO_SPF,
     NO_SPF, MOX_VERDICT_UNKNOWN, "is a private address", "NATIPs:\n\t- <the public IPv4 address>"},
    {"a private address of a network with names", "192.168.1.10", "mx.example.org",
     "mx.example.org", IDENTITY_REVERSE_CONFIRMED, 1, NO_SPF, NO_SPF, MOX_VERDICT_GOOD, NULL, NULL},
};

/* NULL: none was asked for. */
static const struct mox_spf_result *spf_of(struct mox_spf_result *out, const struct verdict_case *c,
                                           int result)
{
    if (result == NO_SPF)
        return NULL;
    out->result = result;
    out->ip = ip_of(c->ip);
    strcpy(out->domain, "example.org");
    strcpy(out->mechanism, "-all");
    return out;
}

static void check_text(const struct verdict_case *c, const char *text, const char *part)
{
    if (part == NULL)
        ck_assert_msg(text[0] == '\0', "%s: %s", c->name, text);
    else
        ck_assert_msg(strstr(text, part) != NULL, "%s: %s", c->name, text);
}

START_TEST(verdicts)
{
    const struct verdict_case *c = &verdict_cases[_i];
    struct mox_spf_result spf = {0}, spf_ehlo = {0};
    struct mox_ip ip = ip_of(c->ip);
    struct identity_facts facts = {.ip = ip,
                                   .hidden = strncmp(c->ip, "192.168.", 8) == 0,
                                   .ehlo = c->ehlo,
                                   .ehlo_leads = c->ehlo_leads,
                                   .reverse = (enum identity_reverse)c->reverse,
                                   .ptr = c->ptr,
                                   .why = "why",
                                   .spf = spf_of(&spf, c, c->spf),
                                   .spf_ehlo = spf_of(&spf_ehlo, c, c->spf_ehlo)};
    struct identity_verdict verdict;

    identity_judge(&facts, &verdict);
    ck_assert_msg(verdict.verdict == c->verdict, "%s: %s", c->name,
                  mox_verdict_name(verdict.verdict));
    check_text(c, verdict.problem, c->problem);
    check_text(c, verdict.cure, c->cure);
}
END_TEST

TCase *test_policy_identity(void)
{
    TCase *tcase = tcase_create("policy/identity");

    tcase_add_loop_test(tcase, generated_names, 0, (int)ARRAY_LEN(name_cases));
    tcase_add_loop_test(tcase, verdicts, 0, (int)ARRAY_LEN(verdict_cases));
    return tcase;
}
