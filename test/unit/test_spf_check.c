/*
 * test_spf_check.c - SPF checks by the public API: who is checked, what counts, what is told. The
 * grammar and the mechanisms are in test_spf_vectors.c and beside it.
 */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "spf_world.h"
#include "test.h"

enum { TXT = DNS_TYPE_TXT, A = DNS_TYPE_A, AAAA = DNS_TYPE_AAAA, MX = DNS_TYPE_MX };
enum { PTR = DNS_TYPE_PTR, CNAME = DNS_TYPE_CNAME, LATE = 0 };

#define LIMITS                                                                                     \
    "v=spf1 a:a.example.org a:a.example.org a:a.example.org a:a.example.org "                      \
    "a:a.example.org a:a.example.org a:a.example.org a:a.example.org "

static struct spf_world w;

static const struct spf_zone zone[] = {
    {"example.org", TXT, "v=spf1 ip4:192.0.2.1 ~all"},
    {"_u.example.org", TXT, "v=spf1 +all"},
    {"xn--bcher-kva.example.org", TXT, "v=spf1 +all"},
    {"mx.example.org", TXT, "v=spf1 ?ip4:192.0.2.0/24 -all"},

    {"include.example.org", TXT, "v=spf1 ?include:pass.example.org -all"},
    {"pass.example.org", TXT, "v=spf1 ip4:192.0.2.1 -all exp=exp.example.org"},
    {"redirect.example.org", TXT, "v=spf1 exp=no.example.org redirect=pass.example.org"},
    {"implicit.example.org", TXT, "v=spf1 ip4:203.0.113.1"},

    /* explanations */
    {"exp.example.org", TXT, "%{i} is none of %{d}'s, says %{r}, to %{h}"},
    {"long.example.org", TXT, "v=spf1 -all exp=longer.example.org"},
    {"longer.example.org", TXT,
     "%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}"
     "%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{h}%{"
     "h}"},
    {"helo.example.org", TXT, "v=spf1 -all exp=says.example.org"},
    {"says.example.org", TXT, "you said %{h}"},
    {"local.example.org", TXT, "v=spf1 exists:%{l}.ok.example.org -all exp=l.example.org"},
    {"l.example.org", TXT, "to %{l}"},
    {"a;b\\c d.ok.example.org", A, "127.0.0.2"},
    {"nobody.example.org", TXT, "v=spf1 -all exp=%{l}..example.org"},
    {"p-exp.example.org", TXT,
     "v=spf1 a:void.example.org a:void.example.org a:a.example.org -all exp=p.example.org"},
    {"p.example.org", TXT, "you are %{p}"},

    /* what is wrong */
    {"syntax.example.org", TXT, "v=spf1 ip4:192.0.2.1 moo"},
    {"two.example.org", TXT, "v=spf1 +all"},
    {"two.example.org", TXT, "v=spf1 -all"},
    {"empty-include.example.org", TXT, "v=spf1 include:void.example.org"},
    {"empty-redirect.example.org", TXT, "v=spf1 redirect=void.example.org"},
    {"nested.example.org", TXT, "v=spf1 include:empty-redirect.example.org"},
    {"include-no-name.example.org", TXT, "v=spf1 include:a..b +all"},
    {"redirect-no-name.example.org", TXT, "v=spf1 redirect=a..b"},
    {"late.example.org", LATE, NULL},
    {"late-a.example.org", TXT, "v=spf1 a:late.example.org +all"},
    {"late-mx.example.org", TXT, "v=spf1 mx:late.example.org +all"},
    {"late-host.example.org", TXT, "v=spf1 mx:late-mx-host.example.org +all"},
    {"late-mx-host.example.org", MX, "10 late.example.org"},
    {"late-exists.example.org", TXT, "v=spf1 exists:late.example.org +all"},
    {"late-exp.example.org", TXT, "v=spf1 -all exp=late.example.org"},
    {"loop.example.org", TXT, "v=spf1 redirect=loop.example.org"},
    {"bomb.example.org", TXT, "v=spf1 include:bomb.example.org include:bomb.example.org"},

    /* limits */
    {"a.example.org", A, "198.51.100.1"},
    {"ten.example.org", TXT, LIMITS "a:a.example.org a:a.example.org all"},
    {"eleven.example.org", TXT, LIMITS "a:a.example.org a:a.example.org a:a.example.org all"},
    {"ten-p.example.org", TXT, LIMITS "exists:%{p}.example.org all"},
    {"eleven-p.example.org", TXT, LIMITS "a:a.example.org exists:%{p}.example.org all"},
    {"two-p.example.org", TXT, LIMITS "exists:%{p}.example.org ptr:void.example.org all"},
    {"unknown.example.org", A, "127.0.0.2"},
    {"voids.example.org", TXT, "v=spf1 a:void.example.org mx:void.example.org +all"},
    {"three.example.org", TXT, "v=spf1 a:v.example.org mx:v.example.org exists:v.example.org +all"},
    {"void-mx.example.org", TXT, "v=spf1 mx:four.example.org mx:four.example.org +all"},
    {"void-mxs.example.org", TXT,
     "v=spf1 mx:four.example.org mx:four.example.org mx:four.example.org +all"},
    {"four.example.org", MX, "10 v1.example.org"},
    {"four.example.org", MX, "10 v2.example.org"},
    {"four.example.org", MX, "10 v3.example.org"},
    {"four.example.org", MX, "10 a.example.org"},
    {"null-mx.example.org", TXT, "v=spf1 mx:null.example.org"},
    {"null.example.org", MX, "0 ."},
    {"odd-mx.example.org", TXT, "v=spf1 mx:odd.example.org"},
    {"odd.example.org", MX, "0 a\\.b.example.org"},
    {"odd.example.org", MX, "0 \\195\\164.example.org"},
    {"odd.example.org", MX, "0 1:2/3.example.org"},
    {"1:2/3.example.org", A, "192.0.2.1"},

    /* the client's names */
    {"ptr.example.org", TXT, "v=spf1 ptr:example.com ptr:example.net -all"},
    {"ptr-none.example.org", TXT, "v=spf1 ptr:a.org ptr:b.org ptr:c.org ptr:d.org -all"},
    {"8.2.0.192.in-addr.arpa", PTR, "bad.example.com"},
    {"8.2.0.192.in-addr.arpa", PTR, "void.example.com"},
    {"8.2.0.192.in-addr.arpa", PTR, "late.example.net"},
    {"8.2.0.192.in-addr.arpa", PTR, "good.example.net"},
    {"bad.example.com", A, "192.0.2.9"},
    {"late.example.net", LATE, NULL},
    {"good.example.net", A, "192.0.2.8"},
    {"9.2.0.192.in-addr.arpa", LATE, NULL},

    /* families and aliases */
    {"family.example.org", TXT, "v=spf1 a:dual.example.org/24//32 -all"},
    {"dual.example.org", A, "192.0.2.77"},
    {"dual.example.org", AAAA, "2001:db8:ffff::1"},
    {"alias.example.org", CNAME, "example.org"},
    {0}};

