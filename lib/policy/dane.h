/*
 * dane.h - whether a server is the one its TLSA records describe (RFC 6698, RFC 7671, RFC 7672
 * section 3; semantics of mox's dane.Verify). Pure.
 */
#ifndef POLICY_DANE_H
#define POLICY_DANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <moxdial/base.h>

#include "base/slice.h"

struct mbedtls_x509_crt;

struct dane_record {
    uint8_t usage, selector, matching;
    struct slice data; /* borrowed */
};

/* From TLSA rdata; false: too short to be one. data borrows from it. */
bool dane_record_read(struct slice rdata, struct dane_record *out);

/*
 * Usages 2 and 3, selectors and matching types that are known, data of the right form. A whole
 * certificate or key needs that form alone: one with an algorithm we do not know is usable, and no
 * server that we can talk to has it.
 */
bool dane_usable(const struct dane_record *record);

/* "3 1 1 ab12…", whole; as snprintf. */
size_t dane_record_text(const struct dane_record *record, char *buf, size_t cap);

struct dane_request {
    const struct dane_record *records; /* unusable ones are passed over */
    size_t n;
    const struct mbedtls_x509_crt *chain; /* as presented, the server's own first; NULL: none */
    const char *const *names;             /* allowed for usage 2, A-labels, NULL at the end */
    int64_t now;                          /* unix seconds */
};

enum dane_fault { /* what a TLS report says (semantics.md 7.5) */
                  DANE_GOOD = 0,
                  DANE_NO_MATCH, /* no record stands for a certificate that was shown */
                  DANE_ERRORS    /* one names a trust anchor, and does not verify for it */
};

/*
 * MOX_OK: *matched is the index of the first record that verifies. MOX_E_VERIFY: it is that of the
 * first that names a trust anchor and fails for another reason, or n, with the sentence:
 * how many are usable, what was found ("DANE: 2 usable TLSA records, none matches; this
 * certificate's 3 1 1 would be ab12…"), what else is wrong where a usage-2 record matched (dates,
 * name). MOX_E_NOMEM.
 */
int dane_verify(const struct dane_request *request, size_t *matched, struct mox_error *err);

#endif
