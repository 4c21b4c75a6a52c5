/*
 * policy_server.c - see policy_server.h.
 */
#include "policy_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "error.h"
#include "policy_check.h"
#include "policy_client.h"
#include "rfc3339.h"
#include "signals.h"
#include "trace.h"

static void listen_on(struct policy_server *server, int events);

/* No descriptor or no memory is left: to be asked again at once would burn the processor. */
static void pause_listening(struct policy_server *server)
{
    if (policy_seldom(&server->short_of, server->now_s, POLICY_LOG_INTERVAL_S))
        policy_say(&server->log, "nobody more can be taken for now: %s", strerror(errno));
    server->paused = true;
    listen_on(server, 0);
}

static void take_client(struct policy_server *server, int fd)
{
    int yes = 1;

    if (server->nclients >= POLICY_CLIENTS) {
        if (policy_seldom(&server->full, server->now_s, POLICY_LOG_INTERVAL_S))
            policy_say(&server->log, "closed: over %d clients at once", POLICY_CLIENTS);
        close(fd);
    } else if (!policy_make_async(fd)) {
        close(fd);
    } else {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); /* a local one has none */
        policy_client_open(server, fd);
    }
}

static void on_connect(void *arg, intptr_t fd, int events)
{
    struct policy_server *server = arg;

    (void)events;
    for (int i = 0; i < POLICY_ACCEPTS; i++) {
        int client = accept((int)fd, NULL, NULL);

        if (client >= 0)
            take_client(server, client);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_listening(server);
        if (client < 0)
            return; /* others are of one that went away again, or of none */
    }
}

static void listen_on(struct policy_server *server, int events)
{
    for (size_t i = 0; i < server->sockets.count; i++)
        mox_ctx_watch(server->ctx, server->sockets.items[i].fd, events, on_connect, server);
}

/* As the configuration has it, else the system. */
static void choose_receiver(struct policy_server *server)
{
    const struct mox_config *config = server->config.config;
    const char *name = config != NULL ? mox_config_summary(config)->hostname : NULL;

    if (name != NULL)
        snprintf(server->receiver, sizeof server->receiver, "%s", name);
    else if (gethostname(server->receiver, sizeof server->receiver - 1) != 0)
        snprintf(server->receiver, sizeof server->receiver, "unknown");
}

/* After each tick, and when there is another configuration. */
static void take_facts(struct policy_server *server)
{
    choose_receiver(server);
    server->facts.config = server->config.config;
    rfc3339_now(&server->facts.unix_s, &server->facts.utc_offset_s);
}

static void close_idle(struct policy_server *server)
{
    struct policy_client *client = server->oldest, *newer;

    for (; client != NULL && server->now_s - client->asked_s >= POLICY_IDLE_S; client = newer) {
        newer = client->newer;
        if (!client->waiting)
            policy_client_close(client);
    }
}

static void on_tick(void *arg, intptr_t fd, int events)
{
    struct policy_server *server = arg;

    (void)fd;
    (void)events;
    server->now_s++;
    if (server->paused) {
        server->paused = false;
        listen_on(server, MOX_READ);
    }
    close_idle(server);
    policy_config_look(&server->config);
    take_facts(server);
    mox_ctx_timer(server->ctx, POLICY_TICK_US, on_tick, server);
}

/* A soft limit of 1024 is for programs that use select. */
static void allow_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void say_ready(const struct policy_server *server, const struct list *where)
{
    for (size_t i = 0; i < where->count; i++)
        policy_say(&server->log, "listening at %s", where->items[i]);
}

static int run(struct policy_server *server, struct mox_error *err)
{
    int status = 0;

    while (status >= 0 && signals_end() == 0) {
        if (signals_hangup()) {
            policy_config_reload(&server->config);
            take_facts(server);
        }
        policy_check_start_waiting(server);
        status = mox_ctx_wait(server->ctx, -1);
    }
    if (status >= 0)
        return MOX_OK;
    return tool_error(err, status, MOX_STAGE_NONE, "cannot wait for clients: %s",
                      mox_status_name(status));
}

static void close_server(struct policy_server *server)
{
    policy_listen_close(&server->sockets);
    while (server->oldest != NULL)
        policy_client_close(server->oldest);
    mox_ctx_free(server->ctx);
    policy_config_close(&server->config);
}

int policy_serve(const struct options *options, const struct load *load, struct mox_error *err)
{
    struct policy_server server = {.log = {options->quiet, options->verbose > 0 && !options->quiet},
                                   .mode = (enum policy_spf_mode)options->spf_mode};
    struct mox_ctx_options ctx = options->ctx;
    struct signals signals = {0};
    struct trace trace;

    allow_descriptors();
    trace_attach(&trace, &ctx, options->quiet || options->verbose < 2 ? 0 : options->verbose);
    policy_config_open(&server.config, load, &server.log);
    server.ctx = mox_ctx_new(&ctx, err);
    if (server.ctx != NULL) {
        signals_catch(&signals, server.ctx, true);
        if (policy_listen(&server.sockets, &options->listen, options->mode, err) == MOX_OK) {
            take_facts(&server);
            listen_on(&server, MOX_READ);
            mox_ctx_timer(server.ctx, POLICY_TICK_US, on_tick, &server);
            say_ready(&server, &options->listen);
            run(&server, err);
        }
        signals_release(&signals);
    }
    close_server(&server);
    return err->code;
}
