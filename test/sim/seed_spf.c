/* seed_spf.c - what a seed of SPF is; see spf.h. */
#include <stdio.h>
#include <string.h>

#include "test/sim/dns.h"
#include "test/sim/seed.h"
#include "test/sim/spf.h"

enum { TXT = 16, MX = 15, PTR = 12, CNAME = 5, TYPE_A = 1, TYPE_AAAA = 28, STRING = 250 };
enum { SERVFAIL = 2, SHORT_MS = 3000, MANY = 2000, CROWD = 1000, BOMB = 900, NAME = 96 };

static struct seed chance;

static unsigned below(unsigned n)
{
    return seed_below(&chance, n);
}

static bool one_in(unsigned n)
{
    return seed_one_in(&chance, n);
}

/* odds: one set in so many is in trouble. */
static void draw_set(struct spf_facts *f, struct spf_set *set, unsigned odds)
{
    static const int fates[] = {DNS_LOST,  DNS_UNASKABLE, DNS_FAILS,   DNS_GARBAGE,
                                DNS_OTHER, DNS_TRUNCATED, DNS_POISONED};
    static const uint32_t slow_ms[] = {2500, 9000};

    if (!one_in(odds))
        return;
    switch (below(4)) {
    case 0:
        set->rcode = SERVFAIL;
        break;
    case 1:
        set->ms = slow_ms[below(2)];
        f->sure = false;
        break;
    default:
        set->fate = fates[below(7)];
        f->sure = f->sure && set->fate != DNS_LOST;
    }
    set->fails = set->rcode != 0 || (set->fate != DNS_ANSWERS && set->fate != DNS_POISONED) ||
                 (f->short_time && !f->at_once && set->ms >= SHORT_MS);
}

static void draw_term(struct spf_fact_term *t)
{
    static const int kinds[] = {SPF_M_IP,      SPF_M_IP,  SPF_M_A,      SPF_M_A,
                                SPF_M_MX,      SPF_M_MX,  SPF_M_PTR,    SPF_M_EXISTS,
                                SPF_M_INCLUDE, SPF_M_ALL, SPF_M_INCLUDE};
    static const char qualifiers[] = "+-~?-+";
    unsigned lists[] = {1, 1, SPF_HOSTS, SPF_MXS, SPF_HOSTS, SPF_HOSTS, SPF_DOMAINS, 1};

    t->kind = one_in(60) ? SPF_M_BOMB : kinds[below(11)];
    t->qualifier = qualifiers[below(6)];
    t->target = (int)below(lists[t->kind]);
    if (one_in(8) && t->kind != SPF_M_INCLUDE)
        t->target = t->kind == SPF_M_EXISTS ? -2 : -1 - (int)below(2);
    if (t->kind == SPF_M_INCLUDE && one_in(12))
        t->target = -2;
    if (t->kind == SPF_M_PTR && one_in(2))
        t->target = -3;
    t->family = one_in(2) ? 4 : 6;
    t->last = 1 + (int)below(12);
    t->short_by = (int)below(3);
}

static void draw_domain(struct spf_facts *f, struct spf_domain *d)
{
    d->nterms = below(one_in(3) ? SPF_TERMS : 5);
    for (size_t i = 0; i < d->nterms; i++)
        draw_term(&d->terms[i]);
    d->redirect = one_in(2) ? (int)below(SPF_DOMAINS) : -1;
    d->exp = one_in(3);
    d->absent = one_in(20);
    d->twice = one_in(25);
    d->flawed = one_in(25);
    d->long_one = one_in(12);
    d->crowded = !d->long_one && one_in(20);
    draw_set(f, &d->set, 20);
}

static void draw_host(struct spf_facts *f, int self)
{
    struct spf_host *h = &f->hosts[self];

    h->alias = -1;
    for (int family = 0; family < 2; family++) {
        h->nat[family] = (int)below(4);
        for (int i = 0; i < h->nat[family]; i++)
            h->at[family][i] = 1 + (int)below(12);
        draw_set(f, &h->sets[family], 12);
    }
    h->many = one_in(25);
    if (self > SPF_HOSTS - 3 && one_in(2)) /* the last two, of any: they may form a loop */
        h->alias = (int)below(SPF_HOSTS);
}

static void draw_mx(struct spf_facts *f, struct spf_mx *mx)
{
    mx->nhosts = below(one_in(5) ? SPF_NAMES + 1 : 4);
    for (size_t i = 0; i < mx->nhosts; i++)
        mx->hosts[i] = one_in(10) ? -2 : (int)below(SPF_HOSTS);
    mx->null = mx->nhosts == 0 && one_in(2);
    draw_set(f, &mx->set, 12);
}

