/* seed.c - see seed.h. */
#include "test/sim/seed.h"

#include <stdio.h>
#include <string.h>

#include "test/sim/server.h"

static const struct seed_name names[] = {
    {"z0.example", {"z0.example", "Z0.Example", "z0.EXAMPLE"}},
    {"z1.example", {"z1.example", "Z1.example", "z1.example"}},
    {"z2.example", {"z2.example", "z2.exAmple", "z2.example"}},
    {"z3.example", {"z3.example", "z3.example", "Z3.EXAMPLE"}},
    {"sender.example", {"sender.example", "Sender.Example", "sender.example"}},
    {"sub.sender.example", {"sub.sender.example", "SUB.sender.example", "sub.sender.example"}},
    {"xn--bcher-kva.example",
     {"b\303\274cher.example", "B\303\234CHER.example", "xn--bcher-kva.example"}},
    {"example", {"example", "Example", "example"}},
    {"notsender.example", {"notsender.example", "notsender.example", "notsender.example"}},
};

const struct seed_name *seed_name(int i)
{
    return &names[i];
}

int seed_names(void)
{
    return (int)(sizeof names / sizeof *names);
}

/* splitmix64, as the world's own chance, but apart from it. */
uint64_t seed_random(struct seed *seed)
{
    uint64_t z = seed->random += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

unsigned seed_below(struct seed *seed, unsigned n)
{
    return (unsigned)(seed_random(seed) % n);
}

bool seed_one_in(struct seed *seed, unsigned n)
{
    return seed_below(seed, n) == 0;
}

static void draw_acts(struct seed *seed)
{
    static const int deeds[] = {SEED_CANCEL, SEED_CANCEL, SEED_RELOAD, SEED_RELOAD,   SEED_NEXT,
                                SEED_NEXT,   SEED_CLOSE,  SEED_CLOSE,  SEED_DROP_PLAN};

    for (size_t i = 0; i < seed->ndials; i++) {
        struct seed_act *act = &seed->acts[seed->nacts++];

        *act = (struct seed_act){0, SEED_START, (int)i, 0};
        if (i > 0 && seed_one_in(seed, 2))
            act->at = seed_below(seed, 120);
    }
    for (unsigned n = seed_below(seed, 4); n > 0 && seed->nacts < SEED_ACTS - 1; n--) {
        seed->acts[seed->nacts++] =
            (struct seed_act){seed_below(seed, 100), deeds[seed_below(seed, 9)],
                              (int)seed_below(seed, (unsigned)seed->ndials),
                              seed_one_in(seed, 3) ? 1000 * seed_below(seed, 900) : 0};
    }
    if (seed_one_in(seed, 10))
        seed->acts[seed->nacts++] = (struct seed_act){
            seed_below(seed, 60), seed_one_in(seed, 2) ? SEED_SHUTDOWN : SEED_FREE, 0, 0};
}

static void draw_failures(struct seed *seed)
{
    if (!seed_one_in(seed, 5))
        return;
    seed->fail_at = 1 + (long)seed_below(seed, seed_one_in(seed, 2) ? 60 : 400);
    if (seed_one_in(seed, 3))
        seed->fail_every = 1 + (long)seed_below(seed, 9);
}

void seed_draw(uint64_t number, struct seed *seed)
{
    static const uint32_t dns_ms[] = {0, 1, 10, 40, 60, 200};

    memset(seed, 0, sizeof *seed);
    seed->number = number;
    seed->random = number * 0x2545f4914f6cdd1du + 88172645463325252u;
    seed->dns_ms = dns_ms[seed_below(seed, 6)];
    seed->dns_at_once = seed_one_in(seed, 5);
    seed->eager = seed_one_in(seed, 6);
    seed->max_write = seed_one_in(seed, 6) ? 1 + seed_below(seed, 9) : 0;
    seed->max_per_address = seed_one_in(seed, 12) ? 1 : 0;
    seed_draw_config(seed, &seed->configs[0]);
    seed_draw_config(seed, &seed->configs[1]);
    seed_draw_zones(seed);
    seed_draw_dials(seed);
    draw_acts(seed);
    draw_failures(seed);
    seed_draw_security(seed);
    seed_draw_mail(seed);
    seed_draw_history(seed);
    seed_draw_routes(seed);
    seed_draw_gates(seed);
    seed_draw_refusals(seed);
    seed_draw_health(seed);
}
