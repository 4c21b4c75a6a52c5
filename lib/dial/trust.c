/* trust.c - see trust.h. */
#include "dial/trust.h"

/* Another thread may have been faster: then its work is taken and ours is dropped. */
static int of_config(struct mox_config *config, struct roots **out, struct mox_error *err)
{
    void *known = atomic_load(&config->roots);
    int status;

    *out = known;
    if (known != NULL)
        return MOX_OK;
    status = roots_load(config->info.ca_files, config->info.ca_system != 0, out, err);
    if (status != MOX_OK)
        return status;
    if (!atomic_compare_exchange_strong(&config->roots, &known, *out)) {
        roots_release(*out);
        *out = known;
    }
    return MOX_OK;
}

static int of_context(struct dial *d, struct roots **out, struct mox_error *err)
{
    const char *const files[] = {d->ctx->ca_file, NULL};
    int status = MOX_OK;

    if (d->part->roots == NULL)
        status = roots_load(files, false, &d->part->roots, err);
    *out = d->part->roots;
    return status;
}

int trust_roots(struct dial *d, const struct roots **out, struct mox_error *err)
{
    struct mox_config *config = d->plan->rules.config;
    struct roots *roots = NULL;
    int status;

    if (d->ctx->ca_file != NULL)
        status = of_context(d, &roots, err);
    else if (config != NULL && config->info.ca_files != NULL)
        status = of_config(config, &roots, err);
    else
        status = roots_system(&roots, err);
    *out = roots;
    return status;
}