static void draw_names(struct spf_facts *f)
{
    f->nnames = below(one_in(4) ? SPF_NAMES + 1 : 4);
    for (size_t i = 0; i < f->nnames; i++)
        f->names[i] = (int)below(SPF_HOSTS);
    draw_set(f, &f->ptr, 8);
    draw_set(f, &f->exp, 3);
}

static void draw_host_program(struct spf_facts *f)
{
    f->nchecks = one_in(3) ? 1 + below(SPF_CHECKS) : 1;
    for (size_t i = 1; i < f->nchecks; i++)
        f->start_ms[i] = below(400);
    f->cancel = one_in(6) ? (int)below((unsigned)f->nchecks) : -1;
    f->cancel_ms = below(one_in(2) ? 300 : 20000);
    f->end_ms = one_in(10) ? 1 + below(one_in(2) ? 300 : 20000) : 0;
    f->end_inside = one_in(12);
    if (!one_in(4))
        return;
    f->fail_at = 1 + (long)below(one_in(2) ? 30 : 200);
    if (one_in(3))
        f->fail_every = 1 + (long)below(9);
}

void spf_draw(uint64_t number, struct spf_facts *f)
{
    memset(f, 0, sizeof *f);
    f->number = number;
    chance.random = number * 0x2545f4914f6cdd1du + 0x535046;
    f->sure = true;
    f->short_time = one_in(3);
    f->at_once = one_in(4);
    f->together = one_in(2);
    f->family = (int)below(2);
    f->last = 1 + (int)below(12);
    for (int i = 0; i < SPF_DOMAINS; i++)
        draw_domain(f, &f->domains[i]);
    f->domains[0].absent = f->domains[0].absent && one_in(4);
    for (int i = 0; i < SPF_HOSTS; i++)
        draw_host(f, i);
    for (int i = 0; i < SPF_MXS; i++)
        draw_mx(f, &f->mxs[i]);
    draw_names(f);
    draw_host_program(f);
}

/* Its records. */

struct line {
    char text[SPF_TEXT + 1];
    size_t len;
};

static void put(struct line *line, const char *text)
{
    size_t len = strlen(text);

    if (line->len + len > SPF_TEXT)
        return;
    memcpy(line->text + line->len, text, len + 1);
    line->len += len;
}

static const char *name_of(char kind, int number, char out[NAME])
{
    if (number < 0)
        snprintf(out, NAME, "void.s.example");
    else
        snprintf(out, NAME, "%c%d.s.example", kind, number);
    return out;
}

static void put_cidr(struct line *line, const struct spf_fact_term *t)
{
    char text[32];

    if (t->short_by == 0)
        return;
    snprintf(text, sizeof text, "/%d//%d", 32 - t->short_by, 128 - t->short_by);
    put(line, text);
}

static void put_named(struct line *line, const char *mechanism, char kind, int target)
{
    char name[NAME];

    put(line, mechanism);
    if (target == -1)
        return;
    put(line, ":");
    put(line, target == -3 ? "s.example" : name_of(kind, target, name));
}

static void put_ip(struct line *line, const struct spf_fact_term *t)
{
    char text[64];

    if (t->family == 4)
        snprintf(text, sizeof text, "ip4:192.0.2.%d/%d", t->last, 32 - t->short_by);
    else
        snprintf(text, sizeof text, "ip6:2001:db8::%x/%d", (unsigned)t->last, 128 - t->short_by);
    put(line, text);
}

static void put_bomb(struct line *line)
{
    put(line, "a:");
    for (int i = 0; i < BOMB; i++)
        put(line, "%{d}");
}

static void put_term(struct line *line, const struct spf_fact_term *t)
{
    put(line, (char[]){' ', t->qualifier, '\0'});
    switch (t->kind) {
    case SPF_M_ALL:
        put(line, "all");
        break;
    case SPF_M_IP:
        put_ip(line, t);
        break;
    case SPF_M_A:
        put_named(line, "a", 'h', t->target);
        put_cidr(line, t);
        break;
    case SPF_M_MX:
        put_named(line, "mx", 'm', t->target);
        put_cidr(line, t);
        break;
    case SPF_M_PTR:
        put_named(line, "ptr", 'h', t->target);
        break;
    case SPF_M_EXISTS:
        put_named(line, "exists", 'h', t->target);
        break;
    case SPF_M_INCLUDE:
        put_named(line, "include", 'n', t->target);
        break;
    default:
        put_bomb(line);
    }
}

