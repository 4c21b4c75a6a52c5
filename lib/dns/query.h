/*
 * query.h - the question as a message: RD, the AD bit (RFC 6840 section 5.7: we understand AD in
 * the answer), EDNS with 1232 bytes and DO clear.
 */
#ifndef DNS_QUERY_H
#define DNS_QUERY_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "dns/dns.h"

/* Bytes that hold any query. */
enum { DNS_QUERY_MAX = DNS_HEADER_LEN + DNS_NAME_WIRE + 4 + DNS_OPT_LEN };

/*
 * name: absolute, with or without a final dot. The OPT record stands last, so that whoever meets a
 * server without EDNS can take off DNS_OPT_LEN bytes (dns_query_plain). MOX_OK; MOX_E_INVAL: no
 * name; MOX_E_LIMIT: cap is too small.
 */
int dns_query_build(struct slice name, uint16_t type, uint16_t id, unsigned char *buf, size_t cap,
                    size_t *len);

/* Turns a query made by dns_query_build into one without EDNS; returns its length. */
size_t dns_query_plain(unsigned char *query, size_t len);

#endif
