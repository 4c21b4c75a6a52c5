/*
 * store.c - see store.h.
 */
#include "store.h"

#include <string.h>

#ifdef MOX_HAVE_SQLITE
#include <moxdial/sqlite.h>
#endif
#ifdef MOX_HAVE_REDIS
#include <moxdial/redis.h>
#endif

#include "error.h"

/* The place behind "sqlite:"; NULL: it is another store. */
static const char *place_of(const char *name, const char *method)
{
    size_t len = strlen(method);

    return strncmp(name, method, len) == 0 && name[len] == ':' ? name + len + 1 : NULL;
}

#ifdef MOX_HAVE_SQLITE
static int open_sqlite(struct store *store, const char *path, struct mox_error *err)
{
    store->sqlite = mox_sqlite_open(path, err);
    return store->sqlite == NULL ? err->code : MOX_OK;
}
#else
static int open_sqlite(struct store *store, const char *path, struct mox_error *err)
{
    (void)store;
    return tool_error(err, MOX_E_UNSUPPORTED, MOX_STAGE_CONFIG,
                      "store sqlite:%s: this moxdial was built without SQLite", path);
}
#endif

#ifdef MOX_HAVE_REDIS
static int open_redis(struct store *store, const char *server, struct mox_error *err)
{
    store->redis = mox_redis_open(server, err);
    return store->redis == NULL ? err->code : MOX_OK;
}
#else
static int open_redis(struct store *store, const char *server, struct mox_error *err)
{
    (void)store;
    return tool_error(err, MOX_E_UNSUPPORTED, MOX_STAGE_CONFIG,
                      "store redis:%s: this moxdial was built without hiredis", server);
}
#endif

int store_open(struct store *store, const struct mox_config *config, struct mox_error *err)
{
    const char *name = config == NULL ? NULL : mox_config_summary(config)->store, *place;

    *store = (struct store){.sqlite = NULL};
    if (name == NULL)
        return MOX_OK;
    place = place_of(name, "sqlite");
    if (place != NULL)
        return open_sqlite(store, place, err);
    place = place_of(name, "redis");
    if (place != NULL)
        return open_redis(store, place, err);
    return tool_error(err, MOX_E_UNSUPPORTED, MOX_STAGE_CONFIG, "unknown store %s", name);
}

const struct mox_store_ops *store_ops(const struct store *store)
{
#ifdef MOX_HAVE_SQLITE
    if (store->sqlite != NULL)
        return mox_sqlite_ops(store->sqlite);
#endif
#ifdef MOX_HAVE_REDIS
    if (store->redis != NULL)
        return mox_redis_ops(store->redis);
#endif
    (void)store;
    return NULL;
}

void store_attach(const struct store *store, struct mox_ctx *ctx)
{
#ifdef MOX_HAVE_SQLITE
    if (store->sqlite != NULL)
        mox_sqlite_attach(store->sqlite, ctx);
#endif
#ifdef MOX_HAVE_REDIS
    if (store->redis != NULL)
        mox_redis_attach(store->redis, ctx);
#endif
    (void)store;
    (void)ctx;
}

const char *store_problem(const struct store *store)
{
#ifdef MOX_HAVE_SQLITE
    if (store->sqlite != NULL)
        return mox_sqlite_problem(store->sqlite);
#endif
#ifdef MOX_HAVE_REDIS
    if (store->redis != NULL)
        return mox_redis_problem(store->redis);
#endif
    (void)store;
    return "";
}

void store_close(struct store *store)
{
#ifdef MOX_HAVE_SQLITE
    mox_sqlite_close(store->sqlite);
#endif
#ifdef MOX_HAVE_REDIS
    mox_redis_close(store->redis);
#endif
    *store = (struct store){.sqlite = NULL};
}
