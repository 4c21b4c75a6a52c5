/* intern.c - see intern.h. Open addressing, at most half full. */
#include "config/intern.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

enum { FIRST_SLOTS = 32, MOST_ENTRIES = 1 << 29 };

static uint32_t hash_of(uint64_t space, struct slice name)
{
    return (uint32_t)hash_bytes(name.ptr, name.len, space * UINT64_C(0x9e3779b97f4a7c15));
}

/* The slot where the name is, or belongs. */
static uint32_t *find_slot(const struct intern *set, uint64_t space, struct slice name)
{
    uint32_t at = hash_of(space, name) & (set->nslots - 1);

    while (set->slots[at] != 0) {
        const struct intern_entry *e = &set->entries[set->slots[at] - 1];

        if (e->space == space && slice_equal((struct slice){e->ptr, e->len}, name))
            break;
        at = (at + 1) & (set->nslots - 1);
    }
    return &set->slots[at];
}

static bool grow(struct intern *set)
{
    uint32_t nslots = set->nslots == 0 ? FIRST_SLOTS : set->nslots * 2;
    struct intern_entry *entries = mem_resize(set->entries, nslots / 2, sizeof *entries);
    uint32_t *slots;

    if (entries == NULL)
        return false;
    set->entries = entries;
    slots = mem_array(nslots, sizeof *slots);
    if (slots == NULL)
        return false;
    mem_free(set->slots);
    set->slots = slots;
    set->nslots = nslots;
    set->cap = nslots / 2;
    for (uint32_t i = 0; i < set->len; i++) {
        const struct intern_entry *e = &entries[i];

        *find_slot(set, e->space, (struct slice){e->ptr, e->len}) = i + 1;
    }
    return true;
}

uint32_t config_intern_take(struct intern *set, uint64_t space, struct slice name, bool *added)
{
    uint32_t *slot;

    *added = false;
    if (name.len > UINT32_MAX || (set->len == set->cap && (set->len > MOST_ENTRIES || !grow(set))))
        return UINT32_MAX;
    slot = find_slot(set, space, name);
    if (*slot == 0) {
        set->entries[set->len++] = (struct intern_entry){name.ptr, (uint32_t)name.len, 0, space};
        *slot = set->len;
        *added = true;
    }
    return *slot - 1;
}

void config_intern_free(struct intern *set)
{
    mem_free(set->entries);
    mem_free(set->slots);
    *set = (struct intern){0};
}
