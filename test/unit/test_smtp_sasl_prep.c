/*
 * test_smtp_sasl_prep.c - names and passwords as SCRAM wants them: RFC 8265's examples of
 * OpaqueString, and each rule of PRECIS with what it allows and what not. What is not allowed stays
 * as it was, a space that would be mapped shows it.
 */
#include <string.h>

#include <check.h>

#include "base/error.h"
#include "smtp/sasl_prep.h"
#include "test.h"

#define NBSP "\xc2\xa0"

static const struct prep_case {
    const char *name, *in, *out;
} password_cases[] = {
    {"RFC 8265, example 1", "correct horse battery staple", "correct horse battery staple"},
    {"RFC 8265, example 2", "Correct Horse Battery Staple", "Correct Horse Battery Staple"},
    {"RFC 8265, example 3", "\xcf\x80\xc3\x9f\xc3\xa5", "\xcf\x80\xc3\x9f\xc3\xa5"},
    {"RFC 8265, example 4: symbol", "Jack of \xe2\x99\xa6s", "Jack of \xe2\x99\xa6s"},
    {"RFC 8265, example 5: ogham space",
     "foo\xe1\x9a\x80"
     "bar",
     "foo bar"},
    {"RFC 8265, example 6: empty", "", ""},
    {"RFC 8265, example 7: control",
     "my cat is a \x09"
     "by" NBSP,
     "my cat is a \x09"
     "by" NBSP},
    {"ASCII", "a!~ ,=", "a!~ ,="},
    {"ASCII control", "a\x7f", "a\x7f"},
    {"NFC", "e\xcc\x81", "\xc3\xa9"},
    {"no compatibility mapping", "\xef\xac\x81" NBSP, "\xef\xac\x81 "},
    {"angstrom sign", "\xe2\x84\xab", "\xc3\x85"},
    {"grows in NFC", "\xe1\x8c\x85\xf0\x9d\x85\xa0" NBSP,
     "\xe1\x8c\x85\xf0\x9d\x85\x98\xf0\x9d\x85\xa5\xf0\x9d\x85\xae "},
    {"not UTF-8", "\xff" NBSP, "\xff" NBSP},
    {"surrogate", "\xed\xa0\x80" NBSP, "\xed\xa0\x80" NBSP},
    {"case stays", "\xc3\x84" NBSP, "\xc3\x84 "},
    {"width stays", "\xef\xbc\xa1" NBSP, "\xef\xbc\xa1 "},
    {"line separator", "\xe2\x80\xa8" NBSP, "\xe2\x80\xa8" NBSP},
    {"private use", "\xee\x80\x80" NBSP, "\xee\x80\x80" NBSP},
    {"unassigned", "\xcd\xb8" NBSP, "\xcd\xb8" NBSP},
    {"no character", "\xef\xbf\xbe" NBSP, "\xef\xbf\xbe" NBSP},
    {"soft hyphen", "\xc2\xad" NBSP, "\xc2\xad" NBSP},
    {"variation selector", "\xe2\x9d\xa4\xef\xb8\x8f" NBSP, "\xe2\x9d\xa4\xef\xb8\x8f" NBSP},
    {"old Hangul Jamo", "\xe1\x84\x80" NBSP, "\xe1\x84\x80" NBSP},
    {"Hangul syllable of Jamo", "\xe1\x84\x80\xe1\x85\xa1" NBSP, "\xea\xb0\x80 "},
    {"tatweel", "\xd9\x80" NBSP, "\xd9\x80" NBSP},
    {"vertical kana mark", "\xe3\x80\xb1" NBSP, "\xe3\x80\xb1" NBSP},
    {"middle dot in Catalan", "l\xc2\xb7l" NBSP, "l\xc2\xb7l "},
    {"middle dot elsewhere", "a\xc2\xb7l" NBSP, "a\xc2\xb7l" NBSP},
    {"middle dot at the end", NBSP "l\xc2\xb7", NBSP "l\xc2\xb7"},
    {"keraia before Greek", "\xcd\xb5\xce\xb1" NBSP, "\xcd\xb5\xce\xb1 "},
    {"keraia before Latin",
     "\xcd\xb5"
     "a" NBSP,
     "\xcd\xb5"
     "a" NBSP},
    {"geresh behind Hebrew", "\xd7\x90\xd7\xb3" NBSP, "\xd7\x90\xd7\xb3 "},
    {"gershayim first", "\xd7\xb4\xd7\x90" NBSP, "\xd7\xb4\xd7\x90" NBSP},
    {"katakana dot with kana", "a\xe3\x83\xbb\xe3\x82\xa2" NBSP, "a\xe3\x83\xbb\xe3\x82\xa2 "},
    {"katakana dot alone",
     "a\xe3\x83\xbb"
     "b" NBSP,
     "a\xe3\x83\xbb"
     "b" NBSP},
    {"Arabic digits", "\xd9\xa1\xd9\xa2" NBSP, "\xd9\xa1\xd9\xa2 "},
    {"extended digits", "\xdb\xb1" NBSP, "\xdb\xb1 "},
    {"digits of both", "\xd9\xa1\xdb\xb1" NBSP, "\xd9\xa1\xdb\xb1" NBSP},
    {"joiner behind virama", "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7" NBSP,
     "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7 "},
    {"joiner elsewhere",
     "a\xe2\x80\x8d"
     "b" NBSP,
     "a\xe2\x80\x8d"
     "b" NBSP},
    {"non-joiner behind virama", "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8c" NBSP,
     "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8c "},
    {"non-joiner that parts letters", "\xd8\xa8\xe2\x80\x8c\xd8\xa8" NBSP,
     "\xd8\xa8\xe2\x80\x8c\xd8\xa8 "},
    {"the same across marks", "\xd8\xa8\xd9\x8e\xe2\x80\x8c\xd9\x8e\xd8\xa7" NBSP,
     "\xd8\xa8\xd9\x8e\xe2\x80\x8c\xd9\x8e\xd8\xa7 "},
    {"non-joiner behind a letter that does not join", "\xd8\xa7\xe2\x80\x8c\xd8\xa8" NBSP,
     "\xd8\xa7\xe2\x80\x8c\xd8\xa8" NBSP},
    {"non-joiner before Latin",
     "\xd8\xa8\xe2\x80\x8c"
     "a" NBSP,
     "\xd8\xa8\xe2\x80\x8c"
     "a" NBSP},
    {"non-joiner alone", "\xe2\x80\x8c" NBSP, "\xe2\x80\x8c" NBSP},
};

