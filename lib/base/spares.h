/*
 * spares.h - memory for objects that come and go all day: what one leaves is kept for the next of
 * its size, which spares both of them the system's allocator.
 *
 * A build under a sanitizer keeps none (MOX_NO_SPARES), so that it sees who uses what has ended.
 */
#ifndef BASE_SPARES_H
#define BASE_SPARES_H

#include <stddef.h>
#include <stdint.h>

enum {
    SPARES_LARGEST = 1288, /* bytes of an object; larger ones are left to the system */
    SPARES_SIZES = (SPARES_LARGEST - 8) / 16 + 1
};

struct spare;

struct spares { /* all zero: there are none */
    struct spare *first[SPARES_SIZES];
    uint8_t kept[SPARES_SIZES];
};

/* Zeroed memory for one object; NULL: none left. */
void *spares_new(struct spares *spares, size_t size);

/* The same, not zeroed. */
void *spares_take(struct spares *spares, size_t size);

/* Gives back what either gave for that size. Accepts NULL. */
void spares_free(struct spares *spares, void *object, size_t size);

/* Gives all that is kept to the system; objects in use are not among it. */
void spares_end(struct spares *spares);

#endif
