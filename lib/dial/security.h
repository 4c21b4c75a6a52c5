/*
 * security.h - what TLS each host of a plan must have: what the domain publishes (MTA-STS), what
 * the host publishes (TLSA), what the transport and the message demand. The deciding is
 * policy/demand's; here is what asks.
 */
#ifndef DIAL_SECURITY_H
#define DIAL_SECURITY_H

#include "dial/dial.h"

/* Begins to look up what the recipient domain publishes. MOX_OK, MOX_E_NOMEM. */
int security_begin(struct dial *d, struct mox_error *err);

/* MOX_OK: the domain's policy is known, or there is none; MOX_E_AGAIN: wait; else the dial ends. */
int security_of_domain(struct dial *d, struct mox_error *err);

/*
 * Once addresses of the host are known, and the domain's policy. MOX_OK: host->host->tls is known;
 * MOX_E_AGAIN: wait; MOX_E_FILTERED: the host is out, *drop and host->host->error or detail say
 * why; MOX_E_NOMEM.
 */
int security_of_host(struct dial *d, struct dial_host *host, int *drop, const char **detail);

/* Ends what is asked for a host, and for the domain. */
void security_end_host(struct dial_host *host);
void security_end(struct dial *d);

#endif
