/*
 * mbed.h - mbedTLS 2.28 and 3.6 as one: all that differs between them, and what their structs keep
 * to themselves, is here and nowhere else. Include it instead of <mbedtls/...> where one of these
 * is needed.
 */
#ifndef BASE_MBED_H
#define BASE_MBED_H

#include <stdbool.h>
#include <stddef.h>

#include <mbedtls/md.h>
#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/sha1.h>
#include <mbedtls/sha256.h>
#include <mbedtls/sha512.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>

#include <moxdial/base.h>

#define MBED_3 (MBEDTLS_VERSION_MAJOR >= 3)

#ifndef MBEDTLS_PRIVATE /* 2.28 keeps nothing to itself */
#define MBEDTLS_PRIVATE(member) member
#endif

#if MBED_3 && defined(MBEDTLS_SSL_PROTO_TLS1_3)
#define MBED_TLS13 1
#else
#define MBED_TLS13 0
#endif

/* A version that we do not speak. */
#if MBED_3
#define MBED_ERR_SSL_VERSION MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION
#else
#define MBED_ERR_SSL_VERSION MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION
#endif

/* To be called before any key or TLS session is made; any thread, any number of times. MOX_OK,
 * MOX_E_NOMEM, MOX_E_OS (no randomness). */
int mbed_init(struct mox_error *err);

/* Whether a failure of mbedTLS comes of memory, or of the source of random numbers. */
bool mbed_is_nomem(int ret);
bool mbed_is_random(int ret);

/* Whether it comes of a key or a signature in a certificate that mbedTLS does not know. */
bool mbed_is_unknown_kind(int ret);

/* A random number function that fails says so. */
enum { MBED_NO_RANDOM = -0x0034 /* MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED */ };

/* 0, or an error of mbedTLS. out: 20, 32, 64 bytes. */
int mbed_sha1(const void *bytes, size_t len, unsigned char *out);
int mbed_sha256(const void *bytes, size_t len, unsigned char *out);
int mbed_sha512(const void *bytes, size_t len, unsigned char *out);

/* SHA-256 of what comes in pieces; the end frees it, whatever failed. 0, or an error of mbedTLS. */
int mbed_sha256_begin(mbedtls_sha256_context *sha);
int mbed_sha256_add(mbedtls_sha256_context *sha, const void *bytes, size_t len);
int mbed_sha256_end(mbedtls_sha256_context *sha, unsigned char *out);

/* A password and its salt. */
struct mbed_salted {
    const unsigned char *password, *salt;
    size_t password_len, salt_len;
};

/* PBKDF2 with HMAC (RFC 8018). 0, or an error of mbedTLS. */
int mbed_pbkdf2(mbedtls_md_type_t md, const struct mbed_salted *salted, unsigned iterations,
                unsigned char *out, size_t len);

/* As mbedtls_pk_parse_key, mbedtls_pk_check_pair; the text of a PEM key includes its NUL. */
int mbed_pk_parse(mbedtls_pk_context *pk, const unsigned char *text, size_t len);
int mbed_pk_check_pair(const mbedtls_pk_context *public_key, const mbedtls_pk_context *key);

/* What a PEM text holds; borrowed from it. */
static inline const unsigned char *mbed_pem_bytes(const mbedtls_pem_context *pem, size_t *len)
{
    *len = pem->MBEDTLS_PRIVATE(buflen);
    return pem->MBEDTLS_PRIVATE(buf);
}

/* A client that takes TLS 1.2 at least, and the groups and signature algorithms in our order. */
void mbed_conf_client(mbedtls_ssl_config *conf);

/*
 * TLS 1.2 and no RSA-PSS. A server of TLS 1.2 that goes by its own order takes RSA-PSS, which 3.6
 * offers for TLS 1.3 but cannot read in TLS 1.2: then it ends the handshake with this error.
 */
void mbed_conf_narrow(mbedtls_ssl_config *conf);

static inline bool mbed_wants_narrow(int ret)
{
#if MBED_TLS13
    return ret == MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER;
#else
    (void)ret;
    return false;
#endif
}

