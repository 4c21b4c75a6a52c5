/* config.c - a configuration put together: the files, then the index of their routes. */
#include <moxdial/config.h>

#include "base/error.h"
#include "base/input.h"
#include "config/config.h"
#include "route/index.h"
#include "stream/roots.h"

static void free_roots(void *roots)
{
    roots_release(roots);
}

struct mox_config *mox_config_open(const struct mox_config_options *given, struct mox_error *err)
{
    struct mox_config_options options;
    struct mox_config *config;

    if (input_take(&options, sizeof options, given, offsetof(struct mox_config_options, problem),
                   "mox_config_options", err) != MOX_OK)
        return NULL;
    config = config_build(&options, err);
    if (config == NULL)
        return NULL;
    config->roots_free = free_roots;
    if (route_index_build(config, err) != MOX_OK) {
        config_release(config);
        return NULL;
    }
    error_none(err);
    return config;
}

static struct mox_config *open_one(const struct mox_config_source *source, struct mox_error *err)
{
    struct mox_config_options options = {.size = sizeof options, .sources = source, .nsources = 1};

    return mox_config_open(&options, err);
}

struct mox_config *mox_config_parse(const char *text, size_t len, struct mox_error *err)
{
    struct mox_config_source source = {"config", text == NULL ? "" : text, text == NULL ? 0 : len};

    return open_one(&source, err);
}

struct mox_config *mox_config_load(const char *path, struct mox_error *err)
{
    struct mox_config_source source = {path, NULL, 0};

    return open_one(&source, err);
}

void mox_config_free(struct mox_config *config)
{
    config_release(config);
}
