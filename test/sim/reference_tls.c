/* reference_tls.c - see reference_tls.h. */
#include "test/sim/reference_tls.h"

#include <stdio.h>
#include <string.h>

enum { NO_NAME = 3, FETCH_MS = 60000 };

/* Whether the pattern, a name or "*." and a name, covers the name. */
static bool covers(const char *pattern, const char *name)
{
    const char *dot = strchr(name, '.');

    if (strncmp(pattern, "*.", 2) != 0)
        return strcmp(pattern, name) == 0;
    return dot != NULL && strcmp(pattern + 2, dot + 1) == 0;
}

static bool policy_names(const struct seed_sts *sts, const char *host)
{
    for (size_t i = 0; i < sts->nmx; i++) {
        if (covers(sts->mx[i], host))
            return true;
    }
    return false;
}

/* What comes of a question for that set; false: nothing. */
static bool is_answered(const struct seed *seed, const struct seed_set *set, uint32_t timeout_ms,
                        uint64_t *ms)
{
    uint32_t after = set->there && set->timed ? set->ms : seed->dns_ms;

    if (seed->dns_at_once)
        after = 0;
    if (set->there && set->fate == DNS_LOST)
        after = timeout_ms;
    *ms += after < timeout_ms ? after : timeout_ms;
    if (after >= timeout_ms)
        return false;
    if (!set->there)
        return true;
    return (set->fate == DNS_ANSWERS || set->fate == DNS_POISONED) &&
           (set->rcode == 0 || set->rcode == NO_NAME);
}

void reference_sts(const struct seed *seed, int zone, uint32_t dns_ms, uint32_t store_ms,
                   struct reference_sts *out)
{
    const struct seed_sts *sts = &seed->zones[zone].sts;
    uint64_t ms = 0;

    *out = (struct reference_sts){0};
    if (!seed->secure)
        return;
    out->fails = !is_answered(seed, &sts->txt, dns_ms, &ms);
    out->ms = ms + store_ms;
    out->unsure = out->fails && sts->txt.there && sts->txt.fate != DNS_LOST && sts->txt.timed;
    if (out->fails || !sts->txt.there || sts->txt.rcode != 0 || sts->record != SEED_STS_GOOD)
        return;
    out->ms += sts->fate == FETCH_MUTE ? FETCH_MS : sts->ms;
    out->unsure = sts->fate == FETCH_LATER;
    if (sts->fate == FETCH_MUTE || sts->fate == FETCH_UNASKABLE || sts->status != 200 ||
        sts->policy == SEED_STS_NO_MODE || sts->policy == SEED_STS_NONSENSE)
        return;
    if (sts->policy == SEED_STS_NO_MX && sts->mode != 0)
        return;
    out->policy = sts;
}

static bool is_enforced(const struct reference_host_facts *facts)
{
    return facts->sts != NULL && facts->sts->policy != NULL && facts->sts->policy->mode == 2;
}

static void smarthost_demand(const struct reference_host_facts *facts, struct reference_demand *out)
{
    const struct seed_transport *t = facts->smarthost;

    out->never = t->no_starttls;
    out->immediate = t->kind == MOX_KIND_SUBMISSIONS;
    out->always = !t->no_starttls && !out->immediate;
    out->pkix = !t->no_starttls && !t->skip_verify;
    if (facts->host[0] != '\0')
        snprintf(out->pkix_name, sizeof out->pkix_name, "%s", facts->host);
    else
        snprintf(out->pkix_name, sizeof out->pkix_name, "h0.z%d.example", t->zone);
}

static bool is_usable(const struct seed_tlsa_record *record)
{
    return record->fault == SEED_TLSA_FITS && record->usage >= 2 && record->usage <= 3;
}

static bool any_usable(const struct seed_tlsa *tlsa)
{
    for (size_t i = 0; i < tlsa->n; i++) {
        if (is_usable(&tlsa->records[i]))
            return true;
    }
    return false;
}

static const struct seed_host *find_name(const struct seed *seed, const char *name)
{
    for (int z = 0; z < SEED_ZONES; z++) {
        const struct seed_zone *zone = &seed->zones[z];

        if (strcmp(zone->domain.name, name) == 0)
            return &zone->domain;
        for (size_t i = 0; i < zone->nhosts; i++) {
            if (strcmp(zone->hosts[i].name, name) == 0)
                return &zone->hosts[i];
        }
        for (size_t i = 0; i < zone->naliases; i++) {
            if (strcmp(zone->aliases[i].name, name) == 0)
                return &zone->aliases[i];
        }
    }
    return NULL;
}

/* The records of the first of these names that has any. */
static void take_tlsa(const struct reference_host_facts *facts, const char *const *bases,
                      struct reference_demand *out)
{
    static const struct seed_tlsa none;

    for (; *bases != NULL; bases++) {
        const struct seed_host *host = find_name(facts->seed, *bases);
        const struct seed_tlsa *tlsa = host != NULL && facts->port == 25 ? &host->tlsa : &none;

        if (!is_answered(facts->seed, &tlsa->set, facts->dns_ms, &out->ms)) {
            out->out = REFERENCE_TLSA;
            return;
        }
        if (!tlsa->set.there || tlsa->set.rcode != 0 || !tlsa->set.authentic || tlsa->n == 0)
            continue;
        out->has_tlsa = true;
        out->tlsa = *tlsa;
        snprintf(out->names[0], SEED_TEXT, "%s", *bases);
        return;
    }
}

