/*
 * papers.c - see papers.h.
 */
#include "papers.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <mbedtls/ecp.h>
#include <mbedtls/md.h>
#include <mbedtls/oid.h>

#include "mbed.h"

enum { DAY = 86400, DAYS = 90, NAME = 100, SUBJECT = 128, DATE = 16, PUBLIC_KEY = 256 };

static bool make_key(mbedtls_pk_context *key, mbedtls_ctr_drbg_context *chance)
{
    return mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) == 0 &&
           mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key),
                               mbedtls_ctr_drbg_random, chance) == 0;
}

/* One DNS name (RFC 5280 section 4.2.1.6), by hand, for mbedTLS 2.28 writes none. */
static bool set_host(mbedtls_x509write_cert *cert, const char *host)
{
    size_t len = strlen(host);
    unsigned char der[NAME + 4] = {0x30, (unsigned char)(len + 2), 0x82, (unsigned char)len};

    if (len > NAME)
        return false;
    memcpy(der + 4, host, len);
    return mbedtls_x509write_crt_set_extension(cert, MBEDTLS_OID_SUBJECT_ALT_NAME,
                                               MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), 0,
                                               der, len + 4) == 0;
}

static bool set_names(mbedtls_x509write_cert *cert, const char *name, const char *issuer)
{
    char text[SUBJECT];

    snprintf(text, sizeof text, "CN=%s", name);
    if (mbedtls_x509write_crt_set_subject_name(cert, text) != 0)
        return false;
    snprintf(text, sizeof text, "CN=%s", issuer);
    return mbedtls_x509write_crt_set_issuer_name(cert, text) == 0;
}

/* Half a day to each side, for clocks differ. */
static bool set_dates(mbedtls_x509write_cert *cert)
{
    time_t now = time(NULL), days[] = {now - DAY / 2, now + (time_t)DAYS * DAY + DAY / 2};
    char text[2][DATE];
    struct tm tm;

    for (int i = 0; i < 2; i++) {
        if (gmtime_r(&days[i], &tm) == NULL || strftime(text[i], DATE, "%Y%m%d%H%M%S", &tm) == 0)
            return false;
    }
    return mbedtls_x509write_crt_set_validity(cert, text[0], text[1]) == 0;
}

static bool sign(struct papers *papers, const struct papers *issuer,
                 mbedtls_ctr_drbg_context *chance)
{
    mbedtls_x509write_cert cert;
    bool is_host = strchr(papers->name, '.') != NULL, good;

    mbedtls_x509write_crt_init(&cert);
    mbedtls_x509write_crt_set_version(&cert, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&cert, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&cert, &papers->key);
    mbedtls_x509write_crt_set_issuer_key(&cert, (mbedtls_pk_context *)(uintptr_t)&issuer->key);
    good = mbed_set_serial(&cert, is_host ? 2 : 1) &&
           set_names(&cert, papers->name, issuer->name) &&
           (!is_host || set_host(&cert, papers->name)) && set_dates(&cert) &&
           mbedtls_x509write_crt_set_basic_constraints(&cert, !is_host, -1) == 0 &&
           mbedtls_x509write_crt_pem(&cert, (unsigned char *)papers->pem, sizeof papers->pem,
                                     mbedtls_ctr_drbg_random, chance) == 0;
    mbedtls_x509write_crt_free(&cert);
    return good;
}

bool papers_make(struct papers *papers, const char *name, const struct papers *issuer,
                 mbedtls_ctr_drbg_context *chance)
{
    mbedtls_x509_crt_init(&papers->certificate);
    mbedtls_pk_init(&papers->key);
    papers->name = name;
    return make_key(&papers->key, chance) && sign(papers, issuer, chance) &&
           mbedtls_x509_crt_parse(&papers->certificate, (unsigned char *)papers->pem,
                                  strlen(papers->pem) + 1) == 0;
}

bool papers_hash(const struct papers *papers, unsigned char hash[PAPERS_HASH])
{
    mbedtls_pk_context *key = (mbedtls_pk_context *)(uintptr_t)&papers->key;
    unsigned char der[PUBLIC_KEY];
    int len = mbedtls_pk_write_pubkey_der(key, der, sizeof der); /* at its end */

    return len > 0 && mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256),
                                 der + sizeof der - len, (size_t)len, hash) == 0;
}

void papers_free(struct papers *papers)
{
    mbedtls_x509_crt_free(&papers->certificate);
    mbedtls_pk_free(&papers->key);
}
