/*
 * arena.c - see arena.h. Blocks double up to a bound, so that few and many both cost little. Their
 * sizes have the head in them: the allocator keeps what is just over a power of two less at hand.
 */
#include "base/arena.h"

#include <string.h>

#include "base/mem.h"

enum { FIRST_BLOCK = 512, LARGEST_BLOCK = 1 << 20 };

void arena_seed(struct arena *a, void *memory, size_t size)
{
    a->at = memory;
    a->end = a->at + size;
}

static bool add_block(struct arena *a, size_t size)
{
    size_t step = a->step == 0 ? FIRST_BLOCK : a->step, cap = step - sizeof(struct arena_block);
    struct arena_block *block;

    if (size > SIZE_MAX / 2)
        return false;
    if (step < LARGEST_BLOCK)
        a->step = step * 2;
    if (cap < size)
        cap = size;
    block = a->spares != NULL ? spares_take(a->spares, sizeof *block + cap)
                              : mem_resize(NULL, sizeof *block + cap, 1);
    if (block == NULL)
        return false;
    block->cap = cap;
    block->next = a->blocks;
    a->blocks = block;
    a->at = (char *)block->data; /* aligned for any type */
    a->end = a->at + cap;
    return true;
}

void *arena_grow(struct arena *a, size_t size, size_t align)
{
    return add_block(a, size) ? arena_bytes(a, size, align) : NULL;
}

void *arena_new(struct arena *a, size_t size)
{
    void *p = arena_bytes(a, size, sizeof(max_align_t) < 16 ? 8 : 16);

    if (p != NULL)
        memset(p, 0, size);
    return p;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
    size_t bytes;

    return mem_product(n, size, &bytes) ? arena_new(a, bytes) : NULL;
}

char *arena_text(struct arena *a, struct slice text)
{
    char *copy = text.len == SIZE_MAX ? NULL : arena_bytes(a, text.len + 1, 1);

    if (copy == NULL)
        return NULL;
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return copy;
}

static void free_blocks(struct arena *a, bool wipe)
{
    for (struct arena_block *block = a->blocks, *next; block != NULL; block = next) {
        next = block->next;
        if (wipe)
            mem_wipe(block->data, block->cap);
        if (a->spares != NULL)
            spares_free(a->spares, block, sizeof *block + block->cap);
        else
            mem_free(block);
    }
    *a = (struct arena){0};
}

void arena_free(struct arena *a)
{
    free_blocks(a, false);
}

void arena_wipe(struct arena *a)
{
    free_blocks(a, true);
}
