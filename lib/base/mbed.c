/* mbed.c - see mbed.h. */
#include "base/mbed.h"

#include <pthread.h>
#include <string.h>

#include <mbedtls/bignum.h>
#include <mbedtls/cipher.h>
#include <mbedtls/dhm.h>
#include <mbedtls/ecp.h>
#include <mbedtls/pem.h>
#include <mbedtls/pkcs5.h>
#include <mbedtls/platform.h>
#if MBED_3
#include <mbedtls/psa_util.h>
#include <psa/crypto.h>
#endif

#include "base/error.h"

#if MBED_TLS13
static psa_status_t psa_status;

static void start_psa(void)
{
    psa_status = psa_crypto_init();
}
#endif

int mbed_init(struct mox_error *err)
{
#if MBED_TLS13
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, start_psa);
    if (psa_status == PSA_ERROR_INSUFFICIENT_MEMORY)
        return error_nomem(err);
    if (psa_status != PSA_SUCCESS)
        return error_set(err, MOX_E_OS, "no random numbers for TLS: mbedTLS error %d",
                         (int)psa_status);
#endif
    return error_none(err);
}

/* A failure is the sum of a high and a low part, either of which may be absent. */
static int high_part(int ret)
{
    return -(-ret & 0xff80);
}

static int low_part(int ret)
{
    return -(-ret & 0x7f);
}

bool mbed_is_nomem(int ret)
{
    switch (high_part(ret)) {
    case MBEDTLS_ERR_SSL_ALLOC_FAILED:
    case MBEDTLS_ERR_X509_ALLOC_FAILED:
    case MBEDTLS_ERR_PK_ALLOC_FAILED:
    case MBEDTLS_ERR_ECP_ALLOC_FAILED:
    case MBEDTLS_ERR_MD_ALLOC_FAILED:
    case MBEDTLS_ERR_CIPHER_ALLOC_FAILED:
    case MBEDTLS_ERR_PEM_ALLOC_FAILED:
    case MBEDTLS_ERR_DHM_ALLOC_FAILED:
        return true;
    default:
        return low_part(ret) == MBEDTLS_ERR_MPI_ALLOC_FAILED ||
               low_part(ret) == MBEDTLS_ERR_ASN1_ALLOC_FAILED;
    }
}

/* 2.28 passes over a certificate whose signature it does not know, and then misses its key. */
bool mbed_is_unknown_kind(int ret)
{
    switch (high_part(ret)) {
    case MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG:
    case MBEDTLS_ERR_PK_UNKNOWN_PK_ALG:
    case MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE:
    case MBEDTLS_ERR_SSL_PK_TYPE_MISMATCH:
        return true;
    default:
        return false;
    }
}

size_t mbed_unread(const mbedtls_ssl_context *ssl, int ret)
{
    size_t len = ssl->MBEDTLS_PRIVATE(in_hslen);
    bool parted = !MBED_3 && ret == MBEDTLS_ERR_SSL_FEATURE_UNAVAILABLE &&
                  len > ssl->MBEDTLS_PRIVATE(in_msglen);

    return parted || len > MBEDTLS_SSL_IN_CONTENT_LEN ? len : 0;
}

bool mbed_is_random(int ret)
{
    return low_part(ret) == MBED_NO_RANDOM;
}

#if MBED_3
int mbed_sha1(const void *bytes, size_t len, unsigned char *out)
{
    return mbedtls_sha1(bytes, len, out);
}

int mbed_sha256(const void *bytes, size_t len, unsigned char *out)
{
    return mbedtls_sha256(bytes, len, out, 0);
}

int mbed_sha256_begin(mbedtls_sha256_context *sha)
{
    mbedtls_sha256_init(sha);
    return mbedtls_sha256_starts(sha, 0);
}

int mbed_sha256_add(mbedtls_sha256_context *sha, const void *bytes, size_t len)
{
    return mbedtls_sha256_update(sha, bytes, len);
}

