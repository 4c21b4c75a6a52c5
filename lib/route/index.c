/*
 * index.c - see index.h. Rules are entered in file order, each into the pile of each of its
 * ToDomain items. Then it is settled what each pile becomes and how many names that makes, the
 * table is made anew if it does not fit them, and the groups' names are entered.
 */
#include "route/index.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "route/pile.h"

struct set { /* the FromDomain items of a wide rule, and who owns them in the table */
    uint32_t rule, owner;
};

struct builder {
    struct mox_config *config;
    struct route_index *index;
    struct piles piles;
    struct set *sets; /* by rule, once all lists are entered */
    uint32_t nsets, cap_sets;
    uint32_t owners; /* the next to give away */
    struct route_name name;
};

static bool is_wide(const struct config_route *route)
{
    return route->nfrom > ROUTE_DIRECT_ITEMS && route->nto > ROUTE_DIRECT_ITEMS;
}

/* The key of an item's text; borrows b->name. */
static struct route_key key_of_text(struct builder *b, struct slice text)
{
    bool dot = text.len > 0 && text.ptr[0] == '.';
    struct route_key key;

    route_name_set(&b->name, slice_sub(text, dot, text.len));
    key = route_name_key(&b->name, b->name.labels);
    key.dot = dot;
    return key;
}

static struct route_slot *put_item(struct builder *b, uint32_t owner, uint32_t item)
{
    struct slice text = config_item(b->config, item);
    struct route_key key = key_of_text(b, text);

    return route_table_put(&b->index->table, b->config, owner, &key,
                           (uint32_t)(text.ptr - b->config->names));
}

/* The key of a list's name: an account's may be any text. */
static struct route_key key_of_list(struct builder *b, const struct config_list *list)
{
    struct slice name = slice_of(list->name);

    if (list->scope == MOX_SCOPE_DOMAIN)
        return key_of_text(b, name);
    return (struct route_key){name, hash_bytes(name.ptr, name.len, 0), false};
}

static void put_list(struct builder *b, uint32_t at)
{
    const struct config_list *list = &b->config->lists[at];
    bool account = list->scope == MOX_SCOPE_ACCOUNT;
    struct route_key key;

    if (list->name == NULL) {
        b->index->global = at;
        return;
    }
    key = key_of_list(b, list);
    route_table_put(&b->index->table, b->config,
                    account ? ROUTE_OWNER_ACCOUNTS : ROUTE_OWNER_DOMAINS, &key, 0)
        ->value = at;
    b->index->accounts |= account;
    b->index->domains |= !account;
}

static int add_set(struct builder *b, uint32_t rule)
{
    struct set *sets = pile_room(b->sets, &b->cap_sets, (uint64_t)b->nsets + 1, sizeof *sets);

    if (sets == NULL)
        return MOX_E_NOMEM;
    b->sets = sets;
    sets[b->nsets++] = (struct set){rule, b->owners++};
    return MOX_OK;
}

static int enter_rule(struct builder *b, uint32_t at, uint32_t rule)
{
    const struct config_route *route = &b->config->routes[rule];
    struct route_list *list = &b->index->lists[at];
    int status = MOX_OK;

    if (route->nto == 0)
        return pile_add(&b->piles, b->config, &list->any, rule, false);
    if (is_wide(route))
        status = add_set(b, rule);
    for (uint32_t i = 0; i < route->nto && status == MOX_OK; i++) {
        struct route_slot *slot = put_item(b, ROUTE_OWNER_LISTS + at, route->to + i);
        bool dot = b->config->names[slot->name] == '.';

        *(dot ? &list->dots : &list->names) |= route_depth_bit(b->name.labels);
        status = pile_add(&b->piles, b->config, &slot->value, rule, false);
    }
    return status;
}

static int compare_sets(const void *left, const void *right)
{
    const struct set *a = left, *b = right;

    return a->rule < b->rule ? -1 : a->rule > b->rule;
}

/* Lists need not stand in the order of their rules: that is the order of the files. */
static int enter_lists(struct builder *b)
{
    int status = MOX_OK;

    for (uint32_t i = 0; i < b->config->nlists && status == MOX_OK; i++) {
        const struct config_list *list = &b->config->lists[i];

        b->index->lists[i].any = ROUTE_NONE;
        put_list(b, i);
        if (list->scope == MOX_SCOPE_GLOBAL && b->index->few != NULL)
            continue;
        for (uint32_t r = 0; r < list->count && status == MOX_OK; r++)
            status = enter_rule(b, i, list->first + r);
    }
    if (b->nsets > 0)
        qsort(b->sets, b->nsets, sizeof *b->sets, compare_sets);
    return status;
}

