/*
 * sqlite.c - SQLite as store ops: see moxdial/sqlite.h. An operation is done within the call, and
 * answered there. Only what meets another process that writes is kept, and `each`, which goes a
 * piece at a turn; as long as something is kept what comes is kept behind it, so all stays in
 * order. What is kept is bounded in bytes, and in time by UNTIL_MS.
 */
#include <moxdial/sqlite.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "apart/apart.h"
#include "sqlite/database.h"

enum {
    UNTIL_MS = 1000, /* the default of mox_timeouts.store: later nobody waits any more */
    KEPT_BYTES = 4 << 20,
    RETRY_FIRST_US = 500,
    RETRY_LAST_US = 16000,
    MS_PER_S = 1000,
    NS_PER_MS = 1000000
};

enum op_kind { OP_GET, OP_PUT, OP_DELETE, OP_ADD, OP_EACH };

struct op {
    enum op_kind kind;
    uint64_t id;
    const char *key;
    const void *value;
    size_t len;
    int64_t number; /* add: the delta; each: how many there were */
    uint32_t ttl_s;
    char *after; /* each: the last key that was told */
};

struct kept {
    struct kept *next;
    size_t size;
    int64_t until_ms;
    struct op op;
    char bytes[]; /* its key, its value or `after` */
};

struct mox_sqlite {
    struct mox_store_ops ops;
    struct mox_ctx *ctx; /* NULL: not attached */
    pid_t pid;
    struct database *db;
    struct kept *first, **last;
    size_t bytes; /* kept */
    int64_t retry_us;
};

/* One operation, tried. */

/* A row of get or each, told to the context. */
struct told {
    struct mox_sqlite *sqlite;
    struct op *op;
    int rows;
    bool unwanted;
};

static int tell_value(void *arg, const char *key, const void *value, size_t len)
{
    struct told *told = arg;

    (void)key;
    told->rows++;
    mox_store_done(told->sqlite->ctx, told->op->id, MOX_OK, value, len, 0);
    return MOX_OK;
}

static int tell_item(void *arg, const char *key, const void *value, size_t len)
{
    struct told *told = arg;
    size_t key_len = strlen(key);

    if (key_len > APART_KEY) /* not of ours */
        return MOX_OK;
    told->rows++;
    told->op->number++;
    memcpy(told->op->after, key, key_len + 1);
    if (mox_store_item(told->sqlite->ctx, told->op->id, key, value, len) == MOX_OK)
        return MOX_OK;
    told->unwanted = true;
    return MOX_E_STALE;
}

static int try_get(struct mox_sqlite *sqlite, struct op *op)
{
    struct told told = {.sqlite = sqlite, .op = op};
    int status = database_get(sqlite->db, op->key, tell_value, &told);

    if (status == MOX_OK && told.rows == 0)
        mox_store_done(sqlite->ctx, op->id, MOX_OK, NULL, 0, 0);
    return status;
}

/* One piece. *more: it was not the last. */
static int try_each(struct mox_sqlite *sqlite, struct op *op, bool *more)
{
    struct told told = {.sqlite = sqlite, .op = op};
    int status = database_each(sqlite->db, op->key, op->after, tell_item, &told);

    *more = status == MOX_OK && told.rows == DATABASE_PIECE && !told.unwanted;
    if (status == MOX_OK && !*more)
        mox_store_done(sqlite->ctx, op->id, MOX_OK, NULL, 0, op->number);
    return status;
}

/* MOX_OK: it is answered, unless *more. MOX_E_AGAIN: another process writes. */
static int try_op(struct mox_sqlite *sqlite, struct op *op, bool *more)
{
    int64_t sum = 0;
    int status;

    *more = false;
    switch (op->kind) {
    case OP_GET:
        return try_get(sqlite, op);
    case OP_EACH:
        return try_each(sqlite, op, more);
    case OP_PUT:
        status = database_put(sqlite->db, op->key, op->value, op->len, op->ttl_s);
        break;
    case OP_DELETE:
        status = database_delete(sqlite->db, op->key);
        break;
    default:
        status = database_add(sqlite->db, op->key, op->number, op->ttl_s, &sum);
        break;
    }
    if (status == MOX_OK)
        mox_store_done(sqlite->ctx, op->id, MOX_OK, NULL, 0, sum);
    return status;
}

/* What is kept. */

static int64_t now_ms(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return 0;
    return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
}

static void drop_first(struct mox_sqlite *sqlite)
{
    struct kept *kept = sqlite->first;

    sqlite->first = kept->next;
    if (sqlite->first == NULL)
        sqlite->last = &sqlite->first;
    sqlite->bytes -= kept->size;
    free(kept);
}

static void end_first(struct mox_sqlite *sqlite, int status)
{
    mox_store_done(sqlite->ctx, sqlite->first->op.id, status, NULL, 0, 0);
    drop_first(sqlite);
}

/* Those that waited too long: the others of their time go with the first. */
static void end_late(struct mox_sqlite *sqlite)
{
    int64_t now = now_ms();

    while (sqlite->first != NULL && sqlite->first->until_ms <= now)
        end_first(sqlite, MOX_E_STORE);
}

static void on_timer(void *arg, intptr_t fd, int events);

static void set_timer(struct mox_sqlite *sqlite, int64_t delay_us)
{
    int status = mox_ctx_timer(sqlite->ctx, delay_us, on_timer, sqlite);

    while (status != MOX_OK && sqlite->first != NULL) /* nothing would ever try them again */
        end_first(sqlite, status);
}

