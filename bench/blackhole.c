/*
 * blackhole.c - time to session, one host after the other in one context, each asked of DNS. The
 * hosts of server.c: d0.example, d1.example, … with IPv6 that leads nowhere; v0.example, … without.
 *
 *   blackhole d|v RESOLVER PORT HOSTS
 *
 * Prints microseconds from the request to the reply to EHLO, a host a line. A pause comes before
 * each: a race that waits lets the processor cool down, so let it be as cold for all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <moxdial.h>

static const struct timespec pause_between = {.tv_nsec = 100000000};

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int dial(struct mox_ctx *ctx, const char *to, unsigned long port)
{
    struct mox_envelope envelope = {.size = sizeof envelope, .from = "a@bench.example", .to = to};
    struct mox_dial_request request = {.size = sizeof request,
                                       .envelope = &envelope,
                                       .ehlo = "bench.example",
                                       .port = (uint16_t)port,
                                       .flags = MOX_DIAL_ALLOW_SPECIAL};
    struct mox_conn *conn;
    struct mox_error err;
    double begin = now_us();

    if (mox_dial(ctx, &request, &conn, &err) != MOX_OK) {
        fprintf(stderr, "blackhole: %s: %s: %s\n", to, err.host, err.message);
        return 0;
    }
    printf("%.0f\n", now_us() - begin);
    mox_conn_close(conn);
    return 1;
}

int main(int argc, char **argv)
{
    struct mox_ctx_options options = {.size = sizeof options, .flags = MOX_CTX_NO_HOSTS_FILE};
    struct mox_error err;
    struct mox_ctx *ctx;
    unsigned long hosts, port;
    int good = 1;
    char to[64];

    if (argc != 5)
        return 64;
    options.dns_servers = (const char *const *)&argv[2];
    options.ndns_servers = 1;
    port = strtoul(argv[3], NULL, 10);
    hosts = strtoul(argv[4], NULL, 10);
    ctx = mox_ctx_new(&options, &err);
    if (ctx == NULL) {
        fprintf(stderr, "blackhole: %s\n", err.message);
        return 1;
    }
    for (unsigned long i = 0; i < hosts && good; i++) {
        snprintf(to, sizeof to, "x@%c%lu.example", argv[1][0], i);
        nanosleep(&pause_between, NULL);
        good = dial(ctx, to, port);
    }
    mox_ctx_free(ctx);
    return !good;
}
