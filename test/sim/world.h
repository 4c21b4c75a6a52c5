/*
 * world.h - a whole world for the library to dial in: a clock, an event loop, chance, name servers,
 * a network and mail servers, made from the public ops tables alone.
 *
 * Nothing here sleeps and nothing is left to chance: the same seed and the same text of a world
 * (load.h) give the same log, byte for byte. Faults of the library that the world sees (a stream
 * used after its close, a callback inside the call that started it, a loop that spins) are kept
 * and told by world_fault, so that a run goes on to its end. The world takes its memory beforehand:
 * a test may let allocations fail without hitting it.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <moxdial.h>

struct world;

struct sim_event {
    struct sim_event *next;
    uint64_t at_us;
    void (*run)(struct world *w, void *arg);
    void *arg;
};

struct sim_moment {
    uint64_t us;
    size_t at; /* in the log: of two moments in one microsecond the earlier has less */
};

struct sim_text { /* grows; always ends in NUL once something was written */
    char *ptr;
    size_t len, cap;
};

struct dns_set;
struct dns_question;
struct net_place;
struct net_stream;
struct secure_server;
struct fetch_question;
struct fetch_page;
struct store_item;
struct mailbox_taken;

struct world {
    struct mox_ctx *ctx;
    struct mox_config *config; /* owned; NULL: none */
    uint64_t now_us, seed;
    struct sim_event *events; /* by time; of equal ones the older first */
    uint64_t timer_us;        /* what the library asked for, absolute; UINT64_MAX: none */
    struct sim_text log;      /* what DNS and the network saw, a line each */
    struct sim_text told;     /* what the library told its log */
    char fault[256];          /* the first thing that went wrong; "": nothing */
    bool dispatching;         /* callbacks may be made now */
    bool together;            /* what happens in one moment comes in one dispatch */
    bool stirred;             /* an answer function was called since the last dispatch */
    bool ended;               /* the context is gone: nothing may be said to it any more */
    unsigned still;           /* turns without time going on */
    bool no_wait;             /* loop.wait is not there; set before world_open */

    struct dns_set *zone;
    struct dns_question *questions;
    uint32_t dns_ms;  /* how long an answer takes where the zone says nothing */
    bool dns_at_once; /* answer inside the question */
    struct fetch_page *pages;
    struct fetch_question *fetches;
    struct store_item *items;
    int store;      /* enum store_kind */
    bool dry;       /* nothing may be counted in the store: only plans are at work */
    bool fetch_ops; /* the library may fetch policies; set before world_open */
    struct net_place *places;
    struct net_stream *streams;
    struct mailbox_taken *taken;  /* the latest first */
    struct secure_server *secure; /* TLS of servers, freed with the world */
    bool no_chance;               /* this machine has no random numbers for us */
    struct mox_ip machine[8];     /* addresses of this machine */
    size_t nmachine;
    uint32_t max_write;           /* bytes that one write takes; 0: all */
    bool eager;                   /* streams report what was not asked for, too */
    bool no_fd;                   /* streams have no descriptors */
    uint32_t (*whose)(void *arg); /* bits of the dials that may connect now; NULL: nobody asks */
    void *whose_arg;

    void *blocks; /* memory, given back at the end */
};

/* What mox_dial_start, mox_plan_resolve_start and mox_conn_watch call back. All zero: ready. */
struct sim_call {
    struct world *w;
    int calls, status;
    bool cancelled;
    struct mox_conn *conn; /* as given; the test ends it */
    struct mox_error err;
};

void sim_on_conn(void *arg, int status, struct mox_conn *conn, const struct mox_error *err);
void sim_on_done(void *arg, int status, const struct mox_error *err);

/* A world with a context. options: NULL, or what to add; its tables are replaced. */
struct world *world_new(uint64_t seed, const struct mox_ctx_options *options);

/* Without a context yet; world_open makes it. */
struct world *world_bare(uint64_t seed);
int world_open(struct world *w, const struct mox_ctx_options *options, struct mox_error *err);

/* Ends the context if it lives; NULL: nothing is left open and nothing went wrong, else what. Lives
 * until world_free. */
const char *world_end(struct world *w);
void world_free(struct world *w);

/* One turn: the next event, or the timer of the library; then a dispatch. False: nothing is left to
 * happen. */
bool world_step(struct world *w);

/* Turns until nothing is in flight in the context. */
void world_run(struct world *w);

/* Turns until so many milliseconds have gone by. */
void world_sleep(struct world *w, uint64_t ms);

/* Milliseconds since the world began. */
uint64_t world_ms(const struct world *w);
uint64_t world_ms_of(uint64_t us);
struct sim_moment world_now(const struct world *w);

/* For the folder's own use. */
bool sim_same_ip(const struct mox_ip *a, const struct mox_ip *b);
void *world_alloc(struct world *w, size_t size);
char *world_text(struct world *w, const char *text);
void world_at(struct world *w, uint64_t delay_us, void (*run)(struct world *w, void *arg),
              void *arg);
uint64_t world_random(struct world *w);
void world_log(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_fault(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Lines of the log that hold all of the text; and the n-th line from 0 that does, copied to buf. */
unsigned world_count(const struct world *w, const char *text);

/* The same of what the library told its log. */
unsigned world_count_told(const struct world *w, const char *text);

#endif
