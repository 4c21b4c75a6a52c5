/*
 * reference_tls.h - what TLS a host must have, and whether a server has it, by brute force from the
 * facts of a seed: the matrix of the policies, MTA-STS, TLSA records, certificates. Nothing here
 * looks at a byte of a certificate: who issued which paper, and for whom, is written down.
 */
#ifndef SIM_REFERENCE_TLS_H
#define SIM_REFERENCE_TLS_H

#include "test/sim/reference_dns.h"
#include "test/sim/seed.h"

struct reference_sts {             /* of a recipient domain */
    bool fails;                    /* the delivery attempt does, for now */
    bool unsure;                   /* it hangs on what other dials saw */
    const struct seed_sts *policy; /* NULL: none */
    uint64_t ms;
};

enum reference_why { /* a host is out */
                     REFERENCE_IN = 0,
                     REFERENCE_STS,   /* its domain's policy does not name it */
                     REFERENCE_TLSA,  /* its TLSA records cannot be had */
                     REFERENCE_NO_WAY /* REQUIRETLS, and nothing says how to verify */
};

struct reference_demand {          /* on a host */
    bool unsure;                   /* one thing or another, by what came first */
    int out;                       /* enum reference_why */
    bool never, always, immediate; /* STARTTLS; neither: if offered */
    bool pkix, dane;
    bool or_plain;
    bool requiretls;
    char pkix_name[SEED_TEXT];
    bool has_tlsa, mixed;     /* mixed: or has none, by which of its addresses were known first */
    struct seed_tlsa tlsa;    /* as it was then */
    char names[4][SEED_TEXT]; /* of usage 2; "": none */
    uint64_t ms;              /* to find it out */
};

struct reference_host_facts {
    const struct seed *seed;
    const struct seed_dial *dial;
    const struct seed_transport *smarthost; /* NULL: direct, or through a proxy */
    const struct reference_sts *sts;
    const char *host;   /* "": an address alone */
    const char *domain; /* of the recipient; NULL: the host was named by itself */
    const char *expanded;
    bool domain_authentic; /* all that led to the host */
    uint32_t families, dns_ms;
    uint16_t port;
};

void reference_sts(const struct seed *seed, int zone, uint32_t dns_ms, uint32_t store_ms,
                   struct reference_sts *out);
void reference_demand(const struct reference_host_facts *facts, struct reference_demand *out);

/* Whether the paper is good enough; *verified: enum mox_tls_need, of what it proves. */
bool reference_proves(const struct reference_demand *demand, enum paper paper, int *verified);

/* What a TLS report says of the host, once it has shown the paper; up: and was taken. type and
 * code, which may go on. */
void reference_report(const struct reference_demand *demand, enum paper paper, bool up,
                      const char **type, const char **code);

#endif