int mbed_sha256_end(mbedtls_sha256_context *sha, unsigned char *out)
{
    int ret = mbedtls_sha256_finish(sha, out);

    mbedtls_sha256_free(sha);
    return ret;
}

int mbed_sha512(const void *bytes, size_t len, unsigned char *out)
{
    return mbedtls_sha512(bytes, len, out, 0);
}

int mbed_pbkdf2(mbedtls_md_type_t md, const struct mbed_salted *salted, unsigned iterations,
                unsigned char *out, size_t len)
{
    return mbedtls_pkcs5_pbkdf2_hmac_ext(md, salted->password, salted->password_len, salted->salt,
                                         salted->salt_len, iterations, (uint32_t)len, out);
}

int mbed_pk_parse(mbedtls_pk_context *pk, const unsigned char *text, size_t len)
{
    return mbedtls_pk_parse_key(pk, text, len, NULL, 0, mbedtls_psa_get_random,
                                MBEDTLS_PSA_RANDOM_STATE);
}

int mbed_pk_check_pair(const mbedtls_pk_context *public_key, const mbedtls_pk_context *key)
{
    return mbedtls_pk_check_pair(public_key, key, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
}
#else
int mbed_sha1(const void *bytes, size_t len, unsigned char *out)
{
    return mbedtls_sha1_ret(bytes, len, out);
}

int mbed_sha256(const void *bytes, size_t len, unsigned char *out)
{
    return mbedtls_sha256_ret(bytes, len, out, 0);
}

int mbed_sha256_begin(mbedtls_sha256_context *sha)
{
    mbedtls_sha256_init(sha);
    return mbedtls_sha256_starts_ret(sha, 0);
}

int mbed_sha256_add(mbedtls_sha256_context *sha, const void *bytes, size_t len)
{
    return mbedtls_sha256_update_ret(sha, bytes, len);
}

int mbed_sha256_end(mbedtls_sha256_context *sha, unsigned char *out)
{
    int ret = mbedtls_sha256_finish_ret(sha, out);

    mbedtls_sha256_free(sha);
    return ret;
}

int mbed_sha512(const void *bytes, size_t len, unsigned char *out)
{
    return mbedtls_sha512_ret(bytes, len, out, 0);
}

int mbed_pbkdf2(mbedtls_md_type_t md, const struct mbed_salted *salted, unsigned iterations,
                unsigned char *out, size_t len)
{
    mbedtls_md_context_t hmac;
    int ret;

    mbedtls_md_init(&hmac);
    ret = mbedtls_md_setup(&hmac, mbedtls_md_info_from_type(md), 1);
    if (ret == 0)
        ret = mbedtls_pkcs5_pbkdf2_hmac(&hmac, salted->password, salted->password_len, salted->salt,
                                        salted->salt_len, iterations, (uint32_t)len, out);
    mbedtls_md_free(&hmac);
    return ret;
}

int mbed_pk_parse(mbedtls_pk_context *pk, const unsigned char *text, size_t len)
{
    return mbedtls_pk_parse_key(pk, text, len, NULL, 0);
}

int mbed_pk_check_pair(const mbedtls_pk_context *public_key, const mbedtls_pk_context *key)
{
    return mbedtls_pk_check_pair(public_key, key);
}
#endif

/*
 * x25519 first: the fastest in every build. rsa_pkcs1 stands before rsa_pss: a TLS 1.2 server takes
 * the first it knows, and mbedTLS cannot read a TLS 1.2 key exchange that is signed with rsa_pss.
 * SHA-256 first, for it costs least.
 */
void mbed_conf_client(mbedtls_ssl_config *conf)
{
#if MBED_3
    static const uint16_t groups[] = {
        MBEDTLS_SSL_IANA_TLS_GROUP_X25519, MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
        MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_SECP521R1,
        MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
    static const uint16_t signatures[] = {
        MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256, MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
        MBEDTLS_TLS1_3_SIG_ECDSA_SECP521R1_SHA512, MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,
        MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,       MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512,
        MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256,    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384,
        MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512,    MBEDTLS_TLS1_3_SIG_NONE};

    mbedtls_ssl_conf_min_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_groups(conf, groups);
    mbedtls_ssl_conf_sig_algs(conf, signatures);
#if MBED_TLS13
    /* Resumed or not, each session has a secret of its own; and tickets are told. */
    mbedtls_ssl_conf_tls13_key_exchange_modes(conf,
                                              MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ALL);
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
        conf, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
#endif
#else
    static const mbedtls_ecp_group_id groups[] = {
        MBEDTLS_ECP_DP_CURVE25519, MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_SECP384R1,
        MBEDTLS_ECP_DP_SECP521R1, MBEDTLS_ECP_DP_NONE};
    static const int hashes[] = {MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA384, MBEDTLS_MD_SHA512,
                                 MBEDTLS_MD_NONE};

    mbedtls_ssl_conf_min_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
    mbedtls_ssl_conf_curves(conf, groups);
    mbedtls_ssl_conf_sig_hashes(conf, hashes);
#endif
}

void mbed_conf_narrow(mbedtls_ssl_config *conf)
{
#if MBED_TLS13
    static const uint16_t signatures[] = {MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256,
                                          MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
                                          MBEDTLS_TLS1_3_SIG_ECDSA_SECP521R1_SHA512,
                                          MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,
                                          MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,
                                          MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512,
                                          MBEDTLS_TLS1_3_SIG_NONE};

    mbedtls_ssl_conf_max_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_sig_algs(conf, signatures);
#else
    (void)conf; /* it offers no more than that */
#endif
}

void mbed_session_drop_chain(mbedtls_ssl_session *session)
{
    mbedtls_x509_crt *chain = session->MBEDTLS_PRIVATE(peer_cert);

    if (chain == NULL)
        return;
    session->MBEDTLS_PRIVATE(peer_cert) = NULL;
    mbedtls_x509_crt_free(chain);
    mbedtls_free(chain);
}

int mbed_session_save(const mbedtls_ssl_session *session, bool ticket, unsigned char *out,
                      size_t cap, size_t *len)
{
    mbedtls_ssl_session lent = *session;
    int ret;

    lent.MBEDTLS_PRIVATE(peer_cert) = NULL;
    if (!ticket) {
        lent.MBEDTLS_PRIVATE(ticket) = NULL;
        lent.MBEDTLS_PRIVATE(ticket_len) = 0;
    }
    ret = mbedtls_ssl_session_save(&lent, out, cap, len);
    mbedtls_platform_zeroize(&lent, sizeof lent);
    return ret;
}

int mbed_export(mbedtls_ssl_context *ssl, const char *label, unsigned char *out, size_t len)
{
#if MBED_TLS13 && defined(MBEDTLS_SSL_KEYING_MATERIAL_EXPORT)
    return mbedtls_ssl_export_keying_material(ssl, out, len, label, strlen(label), NULL, 0, 0);
#else
    (void)ssl, (void)label, (void)out, (void)len;
    return MBEDTLS_ERR_SSL_FEATURE_UNAVAILABLE;
#endif
}

size_t mbed_finished(const mbedtls_ssl_context *ssl, bool sent, unsigned char *out, size_t cap)
{
#if defined(MBEDTLS_SSL_RENEGOTIATION)
    size_t len = ssl->MBEDTLS_PRIVATE(verify_data_len);

    if (len > cap)
        return 0;
    memcpy(out,
           sent ? ssl->MBEDTLS_PRIVATE(own_verify_data) : ssl->MBEDTLS_PRIVATE(peer_verify_data),
           len);
    return len;
#else
    (void)ssl, (void)sent, (void)out, (void)cap;
    return 0;
#endif
}
