/* store_world.c - see store_world.h. */
#include "store_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef MOX_HAVE_SQLITE
#include <moxdial/sqlite.h>
#endif
#ifdef MOX_HAVE_REDIS
#include <moxdial/redis.h>
#endif

#include "redis_server.h"

static const char *const names[] = {
    [STORE_MEMORY] = "memory",
    [STORE_SQLITE] = "sqlite",
    [STORE_REDIS] = "redis by a socket",
    [STORE_REDIS_TCP] = "redis over TCP",
};

const char *store_kind_name(enum store_kind kind)
{
    return names[kind];
}

const char *store_folder(void)
{
    return getenv("MOX_STORE_FOLDER");
}

const char *store_file(const char *name)
{
    static char path[4][256];
    static size_t next;
    char *out = path[next++ % 4];

    snprintf(out, sizeof path[0], "%s/%s", store_folder(), name);
    return out;
}

bool store_has(enum store_kind kind)
{
    switch (kind) {
    case STORE_MEMORY:
        return true;
    case STORE_SQLITE:
#ifdef MOX_HAVE_SQLITE
        return true;
#else
        return false;
#endif
    default:
#ifdef MOX_HAVE_REDIS
        return redis_server_shared()->pid > 0;
#else
        return false;
#endif
    }
}

static void on_done(struct ctx_store_op *op)
{
    struct store_world *w = (struct store_world *)((char *)op - offsetof(struct store_world, op));

    w->done++;
}

static void on_item(struct ctx_store_op *op, const char *key, struct slice value)
{
    struct store_world *w = (struct store_world *)((char *)op - offsetof(struct store_world, op));

    buffer_append_text(&w->listed, key);
    buffer_append_text(&w->listed, "=");
    buffer_append(&w->listed, value.ptr, value.len);
    buffer_append_text(&w->listed, " ");
}

static void open_store(struct store_world *w, enum store_kind kind, const char *place)
{
    struct mox_error err = {.code = 1};

    (void)place; /* of a build with memory alone */
    (void)err;
    switch (kind) {
#ifdef MOX_HAVE_SQLITE
    case STORE_SQLITE:
        w->sqlite = mox_sqlite_open(place != NULL ? place : store_file("db"), &err);
        ck_assert_msg(w->sqlite != NULL, "%s", err.message);
        ck_assert_int_eq(err.code, MOX_OK);
        w->ops = mox_sqlite_ops(w->sqlite);
        break;
#endif
#ifdef MOX_HAVE_REDIS
    case STORE_REDIS:
    case STORE_REDIS_TCP:
        if (place == NULL)
            place =
                kind == STORE_REDIS ? redis_server_shared()->path : redis_server_shared()->address;
        w->redis = mox_redis_open(place, &err);
        ck_assert_msg(w->redis != NULL, "%s", err.message);
        ck_assert_int_eq(err.code, MOX_OK);
        w->ops = mox_redis_ops(w->redis);
        break;
#endif
    default:
        w->ops = NULL;
        break;
    }
}

static void attach(struct store_world *w)
{
#ifdef MOX_HAVE_SQLITE
    if (w->sqlite != NULL)
        mox_sqlite_attach(w->sqlite, w->ctx);
#endif
#ifdef MOX_HAVE_REDIS
    if (w->redis != NULL)
        mox_redis_attach(w->redis, w->ctx);
#endif
    (void)w;
}

static void note_problem(struct store_world *w)
{
    const char *words = "";

#ifdef MOX_HAVE_SQLITE
    if (w->sqlite != NULL)
        words = mox_sqlite_problem(w->sqlite);
#endif
#ifdef MOX_HAVE_REDIS
    if (w->redis != NULL)
        words = mox_redis_problem(w->redis);
#endif
    snprintf(w->problem, sizeof w->problem, "%s", words);
}

void store_world_open_with(struct store_world *w, enum store_kind kind, const char *place,
                           const struct mox_sys_ops *sys)
{
    struct mox_ctx_options options = {.size = sizeof options, .sys = sys};

    *w = (struct store_world){.done = 0};
    open_store(w, kind, place);
    options.store = w->ops;
    w->ctx = mox_ctx_new(&options, NULL);
    ck_assert_ptr_nonnull(w->ctx);
    attach(w);
}

