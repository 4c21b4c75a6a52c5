/*
 * check_order.c - the invariant "order": of what waits within a preference, the next that is dialed
 * is of the best rank. Ranks are said here by brute force: a family that is put last (stalls.h)
 * behind the other, without one the preferred family first, 6to4 and Teredo behind all; then host
 * after host, of each IPv6 and IPv4 in turn.
 *
 * Left out is what hangs on more than the network saw: refusals of our address that were learned or
 * are answered by the other family, earlier attempts, our own address that DNS does not tell of,
 * and levels that were dialed before all answers were in.
 */
#include <string.h>

#include "test/sim/check.h"
#include "test/sim/stalls.h"

struct pick { /* a candidate, and those that came before it */
    struct run_dial *d;
    uint32_t before[64];
    size_t n;
    uint32_t last; /* MOX_ALLOW_ bit of the family that is put last; 0: none is */
};

static int prefer_of(const struct run_dial *d)
{
    return d->reference.transport == NULL ? MOX_PREFER_DEFAULT : d->reference.transport->prefer;
}

/* 2002::/16 and 2001::/32. */
static bool is_transition(const struct mox_ip *ip)
{
    static const uint8_t teredo[] = {0x20, 1, 0, 0};

    return ip->family == MOX_IPV6 && ((ip->bytes[0] == 0x20 && ip->bytes[1] == 2) ||
                                      memcmp(ip->bytes, teredo, sizeof teredo) == 0);
}

/* Less is better. */
static int rank_of(const struct pick *p, const struct mox_candidate *c)
{
    uint32_t bit = c->ip.family == MOX_IPV4 ? MOX_ALLOW_IPV4 : MOX_ALLOW_IPV6;
    int prefer = prefer_of(p->d);

    if (is_transition(&c->ip))
        return 3;
    if (p->last != 0)
        return bit == p->last ? 2 : 1;
    return (prefer == MOX_PREFER_IPV4 && c->ip.family == MOX_IPV4) ||
                   (prefer == MOX_PREFER_IPV6 && c->ip.family == MOX_IPV6)
               ? 0
               : 1;
}

static bool is_dialable(const struct mox_candidate *c)
{
    return c->drop == MOX_DROP_NONE && c->ip.family != 0;
}

static bool was_before(const struct pick *p, uint32_t candidate)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->before[i] == candidate)
            return true;
    }
    return false;
}

/* Whether no address of the host went out of turn, or out when its turn had come. */
static bool is_plain_host(const struct pick *p, const char *host)
{
    const struct mox_candidate *c;

    for (uint32_t i = 0; (c = mox_plan_candidate(p->d->plan, i)) != NULL; i++) {
        if (strcmp(c->host, host) == 0 && (c->order == MOX_ORDER_OTHER_FAMILY ||
                                           c->drop == MOX_DROP_LIMIT || c->drop == MOX_DROP_BUSY))
            return false;
    }
    return true;
}

/* Of the host and family: those that came before, or all. */
static unsigned count(const struct pick *p, const char *host, int family, bool all)
{
    const struct mox_candidate *c;
    unsigned n = 0;

    for (uint32_t i = 0; (c = mox_plan_candidate(p->d->plan, i)) != NULL; i++)
        n += is_dialable(c) && !is_transition(&c->ip) && c->ip.family == family &&
             strcmp(c->host, host) == 0 && (all || was_before(p, i));
    return n;
}

/* Of one host, whose families are equal: IPv6, IPv4, and so on while there are both. */
static bool is_in_turn(const struct pick *p, const struct mox_candidate *c)
{
    int other = c->ip.family == MOX_IPV4 ? MOX_IPV6 : MOX_IPV4;
    unsigned mine = count(p, c->host, c->ip.family, false);
    unsigned its = count(p, c->host, other, false), all = count(p, c->host, other, true);
    unsigned needs = c->ip.family == MOX_IPV4 ? mine + 1 : mine;

    return its >= needs || its == all;
}

/* Whether addresses of that host and rank came before. */
static bool was_begun(const struct pick *p, const char *host, int rank)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct mox_candidate *c = mox_plan_candidate(p->d->plan, p->before[i]);

        if (strcmp(c->host, host) == 0 && rank_of(p, c) == rank)
            return true;
    }
    return false;
}

/* Whether c may come before one that waits. */
static bool may_precede(const struct pick *p, const struct mox_candidate *c,
                        const struct mox_candidate *waits)
{
    int rank = rank_of(p, c);

    if (rank != rank_of(p, waits))
        return rank < rank_of(p, waits);
    if (!is_plain_host(p, c->host) || !is_plain_host(p, waits->host))
        return true;
    if (strcmp(c->host, waits->host) != 0)
        return was_begun(p, c->host, rank) || !was_begun(p, waits->host, rank);
    return c->ip.family == waits->ip.family || is_transition(&c->ip) || is_in_turn(p, c);
}

/* Returns whether one of the other family waits, so that there was a choice. */
static bool check_pick(const struct pick *p, uint32_t candidate)
{
    const struct mox_candidate *c = mox_plan_candidate(p->d->plan, candidate), *waits;
    bool choice = false;

    for (uint32_t i = 0; (waits = mox_plan_candidate(p->d->plan, i)) != NULL; i++) {
        if (i == candidate || !is_dialable(waits) || waits->preference != c->preference ||
            was_before(p, i))
            continue;
        choice = choice || waits->ip.family != c->ip.family;
        if (!may_precede(p, c, waits))
            run_broken(p->d->run, "order", "dial %d has IPv%d of %s before IPv%d of %s%s",
                       run_number_of(p->d), (int)c->ip.family, c->host, (int)waits->ip.family,
                       waits->host, p->last == 0 ? "" : ", and that family is put last");
    }
    return choice;
}

