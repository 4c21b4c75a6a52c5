/*
 * mx.c - see mx.h. Bad targets are kept as dropped hosts with their reason, so that a plan can
 * show them. A host named twice keeps its better preference.
 */
#include "lookup/mx.h"

#include <stdlib.h>
#include <string.h>

#include <moxdial/route.h>

#include "base/error.h"
#include "dns/dns.h"

static int fail(struct lookup_mx *mx, const struct mox_error *err)
{
    struct mox_error *kept = arena_new(&mx->arena, sizeof *kept);

    mx->status = err->code;
    if (kept != NULL) {
        *kept = *err;
        kept->stage = MOX_STAGE_RESOLVE;
        error_at_host(kept, mx->chain.name);
    }
    mx->error = kept;
    return mx->status;
}

static int fail_nomem(struct lookup_mx *mx)
{
    mx->status = MOX_E_NOMEM;
    mx->error = NULL;
    return mx->status;
}

static bool is_below(struct slice name, struct slice top)
{
    size_t before = name.len - top.len;

    return name.len >= top.len && (before == 0 || name.ptr[before - 1] == '.') &&
           memcmp(name.ptr + before, top.ptr, top.len) == 0;
}

/* Why this target is no host; NULL: it may be one. */
static const char *fault_of(const struct dns_item *record)
{
    static const struct slice localhost = {"localhost", 9}, invalid = {"invalid", 7};

    switch (record->fault) {
    case DNS_FAULT_NONE:
        break;
    case DNS_FAULT_ROOT:
        return "the MX target is \".\", which names no host (RFC 7505)";
    case DNS_FAULT_ADDRESS:
        return "the MX target is an IP address; it must be a host name (RFC 5321 section 5.1)";
    default:
        return "the MX target is no host name";
    }
    if (is_below(record->data, localhost))
        return "the MX target is localhost";
    if (is_below(record->data, invalid))
        return "the MX target stands under .invalid";
    return NULL;
}

static int by_preference(const void *a, const void *b)
{
    const struct lookup_mx_host *x = a, *y = b;

    if ((x->drop != 0) != (y->drop != 0))
        return x->drop != 0 ? 1 : -1;
    return (x->preference > y->preference) - (x->preference < y->preference);
}

/* Fisher and Yates within each run of equal preference. Without randomness the order stays. */
static void shuffle_equals(struct mox_ctx *ctx, struct lookup_mx_host *hosts, size_t n)
{
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && hosts[to].preference == hosts[from].preference; to++)
            ;
        for (size_t i = to - 1; i > from; i--) {
            struct lookup_mx_host host = hosts[i];
            uint32_t dice;
            size_t other;

            if (ctx_random(ctx, &dice, sizeof dice) != MOX_OK)
                return;
            other = from + dice % (i - from + 1);
            hosts[i] = hosts[other];
            hosts[other] = host;
        }
    }
}

static bool is_named(const struct lookup_mx_host *hosts, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(hosts[i].name, name) == 0)
            return true;
    }
    return false;
}

/* Leaves out names that stand before, and drops what is beyond the limit. */
static size_t keep_best(struct lookup_mx_host *hosts, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (hosts[i].drop == 0 && is_named(hosts, kept, hosts[i].name))
            continue;
        hosts[kept] = hosts[i];
        if (kept >= MOX_LIMIT_MX && hosts[kept].drop == 0) {
            hosts[kept].drop = MOX_DROP_LIMIT;
            hosts[kept].detail = "over 32 MX hosts; this one stands behind them";
        }
        kept++;
    }
    return kept;
}

static int take_records(struct lookup_mx *mx)
{
    const struct lookup_answer *answer = &mx->chain.answer;
    size_t usable = 0;

    mx->hosts = arena_array(&mx->arena, answer->count, sizeof *mx->hosts);
    if (mx->hosts == NULL)
        return fail_nomem(mx);
    for (size_t i = 0; i < answer->count; i++) {
        struct lookup_mx_host *host = &mx->hosts[i];

        host->name = answer->items[i].data.ptr;
        host->preference = answer->items[i].preference;
        host->detail = fault_of(&answer->items[i]);
        host->drop = host->detail == NULL ? MOX_DROP_NONE : MOX_DROP_BAD_NAME;
        usable += host->drop == 0;
    }
    if (answer->count > 1)
        qsort(mx->hosts, answer->count, sizeof *mx->hosts, by_preference);
    mx->nhosts = keep_best(mx->hosts, answer->count);
    for (usable = 0; usable < mx->nhosts && mx->hosts[usable].drop == 0; usable++)
        ;
    shuffle_equals(mx->chain.query.ctx, mx->hosts, usable);
    return MOX_OK;
}

static int take_implicit(struct lookup_mx *mx)
{
    mx->hosts = arena_new(&mx->arena, sizeof *mx->hosts);
    if (mx->hosts == NULL)
        return fail_nomem(mx);
    mx->hosts[0].name = mx->next_hop;
    mx->hosts[0].preference = -1;
    mx->nhosts = 1;
    return MOX_OK;
}

static int take_answer(struct lookup_mx *mx)
{
    const struct lookup_answer *answer = &mx->chain.answer;
    struct mox_error err;

    if (mx->chain.status != MOX_OK) {
        mx->status = mx->chain.status;
        mx->error = mx->chain.error;
        return mx->status;
    }
    mx->authentic = mx->chain.authentic;
    mx->next_hop = answer->canonical;
    if (answer->count + answer->beyond == 1 && answer->items[0].fault == DNS_FAULT_ROOT) {
        error_set(&err, MOX_E_NULL_MX, "%s takes no mail: its MX is \".\" (null MX, RFC 7505)",
                  mx->next_hop);
        return fail(mx, &err);
    }
    return answer->count > 0 ? take_records(mx) : take_implicit(mx);
}

static void on_done(struct lookup_chain *chain)
{
    struct lookup_mx *mx = (struct lookup_mx *)chain; /* its first member */

    take_answer(mx);
    mx->done(mx->arg);
}

struct lookup_mx *lookup_mx_start(struct mox_ctx *ctx, const char *domain,
                                  const struct lookup_rules *rules, void (*done)(void *arg),
                                  void *arg)
{
    struct lookup_mx *mx = spares_new(&ctx->spares, sizeof *mx);

    if (mx == NULL)
        return NULL;
    mx->rules = *rules;
    mx->done = done;
    mx->arg = arg;
    arena_seed(&mx->arena, mx->seed, sizeof mx->seed);
    mx->chain.arena = &mx->arena;
    mx->chain.rules = &mx->rules;
    mx->chain.type = DNS_TYPE_MX;
    mx->chain.max_aliases = MOX_LIMIT_NEXT_HOP - 1;
    mx->chain.at_once = true;
    mx->chain.done = on_done;
    if (chain_start(ctx, &mx->chain, domain) != MOX_OK) {
        lookup_mx_free(mx);
        return NULL;
    }
    if (mx->chain.finished)
        take_answer(mx);
    return mx;
}

void lookup_mx_free(struct lookup_mx *mx)
{
    if (mx == NULL)
        return;
    chain_cancel(&mx->chain);
    arena_free(&mx->arena);
    spares_free(&mx->chain.query.ctx->spares, mx, sizeof *mx);
}