static const struct check_case {
    const char *name, *mail_from, *ip;
    int result;
    unsigned lookups, voids;
    const char *mechanism, *explanation; /* explanation: words of it; "": there is none */
} cases[] = {
    {"a match", "me@example.org", "192.0.2.1", MOX_SPF_PASS, 0, 0, "ip4:192.0.2.1", ""},
    {"another", "me@example.org", "192.0.2.2", MOX_SPF_SOFTFAIL, 0, 0, "~all", ""},
    {"a domain alone", "example.org", "192.0.2.1", MOX_SPF_PASS, 0, 0, "ip4:192.0.2.1", ""},
    {"an address that is mapped", "example.org", "::ffff:192.0.2.1", MOX_SPF_PASS, 0, 0,
     "ip4:192.0.2.1", ""},
    {"the null sender", "", "192.0.2.1", MOX_SPF_NEUTRAL, 0, 0, "?ip4:192.0.2.0/24", ""},
    {"no sender", NULL, "192.0.3.1", MOX_SPF_FAIL, 0, 0, "-all", ""},
    {"an underscore", "me@_u.example.org", "192.0.2.1", MOX_SPF_PASS, 0, 0, "+all", ""},
    {"U-labels",
     "me@b\xc3\xbc"
     "cher.example.org",
     "192.0.2.1", MOX_SPF_PASS, 0, 0, "+all", ""},
    {"no record", "me@a.example.org", "192.0.2.1", MOX_SPF_NONE, 0, 0, "", ""},
    {"no such name", "me@void.example.org", "192.0.2.1", MOX_SPF_NONE, 0, 0, "", ""},
    {"a single label", "me@localhost", "192.0.2.1", MOX_SPF_NONE, 0, 0, "", ""},
    {"a literal", "me@[192.0.2.1]", "192.0.2.1", MOX_SPF_NONE, 0, 0, "", ""},
    {"an address for a domain", "me@192.0.2.1", "192.0.2.1", MOX_SPF_NONE, 0, 0, "", ""},
    {"a final dot", "me@example.org.", "192.0.2.1", MOX_SPF_NONE, 0, 0, "", ""},
    {"an alias", "me@alias.example.org", "192.0.2.1", MOX_SPF_PASS, 0, 0, "ip4:192.0.2.1", ""},
    {"include", "me@include.example.org", "192.0.2.1", MOX_SPF_NEUTRAL, 1, 0,
     "?include:pass.example.org", ""},
    {"include that fails", "me@include.example.org", "192.0.2.2", MOX_SPF_FAIL, 1, 0, "-all", ""},
    {"redirect", "me@redirect.example.org", "192.0.2.2", MOX_SPF_FAIL, 1, 0, "-all",
     "192.0.2.2 is none of pass.example.org's, says unknown, to mx.example.org"},
    {"nothing matches", "me@implicit.example.org", "192.0.2.1", MOX_SPF_NEUTRAL, 0, 0, "default",
     ""},

    {"a fail without a local part that is ASCII", "j\xc3\xb6rg@local.example.org", "192.0.2.1",
     MOX_SPF_FAIL, 1, 0, "-all", ""},
    {"exp of no name", "me@nobody.example.org", "192.0.2.1", MOX_SPF_FAIL, 0, 0, "-all", ""},
    {"bytes of no host name", "a;b\\c d@local.example.org", "192.0.2.1", MOX_SPF_PASS, 1, 0,
     "exists:%{l}.ok.example.org", ""},
    {"an explanation costs nothing", "me@p-exp.example.org", "192.0.2.1", MOX_SPF_FAIL, 3, 2,
     "-all", "you are unknown"},

    {"syntax", "me@syntax.example.org", "192.0.2.1", MOX_SPF_PERMERROR, 0, 0, "",
     "syntax.example.org: \"moo\" is no mechanism of SPF"},
    {"two records", "me@two.example.org", "192.0.2.1", MOX_SPF_PERMERROR, 0, 0, "",
     "two.example.org has several SPF records"},
    {"include of nothing", "me@empty-include.example.org", "192.0.2.1", MOX_SPF_PERMERROR, 1, 0,
     "include:void.example.org",
     "void.example.org has no SPF record, and empty-include.example.org"
     " includes it"},
    {"redirect to nothing", "me@empty-redirect.example.org", "192.0.2.1", MOX_SPF_PERMERROR, 1, 0,
     "redirect=void.example.org", "void.example.org has no SPF record, and a redirect leads there"},
    {"both", "me@nested.example.org", "192.0.2.1", MOX_SPF_PERMERROR, 2, 0,
     "include:empty-redirect.example.org", "and a redirect leads there"},
    {"include of no name", "me@include-no-name.example.org", "192.0.2.1", MOX_SPF_PERMERROR, 1, 0,
     "include:a..b", "does not lead to a domain name"},
    {"redirect to no name", "me@redirect-no-name.example.org", "192.0.2.1", MOX_SPF_PERMERROR, 1, 0,
     "redirect=a..b", "does not lead to a domain name"},
    {"no answer", "me@late.example.org", "192.0.2.1", MOX_SPF_TEMPERROR, 0, 0, "",
     "no answer from the name servers for TXT of late.example.org"},
    {"no answer for a", "me@late-a.example.org", "192.0.2.1", MOX_SPF_TEMPERROR, 1, 0,
     "a:late.example.org", "for A of late.example.org"},
    {"no answer for mx", "me@late-mx.example.org", "192.0.2.1", MOX_SPF_TEMPERROR, 1, 0,
     "mx:late.example.org", "for MX of late.example.org"},
    {"no answer for a host", "me@late-host.example.org", "192.0.2.1", MOX_SPF_TEMPERROR, 1, 0,
     "mx:late-mx-host.example.org", "for A of late.example.org"},
    {"no answer for exists", "me@late-exists.example.org", "2001:db8::1", MOX_SPF_TEMPERROR, 1, 0,
     "exists:late.example.org", "for A of late.example.org"},
    {"no answer for exp", "me@late-exp.example.org", "192.0.2.1", MOX_SPF_FAIL, 0, 0, "-all", ""},
    {"redirect without end", "me@loop.example.org", "192.0.2.1", MOX_SPF_PERMERROR, 10, 0,
     "redirect=loop.example.org", "limit of 10 lookups"},
    {"include without end", "me@bomb.example.org", "192.0.2.1", MOX_SPF_PERMERROR, 10, 0,
     "include:bomb.example.org", "limit of 10 lookups"},

    {"10 lookups", "me@ten.example.org", "192.0.2.1", MOX_SPF_PASS, 10, 0, "all", ""},
    {"11 lookups", "me@eleven.example.org", "192.0.2.1", MOX_SPF_PERMERROR, 10, 0,
     "a:a.example.org", "limit of 10 lookups"},
    {"10 lookups, one for %{p}", "me@ten-p.example.org", "192.0.2.1", MOX_SPF_PASS, 10, 1,
     "exists:%{p}.example.org", ""},
    {"11 lookups, one for %{p}", "me@eleven-p.example.org", "192.0.2.1", MOX_SPF_PERMERROR, 10, 0,
     "exists:%{p}.example.org", "limit of 10 lookups"},
    {"2 void ones", "me@voids.example.org", "192.0.2.1", MOX_SPF_PASS, 2, 2, "+all", ""},
    {"3 void ones", "me@three.example.org", "192.0.2.1", MOX_SPF_PERMERROR, 3, 3,
     "exists:v.example.org", "third lookup that finds nothing"},
    {"a term is void once", "me@void-mx.example.org", "192.0.2.1", MOX_SPF_PASS, 2, 2, "+all", ""},
    {"each term is", "me@void-mxs.example.org", "192.0.2.1", MOX_SPF_PERMERROR, 3, 3,
     "mx:four.example.org", "third lookup that finds nothing"},
    {"null MX", "me@null-mx.example.org", "192.0.2.1", MOX_SPF_NEUTRAL, 1, 0, "default", ""},
    {"MX of odd names", "me@odd-mx.example.org", "192.0.2.1", MOX_SPF_PASS, 1, 0,
     "mx:odd.example.org", ""},

    {"names of the client", "me@ptr.example.org", "192.0.2.8", MOX_SPF_PASS, 2, 0,
     "ptr:example.net", ""},
    {"none of them", "me@ptr-none.example.org", "192.0.2.8", MOX_SPF_FAIL, 4, 0, "-all", ""},
    {"no name", "me@ptr-none.example.org", "192.0.2.1", MOX_SPF_FAIL, 4, 1, "-all", ""},
    {"no answer for its name", "me@ptr-none.example.org", "192.0.2.9", MOX_SPF_FAIL, 4, 0, "-all",
     ""},
    {"IPv4", "me@family.example.org", "192.0.2.1", MOX_SPF_PASS, 1, 0, "a:dual.example.org/24//32",
     ""},
    {"IPv6", "me@family.example.org", "2001:db8::1", MOX_SPF_PASS, 1, 0,
     "a:dual.example.org/24//32", ""},
};

