/*
 * sts_refresh.h - MTA-STS policies fetched ahead, beside the dials that use them (semantics.md
 * D34). They belong to the context and end with it.
 */
#ifndef LOOKUP_STS_REFRESH_H
#define LOOKUP_STS_REFRESH_H

#include "base/slice.h"
#include "ctx/ctx.h"

/*
 * Fetches the policy of the domain and keeps it under this id; a failure changes nothing. Not if
 * one of the domain began within STS_NONE_S, or MOX_LIMIT_STS_REFRESHES run.
 */
void sts_refresh(struct mox_ctx *ctx, const char *domain, struct slice id);

#endif
