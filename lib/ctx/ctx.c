/* ctx.c - the life of a context; see ctx.h. */
#include "ctx/ctx.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "ctx/watch.h"

struct mox_ctx *ctx_new(const struct mox_ctx_options *options, const struct ctx_loop_extra *extra)
{
    struct mox_ctx *ctx = mem_new(sizeof *ctx);

    if (ctx == NULL)
        return NULL;
    if (options->ca_file != NULL) {
        ctx->ca_file = mem_text(options->ca_file, strlen(options->ca_file));
        if (ctx->ca_file == NULL) {
            mem_free(ctx);
            return NULL;
        }
    }
    ctx->options = *options;
    ctx->loop = *options->loop;
    ctx->socket = *options->socket;
    if (options->dns != NULL)
        ctx->dns = *options->dns;
    if (options->store != NULL)
        ctx->store = *options->store;
    if (options->fetch != NULL)
        ctx->fetch = *options->fetch;
    ctx->sys = *options->sys;
    ctx->extra = *extra;
    ctx->events.next = ctx->events.prev = &ctx->events;
    ctx->ops.next = ctx->ops.prev = &ctx->ops;
    ctx->told_us = -1;
    ctx->pid = getpid();
    return ctx;
}

uint64_t ctx_clock_us(const struct mox_ctx *ctx)
{
    int64_t now = ctx->sys.monotonic_us(ctx->sys.user);

    return now < 0 ? 0 : (uint64_t)now;
}

uint64_t ctx_read_clock_us(struct mox_ctx *ctx)
{
    uint64_t now = ctx_clock_us(ctx);

    if (ctx->dispatching)
        ctx->now_us = now;
    return now;
}

int64_t ctx_unix_s(const struct mox_ctx *ctx)
{
    return ctx->sys.unix_s(ctx->sys.user);
}

int ctx_random(const struct mox_ctx *ctx, void *buf, size_t len)
{
    return ctx->sys.random(ctx->sys.user, buf, len);
}

struct ctx_part *ctx_part_find(const struct mox_ctx *ctx, const void *key)
{
    struct ctx_part *part = ctx->parts;

    while (part != NULL && part->key != key)
        part = part->next;
    return part;
}

void ctx_part_add(struct mox_ctx *ctx, struct ctx_part *part)
{
    part->next = ctx->parts;
    ctx->parts = part;
}

void *ctx_part_use(struct mox_ctx *ctx, const void *key, size_t size,
                   void (*end)(struct ctx_part *part))
{
    struct ctx_part *part = ctx_part_find(ctx, key);

    if (part != NULL)
        return part;
    part = mem_new(size);
    if (part == NULL)
        return NULL;
    part->key = key;
    part->end = end;
    ctx_part_add(ctx, part);
    return part;
}

static void end_ops(struct mox_ctx *ctx)
{
    while (ctx->ops.next != &ctx->ops) {
        struct ctx_op *op = ctx->ops.next;

        ctx_op_drop(op);
        op->class->cancel(op);
    }
}

void mox_ctx_free(struct mox_ctx *ctx)
{
    if (ctx == NULL)
        return;
    if (ctx->dispatching) { /* from a callback: when the dispatch unwinds */
        ctx->free_wanted = true;
        return;
    }
    ctx->forked = getpid() != ctx->pid;
    end_ops(ctx);
    watch_forget_all(ctx);
    while (ctx->parts != NULL) {
        struct ctx_part *part = ctx->parts;

        ctx->parts = part->next;
        part->end(part);
    }
    watch_free_all(ctx);
    heap_free(&ctx->timers);
    spares_end(&ctx->spares);
    mem_free(ctx->ids.slots);
    mem_free(ctx->ca_file);
    mem_free(ctx);
}

const struct mox_stats *mox_ctx_stats(const struct mox_ctx *ctx)
{
    return &ctx->stats;
}

void ctx_log(const struct mox_ctx *ctx, const struct mox_log_entry *entry)
{
    if (ctx_logs(ctx, entry->level))
        ctx->options.log(ctx->options.log_user, entry);
}