START_TEST(one_check)
{
    const struct check_case *c = &cases[_i];
    const struct mox_spf_result *r = &w.result;

    w.mail_from = c->mail_from;
    w.ip = c->ip;
    ck_assert_msg(spf_world_check(&w) == MOX_OK, "%s: %s", c->name, w.err.message);
    ck_assert_int_eq(w.done, 1);
    ck_assert_msg(r->result == c->result, "%s: %s, %s\n%s", c->name, mox_spf_name(r->result),
                  r->explanation, w.asked);
    ck_assert_msg(r->lookups == c->lookups && r->void_lookups == c->voids, "%s: %u, %u\n%s",
                  c->name, r->lookups, r->void_lookups, w.asked);
    ck_assert_msg(strcmp(r->mechanism, c->mechanism) == 0, "%s: %s", c->name, r->mechanism);
    ck_assert_msg(strstr(r->explanation, c->explanation) != NULL &&
                      (c->explanation[0] != '\0' || r->explanation[0] == '\0'),
                  "%s: %s", c->name, r->explanation);
}
END_TEST

static void ask_of(const char *mail_from, const char *ip, const char *asked)
{
    w.mail_from = mail_from;
    w.ip = ip;
    ck_assert_int_eq(spf_world_check(&w), MOX_OK);
    ck_assert_str_eq(w.asked, asked);
}

