/*
 * arena.h - memory for what dies together.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/slice.h"

struct arena_block;

struct arena {                  /* all zero: empty */
    struct arena_block *blocks; /* owned, the newest first */
    size_t bytes;               /* taken from the system so far */
    size_t step;                /* size of the next block; 0: the default */
};

/* Zeroed and aligned for any type; NULL: no memory (the arena is as it was). */
void *arena_new(struct arena *a, size_t size);
void *arena_array(struct arena *a, size_t n, size_t size);

/* Not zeroed, aligned to a power of two `align`; for many small things. */
void *arena_bytes(struct arena *a, size_t size, size_t align);

/* A copy with a NUL behind it. */
char *arena_text(struct arena *a, struct slice text);

void arena_free(struct arena *a);

/* The same after overwriting all of it. */
void arena_wipe(struct arena *a);

#endif
