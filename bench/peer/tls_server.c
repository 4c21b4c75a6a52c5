/*
 * tls_server.c - what the TLS benchmarks talk to: an SMTP server with STARTTLS by OpenSSL, as most
 * of the mail hosts that one meets. One thread, loopback; its certificate, for mx.bench.example,
 * and the authority that issued it are made at the start.
 *
 *   tls_server ecdsa|rsa 1.2|1.3 AUTHORITY [mute]   P-256 or RSA-2048; the newest version it
 * speaks; where to put the authority's certificate; mute: not a word after the handshake
 *
 * Prints its port, then the TLSA records of its certificate and its authority, a line each, then
 * serves until it is ended. STAT, in clear: how many handshakes were full, and how many resumed.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

enum { EVENTS = 256, BACKLOG = 4096, RSA_BITS = 2048, DAYS = 90 };

static const char greeting[] = "220 bench.example ESMTP\r\n";
static const char goodbye[] = "221 2.0.0 Bye\r\n";

struct server {
    SSL_CTX *tls;
    int poll, listener, mute;
    unsigned long full, resumed;
};

struct conn {
    int fd;
    SSL *ssl; /* NULL: in clear */
};

struct credential {
    EVP_PKEY *key;
    X509 *certificate;
};

static void must(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "tls_server: %s\n", what);
    exit(1);
}

static void extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&ctx, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    must(extension != NULL && X509_add_ext(certificate, extension, -1) == 1, "extension");
    X509_EXTENSION_free(extension);
}

/* issuer NULL: an authority. */
static struct credential make_credential(int rsa, const struct credential *issuer)
{
    const char *text = issuer == NULL ? "Bench Authority" : "mx.bench.example";
    struct credential made = {rsa ? EVP_RSA_gen(RSA_BITS) : EVP_EC_gen("P-256"), X509_new()};
    X509 *x = made.certificate;
    X509_NAME *name = X509_get_subject_name(x);

    must(made.key != NULL && x != NULL, "key");
    if (issuer == NULL)
        issuer = &made;
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), issuer == &made ? 1 : 2);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600L);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400L * DAYS);
    X509_set_pubkey(x, made.key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)text, -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(issuer->certificate));
    if (issuer == &made)
        extend(x, x, NID_basic_constraints, "critical,CA:TRUE");
    else
        extend(x, issuer->certificate, NID_subject_alt_name, "DNS:mx.bench.example");
    must(X509_sign(x, issuer->key, EVP_sha256()) > 0, "signature");
    return made;
}