/* Nothing is asked for twice where once will do, and nothing that cannot matter. */
START_TEST(questions)
{
    ask_of("me@example.org", "192.0.2.1", "TXT example.org\n");
    ask_of("me@localhost", "192.0.2.1", "");
    ask_of("me@include-no-name.example.org", "192.0.2.1", "TXT include-no-name.example.org\n");
    ask_of("me@family.example.org", "2001:db8::1",
           "TXT family.example.org\nAAAA dual.example.org\n");
    ask_of(
        "me@ptr.example.org", "192.0.2.8",
        "TXT ptr.example.org\nPTR 8.2.0.192.in-addr.arpa\nA bad.example.com\nA void.example.com\n"
        "A late.example.net\nA good.example.net\n");
    ask_of("me@two-p.example.org", "192.0.2.9",
           "TXT two-p.example.org\nA a.example.org\nA a.example.org\nA a.example.org\n"
           "A a.example.org\nA a.example.org\nA a.example.org\nA a.example.org\nA a.example.org\n"
           "PTR 9.2.0.192.in-addr.arpa\nA unknown.example.org\n");
    ask_of("me@odd-mx.example.org", "192.0.2.1",
           "TXT odd-mx.example.org\nMX odd.example.org\nA 1:2/3.example.org\n");
    ask_of("me@late-exp.example.org", "192.0.2.1",
           "TXT late-exp.example.org\nTXT late.example.org\n");
}
END_TEST

