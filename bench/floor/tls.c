/*
 * tls.c - the floor of a dial with TLS: what mbedTLS costs under one epoll loop, with the groups,
 * signatures and suites that the library offers first, and nothing else. socket, connect, greeting,
 * EHLO, STARTTLS, handshake, EHLO, QUIT, reply, close_notify, close.
 *
 *   tls ADDRESS PORT COUNT CONCURRENCY full|resume|hold [AUTHORITY]
 *
 * resume: with the newest session there is, kept without its chain; the first dial goes alone, for
 * those beside it could not resume. hold: each session stays open until COUNT are, then the bytes
 * of heap in use are printed, with the servers' chains and without. AUTHORITY: certificates to
 * verify the server by.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/platform.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#if MBEDTLS_VERSION_MAJOR >= 3
#include <psa/crypto.h>
#else
#define MBEDTLS_PRIVATE(member) member
#endif

enum { EVENTS = 256 };

static const char server_name[] = "mx.bench.example";

enum phase { GREETING, EHLO, STARTTLS, HANDSHAKE, EHLO_AGAIN, QUIT };

struct conn {
    int fd;
    enum phase phase; /* what is awaited: the reply to it, or its end */
    mbedtls_ssl_context ssl;
};

struct floor {
    struct sockaddr_in server;
    int poll, failed, resumes, holds, has_session;
    unsigned long started, done, held, count, concurrency;
    struct conn *conns;
    mbedtls_ssl_config conf;
    mbedtls_ssl_session session;
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_x509_crt authority;
};

static void must(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "floor/tls: %s\n", what);
    exit(1);
}

static void choose_algorithms(mbedtls_ssl_config *conf)
{
#if MBEDTLS_VERSION_MAJOR >= 3
    static const uint16_t groups[] = {
        MBEDTLS_SSL_IANA_TLS_GROUP_X25519, MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
        MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
    static const uint16_t signatures[] = {
        MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256, MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,
        MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256, MBEDTLS_TLS1_3_SIG_NONE};

    mbedtls_ssl_conf_groups(conf, groups);
    mbedtls_ssl_conf_sig_algs(conf, signatures);
    mbedtls_ssl_conf_min_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_tls13_key_exchange_modes(conf,
                                              MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ALL);
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
        conf, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
#else
    static const mbedtls_ecp_group_id groups[] = {MBEDTLS_ECP_DP_CURVE25519,
                                                  MBEDTLS_ECP_DP_SECP256R1,
                                                  MBEDTLS_ECP_DP_SECP384R1, MBEDTLS_ECP_DP_NONE};
    static const int hashes[] = {MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA384, MBEDTLS_MD_NONE};

    mbedtls_ssl_conf_curves(conf, groups);
    mbedtls_ssl_conf_sig_hashes(conf, hashes);
    mbedtls_ssl_conf_min_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
}

static void configure(struct floor *f, const char *authority)
{
    static const int suites[] = {
#if MBEDTLS_VERSION_MAJOR >= 3
        MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
#endif
        MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        0
    };

#if MBEDTLS_VERSION_MAJOR >= 3
    must(psa_crypto_init() == PSA_SUCCESS, "psa_crypto_init");
#endif
    mbedtls_entropy_init(&f->entropy);
    mbedtls_ctr_drbg_init(&f->random);
    mbedtls_ssl_session_init(&f->session);
    mbedtls_x509_crt_init(&f->authority);
    mbedtls_ssl_config_init(&f->conf);
    must(mbedtls_ctr_drbg_seed(&f->random, mbedtls_entropy_func, &f->entropy, NULL, 0) == 0 &&
             mbedtls_ssl_config_defaults(&f->conf, MBEDTLS_SSL_IS_CLIENT,
                                         MBEDTLS_SSL_TRANSPORT_STREAM,
                                         MBEDTLS_SSL_PRESET_DEFAULT) == 0,
         "configuration");
    choose_algorithms(&f->conf);
    mbedtls_ssl_conf_ciphersuites(&f->conf, suites);
    mbedtls_ssl_conf_rng(&f->conf, mbedtls_ctr_drbg_random, &f->random);
    mbedtls_ssl_conf_authmode(&f->conf, MBEDTLS_SSL_VERIFY_NONE);
    if (authority == NULL)
        return;
    must(mbedtls_x509_crt_parse_file(&f->authority, authority) == 0, authority);
    mbedtls_ssl_conf_ca_chain(&f->conf, &f->authority, NULL);
    mbedtls_ssl_conf_authmode(&f->conf, MBEDTLS_SSL_VERIFY_REQUIRED);
}

static int receive(void *arg, unsigned char *buf, size_t len)
{
    ssize_t n = recv(((struct conn *)arg)->fd, buf, len, 0);

    return n < 0 && errno == EAGAIN ? MBEDTLS_ERR_SSL_WANT_READ : (int)n;
}

static int transmit(void *arg, const unsigned char *buf, size_t len)
{
    return (int)send(((struct conn *)arg)->fd, buf, len, MSG_NOSIGNAL);
}

static void start(struct floor *f, struct conn *c)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

    if (f->started == f->count)
        return;
    f->started++;
    c->phase = GREETING;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    connect(c->fd, (struct sockaddr *)&f->server, sizeof f->server);
    must(epoll_ctl(f->poll, EPOLL_CTL_ADD, c->fd, &event) == 0, "epoll");
}

