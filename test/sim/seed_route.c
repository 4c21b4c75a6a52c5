/*
 * seed_route.c - conditions of routes beyond mox's, drawn and written down; see seed.h. Drawn last,
 * so that a seed is otherwise the world that it was without them.
 */
#include <stdio.h>
#include <string.h>

#include "test/sim/fetch.h"
#include "test/sim/seed.h"

/* A world begins on a Tuesday at 22:13 UTC and lasts less than three hours; in these it is within,
 * or without, all that time, in each of the zones below. */
static const struct {
    struct seed_hours hours;
    const char *text;
} spans[] = {
    {{"", 21 * 60, 10 * 60}, "21:00-10:00"},
    {{"", 10 * 60, 21 * 60}, "10:00-21:00"},
    {{"2", 21 * 60, 10 * 60}, "Tue 21:00-10:00"},
    {{"3", 21 * 60, 10 * 60}, "Wed 21:00-10:00"},
    {{"5671234", 21 * 60, 10 * 60}, "Fri-Thu 21:00-10:00"},
};

static const struct {
    const char *text;
    int32_t offset_s;
} zones[] = {{"", 3600}, {"UTC", 0}, {"local", 3600}, {"+02:30", 9000}, {"-00:30", -1800}};

static void draw_hours(struct seed *seed, struct seed_conditions *c)
{
    unsigned zone = seed_below(seed, sizeof zones / sizeof *zones);

    c->span = (int)seed_below(seed, sizeof spans / sizeof *spans);
    c->hours = spans[c->span].hours;
    c->zone = (int)zone;
    c->offset_s = zones[zone].offset_s;
}

static void draw_mx(struct seed *seed, struct seed_conditions *c)
{
    int zone = (int)seed_below(seed, SEED_DOMAINS);

    if (seed_one_in(seed, 2))
        snprintf(c->to_mx, sizeof c->to_mx, ".z%d.example", zone);
    else
        snprintf(c->to_mx, sizeof c->to_mx, "h%u.z%d.example", seed_below(seed, 3), zone);
}

static void draw_conditions(struct seed *seed, struct seed_conditions *c, bool contended)
{
    if (seed_one_in(seed, 3))
        draw_hours(seed, c);
    if (seed_one_in(seed, 3))
        draw_mx(seed, c);
    if (seed_one_in(seed, 3))
        c->percent = 1 + seed_below(seed, 99);
    for (size_t i = 0; i < 3 && seed_one_in(seed, 2); i++) {
        if (seed_one_in(seed, 2))
            c->max[i] = contended ? 1 + seed_below(seed, 3) : SEED_NEVER_FULL;
    }
}

/* All that comes to the list meets this first: many come to one counter, or to a question. */
static void draw_first(struct seed *seed, struct seed_route *route)
{
    struct seed_conditions *c = &route->conditions;

    route->nfrom = route->nto = 0;
    route->attempts = 0;
    memset(c, 0, sizeof *c);
    if (seed_one_in(seed, 3))
        draw_mx(seed, c);
    if (seed_one_in(seed, 4))
        return;
    c->max[seed_below(seed, 3)] = 1 + seed_below(seed, 3);
    c->max[seed_below(seed, 3)] = 1 + seed_below(seed, 4);
}

void seed_draw_routes(struct seed *seed)
{
    bool contended;

    if (seed_one_in(seed, 2))
        return;
    contended = !seed_one_in(seed, 3);
    for (int i = 0; i < 2; i++) {
        struct seed_config *config = &seed->configs[i];

        for (size_t l = 0; l < config->nlists && !config->mox; l++) {
            size_t first = contended && !seed_one_in(seed, 4);

            if (first > 0)
                draw_first(seed, &config->lists[l].routes[0]);
            for (size_t r = first; r < config->lists[l].n; r++) {
                if (!seed_one_in(seed, 3))
                    draw_conditions(seed, &config->lists[l].routes[r].conditions, contended);
            }
        }
    }
    for (size_t i = 0; i < seed->ndials; i++) {
        seed->dials[i].count = seed_below(seed, 3);
        if (seed_one_in(seed, 2))
            snprintf(seed->dials[i].key, sizeof seed->dials[i].key, "id%u", seed_below(seed, 1000));
    }
    if (!seed->secure)
        seed->store = seed_one_in(seed, 3) ? STORE_WORKS : (int)seed_below(seed, STORE_KINDS);
}

size_t seed_conditions_text(const struct seed_conditions *c, const char *tabs, char *out,
                            size_t cap)
{
    static const char *const keys[] = {"MaxPerMinute", "MaxPerHour", "MaxPerDay"};
    size_t n = 0;

    out[0] = '\0';
    if (c->to_mx[0] != '\0')
        n += (size_t)snprintf(out + n, cap - n, "%sToMX:\n%s\t- %s\n", tabs, tabs, c->to_mx);
    if (c->hours.until != 0)
        n += (size_t)snprintf(out + n, cap - n, "%sHours:\n%s\t- %s\n", tabs, tabs,
                              spans[c->span].text);
    if (c->hours.until != 0 && zones[c->zone].text[0] != '\0')
        n += (size_t)snprintf(out + n, cap - n, "%sTimeZone: %s\n", tabs, zones[c->zone].text);
    for (size_t i = 0; i < 3; i++) {
        if (c->max[i] != 0)
            n += (size_t)snprintf(out + n, cap - n, "%s%s: %u\n", tabs, keys[i],
                                  (unsigned)c->max[i]);
    }
    if (c->percent != 0)
        n += (size_t)snprintf(out + n, cap - n, "%sPercent: %u\n", tabs, (unsigned)c->percent);
    return n;
}
