/* test_smtp_scan.c - where the scanner of messages looks; what it finds is test_smtp_body.c's. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "smtp/scan.h"
#include "test.h"

/* The scanner reads the byte before its text as an argument, and none behind it. */
START_TEST(scan_stays_in_its_text)
{
    uint64_t lines = 0;

    for (size_t len = 1; len < 600; len++) {
        char *text = malloc(len);

        ck_assert_ptr_nonnull(text);
        memset(text, 'a', len);
        ck_assert_uint_eq(smtp_scan((struct slice){text, len}, '\n', &lines), len);
        ck_assert_uint_eq(smtp_scan((struct slice){text, len}, '\r', &lines), 0);
        text[0] = '\n';
        ck_assert_uint_eq(smtp_scan((struct slice){text, len}, '\r', &lines), len);
        ck_assert_uint_eq(lines, len);
        free(text);
    }
    ck_assert_uint_eq(smtp_scan((struct slice){NULL, 0}, '\r', &lines), 0);
}
END_TEST

TCase *test_smtp_scan(void)
{
    TCase *tcase = tcase_create("smtp/scan");

    tcase_add_test(tcase, scan_stays_in_its_text);
    return tcase;
}
