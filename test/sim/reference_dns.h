/*
 * reference_dns.h - what a patient asker would learn of a seed's zones.
 */
#ifndef SIM_REFERENCE_DNS_H
#define SIM_REFERENCE_DNS_H

#include "test/sim/seed.h"

struct reference_answer {
    bool ok;                                /* whatever it says; false: DNS failed */
    bool null_mx;                           /* the only MX is "." */
    bool no_name;                           /* there is no such name */
    bool authentic;                         /* DNSSEC proved all of it */
    uint64_t ms;                            /* until it was there, or was given up */
    char name[SEED_TEXT];                   /* behind the aliases */
    const struct seed_addresses *addresses; /* NULL: none */
    const struct seed_zone *mx;             /* whose MX records these are; NULL: none */
};

/* type: "A", "AAAA" or "MX". */
void reference_lookup(const struct seed *seed, const char *name, const char *type,
                      uint32_t timeout_ms, struct reference_answer *out);

/* Whether a question gets a usable answer, and when: *ms grows. set: what decides on it; NULL:
 * there is nothing. */
bool reference_is_answered(const struct seed *seed, const struct seed_set *set, uint32_t timeout_ms,
                           uint64_t *ms);

struct reference_host {
    char name[SEED_TEXT];
    int preference;
};

/* The hosts of an answer for MX: each once, with its best preference. */
size_t reference_hosts(const struct reference_answer *answer, struct reference_host hosts[SEED_MX]);

#endif
