/*
 * level.h - the order of all addresses of one MX preference level, over its hosts.
 */
#ifndef POLICY_LEVEL_H
#define POLICY_LEVEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <moxdial/route.h>

struct policy_entry {
    uint16_t host, index; /* the caller's; carried along */
    int32_t family;       /* enum mox_family */
    int32_t order;        /* enum mox_order, as mox_family_filter gave it; rewritten */
    bool history;         /* the message was at this host before */
};

/*
 * entries: host after host, each host's in its own order. Without a reason to favour a family they
 * stay so. With one, all of that family go before the other, over all hosts: by prefer (enum
 * mox_prefer), by what the filter learned of a host (MOX_ORDER_LEARNED, MOX_ORDER_PUT_LAST), or by
 * last, MOX_ALLOW_ bits that win over both. 6to4 and Teredo end the level. Entries with history
 * keep their places: the order of their host is mox's. Stable. Pure.
 */
void policy_level_order(struct policy_entry *entries, size_t n, int prefer, uint32_t last);

#endif
