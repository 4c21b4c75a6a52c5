/*
 * watch.h - descriptors and timers that ops ask the context to serve (mox_ctx_watch).
 */
#ifndef CTX_WATCH_H
#define CTX_WATCH_H

#include "ctx/ctx.h"

void watch_free_all(struct mox_ctx *ctx);

#endif
