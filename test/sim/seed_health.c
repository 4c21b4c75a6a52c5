/*
 * seed_health.c - the worlds of family health; see seed.h. All of one family leads nowhere, or
 * nearly so, and dials go one after the other, with pauses. Other seeds come to that but seldom.
 * Little else is amiss: what is, is drawn in all other worlds.
 */
#include <stdio.h>
#include <string.h>

#include "test/sim/seed.h"
#include "test/sim/server.h"

enum { FAR_APART = 10000 }; /* events: no dial takes so many */

/* A second way, by which others see the families. */
static void add_proxy(struct seed *seed)
{
    struct seed_config *config = &seed->configs[0];
    struct seed_transport *t = &config->transports[config->ntransports++];
    struct seed_zone *zone = &seed->zones[SEED_DOMAINS];
    struct seed_host *host = &zone->hosts[0];
    struct seed_place *place;

    snprintf(t->name, sizeof t->name, "proxy");
    t->kind = MOX_KIND_SOCKS;
    t->families = MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6;
    t->zone = SEED_DOMAINS;
    zone->nhosts = 1;
    snprintf(host->name, sizeof host->name, "h0.z%d.example", SEED_DOMAINS);
    host->v4.set.there = true;
    host->v4.n = 1;
    host->v4.places[0] = seed_add_place(seed, SEED_DOMAINS, SEED_ORDINARY, MOX_IPV4);
    place = &seed->places[host->v4.places[0]];
    place->fate = NET_UP;
    place->ms = 5;
}

static void draw_configuration(struct seed *seed, int dead)
{
    static const uint32_t connect[] = {0, 1003, 5003, 20003}, race[] = {0, 100, 250, 2000};
    static const int prefers[] = {MOX_PREFER_DEFAULT, MOX_PREFER_DEFAULT, MOX_PREFER_IPV4,
                                  MOX_PREFER_IPV6};
    struct seed_config *config = &seed->configs[0];
    struct seed_transport *t = &config->transports[0];

    memset(seed->configs, 0, sizeof seed->configs);
    if (dead == MOX_IPV6 && seed_one_in(seed, 3))
        return;
    config->there = true;
    config->race_ms = race[seed_below(seed, 4)];
    config->timeouts.size = sizeof config->timeouts;
    config->timeouts.connect = connect[seed_below(seed, 4)];
    config->ntransports = config->nlists = 1;
    snprintf(t->name, sizeof t->name, "t0");
    t->kind = MOX_KIND_DIRECT;
    t->families = MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6;
    t->prefer = dead == MOX_IPV4 ? MOX_PREFER_IPV4 : prefers[seed_below(seed, 4)];
    config->lists[0] = (struct seed_list){.scope = MOX_SCOPE_GLOBAL, .domain = -1, .n = 1};
}

/* What is there: the dead family is silent, save in the zone that it reaches. */
static void draw_way(struct seed *seed, struct seed_place *place, int dead, bool reached)
{
    static const uint32_t ms[] = {5, 10, 30, 200, 900};
    static const int bad[] = {NET_REFUSED, NET_SILENT, NET_LATE_UNREACHABLE};
    bool silent = place->ip.family == dead && !reached && !seed_one_in(seed, 30);
    bool is_bad = place->ip.family != dead && seed_one_in(seed, reached ? 2 : 8);

    place->fate = silent ? NET_SILENT : is_bad ? bad[seed_below(seed, 3)] : NET_UP;
    place->ms = ms[seed_below(seed, 5)];
    if (!seed_one_in(seed, 4))
        place->server = server_profile("ok");
}

static void draw_addresses(struct seed *seed, int zone, int family, struct seed_addresses *a)
{
    a->set = (struct seed_set){.there = true, .timed = true, .ms = 10 * seed_below(seed, 3)};
    a->n = seed_one_in(seed, 3) ? 1 : 2;
    for (size_t i = 0; i < a->n; i++)
        a->places[i] = seed_add_place(seed, zone, SEED_ORDINARY, family);
}

