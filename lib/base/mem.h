/*
 * mem.h - the one place where memory comes from.
 *
 * There is no allocator hook: tests make the n-th call fail by interposing malloc, calloc and
 * realloc when they link. Every caller survives NULL.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* Zeroed memory for one object; NULL: none left. */
void *mem_new(size_t size);

/* Zeroed memory for n objects; NULL also if the product does not fit. */
void *mem_array(size_t n, size_t size);

/* As realloc: on NULL the old block is untouched. What is new is not zeroed. */
void *mem_resize(void *block, size_t n, size_t size);

/* A copy of len bytes with a NUL behind them. */
char *mem_text(const char *ptr, size_t len);

/* Accepts NULL. */
static inline void mem_free(void *block)
{
    free(block);
}

/* Overwrites what was secret; the compiler cannot leave it out. */
void mem_wipe(void *block, size_t len);

/* a * b in *product; false: it does not fit. */
bool mem_product(size_t a, size_t b, size_t *product);

#define ARRAY_LEN(array) (sizeof(array) / sizeof *(array))

#endif
