/*
 * tlsa.h - the TLSA records of one host: base domain by its secure CNAME expansion, then the host
 * itself (RFC 7672 section 2.2.2; semantics.md 7.4). Asked only where all addresses were secure.
 */
#ifndef LOOKUP_TLSA_H
#define LOOKUP_TLSA_H

#include "lookup/chain.h"
#include "policy/dane.h"

struct lookup_tlsa;

struct lookup_tlsa_result {
    int status;       /* MOX_OK, n may be 0: no DANE; MOX_E_DNS, MOX_E_LIMIT (too many aliases or
                         records), MOX_E_NOMEM: the host is not used */
    const char *base; /* the domain the records stand at (without _25._tcp.); NULL: none */
    struct dane_record *records; /* all of them, usable or not */
    size_t n, usable;
    bool bogus; /* of a failure: the resolver says that DNSSEC is its cause (RFC 8914) */
    const struct mox_error *error; /* of status; NULL: no memory for it */
};

enum lookup_alias {
    LOOKUP_ALIAS_NONE = 0, /* the host is none */
    LOOKUP_ALIAS_SECURE,   /* the way from the host to its expansion is secure, as semantics.md 7.4
                              says */
    LOOKUP_ALIAS_UNKNOWN   /* its addresses are not: is its own CNAME record? Then it has a name to
                              ask for, without its expansion (RFC 7672 section 2.2.2) */
};

struct lookup_tlsa_host {  /* borrowed until the end */
    const char *name;      /* A-labels */
    const char *expansion; /* of LOOKUP_ALIAS_SECURE: the last name of the chain */
    int alias;             /* enum lookup_alias */
    uint16_t port;         /* of the SMTP server */
};

/* done: inside a dispatch, once, unless it is finished already; the lookup may be freed in it.
 * NULL: no memory. */
struct lookup_tlsa *lookup_tlsa_start(struct mox_ctx *ctx, const struct lookup_tlsa_host *host,
                                      const struct lookup_rules *rules, void (*done)(void *arg),
                                      void *arg);

bool lookup_tlsa_finished(const struct lookup_tlsa *tlsa);

/* Once finished; borrowed until it is freed. */
const struct lookup_tlsa_result *lookup_tlsa_result(const struct lookup_tlsa *tlsa);

/* Ends it in silence if need be. Accepts NULL. */
void lookup_tlsa_free(struct lookup_tlsa *tlsa);

#endif
