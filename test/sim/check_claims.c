/* check_claims.c - see check.h: routes that hang on what others have claimed, and the counters. */
#include <stdio.h>
#include <string.h>

#include "test/sim/check.h"
#include "test/sim/fetch.h"

/* Which of the routes that may hold the plan tells of; nroutes: none. */
static size_t find_route(const struct run_dial *d, const struct mox_route *route)
{
    const struct reference *r = &d->reference;
    size_t i = 0;

    while (i < r->nroutes &&
           (r->routes[i].scope != route->scope || r->routes[i].index != route->index ||
            (r->routes[i].stuck && route->transport != NULL)))
        i++;
    return i;
}

void check_way(struct run_dial *d)
{
    const struct mox_route *route;
    size_t chosen;

    if (d->plan == NULL || !run_is_open(d) || d->run->rolled[d->facts->zone] != d->rolled)
        return; /* TLSA records are others by now */
    route = &mox_plan_summary(d->plan)->route;
    chosen = find_route(d, route);
    if (chosen == d->reference.nroutes && route->transport != NULL)
        run_broken(d->run, "claims", "dial %d went by the route %s %d", (int)(d - d->run->dials),
                   mox_scope_name(route->scope), (int)route->index);
    reference_of(d->run->seed, d->config, d->facts, d->unix_s, chosen, &d->reference);
}

/* What a route of that list allows in such a window, if it goes by the transport; 0: nothing. */
static uint32_t most_of(const struct seed_config *config, const struct seed_list *list,
                        const char *transport, unsigned window)
{
    uint32_t most = 0;

    for (size_t i = 0; i < list->n; i++) {
        const struct seed_route *route = &list->routes[i];

        if (strcmp(config->transports[route->transport].name, transport) == 0 &&
            route->conditions.max[window] > most)
            most = route->conditions.max[window];
    }
    return most;
}

static const char *name_of(const struct seed_list *list)
{
    if (list->scope == MOX_SCOPE_DOMAIN)
        return seed_name(list->domain)->canonical;
    return list->scope == MOX_SCOPE_ACCOUNT ? list->name : "-";
}

/* Of both configurations, for a reload changes the maximum and not the counter. */
static uint32_t most_under(const struct run *run, const char *key)
{
    char scope[16], name[128], transport[SEED_TEXT];
    unsigned seconds;
    uint32_t most = 0;

    if (sscanf(key, "mox1/vol/%15[^/]/%127[^/]/%63[^/]/%u", scope, name, transport, &seconds) != 4)
        return UINT32_MAX;
    for (int c = 0; c < 2; c++) {
        const struct seed_config *config = &run->seed->configs[c];

        for (size_t l = 0; l < config->nlists; l++) {
            const struct seed_list *list = &config->lists[l];
            uint32_t found = most_of(config, list, transport,
                                     seconds == 60     ? 0
                                     : seconds == 3600 ? 1
                                                       : 2);

            if (strcmp(mox_scope_name(list->scope), scope) == 0 &&
                strcmp(name_of(list), name) == 0 && found > most)
                most = found;
        }
    }
    return most;
}

void check_claims(struct run *run)
{
    for (const struct store_item *item = run->w->items; item != NULL; item = item->next) {
        uint32_t most = most_under(run, item->key);

        if (most == UINT32_MAX || !run_is_sound(run))
            continue;
        if (item->number - item->lost > (int64_t)most)
            run_broken(run, "claims", "%s stands at %lld, of %u", item->key,
                       (long long)(item->number - item->lost), (unsigned)most);
        if (item->number < 0 && strstr(item->key, "/60/") == NULL)
            run_broken(run, "claims", "%s stands at %lld", item->key, (long long)item->number);
    }
}
