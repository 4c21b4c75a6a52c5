/*
 * reference_spf.c - check_host() of RFC 7208 by recursion over what was drawn: no text, no state
 * that waits. Kept apart from the library, so that one mistake is not made twice.
 */
#include "test/sim/spf.h"

#include "base/limits.h"

struct walk {
    const struct spf_facts *facts;
    int lookups, voids;
    bool names_known;
};

/* MATCH, NO_MATCH, or the mox_spf that ends all. */
enum { MATCH = -1, NO_MATCH = -2 };

static bool same(const struct spf_facts *f, int last, int short_by)
{
    return last >> short_by == f->last >> short_by;
}

/* Behind all aliases; NULL: they form a loop. */
static const struct spf_host *behind_aliases(const struct spf_facts *f, int host)
{
    for (int i = 0; i <= SPF_HOSTS; i++) {
        const struct spf_host *h = &f->hosts[host];

        if (h->alias < 0 || h->alias == host) /* of itself: it has nothing */
            return h;
        host = h->alias;
    }
    return NULL;
}

/* The number of addresses, -1: no answer. *hit: the client's is one of them. */
static int addresses(const struct spf_facts *f, int host, int family, int short_by, bool *hit)
{
    const struct spf_host *h;
    const struct spf_set *set;
    bool told; /* with the alias; only what is not is asked for by itself */

    *hit = false;
    if (host < 0) /* a domain has no address, and so has what is not there */
        return 0;
    h = behind_aliases(f, host);
    if (h == NULL)
        return -1;
    if (h->alias >= 0)
        return 0;
    set = &h->sets[family];
    told = h != &f->hosts[host] && h->nat[family] + h->many > 0;
    if (told ? set->rcode != 0 : set->fails)
        return -1;
    for (int i = 0; i < h->nat[family]; i++)
        *hit = *hit || (family == f->family && same(f, h->at[family][i], short_by));
    return h->nat[family] + h->many;
}

static int found_nothing(struct walk *w)
{
    return ++w->voids > MOX_LIMIT_SPF_VOIDS ? MOX_SPF_PERMERROR : NO_MATCH;
}

static int try_mx(struct walk *w, const struct spf_fact_term *t)
{
    const struct spf_mx *mx = t->target < 0 ? NULL : &w->facts->mxs[t->target];
    bool hit, is_void = false;

    if (mx != NULL && mx->set.fails)
        return MOX_SPF_TEMPERROR;
    if (mx == NULL || (mx->nhosts == 0 && !mx->null))
        return found_nothing(w);
    if (mx->nhosts > MOX_LIMIT_SPF_MX)
        return MOX_SPF_PERMERROR;
    for (size_t i = 0; i < mx->nhosts; i++) {
        int n = addresses(w->facts, mx->hosts[i], w->facts->family, t->short_by, &hit);

        if (n < 0)
            return MOX_SPF_TEMPERROR;
        if (hit)
            return MATCH;
        if (n == 0 && !is_void && found_nothing(w) != NO_MATCH)
            return MOX_SPF_PERMERROR;
        is_void = is_void || n == 0;
    }
    return NO_MATCH;
}

/* target: a host, which is its own name alone; -1, -2: no name lies there; -3: all hosts do. */
static int try_ptr(struct walk *w, const struct spf_fact_term *t)
{
    const struct spf_facts *f = w->facts;
    bool hit, first = !w->names_known;

    w->names_known = true;
    if (f->ptr.fails)
        return NO_MATCH;
    if (f->nnames == 0)
        return first ? found_nothing(w) : NO_MATCH;
    for (size_t i = 0; i < f->nnames && i < MOX_LIMIT_PTR; i++) {
        if (t->target != -3 && t->target != f->names[i])
            continue;
        if (addresses(f, f->names[i], f->family, 0, &hit) > 0 && hit)
            return MATCH;
    }
    return NO_MATCH;
}

static int try_addresses(struct walk *w, const struct spf_fact_term *t)
{
    bool exists = t->kind == SPF_M_EXISTS, hit;
    int n = addresses(w->facts, t->target, exists ? 0 : w->facts->family, t->short_by, &hit);

    if (n < 0)
        return MOX_SPF_TEMPERROR;
    if (n == 0)
        return found_nothing(w);
    return exists || hit ? MATCH : NO_MATCH;
}

static int walk_record(struct walk *w, int domain);

/* Another record; there must be one. */
static int walk_other(struct walk *w, int domain)
{
    int result = domain < 0 ? MOX_SPF_NONE : walk_record(w, domain);

    return result == MOX_SPF_NONE ? MOX_SPF_PERMERROR : result;
}

static int try_include(struct walk *w, const struct spf_fact_term *t)
{
    int result = walk_other(w, t->target);

    if (result == MOX_SPF_TEMPERROR || result == MOX_SPF_PERMERROR)
        return result;
    return result == MOX_SPF_PASS ? MATCH : NO_MATCH;
}

static int try_term(struct walk *w, const struct spf_fact_term *t)
{
    const struct spf_facts *f = w->facts;

    if (t->kind == SPF_M_ALL)
        return MATCH;
    if (t->kind == SPF_M_IP)
        return (t->family == 6) == (f->family == 1) && same(f, t->last, t->short_by) ? MATCH
                                                                                     : NO_MATCH;
    if (++w->lookups > MOX_LIMIT_SPF_LOOKUPS)
        return MOX_SPF_PERMERROR;
    switch (t->kind) {
    case SPF_M_MX:
        return try_mx(w, t);
    case SPF_M_PTR:
        return try_ptr(w, t);
    case SPF_M_INCLUDE:
        return try_include(w, t);
    case SPF_M_BOMB:
        return MOX_SPF_PERMERROR;
    default:
        return try_addresses(w, t);
    }
}

static int result_of(char qualifier)
{
    switch (qualifier) {
    case '-':
        return MOX_SPF_FAIL;
    case '~':
        return MOX_SPF_SOFTFAIL;
    case '?':
        return MOX_SPF_NEUTRAL;
    default:
        return MOX_SPF_PASS;
    }
}

static int walk_record(struct walk *w, int domain)
{
    const struct spf_domain *d = &w->facts->domains[domain];

    if (d->set.fails)
        return MOX_SPF_TEMPERROR;
    if (d->absent)
        return MOX_SPF_NONE;
    if (d->twice || d->flawed)
        return MOX_SPF_PERMERROR;
    for (size_t i = 0; i < d->nterms; i++) {
        int found = try_term(w, &d->terms[i]);

        if (found != NO_MATCH)
            return found == MATCH ? result_of(d->terms[i].qualifier) : found;
    }
    if (d->redirect < 0)
        return MOX_SPF_NEUTRAL;
    return ++w->lookups > MOX_LIMIT_SPF_LOOKUPS ? MOX_SPF_PERMERROR : walk_other(w, d->redirect);
}

int spf_reference(const struct spf_facts *facts)
{
    struct walk walk = {.facts = facts};

    return walk_record(&walk, 0);
}
