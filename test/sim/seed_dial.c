/* seed_dial.c - what the host of a seed dials, drawn; see seed.h. */
#include <stdio.h>
#include <string.h>

#include "test/sim/seed.h"

/* A place of the zone, -1: it has none of that sort. */
static int draw_place(struct seed *seed, int zone)
{
    for (int tries = 0; tries < 60; tries++) {
        int i = (int)seed_below(seed, (unsigned)seed->nplaces);

        if (seed->places[i].zone == zone && seed->places[i].kind != SEED_MAPPED)
            return i;
    }
    return -1;
}

static void draw_sender(struct seed *seed, struct seed_dial *d)
{
    static const char *const accounts[] = {"", "alice", "bob", "zed"};

    d->from = (int)seed_below(seed, (unsigned)seed_names() + 1) - 1;
    if (d->from >= 0)
        snprintf(d->from_text, sizeof d->from_text, "a@%s",
                 seed_name(d->from)->spellings[seed_below(seed, 3)]);
    snprintf(d->account, sizeof d->account, "%s", accounts[seed_below(seed, 4)]);
    d->attempts = seed_one_in(seed, 2) ? 0 : seed_below(seed, 5);
}

static void draw_recipient(struct seed *seed, struct seed_dial *d)
{
    d->place = seed_one_in(seed, 12) ? draw_place(seed, d->zone) : -1;
    if (d->place < 0) {
        snprintf(d->to_text, sizeof d->to_text, "b@%s",
                 seed_name(d->zone)->spellings[seed_below(seed, 3)]);
        return;
    }
    d->target = SEED_TO_LITERAL;
    snprintf(d->to_text, sizeof d->to_text, "b@[%s%s]",
             seed->places[d->place].ip.family == MOX_IPV6 ? "IPv6:" : "",
             seed->places[d->place].text);
}

static void draw_server(struct seed *seed, struct seed_dial *d)
{
    const char *port = seed_one_in(seed, 2) ? ":2525" : "";
    const struct seed_place *place;

    d->server_place = -1;
    if (!seed_one_in(seed, 12))
        return;
    d->server_place = seed_one_in(seed, 2) ? draw_place(seed, d->zone) : -1;
    if (d->server_place < 0) {
        snprintf(d->server, sizeof d->server, "h0.z%d.example%s", d->zone, port);
        return;
    }
    place = &seed->places[d->server_place];
    snprintf(d->server, sizeof d->server, "[%s]%s", place->text, port);
}

static void draw_history(struct seed *seed, struct seed_dial *d)
{
    for (unsigned n = 1 + seed_below(seed, 4); n > 0; n--) {
        int place = draw_place(seed, d->zone);

        if (place < 0)
            return;
        d->dialed[d->ndialed].ip = seed->places[place].ip;
        d->dialed[d->ndialed].host =
            seed_one_in(seed, 2) ? NULL : seed->zones[d->zone].hosts[0].name;
        d->ndialed++;
    }
}

static void draw_limits(struct seed *seed, struct seed_dial *d)
{
    static const uint32_t families[] = {0, 0, 0, 0, MOX_ALLOW_IPV4, MOX_ALLOW_IPV6, 3};
    static const uint32_t whole[] = {7, 3007, 30007};

    d->families = families[seed_below(seed, 7)];
    if (seed_one_in(seed, 4))
        d->flags |= MOX_DIAL_NO_RACE;
    if (seed_one_in(seed, 8))
        d->flags |= MOX_DIAL_ALLOW_SPECIAL;
    if (seed_one_in(seed, 40))
        d->flags |= MOX_DIAL_REQUIRETLS;
    if (seed_one_in(seed, 10))
        d->timeout_ms = whole[seed_below(seed, 3)];
    if (seed_one_in(seed, 3))
        seed_draw_timeouts(seed, &d->timeouts);
    if (seed_one_in(seed, 4))
        d->race_ms = 50 + seed_below(seed, 1000);
    if (seed_one_in(seed, 5))
        d->stop_at = MOX_STAGE_CONNECT + (int)seed_below(seed, 6);
}

static void draw_sources(struct seed *seed, struct seed_dial *d)
{
    static const char *const ips[] = {"198.51.100.9", "2001:db8:9::9", "198.51.100.66",
                                      "2001:db8:9::66"};

    for (d->nsources = 0; d->nsources < 1 + seed_below(seed, 2) && d->nsources < 2;)
        mox_ip_parse(ips[seed_below(seed, 4)], &d->sources[d->nsources++]);
}

void seed_draw_dials(struct seed *seed)
{
    static const int habits[] = {SEED_KEEPS,     SEED_KEEPS,  SEED_CLOSES,  SEED_GOES_ON,
                                 SEED_GOES_ON,   SEED_FREES,  SEED_CANCELS, SEED_WATCHES,
                                 SEED_COMPLAINS, SEED_WATCHES};

    seed->ndials = 1 + seed_below(seed, SEED_DIALS);
    for (size_t i = 0; i < seed->ndials; i++) {
        struct seed_dial *d = &seed->dials[i];

        d->zone =
            seed_one_in(seed, 4) ? (int)seed_below(seed, SEED_DOMAINS) : (int)(i % SEED_DOMAINS);
        draw_sender(seed, d);
        draw_recipient(seed, d);
        draw_server(seed, d);
        draw_limits(seed, d);
        if (seed_one_in(seed, 8))
            draw_sources(seed, d);
        if (seed_one_in(seed, 6))
            draw_history(seed, d);
        if (seed_one_in(seed, 8))
            snprintf(d->transport, sizeof d->transport, "t%u", seed_below(seed, 3));
        d->port = seed_one_in(seed, 15) ? 2600 : 0;
        d->habit = habits[seed_below(seed, 10)];
        if (d->habit == SEED_FREES && !seed_one_in(seed, 8))
            d->habit = SEED_KEEPS;
        d->goes_on = 1 + (int)seed_below(seed, 4);
        d->with_plan = !seed_one_in(seed, 5);
        d->resolves_first = d->with_plan && seed_one_in(seed, 6);
    }
}
