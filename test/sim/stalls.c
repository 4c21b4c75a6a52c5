/*
 * stalls.c - see stalls.h. A connect tells its address; whose it was, and to which host, is told by
 * the dials that ran then and by what the reference says they may dial. Where that leaves several,
 * or two things happened in one moment, the turn says so.
 */
#include "test/sim/stalls.h"

#include <stdlib.h>
#include <string.h>

enum sure { NO = 0, PERHAPS, SURE };

/* Whether the connect went to a proxy, which tells nothing of our families. */
static bool is_proxied(const struct net_stream *s)
{
    return s->remote_port == PROXY_PORT;
}

static bool has_connected(const struct net_stream *s)
{
    return s->heard.at != 0 && s->decided == MOX_OK && !is_proxied(s);
}

/* Something ended connects in this millisecond, whatever they were waiting for. */
static bool is_end(const struct run *run, uint64_t us)
{
    static const char *const ends[] = {" host cancels", " host shuts down", " host frees the con",
                                       "whole dial"};
    const char *line = run->w->log.ptr;
    uint64_t ms = world_ms_of(us);

    while (line != NULL && *line != '\0') {
        size_t len = strcspn(line, "\n");

        for (size_t i = 0; strtoull(line, NULL, 10) == ms && i < sizeof ends / sizeof *ends; i++) {
            const char *hit = strstr(line, ends[i]);

            if (hit != NULL && hit < line + len)
                return true;
        }
        line += len + 1;
    }
    return false;
}

/* The time of the dial for a connect was over. */
static enum sure has_timed_out(const struct run_dial *d, const struct net_stream *s)
{
    if (s->over.us - s->begun.us != 1000 * (uint64_t)d->reference.connect_ms)
        return NO;
    return s->decided != MOX_E_AGAIN || is_end(d->run, s->over.us) ? PERHAPS : SURE;
}

/* It was closed as the other family won. */
static enum sure has_lost(const struct run *run, const struct net_stream *s)
{
    enum sure lost = NO;

    for (const struct net_stream *t = run->w->streams; t != NULL; t = t->next) {
        bool alone = t->dials == s->dials && (s->dials & (s->dials - 1)) == 0;

        if (!has_connected(t) || t->remote.family == s->remote.family ||
            (t->dials & s->dials) == 0 || t->heard.us != s->over.us || t->heard.at > s->over.at ||
            t->begun.at > s->over.at)
            continue;
        if (alone && s->decided == MOX_E_AGAIN && !is_end(run, s->over.us))
            return SURE;
        lost = PERHAPS;
    }
    return lost;
}

/* Adds the host if it is new. */
static void add_host(struct reference_turn *turn, const char *host)
{
    for (size_t i = 0; i < turn->nhosts; i++) {
        if (strcmp(turn->hosts[i], host) == 0)
            return;
    }
    if (turn->nhosts == REFERENCE_NAMES)
        turn->unknown = true;
    else
        turn->hosts[turn->nhosts++] = host;
}

/* The hosts at which the dial may have made the connect; returns whether it may at all. */
static bool add_hosts(const struct run_dial *d, const struct net_stream *s, bool stalled,
                      struct reference_turn *turn)
{
    const struct reference *r = &d->reference;
    bool any = false;

    for (size_t i = 0; i < r->nknown && !r->way.proxied; i++) {
        const struct reference_pair *pair = &r->known[i];

        if (pair->place == REFERENCE_NO_PLACE ||
            !sim_same_ip(&d->run->seed->places[pair->place].ip, &s->remote))
            continue;
        any = true;
        if (stalled)
            add_host(turn, pair->host);
    }
    return any;
}

/* What a connect that came to nothing says; false: nothing. */
static bool judge(const struct run *run, const struct net_stream *s, struct reference_turn *turn)
{
    enum sure lost = has_lost(run, s);
    bool found = false;

    for (size_t i = 0; i < run->seed->ndials; i++) {
        const struct run_dial *d = &run->dials[i];
        enum sure timed_out = has_timed_out(d, s), stalled = timed_out > lost ? timed_out : lost;

        if ((s->dials >> i & 1) == 0 || !add_hosts(d, s, stalled != NO, turn))
            continue;
        found = true;
        turn->perhaps = turn->perhaps || stalled != SURE;
    }
    turn->unknown = turn->unknown || !found;
    return turn->unknown || turn->nhosts > 0;
}

/* What the connect says of its family so far; false: nothing. */
static bool make_turn(const struct run *run, const struct net_stream *s,
                      struct reference_turn *turn)
{
    *turn = (struct reference_turn){.when = s->over, .family = s->remote.family};
    if (is_proxied(s))
        return false;
    if (s->heard.at == 0)
        return s->closed && judge(run, s, turn);
    turn->when = s->heard;
    return has_connected(s);
}

void stalls_collect(const struct run *run, struct stalls *out)
{
    size_t cap = 0;

    for (const struct net_stream *s = run->w->streams; s != NULL; s = s->next)
        cap++;
    out->n = 0;
    out->turns = world_alloc(run->w, cap * sizeof *out->turns);
    for (const struct net_stream *s = run->w->streams; s != NULL; s = s->next) {
        struct reference_turn turn;
        size_t at = out->n;

        if (!make_turn(run, s, &turn))
            continue;
        for (; at > 0 && out->turns[at - 1].when.at > turn.when.at; at--)
            out->turns[at] = out->turns[at - 1];
        out->turns[at] = turn;
        out->n++;
    }
}

unsigned stalls_last(const struct stalls *stalls, struct sim_moment from, struct sim_moment to)
{
    struct reference_healths healths;
    uint64_t us = from.us;
    unsigned last = 0;

    reference_health_begin(&healths);
    for (size_t i = 0; i < stalls->n && stalls->turns[i].when.at < to.at; i++) {
        const struct reference_turn *turn = &stalls->turns[i];

        if (turn->when.at >= from.at) {
            last |= reference_health_last(&healths, us, turn->when.us);
            us = turn->when.us;
        }
        reference_health_take(&healths, turn);
    }
    return last | reference_health_last(&healths, us, to.us);
}
