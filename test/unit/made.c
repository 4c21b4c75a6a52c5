/* made.c - see made.h. */
#include "made.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void *more(void *array, uint32_t used, uint32_t *cap, size_t size)
{
    if (used < *cap)
        return array;
    *cap = *cap * 2 + 8;
    array = mem_resize(array, *cap, size);
    if (array == NULL)
        abort(); /* a test of the test, not of the product */
    return array;
}

void made_free(struct made *w)
{
    if (w->config.index_free != NULL)
        w->config.index_free(w->config.index);
    mem_free(w->config.transports);
    mem_free(w->by_name);
    mem_free(w->config.routes);
    mem_free(w->config.items);
    mem_free(w->config.names);
    mem_free(w->config.lists);
    mem_free(w->config.conditions);
    memset(w, 0, sizeof *w);
}

static void sort_in(struct made *w, uint32_t transport)
{
    const struct config_transport *t = w->config.transports;
    uint32_t at = transport;

    w->by_name = more(w->by_name, transport, &w->cap_by_name, sizeof *w->by_name);
    for (; at > 0 && strcmp(t[w->by_name[at - 1]].name, t[transport].name) > 0; at--)
        w->by_name[at] = w->by_name[at - 1];
    w->by_name[at] = transport;
    w->config.transports_by_name = w->by_name;
}

uint32_t made_transport(struct made *w, const char *name, int kind)
{
    struct mox_config *c = &w->config;

    c->transports = more(c->transports, c->ntransports, &w->cap_transports, sizeof *c->transports);
    c->transports[c->ntransports] = (struct config_transport){
        .name = name, .file = "test.conf", .kind = kind, .families = MOX_ALLOW_IPV4};
    sort_in(w, c->ntransports);
    return c->ntransports++;
}

void made_list(struct made *w, int scope, const char *name)
{
    struct mox_config *c = &w->config;

    c->lists = more(c->lists, c->nlists, &w->cap_lists, sizeof *c->lists);
    c->lists[c->nlists++] = (struct config_list){name, name, "test.conf", c->nroutes, 0, scope, 1};
}

static void add_item(struct made *w, const char *text, size_t len)
{
    struct mox_config *c = &w->config;

    if (c->names_len + len + 2 > w->cap_names) {
        w->cap_names = 2 * w->cap_names + len + 64;
        c->names = mem_resize(c->names, w->cap_names, 1);
        if (c->names == NULL)
            abort();
    }
    c->items = more(c->items, c->nitems, &w->cap_items, sizeof *c->items);
    c->items[c->nitems++] = (uint32_t)c->names_len;
    c->names[c->names_len] = (char)len;
    memcpy(c->names + c->names_len + 1, text, len);
    c->names[c->names_len + 1 + len] = '\0';
    c->names_len += len + 2;
}

static uint32_t add_items(struct made *w, const char *text)
{
    uint32_t n = 0;

    while (text != NULL && *text != '\0') {
        size_t len = strcspn(text, " ");

        add_item(w, text, len);
        text += len + (text[len] == ' ');
        n++;
    }
    return n;
}

struct config_route *made_route(struct made *w, const char *from, const char *to, uint32_t attempts,
                                const char *transport)
{
    struct mox_config *c = &w->config;
    struct config_route *route;

    c->routes = more(c->routes, c->nroutes, &w->cap_routes, sizeof *c->routes);
    route = &c->routes[c->nroutes++];
    *route = (struct config_route){.minimum_attempts = attempts, .line = c->nroutes};
    while (strcmp(c->transports[route->transport].name, transport) != 0)
        route->transport++;
    route->from = c->nitems;
    route->nfrom = add_items(w, from);
    route->to = c->nitems;
    route->nto = add_items(w, to);
    c->lists[c->nlists - 1].count++;
    return route;
}

struct config_conditions *made_conditions(struct made *w)
{
    struct mox_config *c = &w->config;

    c->conditions = more(c->conditions, c->nconditions, &w->cap_conditions, sizeof *c->conditions);
    c->conditions[c->nconditions] = (struct config_conditions){0};
    c->routes[c->nroutes - 1].conditions = ++c->nconditions;
    return &c->conditions[c->nconditions - 1];
}
