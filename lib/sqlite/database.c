/*
 * database.c - see database.h. A counter is one statement, so no other process comes between, and
 * it is kept as decimal text, which is what Redis does and what `get` is to give. Times are those
 * of the system's clock, for processes share them.
 */
#include "sqlite/database.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "apart/apart.h"

#define NEVER INT64_MAX /* when a value ends that has no time */

enum {
    OPEN_TRIES = 400, /* of 5 ms: two seconds */
    OPEN_WAIT_NS = 5000000,
    VERSION = 1,              /* of the tables */
    APPLICATION = 0x6d6f7831, /* "mox1": whose file it is */
    PURGE_WRITES = 16,        /* after so many writes some rows are purged: more than were added */
    MS_PER_S = 1000,
    NS_PER_MS = 1000000
};

enum statement { GET, PUT, DELETE, ADD, EACH, PURGE, STATEMENTS };

/* Numbers as Redis has them: decimal, without blanks, zeros or a plus ahead. A sum that does not
 * fit becomes a float, which is outside of the bounds. */
#define NUMBER "CAST(CAST(kv.value AS TEXT) AS INTEGER)"
static const char *const texts[] = {
    [GET] = "SELECT key, value FROM kv WHERE key = ?1 AND expires > ?4",
    [PUT] = "INSERT INTO kv (key, value, expires) VALUES (?1, ?2, ?3) ON CONFLICT (key) DO "
            "UPDATE SET value = excluded.value, expires = excluded.expires",
    [DELETE] = "DELETE FROM kv WHERE key = ?1",
    [ADD] = "INSERT INTO kv (key, value, expires) VALUES (?1, CAST(?2 AS TEXT), ?3) ON CONFLICT "
            "(key) DO UPDATE SET value = CASE WHEN kv.expires <= ?4 THEN excluded.value ELSE "
            "CAST(" NUMBER " + ?2 AS TEXT) END, expires = CASE WHEN kv.expires <= ?4 THEN "
            "excluded.expires ELSE kv.expires END WHERE kv.expires <= ?4 OR (CAST(" NUMBER
            " AS TEXT) = CAST(kv.value AS TEXT) AND " NUMBER " + ?2 BETWEEN "
            "-9223372036854775807 AND 9223372036854775807) RETURNING CAST(value AS INTEGER)",
    [EACH] = "SELECT key, value FROM kv WHERE key > ?2 AND key >= ?1 AND key < ?1 || char(127) AND "
             "expires > ?4 ORDER BY key LIMIT ?3",
    [PURGE] = "DELETE FROM kv WHERE rowid IN (SELECT rowid FROM kv WHERE expires <= ?4 LIMIT 64)",
};

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY NOT NULL, value NOT NULL, "
    "expires INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS kv_expires ON kv (expires);"
    "PRAGMA application_id = 1836021809;" /* APPLICATION */
    "PRAGMA user_version = 1;"            /* VERSION */
    "COMMIT";

struct database {
    sqlite3 *sqlite;
    sqlite3_stmt *statements[STATEMENTS];
    unsigned writes;
    const char *path; /* behind it, in the same block */
    char problem[512];
};

static int64_t now_ms(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return 0;
    return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
}

static int64_t end_of(uint32_t ttl_s)
{
    return ttl_s == 0 ? NEVER : now_ms() + (int64_t)ttl_s * MS_PER_S;
}

/* What to do about a result that is no success. */
static const char *cure_of(int result)
{
    switch (result & 0xff) {
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* our tables are not in it */
        return "name another file in Store";
    case SQLITE_CORRUPT:
        return "move it and its -wal and -shm away, a new one will be made";
    case SQLITE_FULL:
        return "make room on the disk";
    case SQLITE_BUSY:
    case SQLITE_PROTOCOL:
        return "another process holds it";
    default:
        return "see that this user may write the file and its folder";
    }
}

static int status_of(int result)
{
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return MOX_OK;
    case SQLITE_BUSY:
    case SQLITE_PROTOCOL: /* a race for the locks of the WAL */
        return MOX_E_AGAIN;
    case SQLITE_NOMEM:
        return MOX_E_NOMEM;
    default:
        return MOX_E_STORE;
    }
}

/* Keeps the words of a failure; returns its status. */
static int note(struct database *db, int result)
{
    int status = status_of(result);

    if (status != MOX_OK)
        snprintf(db->problem, sizeof db->problem, "store sqlite:%s: %s; %s", db->path,
                 sqlite3_errmsg(db->sqlite), cure_of(result));
    return status;
}

/* Statements. */

static sqlite3_stmt *bind(struct database *db, enum statement which, const char *key)
{
    sqlite3_stmt *s = db->statements[which];

    if (key != NULL)
        sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
    if (sqlite3_bind_parameter_count(s) == 4)
        sqlite3_bind_int64(s, 4, now_ms());
    return s;
}

static int finish(struct database *db, sqlite3_stmt *s, int result)
{
    int status = note(db, result);

    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return status;
}

