/*
 * test_sqlite.c - the file: how it is made, what it refuses to be, whom it waits for; and what is
 * in it when its time has come.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include <moxdial/sqlite.h>

#include "base/limits.h"
#include "cases.h"
#include "store_world.h"

static struct store_world world;
static sqlite3 *other; /* another process, so to say */

static void execute(const char *sql)
{
    ck_assert_msg(sqlite3_exec(other, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(other));
}

static const char *file(void)
{
    return store_file("own");
}

static void remove_file(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char path[256];

    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        snprintf(path, sizeof path, "%s%s", file(), suffixes[i]);
        unlink(path);
    }
}

static void setup(void)
{
    remove_file();
    store_world_open(&world, STORE_SQLITE, file());
    ck_assert_int_eq(sqlite3_open(file(), &other), SQLITE_OK);
}

static void teardown(void)
{
    test_fail_alloc(0);
    sqlite3_close(other);
    other = NULL;
    store_world_close(&world);
    remove_file();
}

static int put(const char *key, const char *value, uint32_t ttl_s)
{
    return store_world_put(&world, key, slice_of(value), ttl_s);
}

static const char *get(const char *key)
{
    return store_world_text(&world, key);
}

static int count_row(void *arg, int n, char **values, char **names)
{
    (void)n;
    (void)names;
    *(int *)arg = atoi(values[0]);
    return 0;
}

static int count(const char *sql)
{
    int rows = -1;

    ck_assert_int_eq(sqlite3_exec(other, sql, count_row, &rows, NULL), SQLITE_OK);
    return rows;
}

static void age(int seconds)
{
    char sql[128];

    snprintf(sql, sizeof sql, "UPDATE kv SET expires = expires - %d000", seconds);
    execute(sql);
}

START_TEST(the_file_is_for_us_alone)
{
    struct stat st;
    char path[256];

    store_world_close(&world);
    remove_file();
    umask(0);
    store_world_open(&world, STORE_SQLITE, file());
    ck_assert_int_eq(put("a", "1", 0), MOX_OK);
    ck_assert_int_eq(stat(file(), &st), 0);
    ck_assert_int_eq((int)(st.st_mode & 0777), 0600);
    snprintf(path, sizeof path, "%s-wal", file());
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq((int)(st.st_mode & 0777), 0600);
}
END_TEST

START_TEST(what_is_there_stays)
{
    ck_assert_int_eq(put("a", "1", 1000), MOX_OK);
    ck_assert_int_eq(store_world_add(&world, "n", 5, 0), MOX_OK);
    store_world_close(&world);
    store_world_open(&world, STORE_SQLITE, file());
    ck_assert_str_eq(get("a"), "1");
    ck_assert_str_eq(get("n"), "5");
}
END_TEST

START_TEST(no_name_is_anything_but_a_file)
{
    static const char *const odd[] = {":memory:", "file:x?mode=memory", "a b'%"};

    ck_assert_int_eq(chdir(store_folder()), 0);
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        struct mox_sqlite *sqlite = mox_sqlite_open(odd[i], NULL);

        ck_assert_ptr_nonnull(sqlite);
        mox_sqlite_close(sqlite);
        ck_assert_msg(access(odd[i], F_OK) == 0, "%s", odd[i]);
        unlink(odd[i]);
    }
}
END_TEST

static void write_text(const char *path, const char *text, size_t len)
{
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(text, 1, len, f), len);
    fclose(f);
}

