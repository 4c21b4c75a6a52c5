/*
 * papers.h - a certificate and its key, made by mbedTLS when the demo starts.
 */
#ifndef DEMO_PAPERS_H
#define DEMO_PAPERS_H

#include <stdbool.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

enum { PAPERS_PEM = 2048, PAPERS_HASH = 32 };

struct papers {
    const char *name;
    mbedtls_x509_crt certificate;
    mbedtls_pk_context key;
    char pem[PAPERS_PEM]; /* the certificate */
};

/* name: a host's, or an authority's; borrowed. issuer: may be the papers themselves. May be freed
 * if it fails. */
bool papers_make(struct papers *papers, const char *name, const struct papers *issuer,
                 mbedtls_ctr_drbg_context *chance);

/* Of the public key, as a TLSA record 3 1 1 has it (RFC 6698 section 2.1). */
bool papers_hash(const struct papers *papers, unsigned char hash[PAPERS_HASH]);

void papers_free(struct papers *papers); /* accepts what is all zero */

#endif
