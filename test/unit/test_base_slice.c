/* test_base_slice.c - slices, UTF-8, the cleaning of a peer's bytes, and text into a buffer. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <check.h>

#include "base/slice.h"
#include "base/text.h"
#include "test.h"

#define S(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

START_TEST(compares)
{
    static const struct slice none;

    ck_assert(slice_equal(none, slice_of("")));
    ck_assert(slice_is(none, ""));
    ck_assert(slice_is(slice_of("abc"), "abc"));
    ck_assert(!slice_is(slice_of("abc"), "ab"));
    ck_assert(!slice_is((struct slice)S("ab\0"), "ab"));
    ck_assert(slice_is_nocase(slice_of("EHLO"), "ehlo"));
    ck_assert(!slice_is_nocase(slice_of("EHLO"), "ehl0"));
    ck_assert(!slice_is_nocase(slice_of("a@"), "a`")); /* only letters have a case */
    ck_assert(slice_starts(slice_of("xn--a"), "xn--"));
    ck_assert(!slice_starts(slice_of("xn"), "xn--"));
    ck_assert(slice_starts(none, ""));
}
END_TEST

START_TEST(cuts)
{
    struct slice s = slice_of("abcdef");

    ck_assert(slice_is(slice_sub(s, 1, 3), "bc"));
    ck_assert(slice_is(slice_sub(s, 4, 100), "ef"));
    ck_assert(slice_is(slice_sub(s, 5, 2), ""));
    ck_assert(slice_is(slice_sub(s, 100, 200), ""));
    ck_assert_ptr_null(slice_sub((struct slice){NULL, 0}, 1, 2).ptr);
    ck_assert_uint_eq(slice_find(s, 'c'), 2);
    ck_assert_uint_eq(slice_find(s, 'x'), 6);
    ck_assert_uint_eq(slice_find((struct slice){NULL, 0}, 'x'), 0);
    ck_assert(slice_is(slice_trim(slice_of(" \t a b\t ")), "a b"));
    ck_assert(slice_is(slice_trim(slice_of(" \t ")), ""));
}
END_TEST

START_TEST(takes_words)
{
    struct slice text = slice_of("  one\ttwo ");

    ck_assert(slice_is(slice_word(&text), "one"));
    ck_assert(slice_is(slice_word(&text), "two"));
    ck_assert_uint_eq(slice_word(&text).len, 0);
    ck_assert_uint_eq(slice_word(&text).len, 0);
}
END_TEST

