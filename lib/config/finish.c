/* finish.c - see finish.h. */
#include "config/finish.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/ip.h"
#include "base/mem.h"
#include "config/set.h"

static void tell_undefined(struct build *b, const struct build_pending *p,
                           const struct config_list *list, const char *name)
{
    char path[1024], shown[512], message[256];
    struct text key = text_to(path, sizeof path), text = text_to(message, sizeof message);
    struct problem problem = {
        .file = list->file,
        .key = path,
        .message = message,
        .source = p->source,
        .line = p->line,
        .code = MOX_E_CONFIG,
    };

    slice_clean(slice_of(list->shown), false, shown, sizeof shown);
    if (list->scope != MOX_SCOPE_GLOBAL)
        text_add(&key, "%s.%s.", list->scope == MOX_SCOPE_ACCOUNT ? "Accounts" : "Domains", shown);
    text_add(&key, "Routes[%u].Transport", (unsigned)p->index);
    text_add(&text,
             "route references undefined transport %s; define it under Transports, or correct the "
             "name (case counts)",
             config_build_quote(slice_of(name)).text);
    config_build_problem(b, &problem);
}

void config_finish_references(struct build *b)
{
    const struct build_pending *pending = (const struct build_pending *)(void *)b->pending.ptr;
    const struct config_list *lists = (const struct config_list *)(void *)b->lists.ptr;
    const struct config_route *routes = (const struct config_route *)(void *)b->routes.ptr;

    for (size_t i = 0; !b->lost && i < b->pending.len / sizeof *pending; i++) {
        const struct intern_entry *entry;

        entry = &b->transport_names.entries[routes[pending[i].route].transport];
        if (entry->value == 0)
            tell_undefined(b, &pending[i], &lists[pending[i].list], entry->ptr);
    }
}

/* What was gathered in a buffer as an array in the arena. */
static void *settle(struct build *b, const struct buffer *buffer)
{
    void *copy = config_build_check(b, arena_new(&b->config->arena, buffer->len + 1));

    if (copy != NULL && buffer->len > 0)
        memcpy(copy, buffer->ptr, buffer->len);
    return copy;
}

/* The same without a copy, for the arrays that the config owns. */
static void *hand_over(struct buffer *buffer)
{
    char *fit = buffer->ptr == NULL ? NULL : mem_resize(buffer->ptr, buffer->len + 1, 1);
    void *block = fit == NULL ? buffer->ptr : fit;

    *buffer = (struct buffer){0};
    return block;
}

struct named_index {
    const char *name;
    uint32_t index;
};

static int compare_named(const void *left, const void *right)
{
    const struct named_index *a = left, *b = right;

    return strcmp(a->name, b->name);
}

static void finish_transports(struct build *b)
{
    struct mox_config *c = b->config;
    struct named_index *named;
    uint32_t *sorted;

    c->ntransports = (uint32_t)(b->transports.len / sizeof *c->transports);
    c->transports = settle(b, &b->transports);
    named = mem_array(c->ntransports + 1u, sizeof *named);
    sorted = arena_array(&c->arena, c->ntransports + 1u, sizeof *sorted);
    if (config_build_check(b, named) == NULL || config_build_check(b, sorted) == NULL || b->nomem) {
        mem_free(named);
        return;
    }
    for (uint32_t i = 0; i < c->ntransports; i++)
        named[i] = (struct named_index){c->transports[i].name, i};
    qsort(named, c->ntransports, sizeof *named, compare_named);
    for (uint32_t i = 0; i < c->ntransports; i++)
        sorted[i] = named[i].index;
    mem_free(named);
    c->transports_by_name = sorted;
}

static int compare_lists(const void *left, const void *right)
{
    const struct config_list *a = left, *b = right;

    if (a->scope != b->scope || a->name == NULL)
        return a->scope - b->scope;
    return strcmp(a->name, b->name);
}

