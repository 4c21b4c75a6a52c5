/* memory.c - see memory.h. */
#include "test/sim/memory.h"

#include <stddef.h>
#include <stdint.h>

enum { LARGE = 1 << 18, SLOTS = 1 << 18 /* for blocks that live at one time, and some air */ };

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

static long countdown, again, live; /* countdown 0: off */
static bool failed;
static void *blocks[SLOTS]; /* ours: libraries give us others to free */

void memory_fail(long nth, long every)
{
    countdown = nth;
    again = every;
    failed = false;
}

bool memory_failed(void)
{
    return failed;
}

long memory_live(void)
{
    return live;
}

static bool fails_now(size_t size)
{
    if (size >= LARGE || countdown == 0 || --countdown > 0)
        return false;
    countdown = again;
    failed = true;
    return true;
}

static size_t home_of(const void *block)
{
    return (size_t)(((uintptr_t)block >> 4) * 0x9e3779b97f4a7c15u >> 20) % SLOTS;
}

static void *keep(void *block)
{
    size_t at = home_of(block);

    if (block == NULL)
        return NULL;
    while (blocks[at] != NULL)
        at = (at + 1) % SLOTS;
    blocks[at] = block;
    live++;
    return block;
}

/* What stands behind it moves up, unless it would stand before its home. */
static void close_gap(size_t gap)
{
    for (size_t at = (gap + 1) % SLOTS; blocks[at] != NULL; at = (at + 1) % SLOTS) {
        size_t way = (at - home_of(blocks[at])) % SLOTS;

        if (way < (at - gap) % SLOTS)
            continue;
        blocks[gap] = blocks[at];
        gap = at;
    }
    blocks[gap] = NULL;
}

static void forget(const void *block)
{
    size_t at = home_of(block);

    while (block != NULL && blocks[at] != NULL && blocks[at] != block)
        at = (at + 1) % SLOTS;
    if (block == NULL || blocks[at] == NULL)
        return;
    close_gap(at);
    live--;
}

void *__wrap_malloc(size_t size)
{
    return fails_now(size) ? NULL : keep(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails_now(n * size) ? NULL : keep(__real_calloc(n, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    void *bigger = fails_now(size) ? NULL : __real_realloc(block, size);

    if (bigger == NULL)
        return NULL;
    forget(block);
    return keep(bigger);
}

void __wrap_free(void *block)
{
    forget(block);
    __real_free(block);
}