void store_world_open(struct store_world *w, enum store_kind kind, const char *place)
{
    store_world_open_with(w, kind, place, NULL);
}

void store_world_close(struct store_world *w)
{
    if (w->ctx != NULL)
        store_cancel(&w->op);
    buffer_free(&w->listed);
    mox_ctx_free(w->ctx);
#ifdef MOX_HAVE_SQLITE
    mox_sqlite_close(w->sqlite);
#endif
#ifdef MOX_HAVE_REDIS
    mox_redis_close(w->redis);
#endif
    *w = (struct store_world){.done = 0};
}

static struct ctx_store_op *fresh(struct store_world *w)
{
    store_cancel(&w->op);
    buffer_free(&w->listed);
    w->op = (struct ctx_store_op){.done = on_done, .item = on_item};
    w->done = 0;
    return &w->op;
}

int store_world_wait(struct store_world *w, int started)
{
    if (started != MOX_OK)
        return started;
    while (w->done == 0)
        ck_assert_int_ge(mox_ctx_wait(w->ctx, 30000), 0);
    ck_assert_int_eq(w->done, 1);
    if (w->op.status != MOX_OK)
        note_problem(w);
    return w->op.status;
}

int store_world_put(struct store_world *w, const char *key, struct slice value, uint32_t ttl_s)
{
    struct ctx_store_op *op = fresh(w);

    return store_world_wait(w, store_put(w->ctx, op, key, value, ttl_s, WORLD_TIMEOUT_US));
}

int store_world_add(struct store_world *w, const char *key, int64_t delta, uint32_t ttl_s)
{
    struct ctx_store_op *op = fresh(w);

    return store_world_wait(w, store_add(w->ctx, op, key, delta, ttl_s, WORLD_TIMEOUT_US));
}

int store_world_get(struct store_world *w, const char *key)
{
    struct ctx_store_op *op = fresh(w);

    return store_world_wait(w, store_get(w->ctx, op, key, WORLD_TIMEOUT_US));
}

int store_world_each(struct store_world *w, const char *prefix)
{
    struct ctx_store_op *op = fresh(w);

    return store_world_wait(w, store_each(w->ctx, op, prefix, WORLD_TIMEOUT_US));
}

const char *store_world_text(struct store_world *w, const char *key)
{
    static char text[64];

    ck_assert_int_eq(store_world_get(w, key), MOX_OK);
    slice_clean(buffer_slice(&w->op.value), false, text, sizeof text);
    return w->op.found ? text : NULL;
}

const char *store_world_listed(struct store_world *w, const char *prefix)
{
    ck_assert_int_eq(store_world_each(w, prefix), MOX_OK);
    ck_assert_int_eq(buffer_append(&w->listed, "", 1), MOX_OK);
    return buffer_slice(&w->listed).ptr;
}

/* What a child has counted comes through its pipe. */
static pid_t start_process(long (*fn)(enum store_kind kind, int n), enum store_kind kind, int n,
                           int out)
{
    pid_t child = fork();

    if (child == 0) {
        long result = fn(kind, n);

        _exit(write(out, &result, sizeof result) == (ssize_t)sizeof result ? 0 : 1);
    }
    return child;
}

long store_in_processes(long (*fn)(enum store_kind kind, int n), enum store_kind kind)
{
    pid_t children[WORLD_PROCESSES];
    long sum = 0, result;
    int fds[2], status;

    ck_assert_int_eq(pipe(fds), 0);
    for (int n = 0; n < WORLD_PROCESSES; n++) {
        children[n] = start_process(fn, kind, n, fds[1]);
        ck_assert_int_gt(children[n], 0);
    }
    close(fds[1]);
    for (int n = 0; n < WORLD_PROCESSES; n++) {
        ck_assert_int_eq(waitpid(children[n], &status, 0), children[n]);
        ck_assert_msg(status == 0, "process %d: %d", n, status);
        ck_assert_int_eq(read(fds[0], &result, sizeof result), (ssize_t)sizeof result);
        sum += result;
    }
    close(fds[0]);
    return sum;
}