static void finish_routes(struct build *b)
{
    struct mox_config *c = b->config;

    c->nroutes = (uint32_t)(b->routes.len / sizeof *c->routes);
    c->nitems = (uint32_t)(b->items.len / sizeof *c->items);
    c->names_len = b->names.len;
    c->nlists = (uint32_t)(b->lists.len / sizeof *c->lists);
    c->nconditions = (uint32_t)(b->conditions.len / sizeof *c->conditions);
    c->routes = hand_over(&b->routes);
    c->items = hand_over(&b->items);
    c->names = hand_over(&b->names);
    c->lists = settle(b, &b->lists);
    c->conditions = settle(b, &b->conditions);
    if (b->nomem)
        return;
    for (uint32_t i = 0; i < c->nroutes; i++)
        c->routes[i].transport = b->transport_names.entries[c->routes[i].transport].value - 1;
    qsort(c->lists, c->nlists, sizeof *c->lists, compare_lists);
    for (uint32_t i = 0; i < c->nlists; i++) {
        uint32_t *count = c->lists[i].scope == MOX_SCOPE_ACCOUNT  ? &c->info.account_routes
                          : c->lists[i].scope == MOX_SCOPE_DOMAIN ? &c->info.domain_routes
                                                                  : &c->info.global_routes;

        *count += c->lists[i].count;
    }
}

static int compare_domains(const void *left, const void *right)
{
    const struct build_domain *a = left, *b = right;

    return strcmp(a->ascii, b->ascii);
}

static void finish_domains(struct build *b)
{
    struct build_domain *domains = (struct build_domain *)(void *)b->domains.ptr;
    size_t n = b->domains.len / sizeof *domains;
    struct mox_config *c = b->config;
    const char **ascii = config_build_check(b, arena_array(&c->arena, n + 1, sizeof *ascii));
    const char **shown = config_build_check(b, arena_array(&c->arena, n + 1, sizeof *shown));

    if (b->nomem)
        return;
    if (n > 0)
        qsort(domains, n, sizeof *domains, compare_domains);
    for (size_t i = 0; i < n; i++) {
        ascii[i] = domains[i].ascii;
        shown[i] = domains[i].shown;
    }
    c->domains = ascii;
    c->domains_shown = shown;
    c->ndomains = n;
}

/* Adds a source address; false: it is one too many, so the kernel chooses for both families. */
static bool add_source(struct mox_config *c, const struct mox_ip *ip, bool first_counts)
{
    for (size_t i = 0; i < c->nsources; i++) {
        if (c->sources[i].family == ip->family)
            return first_counts;
    }
    c->sources[c->nsources++] = *ip;
    return true;
}

/* mox: all addresses of its SMTP listeners, if they leave no choice. A stand-alone file says it. */
static void finish_sources(struct mox_config *c)
{
    bool clear = true;

    for (size_t i = 0; i < c->nlocal_ips; i++)
        add_source(c, &c->local_ips[i], true);
    for (size_t i = 0; i < c->nlisteners; i++) {
        const struct config_listener *l = &c->listeners[i];

        for (size_t j = 0; l->smtp && j < l->nips; j++)
            clear = clear && ip_special(&l->ips[j]) != IP_UNSPECIFIED &&
                    add_source(c, &l->ips[j], false);
    }
    if (!clear)
        c->nsources = 0;
}

static void add_own(struct build *b, const struct mox_ip *ips, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (ip_special(&ips[i]) != IP_UNSPECIFIED)
            config_build_append(b, &b->scratch, &ips[i], sizeof ips[i]);
    }
}

static void finish_own(struct build *b)
{
    struct mox_config *c = b->config;

    b->scratch.len = b->scratch.at = 0;
    add_own(b, c->local_ips, c->nlocal_ips);
    add_own(b, c->nat_ips, c->nnat_ips);
    for (size_t i = 0; i < c->nlisteners; i++) {
        const struct config_listener *l = &c->listeners[i];

        add_own(b, l->ips, l->smtp ? l->nips : 0);
        add_own(b, l->nat_ips, l->nnat_ips);
    }
    for (uint32_t i = 0; i < c->ntransports; i++)
        add_own(b, c->transports[i].local_ips, c->transports[i].nlocal_ips);
    c->own = config_set_take_ips(b, &c->nown);
}

void config_finish_config(struct build *b)
{
    struct mox_config *c = b->config;

    finish_transports(b);
    finish_routes(b);
    finish_domains(b);
    c->nlisteners = b->listeners.len / sizeof *c->listeners;
    c->listeners = settle(b, &b->listeners);
    c->nspf_map = b->spf_map.len / sizeof *c->spf_map;
    c->spf_map = settle(b, &b->spf_map);
    if (b->nomem || !config_set_finish_ca(b))
        return;
    finish_sources(c);
    finish_own(b);
    c->info.transports = c->ntransports;
    c->kind = b->kind == CONFIG_MOXDIAL ? CONFIG_MOXDIAL : CONFIG_MOX;
}