/* To its end; what it wrote beside is purged a little. */
static int run_write(struct database *db, sqlite3_stmt *s, int bound)
{
    int status = finish(db, s, bound == SQLITE_OK ? sqlite3_step(s) : bound);

    if (status != MOX_OK || ++db->writes % PURGE_WRITES != 0)
        return status;
    s = bind(db, PURGE, NULL);
    sqlite3_step(s); /* what fails here comes again */
    sqlite3_reset(s);
    return MOX_OK;
}

static int run_rows(struct database *db, sqlite3_stmt *s, database_row_fn *row, void *arg)
{
    int result, status = MOX_OK;

    while ((result = sqlite3_step(s)) == SQLITE_ROW && status == MOX_OK) {
        const void *value = sqlite3_column_blob(s, 1);
        const char *key = (const char *)sqlite3_column_text(s, 0);
        int len = sqlite3_column_bytes(s, 1);

        if (key == NULL || (value == NULL && len > 0)) {
            result = SQLITE_NOMEM;
            break;
        }
        status = row(arg, key, value == NULL ? "" : value, (size_t)len);
    }
    return finish(db, s, result);
}

int database_get(struct database *db, const char *key, database_row_fn *row, void *arg)
{
    return run_rows(db, bind(db, GET, key), row, arg);
}

int database_each(struct database *db, const char *prefix, const char *after, database_row_fn *row,
                  void *arg)
{
    sqlite3_stmt *s = bind(db, EACH, prefix);

    sqlite3_bind_text(s, 2, after, -1, SQLITE_STATIC);
    sqlite3_bind_int(s, 3, DATABASE_PIECE);
    return run_rows(db, s, row, arg);
}

int database_put(struct database *db, const char *key, const void *value, size_t len,
                 uint32_t ttl_s)
{
    sqlite3_stmt *s = bind(db, PUT, key);

    sqlite3_bind_int64(s, 3, end_of(ttl_s));
    return run_write(db, s, sqlite3_bind_blob64(s, 2, value, len, SQLITE_STATIC));
}

int database_delete(struct database *db, const char *key)
{
    return run_write(db, bind(db, DELETE, key), SQLITE_OK);
}

int database_add(struct database *db, const char *key, int64_t delta, uint32_t ttl_s, int64_t *sum)
{
    sqlite3_stmt *s = bind(db, ADD, key);
    int result, status;

    sqlite3_bind_int64(s, 2, delta);
    sqlite3_bind_int64(s, 3, end_of(ttl_s));
    result = sqlite3_step(s);
    if (result == SQLITE_ROW) {
        *sum = sqlite3_column_int64(s, 0);
        return run_write(db, s, SQLITE_OK); /* which commits it */
    }
    status = finish(db, s, result);
    if (status != MOX_OK)
        return status;
    snprintf(db->problem, sizeof db->problem,
             "store sqlite:%s: the value of %.200s is no number, or the sum does not fit", db->path,
             key);
    return MOX_E_STORE;
}

const char *database_problem(const struct database *db)
{
    return db->problem;
}

/* Opening. */

static int fail_open(const struct database *db, int result, struct mox_error *err)
{
    int status = status_of(result);

    if (status == MOX_E_NOMEM)
        return apart_nomem(err);
    status = apart_fail(err, MOX_E_STORE, "store sqlite:%s: %s; %s", db->path,
                        sqlite3_errmsg(db->sqlite), cure_of(result));
    if (err != NULL)
        err->os_errno = sqlite3_system_errno(db->sqlite);
    return status;
}

