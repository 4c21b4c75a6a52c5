/*
 * ctx_world.h - a context in push mode over simulated time, whose ops tables keep a record.
 */
#ifndef CTX_WORLD_H
#define CTX_WORLD_H

#include "ctx/ctx.h"

enum { WORLD_START_US = 1000000000 };

struct ctx_world { /* all zero: closed */
    struct mox_ctx *ctx;
    int64_t now_us;

    int timers; /* calls of loop.timer, and the delay of the last */
    int64_t timer_us;
    int watches; /* calls of loop.watch, what the last asked for, what it returns */
    intptr_t watch_fd;
    int watch_events, watch_status;
    int waits; /* calls of loop.wait, the time of the last, what it returns */
    int64_t wait_us;
    int wait_status;
    void (*in_wait)(struct ctx_world *world); /* NULL: it sleeps, and the time passes */

    int queries, cancels; /* calls of dns.query and dns.cancel, and the ids of the last */
    uint64_t query_id, cancelled_id;
    const char *query_name; /* of the last, in in_query alone */
    uint16_t query_type;
    int query_status;                          /* what dns.query returns */
    void (*in_query)(struct ctx_world *world); /* NULL: nothing is answered in it */
};

/* The context is as mox_ctx_new makes it in push mode with all tables given. */
void ctx_world_open(struct ctx_world *world);

/* As pull mode: the context has a loop of ours, which need not be told of timers. */
void ctx_world_open_pull(struct ctx_world *world);

/* Accepts one whose context was freed in a callback, if ctx is NULL then. */
void ctx_world_close(struct ctx_world *world);

/* An operation that keeps a record. */
struct world_op {
    struct ctx_op op; /* first */
    int finished, cancelled, shut_down;
    void (*on_finish)(struct world_op *op); /* NULL: nothing more */
    void *arg;
};

/* Starts it; the id. The op is the caller's. */
mox_op_id world_op_start(struct ctx_world *world, struct world_op *op);

extern const struct ctx_op_class world_op_class;

#endif
