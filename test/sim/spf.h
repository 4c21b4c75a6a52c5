/*
 * spf.h - SPF checks in worlds drawn from seeds: records that loop, bomb and lie, name servers that
 * fail, stall and forge, hosts that cancel, end or run out of memory. Invariants, by the names that
 * a run tells:
 *
 *   callback   one for each check, from a dispatch; none after a cancel or the end of the context
 *   deadline   it comes within MOX_LIMIT_SPF_SECONDS
 *   limits     terms that ask DNS, of them void ones, and questions stay within what limits.h says
 *   result     it is that of the reference; where answers or memory fail, temperror may take its
 * place world      whatever the world saw by itself: see world.h memory     all is given back trace
 * the same seed gives the same trace
 */
#ifndef SIM_SPF_H
#define SIM_SPF_H

#include <moxdial.h>

#include "test/sim/world.h"

enum { SPF_DOMAINS = 7, SPF_HOSTS = 7, SPF_MXS = 4, SPF_TERMS = 14, SPF_NAMES = 12 };
enum { SPF_CHECKS = 3, SPF_TEXT = 62 << 10 };

enum spf_mechanism {
    SPF_M_ALL = 0,
    SPF_M_IP,
    SPF_M_A,
    SPF_M_MX,
    SPF_M_PTR,
    SPF_M_EXISTS,
    SPF_M_INCLUDE,
    SPF_M_BOMB /* a name that grows beyond all bounds */
};

struct spf_fact_term {
    int kind; /* enum spf_mechanism */
    char qualifier;
    int target;       /* of its kind's list; -1: the domain itself, -2: a name that is not there */
    int family, last; /* of ip: 4 or 6, and the last byte */
    int short_by;     /* bits that the prefix is short of the whole address */
};

struct spf_set { /* how name servers tell a set of records */
    int fate, rcode;
    uint32_t ms; /* 0: as the world's others */
    bool fails;  /* so that the answer is of no use */
};

struct spf_domain {
    struct spf_fact_term terms[SPF_TERMS];
    size_t nterms;
    int redirect;                                       /* a domain; -1: none */
    bool exp, absent, twice, flawed, long_one, crowded; /* crowded: a thousand TXT beside it */
    struct spf_set set;
};

struct spf_host {
    int alias;            /* of another host, or itself; -1: none */
    int at[2][4], nat[2]; /* last bytes of addresses, by family */
    bool many;            /* two thousand more, none of them a client's */
    struct spf_set sets[2];
};

struct spf_mx {
    int hosts[SPF_NAMES];
    size_t nhosts;
    bool null;
    struct spf_set set;
};

struct spf_facts { /* a seed */
    uint64_t number;
    struct spf_domain domains[SPF_DOMAINS];
    struct spf_host hosts[SPF_HOSTS];
    struct spf_mx mxs[SPF_MXS];
    int family, last;     /* of the client: 0 IPv4, 1 IPv6 */
    int names[SPF_NAMES]; /* hosts, of its address */
    size_t nnames;
    struct spf_set ptr, exp;
    bool short_time; /* each question has 3 s */
    bool sure;       /* nothing takes long */
    bool at_once, together;
    size_t nchecks;
    uint32_t start_ms[SPF_CHECKS];
    int cancel; /* a check; -1: none is cancelled */
    uint32_t cancel_ms;
    uint32_t end_ms;          /* the context ends; 0: it does not */
    bool end_inside;          /* in the callback of the first check that has one */
    long fail_at, fail_every; /* malloc; 0: it does not fail */
};

void spf_draw(uint64_t number, struct spf_facts *facts);

/* The zone of the facts, for a world. */
void spf_serve(const struct spf_facts *facts, struct world *w);

/* What RFC 7208 makes of it, enum mox_spf, for the sender's domain n0. */
int spf_reference(const struct spf_facts *facts);

struct spf_tally {
    uint64_t seeds, checks, questions, by_result[MOX_SPF_PERMERROR + 1], cancelled, failing;
};

/* Lives a seed through, twice. false: an invariant does not hold, and it was told which. */
bool spf_live(uint64_t number, bool trace, struct spf_tally *tally);

#endif
