/*
 * store.h - the store that a configuration names, opened for one context.
 */
#ifndef TOOLS_STORE_H
#define TOOLS_STORE_H

#include <moxdial.h>

struct mox_sqlite;
struct mox_redis;

struct store { /* all zero: memory, of the context itself */
    struct mox_sqlite *sqlite;
    struct mox_redis *redis;
};

/*
 * config may be NULL. MOX_OK; else nothing is open, which is memory: MOX_E_STORE, MOX_E_INVAL,
 * MOX_E_NOMEM; MOX_E_UNSUPPORTED: not in this build.
 */
int store_open(struct store *store, const struct mox_config *config, struct mox_error *err);

/* For mox_ctx_options::store; NULL: memory. */
const struct mox_store_ops *store_ops(const struct store *store);
void store_attach(const struct store *store, struct mox_ctx *ctx);

/* What went wrong last; "": nothing has. */
const char *store_problem(const struct store *store);

/* After the context. */
void store_close(struct store *store);

#endif
