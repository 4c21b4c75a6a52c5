/*
 * certificate.h - what a server's certificate says and whether it proves the server: the way to a
 * trust anchor, dates, names as RFC 6125. Pure: the time is a parameter, and the chain was parsed
 * by whoever received it.
 */
#ifndef POLICY_CERTIFICATE_H
#define POLICY_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <moxdial/base.h>

#include "base/arena.h"

struct mbedtls_x509_crt;

enum { CERTIFICATE_NAME = 256 /* bytes that hold a name that matched, and NUL */ };

/* What is wrong, in the words of RFC 8460 section 4.3. */
enum certificate_fault {
    CERTIFICATE_GOOD = 0,
    CERTIFICATE_EXPIRED,     /* or not yet valid: any of the path */
    CERTIFICATE_NOT_TRUSTED, /* no way to a trust anchor, self-signed included */
    CERTIFICATE_OTHER_NAME,  /* none of the names that were wanted */
    CERTIFICATE_INVALID      /* a weak key or hash, a use it is not for, no certificate at all */
};

/* names: A-labels, NULL at the end. The name of the certificate that covers one of them, in name,
 * and true. DNS names of the subjectAltName alone count; a wildcard is a whole first label and
 * stands for one label. */
bool certificate_matches(const struct mbedtls_x509_crt *leaf, const char *const *names,
                         char name[CERTIFICATE_NAME]);

/* The DNS names, at most MOX_LIMIT_CERTIFICATE_NAMES, in the arena, NULL at the end; NULL: no
 * memory. Cleaned, for they are foreign. */
const char *const *certificate_names(const struct mbedtls_x509_crt *leaf, struct arena *arena);

/* Its last second, unix. */
int64_t certificate_expiry(const struct mbedtls_x509_crt *certificate);

struct certificate_request {
    const struct mbedtls_x509_crt *chain;   /* as presented, the server's own first; NULL: none. The
                                               others are put in order, and keys are written into */
    const struct mbedtls_x509_crt *anchors; /* read only, so threads may share them; NULL: none */
    const char *const *names;               /* as certificate_matches; NULL: any will do */
    int64_t now;                            /* unix seconds */
};

struct certificate_finding {
    enum certificate_fault fault;
    char name[CERTIFICATE_NAME]; /* as certificate_matches; "": none was wanted, or a fault */
};

/*
 * Whether the chain leads to one of the anchors, all of the path in date and fit for a TLS server,
 * and covers one of the names. A server's certificate that is an anchor itself needs no issuer.
 * MOX_OK; MOX_E_VERIFY with the sentence ("the server's certificate is not for mx.example.org, but
 * for a.example"); MOX_E_NOMEM. *found is set in any case, and never good on failure.
 */
int certificate_check(const struct certificate_request *request, struct certificate_finding *found,
                      struct mox_error *err);

/* "certificate-expired", "certificate-not-trusted", "certificate-host-mismatch",
 * "validation-failure" (RFC 8460 section 4.3); CERTIFICATE_GOOD: "success". */
const char *certificate_fault_name(int fault);

#endif
