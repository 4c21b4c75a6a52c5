/* report.c - struct mox_preflight_report: what was found, in one arena, and what it means. */
#include <moxdial/check.h>

#include "base/ip.h"
#include "base/mem.h"
#include "base/names.h"
#include "check/cures.h"
#include "check/preflight.h"
#include "config/config.h"
#include "policy/nat.h"

enum { TEXT = 16 << 10 }; /* bytes that hold any of its texts: 64 domains of 255 bytes */

struct mox_preflight_report {
    struct arena arena;
    struct mox_preflight_info info;
    struct mox_preflight_source *sources;
    const char *cures[CURES_HAIRPIN + 1];
    bool failed; /* no memory for a text */
};

static const char *keep(struct mox_preflight_report *r, const char *text)
{
    const char *kept;

    if (text == NULL || *text == '\0')
        return NULL;
    kept = arena_text(&r->arena, slice_of(text));
    r->failed = r->failed || kept == NULL;
    return kept;
}

static void add_source(struct mox_preflight_report *r, const struct check_source *from)
{
    const struct identity_facts *f = &from->facts;
    struct mox_preflight_source *s = &r->sources[r->info.nsources++];

    s->source = from->local;
    s->public_ip = from->ip;
    s->ptr = keep(r, f->ptr);
    s->forward_confirmed =
        f->reverse == IDENTITY_REVERSE_UNKNOWN ? -1 : f->reverse == IDENTITY_REVERSE_CONFIRMED;
    s->ehlo_matches = s->forward_confirmed == 1 && slice_equal(slice_of(f->ptr), slice_of(f->ehlo));
    s->spf = f->spf == NULL ? -1 : f->spf->result;
    s->spf_ehlo = f->spf_ehlo == NULL ? -1 : f->spf_ehlo->result;
    s->spf_mechanism = f->spf == NULL ? NULL : keep(r, f->spf->mechanism);
    s->ehlo = keep(r, f->ehlo);
    s->ehlo_leads = f->ehlo_leads;
    s->generated = f->ptr != NULL && identity_name_is_generated(f->ptr, &f->ip);
    s->verdict = from->verdict.verdict;
    s->problem = keep(r, from->verdict.problem);
    s->cure = keep(r, from->verdict.cure);
}

/* The worst that is known of a family; MOX_VERDICT_UNKNOWN: nothing is, or it has no address. */
static int verdict_of(const struct preflight *p, int family)
{
    int worst = MOX_VERDICT_UNKNOWN;

    for (size_t i = 0; i < p->nsources; i++) {
        if (p->sources[i].ip.family == family && p->sources[i].verdict.verdict > worst)
            worst = p->sources[i].verdict.verdict;
    }
    return worst;
}

static bool works(const struct preflight *p, int family)
{
    int verdict = verdict_of(p, family);

    return verdict == MOX_VERDICT_GOOD || verdict == MOX_VERDICT_RISKY;
}

/* One family is bad and the other one is good enough: it can do without. */
static int good_family(const struct preflight *p)
{
    if (verdict_of(p, MOX_IPV4) == MOX_VERDICT_BAD && works(p, MOX_IPV6))
        return MOX_IPV6;
    if (verdict_of(p, MOX_IPV6) == MOX_VERDICT_BAD && works(p, MOX_IPV4))
        return MOX_IPV4;
    return MOX_FAMILY_NONE;
}

/* A proxy's addresses, and a smarthost's, are not for us to choose. */
static bool is_direct(const struct preflight *p)
{
    return p->rules.transport == NULL || p->rules.transport->kind == MOX_KIND_DIRECT;
}

static void add_config(struct mox_preflight_report *r, const struct preflight *p,
                       const struct cures_hairpin *hairpin, char *buf)
{
    const struct config_transport *transport = p->rules.transport;
    struct text t = text_to(buf, TEXT);
    int family = is_direct(p) ? good_family(p) : MOX_FAMILY_NONE;

    if (family != MOX_FAMILY_NONE)
        cures_one_family(&t, transport == NULL ? NULL : transport->name, family, NULL, 0);
    else if (hairpin != NULL)
        cures_hairpin_config(&t, hairpin);
    r->info.config = keep(r, buf);
}

/* As whom the server saw us, with the configuration's own word for it. */
static struct mox_ip seen_as(const struct preflight *p)
{
    struct mox_ip ip;

    mox_nat_map(p->rules.config, &p->probe.seen, &ip);
    return ip;
}

/* Mail between own domains goes through the NAT, and SPF passes all the same. */
static bool is_harmless(const struct preflight *p, const struct cures_hairpin *h)
{
    struct mox_ip ip;

    if (p->probe.finished && !p->probe.reached)
        return false;
    if (p->probe.seen.family == 0)
        return policy_maps_router(p->rules.config, h->local, h->public_ip);
    ip = seen_as(p);
    return !ip_is_private(&ip);
}