static const struct prep_case name_cases[] = {
    {"plain", "user", "user"},
    {"empty", "", ""},
    {"escapes", ",=,", "=2C=3D=2C"},
    {"looks escaped", "=2C", "=3D2C"},
    {"NFC", "re\xcc\x81,", "r\xc3\xa9=2C"},
    {"spaces stay", "\xc2\xa0", "\xc2\xa0"},
    {"not UTF-8", "\xff,e\xcc\x81",
     "\xff=2C"
     "e\xcc\x81"},
};

static void check(const struct prep_case *c, int (*prepare)(struct slice, struct buffer *))
{
    struct buffer out = {0};
    struct slice got;

    ck_assert_int_eq(buffer_append_text(&out, "n="), MOX_OK);
    ck_assert_int_eq(prepare(slice_of(c->in), &out), MOX_OK);
    got = slice_sub(buffer_slice(&out), 2, SIZE_MAX);
    ck_assert_msg(slice_is(got, c->out), "%s: \"%.*s\"", c->name, (int)got.len, got.ptr);
    buffer_free(&out);
}

START_TEST(password)
{
    check(&password_cases[_i], sasl_prep_password);
}
END_TEST

START_TEST(name)
{
    check(&name_cases[_i], sasl_prep_name);
}
END_TEST

START_TEST(survives_without_memory)
{
    int (*const prepare[])(struct slice, struct buffer *) = {sasl_prep_password, sasl_prep_name,
                                                             sasl_prep_escape};
    bool failed;
    long nth = 0;

    do {
        struct buffer out = {0};
        int status;

        test_fail_alloc(++nth);
        status = prepare[_i](slice_of("e\xcc\x81" NBSP), &out);
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert_int_eq(status, failed ? MOX_E_NOMEM : MOX_OK);
        buffer_free(&out);
    } while (failed);
    ck_assert_int_gt(nth, 1);
}
END_TEST

TCase *test_smtp_sasl_prep(void)
{
    TCase *tcase = tcase_create("smtp/sasl_prep");

    tcase_add_loop_test(tcase, password, 0, (int)ARRAY_LEN(password_cases));
    tcase_add_loop_test(tcase, name, 0, (int)ARRAY_LEN(name_cases));
    tcase_add_loop_test(tcase, survives_without_memory, 0, 3);
    return tcase;
}