static void make_database(const char *path, const char *sql)
{
    sqlite3 *db = NULL;

    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static const struct bad_case {
    const char *name, *file; /* in the folder */
    const char *sql, *text;  /* made so before; NULL: not made */
    int code, error;
    const char *words;
} bad[] = {
    {"no folder", "nowhere/db", NULL, NULL, MOX_E_STORE, ENOENT, "No such file"},
    {"a folder", "", NULL, NULL, MOX_E_STORE, -1, "unable to open"},
    {"no database", "text", NULL, "Transports:\n", MOX_E_STORE, 0, "not a database; name another"},
    {"of another program", "foreign", "CREATE TABLE mail (a)", NULL, MOX_E_STORE, 0,
     "another program"},
    {"marked by another program", "marked", "PRAGMA application_id = 7", NULL, MOX_E_STORE, 0,
     "another program"},
    {"of a later version", "later",
     "PRAGMA application_id = 1836021809; PRAGMA user_version = 2; CREATE TABLE kv (a)", NULL,
     MOX_E_UNSUPPORTED, 0, "later version"},
    {"ours, and without its table", "lost",
     "PRAGMA application_id = 1836021809; PRAGMA user_version = 1; CREATE TABLE x (a)", NULL,
     MOX_E_STORE, 0, "no such table: kv; name another"},
};

START_TEST(what_cannot_be_a_store_is_told_when_it_is_opened)
{
    const struct bad_case *c = &bad[_i];
    const char *path = store_file(c->file);
    struct mox_error err = {0};

    if (c->sql != NULL)
        make_database(path, c->sql);
    if (c->text != NULL)
        write_text(path, c->text, strlen(c->text));
    ck_assert_ptr_null(mox_sqlite_open(path, &err));
    ck_assert_msg(err.code == c->code, "%s: %d", c->name, err.code);
    ck_assert_msg(c->error < 0 || err.os_errno == c->error, "%s: %d", c->name, err.os_errno);
    ck_assert_ptr_nonnull(strstr(err.message, path));
    ck_assert_msg(strstr(err.message, c->words) != NULL, "%s: %s", c->name, err.message);
    ck_assert_int_eq(err.action, MOX_ACTION_LATER);
    ck_assert_ptr_null(mox_sqlite_open(path, NULL));
    if (c->sql != NULL) /* and nothing was written into it */
        ck_assert_int_eq(access(store_file("foreign-wal"), F_OK), -1);
    if (c->sql != NULL || c->text != NULL)
        unlink(path);
}
END_TEST

START_TEST(no_path_is_said)
{
    struct mox_error err = {0};

    ck_assert_ptr_null(mox_sqlite_open("", &err));
    ck_assert_int_eq(err.code, MOX_E_INVAL);
    ck_assert_ptr_null(mox_sqlite_open(NULL, NULL));
    mox_sqlite_close(NULL);
}
END_TEST

START_TEST(a_damaged_file_is_told_and_so_is_the_way_out)
{
    static char page[4096];
    struct mox_error err = {0};
    int fd;

    for (int i = 0; i < 100; i++)
        store_world_add(&world, "n", 1, 0);
    sqlite3_close(other);
    other = NULL;
    store_world_close(&world); /* the WAL is in the file now */
    fd = open(file(), O_WRONLY);
    memset(page, 0xa5, sizeof page);
    ck_assert_int_eq(pwrite(fd, page, sizeof page - 100, 100), sizeof page - 100);
    close(fd);
    ck_assert_ptr_null(mox_sqlite_open(file(), &err));
    ck_assert_int_eq(err.code, MOX_E_STORE);
    ck_assert_msg(strstr(err.message, "malformed; move it") != NULL, "%s", err.message);
}
END_TEST

START_TEST(what_has_had_its_time_is_absent)
{
    put("a", "1", 10);
    put("b", "2", 0);
    store_world_add(&world, "n", 5, 10);
    age(9);
    ck_assert_str_eq(get("a"), "1");
    ck_assert_int_eq(store_world_add(&world, "n", 1, 1000), MOX_OK); /* its time is the first's */
    ck_assert_int_eq(world.op.number, 6);
    age(1);
    ck_assert_ptr_null(get("a"));
    ck_assert_ptr_null(get("n"));
    ck_assert_str_eq(store_world_listed(&world, ""), "b=2 ");
    ck_assert_int_eq(store_world_add(&world, "n", 7, 10), MOX_OK);
    ck_assert_int_eq(world.op.number, 7);
    age(9);
    put("a", "3", 10);
    ck_assert_str_eq(get("n"), "7");
    age(9);
    ck_assert_str_eq(get("a"), "3");
    ck_assert_ptr_null(get("n"));
}
END_TEST

START_TEST(what_has_had_its_time_goes_while_others_come)
{
    char key[32];

    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "old/%d", i);
        ck_assert_int_eq(put(key, "v", 10), MOX_OK);
    }
    ck_assert_int_eq(count("SELECT count(*) FROM kv"), 1000);
    age(10);
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof key, "new/%d", i);
        ck_assert_int_eq(put(key, "v", 1000), MOX_OK);
    }
    ck_assert_int_eq(count("SELECT count(*) FROM kv"), 300);
}
END_TEST

