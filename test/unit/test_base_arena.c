/* test_base_arena.c - sizes, alignment, overflow, no memory. */
#include <stdint.h>
#include <string.h>

#include <check.h>

#include "base/arena.h"
#include "test.h"

START_TEST(gives_zeroed_aligned_memory)
{
    struct arena arena = {0};
    unsigned char *blocks[300];

    for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
        blocks[i] = arena_new(&arena, i + 1);
        ck_assert_ptr_nonnull(blocks[i]);
        ck_assert_uint_eq((uintptr_t)blocks[i] % 16, 0);
        for (size_t j = 0; j <= i; j++)
            ck_assert_uint_eq(blocks[i][j], 0);
        memset(blocks[i], (int)(i & 0xff), i + 1);
    }
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++) { /* none lies in another */
        ck_assert_uint_eq(blocks[i][0], i & 0xff);
        ck_assert_uint_eq(blocks[i][i], i & 0xff);
    }
    arena_free(&arena);
    ck_assert_ptr_null(arena.blocks);
}
END_TEST

START_TEST(aligns_bytes_as_asked)
{
    struct arena arena = {0};

    for (size_t align = 1; align <= 16; align *= 2) {
        ck_assert_ptr_nonnull(arena_bytes(&arena, 1, 1));
        ck_assert_uint_eq((uintptr_t)arena_bytes(&arena, 3, align) % align, 0);
    }
    arena_free(&arena);
}
END_TEST

START_TEST(copies_text)
{
    struct arena arena = {0};

    ck_assert_str_eq(arena_text(&arena, (struct slice){"abcdef", 3}), "abc");
    ck_assert_str_eq(arena_text(&arena, (struct slice){NULL, 0}), "");
    arena_wipe(&arena);
    ck_assert_ptr_null(arena.blocks);
}
END_TEST

START_TEST(takes_one_larger_than_a_block)
{
    struct arena arena = {0};
    char *big = arena_new(&arena, 3 << 20);
    char *small = arena_new(&arena, 1);

    ck_assert_ptr_nonnull(big);
    ck_assert_ptr_nonnull(small);
    big[(3 << 20) - 1] = 1;
    ck_assert_int_eq(*small, 0);
    arena_free(&arena);
}
END_TEST

START_TEST(refuses_what_does_not_fit)
{
    struct arena arena = {0};

    ck_assert_ptr_null(arena_new(&arena, SIZE_MAX));
    ck_assert_ptr_null(arena_array(&arena, SIZE_MAX / 2, 3));
    ck_assert_ptr_null(arena_text(&arena, (struct slice){"", SIZE_MAX}));
    ck_assert_ptr_null(arena.blocks);
    ck_assert_ptr_nonnull(arena_array(&arena, 10, 10));
    arena_free(&arena);
}
END_TEST

START_TEST(uses_what_it_is_given_first)
{
    max_align_t seed[4];
    struct arena arena = {0};
    char *first, *second;

    arena_seed(&arena, seed, sizeof seed);
    first = arena_text(&arena, (struct slice){"first", 5});
    second = arena_new(&arena, sizeof seed - 16);
    ck_assert_ptr_eq(first, (char *)seed);
    ck_assert_ptr_eq(second, (char *)seed + 16);
    ck_assert_ptr_null(arena.blocks);
    ck_assert_ptr_nonnull(arena_bytes(&arena, 1, 1)); /* no byte was left */
    ck_assert_ptr_nonnull(arena.blocks);
    arena_free(&arena);
    ck_assert_ptr_null(arena.at);
}
END_TEST

START_TEST(survives_no_memory)
{
    struct arena arena = {0};
    char *first = arena_text(&arena, (struct slice){"first", 5});

    test_fail_alloc(1);
    ck_assert_ptr_null(arena_new(&arena, 100000));
    ck_assert(test_alloc_failed());
    test_fail_alloc(0);
    ck_assert_str_eq(first, "first");
    ck_assert_ptr_nonnull(arena_new(&arena, 100000));
    arena_free(&arena);
}
END_TEST

/* What one arena leaves the next begins with; a block that is no usual size goes to the system. */
START_TEST(blocks_come_from_spares)
{
    struct spares spares = {0};
    struct arena arena = {.spares = &spares};
    const void *block;

    ck_assert_ptr_nonnull(arena_bytes(&arena, 100, 1));
    ck_assert_ptr_nonnull(arena_bytes(&arena, 5000, 1));
    block = arena.blocks->next;
    arena_free(&arena);
    arena.spares = &spares;
    ck_assert_ptr_nonnull(arena_bytes(&arena, 200, 1));
#ifdef MOX_NO_SPARES
    (void)block;
#else
    ck_assert_ptr_eq(arena.blocks, block);
#endif
    arena_wipe(&arena);
    spares_end(&spares);
}
END_TEST

TCase *test_base_arena(void)
{
    TCase *tc = tcase_create("base_arena");

    tcase_add_test(tc, gives_zeroed_aligned_memory);
    tcase_add_test(tc, blocks_come_from_spares);
    tcase_add_test(tc, aligns_bytes_as_asked);
    tcase_add_test(tc, copies_text);
    tcase_add_test(tc, takes_one_larger_than_a_block);
    tcase_add_test(tc, refuses_what_does_not_fit);
    tcase_add_test(tc, uses_what_it_is_given_first);
    tcase_add_test(tc, survives_no_memory);
    return tc;
}
