/* test_smtp_path.c - mailboxes as they go into a command, what never does, and xtext. */
#include <string.h>

#include <check.h>

#include "base/limits.h"
#include "smtp/path.h"
#include "test.h"

#define L10 "1234567890"
#define L60 L10 L10 L10 L10 L10 L10
#define LABEL L60 "123"

static const struct path_case {
    const char *name, *in, *out; /* out NULL: refused */
    bool utf8;
    const char *fault;
} cases[] = {
    {"plain", "a@b.example", "a@b.example", false, NULL},
    {"all of atext", "!#$%&'*+-/=?^_`{|}~a.Z9@x", "!#$%&'*+-/=?^_`{|}~a.Z9@x", false, NULL},
    {"case of the local part stays", "John.Doe@Example.ORG", "John.Doe@example.org", false, NULL},
    {"two dots", "a..b@x", "\"a..b\"@x", false, NULL},
    {"a dot first", ".a@x", "\".a\"@x", false, NULL},
    {"a dot last", "a.@x", "\"a.\"@x", false, NULL},
    {"a dot alone", ".@x", "\".\"@x", false, NULL},
    {"what needs quotes", "a:b,(c);[d]@x", "\"a:b,(c);[d]\"@x", false, NULL},
    {"quoted stays", "\"a b\"@x", "\"a b\"@x", false, NULL},
    {"quoted without need stays", "\"a\"@x", "\"a\"@x", false, NULL},
    {"quoted, empty", "\"\"@x", "\"\"@x", false, NULL},
    {"quoted, all that may stand there", "\"a@b<c> \\\"\\\\\\@,\"@x", "\"a@b<c> \\\"\\\\\\@,\"@x",
     false, NULL},
    {"quoted, not ASCII", "\"\xc3\xa9 b\"@x", "\"\xc3\xa9 b\"@x", true, NULL},
    {"local part not ASCII",
     "\xc3\xa9@b\xc3\xbc"
     "cher.example",
     "\xc3\xa9@xn--bcher-kva.example", true, NULL},
    {"local part is not normalised", "e\xcc\x81.\xc3\x89@x", "e\xcc\x81.\xc3\x89@x", true, NULL},
    {"domain alone not ASCII",
     "a@b\xc3\xbc"
     "cher.example",
     "a@xn--bcher-kva.example", false, NULL},
    {"A-labels", "a@XN--bcher-kva.example", "a@xn--bcher-kva.example", false, NULL},
    {"postmaster", "Postmaster", "Postmaster", false, NULL},
    {"IPv4", "a@[192.0.2.1]", "a@[192.0.2.1]", false, NULL},
    {"IPv4, bare", "a@192.0.2.1", "a@[192.0.2.1]", false, NULL},
    {"IPv6", "a@[IPv6:2001:DB8:0::1]", "a@[IPv6:2001:db8::1]", false, NULL},
    {"IPv6 without its word", "a@[2001:db8::1]", "a@[IPv6:2001:db8::1]", false, NULL},
    {"IPv6, bare", "a@2001:db8::1", "a@[IPv6:2001:db8::1]", false, NULL},
    {"IPv4 in IPv6", "a@[IPv6:::ffff:192.0.2.1]", "a@[192.0.2.1]", false, NULL},
    {"zone stays here", "a@[IPv6:fe80::1%1]", "a@[IPv6:fe80::1]", false, NULL},
    {"local part of 64", L60 "1234@x", L60 "1234@x", false, NULL},
    {"as long as can be", L60 "1234@" LABEL "." LABEL "." LABEL "." L60 "1",
     L60 "1234@" LABEL "." LABEL "." LABEL "." L60 "1", false, NULL},

    {"local part of 65", L60 "12345@x", NULL, false, "byte 66: the local part is longer than 64"},
    {"quotes count", L60 "1..@x", NULL, false, "byte 64: the local part is longer than 64"},
    {"domain of 254", "a@" LABEL "." LABEL "." LABEL "." L60 "12", NULL, false,
     "byte 3: name is longer"},
    {"no domain", "a", NULL, false, "byte 2: an '@' and a domain are missing"},
    {"postmaster's brother", "postmaste", NULL, false, "byte 10: an '@'"},
    {"nothing behind", "a@", NULL, false, "byte 3: nothing stands behind"},
    {"nothing before", "@x", NULL, false, "byte 1: nothing stands before"},
    {"'@' alone", "@", NULL, false, "byte 1: nothing stands before"},
    {"source route", "@a,@b:c@x", NULL, false, "byte 1: such a byte"},
    {"two '@'", "a@b@x", NULL, false, "byte 2: such a byte"},
    {"angle brackets", "<a@x>", NULL, false, "byte 1: such a byte"},
    {"injected parameter", "a@x> SIZE=1", NULL, false, "byte 4: only letters"},
    {"injected into the local part", "a> SIZE=1 x@x", NULL, false, "byte 2: such a byte"},
    {"blank", "a b@x", NULL, false, "byte 2: such a byte"},
    {"blank first", " a@x", NULL, false, "byte 1: such a byte"},
    {"blank last", "a@x ", NULL, false, "byte 4: only letters"},
    {"tab", "a\tb@x", NULL, false, "byte 2: no control byte"},
    {"CR LF", "a\r\nRCPT TO:<b>@x", NULL, false, "byte 2: no control byte"},
    {"LF in quotes", "\"a\nb\"@x", NULL, false, "byte 3: no control byte"},
    {"escaped CR", "\"a\\\rb\"@x", NULL, false, "byte 4: no control byte"},
    {"CR LF behind", "a@x\r\nDATA", NULL, false, "byte 4: no control byte"},
    {"LF in a literal", "a@[192.0.2.1\n]", NULL, false, "byte 13: no control byte"},
    {"DEL", "a\x7f@x", NULL, false, "byte 2: no control byte"},
    {"backslash", "a\\b@x", NULL, false, "byte 2: such a byte"},
    {"quote within", "a\"b@x", NULL, false, "byte 2: such a byte"},
    {"quotes end early", "\"a\"b@x", NULL, false, "byte 4: the quoted string ends before"},
    {"quotes do not end", "\"a@x", NULL, false, "byte 3: the quoted string does not end"},
    {"escaped end", "\"a\\\"@x", NULL, false, "byte 5: the quoted string does not end"},
    {"a quote alone", "\"@x", NULL, false, "byte 2: the quoted string does not end"},
    {"backslash last", "\"\\@x", NULL, false, "byte 3: the quoted string does not end"},
    {"'@' in quotes alone", "\"a@b\"", NULL, false, "byte 3: the quoted string does not end"},
    {"escaped, not ASCII", "\"\\\xc3\xa9\"@x", NULL, false, "byte 3: a backslash"},
    {"Latin-1", "\xe9@x", NULL, false, "byte 1: this is not valid UTF-8"},
    {"overlong", "a\xc0\xae@x", NULL, false, "byte 2: this is not valid UTF-8"},
    {"underscore", "a@b_c", NULL, false, "byte 4: only letters"},
    {"final dot", "a@x.", NULL, false, "byte 3: name has a trailing dot"},
    {"no IDNA name", "a@\xe2\x98\xba-.x", NULL, false, "byte 3: "},
    {"no literal", "a@[x]", NULL, false, "byte 3: this is no address of IP"},
    {"literal of another kind", "a@[x400:c=de]", NULL, false, "byte 3: this is no address of IP"},
    {"bracket open", "a@[192.0.2.1", NULL, false, "byte 3: this is no address of IP"},
};