/* Few rules, each with few FromDomain items, are as well asked one by one. */
static bool is_small(const struct builder *b, const struct pile *pile)
{
    if (pile_is_steps(&b->piles, b->config, pile, false))
        return true;
    for (uint32_t n = pile->first; n != ROUTE_NONE; n = b->piles.nodes[n].next) {
        if (b->config->routes[b->piles.nodes[n].rule].nfrom > ROUTE_DIRECT_ITEMS)
            return false;
    }
    return pile->count <= ROUTE_DIRECT_RULES;
}

/* Settles which piles become groups. Returns how many names they and the sets make, at most. */
static uint64_t settle_groups(struct builder *b)
{
    uint64_t names = 0;

    for (uint32_t i = 0; i < b->nsets; i++)
        names += b->config->routes[b->sets[i].rule].nfrom;
    for (uint32_t p = 0; p < b->piles.npiles; p++) {
        struct pile *pile = &b->piles.piles[p];

        if (is_small(b, pile))
            continue;
        pile->group = b->index->ngroups++;
        for (uint32_t n = pile->first; n != ROUTE_NONE; n = b->piles.nodes[n].next) {
            const struct config_route *route = &b->config->routes[b->piles.nodes[n].rule];

            names += is_wide(route) ? 0 : route->nfrom;
        }
    }
    return names;
}

/* The key that a slot was made for; borrows b->name. Without items there are no names to point to.
 */
static struct route_key key_of_slot(struct builder *b, const struct route_slot *slot)
{
    const char *text;

    if (slot->key >> ROUTE_TAG_BITS < ROUTE_OWNER_LISTS)
        return key_of_list(b, &b->config->lists[slot->value]);
    text = b->config->names + slot->name;
    return key_of_text(b, (struct slice){text, (unsigned char)text[-1]});
}

/* Moves all names to a table that fits n of them. */
static int resize_table(struct builder *b, uint64_t n)
{
    struct route_table old = b->index->table, table;

    if (route_table_init(&table, n) != MOX_OK)
        return MOX_E_NOMEM;
    for (uint32_t i = 0; i < old.cap; i++) {
        const struct route_slot *slot = &old.slots[i];
        uint32_t owner = slot->key >> ROUTE_TAG_BITS;
        struct route_key key;

        if (slot->key == 0)
            continue;
        key = key_of_slot(b, slot);
        route_table_put(&table, b->config, owner, &key, slot->name)->value = slot->value;
    }
    route_table_free(&old);
    b->index->table = table;
    return MOX_OK;
}

static int enter_from(struct builder *b, uint32_t owner, uint32_t rule)
{
    const struct config_route *route = &b->config->routes[rule];
    int status = MOX_OK;

    for (uint32_t i = 0; i < route->nfrom && status == MOX_OK; i++) {
        struct route_slot *slot = put_item(b, owner, route->from + i);

        status = pile_add(&b->piles, b->config, &slot->value, rule, true);
    }
    return status;
}

static void enter_sets(struct builder *b)
{
    for (uint32_t i = 0; i < b->nsets; i++) {
        const struct config_route *route = &b->config->routes[b->sets[i].rule];

        for (uint32_t k = 0; k < route->nfrom; k++)
            put_item(b, b->sets[i].owner, route->from + k)->value = b->sets[i].rule;
    }
}

/* Room for n more words in chains; NULL: no memory. */
static uint32_t *chain_room(struct route_index *index, uint64_t n)
{
    uint32_t *chains =
        pile_room(index->chains, &index->cap_chains, index->nchains + n, sizeof *chains);

    if (chains == NULL)
        return NULL;
    index->chains = chains;
    return chains + index->nchains;
}

/* A pile as a value: its only rule, or a chain. */
static int end_pile(struct builder *b, const struct pile *pile, bool from_known, uint32_t *value)
{
    uint32_t *at;

    if (pile->count == 1) {
        *value = b->piles.nodes[pile->first].rule;
        return MOX_OK;
    }
    at = chain_room(b->index, (uint64_t)pile->count + ROUTE_CHAIN_HEAD);
    if (at == NULL)
        return MOX_E_NOMEM;
    *value = (uint32_t)ROUTE_VALUE_CHAIN << ROUTE_VALUE_SHIFT | b->index->nchains;
    *at++ = pile->count;
    *at++ = pile_is_steps(&b->piles, b->config, pile, from_known);
    for (uint32_t n = pile->first; n != ROUTE_NONE; n = b->piles.nodes[n].next)
        *at++ = b->piles.nodes[n].rule;
    b->index->nchains += pile->count + ROUTE_CHAIN_HEAD;
    return MOX_OK;
}

