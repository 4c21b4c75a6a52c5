/*
 * records.h - an answer from records in zone-file text, for hosts that have no wire format
 * (mox_dns_answer_records) and for the hosts file.
 */
#ifndef DNS_RECORDS_H
#define DNS_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <moxdial/base.h>
#include <moxdial/ops.h>

#include "base/buffer.h"

struct dns_reply { /* borrowed, all of it */
    const char *question;
    uint16_t type;
    int rcode;
    bool authentic;
    const struct mox_dns_record *records;
    size_t n;
};

/*
 * Appends to out a message that says this. rdata: as in a zone file on one line for A, AAAA, MX,
 * CNAME, NS, PTR, TXT, TLSA and SOA, as RFC 3597 ("\# 4 c0000201") for any type; all names are
 * absolute, with or without a final dot. MOX_OK; MOX_E_INVAL: err names the record; MOX_E_LIMIT:
 * over MOX_LIMIT_DNS_BUILT bytes or 65535 records; MOX_E_NOMEM.
 */
int dns_records_to_wire(const struct dns_reply *reply, struct buffer *out, struct mox_error *err);

#endif
