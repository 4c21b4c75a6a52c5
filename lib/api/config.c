/* config.c - a configuration put together: the files, then the index of their routes. */
#include <moxdial/config.h>

#include <string.h>

#include "base/domain.h"
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

int mox_config_transport(const struct mox_config *config, const char *name,
                         struct mox_transport *out)
{
    const struct config_transport *transport =
        config == NULL || name == NULL ? NULL : config_transport_by_name(config, slice_of(name));
    bool fails;

    memset(out, 0, sizeof *out);
    if (transport == NULL)
        return 0;
    fails = transport->kind == MOX_KIND_FAIL;
    *out = (struct mox_transport){.host = transport->host,
                                  .message = fails ? transport->smtp_message : NULL,
                                  .kind = transport->kind,
                                  .smtp_code = fails ? transport->smtp_code : 0,
                                  .families = transport->families,
                                  .port = transport->host != NULL ? transport->port : 0};
    return 1;
}

int mox_config_hosts(const struct mox_config *config, const char *address)
{
    struct domain domain;

    return config != NULL && domain_of_address(address, &domain, NULL, NULL) == MOX_OK &&
           domain.len > 0 && config_hosts_domain(config, domain_slice(&domain));
}
