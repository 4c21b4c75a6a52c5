/*
 * reference_server.h - what comes of one connection to a place of a seed, step by step as SMTP has
 * them, by brute force.
 */
#ifndef SIM_REFERENCE_SERVER_H
#define SIM_REFERENCE_SERVER_H

#include "test/sim/reference_tls.h"

struct reference_way { /* of all connections of a dial */
    int wanted;        /* enum mox_stage */
    uint32_t greeting_ms, ehlo_ms, tls_ms, auth_ms;
    const struct seed_transport *login; /* NULL: none is wanted */
    bool tiny_writes, proxied;
};

enum { REFERENCE_ANY_CODE = 1 }; /* no status: it hangs on milliseconds */

struct reference_end {
    bool serves;     /* it reaches what is wanted */
    int code, stage; /* the error over TLS, or where TLS was not wanted: enum mox_status, MOX_OK for
                        none; enum mox_stage */
    bool unsure;     /* or not, by what came first */
    bool again;      /* … with a second connection, in clear */
    bool tls;        /* in the end it is over TLS, */
    int verified;    /* … which proved that: enum mox_tls_need */
    bool greets;     /* we were greeted */
    bool says_5xx;   /* it failed by a 5xx reply, which may return mail */
    bool ends_dial;  /* its login is refused for good */
    bool lacks_requiretls;
    uint64_t ms;
};

/* Of a place that is up. */
void reference_end(const struct reference_way *way, const struct seed_place *place,
                   const struct reference_demand *demand, struct reference_end *end);

#endif
