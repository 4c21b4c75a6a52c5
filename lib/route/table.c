/* table.c - see table.h. */
#include "route/table.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

static_assert(ROUTE_TAG_BITS + ROUTE_OWNER_BITS == 32, "a key is 32 bits");
static_assert(sizeof(struct route_slot) == 12, "there may be a million of them");

uint64_t route_table_cap(uint64_t n)
{
    return n + n * 4 / 5 + 2;
}

int route_table_init(struct route_table *table, uint64_t n)
{
    uint64_t cap = route_table_cap(n);

    *table = (struct route_table){0};
    if (cap > UINT32_MAX)
        return MOX_E_NOMEM;
    table->slots = mem_array((size_t)cap, sizeof *table->slots);
    if (table->slots == NULL)
        return MOX_E_NOMEM;
    table->cap = (uint32_t)cap;
    return MOX_OK;
}

void route_table_free(struct route_table *table)
{
    mem_free(table->slots);
    *table = (struct route_table){0};
}

bool route_slot_has(const struct mox_config *config, const struct route_slot *slot,
                    const struct route_key *key)
{
    size_t dot = key->dot;
    const char *text;

    if (slot->key >> ROUTE_TAG_BITS < ROUTE_OWNER_LISTS)
        return slice_is(key->text, config->lists[slot->value].name);
    text = config->names + slot->name;
    return (unsigned char)text[-1] == key->text.len + dot && (text[0] == '.') == key->dot &&
           memcmp(text + dot, key->text.ptr, key->text.len) == 0;
}

struct route_slot *route_table_put(struct route_table *table, const struct mox_config *config,
                                   uint32_t owner, const struct route_key *key, uint32_t name)
{
    uint32_t hash = route_key_hash(key, owner);
    struct route_slot *slot = route_table_find(table, config, owner, key, hash);

    if (slot->key == 0) {
        *slot = (struct route_slot){route_slot_key(owner, hash), name, ROUTE_NONE};
        table->used++;
    }
    return slot;
}
