/* plan.c - see plan.h. */
#include "dial/plan.h"

#include <assert.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/names.h"

enum { FIRST_ITEMS = 1, UNLISTED_TEXT = 64 };

static_assert(sizeof(struct mox_plan) <= SPARES_LARGEST && (size_t)PLAN_STEP <= SPARES_LARGEST,
              "a plan and its block leave their memory to the next");

/* The items stand in the arena: what a growing list leaves behind dies with the plan. */
static int list_add(struct mox_plan *plan, struct plan_list *list, void *item)
{
    if (list->len == list->cap) {
        uint32_t cap = list->cap == 0 ? FIRST_ITEMS : 2 * list->cap;
        void **items = arena_bytes(&plan->arena, cap * sizeof(void *), alignof(void *));

        if (items == NULL)
            return MOX_E_NOMEM;
        if (list->len > 0)
            memcpy(items, list->items, list->len * sizeof(void *));
        list->items = items;
        list->cap = cap;
    }
    list->items[list->len++] = item;
    return MOX_OK;
}

/* list->len: it is not there. */
static size_t list_find(const struct plan_list *list, const void *item)
{
    size_t i = 0;

    while (i < list->len && list->items[i] != item)
        i++;
    return i;
}

static void list_remove(struct plan_list *list, const void *item)
{
    size_t i = list_find(list, item);

    if (i == list->len)
        return;
    list->len--;
    memmove(list->items + i, list->items + i + 1, (list->len - i) * sizeof(void *));
}

static void begin_arena(struct mox_plan *plan)
{
    arena_seed(&plan->arena, plan->seed, sizeof plan->seed);
    plan->arena.step = PLAN_STEP;
    plan->arena.spares = &plan->ctx->spares;
}

struct mox_plan *mox_plan_new(struct mox_ctx *ctx)
{
    struct dial_part *part = part_of(ctx);
    struct mox_plan *plan = part == NULL ? NULL : spares_new(&ctx->spares, sizeof *plan);

    if (plan == NULL)
        return NULL;
    plan->ctx = ctx;
    plan->references = 1;
    plan->info.route.index = -1;
    begin_arena(plan);
    part_link(&part->plans, &plan->link);
    return plan;
}

static void release(struct mox_plan *plan)
{
    if (plan->rules.config != NULL)
        config_release(plan->rules.config);
    arena_free(&plan->arena);
}

void plan_reset(struct mox_plan *plan)
{
    release(plan);
    begin_arena(plan);
    plan->hosts = (struct plan_list){0};
    plan->dropped_hosts = (struct plan_list){0};
    plan->kept = (struct plan_list){0};
    plan->dropped = (struct plan_list){0};
    plan->attempts = (struct plan_list){0};
    memset(&plan->rules, 0, sizeof plan->rules);
    memset(&plan->info, 0, sizeof plan->info);
    plan->info.route.index = -1;
    plan->sts = NULL;
    plan->unlisted = 0;
    plan->unlisted_text = NULL;
    plan->taken = plan->sts_settled = plan->resolved = plan->running = false;
}

void plan_ref(struct mox_plan *plan)
{
    plan->references++;
}

void plan_end(struct part_link *link)
{
    struct mox_plan *plan = (struct mox_plan *)link; /* its first member */

    part_unlink(&plan->link);
    release(plan);
    spares_free(&plan->ctx->spares, plan, sizeof *plan);
}

void plan_unref(struct mox_plan *plan)
{
    if (plan != NULL && --plan->references == 0)
        plan_end(&plan->link);
}

void mox_plan_free(struct mox_plan *plan)
{
    plan_unref(plan);
}

struct plan_host *plan_add_host(struct mox_plan *plan, struct slice name, int32_t preference)
{
    struct plan_host *host = arena_new(&plan->arena, sizeof *host);

    if (host == NULL)
        return NULL;
    host->view.host = arena_text(&plan->arena, name);
    host->view.preference = preference;
    if (host->view.host == NULL || list_add(plan, &plan->hosts, host) != MOX_OK)
        return NULL;
    return host;
}

struct plan_candidate *plan_add_candidate(struct mox_plan *plan, struct plan_host *host,
                                          const struct mox_ip *ip)
{
    struct plan_candidate *candidate = arena_new(&plan->arena, sizeof *candidate);

    if (candidate == NULL || list_add(plan, &plan->kept, candidate) != MOX_OK)
        return NULL;
    candidate->host = host;
    candidate->view.host = host->view.host;
    candidate->view.ip = *ip;
    candidate->view.preference = host->view.preference;
    candidate->view.port = plan->rules.port;
    return candidate;
}

static int copy_detail(struct mox_plan *plan, const char *detail, const char **out)
{
    if (detail == NULL)
        return MOX_OK;
    *out = arena_text(&plan->arena, slice_of(detail));
    return *out == NULL ? MOX_E_NOMEM : MOX_OK;
}

/* The last entry listed stands for all that are not. */
static void count_unlisted(struct mox_plan *plan)
{
    struct plan_candidate *last = plan->dropped.items[plan->dropped.len - 1];

    plan->unlisted++;
    if (plan->unlisted_text == NULL)
        plan->unlisted_text = arena_new(&plan->arena, UNLISTED_TEXT);
    if (plan->unlisted_text != NULL)
        snprintf(plan->unlisted_text, UNLISTED_TEXT, "and %zu more that are not listed one by one",
                 plan->unlisted);
    last->view.detail = plan->unlisted_text;
}

