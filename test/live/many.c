/*
 * many.c - many dials at once on one context, in pull mode.
 *
 *   many DNS-SERVER PORT COUNT DOMAIN
 *
 * All connections are kept until the last one is ready, so they really are open at the same time.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include <moxdial.h>

enum { DIALS_MOST = 1000, TIMEOUT_MS = 20000 };

struct world {
    unsigned nready, nfailed;
    struct mox_conn *conns[DIALS_MOST];
    struct mox_error first; /* failure */
};

static void on_dialed(void *arg, int status, struct mox_conn *conn, const struct mox_error *err)
{
    struct world *world = arg;

    if (status == MOX_OK) {
        world->conns[world->nready++] = conn;
        return;
    }
    if (world->nfailed++ == 0)
        world->first = *err;
}

static int start_all(struct mox_ctx *ctx, const struct mox_dial_request *request, unsigned count,
                     struct world *world)
{
    struct mox_error err;

    for (unsigned i = 0; i < count; i++) {
        if (mox_dial_start(ctx, request, on_dialed, world, &err) != 0)
            continue;
        fprintf(stderr, "many: dial %u does not start: %s\n", i, err.message);
        return -1;
    }
    return 0;
}

static int run(struct mox_ctx *ctx)
{
    struct pollfd waiting = {.fd = mox_ctx_fd(ctx), .events = POLLIN};

    if (waiting.fd < 0) {
        fprintf(stderr, "many: no descriptor: %s\n", mox_status_name(waiting.fd));
        return -1;
    }
    while (mox_ctx_pending(ctx) > 0) {
        if (poll(&waiting, 1, mox_ctx_timeout_ms(ctx)) < 0 && errno != EINTR) {
            perror("many: poll");
            return -1;
        }
        mox_ctx_dispatch(ctx);
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct world world;
    unsigned count = argc == 5 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    const char *const servers[] = {argc > 1 ? argv[1] : ""};
    struct mox_ctx_options options = {.size = sizeof options,
                                      .dns_servers = servers,
                                      .ndns_servers = 1,
                                      .max_conns_per_address = MOX_UNLIMITED};
    struct mox_envelope envelope = {.size = sizeof envelope};
    struct mox_dial_request request = {.size = sizeof request,
                                       .envelope = &envelope,
                                       .timeout_ms = TIMEOUT_MS,
                                       .flags = MOX_DIAL_ALLOW_SPECIAL};
    struct mox_error err;
    struct mox_ctx *ctx;
    int status = -1;

    if (count == 0 || count > DIALS_MOST) {
        fprintf(stderr, "usage: many DNS-SERVER PORT COUNT DOMAIN\n");
        return 64;
    }
    request.port = (uint16_t)strtoul(argv[2], NULL, 10);
    envelope.to = argv[4];
    ctx = mox_ctx_new(&options, &err);
    if (ctx == NULL) {
        fprintf(stderr, "many: no context: %s\n", err.message);
        return 1;
    }
    if (start_all(ctx, &request, count, &world) == 0)
        status = run(ctx);
    printf("%u ready, %u failed\n", world.nready, world.nfailed);
    if (world.nfailed > 0)
        printf("the first failure: %s\n", world.first.message);
    for (unsigned i = 0; i < world.nready; i++)
        mox_conn_close(world.conns[i]);
    mox_ctx_free(ctx);
    return status == 0 && world.nready == count ? 0 : 1;
}
