/* mem.c - see mem.h. */
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool mem_product(size_t a, size_t b, size_t *product)
{
    if (b != 0 && a > SIZE_MAX / b)
        return false;
    *product = a * b;
    return true;
}

/*
 * What is small comes back from malloc at once, while the calloc of glibc leaves its cache alone.
 * That the two sizes differ keeps the compilers from making a calloc of it again.
 */
void *mem_new(size_t size)
{
    void *block = malloc(size == 0 ? 1 : size);

    if (block != NULL)
        memset(block, 0, size);
    return block;
}

void *mem_array(size_t n, size_t size)
{
    return calloc(n, size);
}

void *mem_resize(void *block, size_t n, size_t size)
{
    size_t bytes;

    if (!mem_product(n, size, &bytes))
        return NULL;
    return realloc(block, bytes == 0 ? 1 : bytes);
}

char *mem_text(const char *ptr, size_t len)
{
    char *text = len == SIZE_MAX ? NULL : malloc(len + 1);

    if (text == NULL)
        return NULL;
    if (len > 0)
        memcpy(text, ptr, len);
    text[len] = '\0';
    return text;
}

void mem_wipe(void *block, size_t len)
{
    volatile unsigned char *at = block;

    while (len-- > 0)
        *at++ = 0;
}
