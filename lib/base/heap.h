/*
 * heap.h - timers: a binary heap of deadlines that others own.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_timer { /* all zero: not set */
    uint64_t at_us;
    uint64_t order; /* equal deadlines end in the order they were set */
    size_t index;   /* where it stands in the heap, plus one; 0: not set */
};

struct heap {                   /* all zero: empty */
    struct heap_timer **timers; /* the array is owned, the timers borrowed until cleared */
    size_t len, cap;
    uint64_t order;
};

/* Sets or moves. MOX_OK or MOX_E_NOMEM (then it is not set). */
int heap_set(struct heap *h, struct heap_timer *timer, uint64_t at_us);

/* Takes out one that is set. */
void heap_remove(struct heap *h, struct heap_timer *timer);

/* The earliest, NULL if there is none. */
static inline struct heap_timer *heap_first(const struct heap *h)
{
    return h->len == 0 ? NULL : h->timers[0];
}

static inline bool heap_is_set(const struct heap_timer *timer)
{
    return timer->index != 0;
}

static inline void heap_clear(struct heap *h, struct heap_timer *timer)
{
    if (heap_is_set(timer))
        heap_remove(h, timer);
}

void heap_free(struct heap *h);

#endif
