/* demand.c - see demand.h. The matrix of semantics.md 7.1, row by row. */
#include "policy/demand.h"

#include <moxdial/dial.h>

#include "base/text.h"
#include "config/config.h"
#include "policy/sts.h"

const char demand_text_none[] =
    "no policy demands more: TLS is used where offered, its certificate is not checked";

static bool is_enforced(const struct demand_facts *facts)
{
    return facts->sts_mode == STS_ENFORCE;
}

static struct demand of_smarthost(const struct config_transport *transport, bool requiretls)
{
    struct demand demand = {.need = MOX_TLS_PKIX, .starttls = DEMAND_ALWAYS, .pkix = true};

    demand.immediate = transport->kind == MOX_KIND_SUBMISSIONS;
    if (transport->skip_verify) {
        demand.need = MOX_TLS_REQUIRED;
        demand.pkix = false;
    } else if (transport->no_starttls) {
        demand = (struct demand){.need = MOX_TLS_NONE, .starttls = DEMAND_NEVER};
    }
    demand.unmet = requiretls && !demand.pkix;
    return demand;
}

/* By what the domain and the host publish. */
static struct demand of_published(const struct demand_facts *facts)
{
    struct demand demand = {.need = MOX_TLS_OPPORTUNISTIC, .starttls = DEMAND_OFFERED};

    demand.dane = facts->tlsa_usable > 0;
    demand.pkix = is_enforced(facts);
    demand.unmet = (is_enforced(facts) && !facts->sts_allows) ||
                   (facts->requiretls && !demand.dane && !demand.pkix);
    if (facts->tlsa == 0 && !demand.pkix) {
        demand.or_plaintext = !facts->requiretls;
        return demand;
    }
    demand.starttls = DEMAND_ALWAYS;
    demand.need = demand.dane ? MOX_TLS_DANE : demand.pkix ? MOX_TLS_PKIX : MOX_TLS_REQUIRED;
    return demand;
}

struct demand demand_of(const struct demand_facts *facts)
{
    if (facts->smarthost != NULL)
        return of_smarthost(facts->smarthost, facts->requiretls);
    if (facts->tls_optional)
        return (struct demand){
            .need = MOX_TLS_OPPORTUNISTIC, .starttls = DEMAND_OFFERED, .or_plaintext = true};
    return of_published(facts);
}

static void smarthost_text(const struct demand_facts *facts, struct text *out)
{
    const struct config_transport *transport = facts->smarthost;

    text_add(out, "transport %s, %s line %d, ", transport->name, transport->file,
             (int)transport->line);
    if (facts->requiretls && demand_of(facts).unmet)
        text_add(out, "does not verify TLS, and the message requires verified TLS (REQUIRETLS)");
    else if (transport->skip_verify)
        text_add(out, "demands TLS and says STARTTLSInsecureSkipVerify: the certificate is not "
                      "checked");
    else if (transport->no_starttls)
        text_add(out, "says NoSTARTTLS: nothing is encrypted");
    else
        text_add(out, "demands TLS%s with a certificate for %s",
                 transport->kind == MOX_KIND_SUBMISSIONS ? " from the first byte on" : "",
                 transport->host);
}

static void published_text(const struct demand_facts *facts, const char *host, const char *domain,
                           struct text *out)
{
    struct demand demand = of_published(facts);
    const char *base = facts->tlsa_base != NULL ? facts->tlsa_base : host;

    if (is_enforced(facts) && !facts->sts_allows)
        text_add(out, "the MTA-STS policy of %s, which it enforces, does not name %s", domain,
                 host);
    else if (demand.unmet)
        text_add(out,
                 "the message requires verified TLS (REQUIRETLS), and neither TLSA records of %s "
                 "nor an enforced MTA-STS policy of %s say how to verify it",
                 host, domain);
    else if (demand.dane)
        text_add(out, "the %zu usable TLSA record%s of %s demand%s DANE%s%s%s", facts->tlsa_usable,
                 facts->tlsa_usable == 1 ? "" : "s", base, facts->tlsa_usable == 1 ? "s" : "",
                 demand.pkix ? ", and the enforced MTA-STS policy of " : "",
                 demand.pkix ? domain : "", demand.pkix ? " a trusted certificate too" : "");
    else if (demand.pkix)
        text_add(out, "the enforced MTA-STS policy of %s demands a trusted certificate for %s",
                 domain, host);
    else if (facts->tlsa > 0)
        text_add(out,
                 "%s has TLSA records, none of them usable: TLS is demanded, its certificate "
                 "is not checked",
                 base);
    else if (facts->sts_mode == STS_TESTING)
        text_add(out,
                 "the MTA-STS policy of %s is in testing: TLS is used where offered, its "
                 "certificate is checked for the report alone",
                 domain);
    else
        text_add(out, "%s", demand_text_none);
}

size_t demand_text(const struct demand_facts *facts, const char *host, const char *domain,
                   char *buf, size_t cap)
{
    struct text out = text_to(buf, cap);

    if (facts->smarthost != NULL)
        smarthost_text(facts, &out);
    else if (facts->tls_optional)
        text_add(&out,
                 "the message says TLS-Required: No, so whatever %s and %s publish, TLS is "
                 "used where offered",
                 domain, host);
    else
        published_text(facts, host, domain, &out);
    return out.len;
}