static void tell_seen(struct text *t, const struct preflight *p)
{
    char seen[MOX_LIMIT_IP_TEXT], as[MOX_LIMIT_IP_TEXT];
    struct mox_ip ip = seen_as(p);

    mox_ip_format(&p->probe.seen, seen, sizeof seen);
    mox_ip_format(&ip, as, sizeof as);
    text_add(t, "It was reached from here, and the server saw %s", seen);
    if (!ip_is_private(&p->probe.seen))
        text_add(t, ": the router puts the public address in place of the private one, and SPF "
                    "passes");
    else if (!ip_is_private(&ip))
        text_add(t,
                 ", for which SPFIPMap or NATIPs put %s: SPF passes where it is evaluated with "
                 "this configuration",
                 as);
    else
        text_add(t, ", for which SPF fails");
}

/* What the probe, or the configuration, says of mail between our own domains. */
static void tell_hairpin(struct text *t, const struct preflight *p, const struct cures_hairpin *h)
{
    char local[MOX_LIMIT_IP_TEXT], public_ip[MOX_LIMIT_IP_TEXT];
    bool mapped = policy_maps_router(p->rules.config, h->local, h->public_ip);

    mox_ip_format(h->local, local, sizeof local);
    mox_ip_format(h->public_ip, public_ip, sizeof public_ip);
    text_add(t,
             "Mail to %s goes to %s, which is this machine behind a NAT, from the private "
             "address %s. ",
             h->domains->names[0], public_ip, local);
    if (!p->probe.finished)
        text_add(t,
                 "It comes back from an address of the router, for which %s; --probe looks "
                 "%s",
                 mapped ? "SPFIPMap has a rule" : "SPF fails",
                 mapped ? "whether the rule fits" : "whether it does");
    else if (!p->probe.reached)
        text_add(t, "It was not reached from here: %s", p->probe.error.message);
    else if (p->probe.seen.family != 0)
        tell_seen(t, p);
    else
        text_add(t,
                 "It was reached from here; the server does not say from which address, so it "
                 "must be taken to be a private one, for which %s",
                 mapped ? "SPFIPMap has a rule" : "SPF fails");
}

static void add_probe(struct mox_preflight_report *r, const struct preflight *p)
{
    if (!p->probe.finished)
        return;
    r->info.probe = p->probe.reached ? MOX_PROBE_REACHED : MOX_PROBE_UNREACHABLE;
    r->info.probe_seen = p->probe.seen;
}

/* The one that is hairpin NAT's. */
static void mark_source(struct mox_preflight_report *r, const struct mox_ip *local)
{
    for (size_t i = 0; i < r->info.nsources; i++) {
        if (ip_equal(&r->sources[i].source, local))
            r->sources[i].hairpin = 1;
    }
}

static void add_hairpin(struct mox_preflight_report *r, const struct preflight *p, char *buf)
{
    struct cures_hairpin h = {.domains = &p->domains,
                              .seen = &p->probe.seen,
                              .unreachable = p->probe.finished && !p->probe.reached};
    const struct check_source *source = preflight_hairpin(p, &h.public_ip);
    struct text t = text_to(buf, TEXT);

    add_probe(r, p);
    if (source != NULL) {
        h.local = &source->local;
        h.ipv6_works = h.public_ip->family == MOX_IPV4 && p->domains.has_ipv6 && works(p, MOX_IPV6);
        tell_hairpin(&t, p, &h);
        r->info.hairpin_story = keep(r, buf);
        r->info.hairpin = !is_harmless(p, &h);
    }
    if (r->info.hairpin != 0)
        mark_source(r, h.local);
    for (size_t i = 0; r->info.hairpin != 0 && i < CURES_HAIRPIN; i++) {
        t = text_to(buf, TEXT);
        cures_hairpin_text(&t, &h, i);
        r->cures[i] = keep(r, buf);
    }
    add_config(r, p, r->info.hairpin != 0 ? &h : NULL, buf);
}

struct mox_preflight_report *report_make(const struct preflight *p)
{
    struct mox_preflight_report *r = mem_new(sizeof *r);
    char *buf = mem_new(TEXT);

    if (r != NULL && buf != NULL)
        r->sources = arena_array(&r->arena, p->nsources, sizeof *r->sources);
    if (r == NULL || buf == NULL || r->sources == NULL) {
        mem_free(buf);
        mox_preflight_report_free(r);
        return NULL;
    }
    for (size_t i = 0; i < p->nsources; i++)
        add_source(r, &p->sources[i]);
    r->info.cures = r->cures;
    add_hairpin(r, p, buf);
    mem_free(buf);
    if (r->failed) {
        mox_preflight_report_free(r);
        return NULL;
    }
    return r;
}

const struct mox_preflight_info *mox_preflight_summary(const struct mox_preflight_report *report)
{
    return &report->info;
}

const struct mox_preflight_source *mox_preflight_source_at(
    const struct mox_preflight_report *report, uint32_t i)
{
    return i < report->info.nsources ? &report->sources[i] : NULL;
}

void mox_preflight_report_free(struct mox_preflight_report *report)
{
    if (report == NULL)
        return;
    arena_free(&report->arena);
    mem_free(report);
}

const char *mox_verdict_name(int verdict)
{
    static const char *const names[] = {[MOX_VERDICT_UNKNOWN] = "unknown",
                                        [MOX_VERDICT_GOOD] = "good",
                                        [MOX_VERDICT_RISKY] = "risky",
                                        [MOX_VERDICT_BAD] = "bad"};

    return name_of(names, ARRAY_LEN(names), verdict);
}
