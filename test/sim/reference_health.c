/* reference_health.c - see reference_health.h. */
#include "test/sim/reference_health.h"

#include <string.h>

enum { ANY = 1u << 0 | 1u << MOX_ALLOW_IPV4 | 1u << MOX_ALLOW_IPV6 };

void reference_health_begin(struct reference_healths *healths)
{
    memset(healths, 0, sizeof *healths);
    healths->n = 1;
}

static struct reference_family *of_family(struct reference_health *health, int family)
{
    return family == MOX_IPV4 ? &health->ipv4 : &health->ipv6;
}

static void stall(struct reference_family *f, const char *host, uint64_t us)
{
    for (size_t i = 0; i < f->n; i++) {
        if (strcmp(f->hosts[i], host) == 0)
            return;
    }
    f->hosts[f->n++] = host;
    if (f->n < REFERENCE_STALLS)
        return;
    f->n = 0;
    f->until_us = us + REFERENCE_REST_S * (uint64_t)1000000;
}

static bool same_family(const struct reference_family *a, const struct reference_family *b)
{
    for (size_t i = 0; i < a->n && i < b->n; i++) {
        if (strcmp(a->hosts[i], b->hosts[i]) != 0)
            return false;
    }
    return a->n == b->n && a->until_us == b->until_us;
}

/* Adds one that may be. */
static void add(struct reference_healths *to, const struct reference_health *health)
{
    for (size_t i = 0; i < to->n; i++) {
        if (same_family(&to->of[i].ipv4, &health->ipv4) &&
            same_family(&to->of[i].ipv6, &health->ipv6))
            return;
    }
    if (to->n == REFERENCE_HEALTHS)
        to->lost = true;
    else
        to->of[to->n++] = *health;
}

void reference_health_take(struct reference_healths *healths, const struct reference_turn *turn)
{
    struct reference_healths now = {.lost = healths->lost || turn->unknown};

    for (size_t i = 0; i < healths->n; i++) {
        if (turn->perhaps)
            add(&now, &healths->of[i]);
        for (size_t k = 0; k < turn->nhosts; k++) {
            struct reference_health health = healths->of[i];

            stall(of_family(&health, turn->family), turn->hosts[k], turn->when.us);
            add(&now, &health);
        }
        if (turn->nhosts == 0) {
            struct reference_health health = healths->of[i];

            *of_family(&health, turn->family) = (struct reference_family){.n = 0};
            add(&now, &health);
        }
    }
    *healths = now;
}

/* As reference_health_last says it, of one at one time. */
static unsigned last_of(const struct reference_health *health, uint64_t us)
{
    bool ipv4 = us < health->ipv4.until_us, ipv6 = us < health->ipv6.until_us;

    if (ipv4 == ipv6)
        return 1u << 0;
    return 1u << (ipv4 ? MOX_ALLOW_IPV4 : MOX_ALLOW_IPV6);
}

unsigned reference_health_last(const struct reference_healths *healths, uint64_t from_us,
                               uint64_t to_us)
{
    unsigned last = healths->lost ? ANY : 0;

    for (size_t i = 0; i < healths->n; i++) {
        const struct reference_health *health = &healths->of[i];
        uint64_t ends[2] = {health->ipv4.until_us, health->ipv6.until_us};

        last |= last_of(health, from_us) | last_of(health, to_us);
        for (size_t k = 0; k < 2; k++) {
            if (from_us <= ends[k] && ends[k] <= to_us)
                last |= last_of(health, ends[k]);
        }
    }
    return last;
}
