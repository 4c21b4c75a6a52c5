/* test_spf_record.c - SPF records: which text is one, and what its terms say. */
#include "spf/record.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "test.h"

START_TEST(which_text_is_a_record)
{
    static const char *const good[] = {"v=spf1", "V=SPF1 -all", "v=spf1 "};
    static const char *const bad[] = {"",        "v=spf",   "v=spf10", "v=spf1\t-all",
                                      " v=spf1", "v=spf2 a"};

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        ck_assert_msg(spf_is_record(slice_of(good[i])), "%s", good[i]);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!spf_is_record(slice_of(bad[i])), "%s", bad[i]);
}
END_TEST

/* out: each term as qualifier and kind, [spec], =address/bits, /bits4//bits6. */
static const struct {
    const char *terms, *out;
} good[] = {
    {"", ""},
    {"  all   -ALL ", "+0 -0"},
    {"~include:a.b ?Exists:%{d}", "~1[a.b] ?7[%{d}]"},
    {"a A/24 a//64 a/0//0", "+2/32//128 +2/24//128 +2/32//64 +2/0//0"},
    {"a:b.c mx:b.c/8 -mx:b/c.d//9 mx:%{d}/8//9",
     "+2[b.c]/32//128 +3[b.c]/8//128 -3[b/c.d]/32//9 +3[%{d}]/8//9"},
    {"ptr -ptr:a.b", "+4 -4[a.b]"},
    {"ip4:192.0.2.1 ip4:192.0.2.1/24 ip4:0.0.0.0/0",
     "+5=192.0.2.1/32 +5=192.0.2.1/24 +5=0.0.0.0/0"},
    {"ip6:2001:db8::1 ip6:2001:DB8::/32 ip6:::/0 ip6:::ffff:1.2.3.4/96",
     "+6=2001:db8::1/128 +6=2001:db8::/32 +6=::/0 +6=::ffff:1.2.3.4/96"},
    {"redirect=a.b exp=c.d", "+8[a.b] +9[c.d]"},
    {"Redirect=a.b EXP=%{d}", "+8[a.b] +9[%{d}]"},
    {"about=x all=y a=z x-1_2.3= ip4=%{t}", "+10 +10 +10 +10 +10"},
};

static void show(struct text *t, const struct spf_term *term)
{
    char ip[64];

    text_add(t, "%s%c%u", t->len == 0 ? "" : " ", term->qualifier, (unsigned)term->kind);
    if (term->spec.len > 0)
        text_add(t, "[%.*s]", (int)term->spec.len, term->spec.ptr);
    if (term->kind == SPF_IP4 || term->kind == SPF_IP6) {
        mox_ip_format(&term->prefix.ip, ip, sizeof ip);
        text_add(t, "=%s/%d", ip, term->prefix.bits);
    }
    if (term->kind == SPF_A || term->kind == SPF_MX)
        text_add(t, "/%d//%d", term->bits4, term->bits6);
}

START_TEST(good_terms)
{
    char text[256], out[256];
    struct spf_record record;
    struct spf_term term;
    struct slice fault;
    struct text t = text_to(out, sizeof out);
    const char *wrong;

    snprintf(text, sizeof text, "v=spf1 %s", good[_i].terms);
    wrong = spf_record_read(slice_of(text), &record, &fault);
    ck_assert_msg(wrong == NULL, "%s: \"%.*s\" %s", text, (int)fault.len, fault.ptr, wrong);
    while (spf_term_next(&record.terms, &term))
        show(&t, &term);
    ck_assert_msg(strcmp(out, good[_i].out) == 0, "%s is %s", text, out);
}
END_TEST