/* Selector 1, matching type 1: SHA-256 of the public key. */
static void tell_record(const char *usage, EVP_PKEY *key)
{
    unsigned char *der = NULL, sum[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    int size = i2d_PUBKEY(key, &der);

    must(size > 0 && EVP_Digest(der, (size_t)size, sum, &len, EVP_sha256(), NULL) == 1, "digest");
    printf("%s 1 1 ", usage);
    for (unsigned i = 0; i < len; i++)
        printf("%02x", sum[i]);
    printf("\n");
    OPENSSL_free(der);
}

static void set_up_tls(struct server *s, int rsa, int version, const char *path)
{
    struct credential authority = make_credential(rsa, NULL);
    struct credential own = make_credential(rsa, &authority);
    FILE *file = fopen(path, "w");

    must(file != NULL && PEM_write_X509(file, authority.certificate) == 1 && fclose(file) == 0,
         path);
    s->tls = SSL_CTX_new(TLS_server_method());
    must(s->tls != NULL && SSL_CTX_use_certificate(s->tls, own.certificate) == 1 &&
             SSL_CTX_use_PrivateKey(s->tls, own.key) == 1 &&
             SSL_CTX_add_extra_chain_cert(s->tls, authority.certificate) == 1 &&
             SSL_CTX_set_max_proto_version(s->tls, version) == 1,
         "TLS");
    SSL_CTX_set_session_cache_mode(s->tls, SSL_SESS_CACHE_OFF); /* tickets alone */
    tell_record("3", own.key);
    tell_record("2", authority.key);
    fflush(stdout);
}

static int open_listener(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    must(fd >= 0 && bind(fd, (struct sockaddr *)&at, len) == 0 && listen(fd, BACKLOG) == 0 &&
             getsockname(fd, (struct sockaddr *)&at, &len) == 0,
         "socket");
    printf("%d\n", ntohs(at.sin_port));
    return fd;
}

static void end(struct conn *c)
{
    SSL_free(c->ssl);
    close(c->fd);
    free(c);
}

static int say(const struct conn *c, const char *text)
{
    size_t len = strlen(text);

    if (c->ssl != NULL)
        return SSL_write(c->ssl, text, (int)len) == (int)len;
    return send(c->fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static void accept_all(struct server *s)
{
    struct epoll_event event = {.events = EPOLLIN};
    int one = 1;

    for (int fd; (fd = accept(s->listener, NULL, NULL)) >= 0;) {
        struct conn *c = calloc(1, sizeof *c);

        must(c != NULL, "memory");
        c->fd = fd;
        fcntl(fd, F_SETFL, O_NONBLOCK);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        event.data.ptr = c;
        epoll_ctl(s->poll, EPOLL_CTL_ADD, fd, &event);
        say(c, greeting);
    }
}

static int start_tls(const struct server *s, struct conn *c)
{
    if (!say(c, "220 2.0.0 Go ahead\r\n"))
        return 0;
    c->ssl = SSL_new(s->tls);
    if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1)
        return 0;
    SSL_set_accept_state(c->ssl);
    return 1;
}

static int say_counts(const struct server *s, const struct conn *c)
{
    char text[80];

    snprintf(text, sizeof text, "211 %lu %lu\r\n", s->full, s->resumed);
    return say(c, text);
}

static int say_goodbye(const struct conn *c)
{
    if (say(c, goodbye) && c->ssl != NULL)
        SSL_shutdown(c->ssl);
    return 0;
}

/* Clients send one command at a time, so its first letters tell which it is. 0: it is over. */
static int answer(const struct server *s, struct conn *c, const char *in)
{
    if (s->mute && c->ssl != NULL)
        return 1;
    if (strncmp(in, "EHLO", 4) == 0)
        return say(c, c->ssl != NULL ? "250-bench.example\r\n250-SIZE 10485760\r\n250-8BITMIME\r\n"
                                       "250 ENHANCEDSTATUSCODES\r\n"
                                     : "250-bench.example\r\n250-SIZE 10485760\r\n250-8BITMIME\r\n"
                                       "250-STARTTLS\r\n250 ENHANCEDSTATUSCODES\r\n");
    if (strncmp(in, "STARTTLS", 8) == 0)
        return c->ssl == NULL && start_tls(s, c);
    if (strncmp(in, "STAT", 4) == 0)
        return say_counts(s, c);
    return strncmp(in, "QUIT", 4) == 0 ? say_goodbye(c) : say(c, "502 5.5.1 No\r\n");
}

/* 0: it is over. */
static int shake_hands(struct server *s, struct conn *c)
{
    int ret = SSL_do_handshake(c->ssl);

    if (ret != 1)
        return SSL_get_error(c->ssl, ret) == SSL_ERROR_WANT_READ;
    if (SSL_session_reused(c->ssl) != 0)
        s->resumed++;
    else
        s->full++;
    return 1;
}

static int on_readable(struct server *s, struct conn *c)
{
    char in[1024];
    int n;

    if (c->ssl != NULL && !SSL_is_init_finished(c->ssl))
        return shake_hands(s, c);
    n = c->ssl != NULL ? SSL_read(c->ssl, in, sizeof in - 1)
                       : (int)recv(c->fd, in, sizeof in - 1, 0);
    if (n <= 0)
        return c->ssl != NULL && SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_READ;
    in[n] = '\0';
    return answer(s, c, in);
}

static void serve(struct server *s)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS];

    s->poll = epoll_create1(EPOLL_CLOEXEC);
    must(epoll_ctl(s->poll, EPOLL_CTL_ADD, s->listener, &event) == 0, "epoll");
    for (;;) {
        int n = epoll_wait(s->poll, events, EVENTS, -1);

        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;

            if (c == NULL)
                accept_all(s);
            else if (!on_readable(s, c))
                end(c);
        }
    }
}

int main(int argc, char **argv)
{
    struct server s = {0};
    struct rlimit files;

    if (argc < 4 || argc > 5)
        return 64;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    signal(SIGPIPE, SIG_IGN);
    s.mute = argc == 5;
    s.listener = open_listener();
    set_up_tls(&s, strcmp(argv[1], "rsa") == 0,
               strcmp(argv[2], "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION, argv[3]);
    serve(&s);
    return 1;
}
