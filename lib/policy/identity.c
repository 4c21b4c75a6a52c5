/* identity.c - see identity.h. */
#include "policy/identity.h"

#include <string.h>

#include "base/ip.h"
#include "base/slice.h"

static void add_ip(struct text *out, const struct mox_ip *ip)
{
    char buf[MOX_LIMIT_IP_TEXT];

    mox_ip_format(ip, buf, sizeof buf);
    text_add(out, "%s", buf);
}

/* The PTR record the address should have. */
static void add_ptr_record(struct text *out, const struct identity_facts *f)
{
    char name[MOX_LIMIT_REVERSE_NAME];

    ip_reverse_name(&f->ip, name);
    text_add(out, "%s. IN PTR %s.", name, f->ehlo != NULL ? f->ehlo : "<the name of this host>");
}

static void add_address_record(struct text *out, const char *name, const struct mox_ip *ip)
{
    text_add(out, "%s. IN %s ", name, ip->family == MOX_IPV4 ? "A" : "AAAA");
    add_ip(out, ip);
}

static bool has_own_name(const struct identity_facts *f)
{
    return f->ehlo != NULL && f->ptr != NULL && strcmp(f->ehlo, f->ptr) == 0;
}

void identity_reverse_problem(struct text *out, const struct identity_facts *f)
{
    if (f->reverse == IDENTITY_REVERSE_NONE) {
        add_ip(out, &f->ip);
        text_add(out, " has no reverse DNS (PTR), so many receivers refuse its mail or file it as "
                      "spam");
    } else {
        text_add(out, "the reverse DNS of ");
        add_ip(out, &f->ip);
        text_add(out, " names %s, which does not have this address", f->ptr);
    }
}

void identity_reverse_cure(struct text *out, const struct identity_facts *f)
{
    if (f->reverse == IDENTITY_REVERSE_UNCONFIRMED && (has_own_name(f) || f->ehlo == NULL))
        add_address_record(out, f->ptr, &f->ip);
    else
        add_ptr_record(out, f);
}

void identity_spf_problem(struct text *out, const struct mox_spf_result *spf)
{
    text_add(out, "SPF of %s: %s for ", spf->domain[0] != '\0' ? spf->domain : "the sender",
             mox_spf_name(spf->result));
    add_ip(out, &spf->ip);
    if (spf->result == MOX_SPF_NONE)
        text_add(out, ", there is no record");
    else if (identity_spf_fails(spf) || spf->result == MOX_SPF_NEUTRAL)
        text_add(out, ", by its %s", spf->mechanism);
    else if (spf->explanation[0] != '\0')
        text_add(out, ", %s", spf->explanation);
}

/* The rest of a record that exists is not ours to write. */
void identity_spf_cure(struct text *out, const struct mox_spf_result *spf)
{
    const char *term = spf->ip.family == MOX_IPV4 ? "ip4:" : "ip6:";

    if (spf->result == MOX_SPF_NONE) {
        text_add(out, "%s. IN TXT \"v=spf1 mx %s", spf->domain, term);
        add_ip(out, &spf->ip);
        text_add(out, " -all\"");
        return;
    }
    text_add(out, "%s", term);
    add_ip(out, &spf->ip);
    text_add(out, " (in the TXT record \"v=spf1 ...\" of %s, before its all)", spf->domain);
}

/* A judgement that holds, if out has room for no graver one. */
static void judge(struct identity_verdict *out, int verdict, struct text *problem,
                  struct text *cure)
{
    out->verdict = verdict;
    *problem = text_to(out->problem, sizeof out->problem);
    *cure = text_to(out->cure, sizeof out->cure);
}

static bool judge_hidden(const struct identity_facts *f, struct identity_verdict *out)
{
    struct text problem, cure;

    if (!f->hidden || f->reverse == IDENTITY_REVERSE_CONFIRMED)
        return false;
    judge(out, MOX_VERDICT_UNKNOWN, &problem, &cure);
    add_ip(&problem, &f->ip);
    text_add(&problem, " is a private address, and the configuration does not say by which public "
                       "one the world sees it");
    text_add(&cure, "NATIPs:\n\t- <the public IPv%s address>",
             f->ip.family == MOX_IPV4 ? "4" : "6");
    return true;
}

