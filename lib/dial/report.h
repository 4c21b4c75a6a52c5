/*
 * report.h - what a TLS report says of an attempt and of the recipient's domain (RFC 8460 section
 * 4.3; semantics.md 7.5). The host sums up and sends; here are the facts.
 */
#ifndef DIAL_REPORT_H
#define DIAL_REPORT_H

#include "dial/dial.h"
#include "policy/certificate.h"

/* The session's attempt has ended or reached its goal; err NULL: well. Without memory there just is
 * no report. */
void report_attempt(struct dial *d, const struct mox_error *err);

/* The host's TLSA records could not be had; it may never be dialed. */
void report_lookup(struct dial *d, struct plan_host *host, const struct lookup_tlsa_result *result);

/* The policy does not name this host. */
void report_mismatch(struct dial *d);

#endif
