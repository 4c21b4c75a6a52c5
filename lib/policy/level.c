/* level.c - see level.h. */
#include "policy/level.h"

#include "base/ip.h"
#include "policy/family.h"

static bool is_preferred(const struct policy_entry *e, int prefer)
{
    return (prefer == MOX_PREFER_IPV4 && e->family == MOX_IPV4) ||
           (prefer == MOX_PREFER_IPV6 && e->family == MOX_IPV6);
}

/* last: of one family alone; both put last are both where they were. */
static int32_t order_of(const struct policy_entry *e, int prefer, uint32_t last)
{
    bool one = last == MOX_ALLOW_IPV4 || last == MOX_ALLOW_IPV6;

    if (e->order == MOX_ORDER_TRANSITION)
        return e->order;
    if (one)
        return last == ip_family_bit(e->family) ? MOX_ORDER_PUT_LAST : MOX_ORDER_DEFAULT;
    if (e->order == MOX_ORDER_DEFAULT && is_preferred(e, prefer))
        return MOX_ORDER_PREFERRED;
    return e->order;
}

static int rank_of(const struct policy_entry *e)
{
    switch (e->order) {
    case MOX_ORDER_PREFERRED:
        return 0;
    case MOX_ORDER_LEARNED:
    case MOX_ORDER_PUT_LAST:
        return 2;
    case MOX_ORDER_TRANSITION:
        return 3;
    default:
        return 1;
    }
}

/* Moves entries[at] before the higher ranks that stand before it, over the entries with history. */
static void insert(struct policy_entry *entries, size_t at)
{
    struct policy_entry moved = entries[at];
    size_t hole = at;

    for (size_t i = at; i > 0; i--) {
        if (entries[i - 1].history)
            continue;
        if (rank_of(&entries[i - 1]) <= rank_of(&moved))
            break;
        entries[hole] = entries[i - 1];
        hole = i - 1;
    }
    entries[hole] = moved;
}

void policy_level_order(struct policy_entry *entries, size_t n, int prefer, uint32_t last)
{
    last &= MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6;
    for (size_t i = 0; i < n; i++) {
        if (entries[i].history)
            continue;
        entries[i].order = order_of(&entries[i], prefer, last);
        insert(entries, i);
    }
}
