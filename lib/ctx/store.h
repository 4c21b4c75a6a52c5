/*
 * store.h - a question to the store ops: started, answered once, or given up at its deadline.
 */
#ifndef CTX_STORE_H
#define CTX_STORE_H

#include "base/buffer.h"
#include "base/slice.h"
#include "ctx/ctx.h"

struct ctx_store_op { /* all zero: not asked */
    struct ctx_event event;
    struct ctx_timer timer;
    struct mox_ctx *ctx;
    uint64_t id;
    int status;          /* MOX_OK, MOX_E_TIMEOUT, MOX_E_STORE, … */
    bool found;          /* get: there is a value */
    struct buffer value; /* get; owned */
    int64_t number;      /* add */
    /* each: inside the ops function or an answer; key and value are borrowed; may be NULL. */
    void (*item)(struct ctx_store_op *op, const char *key, struct slice value);
    void (*done)(struct ctx_store_op *op); /* inside a dispatch, once; never after a cancel */
    bool answered;
};

/*
 * The caller owns op and keeps it until done or store_cancel. key: printable ASCII. MOX_OK: done
 * will be called, also for what failed at once; MOX_E_NOMEM; MOX_E_UNSUPPORTED: no such op.
 * timeout_us 0: the store is not asked, and done tells MOX_E_TIMEOUT.
 */
int store_get(struct mox_ctx *ctx, struct ctx_store_op *op, const char *key, uint64_t timeout_us);
int store_put(struct mox_ctx *ctx, struct ctx_store_op *op, const char *key, struct slice value,
              uint32_t ttl_s, uint64_t timeout_us);
int store_add(struct mox_ctx *ctx, struct ctx_store_op *op, const char *key, int64_t delta,
              uint32_t ttl_s, uint64_t timeout_us);
int store_each(struct mox_ctx *ctx, struct ctx_store_op *op, const char *prefix,
               uint64_t timeout_us);

/* A put or an add nobody waits for: it is asked, and whatever comes of it is forgotten. */
void store_put_and_forget(struct mox_ctx *ctx, const char *key, struct slice value, uint32_t ttl_s);
void store_add_and_forget(struct mox_ctx *ctx, const char *key, int64_t delta, uint32_t ttl_s);

/* Accepts one that was not asked or has ended; frees the value. */
void store_cancel(struct ctx_store_op *op);

#endif
