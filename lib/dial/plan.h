/*
 * plan.h - struct mox_plan: what a dial wants, where it can go, and what happened.
 *
 * One arena holds it all, the settings of the dial included, so a dial in flight costs little.
 * Counted: by its maker, by the dial that fills it, by the connection that came of it.
 */
#ifndef DIAL_PLAN_H
#define DIAL_PLAN_H

#include <stdalign.h>

#include "base/arena.h"
#include "dial/part.h"
#include "dial/request.h"
#include "policy/dane.h"
#include "policy/demand.h"
#include "policy/sts.h"

/* What TLS a host must have, and what it is judged by; in the plan's arena. */
struct plan_tls {
    struct demand demand;
    const char *why;                   /* who demands it, or that nobody does */
    const char *const *names;          /* that DANE allows, NULL at the end; the first is the SNI.
                                          NULL: without DANE, it is the host's name */
    const char *pkix_name;             /* that PKIX wants; NULL: the host's */
    const char *base;                  /* TLSA base domain; NULL: no records */
    const struct dane_record *records; /* all, the unusable too */
    size_t nrecords, usable;
    int32_t sts_mode; /* enum sts_mode; -1: no policy */
};

struct history;

struct plan_host { /* an MX host, or the one host of another destination */
    struct mox_mx view;
    bool refused4, refused6;       /* it refused our address of that family */
    bool looked_up;                /* its addresses are all known */
    bool no_name;                  /* … and it does not exist */
    const struct mox_error *error; /* … and a lookup failed; NULL: none did */
    const struct plan_tls *tls;    /* NULL: not known yet */
    struct history *history;       /* of refusals; NULL: not asked for, none here */
};

struct plan_candidate {
    struct mox_candidate view;
    struct plan_host *host;
    uint32_t rank; /* where the filter put it within its host */
    bool history;  /* its host was dialed before: the order is mox's, no race */
    bool tried;
};

struct plan_attempt {
    struct mox_attempt view;
    struct plan_candidate *candidate;
    uint64_t start_us;
    bool greeted;
    bool again;  /* TLS had failed at this address: once more */
    bool plain;  /* … without it */
    bool narrow; /* … with as little as tls_options.narrow offers */
};

struct plan_list { /* of pointers into the arena */
    void **items;  /* in the plan's arena */
    uint32_t len, cap;
};

/* Bytes that a plain dial to one host needs until its session begins: with more of them a plan
 * would leave the sizes that malloc has at hand (in glibc up to 1,032). */
enum { PLAN_SEED = 528 };

/* The block behind it holds the whole session as a rule: greeting, EHLO's lines before TLS and
 * behind it, replies as they come, the connection. */
enum { PLAN_STEP = 1280 };

struct mox_plan {
    struct part_link link; /* first */
    struct mox_ctx *ctx;
    uint32_t references;
    bool taken;       /* a request was taken: the plan is not new */
    bool sts_settled; /* the result for the domain's TLS report stands */
    bool resolved;    /* all that the rules ask for is known: a dial need not look it up again */
    bool running;     /* a dial is at work: its time goes on */
    struct arena arena;
    struct request_rules rules; /* of the dial that filled it; holds a reference to the config */
    struct mox_plan_info info;
    struct plan_list hosts, dropped_hosts; /* struct plan_host, by preference */
    struct plan_list kept, dropped;        /* struct plan_candidate; kept ones in dialing order */
    struct plan_list attempts;             /* struct plan_attempt */
    struct sts_policy *sts;                /* of the recipient's domain; NULL: none */
    size_t unlisted;                       /* drops beyond MOX_LIMIT_DROPS */
    char *unlisted_text;                   /* UNLISTED_TEXT bytes in the arena, once needed */
    uint64_t start_us;
    alignas(max_align_t) char seed[PLAN_SEED]; /* the arena's first memory */
};

/* Empties it for a new dial, the only one that uses it. */
void plan_reset(struct mox_plan *plan);

void plan_ref(struct mox_plan *plan);
void plan_unref(struct mox_plan *plan); /* accepts NULL */
void plan_end(struct part_link *link);  /* whoever still counts on it: the context ends */

/* Appended; NULL: no memory. name: copied. */
struct plan_host *plan_add_host(struct mox_plan *plan, struct slice name, int32_t preference);
struct plan_candidate *plan_add_candidate(struct mox_plan *plan, struct plan_host *host,
                                          const struct mox_ip *ip);

/* A host or an address that is out, with its reason. detail: copied, may be NULL. MOX_E_NOMEM. */
int plan_drop_host(struct mox_plan *plan, struct plan_host *host, int drop, const char *detail);
int plan_drop(struct mox_plan *plan, struct plan_candidate *candidate, int drop,
              const char *detail);

struct plan_attempt *plan_add_attempt(struct mox_plan *plan, struct plan_candidate *candidate,
                                      uint64_t now_us);
/* How it ended; err NULL: well. Without memory for the error the outcome alone is kept. */
void plan_end_attempt(struct mox_plan *plan, struct plan_attempt *attempt, int stage,
                      const struct mox_error *err, uint64_t now_us);

/* The dial begins now, and has ended now. */
void plan_begin(struct mox_plan *plan, uint64_t now_us);
void plan_stop(struct mox_plan *plan, uint64_t now_us);

/* Milliseconds since the dial began. */
int32_t plan_ms(const struct mox_plan *plan, uint64_t now_us);

static inline struct plan_host *plan_host_at(const struct mox_plan *plan, size_t i)
{
    return i < plan->hosts.len ? plan->hosts.items[i] : NULL;
}

static inline struct plan_candidate *plan_kept_at(const struct mox_plan *plan, size_t i)
{
    return i < plan->kept.len ? plan->kept.items[i] : NULL;
}

static inline struct plan_attempt *plan_attempt_at(const struct mox_plan *plan, size_t i)
{
    return i < plan->attempts.len ? plan->attempts.items[i] : NULL;
}

#endif
