/* heap.c - see heap.h. */
#include "base/heap.h"

#include <moxdial/base.h>

#include "base/mem.h"

enum { FIRST_CAP = 16 };

static bool earlier(const struct heap_timer *a, const struct heap_timer *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void place(struct heap *h, size_t i, struct heap_timer *timer)
{
    h->timers[i] = timer;
    timer->index = i + 1;
}

static void sift_up(struct heap *h, size_t i)
{
    struct heap_timer *timer = h->timers[i];

    while (i > 0 && earlier(timer, h->timers[(i - 1) / 2])) {
        place(h, i, h->timers[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    place(h, i, timer);
}

static void sift_down(struct heap *h, size_t i)
{
    struct heap_timer *timer = h->timers[i];

    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < h->len && earlier(h->timers[child + 1], h->timers[child]))
            child++;
        if (child >= h->len || !earlier(h->timers[child], timer))
            break;
        place(h, i, h->timers[child]);
        i = child;
    }
    place(h, i, timer);
}

int heap_set(struct heap *h, struct heap_timer *timer, uint64_t at_us)
{
    heap_clear(h, timer);
    if (h->len == h->cap) {
        size_t cap = h->cap == 0 ? FIRST_CAP : 2 * h->cap;
        struct heap_timer **timers = mem_resize(h->timers, cap, sizeof *timers);

        if (timers == NULL)
            return MOX_E_NOMEM;
        h->timers = timers;
        h->cap = cap;
    }
    timer->at_us = at_us;
    timer->order = ++h->order;
    place(h, h->len++, timer);
    sift_up(h, h->len - 1);
    return MOX_OK;
}

void heap_remove(struct heap *h, struct heap_timer *timer)
{
    size_t i = timer->index - 1;
    struct heap_timer *last;

    timer->index = 0;
    last = h->timers[--h->len];
    if (last == timer)
        return;
    place(h, i, last);
    sift_up(h, i);
    sift_down(h, last->index - 1);
}

void heap_free(struct heap *h)
{
    mem_free(h->timers);
    *h = (struct heap){0};
}
