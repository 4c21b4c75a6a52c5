/*
 * demand.h - what TLS a host must have before mail may go there (semantics.md 7.1 and 9; RFC 8461
 * section 5, RFC 7672 section 2.2, RFC 8689). Pure: from facts to the demand and the reason.
 */
#ifndef POLICY_DEMAND_H
#define POLICY_DEMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config_transport;

struct demand_facts {
    const struct config_transport *smarthost; /* NULL: direct delivery, or through a proxy */
    int sts_mode;                             /* enum sts_mode; -1: no policy */
    bool sts_allows;                          /* the policy names this host */
    size_t tlsa, tlsa_usable;                 /* records, and those that can be used */
    const char *tlsa_base; /* whose they are: an alias's target may have them; NULL: the host */
    bool requiretls, tls_optional; /* RFC 8689: required; "TLS-Required: No" */
};

struct demand {
    uint8_t need;      /* enum mox_tls_need */
    uint8_t starttls;  /* enum smtp_starttls, as numbers: never, offered, always */
    bool immediate;    /* TLS before the greeting */
    bool pkix, dane;   /* what must be verified; both may have to pass */
    bool or_plaintext; /* where TLS fails, the same address once more without it */
    bool unmet;        /* no mail may go to this host at all */
};

enum { DEMAND_NEVER = 0, DEMAND_OFFERED, DEMAND_ALWAYS }; /* of starttls */

struct demand demand_of(const struct demand_facts *facts);

/* What demand_text says where nothing is published, as for most mail: it costs no memory. */
extern const char demand_text_none[];

/* Who demands that and why, one clause without a full stop, as snprintf: "the TLSA records of
 * mx.example.org demand DANE". host: the candidate's; domain: the recipient's. */
size_t demand_text(const struct demand_facts *facts, const char *host, const char *domain,
                   char *buf, size_t cap);

#endif