static int fail_file(const struct database *db, int error, struct mox_error *err)
{
    char reason[128] = "";

    if (strerror_r(error, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "errno %d", error);
    apart_fail(err, MOX_E_STORE, "store sqlite:%s: cannot be made or written: %s; %s", db->path,
               reason, cure_of(SQLITE_CANTOPEN));
    if (err != NULL)
        err->os_errno = error;
    return MOX_E_STORE;
}

/*
 * SQLite would make it readable for all. The file gets its name when it is closed again: to close a
 * descriptor of a database in use would release the locks that other threads have on it.
 */
static int make_file(const struct database *db, struct mox_error *err)
{
    static const char suffix[] = ".XXXXXX";
    size_t len = strlen(db->path);
    char *made;
    int fd, error = 0;

    if (access(db->path, F_OK) == 0)
        return MOX_OK;
    made = malloc(len + sizeof suffix);
    if (made == NULL)
        return apart_nomem(err);
    memcpy(made, db->path, len);
    memcpy(made + len, suffix, sizeof suffix);
    fd = mkstemp(made);
    if (fd < 0) {
        error = errno;
    } else {
        close(fd);
        if (link(made, db->path) != 0 && errno != EEXIST)
            error = errno;
        unlink(made);
    }
    free(made);
    return error == 0 ? MOX_OK : fail_file(db, error, err);
}

/* A number that one statement gives; -1: none, see *result. */
static int64_t ask_number(const struct database *db, const char *sql, int *result)
{
    sqlite3_stmt *s = NULL;
    int64_t number = -1;

    *result = sqlite3_prepare_v2(db->sqlite, sql, -1, &s, NULL);
    if (*result == SQLITE_OK)
        *result = sqlite3_step(s);
    if (*result == SQLITE_ROW)
        number = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return number;
}

/* Whether the file is ours, *made, or empty. *result: not SQLITE_ROW: nothing is known. */
static int check_owner(const struct database *db, bool *made, int *result, struct mox_error *err)
{
    /* in this order: whoever makes tables marks the file in the same transaction */
    int64_t tables = ask_number(db, "SELECT count(*) FROM sqlite_master", result);
    int64_t application = 0, version = 0;

    if (*result == SQLITE_ROW)
        application = ask_number(db, "PRAGMA application_id", result);
    if (*result == SQLITE_ROW)
        version = ask_number(db, "PRAGMA user_version", result);
    if (*result != SQLITE_ROW)
        return MOX_OK;
    if (application != APPLICATION && (application != 0 || tables != 0))
        return apart_fail(err, MOX_E_STORE,
                          "store sqlite:%s: it is the database of another program; name a file of "
                          "its own in Store",
                          db->path);
    if (version > VERSION)
        return apart_fail(
            err, MOX_E_UNSUPPORTED,
            "store sqlite:%s: a later version of libmoxdial made it; upgrade, or name "
            "another file in Store",
            db->path);
    *made = application == APPLICATION && version == VERSION;
    return MOX_OK;
}

static int is_wal(void *arg, int columns, char **values, char **names)
{
    (void)names;
    *(bool *)arg = columns == 1 && values[0] != NULL && strcmp(values[0], "wal") == 0;
    return 0;
}

/* Once through; *result is busy: try again. */
static int prepare_once(struct database *db, int *result, struct mox_error *err)
{
    bool wal = false, made = false;
    int status = check_owner(db, &made, result, err);

    if (status != MOX_OK || *result != SQLITE_ROW)
        return status;
    *result = sqlite3_exec(db->sqlite, "PRAGMA journal_mode = WAL", is_wal, &wal, NULL);
    if (*result == SQLITE_OK && !wal)
        return apart_fail(err, MOX_E_UNSUPPORTED,
                          "store sqlite:%s: its file system has no shared memory for a WAL; name a "
                          "file on a local disk",
                          db->path);
    if (*result == SQLITE_OK && !made)
        *result = sqlite3_exec(db->sqlite, schema, NULL, NULL, NULL);
    if (*result != SQLITE_OK)
        return MOX_OK;
    *result =
        sqlite3_exec(db->sqlite, "PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 4194304",
                     NULL, NULL, NULL);
    for (size_t i = 0; i < STATEMENTS && *result == SQLITE_OK; i++)
        *result = sqlite3_prepare_v3(db->sqlite, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                     &db->statements[i], NULL);
    return MOX_OK;
}

static void end_statements(struct database *db)
{
    for (size_t i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(db->statements[i]);
        db->statements[i] = NULL;
    }
}

/* SQLite's own way of waiting does not hold where the journal mode changes. */
static int prepare(struct database *db, struct mox_error *err)
{
    const struct timespec wait = {.tv_nsec = OPEN_WAIT_NS};
    int result = SQLITE_OK, status = MOX_OK;

    for (int tries = 0; tries < OPEN_TRIES; tries++) {
        status = prepare_once(db, &result, err);
        if (status != MOX_OK || status_of(result) != MOX_E_AGAIN)
            break;
        end_statements(db);
        if (sqlite3_get_autocommit(db->sqlite) == 0)
            sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
        nanosleep(&wait, NULL);
    }
    if (status != MOX_OK || status_of(result) == MOX_OK)
        return status;
    return fail_open(db, result, err);
}

static int open_file(struct database *db, struct mox_error *err)
{
    int result =
        sqlite3_open_v2(db->path, &db->sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

    if (db->sqlite == NULL)
        return apart_nomem(err);
    if (result != SQLITE_OK)
        return fail_open(db, result, err);
    if (sqlite3_db_readonly(db->sqlite, "main") != 0)
        return fail_file(db, EACCES, err);
    return prepare(db, err);
}

struct database *database_open(const char *path, struct mox_error *err)
{
    static const char here[] = "./"; /* so that no name is a URI or ":memory:" */
    size_t ahead = path[0] == '/' ? 0 : sizeof here - 1, len = strlen(path) + 1;
    struct database *db = calloc(1, sizeof *db + ahead + len);
    char *name;

    if (db == NULL) {
        apart_nomem(err);
        return NULL;
    }
    name = (char *)(db + 1);
    memcpy(name, here, ahead);
    memcpy(name + ahead, path, len);
    db->path = name;
    if (make_file(db, err) == MOX_OK && open_file(db, err) == MOX_OK)
        return db;
    database_close(db);
    return NULL;
}

void database_close(struct database *db)
{
    if (db == NULL)
        return;
    end_statements(db);
    sqlite3_close(db->sqlite);
    free(db);
}
