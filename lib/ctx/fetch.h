/*
 * fetch.h - a question to the fetch ops: started, answered once, or given up at its deadline.
 */
#ifndef CTX_FETCH_H
#define CTX_FETCH_H

#include "base/buffer.h"
#include "ctx/ctx.h"

struct ctx_fetch { /* all zero: not asked */
    struct ctx_event event;
    struct ctx_timer timer;
    struct mox_ctx *ctx;
    uint64_t id;
    int status; /* the HTTP status, or a negative code */
    size_t max_bytes;
    struct buffer body; /* owned */
    bool answered;
    void (*done)(struct ctx_fetch *fetch); /* inside a dispatch, once; never after a cancel */
};

/* MOX_OK: done will be called; MOX_E_NOMEM; MOX_E_UNSUPPORTED: no fetch ops. */
int fetch_start(struct mox_ctx *ctx, struct ctx_fetch *fetch, const char *url, size_t max_bytes,
                uint64_t timeout_us);

/* Accepts one that was not asked or has ended; frees the body. */
void fetch_cancel(struct ctx_fetch *fetch);

#endif
