/*
 * ids.c - numbers for what is in flight. An id is a serial number, its kind, and the slot it lives
 * in, so that finding it is one look and a late answer meets another serial number.
 */
#include <assert.h>

#include "base/limits.h"
#include "base/mem.h"
#include "ctx/ctx.h"

enum { SLOT_BITS = 24, KIND_BITS = 3, FIRST_SLOTS = 16 };

static_assert(1 << SLOT_BITS == MOX_LIMIT_IDS, "a slot's index fits its bits");
static_assert(CTX_FETCH < 1 << KIND_BITS, "and so does a kind");

static bool grow(struct ctx_ids *ids)
{
    size_t cap = ids->cap == 0 ? FIRST_SLOTS : 2 * ids->cap;
    struct ctx_slot *slots;

    if (cap > MOX_LIMIT_IDS)
        return false;
    slots = mem_resize(ids->slots, cap, sizeof *slots);
    if (slots == NULL)
        return false;
    ids->slots = slots;
    ids->cap = cap;
    return true;
}

uint64_t ctx_id_new(struct mox_ctx *ctx, enum ctx_kind kind, void *object)
{
    struct ctx_ids *ids = &ctx->ids;
    size_t index;

    if (ids->free != 0) {
        index = ids->free - 1;
        ids->free = (size_t)ids->slots[index].id;
    } else {
        if (ids->len == ids->cap && !grow(ids))
            return 0;
        index = ids->len++;
    }
    ids->slots[index].object = object;
    ids->slots[index].id =
        (++ids->serial << KIND_BITS | (uint64_t)kind) << SLOT_BITS | (uint64_t)index;
    return ids->slots[index].id;
}

/* The slot may be free, should the id be no id at all: then it has no object. */
static struct ctx_slot *find(const struct mox_ctx *ctx, uint64_t id)
{
    size_t index = (size_t)(id & (MOX_LIMIT_IDS - 1));
    struct ctx_slot *slot = index < ctx->ids.len ? &ctx->ids.slots[index] : NULL;

    return slot != NULL && slot->id == id ? slot : NULL;
}

void *ctx_id_find(const struct mox_ctx *ctx, uint64_t id, enum ctx_kind kind)
{
    const struct ctx_slot *slot = find(ctx, id);
    bool same = (id >> SLOT_BITS & ((1 << KIND_BITS) - 1)) == (uint64_t)kind;

    return slot != NULL && same ? slot->object : NULL;
}

void ctx_id_end(struct mox_ctx *ctx, uint64_t id)
{
    struct ctx_slot *slot = find(ctx, id);

    if (slot == NULL || slot->object == NULL)
        return;
    *slot = (struct ctx_slot){NULL, ctx->ids.free};
    ctx->ids.free = (size_t)(slot - ctx->ids.slots) + 1;
}
