/* test_base_heap.c - the earliest timer comes first, equal ones in the order they were set. */
#include <check.h>

#include <moxdial/base.h>

#include "base/heap.h"
#include "test.h"

enum { TIMERS = 200 };

static uint32_t next_random(uint32_t *seed)
{
    return *seed = *seed * 1664525u + 1013904223u;
}

START_TEST(ends_in_order)
{
    struct heap heap = {0};
    struct heap_timer timers[TIMERS] = {0};
    uint32_t seed = (uint32_t)_i;
    uint64_t last_us = 0, last_order = 0;
    size_t cleared = 0, seen = 0;

    for (size_t i = 0; i < TIMERS; i++)
        ck_assert_int_eq(heap_set(&heap, &timers[i], next_random(&seed) >> 26), MOX_OK);
    for (size_t i = 0; i < TIMERS; i += 3) /* some move, some go */
        ck_assert_int_eq(heap_set(&heap, &timers[i], next_random(&seed) >> 26), MOX_OK);
    for (size_t i = 0; i < TIMERS; i += 7, cleared++)
        heap_clear(&heap, &timers[i]);
    for (struct heap_timer *t; (t = heap_first(&heap)) != NULL; seen++) {
        ck_assert_uint_ge(t->at_us, last_us);
        ck_assert(t->at_us > last_us || t->order > last_order);
        last_us = t->at_us;
        last_order = t->order;
        heap_clear(&heap, t);
        ck_assert(!heap_is_set(t));
    }
    ck_assert_uint_eq(seen + cleared, TIMERS);
    heap_free(&heap);
}
END_TEST

START_TEST(clears_what_is_not_set)
{
    struct heap heap = {0};
    struct heap_timer timer = {0};

    ck_assert_ptr_null(heap_first(&heap));
    heap_clear(&heap, &timer);
    ck_assert_int_eq(heap_set(&heap, &timer, UINT64_MAX), MOX_OK);
    ck_assert_ptr_eq(heap_first(&heap), &timer);
    heap_clear(&heap, &timer);
    heap_clear(&heap, &timer);
    ck_assert_ptr_null(heap_first(&heap));
    heap_free(&heap);
}
END_TEST

START_TEST(survives_no_memory)
{
    struct heap heap = {0};
    struct heap_timer timers[17] = {0};

    for (size_t i = 0; i < 16; i++)
        ck_assert_int_eq(heap_set(&heap, &timers[i], 100 - i), MOX_OK);
    test_fail_alloc(1);
    ck_assert_int_eq(heap_set(&heap, &timers[16], 1), MOX_E_NOMEM);
    ck_assert(test_alloc_failed());
    test_fail_alloc(0);
    ck_assert(!heap_is_set(&timers[16]));
    ck_assert_ptr_eq(heap_first(&heap), &timers[15]);
    ck_assert_int_eq(heap_set(&heap, &timers[16], 1), MOX_OK);
    ck_assert_ptr_eq(heap_first(&heap), &timers[16]);
    heap_free(&heap);
}
END_TEST

TCase *test_base_heap(void)
{
    TCase *tc = tcase_create("base_heap");

    tcase_add_loop_test(tc, ends_in_order, 1, 20);
    tcase_add_test(tc, clears_what_is_not_set);
    tcase_add_test(tc, survives_no_memory);
    return tc;
}