static void put_record(struct line *line, const struct spf_domain *d)
{
    char name[NAME];

    *line = (struct line){.len = 0};
    put(line, "v=spf1");
    for (size_t i = 0; i < d->nterms; i++)
        put_term(line, &d->terms[i]);
    if (d->redirect >= 0) {
        put(line, " redirect=");
        put(line, name_of('n', d->redirect, name));
    }
    while (d->long_one && line->len < SPF_TEXT - 64)
        put(line, "                ");
    if (d->exp)
        put(line, " exp=e.s.example");
    if (d->flawed)
        put(line, " moo");
}

/* The strings of a TXT record. */
static void add_text(struct world *w, struct dns_set *set, const struct line *line)
{
    static char out[SPF_TEXT + SPF_TEXT / STRING * 3 + 8];
    size_t len = 0;

    for (size_t at = 0; at < line->len; at += STRING)
        len += (size_t)snprintf(out + len, sizeof out - len, "%s\"%.*s\"", at == 0 ? "" : " ",
                                STRING, line->text + at);
    dns_add(w, set, out);
}

static struct dns_set *serve_set(struct world *w, const char *name, uint16_t type,
                                 const struct spf_set *facts)
{
    struct dns_set *set = dns_set(w, name, type);

    set->fate = facts->fate;
    set->code = MOX_E_DNS;
    set->rcode = facts->rcode;
    set->timed = facts->ms != 0;
    set->ms = facts->ms;
    return set;
}

static void serve_domain(const struct spf_facts *f, struct world *w, int number)
{
    static struct line line;
    const struct spf_domain *d = &f->domains[number];
    char name[NAME];
    struct dns_set *set = serve_set(w, name_of('n', number, name), TXT, &d->set);

    for (int i = 0; d->crowded && i < CROWD; i++)
        dns_add(w, set, "\"v=spf10 all\"");
    if (d->absent)
        return;
    put_record(&line, d);
    add_text(w, set, &line);
    if (d->twice)
        dns_add(w, set, "\"v=spf1 +all\"");
}

static void serve_host(const struct spf_facts *f, struct world *w, int number)
{
    static const char *const formats[] = {"192.0.2.%d", "2001:db8::%x"}, *const more[] = {
                                                                             "198.18.%d.%d",
                                                                             "2001:db8:1::%x:%x"};
    const struct spf_host *h = &f->hosts[number];
    char name[NAME], text[NAME];

    name_of('h', number, name);
    if (h->alias >= 0) {
        dns_add(w, dns_set(w, name, CNAME), name_of('h', h->alias, text));
        return;
    }
    for (int family = 0; family < 2; family++) {
        struct dns_set *set =
            serve_set(w, name, family == 0 ? TYPE_A : TYPE_AAAA, &h->sets[family]);

        for (int i = 0; i < h->nat[family]; i++) {
            snprintf(text, sizeof text, formats[family], h->at[family][i]);
            dns_add(w, set, text);
        }
        for (int i = 0; h->many && i < MANY; i++) {
            snprintf(text, sizeof text, more[family], i / 250, 1 + i % 250);
            dns_add(w, set, text);
        }
    }
}

static void serve_mx(const struct spf_facts *f, struct world *w, int number)
{
    const struct spf_mx *mx = &f->mxs[number];
    char name[NAME], text[NAME + 8];
    struct dns_set *set = serve_set(w, name_of('m', number, name), MX, &mx->set);

    for (size_t i = 0; i < mx->nhosts; i++) {
        snprintf(text, sizeof text, "10 %s", name_of('h', mx->hosts[i], name));
        dns_add(w, set, text);
    }
    if (mx->null)
        dns_add(w, set, "0 .");
}

static void serve_names(const struct spf_facts *f, struct world *w)
{
    char reverse[NAME], name[NAME];
    struct dns_set *set;

    if (f->family == 0)
        snprintf(reverse, sizeof reverse, "%d.2.0.192.in-addr.arpa", f->last);
    else
        snprintf(reverse, sizeof reverse,
                 "%x.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
                 (unsigned)f->last);
    set = serve_set(w, reverse, PTR, &f->ptr);
    for (size_t i = 0; i < f->nnames; i++)
        dns_add(w, set, name_of('h', f->names[i], name));
}

void spf_serve(const struct spf_facts *f, struct world *w)
{
    for (int i = 0; i < SPF_DOMAINS; i++)
        serve_domain(f, w, i);
    for (int i = 0; i < SPF_HOSTS; i++)
        serve_host(f, w, i);
    for (int i = 0; i < SPF_MXS; i++)
        serve_mx(f, w, i);
    serve_names(f, w);
    dns_add(w, serve_set(w, "e.s.example", TXT, &f->exp), "\"%{c} is not one of %{d}\"");
    w->dns_ms = 1 + (uint32_t)(f->number % 60);
    w->dns_at_once = f->at_once;
    w->together = f->together;
}
