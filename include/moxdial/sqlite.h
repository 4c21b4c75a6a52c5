/* SPDX-License-Identifier: MIT */
/**
 * @file sqlite.h
 * Shared state in a file, by SQLite, in a library of its own: libmoxdial-sqlite.
 *
 * The processes of one machine that open the same file share counters, history and MTA-STS
 * policies. One object serves one context: mox_sqlite_open(), its table to mox_ctx_new() as
 * mox_ctx_options::store, mox_sqlite_attach(); at the end mox_ctx_free(), then mox_sqlite_close().
 * Contexts in several threads open the file once each.
 *
 * The file is made with mode 0600 if it is absent; beside it stand PATH-wal and PATH-shm, which
 * belong to it. It is in WAL mode with `synchronous=NORMAL`: a crash of a process loses nothing, a
 * power failure perhaps the last seconds, and the file stays whole. WAL needs shared memory, so the
 * file must not lie on a network file system. What has had its time is deleted little by little.
 *
 * An operation is done at once, within the call, and reads or writes the file then; when a
 * thousand pages have come together SQLite copies its log into the file, and that one waits for the
 * disk. Where another process writes, it is not waited for: the operation is tried again from the
 * loop of the context, for a second, then it ends with #MOX_E_STORE. mox_sqlite_problem() has the
 * words.
 */
#ifndef MOXDIAL_SQLITE_H
#define MOXDIAL_SQLITE_H

#include <moxdial/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A store in a file. Opaque. */
struct mox_sqlite;

/**
 * Open a file, or make it. It may block: for two seconds if other processes hold the file.
 * Thread rule: any thread; it belongs to the thread of its context from then on.
 *
 * @param path the file; relative to the working folder, and never a URI or `:memory:`
 * @param err #MOX_E_STORE: it cannot be made or written, or is no database, or that of another
 *     program, see mox_error::message; #MOX_E_UNSUPPORTED: a later version made it, or the file
 *     system has no shared memory; #MOX_E_INVAL: no path; #MOX_E_NOMEM
 * @return the store, yours to end with mox_sqlite_close(); NULL: see err
 */
MOX_API struct mox_sqlite *mox_sqlite_open(const char *path, struct mox_error *err);

/**
 * The table for mox_ctx_options::store.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param sqlite the store
 * @return borrowed until mox_sqlite_close(), never NULL
 */
MOX_API const struct mox_store_ops *mox_sqlite_ops(struct mox_sqlite *sqlite);

/**
 * Name the context that is served, once it was made. An operation before that fails with
 * #MOX_E_STATE.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param sqlite the store
 * @param ctx borrowed until mox_ctx_free()
 */
MOX_API void mox_sqlite_attach(struct mox_sqlite *sqlite, struct mox_ctx *ctx);

/**
 * What went wrong last, for a log.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param sqlite the store
 * @return one sentence that names the file, borrowed until the next operation; "": nothing has
 */
MOX_API const char *mox_sqlite_problem(const struct mox_sqlite *sqlite);

/**
 * End a store, after its context. In a child after fork() it does nothing: SQLite must not close
 * there what the parent has opened, and the descriptors are close-on-exec.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param sqlite may be NULL
 */
MOX_API void mox_sqlite_close(struct mox_sqlite *sqlite);

#ifdef __cplusplus
}
#endif

#endif
