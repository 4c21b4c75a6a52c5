/* seed_history.c - what a seed has of the history of refusals: transports that prefer by it, hosts
 * that tell it what happened, and entries that were there before. */
#include <stdio.h>
#include <string.h>

#include "test/sim/fetch.h"
#include "test/sim/seed.h"

static const struct seed_host *draw_host(struct seed *seed)
{
    const struct seed_zone *zone = &seed->zones[seed_below(seed, SEED_ZONES)];

    if (zone->nhosts == 0)
        return &zone->domain;
    return &zone->hosts[seed_below(seed, (unsigned)zone->nhosts)];
}

/* Of a family as this machine shows itself, or as another one does. */
static const char *draw_source(struct seed *seed, int family)
{
    static const char *const ipv4[] = {"198.51.100.9", "198.51.100.9", "203.0.113.200",
                                       "192.0.2.99"};
    static const char *const ipv6[] = {
        "2001:db8:9::", "2001:db8:9::", "2001:db8:9::", "2001:db8:8::"};

    return (family == MOX_IPV4 ? ipv4 : ipv6)[seed_below(seed, 4)];
}

static void draw_entry(struct seed *seed, struct seed_entry *entry)
{
    static const char *const values[] = {
        "0 1699990000 1 550 5.7.25 drawn",          /* avoided */
        "0 1699990000 1 550 5.7.25 drawn",          /* the same: most are to be */
        "1699900000 1699990000 2 550 5.7.25 drawn", /* accepted before that */
        "1699990001 1699990000 2 550 5.7.25 drawn", /* and after that */
        "0 1699300000 1 550 5.7.25 drawn",          /* over a week ago */
        "0 1699395205 1 550 5.7.25 drawn",          /* a week ago, but for a moment or so */
        "1699990000 0 0 ",
        "0 1800000000 1 550 5.7.25 drawn", /* in years */
        "0 99999999999999999999 1 x",
        "version: STSv1",
    };
    const struct seed_host *host = draw_host(seed);

    entry->family = seed_one_in(seed, 3) ? MOX_IPV4 : MOX_IPV6;
    entry->value = values[seed_below(seed, sizeof values / sizeof *values)];
    snprintf(entry->key, sizeof entry->key, "mox1/fam/%s/%s/%d", host->name,
             draw_source(seed, entry->family), entry->family == MOX_IPV4 ? 4 : 6);
}

void seed_draw_history(struct seed *seed)
{
    for (int c = 0; c < 2; c++) {
        struct seed_config *config = &seed->configs[c];

        for (size_t i = 0; i < config->ntransports && !config->mox; i++) {
            struct seed_transport *t = &config->transports[i];

            if (t->kind == MOX_KIND_FAIL || !seed_one_in(seed, 4))
                continue;
            t->learned = true;
            if (!seed_one_in(seed, 4))
                t->families = MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6;
        }
    }
    for (size_t i = 0; i < seed->ndials; i++) {
        seed->dials[i].notes = seed_one_in(seed, 3) ? 1 + (int)seed_below(seed, SEED_NOTES - 1) : 0;
        if (seed_one_in(seed, 8))
            seed->dials[i].flags |= MOX_DIAL_NO_HISTORY;
    }
    if (!seed->secure && seed_one_in(seed, 2))
        seed->store = (int)seed_below(seed, STORE_KINDS);
    seed->nentries = seed_below(seed, SEED_ENTRIES + 1);
    for (size_t i = 0; i < seed->nentries; i++)
        draw_entry(seed, &seed->entries[i]);
}

void seed_build_history(const struct seed *seed, struct world *w)
{
    w->store = seed->store;
    for (size_t i = 0; i < seed->nentries; i++)
        store_keep(w, seed->entries[i].key, seed->entries[i].value, strlen(seed->entries[i].value));
}
