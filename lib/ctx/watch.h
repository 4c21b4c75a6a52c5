/*
 * watch.h - descriptors and timers that ops ask the context to serve (mox_ctx_watch).
 */
#ifndef CTX_WATCH_H
#define CTX_WATCH_H

#include "ctx/ctx.h"

/* Of ops that outlive the context, like a store's: their descriptors will be closed, and the loop
 * must know before. */
void watch_forget_all(struct mox_ctx *ctx);

void watch_free_all(struct mox_ctx *ctx);

#endif
