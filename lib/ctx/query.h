/*
 * query.h - a question to the dns ops: started, answered once, or given up at its deadline.
 */
#ifndef CTX_QUERY_H
#define CTX_QUERY_H

#include "base/slice.h"
#include "ctx/ctx.h"

struct ctx_query { /* all zero: not asked */
    struct ctx_event event;
    struct ctx_timer timer;
    struct mox_ctx *ctx;
    uint64_t id;
    const char *name; /* borrowed from who asks */
    uint16_t type;
    char *wire; /* owned: the answer; NULL: none */
    size_t len;
    int status;   /* MOX_OK: wire holds a message; else why there is none */
    bool trusted; /* its AD bit may be believed */
    bool answered;
    void (*done)(struct ctx_query *query); /* inside a dispatch, once; never after a cancel */
};

/*
 * Asks. The caller owns the query and keeps it until done or query_cancel. MOX_OK: done will be
 * called; MOX_E_NOMEM, MOX_E_UNSUPPORTED (no dns ops): it will not.
 */
int query_start(struct mox_ctx *ctx, struct ctx_query *query, const char *name, uint16_t type,
                uint64_t timeout_us);

/* Accepts one that was not asked or has ended; frees the answer. */
void query_cancel(struct ctx_query *query);

/*
 * Records an answer, of whatever length: MOX_OK, MOX_E_STALE. What comes as a message from outside
 * goes through mox_dns_answer, which bounds it.
 */
int query_deliver(struct mox_ctx *ctx, uint64_t id, struct slice wire, bool trusted);

/* What the answer says, empty if there is none. */
struct slice query_answer(const struct ctx_query *query);

#endif
