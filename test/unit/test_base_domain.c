/* test_base_domain.c - names as mox takes them, and where it takes what we do not. */
#include <string.h>

#include <check.h>

#include "base/domain.h"
#include "test.h"

#define X10(text) text text text text text text text text text text
#define L63 X10("a") X10("b") X10("c") X10("d") X10("e") X10("f") "abc"
#define L61 X10("a") X10("b") X10("c") X10("d") X10("e") X10("f") "a"

static const struct name_case {
    const char *name, *text;
    const char *is;  /* the name in A-labels; NULL: refused */
    const char *why; /* in the message of a refusal */
} cases[] = {
    {"lower-cased", "Example.ORG", "example.org", NULL},
    {"U-label", "b\xc3\xbc\x63her.example", "xn--bcher-kva.example", NULL},
    {"U-label in capitals", "B\xc3\x9c\x43HER.EXAMPLE", "xn--bcher-kva.example", NULL},
    {"not in NFC", "bu\xcc\x88\x63her.example", "xn--bcher-kva.example", NULL},
    {"sharp s stays", "stra\xc3\x9f\x65.example", "xn--strae-oqa.example", NULL},
    {"A-label", "XN--bcher-kva.example", "xn--bcher-kva.example", NULL},
    {"one label", "localhost", "localhost", NULL},
    {"a number", "123", "123", NULL},
    {"three numbers", "1.2.3", "1.2.3", NULL},
    {"ideographic full stop", "example\xe3\x80\x82org", "example.org", NULL},
    {"label of 63", L63 ".example", L63 ".example", NULL},
    {"name of 253", L63 "." L63 "." L63 "." L61, L63 "." L63 "." L63 "." L61, NULL},
    {"IPv4 address", "192.0.2.1", NULL, "IP address"},
    {"IPv6 address", "::1", NULL, "IP address"},
    {"IPv4 address after mapping", "192\xef\xbc\x8e\x30.2.1", NULL, "IP address"},
    {"address literal", "[192.0.2.1]", NULL, "only letters"},
    {"final dot", "example.org.", NULL, "trailing dot"},
    {"final dot after mapping", "example\xe3\x80\x82", NULL, "trailing dot"},
    {"invalid UTF-8", "b\xfc\x63her.example", NULL, "UTF-8"},
    {"underscore", "a_b.example", NULL, "only letters"},
    {"underscore beside a U-label", "a_b.b\xc3\xbc\x63her", NULL, ""},
    {"asterisk", "*.example", NULL, "only letters"},
    {"blank", "a b", NULL, "only letters"},
    {"leading hyphen", "-a.example", NULL, "begins or ends"},
    {"trailing hyphen", "a-.example", NULL, "begins or ends"},
    {"hyphens at 3 and 4", "ab--cd.example", NULL, "third and fourth"},
    {"bad punycode", "xn--a", NULL, "IDNA"},
    {"A-label of plain ASCII", "xn--abc-", NULL, ""},
    {"empty", "", NULL, "empty"},
    {"empty label", "a..b", NULL, "empty label"},
    {"leading dot", ".a", NULL, "empty label"},
    {"dot alone", ".", NULL, "empty label"},
    {"label of 64", L63 "x.example", NULL, "63"},
    {"name of 254", L63 "." L63 "." L63 "." L61 "x", NULL, "253"},
    {"long in A-labels alone", "\xc3\xbc" L61 ".example", NULL, ""},
    {"snowman", "\xe2\x98\x83.example", NULL, "IDNA"},
};

START_TEST(parses)
{
    const struct name_case *c = &cases[_i];
    struct domain domain;
    struct mox_error err = {0};
    int status = domain_parse(slice_of(c->text), &domain, &err);

    if (c->is == NULL) {
        ck_assert_msg(status == MOX_E_INVAL, "%s: %d", c->name, status);
        ck_assert_msg(strstr(err.message, c->why) != NULL, "%s: %s", c->name, err.message);
        ck_assert_int_ne(err.message[0], '\0');
        return;
    }
    ck_assert_msg(status == MOX_OK, "%s: %s", c->name, err.message);
    ck_assert_str_eq(domain.name, c->is);
    ck_assert_uint_eq(domain.len, strlen(c->is));
    ck_assert(slice_is(domain_slice(&domain), c->is));
}
END_TEST

START_TEST(refuses_hostile_bytes)
{
    static char big[100000];
    struct domain domain;

    memset(big, '\xc3', sizeof big);
    ck_assert_int_eq(domain_parse((struct slice){big, sizeof big}, &domain, NULL), MOX_E_INVAL);
    memset(big, 'a', sizeof big);
    ck_assert_int_eq(domain_parse((struct slice){big, sizeof big}, &domain, NULL), MOX_E_INVAL);
    ck_assert_int_eq(domain_parse((struct slice){"a\0b", 3}, &domain, NULL), MOX_E_INVAL);
    ck_assert_int_eq(domain_parse((struct slice){"\xc3\xbc\0b", 4}, &domain, NULL), MOX_E_INVAL);
    ck_assert_int_eq(domain_parse((struct slice){NULL, 0}, &domain, NULL), MOX_E_INVAL);
}
END_TEST

