/*
 * arena.h - memory for what dies together.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/spares.h"

struct arena_block {
    struct arena_block *next;
    size_t cap; /* of data */
    max_align_t data[];
};

struct arena {                  /* all zero: empty */
    char *at, *end;             /* what is left of the newest memory */
    struct arena_block *blocks; /* owned, the newest first */
    size_t step;                /* size of the next block; 0: the default */
    struct spares *spares;      /* borrowed: gives the blocks; NULL: the system does */
};

/*
 * Memory that the arena uses before it takes any from the system: borrowed until arena_free, as a
 * rule from the object that owns the arena, which then costs one allocation less. arena_wipe leaves
 * it to its owner.
 */
void arena_seed(struct arena *a, void *memory, size_t size);

/* Makes the room that is not there. */
void *arena_grow(struct arena *a, size_t size, size_t align);

/* Not zeroed, aligned to a power of two `align`; for many small things. NULL: no memory (the arena
 * is as it was). */
static inline void *arena_bytes(struct arena *a, size_t size, size_t align)
{
    size_t left = (size_t)(a->end - a->at), pad = -(uintptr_t)a->at & (align - 1);
    char *p;

    if (left == 0 || size > left || pad > left - size)
        return arena_grow(a, size, align);
    p = a->at + pad;
    a->at = p + size;
    return p;
}

/* Zeroed and aligned for any type. */
void *arena_new(struct arena *a, size_t size);
void *arena_array(struct arena *a, size_t n, size_t size);

/* A copy with a NUL behind it. */
char *arena_text(struct arena *a, struct slice text);

void arena_free(struct arena *a);

/* The same after overwriting all of it. */
void arena_wipe(struct arena *a);

#endif