static void end_dial(struct floor *f, struct conn *c, int good)
{
    f->failed |= !good;
    if (c->phase >= HANDSHAKE) {
        mbedtls_ssl_close_notify(&c->ssl);
        mbedtls_ssl_free(&c->ssl);
    }
    close(c->fd);
    f->done++;
    start(f, c);
    if (f->done != 1 || !f->resumes)
        return;
    for (unsigned long i = 1; i < f->concurrency; i++)
        start(f, &f->conns[i]);
}

static void drop_chain(mbedtls_ssl_session *session)
{
    mbedtls_x509_crt *chain = session->MBEDTLS_PRIVATE(peer_cert);

    session->MBEDTLS_PRIVATE(peer_cert) = NULL;
    if (chain == NULL)
        return;
    mbedtls_x509_crt_free(chain);
    mbedtls_free(chain);
}

/* Its chain is not needed again, and would be parsed again each time it is used. */
static void keep_session(struct floor *f, struct conn *c)
{
    if (!f->resumes)
        return;
    mbedtls_ssl_session_free(&f->session);
    mbedtls_ssl_session_init(&f->session);
    must(mbedtls_ssl_get_session(&c->ssl, &f->session) == 0, "no session");
    f->has_session = 1;
    drop_chain(&f->session);
}

static int is_ticket(int ret)
{
#if MBEDTLS_VERSION_MAJOR >= 3
    return ret == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET;
#else
    (void)ret;
    return 0;
#endif
}

/* Bytes of a reply; 0: not yet, below: broken. */
static int read_reply(struct floor *f, struct conn *c, char *text, size_t cap)
{
    int n;

    if (c->phase < HANDSHAKE) {
        n = (int)recv(c->fd, text, cap, 0);
        return n == 0 ? -1 : n;
    }
    while (is_ticket(n = mbedtls_ssl_read(&c->ssl, (unsigned char *)text, cap)))
        keep_session(f, c);
    if (n == MBEDTLS_ERR_SSL_WANT_READ)
        return 0;
    return n == 0 ? -1 : n;
}

/* Whether the last line of what was read ends a reply. */
static int is_reply(const char *text, int len)
{
    const char *line = text + len - 1;

    if (len < 5 || *line != '\n')
        return 0;
    while (line > text && line[-1] != '\n')
        line--;
    return line[3] == ' ';
}