/* How the host's addresses are proven. */
struct proof {
    bool any, authentic, mixed;
    char expansion[SEED_TEXT]; /* "": it is no alias */
};

static void look_at_addresses(const struct reference_host_facts *facts, struct proof *proof)
{
    static const char *const types[] = {"AAAA", "A"};
    static const uint32_t bits[] = {MOX_ALLOW_IPV6, MOX_ALLOW_IPV4};

    *proof = (struct proof){0};
    for (int i = 0; i < 2; i++) {
        struct reference_answer answer;

        if ((facts->families & bits[i]) == 0)
            continue;
        reference_lookup(facts->seed, facts->host, types[i], facts->dns_ms, &answer);
        if (!answer.ok || answer.addresses == NULL)
            continue;
        proof->mixed = proof->mixed || (proof->any && proof->authentic != answer.authentic);
        proof->any = true;
        proof->authentic = answer.authentic;
        if (strcmp(answer.name, facts->host) != 0)
            snprintf(proof->expansion, sizeof proof->expansion, "%s", answer.name);
    }
}

static void find_tlsa(const struct reference_host_facts *facts, struct reference_demand *out)
{
    const char *bases[3] = {NULL, NULL, NULL};
    const struct seed_host *host = find_name(facts->seed, facts->host);
    struct proof proof;

    if (facts->host[0] == '\0' || (facts->domain != NULL && !facts->domain_authentic))
        return;
    look_at_addresses(facts, &proof);
    if (!proof.any)
        return;
    out->unsure = out->mixed = proof.mixed;
    if (proof.authentic && proof.expansion[0] != '\0') {
        bases[0] = proof.expansion;
        bases[1] = facts->host;
    } else if (proof.authentic) {
        bases[0] = facts->host;
    } else if (proof.expansion[0] != '\0' && host != NULL) {
        is_answered(facts->seed, &host->cname, facts->dns_ms, &out->ms);
        bases[0] = host->cname.authentic ? facts->host : NULL;
    }
    take_tlsa(facts, bases, out);
}

static void add_name(struct reference_demand *out, const char *name)
{
    for (int i = 0; name != NULL && i < 4; i++) {
        if (out->names[i][0] == '\0') {
            snprintf(out->names[i], SEED_TEXT, "%s", name);
            return;
        }
    }
}

/* The matrix of semantics 7.1, row by row. */
static void published_demand(const struct reference_host_facts *facts, struct reference_demand *out)
{
    bool enforced = is_enforced(facts);
    bool allowed = enforced && policy_names(facts->sts->policy, facts->host);
    bool usable = out->has_tlsa && any_usable(&out->tlsa);

    if (out->out != REFERENCE_IN)
        return;
    if (enforced && !allowed)
        out->out = REFERENCE_STS;
    else if (out->requiretls && !usable && !enforced)
        out->out = REFERENCE_NO_WAY;
    out->pkix = enforced;
    out->dane = usable;
    out->always = enforced || out->has_tlsa;
    out->or_plain = !out->always && !out->requiretls;
    snprintf(out->pkix_name, sizeof out->pkix_name, "%s", facts->host);
}

void reference_demand(const struct reference_host_facts *facts, struct reference_demand *out)
{
    *out = (struct reference_demand){0};
    out->requiretls = (facts->dial->flags & MOX_DIAL_REQUIRETLS) != 0;
    if (facts->smarthost != NULL) {
        smarthost_demand(facts, out);
        return;
    }
    find_tlsa(facts, out);
    add_name(out, facts->host);
    add_name(out, facts->domain);
    add_name(out, facts->domain == NULL ? NULL : facts->expanded);
    out->unsure = out->unsure || (facts->sts != NULL && facts->sts->unsure);
    if ((facts->dial->flags & MOX_DIAL_TLS_OPTIONAL) == 0) {
        published_demand(facts, out);
        return;
    }
    out->out = REFERENCE_IN; /* nothing of it counts, but for the report */
    out->or_plain = true;
    out->unsure = false;
}

/* Papers: who issued them, whether they are in date, for whom they are. */
enum whom { FOR_HOSTS, FOR_SUBDOMAINS, FOR_DOMAINS, FOR_STRANGERS, FOR_NOBODY };

