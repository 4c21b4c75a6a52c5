/*
 * dns.h - the name servers of a world: zones, and what goes wrong in them.
 */
#ifndef SIM_DNS_H
#define SIM_DNS_H

#include "test/sim/world.h"

/* What becomes of a question for a set. */
enum dns_fate {
    DNS_ANSWERS = 0,
    DNS_LOST,      /* no answer ever comes */
    DNS_UNASKABLE, /* the question cannot even be sent */
    DNS_FAILS,     /* the resolver gives up: mox_dns_fail */
    DNS_GARBAGE,   /* an answer of random bytes */
    DNS_TRUNCATED, /* an answer cut to its header */
    DNS_OTHER,     /* the answer to a question that was never asked */
    DNS_POISONED,  /* the answer, and with it records of a name nobody asked for */
    DNS_BOGUS      /* SERVFAIL, and an extended error: DNSSEC bogus (RFC 8914) */
};

struct dns_set { /* the records of one type of one name */
    struct dns_set *next;
    const char *name;
    uint16_t type;
    uint32_t ms; /* how long an answer takes, if timed; else as the world says */
    bool timed;
    int rcode;
    int fate; /* enum dns_fate */
    int code; /* of DNS_FAILS and DNS_UNASKABLE */
    bool authentic;
    bool first_only; /* an alias: the answer has the CNAME alone */
    const char **rdata;
    size_t n, cap;
};

struct mox_dns_ops dns_ops(struct world *w);

/* The set of that name and type, made if it is not there; empty, it says "no such record". */
struct dns_set *dns_set(struct world *w, const char *name, uint16_t type);
void dns_add(struct world *w, struct dns_set *set, const char *rdata);

/* 0: no such type here. */
uint16_t dns_type(const char *text);
const char *dns_type_text(uint16_t type);

/* Faults for questions that nobody gave up. */
void dns_check(struct world *w);

struct dns_asked { /* a question, for whoever looks at them afterwards */
    const char *name;
    uint16_t type;
    struct sim_moment asked, ended; /* ended: answered or cancelled */
    bool over;                      /* … else ended says nothing */
};

/* The n-th question, the latest first; false: past the end. */
bool dns_asked_at(const struct world *w, size_t n, struct dns_asked *out);

#endif
