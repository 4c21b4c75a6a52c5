/* test_resolver_random.c - ids come from the system's source, each byte once. */
#include <stdbool.h>
#include <string.h>

#include <check.h>

#include <moxdial/base.h>

#include "resolver/random.h"
#include "test.h"

enum { IDS = 4 * RESOLVER_RANDOM };

START_TEST(ids_spread)
{
    static bool seen[UINT16_MAX + 1];
    struct resolver_random random = {0};
    size_t different = 0;
    uint16_t id;

    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < IDS; i++) {
        ck_assert_int_eq(resolver_random_id(&random, &id), MOX_OK);
        different += !seen[id];
        seen[id] = true;
    }
    ck_assert_uint_gt(different, IDS - IDS / 16); /* 126 collide on average, 257 never */
}
END_TEST

START_TEST(a_read_lasts_until_its_bytes_are_used)
{
    struct resolver_random random = {0};
    unsigned char bytes[RESOLVER_RANDOM];
    uint16_t id;

    ck_assert_int_eq(resolver_random_id(&random, &id), MOX_OK);
    memcpy(bytes, random.bytes, sizeof bytes);
    while (random.len > 0) {
        ck_assert_int_eq(resolver_random_id(&random, &id), MOX_OK);
        ck_assert_mem_eq(&id, bytes + random.len, sizeof id);
        ck_assert_mem_eq(bytes, random.bytes, sizeof bytes);
    }
    ck_assert_int_eq(resolver_random_id(&random, &id), MOX_OK);
    ck_assert_mem_ne(bytes, random.bytes, sizeof bytes);
}
END_TEST

TCase *test_resolver_random(void)
{
    TCase *tcase = tcase_create("resolver/random");

    tcase_add_test(tcase, ids_spread);
    tcase_add_test(tcase, a_read_lasts_until_its_bytes_are_used);
    return tcase;
}
