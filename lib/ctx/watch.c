/*
 * watch.c - see watch.h. Interests stand in a table by descriptor, for descriptors are small
 * numbers, and an entry stays when its descriptor is closed: the number comes back. Timers stand
 * in a list, for they are few: one for each resolver, store or fetcher.
 */
#include "ctx/watch.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

struct watch_fd {
    struct ctx_event event; /* first: the event is the entry */
    mox_watch_fn *fn;
    void *arg;
    intptr_t fd;
    int events, ready;
};

struct watch_timer {
    struct ctx_timer timer; /* first */
    struct watch_timer *next;
    mox_watch_fn *fn;
    void *arg;
};

static void run_fd(struct ctx_event *event)
{
    struct watch_fd *watch = (struct watch_fd *)event;
    int ready = watch->ready;

    watch->ready = 0;
    if (watch->events != 0 && ready != 0)
        watch->fn(watch->arg, watch->fd, ready);
}

/* Makes room for the descriptor and its entry; NULL: no memory, or no descriptor at all. */
static struct watch_fd *entry_for(struct mox_ctx *ctx, intptr_t fd)
{
    size_t index = (size_t)fd, cap = ctx->nwatches == 0 ? 64 : ctx->nwatches;

    if (fd < 0 || index >= MOX_LIMIT_DESCRIPTORS)
        return NULL;
    while (cap <= index)
        cap *= 2;
    if (cap > ctx->nwatches) {
        struct watch_fd **watches = mem_resize(ctx->watches, cap, sizeof(struct watch_fd *));

        if (watches == NULL)
            return NULL;
        memset(watches + ctx->nwatches, 0, (cap - ctx->nwatches) * sizeof(struct watch_fd *));
        ctx->watches = watches;
        ctx->nwatches = cap;
    }
    if (ctx->watches[index] == NULL)
        ctx->watches[index] = mem_new(sizeof(struct watch_fd));
    return ctx->watches[index];
}

static struct watch_fd *find_entry(const struct mox_ctx *ctx, intptr_t fd)
{
    return fd >= 0 && (size_t)fd < ctx->nwatches ? ctx->watches[fd] : NULL;
}

static int forget(struct mox_ctx *ctx, intptr_t fd, int events)
{
    struct watch_fd *watch = find_entry(ctx, fd);

    if (watch == NULL || watch->events == 0)
        return MOX_OK;
    watch->events = watch->ready = 0;
    ctx_event_drop(&watch->event);
    return ctx->forked ? MOX_OK : ctx->loop.watch(ctx->loop.user, fd, events);
}

int mox_ctx_watch(struct mox_ctx *ctx, intptr_t fd, int events, mox_watch_fn *fn, void *arg)
{
    struct watch_fd *watch;
    int status;

    if ((events & (MOX_READ | MOX_WRITE)) == 0)
        return forget(ctx, fd, events);
    watch = entry_for(ctx, fd);
    if (watch == NULL)
        return MOX_E_NOMEM;
    if (watch->events != events) {
        status = ctx->loop.watch(ctx->loop.user, fd, events);
        if (status != MOX_OK)
            return status; /* the former interest holds, and is its owner's */
    }
    watch->event.run = run_fd;
    watch->events = events;
    watch->fn = fn;
    watch->arg = arg;
    watch->fd = fd;
    return MOX_OK;
}

int mox_ctx_ready(struct mox_ctx *ctx, intptr_t fd, int events)
{
    struct watch_fd *watch = find_entry(ctx, fd);

    if (watch == NULL || watch->events == 0)
        return MOX_E_STALE;
    watch->ready |= events;
    ctx_event_queue(ctx, &watch->event);
    return MOX_OK;
}

static void run_timer(struct ctx_event *event)
{
    struct watch_timer *entry =
        (struct watch_timer *)((char *)event - offsetof(struct ctx_timer, event));

    entry->fn(entry->arg, -1, 0);
}

int mox_ctx_timer(struct mox_ctx *ctx, int64_t delay_us, mox_watch_fn *fn, void *arg)
{
    struct watch_timer *entry = ctx->watch_timers;
    uint64_t now;

    while (entry != NULL && entry->arg != arg)
        entry = entry->next;
    if (delay_us < 0) {
        if (entry != NULL)
            ctx_timer_clear(ctx, &entry->timer);
        return MOX_OK;
    }
    if (entry == NULL) {
        entry = mem_new(sizeof *entry);
        if (entry == NULL)
            return MOX_E_NOMEM;
        entry->arg = arg;
        entry->timer.event.run = run_timer;
        entry->next = ctx->watch_timers;
        ctx->watch_timers = entry;
    }
    entry->fn = fn;
    now = ctx_now_us(ctx);
    return ctx_timer_set(ctx, &entry->timer,
                         (uint64_t)delay_us < UINT64_MAX - now ? now + (uint64_t)delay_us
                                                               : UINT64_MAX);
}

void watch_forget_all(struct mox_ctx *ctx)
{
    for (size_t i = 0; i < ctx->nwatches; i++)
        forget(ctx, (intptr_t)i, 0);
}

void watch_free_all(struct mox_ctx *ctx)
{
    for (size_t i = 0; i < ctx->nwatches; i++)
        mem_free(ctx->watches[i]);
    mem_free(ctx->watches);
    for (struct watch_timer *entry = ctx->watch_timers, *next; entry != NULL; entry = next) {
        next = entry->next;
        mem_free(entry);
    }
}
