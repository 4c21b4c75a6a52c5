/*
 * secure.c - see secure.h.
 */
#include "secure.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <mbedtls/entropy.h>
#include <mbedtls/ssl.h>

#include "mbed.h"
#include "papers.h"

struct secure {
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context chance;
    mbedtls_ssl_config conf;
    struct papers own, authority, smarthost;
};

struct secure_session {
    mbedtls_ssl_context ssl;
    int fd;
    bool open;
};

static struct papers *papers_of(struct secure *secure, const void *host, size_t len)
{
    const char *name = secure->smarthost.name;

    return len == strlen(name) && memcmp(host, name, len) == 0 ? &secure->smarthost : &secure->own;
}

/* What mbedTLS calls with the name that the client asks for. */
static int choose(void *arg, mbedtls_ssl_context *ssl, const unsigned char *host, size_t len)
{
    struct papers *papers = papers_of(arg, host, len);

    return mbedtls_ssl_set_hs_own_cert(ssl, &papers->certificate, &papers->key);
}

static bool make(struct secure *secure)
{
    return mbed_start() &&
           mbedtls_ctr_drbg_seed(&secure->chance, mbedtls_entropy_func, &secure->entropy, NULL,
                                 0) == 0 &&
           papers_make(&secure->own, "mx.dane.example", &secure->own, &secure->chance) &&
           papers_make(&secure->authority, "The demo's authority", &secure->authority,
                       &secure->chance) &&
           papers_make(&secure->smarthost, "smarthost.example", &secure->authority,
                       &secure->chance) &&
           mbedtls_ssl_config_defaults(&secure->conf, MBEDTLS_SSL_IS_SERVER,
                                       MBEDTLS_SSL_TRANSPORT_STREAM,
                                       MBEDTLS_SSL_PRESET_DEFAULT) == 0 &&
           mbedtls_ssl_conf_own_cert(&secure->conf, &secure->own.certificate, &secure->own.key) ==
               0;
}

void secure_free(struct secure *secure)
{
    if (secure == NULL)
        return;
    mbedtls_ssl_config_free(&secure->conf);
    papers_free(&secure->own);
    papers_free(&secure->authority);
    papers_free(&secure->smarthost);
    mbedtls_ctr_drbg_free(&secure->chance);
    mbedtls_entropy_free(&secure->entropy);
    free(secure);
}

struct secure *secure_new(void)
{
    struct secure *secure = calloc(1, sizeof *secure);

    if (secure == NULL)
        return NULL;
    mbedtls_entropy_init(&secure->entropy);
    mbedtls_ctr_drbg_init(&secure->chance);
    mbedtls_ssl_config_init(&secure->conf);
    if (!make(secure)) {
        secure_free(secure);
        return NULL;
    }
    mbedtls_ssl_conf_rng(&secure->conf, mbedtls_ctr_drbg_random, &secure->chance);
    mbedtls_ssl_conf_sni(&secure->conf, choose, secure);
    return secure;
}

const char *secure_authority(const struct secure *secure)
{
    return secure->authority.pem;
}

bool secure_hash(const struct secure *secure, const char *host, unsigned char *hash)
{
    return papers_hash(papers_of((struct secure *)(uintptr_t)secure, host, strlen(host)), hash);
}

static int receive(void *arg, unsigned char *out, size_t cap)
{
    ssize_t n = recv(((struct secure_session *)arg)->fd, out, cap, MSG_DONTWAIT);

    if (n >= 0)
        return (int)n;
    return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_READ
                                             : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

/* What is sent here always fits into the socket's buffer. */
static int transmit(void *arg, const unsigned char *bytes, size_t len)
{
    ssize_t n = send(((struct secure_session *)arg)->fd, bytes, len, MSG_NOSIGNAL);

    return n >= 0 ? (int)n : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

void secure_close(struct secure_session *session)
{
    if (session == NULL)
        return;
    if (session->open)
        (void)mbedtls_ssl_close_notify(&session->ssl);
    mbedtls_ssl_free(&session->ssl);
    free(session);
}

struct secure_session *secure_accept(const struct secure *secure, int fd)
{
    struct secure_session *session = calloc(1, sizeof *session);

    if (session == NULL)
        return NULL;
    session->fd = fd;
    mbedtls_ssl_init(&session->ssl);
    if (mbedtls_ssl_setup(&session->ssl, &secure->conf) != 0) {
        secure_close(session);
        return NULL;
    }
    mbedtls_ssl_set_bio(&session->ssl, session, transmit, receive, NULL);
    return session;
}

ssize_t secure_read(struct secure_session *session, char *out, size_t cap)
{
    int ret = session->open ? 0 : mbedtls_ssl_handshake(&session->ssl);

    if (ret == 0) {
        session->open = true;
        ret = mbedtls_ssl_read(&session->ssl, (unsigned char *)out, cap);
    }
    if (ret > 0)
        return ret;
    return ret == MBEDTLS_ERR_SSL_WANT_READ ? 0 : -1;
}

void secure_write(struct secure_session *session, const char *text)
{
    (void)mbedtls_ssl_write(&session->ssl, (const unsigned char *)text, strlen(text));
}
