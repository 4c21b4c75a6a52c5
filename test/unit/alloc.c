/*
 * alloc.c - malloc failing on demand, by the linker's --wrap; see test.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);

static long countdown; /* 0: off */
static bool failed, idle;

void test_fail_alloc(long nth)
{
    countdown = nth;
    failed = false;
}

bool test_alloc_failed(void)
{
    return failed;
}

void test_pause_alloc(bool paused)
{
    idle = paused;
}

static bool fails_now(void)
{
    if (idle || countdown == 0 || --countdown > 0)
        return false;
    failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails_now() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return fails_now() ? NULL : __real_realloc(block, size);
}

const char *test_vector_path(const char *name)
{
    static char path[512];
    const char *folder = getenv("MOX_SHARED");

    snprintf(path, sizeof path, "%s/vectors/%s", folder != NULL ? folder : "../shared", name);
    if (access(path, R_OK) == 0)
        return path;
    printf("skipped: no %s\n", path);
    return NULL;
}
