/*
 * spares.c - see spares.h. The sizes are those of glibc's malloc, eight bytes over a multiple of
 * sixteen: to round up to them costs no memory.
 */
#include "base/spares.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

enum { GRAIN = 16, OVER = 8 };

#ifdef MOX_NO_SPARES
enum { MOST_KEPT = 0 };
#else
enum { MOST_KEPT = MOX_LIMIT_SPARES };
#endif

struct spare {
    struct spare *next;
};

static_assert(sizeof(struct spare) <= OVER, "the least object has room for it");
static_assert((SPARES_SIZES - 1) * GRAIN + OVER == SPARES_LARGEST, "a place for each size");
static_assert(MOX_LIMIT_SPARES <= UINT8_MAX, "spares.kept");

/* Its place among the sizes; SPARES_SIZES or more: too large for them. */
static size_t place_of(size_t size)
{
    return size <= OVER ? 0 : (size - OVER - 1) / GRAIN + 1;
}

/* One that was kept; NULL: none. */
static struct spare *take_kept(struct spares *spares, size_t place)
{
    struct spare *spare = place < SPARES_SIZES ? spares->first[place] : NULL;

    if (spare == NULL)
        return NULL;
    spares->first[place] = spare->next;
    spares->kept[place]--;
    return spare;
}

/* What an object of that size takes from the system. */
static size_t whole(size_t size, size_t place)
{
    return place < SPARES_SIZES ? place * GRAIN + OVER : size;
}

void *spares_new(struct spares *spares, size_t size)
{
    size_t place = place_of(size);
    struct spare *spare = take_kept(spares, place);

    return spare != NULL ? memset(spare, 0, size) : mem_new(whole(size, place));
}

void *spares_take(struct spares *spares, size_t size)
{
    size_t place = place_of(size);
    struct spare *spare = take_kept(spares, place);

    return spare != NULL ? spare : mem_resize(NULL, whole(size, place), 1);
}

void spares_free(struct spares *spares, void *object, size_t size)
{
    size_t place = place_of(size);
    struct spare *spare = object;

    if (object == NULL)
        return;
    if (place >= SPARES_SIZES || spares->kept[place] == MOST_KEPT) {
        mem_free(object);
        return;
    }
    spare->next = spares->first[place];
    spares->first[place] = spare;
    spares->kept[place]++;
}

void spares_end(struct spares *spares)
{
    for (size_t place = 0; place < SPARES_SIZES; place++) {
        while (spares->first[place] != NULL) {
            struct spare *spare = spares->first[place];

            spares->first[place] = spare->next;
            mem_free(spare);
        }
        spares->kept[place] = 0;
    }
}