/* Each behind a good term, and before one: a fault anywhere spoils the record. */
static const struct {
    const char *term, *words;
} bad[] = {
    {"moo", "no mechanism"},
    {"all.", "no mechanism"},
    {"all:a.b", "nothing may stand"},
    {"all/8", "nothing may stand"},
    {"+-all", "no term"},
    {"-", "no term"},
    {"1up=foo", "no term"},
    {"=all", "no term"},
    {"\x80"
     "a:b.c",
     "no term"},
    {"a:b.c\x01", "does not name a domain"},
    {"-exp=a.b", "no sign in front"},
    {"-foo=a.b", "no sign in front"},
    {"include", "lacks the ':'"},
    {"include:", "does not name a domain"},
    {"include/24", "lacks the ':'"},
    {"include:a.b/24", "does not name a domain"},
    {"exists", "lacks the ':'"},
    {"exists:a", "does not name a domain"},
    {"redirect:a.b", "no mechanism"},
    {"redirect=", "does not name a domain"},
    {"redirect=-all", "does not name a domain"},
    {"exp=", "does not name a domain"},
    {"exp=%{t}.a.b", "does not name a domain"},
    {"exp=c.d", "twice"},
    {"redirect=c.d", "twice"},
    {"foo=%abc", "broken macro"},
    {"a:", "does not name a domain"},
    {"a/", "from 0 to 32"},
    {"a//", "from 0 to 128"},
    {"a/33", "from 0 to 32"},
    {"a/08", "from 0 to 32"},
    {"a//129", "from 0 to 128"},
    {"a/24/24", "nothing may stand"},
    {"a/24//", "from 0 to 128"},
    {"a:b.c/24/24", "does not name a domain"},
    {"a:b.c:8080", "does not name a domain"},
    {"a%{d}", "nothing may stand"},
    {"mx:/24", "does not name a domain"},
    {"ptr/0", "nothing may stand"},
    {"ptr:", "does not name a domain"},
    {"ip4", "lacks the ':'"},
    {"ip4:", "IPv4 address"},
    {"ip4:1.2.3", "IPv4 address"},
    {"ip4:01.2.3.4", "IPv4 address"},
    {"ip4:1.2.3.4/33", "from 0 to 32"},
    {"ip4:1.2.3.4/032", "from 0 to 32"},
    {"ip4:1.2.3.4/", "from 0 to 32"},
    {"ip4:1.2.3.4//32", "IPv4 address"},
    {"ip4:1.2.3.4:25", "IPv4 address"},
    {"ip4:::1", "IPv4 address"},
    {"ip4:::ffff:1.2.3.4", "IPv4 address"},
    {"ip6:1.2.3.4", "IPv6 address"},
    {"ip6::CAFE::BABE", "IPv6 address"},
    {"ip6:::1/129", "from 0 to 128"},
    {"ip6:::1//33", "IPv6 address"},
    {"ip6:fe80::1%1", "IPv6 address"},
};

START_TEST(bad_terms)
{
    char text[256];
    struct spf_record record;
    struct slice fault;
    const char *wrong;

    snprintf(text, sizeof text, "v=spf1 ip4:192.0.2.1 exp=a.b redirect=a.b %s -all", bad[_i].term);
    wrong = spf_record_read(slice_of(text), &record, &fault);
    ck_assert_msg(wrong != NULL && strstr(wrong, bad[_i].words) != NULL, "%s: %s", bad[_i].term,
                  wrong);
    ck_assert_msg(slice_is(fault, bad[_i].term), "%s", bad[_i].term);
}
END_TEST

/* Behind the end of a C string too. */
START_TEST(a_nul_is_no_end)
{
    static const char all[] = "v=spf1 \0all", name[] = "v=spf1 a:b.c\0";
    struct spf_record record;
    struct slice fault;

    ck_assert_ptr_nonnull(spf_record_read((struct slice){all, sizeof all - 1}, &record, &fault));
    ck_assert_ptr_nonnull(spf_record_read((struct slice){name, sizeof name - 1}, &record, &fault));
}
END_TEST

TCase *test_spf_record(void)
{
    TCase *tcase = tcase_create("spf/record");

    tcase_add_test(tcase, which_text_is_a_record);
    tcase_add_loop_test(tcase, good_terms, 0, (int)ARRAY_LEN(good));
    tcase_add_loop_test(tcase, bad_terms, 0, (int)ARRAY_LEN(bad));
    tcase_add_test(tcase, a_nul_is_no_end);
    return tcase;
}