/* Whether nothing but health and the preferred family puts the candidates of a dial in order. */
static bool is_plain(const struct run_dial *d)
{
    const struct reference *r = &d->reference;

    for (size_t i = 0; i < 2; i++) {
        if (r->gates[i].finding == REFERENCE_LAST || r->gates[i].finding == REFERENCE_PERHAPS_SHUT)
            return false;
    }
    if (run_is_open(d) && d->run->rolled[d->facts->zone] != d->rolled)
        return false;
    return d->started && d->plan != NULL && !r->refused && !r->way.proxied && !r->learned &&
           (r->transport == NULL || !r->transport->learned) && d->facts->ndialed == 0 &&
           run_is_sound(d->run);
}

/* The family that was put last at all times between; false: it is not clear. */
static bool find_last(const struct stalls *stalls, struct sim_moment from, struct sim_moment to,
                      uint32_t *last)
{
    unsigned bits = stalls_last(stalls, from, to);

    *last = bits == 1u << MOX_ALLOW_IPV4   ? MOX_ALLOW_IPV4
            : bits == 1u << MOX_ALLOW_IPV6 ? MOX_ALLOW_IPV6
                                           : 0;
    return *last != 0 || bits == 1u << 0;
}

/* The connect that attempt n of the plan is; NULL: it was refused at once, or not seen. */
static const struct net_stream *stream_of(const struct run_dial *d, uint32_t n)
{
    const struct mox_attempt *a = mox_plan_attempt(d->plan, n);
    const struct mox_candidate *c = mox_plan_candidate(d->plan, a->candidate);
    uint64_t at_ms = d->plan_ms + (uint64_t)a->start_ms;

    for (const struct net_stream *s = d->run->w->streams; s != NULL; s = s->next) {
        if ((s->dials >> run_number_of(d) & 1) != 0 && sim_same_ip(&s->remote, &c->ip) &&
            world_ms_of(s->begun.us) == at_ms)
            return s;
    }
    return NULL;
}

/* A question about the zone had no answer yet. */
static bool is_awaited(const struct run_dial *d, struct sim_moment at)
{
    struct dns_asked asked;

    for (size_t i = 0; dns_asked_at(d->run->w, i, &asked); i++) {
        if (check_zone_of(asked.name) == d->reference.zone && asked.asked.at < at.at &&
            (!asked.over || asked.ended.at >= at.at))
            return true;
    }
    return false;
}

/* From when to when the preference of attempt n, which is the first of it, was put in order; false:
 * it was dialed before it was all known. */
static bool find_ordered(const struct run_dial *d, uint32_t n, struct sim_moment *from,
                         struct sim_moment *to)
{
    const struct net_stream *s = stream_of(d, n);

    *from = d->order_from;
    *to = d->order_to;
    if (to->at != 0)
        return true;
    if (s == NULL || is_awaited(d, s->begun))
        return false;
    *to = s->begun;
    for (uint32_t i = 0; i < n; i++) {
        const struct net_stream *before = stream_of(d, i);

        if (before != NULL && before->over.at >= from->at)
            *from = (struct sim_moment){before->over.us, before->over.at + 1};
    }
    return true;
}

static int32_t preference_of(const struct run_dial *d, uint32_t n)
{
    return mox_plan_candidate(d->plan, mox_plan_attempt(d->plan, n)->candidate)->preference;
}

/* Whether the attempt is at an address once more, or at the other family after a refusal. */
static bool is_moved(const struct run_dial *d, uint32_t n)
{
    const struct mox_attempt *a = mox_plan_attempt(d->plan, n);

    for (uint32_t i = 0; i < n; i++) {
        const struct mox_attempt *b = mox_plan_attempt(d->plan, i);

        if (b->candidate == a->candidate && b->outcome != MOX_E_CANCELLED)
            return true;
    }
    return mox_plan_candidate(d->plan, a->candidate)->order == MOX_ORDER_OTHER_FAMILY;
}

static void check_attempt(const struct stalls *stalls, struct run_dial *d, uint32_t n)
{
    struct pick p = {.d = d};
    struct sim_moment from, to;
    uint32_t first = 0;

    while (preference_of(d, first) != preference_of(d, n))
        first++;
    if (is_moved(d, n) || n > sizeof p.before / sizeof *p.before ||
        !find_ordered(d, first, &from, &to) || !find_last(stalls, from, to, &p.last))
        return;
    for (; p.n < n; p.n++)
        p.before[p.n] = mox_plan_attempt(d->plan, (uint32_t)p.n)->candidate;
    if (!check_pick(&p, mox_plan_attempt(d->plan, n)->candidate))
        return;
    d->run->ordered++;
    d->run->put_last += p.last != 0;
}

void check_order(struct run *run)
{
    struct stalls stalls;

    run->ordered = run->put_last = 0;
    stalls_collect(run, &stalls);
    for (size_t i = 0; i < run->seed->ndials; i++) {
        struct run_dial *d = &run->dials[i];

        for (uint32_t n = 0; is_plain(d) && mox_plan_attempt(d->plan, n) != NULL; n++)
            check_attempt(&stalls, d, n);
    }
}

void check_order_of_plan(struct run_dial *d)
{
    struct pick p = {.d = d};
    const struct mox_candidate *c;
    struct stalls stalls;

    if (!is_plain(d))
        return;
    stalls_collect(d->run, &stalls);
    if (!find_last(&stalls, d->order_from, d->order_to, &p.last))
        return;
    for (uint32_t i = 0; (c = mox_plan_candidate(d->plan, i)) != NULL; i++) {
        if (!is_dialable(c) || p.n == sizeof p.before / sizeof *p.before)
            return;
        check_pick(&p, i);
        p.before[p.n++] = i;
    }
}
