/*
 * threads.c - four threads with a context each route and dial by one shared configuration, while
 * the main thread reloads it again and again. Run by `make check`, and by `make check-tsan` under
 * ThreadSanitizer, which tells of a race; by itself it asserts that every dial followed the
 * configuration that its thread had taken, whole.
 */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <moxdial.h>

#include "net.h"

enum { THREADS = 4, DIALS = 300, MOST_TURNS = 1000000, PAUSE_MS = 1 };

/* The same but for the family, which the name of the transport tells. */
#define CONFIG(name, key)                                                                          \
    "Transports:\n\t" name ":\n\t\tDirect:\n\t\t\t" key ": true\n"                                 \
    "Routes:\n\t-\n\t\tToDomain:\n\t\t\t- example.org\n\t\tTransport: " name "\n"

static const char *const texts[] = {CONFIG("ipv4", "DisableIPv6"), CONFIG("ipv6", "DisableIPv4")};

struct shared {
    pthread_mutex_t mutex;
    struct mox_config *config; /* guarded by mutex */
    atomic_int running;
};

struct worker {
    pthread_t thread;
    struct shared *shared;
    struct net net;
    int ended;        /* callbacks */
    int by_family[2]; /* dials that ended well over IPv4, over IPv6 */
    int wrong;
    const char *expected; /* of the dial in flight: the family, as the route's transport is named */
};

static void on_dialed(void *arg, int status, struct mox_conn *conn, const struct mox_error *err)
{
    struct worker *w = arg;
    int family = MOX_FAMILY_NONE;

    w->ended++;
    if (status == MOX_OK)
        family = mox_conn_session(conn)->remote.family;
    else
        fprintf(stderr, "%s\n", err->message);
    if (strcmp(mox_family_name(family), w->expected) == 0)
        w->by_family[family == MOX_IPV6]++;
    else
        w->wrong++;
    mox_conn_close(conn);
}

static struct mox_config *take_config(struct shared *shared)
{
    struct mox_config *config;

    pthread_mutex_lock(&shared->mutex);
    config = mox_config_ref(shared->config);
    pthread_mutex_unlock(&shared->mutex);
    return config;
}

/* Looks the route up, starts a dial by it, lets the configuration go, and waits. */
static bool dial_once(struct worker *w)
{
    struct mox_config *config = take_config(w->shared);
    struct mox_envelope envelope = {.size = sizeof envelope, .to = "b@example.org"};
    struct mox_dial_request request = {
        .size = sizeof request, .config = config, .envelope = &envelope};
    struct mox_route route;
    char expected[8];
    int before = w->ended;
    mox_op_id id = 0;

    if (mox_route_lookup(config, &envelope, &route, NULL) == MOX_OK && route.transport != NULL) {
        snprintf(expected, sizeof expected, "%s", route.transport);
        w->expected = expected;
        id = mox_dial_start(w->net.ctx, &request, on_dialed, w, NULL);
    }
    mox_config_free(config); /* the dial has its own reference */
    while (id != 0 && w->ended == before) {
        if (mox_ctx_wait(w->net.ctx, -1) < 0)
            return false;
    }
    return id != 0;
}

/* Until it has made its dials, and met both configurations. */
static void *work(void *arg)
{
    struct worker *w = arg;

    for (int i = 0; i < MOST_TURNS; i++) {
        if (i >= DIALS && w->by_family[0] > 0 && w->by_family[1] > 0)
            break;
        if (!dial_once(w)) {
            w->wrong++;
            break;
        }
    }
    atomic_fetch_sub(&w->shared->running, 1);
    return NULL;
}

/* As moxdial/config.h says: open the new one, swap the pointer, free the old one. */
static bool reload(struct shared *shared, int turn)
{
    const char *text = texts[turn % 2];
    struct mox_config *fresh = mox_config_parse(text, strlen(text), NULL), *old;

    if (fresh == NULL)
        return false;
    pthread_mutex_lock(&shared->mutex);
    old = shared->config;
    shared->config = fresh;
    pthread_mutex_unlock(&shared->mutex);
    mox_config_free(old);
    return true;
}

static int reload_while_running(struct shared *shared, struct worker *workers)
{
    struct pollfd nothing = {.fd = -1};
    int reloads = 0;

    while (atomic_load(&shared->running) > 0) {
        if (!reload(shared, reloads++))
            return -1;
        mox_ctx_wakeup(workers[reloads % THREADS].net.ctx);
        poll(&nothing, 1, PAUSE_MS);
    }
    return reloads;
}

/* Ends a thread; the number of things that were not as they should be. */
static int check_worker(struct worker *w, int number)
{
    const struct mox_stats *stats;
    int dials, wrong;

    pthread_join(w->thread, NULL);
    dials = w->by_family[0] + w->by_family[1];
    stats = mox_ctx_stats(w->net.ctx);
    wrong = w->wrong + (dials < DIALS) + (w->by_family[0] == 0) + (w->by_family[1] == 0) +
            (w->ended != dials) + (stats->dials_ok != (uint64_t)dials) + (w->net.quits != dials) +
            (w->net.streams != 0) + mox_ctx_pending(w->net.ctx);
    if (wrong > 0)
        fprintf(stderr, "thread %d: %d dials ended, %d well, %d by IPv4, %d wrong, %d QUIT\n",
                number, w->ended, dials, w->by_family[0], w->wrong, w->net.quits);
    mox_ctx_free(w->net.ctx);
    return wrong;
}

int main(void)
{
    struct shared shared = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    struct worker workers[THREADS] = {0};
    int wrong = 0, reloads;

    atomic_init(&shared.running, THREADS);
    if (!reload(&shared, 0))
        return 1;
    for (int i = 0; i < THREADS; i++) {
        workers[i].shared = &shared;
        if (net_open(&workers[i].net) == NULL)
            return 1;
    }
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            return 1;
    }
    reloads = reload_while_running(&shared, workers);
    for (int i = 0; i < THREADS; i++)
        wrong += check_worker(&workers[i], i);
    mox_config_free(shared.config);
    if (reloads < 2) {
        fprintf(stderr, "reloaded %d times only\n", reloads);
        wrong++;
    }
    return wrong > 0;
}
