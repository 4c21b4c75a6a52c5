/* few.c - see few.h. */
#include "route/few.h"

#include <assert.h>

#include "route/index.h"

static_assert(ROUTE_FEW <= 32, "a bit for each entry");

enum { ANY_BYTE = -1 };

uint32_t route_few_count(const struct mox_config *config, const struct config_list *list)
{
    uint64_t n = 0;

    for (uint32_t r = 0; r < list->count; r++) {
        const struct config_route *route = &config->routes[list->first + r];

        n += route->nto == 0 ? 1 : route->nto;
        if (n > ROUTE_FEW || route->nfrom > ROUTE_DIRECT_ITEMS)
            return 0;
    }
    return (uint32_t)n;
}

/* What a domain must have at that place to match the item. */
static int byte_of(struct slice item, size_t place)
{
    if (place < item.len)
        return (unsigned char)item.ptr[item.len - 1 - place];
    if (item.len == 0 || item.ptr[0] == '.')
        return ANY_BYTE;
    return place == item.len ? '.' : '\0';
}

static struct slice item_of(const struct mox_config *config, const struct route_few_entry *entry)
{
    if (entry->len == 0)
        return (struct slice){NULL, 0};
    return (struct slice){config->names + entry->item, entry->len};
}

/* How many pairs of entries the place does not tell apart. */
static uint32_t count_pairs(const struct mox_config *config, const struct route_few *few,
                            size_t place)
{
    uint32_t pairs = 0;

    for (uint32_t i = 0; i < few->n; i++) {
        int byte = byte_of(item_of(config, &few->entries[i]), place);

        for (uint32_t k = 0; k < i; k++) {
            int other = byte_of(item_of(config, &few->entries[k]), place);

            pairs += byte == other || byte == ANY_BYTE || other == ANY_BYTE;
        }
    }
    return pairs;
}

static uint32_t best_place(const struct mox_config *config, const struct route_few *few)
{
    uint32_t best = 0, least = UINT32_MAX;

    for (uint32_t place = 0; place < ROUTE_FEW_PLACES; place++) {
        uint32_t pairs = count_pairs(config, few, place);

        if (pairs < least) {
            least = pairs;
            best = place;
        }
    }
    return best;
}

static void set_entries(const struct mox_config *config, const struct config_list *list,
                        struct route_few *few)
{
    for (uint32_t r = list->first; r < list->first + list->count; r++) {
        const struct config_route *route = &config->routes[r];

        if (route->nto == 0)
            few->entries[few->n++] = (struct route_few_entry){.rule = r};
        for (uint32_t i = 0; i < route->nto; i++) {
            struct slice item = config_item(config, route->to + i);

            few->entries[few->n++] = (struct route_few_entry){
                r, (uint32_t)(item.ptr - config->names), (uint32_t)item.len};
        }
    }
}

void route_few_set(const struct mox_config *config, const struct config_list *list,
                   struct route_few *few)
{
    set_entries(config, list, few);
    few->place = best_place(config, few);
    for (uint32_t i = 0; i < few->n; i++) {
        int byte = byte_of(item_of(config, &few->entries[i]), few->place);

        for (int c = 0; c <= UINT8_MAX; c++) {
            if (byte == ANY_BYTE || byte == c)
                few->candidates[c] |= (uint32_t)1 << i;
        }
    }
}
