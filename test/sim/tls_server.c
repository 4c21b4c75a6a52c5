/*
 * tls_server.c - see tls_server.h. A session is one large block, so that tests which let memory run
 * out by counting small ones do not hit it; mbedTLS below takes what it takes.
 */
#include "test/sim/tls_server.h"

#include <stdlib.h>
#include <string.h>

#include <mbedtls/ssl_cache.h>
#include <mbedtls/ssl_ticket.h>

enum { ROOM = 1 << 17, DAY = 86400, NAME = 256 };

struct tls_server {
    struct tls_server_options options;
    uint64_t chance;
    mbedtls_ssl_config conf;
    mbedtls_ssl_ticket_context tickets;
    mbedtls_ssl_cache_context cache;
};

struct channel { /* bytes on their way */
    size_t at, len;
    unsigned char bytes[ROOM];
};

struct tls_session {
    struct tls_server *server;
    mbedtls_ssl_context ssl;
    enum tls_session_state state;
    int alert;
    bool full; /* the handshake was a full one */
    char name[NAME];
    struct channel in, out;
};

static size_t put(struct channel *channel, const void *bytes, size_t len)
{
    if (channel->at == channel->len)
        channel->at = channel->len = 0;
    if (len > ROOM - channel->len)
        len = ROOM - channel->len;
    if (len == 0)
        return 0;
    memcpy(channel->bytes + channel->len, bytes, len);
    channel->len += len;
    return len;
}

static size_t get(struct channel *channel, void *out, size_t cap)
{
    size_t len = channel->len - channel->at;

    if (len > cap)
        len = cap;
    memcpy(out, channel->bytes + channel->at, len);
    channel->at += len;
    return len;
}

static int receive(void *arg, unsigned char *buf, size_t len)
{
    size_t n = get(&((struct tls_session *)arg)->in, buf, len);

    return n == 0 ? MBEDTLS_ERR_SSL_WANT_READ : (int)n;
}

static int transmit(void *arg, const unsigned char *buf, size_t len)
{
    size_t n = put(&((struct tls_session *)arg)->out, buf, len);

    return n == 0 ? MBEDTLS_ERR_SSL_WANT_WRITE : (int)n;
}

static void must(int ret)
{
    if (ret != 0)
        abort();
}

static void set_version(mbedtls_ssl_config *conf, enum tls_server_version version)
{
#if MBED_3
    mbedtls_ssl_conf_min_tls_version(conf, version == TLS_SERVER_13 ? MBEDTLS_SSL_VERSION_TLS1_3
                                                                    : MBEDTLS_SSL_VERSION_TLS1_2);
    if (version == TLS_SERVER_12)
        mbedtls_ssl_conf_max_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
#else
    (void)version;
    mbedtls_ssl_conf_min_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
}

/* mbedTLS keeps the name that a client asks for where nobody can read it any more. */
static int note_name(void *arg, mbedtls_ssl_context *ssl, const unsigned char *name, size_t len)
{
    struct tls_session *session = ssl->MBEDTLS_PRIVATE(p_bio);

    (void)arg;
    if (len >= sizeof session->name)
        return -1;
    memcpy(session->name, name, len);
    session->name[len] = '\0';
    return 0;
}

static void set_resumption(struct tls_server *server)
{
    const struct tls_server_options *options = &server->options;

    mbedtls_ssl_cache_init(&server->cache);
    mbedtls_ssl_ticket_init(&server->tickets);
    must(mbedtls_ssl_ticket_setup(&server->tickets, authority_random, &server->chance,
                                  MBEDTLS_CIPHER_AES_256_GCM,
                                  options->ticket_life_s != 0 ? options->ticket_life_s : DAY));
    if (options->tickets)
        mbedtls_ssl_conf_session_tickets_cb(&server->conf, mbedtls_ssl_ticket_write,
                                            mbedtls_ssl_ticket_parse, &server->tickets);
    if (options->cache)
        mbedtls_ssl_conf_session_cache(&server->conf, &server->cache, mbedtls_ssl_cache_get,
                                       mbedtls_ssl_cache_set);
}

struct tls_server *tls_server_new(const struct tls_server_options *options)
{
    struct tls_server *server = calloc(1, sizeof *server);
    struct credential *credential = (struct credential *)(uintptr_t)options->credential;

    must(server == NULL);
    must(mbed_init(NULL));
    server->options = *options;
    server->chance = options->seed;
    mbedtls_ssl_config_init(&server->conf);
    must(mbedtls_ssl_config_defaults(&server->conf, MBEDTLS_SSL_IS_SERVER,
                                     MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT));
    set_version(&server->conf, options->version);
    mbedtls_ssl_conf_rng(&server->conf, authority_random, &server->chance);
    must(mbedtls_ssl_conf_own_cert(&server->conf, &credential->chain, &credential->key));
    mbedtls_ssl_conf_sni(&server->conf, note_name, NULL);
    mbedtls_ssl_conf_authmode(&server->conf, options->asks ? MBEDTLS_SSL_VERIFY_OPTIONAL
                                                           : MBEDTLS_SSL_VERIFY_NONE);
    if (options->old_secret)
        mbedtls_ssl_conf_extended_master_secret(&server->conf, MBEDTLS_SSL_EXTENDED_MS_DISABLED);
    if (options->suites != NULL)
        mbedtls_ssl_conf_ciphersuites(&server->conf, options->suites);
    set_resumption(server);
    return server;
}

