/*
 * database.h - the file and its statements. It knows nothing of contexts, and never waits for other
 * processes once it is open.
 *
 * Of the calls below each is one transaction. MOX_OK; MOX_E_AGAIN: another process writes, so ask
 * again; MOX_E_STORE, MOX_E_NOMEM: it failed, and nothing was changed.
 */
#ifndef SQLITE_DATABASE_H
#define SQLITE_DATABASE_H

#include <moxdial/sqlite.h>

struct database;

/* Of get and each; all are borrowed until it returns. Not MOX_OK: no more is wanted. */
typedef int database_row_fn(void *arg, const char *key, const void *value, size_t len);

struct database *database_open(const char *path, struct mox_error *err);
void database_close(struct database *db); /* accepts NULL */

int database_get(struct database *db, const char *key, database_row_fn *row, void *arg);
int database_put(struct database *db, const char *key, const void *value, size_t len,
                 uint32_t ttl_s);
int database_delete(struct database *db, const char *key);
int database_add(struct database *db, const char *key, int64_t delta, uint32_t ttl_s, int64_t *sum);

/* The next rows, a few, whose key begins with prefix and is behind `after`, in order. */
int database_each(struct database *db, const char *prefix, const char *after, database_row_fn *row,
                  void *arg);
enum { DATABASE_PIECE = 256 }; /* so many at most */

/* Why the last one failed; "": none has. */
const char *database_problem(const struct database *db);

#endif