static bool judge_reverse(const struct identity_facts *f, struct identity_verdict *out)
{
    struct text problem, cure;

    if (!identity_reverse_fails(f))
        return false;
    judge(out, MOX_VERDICT_BAD, &problem, &cure);
    identity_reverse_problem(&problem, f);
    identity_reverse_cure(&cure, f);
    return true;
}

static bool judge_spf(const struct mox_spf_result *spf,
                      bool (*matters)(const struct mox_spf_result *), int verdict,
                      struct identity_verdict *out)
{
    struct text problem, cure;

    if (spf == NULL || !matters(spf))
        return false;
    judge(out, verdict, &problem, &cure);
    identity_spf_problem(&problem, spf);
    if (spf->result != MOX_SPF_TEMPERROR && spf->result != MOX_SPF_PERMERROR)
        identity_spf_cure(&cure, spf);
    return true;
}

static bool is_unknown(const struct mox_spf_result *spf)
{
    return spf->result == MOX_SPF_TEMPERROR;
}

static bool is_no_pass(const struct mox_spf_result *spf)
{
    return spf->result != MOX_SPF_PASS;
}

static bool is_fault(const struct mox_spf_result *spf)
{
    return identity_spf_fails(spf) || spf->result == MOX_SPF_PERMERROR;
}

static bool judge_unknown(const struct identity_facts *f, struct identity_verdict *out)
{
    struct text problem, cure;

    if (f->reverse != IDENTITY_REVERSE_UNKNOWN)
        return false;
    judge(out, MOX_VERDICT_UNKNOWN, &problem, &cure);
    text_add(&problem, "the reverse DNS of ");
    add_ip(&problem, &f->ip);
    text_add(&problem, " could not be had: %s", f->why != NULL ? f->why : "DNS did not answer");
    return true;
}

/* The name that receivers see, and ours. */
static bool judge_name(const struct identity_facts *f, struct identity_verdict *out)
{
    struct text problem, cure;

    judge(out, MOX_VERDICT_RISKY, &problem, &cure);
    if (identity_name_is_generated(f->ptr, &f->ip)) {
        text_add(&problem, "the reverse DNS of ");
        add_ip(&problem, &f->ip);
        text_add(&problem,
                 " names %s, which looks like a provider's own name for it; many "
                 "receivers refuse such names",
                 f->ptr);
        add_ptr_record(&cure, f);
    } else if (f->ehlo == NULL) {
        text_add(&problem, "there is no name for EHLO, so it says the address, which some "
                           "receivers refuse");
        text_add(&cure, "Hostname: %s", f->ptr);
    } else if (!has_own_name(f)) {
        text_add(&problem, "EHLO says %s, but the reverse DNS of ", f->ehlo);
        add_ip(&problem, &f->ip);
        text_add(&problem, " names %s", f->ptr);
        add_ptr_record(&cure, f);
    } else {
        return false;
    }
    return true;
}

static bool judge_ehlo(const struct identity_facts *f, struct identity_verdict *out)
{
    struct text problem, cure;

    if (f->ehlo == NULL || f->ehlo_leads != 0)
        return false;
    judge(out, MOX_VERDICT_RISKY, &problem, &cure);
    text_add(&problem, "EHLO says %s, which does not have the address ", f->ehlo);
    add_ip(&problem, &f->ip);
    add_address_record(&cure, f->ehlo, &f->ip);
    return true;
}

void identity_judge(const struct identity_facts *f, struct identity_verdict *out)
{
    *out = (struct identity_verdict){0};
    if (judge_hidden(f, out) || judge_reverse(f, out) ||
        judge_spf(f->spf, identity_spf_fails, MOX_VERDICT_BAD, out) ||
        judge_spf(f->spf_ehlo, identity_spf_fails, MOX_VERDICT_BAD, out) || judge_unknown(f, out) ||
        judge_spf(f->spf, is_unknown, MOX_VERDICT_UNKNOWN, out) ||
        judge_spf(f->spf, is_no_pass, MOX_VERDICT_RISKY, out) ||
        judge_spf(f->spf_ehlo, is_fault, MOX_VERDICT_RISKY, out) || judge_name(f, out) ||
        judge_ehlo(f, out))
        return;
    *out = (struct identity_verdict){.verdict = MOX_VERDICT_GOOD};
}