void tls_server_free(struct tls_server *server)
{
    if (server == NULL)
        return;
    mbedtls_ssl_config_free(&server->conf);
    mbedtls_ssl_cache_free(&server->cache);
    mbedtls_ssl_ticket_free(&server->tickets);
    free(server);
}

void tls_server_forget(struct tls_server *server)
{
    mbedtls_ssl_cache_free(&server->cache);
    mbedtls_ssl_ticket_free(&server->tickets);
    set_resumption(server);
}

struct tls_session *tls_session_new(struct tls_server *server)
{
    struct tls_session *session = calloc(1, sizeof *session); /* whole: what is left is looked at */

    must(session == NULL);
    session->server = server;
    session->alert = -1;
    mbedtls_ssl_init(&session->ssl);
    must(mbedtls_ssl_setup(&session->ssl, &server->conf));
    mbedtls_ssl_set_bio(&session->ssl, session, transmit, receive, NULL);
    return session;
}

void tls_session_free(struct tls_session *session)
{
    if (session == NULL)
        return;
    mbedtls_ssl_free(&session->ssl);
    free(session);
}

size_t tls_session_feed(struct tls_session *session, const void *bytes, size_t len)
{
    return put(&session->in, bytes, len);
}

size_t tls_session_take(struct tls_session *session, void *out, size_t cap)
{
    return get(&session->out, out, cap);
}

static bool waits(int ret)
{
    return ret == MBEDTLS_ERR_SSL_WANT_READ || ret == MBEDTLS_ERR_SSL_WANT_WRITE;
}

static void end(struct tls_session *session, int ret)
{
    session->state = TLS_SESSION_FAILED;
    if (ret == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
        session->state = TLS_SESSION_CLOSED;
    else if (ret == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
        session->alert = mbed_alert(&session->ssl);
}

/* A full handshake comes by a state that a resumed one does not know. */
static void shake_hands(struct tls_session *session)
{
    int ret = 0;

    while (ret == 0 && !mbed_handshake_over(&session->ssl)) {
        if (mbed_shows_certificate(&session->ssl))
            session->full = true;
        ret = mbedtls_ssl_handshake_step(&session->ssl);
    }
    if (ret == 0)
        session->state = TLS_SESSION_OPEN;
    else if (!waits(ret))
        end(session, ret);
}

size_t tls_session_read(struct tls_session *session, void *out, size_t cap)
{
    int ret;

    if (session->state == TLS_SESSION_HANDSHAKE)
        shake_hands(session);
    if (session->state != TLS_SESSION_OPEN)
        return 0;
    ret = mbedtls_ssl_read(&session->ssl, out, cap);
    if (ret > 0)
        return (size_t)ret;
    if (!waits(ret))
        end(session, ret);
    return 0;
}

bool tls_session_write(struct tls_session *session, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;

    while (session->state == TLS_SESSION_OPEN && len > 0) {
        int ret = mbedtls_ssl_write(&session->ssl, at, len);

        if (ret <= 0)
            return false;
        at += ret;
        len -= (size_t)ret;
    }
    return session->state == TLS_SESSION_OPEN;
}

void tls_session_close(struct tls_session *session)
{
    (void)mbedtls_ssl_close_notify(&session->ssl);
}

/* What mbedTLS sends only where it is configured to do another handshake, which is not wanted. */
void tls_session_ask_again(struct tls_session *session)
{
    mbedtls_ssl_conf_renegotiation(&session->server->conf, MBEDTLS_SSL_RENEGOTIATION_ENABLED);
    (void)mbedtls_ssl_renegotiate(&session->ssl);
}

void tls_session_warn(struct tls_session *session, int alert)
{
    (void)mbedtls_ssl_send_alert_message(&session->ssl, MBEDTLS_SSL_ALERT_LEVEL_WARNING,
                                         (unsigned char)alert);
}

void tls_session_alert(struct tls_session *session, int alert)
{
    (void)mbedtls_ssl_send_alert_message(&session->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                         (unsigned char)alert);
    session->state = TLS_SESSION_FAILED;
}

enum tls_session_state tls_session_state(const struct tls_session *session)
{
    return session->state;
}

bool tls_session_resumed(const struct tls_session *session)
{
    return session->state != TLS_SESSION_HANDSHAKE && !session->full;
}

int tls_session_alerted(const struct tls_session *session)
{
    return session->alert;
}

const char *tls_session_name(const struct tls_session *session)
{
    return session->name;
}

const char *tls_session_version(const struct tls_session *session)
{
    return mbedtls_ssl_get_version(&session->ssl);
}

bool tls_session_certified(const struct tls_session *session)
{
    return mbedtls_ssl_get_peer_cert(&session->ssl) != NULL;
}

size_t tls_session_binding(struct tls_session *session, unsigned char out[32])
{
    bool by_server = tls_session_resumed(session); /* who said Finished first */

    if (!mbed_is_13(&session->ssl))
        return mbed_finished(&session->ssl, by_server, out, 32); /* the server's own is ours */
    return mbed_export(&session->ssl, "EXPORTER-Channel-Binding", out, 32) == 0 ? 32 : 0;
}
