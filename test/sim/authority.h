/*
 * authority.h - certificates and their keys, made when a test wants them: roots, those between, and
 * servers'. The same calls in the same order give the same ones, but for RSA keys, which take
 * long and are one for the whole process.
 */
#ifndef SIM_AUTHORITY_H
#define SIM_AUTHORITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mbed.h"

enum authority_key { AUTHORITY_P256 = 0, AUTHORITY_P384, AUTHORITY_RSA };

/* A certificate, behind it those of its issuers but for the root, and its key. */
struct credential {
    mbedtls_x509_crt chain;
    mbedtls_pk_context key;
};

struct credential_request {  /* what is zero has its default */
    const char *name;        /* CN; NULL: none */
    const char *const *dns;  /* subjectAltName, NULL at the end; NULL: none */
    int64_t from_s, until_s; /* unix; 0: the years 2000 and 2040 */
    enum authority_key key;
    bool authority;              /* a CA */
    const struct credential *of; /* the issuer; NULL: itself */
};

/* Never fails: a test that has no certificate ends. Freed by credential_free. */
struct credential *credential_new(const struct credential_request *request);
void credential_free(struct credential *credential); /* accepts NULL */

/* The usual two: a root, and a server's certificate for one DNS name. */
struct credential *credential_root(const char *name);
struct credential *credential_server(const struct credential *root, enum authority_key key,
                                     const char *dns);

/* As PEM: the chain; the key. The length, without the NUL. */
size_t credential_chain_pem(const struct credential *credential, char *out, size_t cap);
size_t credential_key_pem(const struct credential *credential, char *out, size_t cap);

/* A source of numbers for mbedTLS that repeats itself; arg: a uint64_t, its state. */
int authority_random(void *arg, unsigned char *out, size_t len);

#endif