static const struct lax_case {
    const char *text, *is;
} lax_cases[] = {
    {"MX_1.Example", "mx_1.example"},
    {"-a-.example", "-a-.example"},
    {"xn--a", "xn--a"},
    {"192.0.2.1", "192.0.2.1"},
    {L63, L63},
    {L63 "x", NULL},
    {"a..b", NULL},
    {"a.", NULL},
    {"", NULL},
    {"a b", NULL},
    {"b\xc3\xbc", NULL},
};

START_TEST(takes_dns_names_as_they_are)
{
    const struct lax_case *c = &lax_cases[_i];
    struct domain domain;
    int status = domain_parse_lax(slice_of(c->text), &domain);

    ck_assert_int_eq(status, c->is == NULL ? MOX_E_INVAL : MOX_OK);
    if (c->is != NULL)
        ck_assert_str_eq(domain.name, c->is);
}
END_TEST

static const struct unicode_case {
    const char *ascii, *unicode;
} unicode_cases[] = {
    {"xn--bcher-kva.example", "b\xc3\xbc\x63her.example"},
    {"example.org", "example.org"},
    {"xn--a.example", "xn--a.example"},         /* libidn2 2.3.3: U+0080, without an error */
    {"xn--999999999.a_b", "xn--999999999.a_b"}, /* what libidn2 cannot decode stays as it is */
};

START_TEST(turns_to_unicode)
{
    const struct unicode_case *c = &unicode_cases[_i];
    struct domain domain;
    char text[1024];

    ck_assert_int_eq(domain_parse_lax(slice_of(c->ascii), &domain), MOX_OK);
    ck_assert_int_eq(domain_to_unicode(&domain, text, sizeof text), MOX_OK);
    ck_assert_str_eq(text, c->unicode);
    ck_assert_int_eq(domain_to_unicode(&domain, text, 2), MOX_E_LIMIT);
}
END_TEST

START_TEST(climbs_to_parents)
{
    struct slice name = slice_of("a.b.example");

    name = domain_parent(name);
    ck_assert(slice_is(name, "b.example"));
    name = domain_parent(domain_parent(name));
    ck_assert_uint_eq(name.len, 0);
    ck_assert_uint_eq(domain_parent(name).len, 0);
}
END_TEST

static const struct address_case {
    const char *address;
    int status;
    const char *domain, *literal;
} address_cases[] = {
    {"info@Example.org", MOX_OK, "example.org", ""},
    {"example.org", MOX_OK, "example.org", ""},
    {"\"a@b\"@example.org", MOX_OK, "example.org", ""},
    {"info@[192.0.2.1]", MOX_OK, "", "192.0.2.1"},
    {"[IPv6:2001:db8::1]", MOX_OK, "", "2001:db8::1"},
    {"", MOX_OK, "", ""},
    {NULL, MOX_OK, "", ""},
    {"info@", MOX_E_INVAL, "", ""},
    {"info@a_b", MOX_E_INVAL, "", ""},
    {"info@192.0.2.1", MOX_E_INVAL, "", ""},
    {"info@[192.0.2]", MOX_E_INVAL, "", ""},
    {"info@[192.0.2.1", MOX_E_INVAL, "", ""},
};

START_TEST(finds_the_domain_of_an_address)
{
    const struct address_case *c = &address_cases[_i];
    struct domain domain;
    struct mox_ip literal;
    struct mox_error err = {0};
    char text[64];

    ck_assert_int_eq(domain_of_address(c->address, &domain, &literal, &err), c->status);
    ck_assert_int_eq(err.code, c->status);
    ck_assert_str_eq(domain.name, c->domain);
    mox_ip_format(&literal, text, sizeof text);
    ck_assert_str_eq(text, c->literal);
    ck_assert_int_eq(domain_of_address(c->address, &domain, NULL, NULL), c->status);
}
END_TEST

TCase *test_base_domain(void)
{
    TCase *tc = tcase_create("base_domain");

    tcase_add_loop_test(tc, parses, 0, ARRAY_LEN(cases));
    tcase_add_test(tc, refuses_hostile_bytes);
    tcase_add_loop_test(tc, takes_dns_names_as_they_are, 0, ARRAY_LEN(lax_cases));
    tcase_add_loop_test(tc, turns_to_unicode, 0, ARRAY_LEN(unicode_cases));
    tcase_add_test(tc, climbs_to_parents);
    tcase_add_loop_test(tc, finds_the_domain_of_an_address, 0, ARRAY_LEN(address_cases));
    return tc;
}
