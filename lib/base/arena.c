/* arena.c - see arena.h. Blocks double up to a bound, so that few and many both cost little. */
#include "base/arena.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

enum { FIRST_BLOCK = 512, LARGEST_BLOCK = 1 << 20 };

struct arena_block {
    struct arena_block *next;
    size_t used, cap; /* of data */
    max_align_t data[];
};

static void *take(struct arena_block *block, size_t size, size_t align)
{
    size_t from;

    if (block == NULL)
        return NULL;
    from = (block->used + align - 1) & ~(align - 1);
    if (from > block->cap || block->cap - from < size)
        return NULL;
    block->used = from + size;
    return (char *)block->data + from;
}

static struct arena_block *add_block(struct arena *a, size_t size)
{
    size_t cap = a->step == 0 ? FIRST_BLOCK : a->step;
    struct arena_block *block;

    if (size > SIZE_MAX / 2)
        return NULL;
    if (cap < LARGEST_BLOCK)
        a->step = cap * 2;
    if (cap < size)
        cap = size;
    block = mem_resize(NULL, sizeof *block + cap, 1);
    if (block == NULL)
        return NULL;
    block->used = 0;
    block->cap = cap;
    block->next = a->blocks;
    a->blocks = block;
    a->bytes += sizeof *block + cap;
    return block;
}

void *arena_bytes(struct arena *a, size_t size, size_t align)
{
    void *p = take(a->blocks, size, align);

    if (p == NULL && add_block(a, size) != NULL)
        p = take(a->blocks, size, align);
    return p;
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
