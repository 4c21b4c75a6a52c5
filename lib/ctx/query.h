/*
 * query.h - a question to the dns ops: started, answered once, or given up at its deadline.
 *
 * An answer is read where it comes, for the message is borrowed, and told in the next dispatch. One
 * that comes inside the question need not wait for that: see query_answered_at_once.
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
    int status;   /* MOX_OK: take has had a message; else why there is none */
    bool trusted; /* its AD bit may be believed */
    bool answered;
    /* The message, borrowed until it returns. Inside whatever the host called: it may allocate, and
     * nothing else; before done, if at all. */
    void (*take)(struct ctx_query *query, struct slice message);
    void (*done)(struct ctx_query *query); /* inside a dispatch, once; never after a cancel */
};

/*
 * Asks. Fields to set before: take, done; the rest is zero or of a question that has ended. The
 * caller owns the query and keeps it until done or query_cancel. MOX_OK: done will be called;
 * MOX_E_NOMEM, MOX_E_UNSUPPORTED (no dns ops): it will not.
 */
int query_start(struct mox_ctx *ctx, struct ctx_query *query, const char *name, uint16_t type,
                uint64_t timeout_us);

/* Right behind query_start: whether the answer has come already. Then done will not be called. */
bool query_answered_at_once(struct ctx_query *query);

/* Accepts one that was not asked or has ended. */
void query_cancel(struct ctx_query *query);

/*
 * Records an answer, of whatever length: MOX_OK, MOX_E_STALE. What comes as a message from outside
 * goes through mox_dns_answer, which bounds it.
 */
int query_deliver(struct mox_ctx *ctx, uint64_t id, struct slice wire, bool trusted);

#endif