/* Called by the context: tries what is kept, in order, up to the first that has to wait. */
static void on_timer(void *arg, intptr_t fd, int events)
{
    struct mox_sqlite *sqlite = arg;

    (void)fd;
    (void)events;
    while (sqlite->first != NULL) {
        bool more;
        int status = try_op(sqlite, &sqlite->first->op, &more);

        if (more) {
            sqlite->first->until_ms = now_ms() + UNTIL_MS;
            set_timer(sqlite, 0);
            return;
        }
        if (status == MOX_E_AGAIN)
            end_late(sqlite);
        else if (status == MOX_OK)
            drop_first(sqlite);
        else
            end_first(sqlite, status);
        if (status == MOX_E_AGAIN)
            break;
        sqlite->retry_us = RETRY_FIRST_US;
    }
    if (sqlite->first == NULL)
        return;
    set_timer(sqlite, sqlite->retry_us);
    if (sqlite->retry_us < RETRY_LAST_US)
        sqlite->retry_us *= 2;
}

/* With copies of all that it borrows. */
static int keep(struct mox_sqlite *sqlite, const struct op *op, int64_t delay_us)
{
    size_t key = strlen(op->key) + 1, behind = op->kind == OP_EACH ? APART_KEY + 1 : op->len;
    size_t size = sizeof(struct kept) + key + behind;
    struct kept *kept;

    if (size > KEPT_BYTES - sqlite->bytes)
        return MOX_E_LIMIT;
    kept = malloc(size);
    if (kept == NULL)
        return MOX_E_NOMEM;
    *kept = (struct kept){.size = size, .until_ms = now_ms() + UNTIL_MS, .op = *op};
    kept->op.key = memcpy(kept->bytes, op->key, key);
    if (op->len > 0)
        kept->op.value = memcpy(kept->bytes + key, op->value, op->len);
    if (op->kind == OP_EACH) {
        kept->op.after = kept->bytes + key;
        kept->op.after[0] = '\0';
    }
    sqlite->bytes += size;
    *sqlite->last = kept;
    sqlite->last = &kept->next;
    if (sqlite->first == kept)
        set_timer(sqlite, delay_us);
    return MOX_OK;
}

/* The table. */

static int start(struct mox_sqlite *sqlite, struct op *op)
{
    bool more;
    int status;

    if (sqlite->ctx == NULL)
        return MOX_E_STATE;
    if (strlen(op->key) > APART_KEY || op->len > APART_VALUE)
        return MOX_E_LIMIT;
    if (sqlite->first != NULL || op->kind == OP_EACH)
        return keep(sqlite, op, 0);
    status = try_op(sqlite, op, &more);
    if (status != MOX_E_AGAIN)
        return status;
    sqlite->retry_us = RETRY_FIRST_US;
    return keep(sqlite, op, RETRY_FIRST_US);
}

static int sqlite_get(void *user, uint64_t id, const char *key)
{
    return start(user, &(struct op){.kind = OP_GET, .id = id, .key = key});
}

static int sqlite_put(void *user, uint64_t id, const char *key, const void *value, size_t len,
                      uint32_t ttl_s)
{
    return start(user, &(struct op){.kind = len == 0 ? OP_DELETE : OP_PUT,
                                    .id = id,
                                    .key = key,
                                    .value = value,
                                    .len = len,
                                    .ttl_s = ttl_s});
}

static int sqlite_add(void *user, uint64_t id, const char *key, int64_t delta, uint32_t ttl_s)
{
    if (delta == INT64_MIN)
        return MOX_E_STORE; /* no sum with it fits, as in the other stores */
    return start(
        user, &(struct op){.kind = OP_ADD, .id = id, .key = key, .number = delta, .ttl_s = ttl_s});
}

static int sqlite_each(void *user, uint64_t id, const char *prefix)
{
    return start(user, &(struct op){.kind = OP_EACH, .id = id, .key = prefix});
}

const struct mox_store_ops *mox_sqlite_ops(struct mox_sqlite *sqlite)
{
    return &sqlite->ops;
}

void mox_sqlite_attach(struct mox_sqlite *sqlite, struct mox_ctx *ctx)
{
    sqlite->ctx = ctx;
}

const char *mox_sqlite_problem(const struct mox_sqlite *sqlite)
{
    return database_problem(sqlite->db);
}

struct mox_sqlite *mox_sqlite_open(const char *path, struct mox_error *err)
{
    struct mox_sqlite *sqlite;

    if (path == NULL || path[0] == '\0') {
        apart_fail(err, MOX_E_INVAL, "store: no path; write sqlite:PATH");
        return NULL;
    }
    sqlite = calloc(1, sizeof *sqlite);
    if (sqlite == NULL) {
        apart_nomem(err);
        return NULL;
    }
    sqlite->db = database_open(path, err);
    if (sqlite->db == NULL) {
        free(sqlite);
        return NULL;
    }
    sqlite->pid = getpid();
    sqlite->last = &sqlite->first;
    sqlite->retry_us = RETRY_FIRST_US;
    sqlite->ops = (struct mox_store_ops){.size = sizeof sqlite->ops,
                                         .user = sqlite,
                                         .get = sqlite_get,
                                         .put = sqlite_put,
                                         .add = sqlite_add,
                                         .each = sqlite_each};
    if (err != NULL)
        err->code = MOX_OK;
    return sqlite;
}

void mox_sqlite_close(struct mox_sqlite *sqlite)
{
    if (sqlite == NULL || sqlite->pid != getpid())
        return;
    while (sqlite->first != NULL)
        drop_first(sqlite);
    database_close(sqlite->db);
    free(sqlite);
}
