/* test_os_sys.c - clocks that go forward, offsets of known zones, bytes that differ. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "os/sys.h"
#include "test.h"

static const struct zone_case {
    const char *zone;
    int64_t at;
    int32_t offset_s;
} zones[] = {
    {"UTC0", 1700000000, 0},
    {"CET-1CEST,M3.5.0,M10.5.0/3", 1700000000, 3600}, /* November */
    {"CET-1CEST,M3.5.0,M10.5.0/3", 1690000000, 7200}, /* July */
    {"XXX+3:30", 1700000000, -12600},                 /* Newfoundland's */
    {"XXX-14", 1704063599, 50400},                    /* the next year already */
    {"XXX+12", 1704067200, -43200},                   /* the last one still */
    {"XXX-5:45", 0, 20700},
};

START_TEST(offset_of_a_zone)
{
    const struct mox_sys_ops *sys = os_sys_ops();

    ck_assert_int_eq(setenv("TZ", zones[_i].zone, 1), 0);
    tzset();
    ck_assert_int_eq(sys->utc_offset_s(sys->user, zones[_i].at), zones[_i].offset_s);
}
END_TEST

START_TEST(clocks)
{
    const struct mox_sys_ops *sys = os_sys_ops();
    int64_t before = sys->monotonic_us(sys->user), wall = sys->unix_s(sys->user);

    ck_assert_uint_eq(sys->size, sizeof *sys);
    while (sys->monotonic_us(sys->user) == before)
        continue; /* a microsecond */
    ck_assert_int_gt(sys->monotonic_us(sys->user), before);
    ck_assert_int_ge(wall, 1700000000);
    ck_assert_int_le(wall, (int64_t)time(NULL));
    ck_assert_int_eq(sys->utc_offset_s(sys->user, INT64_MAX), 0);
}
END_TEST

START_TEST(random_bytes_fill_the_buffer)
{
    static unsigned char a[100000], b[100000]; /* more than a getrandom gives while interruptible */
    const struct mox_sys_ops *sys = os_sys_ops();
    size_t zeros = 0;

    ck_assert_int_eq(sys->random(sys->user, a, sizeof a), MOX_OK);
    ck_assert_int_eq(sys->random(sys->user, b, sizeof b), MOX_OK);
    ck_assert_int_ne(memcmp(a, b, 16), 0);
    ck_assert_int_ne(memcmp(a + sizeof a - 16, b + sizeof b - 16, 16), 0);
    for (size_t i = 0; i < sizeof a; i++)
        zeros += a[i] == 0;
    ck_assert_uint_lt(zeros, 1000); /* 391 are to be expected, 1000 is 30 deviations off */
    ck_assert_int_eq(sys->random(sys->user, a, 0), MOX_OK);
}
END_TEST

TCase *test_os_sys(void)
{
    TCase *tcase = tcase_create("os/sys");

    tcase_add_loop_test(tcase, offset_of_a_zone, 0, (int)ARRAY_LEN(zones));
    tcase_add_test(tcase, clocks);
    tcase_add_test(tcase, random_bytes_fill_the_buffer);
    return tcase;
}