static const struct fact {
    enum paper issuer; /* its own: a root, or self-signed */
    enum whom whom;
    bool out_of_date;
    enum paper sent[2]; /* behind it in the chain; itself: nothing */
} papers[] = {
    [PAPER_HOSTS] = {PAPER_ROOT, FOR_HOSTS, false, {PAPER_HOSTS, PAPER_HOSTS}},
    [PAPER_WILDCARD] = {PAPER_ROOT, FOR_SUBDOMAINS, false, {PAPER_WILDCARD, PAPER_WILDCARD}},
    [PAPER_DOMAINS] = {PAPER_ISSUER, FOR_DOMAINS, false, {PAPER_ISSUER, PAPER_DOMAINS}},
    [PAPER_BETWEEN] = {PAPER_ISSUER, FOR_HOSTS, false, {PAPER_ISSUER, PAPER_BETWEEN}},
    [PAPER_HOLE] = {PAPER_ISSUER, FOR_HOSTS, false, {PAPER_HOLE, PAPER_HOLE}},
    [PAPER_OTHER_NAME] = {PAPER_ROOT, FOR_STRANGERS, false, {PAPER_OTHER_NAME, PAPER_OTHER_NAME}},
    [PAPER_EXPIRED] = {PAPER_ROOT, FOR_HOSTS, true, {PAPER_EXPIRED, PAPER_EXPIRED}},
    [PAPER_NOT_YET] = {PAPER_ROOT, FOR_HOSTS, true, {PAPER_NOT_YET, PAPER_NOT_YET}},
    [PAPER_SELF_SIGNED] = {PAPER_SELF_SIGNED,
                           FOR_HOSTS,
                           false,
                           {PAPER_SELF_SIGNED, PAPER_SELF_SIGNED}},
    [PAPER_UNRELATED] = {PAPER_STRANGE_ROOT,
                         FOR_HOSTS,
                         false,
                         {PAPER_STRANGE_ROOT, PAPER_UNRELATED}},
    [PAPER_ROOT] = {PAPER_ROOT, FOR_NOBODY, false, {PAPER_ROOT, PAPER_ROOT}},
    [PAPER_STRANGE_ROOT] = {PAPER_STRANGE_ROOT,
                            FOR_NOBODY,
                            false,
                            {PAPER_STRANGE_ROOT, PAPER_STRANGE_ROOT}},
    [PAPER_ISSUER] = {PAPER_ROOT, FOR_NOBODY, false, {PAPER_ISSUER, PAPER_ISSUER}},
};

/* h1.z3.example is a host, anything.z3.example a name below a domain, z3.example a domain. */
static bool is_for(enum paper which, const char *name)
{
    const char *zone = strstr(name, ".z");

    switch (papers[which].whom) {
    case FOR_HOSTS:
        return name[0] == 'h' && zone != NULL;
    case FOR_SUBDOMAINS:
        return zone != NULL && strchr(name, '.') == zone;
    case FOR_DOMAINS:
        return name[0] == 'z';
    default:
        return false;
    }
}

static bool is_sent(enum paper which, enum paper leaf)
{
    return which == leaf || papers[leaf].sent[0] == which || papers[leaf].sent[1] == which;
}

/* Whether a way leads from the leaf to the anchor over what was sent, all of it in date. */
static bool leads_to(enum paper leaf, enum paper anchor)
{
    enum paper at = leaf;

    for (int steps = 0; steps < 4; steps++) {
        if (papers[at].out_of_date)
            return false;
        if (at == anchor)
            return true;
        at = papers[at].issuer;
        if (at != anchor && !is_sent(at, leaf))
            return false;
    }
    return false;
}

static bool record_holds(const struct reference_demand *demand,
                         const struct seed_tlsa_record *record, enum paper leaf)
{
    bool whole = record->selector == 0 && record->matching == 0;

    if (!is_usable(record))
        return false;
    if (record->usage == 3)
        return record->paper == leaf;
    if (!is_sent(record->paper, leaf) && !whole)
        return false;
    if (!leads_to(leaf, record->paper))
        return false;
    for (int i = 0; i < 4; i++) {
        if (demand->names[i][0] != '\0' && is_for(leaf, demand->names[i]))
            return true;
    }
    return false;
}

static bool any_record_holds(const struct reference_demand *demand, enum paper leaf)
{
    for (size_t i = 0; i < demand->tlsa.n; i++) {
        if (record_holds(demand, &demand->tlsa.records[i], leaf))
            return true;
    }
    return false;
}

bool reference_proves(const struct reference_demand *demand, enum paper paper, int *verified)
{
    *verified = MOX_TLS_NONE;
    if (demand->pkix && (!leads_to(paper, PAPER_ROOT) || !is_for(paper, demand->pkix_name)))
        return false;
    if (demand->dane && !any_record_holds(demand, paper))
        return false;
    *verified = demand->dane ? MOX_TLS_DANE : demand->pkix ? MOX_TLS_PKIX : MOX_TLS_NONE;
    return true;
}

void reference_report(const struct reference_demand *demand, enum paper paper, bool up,
                      const char **type, const char **code)
{
    bool usable = demand->has_tlsa && any_usable(&demand->tlsa);

    *type = "validation-failure";
    *code = NULL;
    if (usable && !any_record_holds(demand, paper)) {
        *code = "dane-no-match";
    } else if (demand->has_tlsa && !usable) {
        *type = "tlsa-invalid";
        *code = "all-unusable-records+ignored";
    } else if (up) {
        *type = "success";
    } else if (!leads_to(paper, PAPER_ROOT)) {
        *type = papers[paper].out_of_date ? "certificate-expired" : "certificate-not-trusted";
    } else {
        *type = "certificate-host-mismatch";
    }
}
