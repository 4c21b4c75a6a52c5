/*
 * test_stream_tls_peer.c - against a server that is not mbedTLS: `openssl s_server` on loopback,
 * which also tells what the channel binding is at its end. Left out, with a message, without it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test.h"
#include "tls_world.h"

enum { LOG = 1 << 16, PATH = 64, TEXT = 8192, PATIENCE = 500 /* times 10 ms */ };

static struct ctx_world world;
static char folder[] = "/tmp/moxdial-peer-XXXXXX";
static char chain_path[PATH], key_path[PATH], log_path[PATH], text[LOG];
static pid_t server;
static int server_input = -1; /* it ends when this does */

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void write_file(char path[PATH], const char *name, const char *bytes)
{
    FILE *file;

    snprintf(path, PATH, "%s/%s", folder, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(bytes, file);
    ck_assert_int_eq(fclose(file), 0);
}

/* The log behind its first `from` bytes. */
static const char *read_log(size_t from)
{
    FILE *file = fopen(log_path, "r");
    size_t n = 0;

    if (file != NULL && fseek(file, (long)from, SEEK_SET) == 0)
        n = fread(text, 1, sizeof text - 1, file);
    if (file != NULL)
        fclose(file);
    text[n] = '\0';
    return text;
}

/* Waits for a line that begins so; what stands behind it, or NULL. */
static const char *await_line(size_t from, const char *begins)
{
    for (int i = 0; i < PATIENCE; i++) {
        const char *at = strstr(read_log(from), begins);

        if (at != NULL && strchr(at, '\n') != NULL)
            return at + strlen(begins);
        if (server > 0 && waitpid(server, NULL, WNOHANG) == server)
            server = -1;
        if (server == -1 && at == NULL)
            return NULL;
        sleep_ms(10);
    }
    return NULL;
}

static void setup(void)
{
    ctx_world_open(&world);
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    server = 0;
}

static void teardown(void)
{
    close(server_input);
    if (server > 0) {
        kill(server, SIGTERM);
        waitpid(server, NULL, 0);
    }
    unlink(chain_path);
    unlink(key_path);
    unlink(log_path);
    ck_assert_int_eq(rmdir(folder), 0);
    ctx_world_close(&world);
}

static void write_credential(enum authority_key key)
{
    static char pem[TEXT];
    struct credential *root = credential_root("Peer Root");
    struct credential *credential = credential_server(root, key, "mx.example");

    credential_chain_pem(credential, pem, sizeof pem);
    write_file(chain_path, "chain", pem);
    credential_key_pem(credential, pem, sizeof pem);
    write_file(key_path, "key", pem);
    write_file(log_path, "log", "");
    credential_free(credential);
    credential_free(root);
}

/* The port; 0: there is no openssl here. */
static uint16_t start_server(const char *version)
{
    const char *const argv[] = {"openssl",
                                "s_server",
                                "-accept",
                                "127.0.0.1:0",
                                "-cert",
                                chain_path,
                                "-key",
                                key_path,
                                "-msg",
                                "-keymatexport",
                                "EXPORTER-Channel-Binding",
                                "-keymatexportlen",
                                "32",
                                version,
                                NULL};
    const char *port;
    int input[2], log;

    ck_assert_int_eq(pipe(input), 0);
    server = fork();
    ck_assert_int_ge(server, 0);
    if (server == 0) {
        log = open(log_path, O_WRONLY | O_APPEND);
        dup2(input[0], 0);
        dup2(log, 1);
        dup2(log, 2);
        close(input[0]);
        close(input[1]);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(input[0]);
    server_input = input[1];
    port = await_line(0, "ACCEPT 127.0.0.1:");
    return port == NULL ? 0 : (uint16_t)strtoul(port, NULL, 10);
}

/* A stream over a socket. */
struct socket_stream {
    struct stream stream; /* first */
    int fd;
};

static int outcome(ssize_t done, size_t *n)
{
    if (done < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? MOX_E_AGAIN : MOX_ERRNO(errno);
    *n = (size_t)done;
    return done == 0 ? MOX_E_EOF : MOX_OK;
}

static int socket_read(struct stream *s, void *buf, size_t cap, size_t *n)
{
    return outcome(recv(((struct socket_stream *)s)->fd, buf, cap, 0), n);
}

static int socket_write(struct stream *s, const void *buf, size_t len, size_t *n)
{
    return outcome(send(((struct socket_stream *)s)->fd, buf, len, MSG_NOSIGNAL), n);
}

static int socket_want(struct stream *s, int events)
{
    (void)s, (void)events;
    return MOX_OK;
}

static void socket_close(struct stream *s, bool quietly)
{
    (void)quietly;
    close(((struct socket_stream *)s)->fd);
}

static const struct stream_ops socket_ops = {
    .read = socket_read, .write = socket_write, .want = socket_want, .close = socket_close};

static void connect_to(struct socket_stream *s, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *s = (struct socket_stream){{.ops = &socket_ops}, socket(AF_INET, SOCK_STREAM, 0)};
    ck_assert_int_ge(s->fd, 0);
    ck_assert_int_eq(connect(s->fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(fcntl(s->fd, F_SETFL, O_NONBLOCK), 0);
}

static int wait_for(struct stream *stream, int (*what)(struct stream *stream), int fd)
{
    int status = MOX_E_AGAIN;

    for (int i = 0; i < PATIENCE && status == MOX_E_AGAIN; i++) {
        status = what(stream);
        if (status == MOX_E_AGAIN)
            poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 10);
    }
    return status;
}

/* The binding as the server's log has it, hexadecimal; "": it is not there. */
static void peer_binding(size_t from, bool exported, char out[65])
{
    const char *at =
        await_line(from, exported ? "Keying material: " : "Finished\n    14 00 00 0c ");
    size_t n = 0;

    for (; at != NULL && *at != '\n' && n < 64; at++) {
        if (*at != ' ')
            out[n++] = *at >= 'a' && *at <= 'f' ? (char)(*at - 'a' + 'A') : *at;
    }
    out[n] = '\0';
}

static void check_binding(struct stream *stream, size_t from)
{
    unsigned char ours[TLS_BINDING];
    char hex[2 * TLS_BINDING + 1] = "", theirs[2 * TLS_BINDING + 1];
    size_t n = 0;
    const char *name = tls_binding(stream, ours, &n);

    ck_assert_ptr_nonnull(name);
    for (size_t i = 0; i < n; i++)
        snprintf(hex + 2 * i, 3, "%02X", ours[i]);
    peer_binding(from, strcmp(name, "tls-exporter") == 0, theirs);
    ck_assert_str_eq(hex, theirs);
}

static const struct peer {
    const char *name;
    enum authority_key key;
    const char *option; /* of s_server */
    const char *version, *suite;
} peers[] = {
    /* mbedTLS 3.6 as it comes fails here: it offers rsa_pss first, and cannot read it. */
    {"TLS 1.2 with RSA", AUTHORITY_RSA, "-tls1_2", "TLSv1.2",
     "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
    {"TLS 1.2 with ECDSA", AUTHORITY_P256, "-tls1_2", "TLSv1.2",
     "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
    {"TLS 1.2 without tickets", AUTHORITY_P256, "-no_ticket", NULL, NULL},
#if MBED_TLS13
    {"RSA", AUTHORITY_RSA, "-no_comp", "TLSv1.3", "TLS_AES_128_GCM_SHA256"},
    {"ECDSA", AUTHORITY_P384, "-no_comp", "TLSv1.3", "TLS_AES_128_GCM_SHA256"},
#endif
};

/* The server ends the handshake after us: what it says of it is awaited. */
static void visit(const struct peer *c, uint16_t port, int round)
{
    const struct tls_options options = {.sni = "mx.example", .key = tls_world_key};
    struct tls_proof proof = tls_world_proof();
    struct socket_stream socket;
    struct stream *stream = NULL;
    size_t from = strlen(read_log(0));
    char buf[8];
    size_t n;

    connect_to(&socket, port);
    ck_assert_int_eq(tls_open(world.ctx, &socket.stream, &options, &stream, NULL), MOX_OK);
    ck_assert_msg(wait_for(stream, stream->ops->opened, socket.fd) == MOX_OK, "%s", c->name);
    ck_assert_int_eq(stream->ops->want(stream, 0), MOX_OK); /* the last flight leaves */
    ck_assert_msg((tls_proof(stream) != NULL) == (round > 0), "%s, round %d", c->name, round);
    if (c->version != NULL) {
        ck_assert_str_eq(tls_version(stream), c->version);
        ck_assert_str_eq(tls_cipher(stream), c->suite);
    }
    if (round == 0)
        tls_keep(stream, &proof);
    check_binding(stream, from);
    if (round == 0)
        ck_assert_ptr_nonnull(
            await_line(from, "Supported groups: x25519:secp256r1:secp384r1:secp521r1\n"));
    for (int i = 0; i < 5; i++) { /* tickets */
        ck_assert_int_eq(stream->ops->read(stream, buf, sizeof buf, &n), MOX_E_AGAIN);
        sleep_ms(10);
    }
    stream->ops->close(stream, false);
    ck_assert_ptr_nonnull(await_line(from, "warning close_notify"));
}

START_TEST(openssl_agrees)
{
    const struct peer *c = &peers[_i];
    uint16_t port;

    write_credential(c->key);
    port = start_server(c->option);
    if (port == 0 && server == -1) {
        printf("skipped: no openssl\n");
        return;
    }
    ck_assert_uint_ne(port, 0);
    for (int round = 0; round < 3; round++)
        visit(c, port, round);
}
END_TEST

TCase *test_stream_tls_peer(void)
{
    TCase *tcase = tcase_create("stream/tls_peer");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, openssl_agrees, 0, (int)ARRAY_LEN(peers));
    return tcase;
}