static void check_refused(const struct path_case *c, struct slice in)
{
    struct smtp_path path;
    struct mox_error err = {0};
    int status = smtp_path_of(in, true, &path, &err);

    ck_assert_msg(status == MOX_E_INVAL, "%s: %d, %s", c->name, status, path.text);
    ck_assert_msg(strstr(err.message, c->fault) != NULL, "%s: %s", c->name, err.message);
    ck_assert(path.len == 0 && path.text[0] == '\0' && !path.utf8);
    for (const char *p = err.message; *p != '\0'; p++)
        ck_assert_msg(!slice_is_control(*p), "%s: %s", c->name, err.message);
}

START_TEST(path_case)
{
    const struct path_case *c = &cases[_i];
    struct smtp_path path;
    struct mox_error err = {0};

    if (c->out == NULL) {
        check_refused(c, slice_of(c->in));
        return;
    }
    ck_assert_msg(smtp_path_of(slice_of(c->in), false, &path, &err) == MOX_OK, "%s: %s", c->name,
                  err.message);
    ck_assert_msg(strcmp(path.text, c->out) == 0, "%s: %s", c->name, path.text);
    ck_assert_uint_eq(path.len, strlen(c->out));
    ck_assert_msg(path.utf8 == c->utf8, "%s", c->name);
}
END_TEST

START_TEST(null_path)
{
    struct smtp_path path;
    struct mox_error err = {0};

    ck_assert_int_eq(smtp_path_of(slice_of(NULL), true, &path, NULL), MOX_OK);
    ck_assert(path.len == 0 && path.text[0] == '\0');
    ck_assert_int_eq(smtp_path_of(slice_of(""), false, &path, &err), MOX_E_INVAL);
    ck_assert_ptr_nonnull(strstr(err.message, "empty"));
}
END_TEST

