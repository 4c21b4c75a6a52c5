/* history_write.c - see history_write.h. */
#include "dial/history_write.h"

#include <string.h>

#include "base/mem.h"
#include "ctx/store.h"

static const char writes_key; /* its address is the key */

struct write {                   /* an entry that is being read */
    struct ctx_store_op op;      /* first */
    struct write *next, **place; /* place: what points to it */
    struct writes *all;
    struct learned_entry news;
    char key[LEARNED_KEY];
};

struct writes {
    struct ctx_part part; /* first */
    struct write *list;
    size_t count; /* at most MOX_LIMIT_HISTORY_WRITES */
};

static void end_write(struct write *w)
{
    store_cancel(&w->op);
    *w->place = w->next;
    if (w->next != NULL)
        w->next->place = w->place;
    w->all->count--;
    mem_free(w);
}

static void end_writes(struct ctx_part *part)
{
    struct writes *all = (struct writes *)part; /* its first member */

    for (struct write *w = all->list, *next; w != NULL; w = next) {
        next = w->next;
        end_write(w);
    }
    mem_free(all);
}

void history_write(struct mox_ctx *ctx, const char *key, struct learned_entry *entry,
                   const struct learned_entry *news)
{
    char value[LEARNED_VALUE];

    if (learned_add(entry, news))
        store_put_and_forget(ctx, key, (struct slice){value, learned_write(entry, value)},
                             LEARNED_KEEP_S);
}

/* Of an entry that could not be read nothing is written: it may be there. */
static void on_read(struct ctx_store_op *op)
{
    struct write *w = (struct write *)op; /* its first member */
    struct learned_entry entry = {0};

    if (op->status == MOX_OK) {
        if (op->found)
            learned_read(buffer_slice(&op->value), ctx_unix_s(op->ctx), &entry);
        history_write(op->ctx, w->key, &entry, &w->news);
    }
    end_write(w);
}

void history_write_unread(struct mox_ctx *ctx, const char *key, const struct learned_entry *news,
                          uint64_t timeout_us)
{
    struct writes *all = ctx_part_use(ctx, &writes_key, sizeof *all, end_writes);
    struct write *w;

    if (all == NULL)
        return;
    for (w = all->list; w != NULL; w = w->next) {
        if (strcmp(w->key, key) == 0) {
            learned_add(&w->news, news);
            return;
        }
    }
    w = all->count < MOX_LIMIT_HISTORY_WRITES ? mem_new(sizeof *w) : NULL;
    if (w == NULL)
        return;
    w->all = all;
    w->next = all->list;
    w->place = &all->list;
    if (w->next != NULL)
        w->next->place = &w->next;
    all->list = w;
    all->count++;
    w->news = *news;
    slice_clean(slice_of(key), false, w->key, sizeof w->key);
    w->op.done = on_read;
    if (store_get(ctx, &w->op, w->key, timeout_us) != MOX_OK)
        end_write(w);
}
