/* test_base_spares.c - memory that is kept for the next object of its size, and how much of it. */
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include <check.h>

#include "base/limits.h"
#include "base/spares.h"
#include "test.h"

#ifdef MOX_NO_SPARES
enum { KEPT = 0 };
#else
enum { KEPT = MOX_LIMIT_SPARES };
#endif

static size_t kept_in_all(const struct spares *spares)
{
    size_t n = 0;

    for (size_t i = 0; i < SPARES_SIZES; i++)
        n += spares->kept[i];
    return n;
}

/* Each byte is written, so that a checker of memory sees a block that is too small. */
START_TEST(gives_zeroed_memory_of_every_size)
{
    static const unsigned char zeroes[SPARES_LARGEST + 70];
    struct spares spares = {0};

    for (int again = 0; again < 2; again++) {
        for (size_t size = 1; size <= sizeof zeroes; size++) {
            unsigned char *object = spares_new(&spares, size);

            ck_assert_ptr_nonnull(object);
            ck_assert_uint_eq((uintptr_t)object % alignof(max_align_t), 0);
            ck_assert_mem_eq(object, zeroes, size);
            memset(object, 0xff, size);
            spares_free(&spares, object, size);
        }
    }
    spares_end(&spares);
    ck_assert_uint_eq(kept_in_all(&spares), 0);
}
END_TEST

/* The same memory, as it was left. */
START_TEST(takes_without_a_look)
{
    struct spares spares = {0};
    char *object, *again;

    for (size_t size = 8; size <= SPARES_LARGEST + 70; size += 4) { /* beyond: the system */
        object = spares_take(&spares, size);
        ck_assert_ptr_nonnull(object);
        memset(object, 0xff, size);
        spares_free(&spares, object, size);
        test_fail_alloc(KEPT == 0 || size > SPARES_LARGEST ? 0 : 1); /* the system is not asked */
        again = spares_take(&spares, size);
        test_fail_alloc(0);
        ck_assert_ptr_nonnull(again);
        if (KEPT > 0 && size <= SPARES_LARGEST)
            ck_assert_ptr_eq(again, object);
        spares_free(&spares, again, size);
    }
    spares_end(&spares);
    test_fail_alloc(1);
    ck_assert_ptr_null(spares_take(&spares, 600));
    test_fail_alloc(0);
}
END_TEST

START_TEST(takes_what_ended_last)
{
    struct spares spares = {0};
    void *a = spares_new(&spares, 600), *b = spares_new(&spares, 600), *other;

    spares_free(&spares, a, 600);
    spares_free(&spares, b, 600);
    spares_free(&spares, NULL, 600);
    test_fail_alloc(KEPT == 0 ? 0 : 1); /* the system is not asked */
    a = spares_new(&spares, 596);       /* which rounds up to the same */
    b = spares_new(&spares, 600);
    test_fail_alloc(0);
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    ck_assert_uint_eq(kept_in_all(&spares), 0);
    other = spares_new(&spares, 600 + 16);
    spares_free(&spares, a, 596);
    spares_free(&spares, b, 600);
    spares_free(&spares, other, 600 + 16);
    ck_assert_uint_eq(kept_in_all(&spares), KEPT == 0 ? 0 : 3);
    spares_end(&spares);
}
END_TEST

START_TEST(keeps_no_more_than_its_limit)
{
    enum { MANY = MOX_LIMIT_SPARES + 5 };
    struct spares spares = {0};
    void *objects[MANY], *large = spares_new(&spares, 4000);

    for (size_t i = 0; i < MANY; i++)
        objects[i] = spares_new(&spares, 88);
    for (size_t i = 0; i < MANY; i++)
        spares_free(&spares, objects[i], 88);
    spares_free(&spares, large, 4000); /* is never kept */
    ck_assert_uint_eq(kept_in_all(&spares), KEPT);
    spares_end(&spares);
}
END_TEST

START_TEST(survives_no_memory)
{
    struct spares spares = {0};

    for (size_t size = 8; size <= 2048; size *= 2) {
        test_fail_alloc(1);
        ck_assert_ptr_null(spares_new(&spares, size));
        ck_assert(test_alloc_failed());
        test_fail_alloc(0);
    }
    spares_end(&spares);
}
END_TEST

TCase *test_base_spares(void)
{
    TCase *tc = tcase_create("base_spares");

    tcase_add_test(tc, gives_zeroed_memory_of_every_size);
    tcase_add_test(tc, takes_without_a_look);
    tcase_add_test(tc, takes_what_ended_last);
    tcase_add_test(tc, keeps_no_more_than_its_limit);
    tcase_add_test(tc, survives_no_memory);
    return tc;
}