static uint32_t owner_of_set(const struct builder *b, uint32_t rule)
{
    uint32_t low = 0, high = b->nsets;

    while (low + 1 < high) {
        uint32_t middle = low + (high - low) / 2;

        if (b->sets[middle].rule <= rule)
            low = middle;
        else
            high = middle;
    }
    return b->sets[low].owner;
}

static int add_wide(struct builder *b, const struct pile *pile, struct route_group *group)
{
    uint32_t *at, count = 0;

    if (b->nsets == 0)
        return MOX_OK;
    at = chain_room(b->index, 2 * (uint64_t)pile->count + 1);
    if (at == NULL)
        return MOX_E_NOMEM;
    for (uint32_t n = pile->first; n != ROUTE_NONE; n = b->piles.nodes[n].next) {
        uint32_t rule = b->piles.nodes[n].rule;

        if (!is_wide(&b->config->routes[rule]))
            continue;
        at[2 * count + 1] = rule;
        at[2 * count + 2] = owner_of_set(b, rule);
        count++;
    }
    if (count == 0)
        return MOX_OK;
    at[0] = count;
    group->wide = b->index->nchains;
    b->index->nchains += 2 * count + 1;
    return MOX_OK;
}

/* The rules of a pile that becomes a group: plain, wide, or by FromDomain item in the table. */
static int enter_group(struct builder *b, uint32_t p)
{
    struct pile pile = b->piles.piles[p]; /* a copy: adding moves the array */
    struct route_group *group = &b->index->groups[pile.group];
    uint32_t plain = ROUTE_NONE;
    int status;

    *group = (struct route_group){ROUTE_NONE, ROUTE_NONE};
    status = add_wide(b, &pile, group);
    for (uint32_t n = pile.first; n != ROUTE_NONE && status == MOX_OK; n = b->piles.nodes[n].next) {
        uint32_t rule = b->piles.nodes[n].rule;
        const struct config_route *route = &b->config->routes[rule];

        if (route->nfrom == 0)
            status = pile_add(&b->piles, b->config, &plain, rule, true);
        else if (!is_wide(route))
            status = enter_from(b, b->index->first_group + pile.group, rule);
    }
    if (status != MOX_OK || plain == ROUTE_NONE || route_value_kind(plain) == ROUTE_VALUE_RULE) {
        group->plain = plain;
        return status;
    }
    return end_pile(b, &b->piles.piles[route_value_at(plain)], true, &group->plain);
}

/* What a pile was entered as becomes what a lookup reads. */
static int end_value(struct builder *b, uint32_t *value, bool from_known)
{
    const struct pile *pile;

    if (*value == ROUTE_NONE || route_value_kind(*value) != ROUTE_VALUE_PILE)
        return MOX_OK;
    if (b->piles.piles == NULL)
        return MOX_OK;
    pile = &b->piles.piles[route_value_at(*value)];
    if (pile->group == ROUTE_NONE)
        return end_pile(b, pile, from_known, value);
    *value = (uint32_t)ROUTE_VALUE_GROUP << ROUTE_VALUE_SHIFT | pile->group;
    return MOX_OK;
}

static int end_values(struct builder *b)
{
    int status = MOX_OK;

    for (uint32_t i = 0; i < b->config->nlists && status == MOX_OK; i++)
        status = end_value(b, &b->index->lists[i].any, false);
    for (uint32_t i = 0; i < b->index->table.cap && status == MOX_OK; i++) {
        struct route_slot *slot = &b->index->table.slots[i];
        uint32_t owner = slot->key >> ROUTE_TAG_BITS;

        if (owner >= ROUTE_OWNER_LISTS)
            status = end_value(b, &slot->value, owner >= b->index->first_group);
    }
    return status;
}

/* The global list, if it is short. */
static int enter_few(struct builder *b)
{
    for (uint32_t i = 0; i < b->config->nlists; i++) {
        const struct config_list *list = &b->config->lists[i];

        if (list->scope != MOX_SCOPE_GLOBAL || route_few_count(b->config, list) == 0)
            continue;
        b->index->few = mem_new(sizeof *b->index->few);
        if (b->index->few == NULL)
            return MOX_E_NOMEM;
        route_few_set(b->config, list, b->index->few);
    }
    return MOX_OK;
}

