/*
 * reference_route.h - which route holds, by a linear scan and by brute force.
 */
#ifndef SIM_REFERENCE_ROUTE_H
#define SIM_REFERENCE_ROUTE_H

#include "test/sim/reference_dns.h"

enum { REFERENCE_ROUTES = 3 * SEED_ROUTES + 1 };

struct reference_asks { /* an envelope, and what is known to whoever asks */
    const struct seed_config *config;
    int from, to; /* of seed_name; -1: the empty domain */
    const char *account, *from_text, *to_text, *key;
    uint32_t attempts, count;
    int64_t unix_s; /* 0: not known */
    const struct reference_host *mx;
    size_t nmx;
    bool mx_known, mx_fails; /* … by asking */
    bool claims;             /* places, in such a store */
    int store;               /* enum store_kind */
};

struct reference_route {
    int scope;      /* enum mox_scope */
    int index;      /* in its list; -1: no route */
    int transport;  /* of the configuration; -1: none */
    uint32_t needs; /* MOX_NEED_ bits */
    bool stuck;     /* the MX hosts decide, and cannot be had: none of the following holds */
};

/*
 * The routes that may hold, in order: all but the last hang on what others have claimed before.
 * *asks_mx: whether MX hosts decide on one of them. Returns how many there are, at least one.
 */
size_t reference_routes(const struct reference_asks *asks, struct reference_route *out,
                        bool *asks_mx);

#endif