/* The lock is held by this very thread: if an op waited for it, it would wait for ever. */
START_TEST(another_writer_is_not_waited_for)
{
    const struct mox_store_ops *table = world.ops;

    execute("BEGIN IMMEDIATE");
    ck_assert_int_eq(table->put(table->user, 1, "a", "1", 1, 0), MOX_OK);
    ck_assert_int_eq(table->add(table->user, 2, "n", 5, 0), MOX_OK);
    ck_assert_int_eq(table->put(table->user, 3, "a", "2", 1, 0), MOX_OK);
    ck_assert_int_eq(table->put(table->user, 4, "b", "", 0, 0), MOX_OK);
    mox_ctx_wait(world.ctx, 5);
    execute("COMMIT");
    ck_assert_str_eq(get("a"), "2"); /* in their order, and this behind them */
    ck_assert_str_eq(get("n"), "5");
}
END_TEST

START_TEST(reading_needs_no_lock)
{
    put("a", "1", 0);
    execute("BEGIN IMMEDIATE");
    ck_assert_str_eq(get("a"), "1");
    ck_assert_str_eq(store_world_listed(&world, ""), "a=1 ");
    execute("ROLLBACK");
}
END_TEST

START_TEST(a_lock_that_stays_ends_the_op)
{
    execute("BEGIN IMMEDIATE");
    ck_assert_int_eq(put("a", "1", 0), MOX_E_STORE);
    ck_assert_msg(strstr(world.problem, "locked; another process") != NULL, "%s", world.problem);
    ck_assert_ptr_nonnull(strstr(world.problem, file()));
    ck_assert_ptr_null(get("a"));
    execute("ROLLBACK");
    ck_assert_ptr_null(get("a")); /* it is not done later */
    ck_assert_int_eq(put("a", "2", 0), MOX_OK);
}
END_TEST

START_TEST(what_waits_is_bounded)
{
    static char value[MOX_LIMIT_STORE_VALUE];
    const struct mox_store_ops *table = world.ops;

    for (int round = 0; round < 2; round++) { /* what is done waits no more */
        int n = 0, status = MOX_OK;

        execute("BEGIN IMMEDIATE");
        while (status == MOX_OK && n < 1000)
            status = table->put(table->user, (uint64_t)++n, "a", value, sizeof value, 0);
        ck_assert_int_eq(status, MOX_E_LIMIT);
        ck_assert_int_gt(n, 16);
        ck_assert_int_lt(n, 64);
        execute("ROLLBACK");
        ck_assert_int_eq(store_world_get(&world, "a"), MOX_OK);
        ck_assert_uint_eq(buffer_slice(&world.op.value).len, sizeof value);
    }
    ck_assert_int_eq(put("b", "1", 0), MOX_OK);
}
END_TEST

START_TEST(a_full_disk_fails_the_op_and_no_more)
{
    static char value[MOX_LIMIT_STORE_VALUE];
    struct rlimit before, small;

    put("a", "1", 0);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 65536;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    ck_assert_int_eq(store_world_put(&world, "b", (struct slice){value, sizeof value}, 0),
                     MOX_E_STORE);
    ck_assert_str_ne(world.problem, "");
    ck_assert_str_eq(get("a"), "1");
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    ck_assert_int_eq(put("a", "2", 0), MOX_OK);
    ck_assert_ptr_null(get("b"));
}
END_TEST

