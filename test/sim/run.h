/*
 * run.h - a seed lived through once, with the real library and a host that does what it drew.
 */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include "test/sim/reference.h"
#include "test/sim/send.h"

enum run_phase { RUN_IDLE = 0, RUN_RESOLVES, RUN_DIALS, RUN_OVER };

struct run_attempt { /* of a plan */
    struct mox_ip ip, source;
    uint16_t port;
    uint64_t at_ms; /* of the world */
    int zone;
    bool seen; /* by the network */
};

struct run_dial {
    struct run *run;
    const struct seed_dial *facts;
    const struct seed_config *config; /* at its start */
    struct mox_config *parsed;        /* a reference of the host's own */
    struct reference reference;
    mox_op_id id, watch;                    /* watch: of its connection; 0: none */
    struct mox_plan *plan;                  /* NULL: none, or given away */
    struct mox_conn *conn;                  /* the host's */
    unsigned sessions;                      /* reached so far */
    int phase;                              /* enum run_phase */
    int goes_on;                            /* times that it still will */
    uint64_t born_ms, start_ms, plan_ms;    /* born: at its first start */
    struct sim_moment order_from, order_to; /* when its candidates are put in order: from its start,
                                               to the end of a plan's resolving; at 0: open */
    unsigned notes;                         /* told to the history so far */
    int64_t unix_s;                         /* at its first start */
    unsigned rolled;                        /* times of its zone, at its first start */
    bool started;
    char ehlo[SEED_TEXT]; /* the name by which servers know the dial; "": none of its own */
    bool planned;         /* its plan tells all that it dialed */
    struct send send;     /* what it delivers */
};

struct run {
    struct seed *seed;
    struct world *w;
    struct mox_config *config; /* the present one; NULL: none */
    const struct seed_config *facts;
    struct run_dial dials[SEED_DIALS];
    bool shut_down, cancelled;   /* cancelled: a dial was, or the context freed */
    unsigned rolled[SEED_ZONES]; /* times that TLSA records of the zone became others */
    uint64_t shut_down_ms;
    bool failed;                       /* an allocation did */
    unsigned proven[MOX_TLS_DANE + 1]; /* sessions, by what TLS proved */
    struct run_attempt *attempts;      /* of all plans that were looked at */
    size_t nattempts, cap;
    size_t log_len;    /* of the log, when the plans were looked at last */
    uint64_t reused;   /* connections that were used again */
    uint64_t foretold; /* errors of sessions that were compared with the reference's */
    uint64_t ordered;  /* connects that were held against the order by family health */
    uint64_t put_last; /* … with a family put last */
    long live;         /* blocks before it began */
    char broken[32];   /* the first invariant that did not hold; "": all did */
    char detail[400];
};

/* Lives the seed. The world stays, until run_free, which returns how many blocks were left. */
void run_seed(struct run *run, struct seed *seed);
long run_free(struct run *run);

/* For a host that delivers: the next candidate; the connection given back; another dial. */
void run_go_on(struct run_dial *d);
void run_release(struct run_dial *d);
void run_again(struct run_dial *d);

/* Which of its run's dials it is. */
static inline int run_number_of(const struct run_dial *d)
{
    return (int)(d - d->run->dials);
}

/* Its world, its first configuration, its context. */
void run_begin(struct run *run);

/* NULL: a fault of the run. */
struct mox_config *run_parse(struct run *run, const struct seed_config *facts);

/* The other configuration of the seed; dials that run keep the old one. */
void run_reload(struct run *run);

/* Other TLSA records for the zone, unless a dial may be in the middle of it. */
void run_roll(struct run *run, int zone);

/* An invariant did not hold. */
void run_broken(struct run *run, const char *invariant, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The time of the world's clock. */
int64_t run_unix_s(const struct run *run);

/* Whether the route of the dial hangs on what others claim: the reference follows its plan. */
bool run_is_open(const struct run_dial *d);

/* Whether outcomes can be foretold: no allocation failed. */
bool run_is_sound(const struct run *run);

#endif