static int say(struct conn *c, const char *text)
{
    size_t len = strlen(text);

    if (c->phase < HANDSHAKE)
        return send(c->fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;
    return mbedtls_ssl_write(&c->ssl, (const unsigned char *)text, len) == (int)len;
}

static int begin_tls(struct floor *f, struct conn *c)
{
    mbedtls_ssl_init(&c->ssl);
    if (mbedtls_ssl_setup(&c->ssl, &f->conf) != 0 ||
        mbedtls_ssl_set_hostname(&c->ssl, server_name) != 0)
        return 0;
    mbedtls_ssl_set_bio(&c->ssl, c, transmit, receive, NULL);
    return !f->has_session || mbedtls_ssl_set_session(&c->ssl, &f->session) == 0;
}

/* A session of TLS 1.2 comes with the handshake; a resumed one is the one that is kept. */
static int shake_hands(struct floor *f, struct conn *c)
{
    int ret = mbedtls_ssl_handshake(&c->ssl);

    if (ret == MBEDTLS_ERR_SSL_WANT_READ)
        return 1;
    if (ret != 0)
        return 0;
    if (!f->has_session && strcmp(mbedtls_ssl_get_version(&c->ssl), "TLSv1.2") == 0)
        keep_session(f, c);
    c->phase = EHLO_AGAIN;
    return say(c, "EHLO bench.example\r\n");
}

static size_t heap(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

static void hold(struct floor *f)
{
    if (++f->held < f->count)
        return;
    printf("heap=%zu\n", heap());
    for (unsigned long i = 0; i < f->concurrency; i++)
        drop_chain(f->conns[i].ssl.MBEDTLS_PRIVATE(session));
    printf("chainless=%zu\n", heap());
    exit(f->failed);
}

/* The next step after a reply. 0: it failed. */
static int go_on(struct floor *f, struct conn *c)
{
    switch (c->phase) {
    case GREETING:
        c->phase = EHLO;
        return say(c, "EHLO bench.example\r\n");
    case EHLO:
        c->phase = STARTTLS;
        return say(c, "STARTTLS\r\n");
    case STARTTLS:
        c->phase = HANDSHAKE;
        return begin_tls(f, c) && shake_hands(f, c);
    case EHLO_AGAIN:
        c->phase = QUIT;
        if (!f->holds)
            return say(c, "QUIT\r\n");
        hold(f);
        return 1;
    default:
        end_dial(f, c, 1);
        return 1;
    }
}

static void on_readable(struct floor *f, struct conn *c)
{
    char text[512];
    int n;

    if (c->phase == HANDSHAKE) {
        if (!shake_hands(f, c))
            end_dial(f, c, 0);
        return;
    }
    n = read_reply(f, c, text, sizeof text);
    if (n == 0 || (n > 0 && !is_reply(text, n)))
        return;
    if (n < 0 || text[0] != '2' || !go_on(f, c))
        end_dial(f, c, 0);
}

static void run(struct floor *f)
{
    struct epoll_event events[EVENTS];

    for (unsigned long i = 0; i < (f->resumes ? 1 : f->concurrency); i++)
        start(f, &f->conns[i]);
    while (f->done < f->started) {
        int n = epoll_wait(f->poll, events, EVENTS, -1);

        for (int i = 0; i < n; i++)
            on_readable(f, events[i].data.ptr);
    }
}

int main(int argc, char **argv)
{
    static struct floor f = {.server.sin_family = AF_INET};

    if (argc < 6 || argc > 7 || inet_pton(AF_INET, argv[1], &f.server.sin_addr) != 1)
        return 64;
    f.server.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    f.count = strtoul(argv[3], NULL, 10);
    f.concurrency = strtoul(argv[4], NULL, 10);
    f.resumes = strcmp(argv[5], "resume") == 0;
    f.holds = strcmp(argv[5], "hold") == 0;
    configure(&f, argc == 7 ? argv[6] : NULL);
    f.conns = calloc(f.concurrency, sizeof *f.conns);
    must(f.conns != NULL, "memory");
    f.poll = epoll_create1(EPOLL_CLOEXEC);
    run(&f);
    free(f.conns);
    return f.failed || f.done != f.count;
}
