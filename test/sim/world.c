/* world.c - see world.h. */
#include "test/sim/world.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/sim/dns.h"
#include "test/sim/fetch.h"
#include "test/sim/net.h"

enum {
    BLOCK = 1 << 20,
    FIRST_US = 5 * 1000 * 1000, /* where the clock begins; not 0, so that 0 is seen as a mistake */
    STILL_TURNS = 10000         /* turns in one moment that are taken for a loop that spins */
};

struct block {
    struct block *next;
    size_t used, cap;
};

bool sim_same_ip(const struct mox_ip *a, const struct mox_ip *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static struct block *new_block(size_t size)
{
    struct block *block = malloc(sizeof *block + size);

    if (block == NULL)
        abort(); /* of the world, not of the library */
    *block = (struct block){.cap = size};
    return block;
}

void *world_alloc(struct world *w, size_t size)
{
    struct block *block = w->blocks;
    char *bytes;

    size = (size + 15) & ~(size_t)15;
    if (block == NULL || block->cap - block->used < size) {
        struct block *fresh = new_block(size > BLOCK ? size : BLOCK);

        fresh->next = block;
        w->blocks = block = fresh;
    }
    bytes = (char *)(block + 1) + block->used;
    block->used += size;
    return memset(bytes, 0, size);
}

char *world_text(struct world *w, const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(world_alloc(w, size), text, size);
}

static void append(struct world *w, struct sim_text *text, const char *format, va_list args)
{
    char line[1024];
    int wrote = vsnprintf(line, sizeof line, format, args);
    size_t len = wrote < 0 ? 0 : (size_t)wrote < sizeof line ? (size_t)wrote : sizeof line - 1;

    if (text->len + len + 2 > text->cap) {
        size_t cap = 2 * text->cap + 64 * 1024;
        char *bigger = world_alloc(w, cap);

        if (text->len > 0)
            memcpy(bigger, text->ptr, text->len);
        text->ptr = bigger;
        text->cap = cap;
    }
    memcpy(text->ptr + text->len, line, len);
    text->len += len;
    text->ptr[text->len++] = '\n';
    text->ptr[text->len] = '\0';
}

static void add_line(struct world *w, struct sim_text *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    append(w, text, format, args);
    va_end(args);
}

void world_log(struct world *w, const char *format, ...)
{
    char line[900];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    add_line(w, &w->log, "%llu %s", (unsigned long long)world_ms(w), line);
}

void world_fault(struct world *w, const char *format, ...)
{
    va_list args;

    if (w->fault[0] != '\0')
        return;
    va_start(args, format);
    vsnprintf(w->fault, sizeof w->fault, format, args);
    va_end(args);
    world_log(w, "FAULT %s", w->fault);
}

uint64_t world_ms_of(uint64_t us)
{
    return (us - FIRST_US) / 1000;
}

uint64_t world_ms(const struct world *w)
{
    return world_ms_of(w->now_us);
}

struct sim_moment world_now(const struct world *w)
{
    return (struct sim_moment){w->now_us, w->log.len};
}

/* splitmix64 (public domain, Vigna). */
uint64_t world_random(struct world *w)
{
    uint64_t z = w->seed += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void world_at(struct world *w, uint64_t delay_us, void (*run)(struct world *w, void *arg),
              void *arg)
{
    struct sim_event *event = world_alloc(w, sizeof *event), **at = &w->events;

    *event = (struct sim_event){NULL, w->now_us + delay_us, run, arg};
    while (*at != NULL && (*at)->at_us <= event->at_us)
        at = &(*at)->next;
    event->next = *at;
    *at = event;
}

/* Of lines, those that have the text; NULL: there are none. */
static unsigned count_lines(const char *line, const char *text)
{
    unsigned n = 0;

    while (line != NULL && *line != '\0') {
        const char *end = strchr(line, '\n'), *hit = strstr(line, text);

        n += hit != NULL && hit < end;
        line = end + 1;
    }
    return n;
}

unsigned world_count(const struct world *w, const char *text)
{
    return count_lines(w->log.ptr, text);
}

unsigned world_count_told(const struct world *w, const char *text)
{
    return count_lines(w->told.ptr, text);
}

static int sim_watch(void *user, intptr_t fd, int events)
{
    world_fault(user, "the loop was asked to watch descriptor %ld for %d", (long)fd, events);
    return MOX_OK;
}

static int sim_timer(void *user, int64_t delay_us)
{
    struct world *w = user;

    if (delay_us < -1)
        world_fault(w, "a timer of %lld us", (long long)delay_us);
    w->timer_us = delay_us < 0 ? UINT64_MAX : w->now_us + (uint64_t)delay_us;
    return MOX_OK;
}

/* Time goes on to the next event, but not beyond limit_us; the event happens. */
static bool happen(struct world *w, uint64_t limit_us)
{
    struct sim_event *event = w->events;

    if (event == NULL || event->at_us > limit_us)
        return false;
    w->events = event->next;
    if (event->at_us > w->now_us) {
        w->now_us = event->at_us;
        w->still = 0;
    }
    event->run(w, event->arg);
    return true;
}

static int sim_wait(void *user, int64_t timeout_us)
{
    struct world *w = user;
    uint64_t limit = timeout_us < 0 ? UINT64_MAX : w->now_us + (uint64_t)timeout_us;

    if (++w->still > STILL_TURNS) {
        world_fault(w, "the library spins");
        return MOX_ERRNO(EDEADLK);
    }
    if (happen(w, limit))
        return MOX_OK;
    if (timeout_us < 0) {
        world_fault(w, "the library waits for what never comes");
        return MOX_ERRNO(EDEADLK);
    }
    if (limit > w->now_us)
        w->still = 0;
    w->now_us = limit;
    return MOX_OK;
}

static int64_t sim_monotonic(void *user)
{
    return (int64_t)((struct world *)user)->now_us;
}

static int64_t sim_unix(void *user)
{
    return 1700000000 + (int64_t)(((struct world *)user)->now_us / 1000000);
}

static int32_t sim_offset(void *user, int64_t unix_s)
{
    (void)user;
    (void)unix_s;
    return 3600;
}

static int sim_chance(void *user, void *buf, size_t len)
{
    unsigned char *bytes = buf;

    if (((struct world *)user)->no_chance)
        return MOX_ERRNO(EIO);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (unsigned char)world_random(user);
    return MOX_OK;
}

static void sim_told(void *user, const struct mox_log_entry *entry)
{
    struct world *w = user;
    char ip[64] = "-";

    mox_ip_format(&entry->address, ip, sizeof ip);
    add_line(w, &w->told, "%llu #%llu %s %s %s %s", (unsigned long long)world_ms(w),
             (unsigned long long)entry->tag, mox_stage_name(entry->stage),
             entry->host == NULL ? "-" : entry->host, ip, entry->text);
}

struct world *world_bare(uint64_t seed)
{
    struct world *w = calloc(1, sizeof *w);

    if (w == NULL)
        abort();
    w->seed = seed;
    w->now_us = FIRST_US;
    w->timer_us = UINT64_MAX;
    w->blocks = new_block(BLOCK);
    mox_ip_parse("198.51.100.9", &w->machine[0]);
    mox_ip_parse("2001:db8:9::9", &w->machine[1]);
    w->nmachine = 2;
    return w;
}

int world_open(struct world *w, const struct mox_ctx_options *given, struct mox_error *err)
{
    struct mox_loop_ops loop = {
        .size = sizeof loop, .user = w, .watch = sim_watch, .timer = sim_timer};
    struct mox_sys_ops sys = {.size = sizeof sys,
                              .user = w,
                              .monotonic_us = sim_monotonic,
                              .unix_s = sim_unix,
                              .utc_offset_s = sim_offset,
                              .random = sim_chance};
    struct mox_dns_ops dns = dns_ops(w);
    struct mox_socket_ops socket = net_ops(w);
    struct mox_fetch_ops fetch = fetch_ops(w);
    struct mox_store_ops store = store_ops(w);
    struct mox_ctx_options options = {.size = sizeof options, .log_level = MOX_LOG_DIALOGUE};

    if (given != NULL)
        options = *given;
    loop.wait = w->no_wait ? NULL : sim_wait;
    options.loop = &loop;
    options.sys = &sys;
    options.dns = &dns;
    options.socket = &socket;
    if (w->fetch_ops)
        options.fetch = &fetch;
    if (w->store != STORE_OF_LIBRARY)
        options.store = &store;
    options.log = sim_told;
    options.log_user = w;
    w->ctx = mox_ctx_new(&options, err);
    return w->ctx == NULL ? err->code : MOX_OK;
}

struct world *world_new(uint64_t seed, const struct mox_ctx_options *options)
{
    struct world *w = world_bare(seed);
    struct mox_error err;

    if (world_open(w, options, &err) != MOX_OK)
        world_fault(w, "no context: %s", err.message);
    return w;
}

static void dispatch(struct world *w)
{
    if (w->ended) /* by what has just happened */
        return;
    w->dispatching = true;
    w->stirred = false;
    mox_ctx_dispatch(w->ctx);
    w->dispatching = false;
}

bool world_step(struct world *w)
{
    uint64_t due = w->timer_us;

    if (w->fault[0] != '\0' || w->ended)
        return false;
    if (++w->still > STILL_TURNS) {
        world_fault(w, "the library spins");
        return false;
    }
    if (!w->stirred && !happen(w, due)) {
        if (due == UINT64_MAX)
            return false;
        if (due > w->now_us) {
            w->now_us = due;
            w->still = 0;
        }
        w->timer_us = UINT64_MAX; /* it runs out once */
    }
    while (w->together && happen(w, w->now_us))
        ;
    dispatch(w);
    return true;
}

void world_run(struct world *w)
{
    while (!w->ended && mox_ctx_pending(w->ctx) > 0) {
        if (!world_step(w)) {
            if (!w->ended)
                world_fault(w, "operations are in flight, and nothing is left to happen");
            return;
        }
    }
}

static void nothing(struct world *w, void *arg)
{
    (void)w;
    (void)arg;
}

void world_sleep(struct world *w, uint64_t ms)
{
    uint64_t until = w->now_us + ms * 1000;

    world_at(w, ms * 1000, nothing, NULL);
    while (w->now_us < until && world_step(w))
        ;
}

const char *world_end(struct world *w)
{
    if (!w->ended) {
        mox_ctx_free(w->ctx);
        w->ended = true;
    }
    dns_check(w);
    fetch_check(w);
    net_check(w);
    mox_config_free(w->config);
    w->config = NULL;
    return w->fault[0] == '\0' ? NULL : w->fault;
}

void world_free(struct world *w)
{
    secure_free(w);
    for (struct block *block = w->blocks, *next; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    free(w);
}

static void called(struct sim_call *call, int status, const struct mox_error *err)
{
    struct world *w = call->w;

    if (++call->calls > 1)
        world_fault(w, "a callback was made twice");
    if (call->cancelled)
        world_fault(w, "a callback was made after the cancel");
    if (!w->dispatching)
        world_fault(w, "a callback was made outside of a dispatch");
    if ((status == MOX_OK) != (err == NULL))
        world_fault(w, "a callback with status %d and %s error", status, err ? "an" : "no");
    if (err != NULL && err->code != status)
        world_fault(w, "a callback with status %d and code %d", status, (int)err->code);
    call->status = status;
    if (err != NULL)
        call->err = *err;
    world_log(w, "callback %s", mox_status_name(status));
}

void sim_on_conn(void *arg, int status, struct mox_conn *conn, const struct mox_error *err)
{
    struct sim_call *call = arg;

    if ((status == MOX_OK) != (conn != NULL))
        world_fault(call->w, "a callback with status %d and %s connection", status,
                    conn ? "a" : "no");
    call->conn = conn;
    called(call, status, err);
}

void sim_on_done(void *arg, int status, const struct mox_error *err)
{
    called(arg, status, err);
}