static const struct number_case {
    const char *text;
    uint64_t max;
    bool good;
    uint64_t value;
} number_cases[] = {
    {"0", 0, true, 0},
    {"007", 7, true, 7},
    {"8", 7, false, 0},
    {"65535", 65535, true, 65535},
    {"65536", 65535, false, 0},
    {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
    {"18446744073709551616", UINT64_MAX, false, 0},
    {"99999999999999999999999", UINT64_MAX, false, 0},
    {"9", 3, false, 0},
    {"", 10, false, 0},
    {"-1", 10, false, 0},
    {"+1", 10, false, 0},
    {" 1", 10, false, 0},
    {"1 ", 10, false, 0},
    {"0x1", 10, false, 0},
};

START_TEST(reads_numbers)
{
    const struct number_case *c = &number_cases[_i];
    uint64_t value = 0;

    ck_assert_msg(slice_number(slice_of(c->text), c->max, &value) == c->good, "\"%s\"", c->text);
    if (c->good)
        ck_assert_uint_eq(value, c->value);
}
END_TEST

static const struct utf8_case {
    const char *name;
    struct slice text;
    size_t valid; /* bytes from the front */
} utf8_cases[] = {
    {"ASCII and NUL", S("a\0b"), 3},
    {"two bytes", S("\xc3\xbc"), 2},
    {"three bytes", S("\xe2\x98\x83"), 3},
    {"four bytes", S("\xf4\x8f\xbf\xbf"), 4},
    {"over U+10FFFF", S("a\xf4\x90\x80\x80"), 1},
    {"overlong slash", S("\xc0\xaf"), 0},
    {"overlong in three", S("\xe0\x9f\xbf"), 0},
    {"overlong in four", S("\xf0\x8f\xbf\xbf"), 0},
    {"surrogate", S("\xed\xa0\x80"), 0},
    {"just below the surrogates", S("\xed\x9f\xbf"), 3},
    {"cut", S("ab\xe2\x98"), 2},
    {"lone continuation", S("\x80"), 0},
    {"bad third byte", S("\xe2\x98\x41"), 0},
    {"five bytes", S("\xf8\x88\x80\x80\x80"), 0},
};

START_TEST(knows_utf8)
{
    ck_assert_msg(slice_utf8(utf8_cases[_i].text) == utf8_cases[_i].valid, "%s",
                  utf8_cases[_i].name);
}
END_TEST

static const struct clean_case {
    struct slice text;
    bool lines;
    size_t cap;
    const char *is;
} clean_cases[] = {
    {S("plain"), false, 64, "plain"},
    {S("a\r\n\x1b[31mb\x7f\0c"), false, 64, "a???[31mb??c"},
    {S("a\nb\tc"), true, 64, "a\nb?c"},
    {S("\xc3\xbc\xff\xc3"), false, 64, "\xc3\xbc??"},
    {S("abcdef"), false, 4, "abc"},
    {S("ab\xe2\x98\x83"), false, 5, "ab"}, /* cut at a character */
    {S("ab\xe2\x98\x83"), false, 6, "ab\xe2\x98\x83"},
    {S("abc"), false, 1, ""},
};

START_TEST(cleans)
{
    const struct clean_case *c = &clean_cases[_i];
    char out[64];

    memset(out, 'z', sizeof out);
    ck_assert_uint_eq(slice_clean(c->text, c->lines, out, c->cap), strlen(c->is));
    ck_assert_str_eq(out, c->is);
}
END_TEST

START_TEST(cleans_in_place)
{
    char text[] = "a\r\xc3\xbc\xff\xed\xa0\x80\n";

    slice_clean_in_place(text, strlen(text));
    ck_assert_str_eq(text, "a?\xc3\xbc?????");
}
END_TEST

/* Any byte anywhere: cleaning works by words, and what it says must not depend on where they end.
 */
START_TEST(cleans_each_byte_at_each_place)
{
    char text[21], want[21], got[21];

    for (size_t i = 0; i < 256 * 20 * 20; i++) {
        size_t len = 1 + i / 256 % 20, at = i / 256 / 20;

        bool plain = i % 256 >= ' ' && i % 256 < 0x7f; /* what is over it is no UTF-8, alone */

        if (at >= len)
            continue;
        memset(text, 'x', sizeof text);
        text[at] = (char)(i % 256);
        memcpy(want, text, len);
        want[at] = plain ? text[at] : '?';
        want[len] = '\0';
        memcpy(got, text, len);
        got[len] = '\0';
        slice_clean_in_place(got, len);
        if (strcmp(got, want) != 0)
            ck_abort_msg("byte %zu at %zu of %zu: \"%s\"", i % 256, at, len, got);
        slice_clean((struct slice){text, len}, false, got, sizeof got);
        if (strcmp(got, want) != 0 || slice_is_plain((struct slice){text, len}) != plain)
            ck_abort_msg("byte %zu at %zu of %zu, elsewhere: \"%s\"", i % 256, at, len, got);
    }
}
END_TEST

START_TEST(classifies_bytes)
{
    for (int i = 0; i < 256; i++) {
        char c = (char)i;
        bool upper = i >= 'A' && i <= 'Z', lower = i >= 'a' && i <= 'z';

        ck_assert_int_eq(slice_lower(c), upper ? (char)(i + 32) : c);
        ck_assert_int_eq(slice_upper(c), lower ? (char)(i - 32) : c);
        ck_assert_int_eq(slice_is_alpha(c), upper || lower);
        ck_assert_int_eq(slice_is_digit(c), i >= '0' && i <= '9');
        ck_assert_int_eq(slice_is_control(c), i < 0x20 || i == 0x7f);
    }
}
END_TEST

static const uint64_t numbers[] = {0, 1, 9, 10, 4096, UINT64_MAX / 10, UINT64_MAX};

START_TEST(numbers_are_as_printf_has_them)
{
    char is[32], want[32];
    struct text t = text_to(is, sizeof is);

    text_number(&t, numbers[_i]);
    snprintf(want, sizeof want, "%" PRIu64, numbers[_i]);
    ck_assert_str_eq(is, want);
    ck_assert_uint_eq(t.len, strlen(want));
}
END_TEST

/* Whatever the room, the text is a beginning of the whole and its wanted length is told. */
START_TEST(text_counts_what_does_not_fit)
{
    static const char whole[] = "n=42, name=abc!";
    char buf[sizeof whole + 2];
    size_t cap = (size_t)_i;
    struct text t = text_to(buf, cap);

    text_add(&t, "n=");
    text_number(&t, 42);
    text_slice(&t, slice_of(", name="));
    text_add(&t, "%s", "abc");
    text_char(&t, '!');
    ck_assert_uint_eq(t.len, sizeof whole - 1);
    if (cap > 0) {
        ck_assert_uint_eq(strlen(buf), cap < sizeof whole ? cap - 1 : sizeof whole - 1);
        ck_assert_int_eq(strncmp(buf, whole, strlen(buf)), 0);
    }
}
END_TEST

TCase *test_base_slice(void)
{
    TCase *tc = tcase_create("base_slice");

    tcase_add_test(tc, compares);
    tcase_add_test(tc, cuts);
    tcase_add_test(tc, takes_words);
    tcase_add_loop_test(tc, reads_numbers, 0, ARRAY_LEN(number_cases));
    tcase_add_loop_test(tc, knows_utf8, 0, ARRAY_LEN(utf8_cases));
    tcase_add_loop_test(tc, cleans, 0, ARRAY_LEN(clean_cases));
    tcase_add_test(tc, cleans_in_place);
    tcase_add_test(tc, cleans_each_byte_at_each_place);
    tcase_add_test(tc, classifies_bytes);
    tcase_add_loop_test(tc, numbers_are_as_printf_has_them, 0, (int)ARRAY_LEN(numbers));
    tcase_add_loop_test(tc, text_counts_what_does_not_fit, 0, 18);
    return tc;
}
