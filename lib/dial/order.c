/* order.c - see order.h. */
#include "dial/order.h"

#include <string.h>

#include "base/mem.h"
#include "dial/gate.h"
#include "dial/history.h"
#include "policy/level.h"

enum { FEW = 8 }; /* candidates of one preference that need no allocation */

/* Why it stands there, if that needs words. */
static const char *detail_of(const struct plan_candidate *candidate)
{
    return candidate->view.order == MOX_ORDER_LEARNED
               ? history_why(candidate->host, candidate->view.ip.family)
               : NULL;
}

/* Writes the candidates kept[from, from + n), all of one preference, in the order of entries. */
static void put_in_order(struct dial *d, size_t from, size_t n, struct policy_entry *entries,
                         void **items)
{
    memcpy(items, d->plan->kept.items + from, n * sizeof(void *));
    for (size_t i = 0; i < n; i++) {
        const struct plan_candidate *candidate = items[i];

        entries[i] = (struct policy_entry){.index = (uint16_t)i,
                                           .family = candidate->view.ip.family,
                                           .history = candidate->history,
                                           .order = candidate->view.order};
    }
    policy_level_order(entries, n, d->plan->rules.prefer,
                       health_last(&d->part->health, ctx_now_us(d->ctx)) | gate_last(d));
    for (size_t i = 0; i < n; i++) {
        struct plan_candidate *candidate = items[entries[i].index];

        candidate->view.order = entries[i].order;
        if (!candidate->tried)
            candidate->view.detail = detail_of(candidate);
        d->plan->kept.items[from + i] = candidate;
    }
}

/* As a rule they are few: those cost no allocation. */
static int order_level(struct dial *d, size_t from, size_t to)
{
    struct policy_entry few[FEW], *entries = few;
    void *few_items[FEW], **items = few_items;
    size_t n = to - from;
    int status = MOX_OK;

    if (n > FEW) {
        entries = mem_array(n, sizeof *entries);
        items = mem_array(n, sizeof(void *));
    }
    if (entries != NULL && items != NULL)
        put_in_order(d, from, n, entries, items);
    else
        status = MOX_E_NOMEM;
    if (n > FEW) {
        mem_free(entries);
        mem_free(items);
    }
    return status;
}

static size_t host_position(const struct mox_plan *plan, const struct plan_host *host)
{
    size_t i = 0;

    while (i < plan->hosts.len && plan->hosts.items[i] != host)
        i++;
    return i;
}

/* Whether a stands before b by host, and within it as the filter said. */
static bool stands_before(const struct mox_plan *plan, const struct plan_candidate *a,
                          const struct plan_candidate *b)
{
    if (a->host != b->host)
        return host_position(plan, a->host) < host_position(plan, b->host);
    return a->rank < b->rank;
}

/* By insertion: there are few, and they are nearly in order. */
static void sort_by_host(struct mox_plan *plan, size_t from)
{
    void **items = plan->kept.items;

    for (size_t i = from + 1; i < plan->kept.len; i++) {
        void *item = items[i];
        size_t k = i;

        for (; k > from && stands_before(plan, item, items[k - 1]); k--)
            items[k] = items[k - 1];
        items[k] = item;
    }
}

int order_candidates(struct dial *d)
{
    struct mox_plan *plan = d->plan;
    size_t from = 0, to;

    while (from < plan->kept.len && plan_kept_at(plan, from)->tried)
        from++;
    sort_by_host(plan, from);
    for (; from < plan->kept.len; from = to) {
        int32_t preference = plan_kept_at(plan, from)->view.preference;

        for (to = from + 1;
             to < plan->kept.len && plan_kept_at(plan, to)->view.preference == preference; to++)
            ;
        if (order_level(d, from, to) != MOX_OK)
            return MOX_E_NOMEM;
    }
    return MOX_OK;
}