START_TEST(nul_is_refused)
{
    static const char bytes[] = "a\0b@x";
    const struct path_case c = {.name = "NUL", .fault = "byte 2: no control byte"};

    check_refused(&c, (struct slice){bytes, sizeof bytes - 1});
}
END_TEST

static const struct xtext_case {
    const char *name, *in, *out;
} xtexts[] = {
    {"plain", "a@b.example!~", "a@b.example!~"},
    {"plus and equals", "a+b=c", "a+2Bb+3Dc"},
    {"blank and controls", "a b\r\nRCPT\x7f", "a+20b+0D+0ARCPT+7F"},
    {"eight bits", "\xc3\xbf", "+C3+BF"},
    {"empty", "", ""},
};

/* With every room: all of it, or nothing. */
START_TEST(xtext_case)
{
    const struct xtext_case *c = &xtexts[_i];
    char out[64];
    size_t len = strlen(c->out);

    for (size_t cap = 0; cap < sizeof out; cap++) {
        memset(out, '#', sizeof out);
        ck_assert_uint_eq(smtp_xtext(slice_of(c->in), out, cap), cap > len ? len : 0);
        if (cap > len)
            ck_assert_str_eq(out, c->out);
        ck_assert_int_eq(out[cap], '#');
    }
}
END_TEST

static const struct orcpt_case {
    const char *name, *in;
    const char *ascii, *utf8; /* without SMTPUTF8 and with it; NULL: refused */
} orcpts[] = {
    {"rfc822", "rfc822;a+b@x", "rfc822;a+2Bb@x", "rfc822;a+2Bb@x"},
    {"another type, more of ';'", "x-y2;a;b c", "x-y2;a;b+20c", "x-y2;a;b+20c"},
    {"a type that is like it", "utf-16;\xc3\xa9", "utf-16;+C3+A9", "utf-16;+C3+A9"},
    {"utf-8", "utf-8;\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80@x", "utf-8;\\x{E9}\\x{20AC}\\x{1F600}@x",
     "utf-8;\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80@x"},
    {"utf-8, what is embedded always", "UTF-8;a+b=c\\d \r\n",
     "UTF-8;a\\x{2B}b\\x{3D}c\\x{5C}d\\x{20}\\x{0D}\\x{0A}",
     "UTF-8;a\\x{2B}b\\x{3D}c\\x{5C}d\\x{20}\\x{0D}\\x{0A}"},
    {"utf-8 that is not", "utf-8;\xe9", NULL, NULL},
    {"no type", ";a@x", NULL, NULL},
    {"no address", "rfc822;", NULL, NULL},
    {"no ';'", "a@x", NULL, NULL},
    {"empty", "", NULL, NULL},
    {"type with CR LF", "rfc\r\n;a@x", NULL, NULL},
    {"type with a blank", "rfc 822;a@x", NULL, NULL},
    {"type not ASCII", "\xc3\xa9;a@x", NULL, NULL},
};

START_TEST(orcpt_case)
{
    const struct orcpt_case *c = &orcpts[_i];

    for (int utf8 = 0; utf8 < 2; utf8++) {
        const char *wanted = utf8 ? c->utf8 : c->ascii;
        struct mox_error err = {0};
        char out[128];

        for (size_t cap = 0; cap < sizeof out - 1; cap++) {
            bool fits = wanted != NULL && strlen(wanted) < cap;
            int status;

            memset(out, '#', sizeof out);
            status = smtp_orcpt(slice_of(c->in), utf8 == 1, out, cap, &err);
            ck_assert_msg(status == (fits ? MOX_OK : MOX_E_INVAL), "%s, %zu", c->name, cap);
            ck_assert(fits || strstr(err.message, "orcpt: it") != NULL);
            if (fits)
                ck_assert_str_eq(out, wanted);
            ck_assert_int_eq(out[cap], '#');
        }
    }
}
END_TEST

TCase *test_smtp_path(void)
{
    TCase *tcase = tcase_create("smtp/path");

    tcase_add_loop_test(tcase, path_case, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tcase, null_path);
    tcase_add_test(tcase, nul_is_refused);
    tcase_add_loop_test(tcase, xtext_case, 0, (int)ARRAY_LEN(xtexts));
    tcase_add_loop_test(tcase, orcpt_case, 0, (int)ARRAY_LEN(orcpts));
    return tcase;
}
