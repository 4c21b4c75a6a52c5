/* reverse.c - see reverse.h. */
#include "lookup/reverse.h"

#include "base/error.h"
#include "base/mem.h"
#include "dns/dns.h"

/* What keeps the result from being found is ours, not the address's. */
static bool is_ours(const struct lookup_chain *chain)
{
    return chain->status == MOX_E_NOMEM || chain->status == MOX_E_UNSUPPORTED ||
           (chain->status != MOX_OK && chain->error == NULL);
}

static void end(struct lookup_reverse *r, enum identity_reverse found)
{
    r->finished = true;
    r->found = found;
}

static void end_nomem(struct lookup_reverse *r)
{
    r->finished = true;
    r->status = MOX_E_NOMEM;
    r->chain.error = NULL;
}

/* A question that was answered by a failure; the first one is told. */
static void note_failure(struct lookup_reverse *r)
{
    if (r->why == NULL)
        r->why = r->chain.error->message;
}

static void note_ttl(struct lookup_reverse *r)
{
    if (r->chain.answer.count > 0 && r->chain.answer.ttl < r->ttl)
        r->ttl = r->chain.answer.ttl;
}

static void ask(struct lookup_reverse *r, uint16_t type, const char *name)
{
    r->chain.type = type;
    if (chain_start(r->ctx, &r->chain, name) != MOX_OK)
        end_nomem(r);
}

/* The wanted one comes first. */
static void take_names(struct lookup_reverse *r)
{
    const struct lookup_answer *answer = &r->chain.answer;
    struct slice wanted = slice_of(r->name);

    r->name = NULL;
    for (size_t i = 0; i < answer->count && r->nnames < MOX_LIMIT_PTR; i++) {
        const struct dns_item *item = &answer->items[i];

        if (item->fault != DNS_FAULT_NONE)
            continue;
        r->names[r->nnames] = item->data.ptr;
        if (slice_equal(item->data, wanted)) {
            r->names[r->nnames] = r->names[0];
            r->names[0] = item->data.ptr;
        }
        r->nnames++;
    }
    if (r->nnames > 0)
        r->name = r->names[0];
}

static void ask_next_name(struct lookup_reverse *r)
{
    if (r->at < r->nnames)
        ask(r, r->ip.family == MOX_IPV4 ? DNS_TYPE_A : DNS_TYPE_AAAA, r->names[r->at]);
    else
        end(r, r->why != NULL ? IDENTITY_REVERSE_UNKNOWN : IDENTITY_REVERSE_UNCONFIRMED);
}

static void take_ptr(struct lookup_reverse *r)
{
    if (r->chain.status != MOX_OK) {
        r->name = NULL; /* it is not found, only wanted */
        note_failure(r);
        end(r, IDENTITY_REVERSE_UNKNOWN);
        return;
    }
    take_names(r);
    if (r->nnames == 0)
        end(r, IDENTITY_REVERSE_NONE);
    else
        ask_next_name(r);
}

static void take_addresses(struct lookup_reverse *r)
{
    const struct lookup_answer *answer = &r->chain.answer;

    if (r->chain.status != MOX_OK)
        note_failure(r);
    for (size_t i = 0; r->chain.status == MOX_OK && i < answer->count; i++) {
        if (!ip_equal(&answer->addresses[i], &r->ip))
            continue;
        r->name = r->names[r->at];
        end(r, IDENTITY_REVERSE_CONFIRMED);
        return;
    }
    r->at++;
    ask_next_name(r);
}

/* As far as answers are there at once. */
static void go_on(struct lookup_reverse *r)
{
    while (!r->finished && r->chain.finished) {
        if (is_ours(&r->chain)) {
            r->status = r->chain.status;
            r->finished = true;
        } else if (r->chain.type == DNS_TYPE_PTR) {
            note_ttl(r);
            take_ptr(r);
        } else {
            note_ttl(r);
            take_addresses(r);
        }
    }
}

static void on_answer(struct lookup_chain *chain)
{
    struct lookup_reverse *r = (struct lookup_reverse *)chain; /* its first member */

    go_on(r);
    if (r->finished)
        r->done(r->arg);
}

struct lookup_reverse *lookup_reverse_start(struct mox_ctx *ctx, const struct mox_ip *ip,
                                            const char *wanted, const struct lookup_rules *rules,
                                            void (*done)(void *arg), void *arg)
{
    struct lookup_reverse *r = mem_new(sizeof *r);

    if (r == NULL)
        return NULL;
    r->ctx = ctx;
    r->ip = *ip;
    r->ip.scope = 0;
    r->rules = *rules;
    r->ttl = UINT32_MAX;
    r->done = done;
    r->arg = arg;
    arena_seed(&r->arena, r->seed, sizeof r->seed);
    r->name = wanted == NULL ? NULL : arena_text(&r->arena, slice_of(wanted));
    if (wanted != NULL && r->name == NULL) {
        lookup_reverse_free(r);
        return NULL;
    }
    ip_reverse_name(ip, r->question);
    r->chain.arena = &r->arena;
    r->chain.rules = &r->rules;
    r->chain.max_aliases = MOX_LIMIT_CNAME;
    r->chain.at_once = true;
    r->chain.done = on_answer;
    ask(r, DNS_TYPE_PTR, r->question);
    go_on(r);
    return r;
}

void lookup_reverse_free(struct lookup_reverse *r)
{
    if (r == NULL)
        return;
    chain_cancel(&r->chain);
    arena_free(&r->arena);
    mem_free(r);
}
