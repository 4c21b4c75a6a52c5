/* authority.c - see authority.h. */
#include "test/sim/authority.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mbedtls/base64.h>
#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <mbedtls/rsa.h>

enum {
    DER = 4096, /* bytes of a certificate, at most */
    RSA_BITS = 2048,
    LINE = 64,      /* of PEM */
    DNS_NAME = 0x82 /* its tag in a subjectAltName, RFC 5280 section 4.2.1.6 */
};

static const int64_t default_from = 946684800, default_until = 2208988800;

/* What a test cannot go on without. */
static void must(int ret, const char *what)
{
    if (ret == 0)
        return;
    fprintf(stderr, "authority: %s: mbedTLS error -0x%04x\n", what, (unsigned)-ret);
    abort();
}

static void *must_have(size_t size)
{
    void *block = calloc(1, size);

    must(block == NULL ? MBEDTLS_ERR_SSL_ALLOC_FAILED : 0, "memory");
    return block;
}

/* splitmix64 */
int authority_random(void *arg, unsigned char *out, size_t len)
{
    uint64_t *state = arg;

    for (size_t i = 0; i < len; i++) {
        uint64_t x = *state += 0x9e3779b97f4a7c15u;

        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
        out[i] = (unsigned char)(x >> 56);
    }
    return 0;
}

static uint64_t chance = 1; /* of the process */

static void copy_key(mbedtls_pk_context *to, mbedtls_pk_context *from)
{
    unsigned char der[DER];
    int len = mbedtls_pk_write_key_der(from, der, sizeof der);

    must(len < 0 ? len : 0, "a key's text");
    must(mbed_pk_parse(to, der + sizeof der - len, (size_t)len), "a key");
}

static void make_rsa(mbedtls_pk_context *key)
{
    static mbedtls_pk_context made;

    if (mbedtls_pk_get_type(&made) == MBEDTLS_PK_NONE) {
        must(mbedtls_pk_setup(&made, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA)), "a key");
        must(mbedtls_rsa_gen_key(mbedtls_pk_rsa(made), authority_random, &chance, RSA_BITS, 65537),
             "an RSA key");
    }
    copy_key(key, &made);
}

static void make_key(mbedtls_pk_context *key, enum authority_key kind)
{
    if (kind == AUTHORITY_RSA) {
        make_rsa(key);
        return;
    }
    must(mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)), "a key");
    must(mbedtls_ecp_gen_key(kind == AUTHORITY_P384 ? MBEDTLS_ECP_DP_SECP384R1
                                                    : MBEDTLS_ECP_DP_SECP256R1,
                             mbedtls_pk_ec(*key), authority_random, &chance),
         "an EC key");
}

/* Tag and length, written before what stands at *at. */
static void put_head(unsigned char **at, unsigned char tag, size_t len)
{
    if (len >= 0x100) {
        *--*at = (unsigned char)len;
        *--*at = (unsigned char)(len >> 8);
        *--*at = 0x82;
    } else {
        *--*at = (unsigned char)len;
        if (len >= 0x80)
            *--*at = 0x81;
    }
    *--*at = tag;
}

/* mbedTLS 2.28 writes no subjectAltName by itself. */
static void set_names(mbedtls_x509write_cert *cert, const char *const *dns)
{
    unsigned char der[DER], *end = der + sizeof der, *at = end;
    size_t n = 0;

    while (dns != NULL && dns[n] != NULL)
        n++;
    if (n == 0)
        return;
    while (n-- > 0) {
        size_t len = strlen(dns[n]);

        at -= len;
        memcpy(at, dns[n], len);
        put_head(&at, DNS_NAME, len);
    }
    put_head(&at, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE, (size_t)(end - at));
    must(mbedtls_x509write_crt_set_extension(cert, MBEDTLS_OID_SUBJECT_ALT_NAME,
                                             MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), 0, at,
                                             (size_t)(end - at)),
         "names");
}

static void set_serial(mbedtls_x509write_cert *cert)
{
    static unsigned char last = 0;
    unsigned char serial[] = {1, ++last};
#if MBED_3
    must(mbedtls_x509write_crt_set_serial_raw(cert, serial, sizeof serial), "a serial number");
#else
    mbedtls_mpi number;

    mbedtls_mpi_init(&number);
    must(mbedtls_mpi_read_binary(&number, serial, sizeof serial), "a serial number");
    must(mbedtls_x509write_crt_set_serial(cert, &number), "a serial number");
    mbedtls_mpi_free(&number);
#endif
}

static void date_text(int64_t unix_s, char out[16])
{
    time_t t = (time_t)unix_s;
    struct tm tm;

    gmtime_r(&t, &tm);
    strftime(out, 16, "%Y%m%d%H%M%S", &tm);
}

static void set_dates(mbedtls_x509write_cert *cert, const struct credential_request *request)
{
    char from[16], until[16];

    date_text(request->from_s != 0 ? request->from_s : default_from, from);
    date_text(request->until_s != 0 ? request->until_s : default_until, until);
    must(mbedtls_x509write_crt_set_validity(cert, from, until), "dates");
}

