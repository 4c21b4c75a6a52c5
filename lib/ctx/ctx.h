/*
 * ctx.h - the context: ops tables, ids, timers, operations in flight, dispatch.
 *
 * One event domain. Whatever comes from outside (a ready descriptor, an answer, an expired timer)
 * is only recorded as an event; events run inside a dispatch alone, and the callbacks of the host
 * with them. What other folders keep in a context they register here with its end function, so
 * the context knows none of it.
 */
#ifndef CTX_CTX_H
#define CTX_CTX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include <moxdial/ctx.h>

#include "base/heap.h"
#include "base/spares.h"

struct ctx_event { /* all zero: not queued */
    struct ctx_event *next, *prev;
    void (*run)(struct ctx_event *event); /* inside a dispatch; the event is no longer queued */
};

struct ctx_timer { /* all zero: not set; run is called as an event when it is due */
    struct heap_timer heap;
    struct ctx_event event;
};

/* What ids name. */
enum ctx_kind { CTX_OP = 1, CTX_QUERY, CTX_SOCKET, CTX_STORE, CTX_FETCH };

struct ctx_slot {
    void *object; /* borrowed; NULL: a free slot */
    uint64_t id;  /* of a free slot: index of the next free one, plus one */
};

struct ctx_ids {
    struct ctx_slot *slots;
    size_t len, cap;
    size_t free;     /* index of the first free slot, plus one; 0: none */
    uint64_t serial; /* of the last id given */
};

/* What the default loop has beyond its table; all NULL in push mode. */
struct ctx_loop_extra {
    void *loop;
    int fd;                     /* to be polled; -1: none */
    void (*wakeup)(void *loop); /* any thread, signal handlers */
};

/* A thing kept in a context by another folder. */
struct ctx_part {
    struct ctx_part *next;
    const void *key;                    /* the address of something the owner has */
    void (*end)(struct ctx_part *part); /* frees it; called by mox_ctx_free, last one first */
    /* The context shuts down: what nobody waits for ends now; NULL: it has no such thing. */
    void (*shutdown)(struct ctx_part *part);
};

struct ctx_op_class;

struct ctx_op {
    struct ctx_event event; /* its completion */
    struct ctx_op *next, *prev;
    struct mox_ctx *ctx;
    mox_op_id id;
    const struct ctx_op_class *class;
};

struct ctx_op_class {
    /* Call the host back and free. The op has ended: its id is stale. */
    void (*finish)(struct ctx_op *op);
    /* End in silence: release all and free. */
    void (*cancel)(struct ctx_op *op);
    /* End soon, by finish, with MOX_E_SHUTDOWN; what may be finished ends by ctx->grace_us. */
    void (*shutdown)(struct ctx_op *op);
    /* What it said it would wait for is there (mox_op_resume); NULL: it waits for nothing. */
    void (*resume)(struct ctx_op *op);
};

struct watch_fd;
struct watch_timer;

struct mox_ctx {
    struct mox_loop_ops loop;
    struct mox_socket_ops socket;
    struct mox_dns_ops dns;     /* query NULL: none */
    struct mox_store_ops store; /* get NULL: none */
    struct mox_fetch_ops fetch; /* fetch NULL: none */
    struct mox_sys_ops sys;
    struct ctx_loop_extra extra;
    struct mox_ctx_options options; /* what is zero has its default; of the pointers in it those to
                                       functions may be used, and their `user` */
    char *ca_file;                  /* owned; NULL: not given */

    struct spares spares; /* of what every dial makes and ends */
    struct ctx_ids ids;
    struct heap timers;
    struct ctx_event events; /* the head of the queue */
    struct ctx_op ops;       /* the head of the list */
    size_t nops;
    struct watch_fd **watches; /* by descriptor; NULL: never watched */
    size_t nwatches;
    struct watch_timer *watch_timers;
    struct ctx_part *parts;

    uint64_t now_us;   /* the clock as last read in this dispatch; 0: to be read */
    uint64_t grace_us; /* shutting down: until when what is being finished must have ended */
    int64_t told_us;   /* what loop.timer was told last, absolute; -1: none */
    int callbacks;     /* made in this dispatch */
    bool dispatching, blocking, free_wanted, shutting_down, forked;
    pid_t pid;
    struct mox_stats stats;
};

