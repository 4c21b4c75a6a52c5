/*
 * reference.h - what must come of a seed, said by brute force from its facts alone: no code of the
 * library, no parsed configuration, no clock. It is slow, plain and written apart on purpose.
 */
#ifndef SIM_REFERENCE_H
#define SIM_REFERENCE_H

#include "test/sim/reference_gate.h"
#include "test/sim/reference_route.h"
#include "test/sim/reference_server.h"

enum { REFERENCE_PAIRS = 96, REFERENCE_NO_PLACE = -1 };

struct reference_pair { /* a host and one of its addresses, and what comes of it */
    char host[SEED_TEXT];
    int place; /* REFERENCE_NO_PLACE: the host is out, with all of them */
    struct reference_demand demand;
    struct reference_end end;
};

struct reference {
    struct reference_route routes[REFERENCE_ROUTES]; /* that may hold */
    size_t nroutes;
    int route_zone;                         /* whose MX records the routes ask for; -1: none */
    const struct seed_transport *transport; /* NULL: none */
    bool refused; /* by the request or its transport: nothing is asked, nothing is dialed */
    int zone;     /* whose names and addresses it is about */
    bool asks_mx;
    uint32_t families; /* allowed */
    uint16_t port;
    struct mox_ip source4, source6;   /* family 0: any */
    const char *forbids[SEED_PLACES]; /* why the place may not be dialed; NULL: it may */
    bool gives[SEED_PLACES];          /* a session could come of it */
    unsigned pairs;                   /* of host and address that may be dialed, */
    unsigned sure_pairs;              /* … that no loop can take away */
    unsigned sessions; /* pairs that must lead to a session, one each, if nothing is in the way */
    unsigned perhaps;  /* pairs that may: it hangs on what came first */
    unsigned connects; /* pairs that connect and lead to nothing */
    unsigned greets;   /* … after a greeting */
    struct reference_pair known[REFERENCE_PAIRS]; /* the first ones */
    size_t nknown;
    struct reference_way way;
    int proxy_zone;                   /* -1: there is no proxy */
    bool proxy_serves, proxy_is_sure; /* one of its addresses; all of them */
    unsigned proxies;                 /* its addresses */
    uint32_t proxy_ms;                /* until the slowest of them has connected */
    struct reference_gate gates[2];   /* of IPv4, of IPv6 */
    bool shut_out;                    /* … all of them are shut: refused */
    bool learned;                     /* the history has a say */
    bool login_ends;                  /* a login may be refused for good */
    bool requiretls_all; /* no host has what REQUIRETLS needs: the mail may be returned */
    bool ours;           /* a failure of this machine is among them, which ends the dial */
    bool answers_5xx;    /* each of them answers with 5xx: the only way to a permanent refusal */
    uint64_t worst_ms;   /* it cannot take longer */
    uint32_t dns_ms, connect_ms, greeting_ms, ehlo_ms, store_ms, total_ms;
};

/* unix_s: when it begins. chosen: of routes, if there are several. */
void reference_of(const struct seed *seed, const struct seed_config *config,
                  const struct seed_dial *dial, int64_t unix_s, size_t chosen,
                  struct reference *out);

/* Whether the k-th session of a dial (from 1) must be reached; *may: whether it may. */
bool reference_must(const struct reference *r, unsigned k, bool *may);

#endif
