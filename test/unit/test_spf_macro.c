/* test_spf_macro.c - macro strings: their grammar, what they expand to, and how far. */
#include "spf/macro.h"

#include <string.h>

#include "base/limits.h"
#include "spf/target.h"
#include "test.h"

/* What RFC 7208 section 7.4 supposes. */
static struct spf_values values(const char *ip)
{
    struct spf_values v = {.local = slice_of("strong-bad"),
                           .sender_domain = slice_of("email.example.com"),
                           .domain = slice_of("email.example.com"),
                           .helo = slice_of("mx.example.org"),
                           .receiver = slice_of("mx.example.net"),
                           .validated = slice_of("mx.example.org"),
                           .unix_s = 1700000000};

    ck_assert_int_eq(mox_ip_parse(ip, &v.ip), MOX_OK);
    return v;
}

#define V4 "192.0.2.3"
#define V6 "2001:db8::cb01"
#define NIBBLES6 "2.0.0.1.0.D.B.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.C.B.0.1"
#define SELBBIN6 "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2"

static const struct {
    const char *ip, *text, *out;
} expansions[] = {
    /* the examples of section 7.4 */
    {V4, "%{s}", "strong-bad@email.example.com"},
    {V4, "%{o}", "email.example.com"},
    {V4, "%{d}", "email.example.com"},
    {V4, "%{d4}", "email.example.com"},
    {V4, "%{d3}", "email.example.com"},
    {V4, "%{d2}", "example.com"},
    {V4, "%{d1}", "com"},
    {V4, "%{dr}", "com.example.email"},
    {V4, "%{d2r}", "example.email"},
    {V4, "%{l}", "strong-bad"},
    {V4, "%{l-}", "strong.bad"},
    {V4, "%{lr}", "strong-bad"},
    {V4, "%{lr-}", "bad.strong"},
    {V4, "%{l1r-}", "strong"},
    {V4, "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
    {V4, "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
    {V4, "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
    {V4, "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"},
    {V4, "%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
    {V6, "%{ir}.%{v}._spf.%{d2}", SELBBIN6 ".ip6._spf.example.com"},
    /* the other letters, and all that stands for itself */
    {V4, "%{h} %{r} %{p} %{t} %{c} %{i} %{v}",
     "mx.example.org mx.example.net mx.example.org 1700000000 " V4 " " V4 " in-addr"},
    {"fe80::1%1", "%{c}", "fe80::1"},
    {V6, "%{c} %{i} %{v}", V6 " " NIBBLES6 " ip6"},
    {V4, "a%%b%_c%-d", "a%b c%20d"},
    {V4, "", ""},
    /* capitals escape what URLs do not take as it is */
    {V4, "%{S}", "strong-bad%40email.example.com"},
    {V4, "%{LR-}", "bad.strong"},
    /* parts */
    {V4, "%{d127}", "email.example.com"},
    {V4, "%{d99999999999999999999}", "email.example.com"},
    {V4, "%{d4294967297}", "email.example.com"},
    {V4, "%{d01}", "com"},
    {V4, "%{s-@}", NULL},
    {V4, "%{s-.}", "strong.bad@email.example.com"},
    {V4, "%{s2r-.}", "bad@email.strong"},
    {V4, "%{o/}", "email.example.com"},
    {V4, "%{o1/}", "email.example.com"},
};

START_TEST(expansion)
{
    struct spf_values v = values(expansions[_i].ip);
    const char *text = expansions[_i].text;
    char buf[256];
    struct text t = text_to(buf, sizeof buf);

    if (expansions[_i].out == NULL) {
        ck_assert_msg(!spf_is_explain_string(slice_of(text)), "%s", text);
        return;
    }
    ck_assert_msg(spf_is_explain_string(slice_of(text)), "%s", text);
    ck_assert_int_eq(spf_expand(slice_of(text), &v, &t), MOX_OK);
    ck_assert_msg(strcmp(buf, expansions[_i].out) == 0, "%s gives %s", text, buf);
}
END_TEST

static const struct {
    const char *value, *text, *out;
} parts[] = {
    {"a-b+c,d/e_f=g.h", "%{l-+,/_=.}", "a.b.c.d.e.f.g.h"},
    {"a-b+c,d/e_f=g.h", "%{l3r-+,/_=.}", "c.b.a"},
    {"a-b+c,d/e_f=g.h", "%{l3-+,/_=.}", "f.g.h"},
    {"..a..", "%{lr}", "..a.."},
    {"..a..", "%{l2}", "."},
    {".b.", "%{l2r}", "b."},
    {"-", "%{l1-}", ""},
    {"a b\\c\x01", "%{L}", "a%20b%5Cc%01"},
    {"~jack&jill=up-a_b3.c", "%{L}", "~jack%26jill%3Dup-a_b3.c"},
};

START_TEST(parts_of_a_value)
{
    struct spf_values v = values(V4);
    char buf[256];
    struct text t = text_to(buf, sizeof buf);

    v.local = slice_of(parts[_i].value);
    ck_assert_int_eq(spf_expand(slice_of(parts[_i].text), &v, &t), MOX_OK);
    ck_assert_msg(strcmp(buf, parts[_i].out) == 0, "%s of %s gives %s", parts[_i].text,
                  parts[_i].value, buf);
}
END_TEST

/* d: a domain-spec, m: a macro-string, e: an explain-string. */
static const struct {
    const char *text, *kinds;
} strings[] = {
    {"", "me"},
    {"example.org", "dme"},
    {"example.org.", "dme"},
    {"example.org..", "me"},
    {".org", "dme"},
    {"org", "me"},
    {"org.", "me"},
    {"%{d}", "dme"},
    {"org%{d}", "dme"},
    {"%{d}.", "me"},
    {"%{d}org", "me"},
    {"%{d}.org", "dme"},
    {"a.%%", "dme"},
    {"a%_", "dme"},
    {"a%-", "dme"},
    {"a.b-c", "dme"},
    {"a.-b", "me"},
    {"a.b-", "me"},
    {"a.1", "me"},
    {"a.1-2", "dme"},
    {"a.1b", "dme"},
    {"a.b_c", "me"},
    {"a_b:c/d.e", "dme"},
    {"a.b c.d", "e"},
    {"a\tb.c", ""},
    {"a\x7f.c", ""},
    {"\xc3\xa4.c", ""},
    {"%", ""},
    {"%a.b", ""},
    {"%{", ""},
    {"%{}", ""},
    {"%{d", ""},
    {"%{x}", ""},
    {"%{d0}", ""},
    {"%{d00r}", ""},
    {"%{dr2}", ""},
    {"%{drr}", ""},
    {"%{d*}", ""},
    {"%{d r}", ""},
    {"%{dR}", "dme"},
    {"%{D2R.-+,/_=}", "dme"},
    {"%{c}", "me"},
    {"%{R}.a", "me"},
    {"%{t}.%{d}", "me"},
    {"%(d)", ""},
};

START_TEST(grammar)
{
    struct slice text = slice_of(strings[_i].text);
    const char *kinds = strings[_i].kinds;

    ck_assert_msg(spf_is_domain_spec(text) == (strchr(kinds, 'd') != NULL), "d: %s", text.ptr);
    ck_assert_msg(spf_is_macro_string(text) == (strchr(kinds, 'm') != NULL), "m: %s", text.ptr);
    ck_assert_msg(spf_is_explain_string(text) == (strchr(kinds, 'e') != NULL), "e: %s", text.ptr);
}
END_TEST

START_TEST(letters_in_use)
{
    ck_assert(spf_uses_macro(slice_of("a.%{P2r-}.b"), 'p'));
    ck_assert(!spf_uses_macro(slice_of("p%%p.%{d}"), 'p'));
}
END_TEST

/* RFC 8616 section 4. */
START_TEST(a_local_part_that_is_not_ascii_matches_nothing)
{
    static const char *const texts[] = {"%{l}.a", "%{S}.a", "%{L1r-}"};
    struct spf_values v = values(V4);
    struct domain name;

    v.local = slice_of("j\xc3\xb6rg");
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        ck_assert_int_eq(spf_target_expand(&name, slice_of(texts[i]), &v), MOX_E_INVAL);
    ck_assert_int_eq(spf_target_expand(&name, slice_of("%{o}.a"), &v), MOX_OK);
}
END_TEST

START_TEST(growth_is_bounded)
{
    enum { MACROS = 600 };
    char spec[4 * MACROS + 1] = "", buf[100];
    struct spf_values v = values(V4);
    struct domain name;
    struct text t = text_to(buf, sizeof buf);

    for (size_t i = 0; i < MACROS; i++)
        strcpy(spec + 4 * i, "%{d}");
    ck_assert_int_eq(spf_target_expand(&name, slice_of(spec), &v), MOX_E_LIMIT);
    ck_assert_int_eq(spf_expand(slice_of(spec), &v, &t), MOX_E_LIMIT);
    ck_assert_uint_eq(strlen(buf), sizeof buf - 1);
    spec[4 * (MOX_LIMIT_SPF_EXPANSION / strlen("email.example.com"))] = '\0';
    ck_assert_int_ne(spf_target_expand(&name, slice_of(spec), &v), MOX_E_LIMIT);
}
END_TEST

#define LABEL63 "a23456789012345678901234567890123456789012345678901234567890123"
#define LABEL60 "a23456789012345678901234567890123456789012345678901234567890"

static const struct {
    const char *text, *name, *escaped; /* name NULL: it is none */
} names[] = {
    {"Example.ORG", "example.org", "example.org"},
    {"example.org.", "example.org", "example.org"},
    {"example.org..", NULL, NULL},
    {".example.org", NULL, NULL},
    {"a..b", NULL, NULL},
    {"", NULL, NULL},
    {".", NULL, NULL},
    {"a\x1f"
     "b.c",
     NULL, NULL},
    {"\xc3\xa4.c", NULL, NULL},
    {LABEL63 ".c", LABEL63 ".c", LABEL63 ".c"},
    {LABEL63 "4.c", NULL, NULL},
    {"a b;c.d", "a b;c.d", "a\\032b\\;c.d"},
    {"a\\b\"(c)@$.d", "a\\b\"(c)@$.d", "a\\\\b\\\"\\(c\\)\\@\\$.d"},
    {"one.two." LABEL63 "." LABEL63 "." LABEL63 "." LABEL60,
     LABEL63 "." LABEL63 "." LABEL63 "." LABEL60, LABEL63 "." LABEL63 "." LABEL63 "." LABEL60},
    {LABEL63 LABEL63 LABEL63 LABEL63 LABEL63, NULL, NULL},
};

START_TEST(names_that_can_be_asked)
{
    struct domain name;
    char escaped[4 * MOX_LIMIT_DOMAIN + 1];
    bool good = spf_target_set(&name, slice_of(names[_i].text));

    ck_assert_msg(good == (names[_i].name != NULL), "%s", names[_i].text);
    ck_assert_str_eq(name.name, good ? names[_i].name : "");
    ck_assert_uint_eq(name.len, strlen(name.name));
    if (!good)
        return;
    spf_target_escape(&name, escaped, sizeof escaped);
    ck_assert_str_eq(escaped, names[_i].escaped);
}
END_TEST

static const struct {
    const char *name, *domain;
    int rank;
} ranks[] = {
    {"example.org", "example.org", 0},  {"a.example.org", "example.org", 1},
    {"aexample.org", "example.org", 2}, {"org", "example.org", 2},
    {"example.com", "example.org", 2},
};

START_TEST(names_below_a_domain)
{
    struct domain name, domain;

    ck_assert(spf_target_set(&name, slice_of(ranks[_i].name)));
    ck_assert(spf_target_set(&domain, slice_of(ranks[_i].domain)));
    ck_assert_int_eq(spf_target_rank(&name, &domain), ranks[_i].rank);
}
END_TEST

START_TEST(reverse_zones)
{
    struct domain name;

    spf_target_reverse(&name, &(struct mox_ip){.family = MOX_IPV4, .bytes = {192, 0, 2, 3}});
    ck_assert_str_eq(name.name, "3.2.0.192.in-addr.arpa");
    spf_target_reverse(&name,
                       &(struct mox_ip){.family = MOX_IPV6, .bytes = {0x20, 1, [15] = 0xcb}});
    ck_assert_str_eq(name.name,
                     "b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.2.ip6"
                     ".arpa");
}
END_TEST

TCase *test_spf_macro(void)
{
    TCase *tcase = tcase_create("spf/macro");

    tcase_add_loop_test(tcase, expansion, 0, (int)ARRAY_LEN(expansions));
    tcase_add_loop_test(tcase, parts_of_a_value, 0, (int)ARRAY_LEN(parts));
    tcase_add_loop_test(tcase, grammar, 0, (int)ARRAY_LEN(strings));
    tcase_add_test(tcase, letters_in_use);
    tcase_add_test(tcase, a_local_part_that_is_not_ascii_matches_nothing);
    tcase_add_test(tcase, growth_is_bounded);
    tcase_add_loop_test(tcase, names_that_can_be_asked, 0, (int)ARRAY_LEN(names));
    tcase_add_loop_test(tcase, names_below_a_domain, 0, (int)ARRAY_LEN(ranks));
    tcase_add_test(tcase, reverse_zones);
    return tcase;
}