int plan_drop(struct mox_plan *plan, struct plan_candidate *candidate, int drop, const char *detail)
{
    list_remove(&plan->kept, candidate);
    candidate->view.drop = drop;
    if (plan->dropped.len >= MOX_LIMIT_DROPS) {
        count_unlisted(plan);
        return MOX_OK;
    }
    if (copy_detail(plan, detail, &candidate->view.detail) != MOX_OK)
        return MOX_E_NOMEM;
    return list_add(plan, &plan->dropped, candidate);
}

/* A dropped host stands among the dropped addresses too, without one, so that its reason shows. */
int plan_drop_host(struct mox_plan *plan, struct plan_host *host, int drop, const char *detail)
{
    static const struct mox_ip none;
    struct plan_candidate *candidate = plan_add_candidate(plan, host, &none);

    list_remove(&plan->hosts, host);
    host->view.drop = drop;
    if (candidate == NULL || plan_drop(plan, candidate, drop, detail) != MOX_OK)
        return MOX_E_NOMEM;
    return list_add(plan, &plan->dropped_hosts, host);
}

int32_t plan_ms(const struct mox_plan *plan, uint64_t now_us)
{
    return now_us < plan->start_us ? 0 : (int32_t)((now_us - plan->start_us) / 1000);
}

void plan_begin(struct mox_plan *plan, uint64_t now_us)
{
    plan->start_us = now_us;
    plan->running = true;
}

void plan_stop(struct mox_plan *plan, uint64_t now_us)
{
    if (plan->running)
        plan->info.elapsed_ms = (uint32_t)plan_ms(plan, now_us);
    plan->running = false;
}

struct plan_attempt *plan_add_attempt(struct mox_plan *plan, struct plan_candidate *candidate,
                                      uint64_t now_us)
{
    struct plan_attempt *attempt = arena_new(&plan->arena, sizeof *attempt);

    if (attempt == NULL || list_add(plan, &plan->attempts, attempt) != MOX_OK)
        return NULL;
    candidate->tried = true;
    attempt->candidate = candidate;
    attempt->start_us = now_us;
    attempt->view.start_ms = plan_ms(plan, now_us);
    attempt->view.connect_ms = attempt->view.greeting_ms = -1;
    attempt->view.tls_ms = attempt->view.end_ms = -1;
    attempt->view.local = candidate->view.source;
    return attempt;
}

void plan_end_attempt(struct mox_plan *plan, struct plan_attempt *attempt, int stage,
                      const struct mox_error *err, uint64_t now_us)
{
    struct mox_error *kept;

    attempt->view.end_ms = plan_ms(plan, now_us);
    attempt->view.stage = stage;
    attempt->view.outcome = err == NULL ? MOX_OK : err->code;
    attempt->view.error = NULL;
    if (err == NULL)
        return;
    kept = arena_new(&plan->arena, sizeof *kept);
    if (kept != NULL)
        *kept = *err;
    attempt->view.error = kept;
}

const struct mox_plan_info *mox_plan_summary(const struct mox_plan *plan)
{
    struct mox_plan_info *info = &((struct mox_plan *)(uintptr_t)plan)->info; /* only a cache */

    info->n_mx = (uint32_t)(plan->hosts.len + plan->dropped_hosts.len);
    info->n_candidates = (uint32_t)(plan->kept.len + plan->dropped.len);
    info->n_attempts = (uint32_t)plan->attempts.len;
    if (plan->running)
        info->elapsed_ms = (uint32_t)plan_ms(plan, ctx_now_us(plan->ctx));
    return info;
}

const struct mox_mx *mox_plan_mx(const struct mox_plan *plan, uint32_t i)
{
    const struct plan_host *host = plan_host_at(plan, i);

    if (host == NULL && i - plan->hosts.len < plan->dropped_hosts.len)
        host = plan->dropped_hosts.items[i - plan->hosts.len];
    return host == NULL ? NULL : &host->view;
}

const struct mox_candidate *mox_plan_candidate(const struct mox_plan *plan, uint32_t i)
{
    const struct plan_candidate *candidate = plan_kept_at(plan, i);

    if (candidate == NULL && i - plan->kept.len < plan->dropped.len)
        candidate = plan->dropped.items[i - plan->kept.len];
    return candidate == NULL ? NULL : &candidate->view;
}

/* Where the candidate stands now: later answers may have moved it. */
static uint32_t index_of(const struct mox_plan *plan, const struct plan_candidate *candidate)
{
    size_t i = list_find(&plan->kept, candidate);

    if (i == plan->kept.len)
        i += list_find(&plan->dropped, candidate);
    return (uint32_t)i;
}

const struct mox_attempt *mox_plan_attempt(const struct mox_plan *plan, uint32_t i)
{
    struct plan_attempt *attempt = plan_attempt_at(plan, i);

    if (attempt == NULL)
        return NULL;
    attempt->view.candidate = index_of(plan, attempt->candidate);
    return &attempt->view;
}

const char *mox_tls_need_name(int need)
{
    static const char *const names[] = {
        [MOX_TLS_NONE] = "none",         [MOX_TLS_OPPORTUNISTIC] = "opportunistic",
        [MOX_TLS_REQUIRED] = "required", [MOX_TLS_PKIX] = "pkix",
        [MOX_TLS_DANE] = "dane",
    };

    return name_of(names, ARRAY_LEN(names), need);
}
