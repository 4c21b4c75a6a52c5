/*
 * history_list.c - mox_history_each and mox_history_reset of moxdial/check.h. The store gives its
 * keys in any order, and maybe twice; all are taken before one is shown, so that whoever is shown
 * them may do what it likes.
 */
#include <moxdial/check.h>

#include <string.h>

#include "base/arena.h"
#include "base/domain.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "ctx/store.h"
#include "policy/learned.h"

/* Nobody's mail waits for it, and a shared store looks through all of its keys. */
enum { PATIENCE_S = 30 };

struct item {
    const char *key;
    struct learned_entry entry;
    bool valid; /* key and entry are ours */
};

struct listing {            /* all zero but for ctx: ready */
    struct ctx_store_op op; /* first */
    struct mox_ctx *ctx;
    const char *prefix; /* of its keys */
    struct arena arena;
    struct item **items; /* owned */
    size_t len, cap;
    bool done;
    int fault; /* why an item could not be taken; or MOX_OK */
};

static int add_item(struct listing *list, const char *key, struct slice value)
{
    struct learned_name name;
    struct item *item;

    if (list->len == MOX_LIMIT_HISTORY)
        return MOX_E_LIMIT;
    if (list->len == list->cap) {
        size_t cap = list->cap == 0 ? 64 : 2 * list->cap;
        struct item **items = mem_resize(list->items, cap, sizeof *items);

        if (items == NULL)
            return MOX_E_NOMEM;
        list->items = items;
        list->cap = cap;
    }
    item = arena_new(&list->arena, sizeof *item);
    if (item == NULL || (item->key = arena_text(&list->arena, slice_of(key))) == NULL)
        return MOX_E_NOMEM;
    item->valid =
        learned_read_key(key, &name) && learned_read(value, ctx_unix_s(list->ctx), &item->entry);
    list->items[list->len++] = item;
    return MOX_OK;
}

static void on_item(struct ctx_store_op *op, const char *key, struct slice value)
{
    struct listing *list = (struct listing *)op; /* its first member */

    if (list->fault == MOX_OK && slice_starts(slice_of(key), list->prefix) &&
        strlen(key) <= MOX_LIMIT_STORE_KEY)
        list->fault = add_item(list, key, value);
}

static void on_done(struct ctx_store_op *op)
{
    ((struct listing *)op)->done = true;
}

/* Waits for the question that was asked. asked: what asking it gave. */
static int wait_for(struct listing *list, int asked, const char *what, struct mox_error *err)
{
    int status = asked;

    if (status == MOX_E_NOMEM)
        return error_nomem(err);
    if (status == MOX_OK)
        status = ctx_run(list->ctx, &list->done, err);
    if (status != MOX_OK) {
        store_cancel(&list->op);
        return status;
    }
    if (list->op.status == MOX_OK)
        return MOX_OK;
    if (list->op.status == MOX_E_TIMEOUT)
        return error_set(err, MOX_E_STORE, "%s: the store did not answer in time", what);
    error_from_op(err, list->op.status, what);
    if (err != NULL)
        err->code = MOX_E_STORE;
    return MOX_E_STORE;
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(struct item *const *)a)->key, (*(struct item *const *)b)->key);
}

static void sort_once(struct listing *list)
{
    size_t n = 0;

    if (list->len > 1)
        qsort(list->items, list->len, sizeof *list->items, by_key);
    for (size_t i = 0; i < list->len; i++) {
        if (n == 0 || strcmp(list->items[n - 1]->key, list->items[i]->key) != 0)
            list->items[n++] = list->items[i];
    }
    list->len = n;
}

static int list_keys(struct listing *list, struct mox_error *err)
{
    int status = ctx_may_block(list->ctx, err);

    if (status != MOX_OK)
        return status;
    if (list->ctx->store.each == NULL)
        return error_set(err, MOX_E_UNSUPPORTED,
                         "the store of this context cannot list its keys: it has no `each`");
    list->op.item = on_item;
    list->op.done = on_done;
    status = wait_for(list, store_each(list->ctx, &list->op, list->prefix, us_of_s(PATIENCE_S)),
                      "listing the history", err);
    if (status != MOX_OK)
        return status;
    if (list->fault == MOX_E_LIMIT)
        return error_set(err, MOX_E_LIMIT, "the history has over %d entries", MOX_LIMIT_HISTORY);
    if (list->fault != MOX_OK)
        return error_nomem(err);
    sort_once(list);
    return MOX_OK;
}

static void end_listing(struct listing *list)
{
    arena_free(&list->arena);
    mem_free(list->items);
}

static int show(struct listing *list, const struct item *item, mox_history_fn *fn, void *arg)
{
    struct mox_history_entry view = {.refusals = item->entry.refusals,
                                     .last_accepted_s = item->entry.accepted_s,
                                     .last_refused_s = item->entry.refused_s,
                                     .last_reply = item->entry.reply};
    struct learned_name name;

    learned_read_key(item->key, &name);
    view.host = arena_text(&list->arena, name.host);
    view.source = arena_text(&list->arena, name.source);
    view.family = name.family;
    view.avoided = learned_avoided(&item->entry, ctx_unix_s(list->ctx));
    if (view.host == NULL || view.source == NULL)
        return MOX_E_NOMEM;
    fn(arg, &view);
    return MOX_OK;
}

int mox_history_each(struct mox_ctx *ctx, mox_history_fn *fn, void *arg, struct mox_error *err)
{
    struct listing list = {.ctx = ctx, .prefix = LEARNED_PREFIX};
    int status, shown = 0;

    if (fn == NULL)
        return error_set(err, MOX_E_INVAL, "no function to call for each entry");
    status = list_keys(&list, err);
    for (size_t i = 0; i < list.len && status == MOX_OK; i++) {
        if (!list.items[i]->valid)
            continue;
        status = show(&list, list.items[i], fn, arg);
        shown++;
        if (status != MOX_OK)
            error_nomem(err);
    }
    end_listing(&list);
    if (status != MOX_OK)
        return status;
    error_none(err);
    return shown;
}

/* The beginning of the keys of a host; NULL: of all. */
static int prefix_of(const char *host, char prefix[LEARNED_KEY], struct mox_error *err)
{
    struct text t = text_to(prefix, LEARNED_KEY);
    struct domain domain;
    struct mox_error why;

    text_add(&t, "%s", LEARNED_PREFIX);
    if (host == NULL)
        return MOX_OK;
    if (domain_parse_lax(slice_of(host), &domain) != MOX_OK &&
        domain_parse(slice_of(host), &domain, &why) != MOX_OK)
        return why.code == MOX_E_NOMEM
                   ? error_nomem(err)
                   : error_set(err, MOX_E_INVAL, "host \"%.300s\": %s", host, why.message);
    text_add(&t, "%s/", domain.name);
    return MOX_OK;
}

int mox_history_reset(struct mox_ctx *ctx, const char *host, struct mox_error *err)
{
    static const struct slice nothing;
    char prefix[LEARNED_KEY];
    struct listing list = {.ctx = ctx, .prefix = prefix};
    int status = prefix_of(host, prefix, err);

    if (status == MOX_OK)
        status = list_keys(&list, err);
    for (size_t i = 0; i < list.len && status == MOX_OK; i++) {
        list.done = false;
        status = wait_for(
            &list, store_put(ctx, &list.op, list.items[i]->key, nothing, 0, us_of_s(PATIENCE_S)),
            "removing an entry of the history", err);
    }
    end_listing(&list);
    if (status != MOX_OK)
        return status;
    error_none(err);
    return (int)list.len;
}