/* The names of lists and ToDomain items, one counted as often as it stands there. */
static uint64_t count_names(const struct mox_config *config)
{
    uint64_t n = config->nlists;

    for (uint32_t i = 0; i < config->nroutes; i++)
        n += config->routes[i].nto;
    return n;
}

/* What growing took too much of; a failure leaves it as it was. */
static void trim_chains(struct route_index *index)
{
    uint32_t *chains = index->chains;

    if (index->nchains == index->cap_chains || index->nchains == 0)
        return;
    chains = mem_resize(chains, index->nchains, sizeof *chains);
    if (chains == NULL)
        return;
    index->chains = chains;
    index->cap_chains = index->nchains;
}

static int build(struct builder *b)
{
    struct route_index *index = b->index;
    uint32_t piles;
    uint64_t names;
    int status = enter_lists(b);

    if (status != MOX_OK)
        return status;
    piles = b->piles.npiles;
    names = index->table.used + settle_groups(b);
    index->first_group = b->owners;
    if ((uint64_t)b->owners + index->ngroups >= 1u << ROUTE_OWNER_BITS)
        return MOX_E_LIMIT;
    if (route_table_cap(names) > index->table.cap ||
        route_table_cap(names) < index->table.cap - index->table.cap / 8)
        status = resize_table(b, names);
    if (status == MOX_OK && index->ngroups > 0) {
        index->groups = mem_array(index->ngroups, sizeof *index->groups);
        status = index->groups == NULL ? MOX_E_NOMEM : MOX_OK;
    }
    if (status == MOX_OK)
        enter_sets(b);
    for (uint32_t p = 0; p < piles && status == MOX_OK; p++) {
        if (b->piles.piles[p].group != ROUTE_NONE)
            status = enter_group(b, p);
    }
    if (status == MOX_OK)
        status = end_values(b);
    if (status == MOX_OK)
        trim_chains(index);
    return status;
}

static void free_index(const void *memory)
{
    struct route_index *index = (struct route_index *)memory; /* ours: mem_new gave it */

    if (index == NULL)
        return;
    route_table_free(&index->table);
    mem_free(index->lists);
    mem_free(index->few);
    mem_free(index->groups);
    mem_free(index->chains);
    mem_free(index);
}

static int index_new(struct builder *b, uint32_t nlists)
{
    b->index = mem_new(sizeof *b->index);
    if (b->index == NULL)
        return MOX_E_NOMEM;
    b->index->global = ROUTE_NONE;
    b->index->conditions = b->config->nconditions > 0;
    b->index->lists = mem_array(nlists + (size_t)1, sizeof *b->index->lists);
    if (b->index->lists == NULL)
        return MOX_E_NOMEM;
    if (enter_few(b) != MOX_OK)
        return MOX_E_NOMEM;
    return route_table_init(&b->index->table, count_names(b->config));
}

int route_index_build(struct mox_config *config, struct mox_error *err)
{
    struct builder b = {.config = config, .owners = ROUTE_OWNER_LISTS};
    uint64_t owners = (uint64_t)ROUTE_OWNER_LISTS + config->nlists + config->nroutes;
    int status;

    if (owners - config->nroutes >= 1u << ROUTE_OWNER_BITS ||
        config->nroutes >> ROUTE_VALUE_SHIFT != 0)
        return error_set(err, MOX_E_LIMIT, "too many accounts, domains and routes for one index");
    b.owners += config->nlists;
    status = index_new(&b, config->nlists);
    if (status == MOX_OK)
        status = build(&b);
    piles_free(&b.piles);
    mem_free(b.sets);
    if (status != MOX_OK) {
        free_index(b.index);
        return status == MOX_E_NOMEM
                   ? error_nomem(err)
                   : error_set(err, status, "too many groups of routes for one index");
    }
    config->index = b.index;
    config->index_free = free_index;
    return error_none(err);
}

size_t route_index_bytes(const struct mox_config *config)
{
    const struct route_index *index = config->index;

    return sizeof *index + index->table.cap * sizeof *index->table.slots +
           config->nlists * sizeof *index->lists + (index->few != NULL ? sizeof *index->few : 0) +
           index->ngroups * sizeof *index->groups + index->cap_chains * sizeof *index->chains;
}
