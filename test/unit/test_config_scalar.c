/* test_config_scalar.c - integers and durations as Go reads them. */
#include <string.h>

#include "config/scalar.h"
#include "test.h"

enum { MS = 1000000 };

static const struct {
    const char *text;
    int64_t ns;
    const char *fault; /* NULL: it is good */
} durations[] = {
    {"0", 0, NULL},
    {"-0", 0, NULL},
    {"300ms", 300 * (int64_t)MS, NULL},
    {"1h30m", 5400000 * (int64_t)MS, NULL},
    {"1.5s", 1500 * (int64_t)MS, NULL},
    {".5s", 500 * (int64_t)MS, NULL},
    {"1.s", 1000 * (int64_t)MS, NULL},
    {"+1s", 1000 * (int64_t)MS, NULL},
    {"-1s", -1000 * (int64_t)MS, NULL},
    {"1us1\xc2\xb5s1\xce\xbcs1ns", 3001, NULL},
    {"9223372036854775807ns", INT64_MAX, NULL},
    {"9223372036854775808ns", 0, "value out of range"},
    {"2562048h", 0, "value out of range"},
    {"2562047h2562047h", 0, "value out of range"},
    {"", 0, "invalid syntax"},
    {"s", 0, "invalid syntax"},
    {".s", 0, "invalid syntax"},
    {"-", 0, "invalid syntax"},
    {"1", 0, "missing unit"},
    {"1.5", 0, "missing unit"},
    {"1d", 0, "unknown unit"},
    {"1s ", 0, "unknown unit"},
    {" 1s", 0, "invalid syntax"},
    {"1S", 0, "unknown unit"},
};

START_TEST(duration)
{
    int64_t ns = 7;
    const char *fault = config_scalar_duration(slice_of(durations[_i].text), &ns);

    ck_assert_msg((fault == NULL) == (durations[_i].fault == NULL), "%s", durations[_i].text);
    ck_assert_int_eq(ns, durations[_i].ns);
    if (fault != NULL)
        ck_assert_str_eq(fault, durations[_i].fault);
}
END_TEST

static const struct {
    const char *text;
    int64_t number;
    const char *fault;
} integers[] = {
    {"0", 0, NULL},
    {"+5", 5, NULL},
    {"-5", -5, NULL},
    {"007", 7, NULL},
    {"9223372036854775807", INT64_MAX, NULL},
    {"-9223372036854775808", INT64_MIN, NULL},
    {"9223372036854775808", 0, "value out of range"},
    {"-9223372036854775809", 0, "value out of range"},
    {"99999999999999999999999", 0, "value out of range"},
    {"", 0, "invalid syntax"},
    {"-", 0, "invalid syntax"},
    {"1_000", 0, "invalid syntax"},
    {"0x1", 0, "invalid syntax"},
    {" 1", 0, "invalid syntax"},
    {"1 ", 0, "invalid syntax"},
    {"1.0", 0, "invalid syntax"},
};

START_TEST(integer)
{
    int64_t number = 7;
    const char *fault = config_scalar_int(slice_of(integers[_i].text), &number);

    ck_assert_msg((fault == NULL) == (integers[_i].fault == NULL), "%s", integers[_i].text);
    ck_assert_int_eq(number, integers[_i].number);
    if (fault != NULL)
        ck_assert_str_eq(fault, integers[_i].fault);
}
END_TEST

START_TEST(boolean)
{
    bool flag = false;

    ck_assert_ptr_null(config_scalar_bool(slice_of("true"), &flag));
    ck_assert(flag);
    ck_assert_ptr_null(config_scalar_bool(slice_of("false"), &flag));
    ck_assert(!flag);
    ck_assert_ptr_nonnull(config_scalar_bool(slice_of("True"), &flag));
    ck_assert_ptr_nonnull(config_scalar_bool(slice_of(""), &flag));
}
END_TEST

TCase *test_config_scalar(void)
{
    TCase *tc = tcase_create("config_scalar");

    tcase_add_loop_test(tc, duration, 0, (int)ARRAY_LEN(durations));
    tcase_add_loop_test(tc, integer, 0, (int)ARRAY_LEN(integers));
    tcase_add_test(tc, boolean);
    return tc;
}
