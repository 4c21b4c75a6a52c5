/* test_api_version.c - the library says which it is, and its numbers agree. */
#include <stdio.h>

#include <moxdial.h>

#include "base/mbed.h"
#include "test.h"

START_TEST(text_and_number_agree)
{
    unsigned major, minor, patch;
    char end;

    ck_assert_str_eq(mox_version(), MOX_VERSION);
    ck_assert_int_eq(sscanf(mox_version(), "%u.%u.%u%c", &major, &minor, &patch, &end), 3);
    ck_assert_uint_eq(major << 16 | minor << 8 | patch, MOX_VERSION_NUMBER);
}
END_TEST

START_TEST(features_are_those_of_the_build)
{
    uint32_t features = mox_features();

    ck_assert_uint_ne(features & MOX_FEATURE_IDN, 0);
    ck_assert_int_eq((features & MOX_FEATURE_TLS13) != 0, MBED_TLS13);
#ifdef MOX_NO_CARES
    ck_assert_uint_eq(features & MOX_FEATURE_CARES, 0);
#else
    ck_assert_uint_ne(features & MOX_FEATURE_CARES, 0);
#endif
}
END_TEST

TCase *test_api_version(void)
{
    TCase *tc = tcase_create("api/version");

    tcase_add_test(tc, text_and_number_agree);
    tcase_add_test(tc, features_are_those_of_the_build);
    return tc;
}
