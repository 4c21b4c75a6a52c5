/* memory.c - see memory.h. */
#include "test/sim/memory.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

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
static struct {
    void *block; /* NULL: an empty place */
    size_t size;
} blocks[SLOTS];                   /* ours: libraries give us others to free */
static const char *const *watched; /* NULL: nothing */
static const char *left;

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

void memory_watch(const char *const *texts)
{
    watched = texts;
    left = NULL;
}

const char *memory_left(void)
{
    return left;
}

static bool holds(const char *bytes, size_t size, const char *text)
{
    size_t len = strlen(text);
    const char *at = bytes;

    while (size >= len && (at = memchr(at, *text, size - len + 1 - (size_t)(at - bytes))) != NULL) {
        if (memcmp(at, text, len) == 0)
            return true;
        at++;
    }
    return false;
}

static const char *find_left(const void *block, size_t size)
{
    for (const char *const *text = watched; text != NULL && *text != NULL; text++) {
        if (holds(block, size, *text))
            return *text;
    }
    return NULL;
}

static void *keep(void *block, size_t size)
{
    size_t at = home_of(block);

    if (block == NULL)
        return NULL;
    while (blocks[at].block != NULL)
        at = (at + 1) % SLOTS;
    blocks[at].block = block;
    blocks[at].size = size;
    live++;
    return block;
}

/* What stands behind it moves up, unless it would stand before its home. */
static void close_gap(size_t gap)
{
    for (size_t at = (gap + 1) % SLOTS; blocks[at].block != NULL; at = (at + 1) % SLOTS) {
        size_t way = (at - home_of(blocks[at].block)) % SLOTS;

        if (way < (at - gap) % SLOTS)
            continue;
        blocks[gap] = blocks[at];
        gap = at;
    }
    blocks[gap].block = NULL;
}

/* SLOTS: not ours. */
static size_t place_of(const void *block)
{
    size_t at = home_of(block);

    while (block != NULL && blocks[at].block != NULL && blocks[at].block != block)
        at = (at + 1) % SLOTS;
    return block == NULL || blocks[at].block == NULL ? SLOTS : at;
}

static void forget(const void *block)
{
    size_t at = place_of(block);

    if (at == SLOTS)
        return;
    close_gap(at);
    live--;
}

void *__wrap_malloc(size_t size)
{
    return fails_now(size) ? NULL : keep(__real_malloc(size), size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails_now(n * size) ? NULL : keep(__real_calloc(n, size), n * size);
}

/* What is in a block is known only before it is given back. */
void *__wrap_realloc(void *block, size_t size)
{
    size_t at = place_of(block);
    const char *text = at == SLOTS ? NULL : find_left(block, blocks[at].size);
    void *bigger = fails_now(size) ? NULL : __real_realloc(block, size);

    if (bigger == NULL)
        return NULL;
    if (bigger != block && left == NULL)
        left = text;
    forget(block);
    return keep(bigger, size);
}

void __wrap_free(void *block)
{
    size_t at = place_of(block);

    if (at != SLOTS && left == NULL)
        left = find_left(block, blocks[at].size);
    forget(block);
    __real_free(block);
}