START_TEST(strangers_words_are_clean_and_bounded)
{
    w.helo = "\033[2Jmx\xc3\xa4\x80";
    w.mail_from = "me@helo.example.org";
    ck_assert_int_eq(spf_world_check(&w), MOX_OK);
    ck_assert_str_eq(w.result.explanation, "you said ?[2Jmx???");
    w.helo = "a.name.that.is.long.enough";
    w.mail_from = "me@long.example.org";
    ck_assert_int_eq(spf_world_check(&w), MOX_OK);
    ck_assert_int_eq(w.result.result, MOX_SPF_FAIL);
    ck_assert_uint_eq(strlen(w.result.explanation), sizeof w.result.explanation - 1);
}
END_TEST

/* 11 MX hosts, of which the first is ours. */
START_TEST(mx_hosts_are_limited)
{
    static char targets[MOX_LIMIT_SPF_MX + 1][32];
    struct spf_zone hosts[MOX_LIMIT_SPF_MX + 4] = {{"example.org", TXT, "v=spf1 mx"},
                                                   {"h0.example.org", A, "192.0.2.1"}};

    for (size_t i = 0; i <= MOX_LIMIT_SPF_MX; i++) {
        snprintf(targets[i], sizeof targets[i], "10 h%zu.example.org", i);
        hosts[2 + i] = (struct spf_zone){"example.org", MX, targets[i]};
    }
    w.zone = hosts;
    ck_assert_int_eq(spf_world_check(&w), MOX_OK);
    ck_assert_int_eq(w.result.result, MOX_SPF_PERMERROR);
    ck_assert_ptr_nonnull(strstr(w.result.explanation, "over 10 MX hosts"));
    hosts[2 + MOX_LIMIT_SPF_MX] = (struct spf_zone){0};
    ck_assert_int_eq(spf_world_check(&w), MOX_OK);
    ck_assert_int_eq(w.result.result, MOX_SPF_PASS);
}
END_TEST

