/*
 * store_world.h - a context with a store of one kind, questions to it by name, and the servers and
 * folders that it needs.
 */
#ifndef STORE_WORLD_H
#define STORE_WORLD_H

#include <moxdial.h>

#include "ctx/store.h"

#include "test/unit/test.h"

enum { WORLD_TIMEOUT_US = 20000000, WORLD_PROCESSES = 32 };

enum store_kind { STORE_MEMORY, STORE_SQLITE, STORE_REDIS, STORE_REDIS_TCP, STORE_KINDS };

struct mox_sqlite;
struct mox_redis;

struct store_world { /* all zero: closed */
    struct mox_ctx *ctx;
    struct mox_sqlite *sqlite;
    struct mox_redis *redis;
    const struct mox_store_ops *ops; /* NULL: memory */
    struct ctx_store_op op;          /* of the questions below */
    struct buffer listed;            /* what each told: "key=value " */
    int done;
    char problem[512]; /* of the store, after a question that failed */
};

/* Of all tests: the folder is made and removed by main, the server is started by it. */
const char *store_folder(void);
const char *store_file(const char *name); /* in it; valid until the next call but three */
bool store_has(enum store_kind kind);     /* false: not in this build, or no server */
const char *store_kind_name(enum store_kind kind);

/* The context, whose store is opened at `place`; NULL: the place of this kind for all tests. */
void store_world_open(struct store_world *w, enum store_kind kind, const char *place);

/* The same with these sys ops. */
void store_world_open_with(struct store_world *w, enum store_kind kind, const char *place,
                           const struct mox_sys_ops *sys);
void store_world_close(struct store_world *w);

/* Ask, and wait for the answer: its status. */
int store_world_put(struct store_world *w, const char *key, struct slice value, uint32_t ttl_s);
int store_world_add(struct store_world *w, const char *key, int64_t delta, uint32_t ttl_s);
int store_world_get(struct store_world *w, const char *key);
int store_world_each(struct store_world *w, const char *prefix);

/* The value that get found; NULL: none. Valid until the next question. */
const char *store_world_text(struct store_world *w, const char *key);
const char *store_world_listed(struct store_world *w, const char *prefix);

/* Waits for the op that was started on it. */
int store_world_wait(struct store_world *w, int started);

/* In so many processes at once: fn's results, added up; below 0: one has failed. */
long store_in_processes(long (*fn)(enum store_kind kind, int n), enum store_kind kind);

#endif
