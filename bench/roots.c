/*
 * roots.c - what it costs to read the authorities' certificates: contexts of one process, one after
 * the other, that each dial a server once and verify it by the system's bundle (SSL_CERT_FILE).
 *
 *   roots PORT CONTEXTS
 *
 * Prints microseconds to session, a context a line. The server is tls_server.c's, on loopback.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <moxdial.h>

enum { TYPE_A = 1 };

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int answer(void *user, uint64_t id, const char *name, uint16_t type)
{
    struct mox_ctx **ctx = user;
    const struct mox_dns_record record = {name, TYPE_A, 0, 300, "127.0.0.1"};

    return mox_dns_answer_records(*ctx, id, 0, &record, type == TYPE_A, 0);
}

static int dial(struct mox_ctx *ctx, const struct mox_config *config)
{
    struct mox_envelope envelope = {.size = sizeof envelope, .to = "b@bench.example"};
    struct mox_dial_request request = {.size = sizeof request,
                                       .config = config,
                                       .envelope = &envelope,
                                       .transport = "t",
                                       .ehlo = "bench.example",
                                       .flags = MOX_DIAL_ALLOW_SPECIAL};
    struct mox_conn *conn;
    struct mox_error err;
    double begin = now_us();

    if (mox_dial(ctx, &request, &conn, &err) != MOX_OK) {
        fprintf(stderr, "roots: %s: %s\n", err.host, err.message);
        return 0;
    }
    printf("%.0f\n", now_us() - begin);
    mox_conn_close(conn);
    return 1;
}

static int dial_in_new(const struct mox_config *config)
{
    struct mox_ctx *ctx = NULL;
    struct mox_dns_ops dns = {.size = sizeof dns, .user = &ctx, .query = answer};
    struct mox_ctx_options options = {
        .size = sizeof options, .dns = &dns, .flags = MOX_CTX_NO_HOSTS_FILE};
    struct mox_error err;
    int good;

    ctx = mox_ctx_new(&options, &err);
    if (ctx == NULL) {
        fprintf(stderr, "roots: %s\n", err.message);
        return 0;
    }
    good = dial(ctx, config);
    mox_ctx_free(ctx);
    return good;
}

int main(int argc, char **argv)
{
    struct mox_config *config;
    struct mox_error err;
    char text[160];
    int good = 1;

    if (argc != 3)
        return 64;
    snprintf(text, sizeof text,
             "Transports:\n\tt:\n\t\tSMTP:\n\t\t\tHost: mx.bench.example\n\t\t\tPort: %s\n",
             argv[1]);
    config = mox_config_parse(text, strlen(text), &err);
    if (config == NULL) {
        fprintf(stderr, "roots: %s\n", err.message);
        return 1;
    }
    for (unsigned long i = strtoul(argv[2], NULL, 10); i > 0 && good; i--)
        good = dial_in_new(config);
    mox_config_free(config);
    return !good;
}