/* Tables are complete (api/ has filled in the defaults). NULL: no memory. */
struct mox_ctx *ctx_new(const struct mox_ctx_options *options, const struct ctx_loop_extra *extra);

/* Monotonic time as the clock shows it right now. */
uint64_t ctx_clock_us(const struct mox_ctx *ctx);

/* The same, and in a dispatch remembered. */
uint64_t ctx_read_clock_us(struct mox_ctx *ctx);

/*
 * The same as of this dispatch: one look at the clock serves all events until a callback of the
 * host, which may take time. Outside of a dispatch nobody knows how much has passed.
 */
static inline uint64_t ctx_now_us(struct mox_ctx *ctx)
{
    return ctx->now_us != 0 ? ctx->now_us : ctx_read_clock_us(ctx);
}

int64_t ctx_unix_s(const struct mox_ctx *ctx);
int ctx_random(const struct mox_ctx *ctx, void *buf, size_t len);

/* Ids: unique in a context, never used again. 0: no memory, or MOX_LIMIT_IDS are in use. */
uint64_t ctx_id_new(struct mox_ctx *ctx, enum ctx_kind kind, void *object);
void *ctx_id_find(const struct mox_ctx *ctx, uint64_t id, enum ctx_kind kind);
void ctx_id_end(struct mox_ctx *ctx, uint64_t id);

/* Events: queue (once), take out. */
static inline void ctx_event_queue(struct mox_ctx *ctx, struct ctx_event *event)
{
    if (event->next != NULL)
        return;
    event->prev = ctx->events.prev;
    event->next = &ctx->events;
    event->prev->next = event->next->prev = event;
}

/* It is queued. */
static inline void ctx_event_unlink(struct ctx_event *event)
{
    event->prev->next = event->next;
    event->next->prev = event->prev;
    event->next = event->prev = NULL;
}

static inline void ctx_event_drop(struct ctx_event *event)
{
    if (event->next != NULL)
        ctx_event_unlink(event);
}

/* MOX_OK or MOX_E_NOMEM. at_us: absolute, of ctx_now_us; UINT64_MAX: clear it. */
int ctx_timer_set(struct mox_ctx *ctx, struct ctx_timer *timer, uint64_t at_us);
static inline void ctx_timer_clear(struct mox_ctx *ctx, struct ctx_timer *timer)
{
    heap_clear(&ctx->timers, &timer->heap);
    ctx_event_drop(&timer->event);
}

/* Ops. start gives the id, 0: no memory or shutting down (err says so). */
mox_op_id ctx_op_start(struct mox_ctx *ctx, struct ctx_op *op, const struct ctx_op_class *class,
                       struct mox_error *err);
void ctx_op_complete(struct ctx_op *op); /* finish is called by a dispatch */
void ctx_op_drop(struct ctx_op *op);     /* ends it without a word; its owner frees it */

/* Tell the host's loop of a deadline that changed. At the end of every public call that may have
 * set a timer or queued an event outside of a dispatch. */
void ctx_arm(struct mox_ctx *ctx);

/* NULL: nothing under this key. */
struct ctx_part *ctx_part_find(const struct mox_ctx *ctx, const void *key);
void ctx_part_add(struct mox_ctx *ctx, struct ctx_part *part);

/* The part under this key; made of that size, zeroed but for its head, at the first use. NULL: no
 * memory. */
void *ctx_part_use(struct mox_ctx *ctx, const void *key, size_t size,
                   void (*end)(struct ctx_part *part));

/*
 * Runs until *done, for the blocking calls. MOX_OK; MOX_E_UNSUPPORTED: nothing can wake this
 * context up; MOX_E_OS: the wait failed.
 */
int ctx_run(struct mox_ctx *ctx, const bool *done, struct mox_error *err);

/* MOX_OK, or why a blocking call must not begin now: MOX_E_REENTRANT, MOX_E_BUSY. */
int ctx_may_block(const struct mox_ctx *ctx, struct mox_error *err);

static inline bool ctx_logs(const struct mox_ctx *ctx, int level)
{
    return ctx->options.log != NULL && level <= ctx->options.log_level;
}

void ctx_log(const struct mox_ctx *ctx, const struct mox_log_entry *entry);

#endif