START_TEST(a_child_leaves_the_file_alone)
{
    pid_t child;
    int status;

    put("a", "1", 0);
    child = fork();
    if (child == 0) {
        mox_ctx_free(world.ctx);
        mox_sqlite_close(world.sqlite);
        mox_sqlite_close(world.sqlite); /* it does nothing, so it may */
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_str_eq(get("a"), "1");
    ck_assert_int_eq(put("a", "2", 0), MOX_OK);
    ck_assert_int_eq(count("PRAGMA wal_checkpoint"), 0);
}
END_TEST

START_TEST(without_a_context_nothing_is_done)
{
    struct mox_sqlite *alone = mox_sqlite_open(file(), NULL);
    const struct mox_store_ops *ops = mox_sqlite_ops(alone);

    ck_assert_int_eq(ops->get(ops->user, 1, "a"), MOX_E_STATE);
    ck_assert_int_eq(ops->put(ops->user, 1, "a", "1", 1, 0), MOX_E_STATE);
    ck_assert_int_eq(ops->add(ops->user, 1, "a", 1, 0), MOX_E_STATE);
    ck_assert_int_eq(ops->each(ops->user, 1, "a"), MOX_E_STATE);
    ck_assert_str_eq(mox_sqlite_problem(alone), "");
    mox_sqlite_close(alone);
}
END_TEST

/* Opened while the file is being made by others. */
static long open_new(enum store_kind kind, int n)
{
    struct store_world w;
    long put_well;

    (void)n;
    store_world_open(&w, kind, file());
    put_well = store_world_add(&w, "n", 1, 0) == MOX_OK;
    store_world_close(&w);
    return put_well;
}

START_TEST(processes_make_the_file_at_once)
{
    long opened;

    teardown();
    opened = store_in_processes(open_new, STORE_SQLITE);
    setup();
    ck_assert_int_eq(opened, WORLD_PROCESSES);
}
END_TEST

/* Each allocation of ours fails once; SQLite's own are not touched. */
START_TEST(no_memory_at_any_call)
{
    bool failed = true;

    for (long nth = 1; failed; nth++) {
        struct mox_sqlite *sqlite;
        const struct mox_store_ops *ops;
        int status = MOX_OK;

        remove_file();
        test_fail_alloc(nth);
        sqlite = mox_sqlite_open(store_file("memory"), NULL);
        if (sqlite != NULL) {
            mox_sqlite_attach(sqlite, world.ctx);
            ops = mox_sqlite_ops(sqlite);
            status = ops->each(ops->user, 1, "");
            if (status == MOX_OK)
                status = ops->put(ops->user, 2, "a", "1", 1, 0); /* kept behind it */
            mox_ctx_wait(world.ctx, 0);
        }
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert_msg(sqlite != NULL || failed, "%ld", nth);
        ck_assert(status == MOX_OK || (failed && status == MOX_E_NOMEM));
        mox_ctx_timer(world.ctx, -1, NULL, sqlite);
        mox_sqlite_close(sqlite);
        unlink(store_file("memory"));
    }
}
END_TEST

TCase *test_sqlite(void)
{
    TCase *tc = tcase_create("store/sqlite");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_file_is_for_us_alone);
    tcase_add_test(tc, what_is_there_stays);
    tcase_add_test(tc, no_name_is_anything_but_a_file);
    tcase_add_loop_test(tc, what_cannot_be_a_store_is_told_when_it_is_opened, 0,
                        (int)ARRAY_LEN(bad));
    tcase_add_test(tc, no_path_is_said);
    tcase_add_test(tc, a_damaged_file_is_told_and_so_is_the_way_out);
    tcase_add_test(tc, what_has_had_its_time_is_absent);
    tcase_add_test(tc, what_has_had_its_time_goes_while_others_come);
    tcase_add_test(tc, another_writer_is_not_waited_for);
    tcase_add_test(tc, reading_needs_no_lock);
    tcase_add_test(tc, a_lock_that_stays_ends_the_op);
    tcase_add_test(tc, what_waits_is_bounded);
    tcase_add_test(tc, a_full_disk_fails_the_op_and_no_more);
    tcase_add_test(tc, a_child_leaves_the_file_alone);
    tcase_add_test(tc, without_a_context_nothing_is_done);
    tcase_add_test(tc, processes_make_the_file_at_once);
    tcase_add_test(tc, no_memory_at_any_call);
    return tc;
}
