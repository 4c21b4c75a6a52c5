/* test_base_input.c - structs of callers older and newer than the library; mem and hash beside. */
#include <stdint.h>
#include <string.h>

#include <check.h>

#include "base/hash.h"
#include "base/input.h"
#include "test.h"

struct first {
    size_t size;
    long a;
};

struct ours {
    size_t size;
    long a, b;
};

struct newer {
    size_t size;
    long a, b, c;
};

static const struct newer given = {sizeof given, 1, 2, 0};

static const struct input_case {
    const char *name;
    size_t size;
    long c;
    int status;
    long a, b;
} cases[] = {
    {"first release", sizeof(struct first), 0, MOX_OK, 1, 0},
    {"ours", sizeof(struct ours), 0, MOX_OK, 1, 2},
    {"ours, what is behind does not count", sizeof(struct ours), 9, MOX_OK, 1, 2},
    {"newer, nothing new used", sizeof(struct newer), 0, MOX_OK, 1, 2},
    {"newer, a new field used", sizeof(struct newer), 9, MOX_E_UNSUPPORTED, 0, 0},
    {"half a field", sizeof(struct first) + 4, 0, MOX_OK, 1, 2},
    {"size not set", 0, 0, MOX_E_INVAL, 0, 0},
    {"below the first release", sizeof(struct first) - 1, 0, MOX_E_INVAL, 0, 0},
};

START_TEST(lays_over_zeroes)
{
    const struct input_case *c = &cases[_i];
    struct newer in = given;
    struct ours out;
    struct mox_error err = {0};

    memset(&out, 0xff, sizeof out);
    in.size = c->size;
    in.c = c->c;
    ck_assert_msg(input_take(&out, sizeof out, &in, sizeof(struct first), "options", &err) ==
                      c->status,
                  "%s: %s", c->name, err.message);
    ck_assert_int_eq(err.code, c->status);
    ck_assert_int_eq(out.a, c->a);
    if (c->size != sizeof(struct first) + 4) /* the byte order decides */
        ck_assert_int_eq(out.b, c->b);
    if (c->status == MOX_OK)
        ck_assert_uint_eq(out.size, sizeof out);
    else
        ck_assert_ptr_nonnull(strstr(err.message, "options"));
}
END_TEST

START_TEST(refuses_null)
{
    struct ours out;
    struct mox_error err;

    ck_assert_int_eq(input_take(&out, sizeof out, NULL, sizeof(struct first), "options", &err),
                     MOX_E_INVAL);
    ck_assert_str_eq(err.message, "options is NULL");
}
END_TEST

START_TEST(checks_products)
{
    size_t product = 7;

    ck_assert(!mem_product(SIZE_MAX / 2, 3, &product));
    ck_assert_uint_eq(product, 7);
    ck_assert(mem_product(SIZE_MAX, 1, &product));
    ck_assert_uint_eq(product, SIZE_MAX);
    ck_assert(mem_product(SIZE_MAX, 0, &product));
    ck_assert_uint_eq(product, 0);
    ck_assert_ptr_null(mem_resize(NULL, SIZE_MAX / 2, 3));
    ck_assert_ptr_null(mem_text("", SIZE_MAX));
}
END_TEST

START_TEST(wipes_and_copies)
{
    char secret[] = "secret";
    char *copy = mem_text(secret, 3);

    ck_assert_str_eq(copy, "sec");
    mem_free(copy);
    mem_free(NULL);
    mem_wipe(secret, 4);
    ck_assert_mem_eq(secret, "\0\0\0\0et", 7);
}
END_TEST

/* Texts of every length, and each differs in one bit from the next: no two hash the same. */
START_TEST(hashes_differ)
{
    static uint64_t seen[64 * 9];
    unsigned char text[64] = {0};
    size_t n = 0;

    for (size_t len = 1; len <= sizeof text; len++) {
        seen[n++] = hash_bytes(text, len, 0);
        for (unsigned bit = 0; bit < 8; bit++) {
            text[len - 1] = (unsigned char)(1u << bit);
            seen[n++] = hash_bytes(text, len, 0);
        }
        text[len - 1] = 0;
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++)
            ck_assert_uint_ne(seen[i], seen[j]);
    }
    ck_assert_uint_ne(hash_bytes("a", 1, 1), hash_bytes("a", 1, 2));
    ck_assert_uint_eq(hash_bytes("abc", 3, 5), hash_bytes("abc", 3, 5));
}
END_TEST

TCase *test_base_input(void)
{
    TCase *tc = tcase_create("base_input");

    tcase_add_loop_test(tc, lays_over_zeroes, 0, ARRAY_LEN(cases));
    tcase_add_test(tc, refuses_null);
    tcase_add_test(tc, checks_products);
    tcase_add_test(tc, wipes_and_copies);
    tcase_add_test(tc, hashes_differ);
    return tc;
}
