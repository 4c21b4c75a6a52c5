/*
 * chain.h - one question, followed through its aliases to the records or their absence.
 *
 * A resolver answers with the whole CNAME chain; where it gives only the beginning, the last name
 * is asked in turn. Bounded by max_aliases over all answers, so a loop ends too.
 */
#ifndef LOOKUP_CHAIN_H
#define LOOKUP_CHAIN_H

#include "base/arena.h"
#include "ctx/query.h"
#include "dns/answer.h"

/* What every lookup of a dial has in common. */
struct lookup_rules {
    uint64_t timeout_us; /* of each question */
    uint64_t store_us;   /* of each question to the store; 0: it is not asked */
    int trust_ad;        /* 1: believe it, 0: never, -1: as the answer was delivered */
};

/* What is kept of the last answer; in the arena. */
struct lookup_answer {
    int rcode;
    size_t count, beyond;     /* records; more of them that were not read */
    struct mox_ip *addresses; /* A, AAAA */
    struct dns_item *items;   /* all other types */
    const char *canonical;    /* the last name of the chain */
    uint32_t ttl;             /* the least of what was read, seconds; 0: nothing was */
};

struct lookup_chain { /* query first; set by chain_start, read when done was called */
    struct ctx_query query;
    struct arena *arena; /* borrowed; the answer and the error live in it */
    const struct lookup_rules *rules;
    uint16_t type;
    int16_t ede_code; /* of the last answer (RFC 8914); -1: none */
    unsigned aliases, max_aliases;
    bool at_once; /* an answer that comes inside chain_start ends it there, without done */
    bool asked, finished;
    bool authentic; /* every answer used was */
    int status;     /* MOX_OK: answer holds, whatever its rcode; MOX_E_AGAIN: not finished */
    struct lookup_answer answer;
    const char *name;                         /* that is being asked */
    const struct mox_error *error;            /* of status; NULL: no memory for it */
    void (*done)(struct lookup_chain *chain); /* inside a dispatch, once */
};

/*
 * Fields to set before: arena, rules, type, max_aliases, at_once, done. name: A-labels or a lax
 * name, in lower case; borrowed until the end. MOX_OK: done will be called, even for what failed at
 * once, unless it is finished already, which only at_once allows; MOX_E_NOMEM.
 */
int chain_start(struct mox_ctx *ctx, struct lookup_chain *chain, const char *name);

/* Accepts one that was never started. */
void chain_cancel(struct lookup_chain *chain);

/* The error of a failed chain, in *err; returns its status. */
int chain_error(const struct lookup_chain *chain, struct mox_error *err);

#endif