static void draw_zone(struct seed *seed, int number, int dead, bool reached)
{
    struct seed_zone *zone = &seed->zones[number];
    size_t from = seed->nplaces;

    snprintf(zone->domain.name, sizeof zone->domain.name, "z%d.example", number);
    snprintf(zone->mx_owner, sizeof zone->mx_owner, "z%d.example", number);
    zone->mx_set.there = true;
    zone->nhosts = zone->nmx = 1 + seed_below(seed, 3);
    for (size_t i = 0; i < zone->nhosts; i++) {
        struct seed_host *host = &zone->hosts[i];

        snprintf(host->name, sizeof host->name, "h%u.z%d.example", (unsigned)i, number);
        memcpy(zone->mx[i].target, host->name, sizeof host->name);
        zone->mx[i].preference = seed_one_in(seed, 3) ? 20 : 10;
        if (!seed_one_in(seed, 12))
            draw_addresses(seed, number, MOX_IPV4, &host->v4);
        if (!seed_one_in(seed, 12))
            draw_addresses(seed, number, MOX_IPV6, &host->v6);
    }
    for (size_t i = from; i < seed->nplaces; i++)
        draw_way(seed, &seed->places[i], dead, reached);
}

static void draw_zones(struct seed *seed, int dead)
{
    int reached = seed_one_in(seed, 2) ? 2 + (int)seed_below(seed, 2) : -1;

    memset(seed->zones, 0, sizeof seed->zones);
    memset(seed->places, 0, sizeof seed->places);
    seed->nplaces = seed->nentries = 0;
    for (int i = 0; i < SEED_DOMAINS; i++)
        draw_zone(seed, i, dead, i == reached);
    if (seed->configs[0].there && seed_one_in(seed, 2))
        add_proxy(seed);
}

static void draw_dial(struct seed *seed, struct seed_dial *d, int zone)
{
    static const int habits[] = {SEED_KEEPS,  SEED_CLOSES,  SEED_WATCHES,
                                 SEED_CLOSES, SEED_GOES_ON, SEED_COMPLAINS};

    *d = (struct seed_dial){.zone = zone, .place = -1, .server_place = -1, .from = -1};
    snprintf(d->to_text, sizeof d->to_text, "b@z%d.example", zone);
    if (seed_one_in(seed, 10))
        snprintf(d->server, sizeof d->server, "h0.z%d.example", zone);
    if (seed->configs[0].ntransports > 1 && seed_one_in(seed, 4))
        snprintf(d->transport, sizeof d->transport, "proxy");
    if (seed_one_in(seed, 8))
        d->flags |= MOX_DIAL_NO_RACE;
    if (seed_one_in(seed, 8))
        d->race_ms = 50 + seed_below(seed, 1000);
    d->habit = habits[seed_below(seed, 6)];
    d->goes_on = 1 + (int)seed_below(seed, 3);
    d->with_plan = !seed_one_in(seed, 6);
    d->resolves_first = d->with_plan && seed_one_in(seed, 4);
}

/* As a rule one after the other; at times just before the rest of ten minutes is over, or behind.
 */
static void draw_dials(struct seed *seed)
{
    static const uint32_t pauses[] = {0, 5, 1000, 1000, 60000, 290000, 599000, 601000};

    seed->ndials = SEED_DIALS;
    seed->nacts = SEED_DIALS;
    for (unsigned i = 0; i < SEED_DIALS; i++) {
        struct seed_act *act = &seed->acts[i];

        draw_dial(seed, &seed->dials[i],
                  i < SEED_DOMAINS ? (int)i : (int)seed_below(seed, SEED_DOMAINS));
        *act = (struct seed_act){i * FAR_APART, SEED_START, (int)i, 0};
        if (i > 0 && seed_one_in(seed, 10))
            act->at = act[-1].at;
        if (i > 2)
            act->pause_ms = pauses[seed_below(seed, 8)];
    }
}

/* What is refused is not silent: no family is put last for it. */
static void refuse_all(struct seed *seed, int family)
{
    for (size_t i = 0; i < seed->nplaces; i++) {
        struct seed_place *place = &seed->places[i];

        if (place->ip.family == family && place->fate == NET_SILENT)
            place->fate = NET_REFUSED;
    }
}

void seed_draw_health(struct seed *seed)
{
    int dead;

    if (seed->number % 20 != 13)
        return;
    seed->random = seed->number * 0xd1342543de82ef95u + 1442695040888963407u;
    dead = seed_one_in(seed, 6) ? MOX_IPV4 : MOX_IPV6;
    seed->secure = false;
    seed->store = 0;
    seed->max_per_address = seed->max_idle = 0;
    seed->fail_at = seed->fail_every = 0;
    draw_configuration(seed, dead);
    draw_zones(seed, dead);
    draw_dials(seed);
    if (seed_one_in(seed, 8))
        refuse_all(seed, dead);
}
