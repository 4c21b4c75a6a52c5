/*
 * reference_health.h - which family is put last, by what a network saw: after three connects of one
 * family to different hosts that timed out, or were silent when the other family won, without one
 * that connected between, for ten minutes.
 *
 * Where it is not clear what the network saw, all that may have been is followed.
 */
#ifndef SIM_REFERENCE_HEALTH_H
#define SIM_REFERENCE_HEALTH_H

#include "test/sim/world.h"

enum {
    REFERENCE_STALLS = 3, /* hosts that put a family last */
    REFERENCE_REST_S = 600,
    REFERENCE_NAMES = 8,   /* hosts that one connect may have been to */
    REFERENCE_HEALTHS = 64 /* that are followed at once */
};

struct reference_turn { /* what happened to a family */
    struct sim_moment when;
    int family;
    const char *hosts[REFERENCE_NAMES]; /* it stalled at one of them */
    size_t nhosts;                      /* 0: it connected */
    bool perhaps;                       /* or nothing happened */
    bool unknown;                       /* or anything did */
};

struct reference_family {
    const char *hosts[REFERENCE_STALLS]; /* where it stalled, since the last that connected */
    size_t n;
    uint64_t until_us; /* put last; 0: it is not */
};

struct reference_health {
    struct reference_family ipv4, ipv6;
};

struct reference_healths { /* all that may be */
    struct reference_health of[REFERENCE_HEALTHS];
    size_t n;
    bool lost; /* too many, or unknown: anything may be */
};

/* Both families are well. */
void reference_health_begin(struct reference_healths *healths);

/* Turns are taken in the order in which they came. */
void reference_health_take(struct reference_healths *healths, const struct reference_turn *turn);

/* What may have been put last between these times, if no turn was there: 1 << 0 for neither family,
 * 1 << MOX_ALLOW_IPV4, 1 << MOX_ALLOW_IPV6, or several of them. */
unsigned reference_health_last(const struct reference_healths *healths, uint64_t from_us,
                               uint64_t to_us);

#endif