/* 11 names, of which the last would do. */
START_TEST(ptr_names_are_limited)
{
    static char names[MOX_LIMIT_PTR + 1][32];
    struct spf_zone hosts[MOX_LIMIT_PTR + 4] = {{"example.org", TXT, "v=spf1 ptr"},
                                                {"h10.example.org", A, "192.0.2.1"}};

    for (size_t i = 0; i <= MOX_LIMIT_PTR; i++) {
        snprintf(names[i], sizeof names[i], "h%zu.example.org", i);
        hosts[2 + i] = (struct spf_zone){"1.2.0.192.in-addr.arpa", PTR, names[i]};
    }
    w.zone = hosts;
    ck_assert_int_eq(spf_world_check(&w), MOX_OK);
    ck_assert_int_eq(w.result.result, MOX_SPF_NEUTRAL);
    ck_assert_ptr_null(strstr(w.asked, "A h10"));
    hosts[2 + MOX_LIMIT_PTR - 1] = hosts[2 + MOX_LIMIT_PTR];
    ck_assert_int_eq(spf_world_check(&w), MOX_OK);
    ck_assert_int_eq(w.result.result, MOX_SPF_PASS);
}
END_TEST

/* With the lengths of its strings it fills the rdata; the last term counts. */
START_TEST(the_longest_record)
{
    static char text[UINT16_MAX - 256 + 1];
    struct spf_zone big[] = {{"example.org", TXT, text}, {0}};

    memset(text, ' ', sizeof text - 1);
    memcpy(text, "v=spf1", 6);
    memcpy(text + sizeof text - 5, "-all", 4);
    w.zone = big;
    ck_assert_int_eq(spf_world_check(&w), MOX_OK);
    ck_assert_int_eq(w.result.result, MOX_SPF_FAIL);
}
END_TEST

START_TEST(a_name_that_grows_is_bounded)
{
    static char text[6000];
    struct spf_zone bomb[] = {{"example.org", TXT, text}, {0}};

    strcpy(text, "v=spf1 a:");
    while (strlen(text) < sizeof text - 5)
        strcat(text, "%{d}");
    w.zone = bomb;
    ck_assert_int_eq(spf_world_check(&w), MOX_OK);
    ck_assert_int_eq(w.result.result, MOX_SPF_PERMERROR);
    ck_assert_ptr_nonnull(strstr(w.result.explanation, "\" expands to over 8 KiB"));
    ck_assert_uint_eq(strlen(w.result.mechanism), sizeof w.result.mechanism - 1);
}
END_TEST

START_TEST(results_have_names)
{
    static const char *const names[] = {"none",     "neutral",   "pass",     "fail",
                                        "softfail", "temperror", "permerror"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        ck_assert_str_eq(mox_spf_name((int)i), names[i]);
    ck_assert_str_eq(mox_spf_name((int)ARRAY_LEN(names)), "unknown");
    ck_assert_str_eq(mox_spf_name(-1), "unknown");
}
END_TEST

static void setup(void)
{
    spf_world_open(&w);
    w.zone = zone;
}

static void teardown(void)
{
    spf_world_close(&w);
}

TCase *test_spf_check(void)
{
    TCase *tcase = tcase_create("spf/check");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, one_check, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tcase, questions);
    tcase_add_test(tcase, strangers_words_are_clean_and_bounded);
    tcase_add_test(tcase, mx_hosts_are_limited);
    tcase_add_test(tcase, ptr_names_are_limited);
    tcase_add_test(tcase, the_longest_record);
    tcase_add_test(tcase, a_name_that_grows_is_bounded);
    tcase_add_test(tcase, results_have_names);
    return tcase;
}