static void set_subject(mbedtls_x509write_cert *cert, const struct credential_request *request)
{
    char subject[300] = "", issuer[300];

    if (request->name != NULL)
        snprintf(subject, sizeof subject, "CN=%s", request->name);
    must(mbedtls_x509write_crt_set_subject_name(cert, subject), "a subject");
    if (request->of != NULL &&
        mbedtls_x509_dn_gets(issuer, sizeof issuer, &request->of->chain.subject) < 0)
        must(MBEDTLS_ERR_X509_INVALID_NAME, "an issuer");
    must(mbedtls_x509write_crt_set_issuer_name(cert, request->of != NULL ? issuer : subject),
         "an issuer");
}

static bool is_root(const mbedtls_x509_crt *crt)
{
    return crt->issuer_raw.len == crt->subject_raw.len &&
           memcmp(crt->issuer_raw.p, crt->subject_raw.p, crt->subject_raw.len) == 0;
}

static void sign(struct credential *made, const struct credential_request *request)
{
    const struct credential *issuer = request->of != NULL ? request->of : made;
    mbedtls_pk_context *key = (mbedtls_pk_context *)(uintptr_t)&issuer->key;
    mbedtls_x509write_cert cert;
    unsigned char der[DER];
    int len;

    mbedtls_x509write_crt_init(&cert);
    mbedtls_x509write_crt_set_version(&cert, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&cert, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&cert, &made->key);
    mbedtls_x509write_crt_set_issuer_key(&cert, key);
    set_serial(&cert);
    set_dates(&cert, request);
    set_subject(&cert, request);
    set_names(&cert, request->dns);
    must(mbedtls_x509write_crt_set_basic_constraints(&cert, request->authority, -1), "its use");
    len = mbedtls_x509write_crt_der(&cert, der, sizeof der, authority_random, &chance);
    must(len < 0 ? len : 0, "a certificate");
    must(mbedtls_x509_crt_parse_der(&made->chain, der + sizeof der - len, (size_t)len),
         "a certificate");
    mbedtls_x509write_crt_free(&cert);
    for (const mbedtls_x509_crt *crt = &issuer->chain; issuer != made && crt != NULL;
         crt = crt->next) {
        if (!is_root(crt))
            must(mbedtls_x509_crt_parse_der(&made->chain, crt->raw.p, crt->raw.len), "a chain");
    }
}

struct credential *credential_new(const struct credential_request *request)
{
    struct credential *made = must_have(sizeof *made);

    must(mbed_init(NULL), "mbedTLS");
    mbedtls_x509_crt_init(&made->chain);
    mbedtls_pk_init(&made->key);
    make_key(&made->key, request->key);
    sign(made, request);
    return made;
}

void credential_free(struct credential *credential)
{
    if (credential == NULL)
        return;
    mbedtls_x509_crt_free(&credential->chain);
    mbedtls_pk_free(&credential->key);
    free(credential);
}

struct credential *credential_root(const char *name)
{
    return credential_new(&(struct credential_request){.name = name, .authority = true});
}

struct credential *credential_server(const struct credential *root, enum authority_key key,
                                     const char *dns)
{
    const char *const names[] = {dns, NULL};

    return credential_new(
        &(struct credential_request){.name = dns, .dns = names, .key = key, .of = root});
}

static size_t put_pem(const unsigned char *der, size_t len, const char *what, char *out, size_t cap)
{
    unsigned char text[2 * DER];
    size_t size, used = 0;

    must(mbedtls_base64_encode(text, sizeof text, &size, der, len), "PEM");
    used += (size_t)snprintf(out, cap, "-----BEGIN %s-----\n", what);
    for (size_t at = 0; at < size; at += LINE) {
        int part = size - at < LINE ? (int)(size - at) : LINE;

        used += (size_t)snprintf(out + used, cap - used, "%.*s\n", part, (char *)text + at);
        must(used >= cap ? MBEDTLS_ERR_BASE64_BUFFER_TOO_SMALL : 0, "PEM");
    }
    used += (size_t)snprintf(out + used, cap - used, "-----END %s-----\n", what);
    must(used >= cap ? MBEDTLS_ERR_BASE64_BUFFER_TOO_SMALL : 0, "PEM");
    return used;
}

size_t credential_chain_pem(const struct credential *credential, char *out, size_t cap)
{
    size_t used = 0;

    for (const mbedtls_x509_crt *crt = &credential->chain; crt != NULL; crt = crt->next)
        used += put_pem(crt->raw.p, crt->raw.len, "CERTIFICATE", out + used, cap - used);
    return used;
}

size_t credential_key_pem(const struct credential *credential, char *out, size_t cap)
{
    mbedtls_pk_context *key = (mbedtls_pk_context *)(uintptr_t)&credential->key;

    must(mbedtls_pk_write_key_pem(key, (unsigned char *)out, cap), "a key's text");
    return strlen(out);
}