/* The session of an open one, ours to change; NULL before. */
static inline mbedtls_ssl_session *mbed_session(const mbedtls_ssl_context *ssl)
{
    return ssl->MBEDTLS_PRIVATE(session);
}

static inline int mbed_session_suite(const mbedtls_ssl_session *session)
{
    return session->MBEDTLS_PRIVATE(ciphersuite);
}

/* Of one whose handshake is over. */
static inline bool mbed_is_13(const mbedtls_ssl_context *ssl)
{
#if MBED_TLS13
    return ssl->MBEDTLS_PRIVATE(tls_version) == MBEDTLS_SSL_VERSION_TLS1_3;
#else
    (void)ssl;
    return false;
#endif
}

/* Frees the chain that the peer sent. */
void mbed_session_drop_chain(mbedtls_ssl_session *session);

/* The ticket, NULL: none; its life in seconds, 0: not said. */
static inline const unsigned char *mbed_session_ticket(const mbedtls_ssl_session *session,
                                                       size_t *len, uint32_t *lifetime_s)
{
    *len = session->MBEDTLS_PRIVATE(ticket_len);
    *lifetime_s = session->MBEDTLS_PRIVATE(ticket_lifetime);
    return session->MBEDTLS_PRIVATE(ticket);
}

static inline size_t mbed_session_id_len(const mbedtls_ssl_session *session)
{
    return session->MBEDTLS_PRIVATE(id_len);
}

/* As mbedtls_ssl_session_save, but without the chain and, unless told, without the ticket. */
int mbed_session_save(const mbedtls_ssl_session *session, bool ticket, unsigned char *out,
                      size_t cap, size_t *len);

/* Whether a server hello is what is expected next. */
static inline bool mbed_before_server_hello(const mbedtls_ssl_context *ssl)
{
    return ssl->MBEDTLS_PRIVATE(state) <= (int)MBEDTLS_SSL_SERVER_HELLO;
}

/* Whether a server's certificate is what is said next. */
static inline bool mbed_shows_certificate(const mbedtls_ssl_context *ssl)
{
    return ssl->MBEDTLS_PRIVATE(state) == (int)MBEDTLS_SSL_SERVER_CERTIFICATE;
}

static inline bool mbed_handshake_over(const mbedtls_ssl_context *ssl)
{
#if MBED_3
    return ssl->MBEDTLS_PRIVATE(state) >= (int)MBEDTLS_SSL_HANDSHAKE_OVER;
#else
    return ssl->state == MBEDTLS_SSL_HANDSHAKE_OVER;
#endif
}

/* The message read last, while it stands in the buffer. len: of a handshake message, its header
 * included. */
static inline const unsigned char *mbed_message(const mbedtls_ssl_context *ssl, size_t *len)
{
    *len = ssl->MBEDTLS_PRIVATE(in_hslen);
    return ssl->MBEDTLS_PRIVATE(in_msg);
}

/* The length of the message that a handshake which ended with this error broke on: it must fit into
 * a buffer, with 2.28 into the record that it begins in. 0: that was not why. */
size_t mbed_unread(const mbedtls_ssl_context *ssl, int ret);

/* Whether what a read or write returned only says that a ticket came. */
static inline bool mbed_is_ticket(int ret)
{
#if MBED_TLS13
    return ret == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET;
#else
    (void)ret;
    return false;
#endif
}

/* Exported keying material without a context (RFC 8446 section 7.5). 0, or an error of mbedTLS: it
 * has none before 3.6.4. */
int mbed_export(mbedtls_ssl_context *ssl, const char *label, unsigned char *out, size_t len);

/* The alert that was read last. */
static inline int mbed_alert(const mbedtls_ssl_context *ssl)
{
    return ssl->MBEDTLS_PRIVATE(in_msg)[1];
}

/* What stands in the two Finished messages of TLS 1.2; its length, 0: this build does not keep it.
 */
size_t mbed_finished(const mbedtls_ssl_context *ssl, bool of_client, unsigned char *out,
                     size_t cap);

#endif
