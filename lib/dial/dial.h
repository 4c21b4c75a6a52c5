/*
 * dial.h - struct dial: the one state machine that leads from a request to an open session.
 *
 *   ROUTE --chosen--> GATE --our address is good--> MX --hosts--> ADDRESSES --candidates-->
 *   CONNECT --a stream--> SESSION
 *
 *   SESSION --the goal--> DONE
 *   SESSION --refused, broken, too late: the next candidate--> CONNECT
 *   CONNECT --nothing is left here: the next preference--> ADDRESSES
 *   each of them --an error--> DONE
 *
 * A route that hangs on the envelope alone, as nearly all do, is chosen before the dial begins, and
 * few transports have a gate: such a dial begins with MX (see way.h, gate.h).
 *
 * Every state waits under a deadline: the whole dial's, and its own (a question's is kept by its
 * query). A dial that ended well stays with its connection and goes on from there when the host is
 * refused later (mox_dial_next).
 */
#ifndef DIAL_DIAL_H
#define DIAL_DIAL_H

#include <moxdial/conn.h>

#include "base/error.h"
#include "dial/plan.h"
#include "lookup/address.h"
#include "lookup/mx.h"
#include "lookup/sts.h"
#include "lookup/tlsa.h"
#include "smtp/session.h"

enum dial_state {
    DIAL_ROUTE = 0,
    DIAL_GATE,
    DIAL_MX,
    DIAL_ADDRESSES,
    DIAL_CONNECT,
    DIAL_SESSION,
    DIAL_DONE
};

struct dial_proxy;
struct gate;
struct way;

struct dial_host { /* a host of the window, while its addresses are looked up */
    struct dial *dial;
    struct plan_host *host;
    struct lookup_address *lookup; /* owned; NULL: done with */
    struct lookup_tlsa *tlsa;      /* owned; NULL: not asked, or done with */
    uint32_t built;                /* MOX_ALLOW_ bits of the families that are in the plan */
};

struct dial_lane {         /* a connect of the race */
    struct stream *stream; /* owned; NULL: free */
    struct plan_attempt *attempt;
    uint64_t deadline_us;
    bool ready;
};

struct dial {
    struct ctx_op op; /* first */
    struct mox_ctx *ctx;
    struct dial_part *part;
    struct mox_plan *plan; /* counted */
    mox_conn_fn *conn_fn;  /* of a dial */
    mox_done_fn *done_fn;  /* of a plan's resolving; one of the two is set */
    void *arg;

    struct ctx_timer timer; /* the earliest of the deadlines below */
    uint64_t deadline_us;   /* of the whole dial */
    uint64_t resolve_us;    /* dial with the addresses that are known by then;
                               UINT64_MAX: wait */
    uint64_t race_us;       /* the next connect of a race may begin; UINT64_MAX: not */
    uint64_t stage_us;      /* of the session's state; UINT64_MAX: none */

    struct way *way;           /* owned; NULL: the route hung on the envelope alone */
    struct gate *gate;         /* in the plan's arena; NULL: nothing is required of our address */
    struct lookup_mx *mx;      /* owned; NULL: done with */
    struct lookup_sts *sts;    /* owned; NULL: not asked, or done with */
    struct dial_host *window;  /* in the plan's arena: the hosts looked up together */
    size_t nwindow, next_host; /* in plan->hosts: the first behind the window */

    struct dial_lane lanes[MOX_LIMIT_IN_FLIGHT];
    struct stream *stream;        /* owned: the session's */
    struct plan_attempt *attempt; /* the session's */
    struct smtp_session smtp;     /* its spare memory: what the server said behind our last reply */

    struct dial_proxy *proxy;      /* owned; NULL: none */
    const char *mechanism;         /* of the session's login; NULL: none was begun */
    struct tls_identity *identity; /* owned: our certificate; NULL: none */
    const struct tls_proof *proof; /* what the server proved, in the plan's arena; NULL: no TLS */
    struct plan_candidate *again;  /* TLS failed there: next, once more; NULL: none */

    const struct history *history;    /* of a host: has our sources; NULL: not asked for */
    const struct plan_attempt *noted; /* what the history was told of last */
    int64_t noted_s;                  /* … when it was accepted, Unix time; 0: it was not since */
    struct plan_host *flip_host;      /* it refused our address: its other family comes next */
    const char *flip_why;             /* in the plan's arena */
    struct mox_conn *conn;            /* what became of it; owned until the host has it */
    struct mox_error *error;          /* owned: of the end; NULL with a status: no memory */
    int32_t status;                   /* of the end */
    int32_t flip_family;
    uint32_t greeted;         /* sessions that reached a greeting */
    uint32_t retries;         /* attempts at an address once more: see again */
    uint32_t out;             /* MOX_ALLOW_ bits of families without their source address */
    uint8_t state, smtp_turn; /* enum dial_state; the session's turn whose deadline runs */
    bool again_plain;         /* … without TLS */
    bool again_narrow;        /* … with tls_options.narrow */
    uint8_t pkix, dane;       /* enum certificate_fault, enum dane_fault: of the session's host,
                                 where it was looked at */
    bool heard;               /* the server has said something over TLS */
    bool handshaking;         /* TLS is being laid over the stream */
    bool noted_refusal;       /* of noted: our address was refused, and not accepted since */
    bool store_silent;        /* it let a deadline pass: it is not asked again */
    bool limited;             /* candidates are left that a limit forbids */
    bool loop_best;           /* the best MX host is ourselves */
    int32_t loop_preference;  /* hosts from here on are not dialed; INT32_MAX: no
                                 loop */
};

/* Runs the machine as far as it goes. */
void dial_step(struct dial *d);

/*
 * Makes one from a request; NULL: err says why. Its op and its callback are the
 * caller's. resolve: it only fills the request's plan; else a plan that was
 * resolved for this request is used as it is.
 */
struct dial *dial_new(struct mox_ctx *ctx, const struct mox_dial_request *request, bool resolve,
                      struct mox_error *err);

/* The first steps, once its op has started. */
int dial_begin(struct dial *d, struct mox_error *err);

/*
 * Goes on with the next candidate after an op has begun anew. why: NULL or the refusal. worn: the
 * connection alone was at its end, and its candidate comes next once more.
 */
void dial_resume(struct dial *d, const struct mox_error *why, bool worn);

/* Ends it by its callback, with this error. */
void dial_stop(struct dial *d, const struct mox_error *err);

/* Of this time how much a question to the store may take that the dial waits for: all, or none, for
 * a store that is silent costs a dial its deadline once. */
uint64_t dial_store_us(const struct dial *d, uint64_t us);

/* Whether it only resolves. */
static inline bool dial_is_plan(const struct dial *d)
{
    return d->done_fn != NULL;
}

/* Closes the session's stream, with QUIT where the session is sound and quit is
 * wanted. */
void dial_close_stream(struct dial *d, bool quit);

/* Ends all it has in flight. The stream is closed without a word. */
void dial_free(struct dial *d);

void dial_log(const struct dial *d, int level, int stage, const struct plan_candidate *candidate,
              const char *format, ...) ERROR_PRINTF(5, 6);

#endif
