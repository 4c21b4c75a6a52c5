/* memory.c - see memory.h. */
#include "test/sim/memory.h"

#include <stddef.h>

enum { LARGE = 1 << 20 };

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

void *__wrap_malloc(size_t size)
{
    void *block = fails_now(size) ? NULL : __real_malloc(size);

    live += block != NULL;
    return block;
}

void *__wrap_calloc(size_t n, size_t size)
{
    void *block = fails_now(n * size) ? NULL : __real_calloc(n, size);

    live += block != NULL;
    return block;
}

void *__wrap_realloc(void *block, size_t size)
{
    void *bigger = fails_now(size) ? NULL : __real_realloc(block, size);

    live += block == NULL && bigger != NULL;
    return bigger;
}

void __wrap_free(void *block)
{
    live -= block != NULL;
    __real_free(block);
}
