/*
 * odd_certificate.h - certificates that test/sim/authority.h does not make: of another use or hash,
 * with an extension of any bytes; and what the tests of verification share.
 */
#ifndef ODD_CERTIFICATE_H
#define ODD_CERTIFICATE_H

#include "test/sim/authority.h"

struct odd {
    const struct credential *of;   /* whose key signs */
    const mbedtls_pk_context *key; /* its own */
    const char *subject, *issuer;
    const char *oid; /* of an extension; NULL: none */
    const void *bytes;
    size_t oid_len, len;
    mbedtls_md_type_t md; /* NONE: SHA-256 */
    bool authority;
    int max_path; /* bound on its path, plus one; 0: none */
};

/* To the end of the chain: one that is made, a copy of one. */
void add_odd(mbedtls_x509_crt *chain, const struct odd *odd);
void add_copy(mbedtls_x509_crt *chain, const mbedtls_x509_crt *certificate);

/* One issued for itself (of NULL) or by another; not an authority: for the DNS name. */
struct credential *issue(const char *name, const struct credential *of, bool authority);

#endif
