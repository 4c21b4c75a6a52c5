/* conditions.c - see conditions.h. */
#include "route/conditions.h"

#include "base/error.h"
#include "base/slice.h"

const char *route_undecided_key(const struct mox_config *config, const struct config_route *route)
{
    const struct config_conditions *c;

    if (route->conditions == 0)
        return NULL;
    c = &config->conditions[route->conditions - 1];
    if (c->to_mx != NULL)
        return "ToMX";
    if (c->nhours > 0)
        return "Hours";
    if (c->max_per_minute > 0)
        return "MaxPerMinute";
    if (c->max_per_hour > 0)
        return "MaxPerHour";
    if (c->max_per_day > 0)
        return "MaxPerDay";
    return c->percent > 0 ? "Percent" : NULL;
}

int route_undecided(const struct config_list *list, const struct config_route *route,
                    const char *key, struct mox_error *err)
{
    error_set(err, MOX_E_UNSUPPORTED,
              "%s:%u: %s: this version of libmoxdial cannot decide this condition, and the "
              "message's way hangs on it; take the key out of the route",
              list->file, (unsigned)route->line, key);
    if (err == NULL)
        return MOX_E_UNSUPPORTED;
    err->stage = MOX_STAGE_ROUTE;
    err->line = (int32_t)route->line;
    slice_clean(slice_of(list->file), false, err->host, sizeof err->host);
    return MOX_E_UNSUPPORTED;
}
