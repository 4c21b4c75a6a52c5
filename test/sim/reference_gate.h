/*
 * reference_gate.h - what RequireReverseDNS and RequireSPF must find out of our own addresses, by
 * brute force from a seed's facts.
 */
#ifndef SIM_REFERENCE_GATE_H
#define SIM_REFERENCE_GATE_H

#include "test/sim/reference_dns.h"

enum reference_finding {
    REFERENCE_OPEN = 0,
    REFERENCE_SHUT,
    REFERENCE_LAST,        /* DNS does not tell */
    REFERENCE_PERHAPS_SHUT /* DNS tells others, who wait longer, that it is; they may have told us
                            */
};

struct reference_gate {               /* of one family of a dial */
    bool asks, reverse;               /* reverse: for PTR */
    const struct seed_ours *ours;     /* as the world sees it */
    const struct seed_sender *sender; /* NULL: not asked about */
    int finding;                      /* enum reference_finding */
    uint32_t dns_ms, spf_ms;          /* for a question */
    uint64_t ms;                      /* all of it cannot take longer */
};

/* What a gate hangs on. */
struct reference_gate_facts {
    const struct seed *seed;
    const struct seed_config *config;
    const struct seed_dial *dial;
    const struct seed_transport *transport;
    uint32_t dns_ms;
};

/* source: that the dial binds; family 0: none. */
void reference_gate(const struct reference_gate_facts *facts, int family,
                    const struct mox_ip *source, struct reference_gate *out);

/* Whether the gate may ask that; *most_ms: how long it may wait for an answer. */
bool reference_gate_asks(const struct reference_gate *gate, const char *name, const char *type,
                         uint32_t *most_ms);

/* Whether all dials, however short they wait, find the same of the address behind that reverse name
 * or alias; *ms: how long that may take. */
bool reference_reverse_is_plain(const struct seed *seed, const char *name, uint64_t *ms);

#endif
