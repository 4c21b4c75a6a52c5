/*
 * domains.h - do the domains we host lead back to us through our own router? Their MX hosts are
 * looked up, one after another, and compared with the public addresses that NATIPs and SPFIPMap
 * give for ours. A domain that the routes lead around the NAT, by the other family or through
 * another host, does not count.
 */
#ifndef CHECK_DOMAINS_H
#define CHECK_DOMAINS_H

#include "check/source.h"
#include "lookup/mx.h"

struct check_domains {                   /* all zero but for request */
    const struct check_request *request; /* borrowed */
    size_t domain, host;                 /* which is being looked up; of the configuration, of mx */
    uint32_t families;                   /* MOX_ALLOW_ bits: by which mail to it leaves from here */
    struct lookup_mx *mx;
    struct lookup_address *address;
    bool finished, failed; /* failed: no memory */
    /* The result: where mail to our own domains would go. */
    const char *names[MOX_LIMIT_PREFLIGHT_DOMAINS]; /* of the configuration, as written */
    size_t nnames;                                  /* whose MX is ours behind a NAT */
    struct mox_ip ipv4, ipv6;                       /* the first such address; family 0: none */
    bool has_ipv6;                                  /* some MX of those has an IPv6 address */
};

/* Goes as far as answers are there; once, and again whenever request->changed was called. */
void check_domains_step(struct check_domains *domains);

/* Ends what it has in flight. */
void check_domains_end(struct check_domains *domains);

#endif
