/* test_config_syntax.c - sconf's grammar: each fault with its line, its key and its cure. */
#include <string.h>

#include "config_world.h"
#include "test.h"

static struct world w;

#define DIRECT "Transports:\n\ta:\n\t\tDirect:\n"

/* Each text has one error and no other. */
static const struct syntax_case {
    const char *name, *text;
    int line;
    const char *key, *words, *cure;
} cases[] = {
    {"no colon in a struct", "Hostname\n", 1, "", "missing colon", "KEY: VALUE"},
    {"no colon in a map", "Transports:\n\ta\n", 2, "Transports", "missing colon", "KEY: VALUE"},
    {"white space alone", "Hostname: a\n\t \n", 2, "", "stray whitespace", "empty it"},
    {"a TAB alone in a list", "LocalIPs:\n\t- 192.0.2.1\n\t\n", 3, "", "white space", "empty"},
    {"no colon, spaces", DIRECT "\t\t\tDisableIPv4: true\n\t\t\t x\n", 5, NULL, "missing colon",
     "mixed tab/space"},
    {"empty key", ": v\n", 1, "", "empty key", "before the colon"},
    {"empty name", "Transports:\n\t: nil\n", 2, "Transports", "empty name", "before the colon"},
    {"SP before a key", " Hostname: x\n", 1, "", "key starts with a space", "TABs"},
    {"SP before a name", "Transports:\n\t a: nil\n", 2, "Transports", "name starts with a space",
     "TABs"},
    {"key twice", "TrustAD: true\nAllowSpecial: true\nTrustAD: true\n", 3, "TrustAD",
     "duplicate key, it is on line 1", "remove one"},
    {"name twice", "Transports:\n\ta: nil\n\tb: nil\n\ta:\n\t\tDirect:\n", 4, "Transports.a",
     "duplicate name, it is on line 2", "remove one"},
    {"no SP in a struct", "Hostname:v\n", 1, "Hostname", "missing space after colon", "write one"},
    {"no SP, and an unknown key", "Zebra:v\n", 1, "Zebra", "missing space after colon",
     "write one"},
    {"no SP in a map", "Transports:\n\ta:nil\n", 2, "Transports.a", "missing space after colon",
     ""},
    {"unknown key", DIRECT "\t\t\tDisableIPv5x: true\n", 4, "Transports.a.Direct.DisableIPv5x",
     "unknown key \"DisableIPv5x\"", "did you mean \"DisableIPv4\" or \"DisableIPv6\"?"},
    {"unknown key, none near", "Zebra: 1\n", 1, "Zebra", "unknown key \"Zebra\"", "remove it"},
    {"case counts", "hostname: x\n", 1, "hostname", "unknown key", "did you mean \"Hostname\"?"},
    {"white space in a key", "Hostname : x\n", 1, "Hostname ", "stray whitespace in key", "remove"},
    {"one TAB too many", DIRECT "\t\t\tDisableIPv4: true\n\t\t\t\tDisableIPv6: false\n", 5,
     "Transports.a.Direct", "unknown key \"DisableIPv6\"", "remove 1 of the TABs"},
    {"required key", "Routes:\n\t-\n\t\tMinimumAttempts: 1\n", 2, "Routes[0].Transport",
     "missing required key \"Transport\"", "add it"},
    {"required at the top", "Listeners:\n\tpublic:\n\t\tIPs:\n\t\t\t- ::\n", 1, "Hostname",
     "missing required key \"Hostname\"", "add it"},
    {"a struct without keys", DIRECT, 3, "Transports.a.Direct", "expected indent", "or remove"},
    {"an entry without keys", "Transports:\n\ta:\n\tb: nil\n", 2, "Transports.a", "expected indent",
     "\"nil\""},
    {"text behind a block", "Transports: x\n", 1, "Transports", "expected indent",
     "one TAB deeper"},
    {"text behind a block, with its TABs", "Transports: \ta: nil\n", 1, "Transports",
     "expected indent", "one TAB deeper"},
    {"a method that is nil", "Transports:\n\ta:\n\t\tDirect: nil\n", 3, "Transports.a.Direct",
     "expected indent", "one TAB deeper"},
    {"no item", "LocalIPs:\n\t192.0.2.1\n", 2, "LocalIPs", "expected item, saw \"192.0.2.1\"",
     "\"- \""},
    {"item too deep", "LocalIPs:\n\t\t- 192.0.2.1\n", 2, "LocalIPs", "expected item",
     "remove 1 of the TABs"},
    {"no SP behind a dash", "LocalIPs:\n\t-192.0.2.1\n", 2, "LocalIPs", "missing space after -",
     "\"- \""},
    {"boolean", "TrustAD: yes\n", 1, "TrustAD", "bad boolean value \"yes\"", "true or false"},
    {"blank behind a boolean", "TrustAD: true \n", 1, "TrustAD", "bad boolean value \"true \"",
     "remove it"},
    {"integer", "Transports:\n\ta:\n\t\tFail:\n\t\t\tSMTPCode: x\n", 4,
     "Transports.a.Fail.SMTPCode", "parsing integer", "invalid syntax"},
    {"integer too large", "Transports:\n\ta:\n\t\tFail:\n\t\t\tSMTPCode: 9223372036854775808\n", 4,
     "Transports.a.Fail.SMTPCode", "parsing integer", "value out of range"},
    {"duration", "RaceDelay: 1\n", 1, "RaceDelay", "parsing duration", "300ms"},

    {"CR LF", "Hostname: a.example\r\nTrustAD: true\r\nLocalIPs:\r\n\t- 192.0.2.1\r\n", 1, "",
     "line ends in a carriage return", "LF line ends"},
    {"CR in a comment", "TrustAD: true\n# x\r\n", 2, "", "carriage return", "LF"},
    {"byte order mark", "\xef\xbb\xbfTrustAD: true\n", 1, "", "byte order mark", "without it"},
    {"invalid UTF-8", "TrustAD: true\nTransports:\n\ta\xff: nil\n", 3, "",
     "invalid UTF-8 at byte 3 of the line, offset 28 of the file", "UTF-8"},
    {"invalid UTF-8 in a value", "Hostname: \xc3(\n", 1, "", "invalid UTF-8 at byte 11", ""},
    {"blank at a name's end", "Transports:\n\ta : nil\n", 2, "Transports", "white space", "remove"},
    {"TAB before a name", "Transports:\n\t\ta: nil\n", 2, "Transports", "name starts with a TAB",
     "remove 1"},

    {"YAML: the item at the key's depth",
     "Routes:\n-\n\tToDomain:\n\t\t- a.example\n\tTransport: x\n", 1, "Routes", "expected indent",
     "one TAB deeper"},
    {"YAML: spaces", "Transports:\n    a:\n        Direct:\n            DisableIPv6: true\n", 1,
     "Transports", "expected indent: line 2 is indented with spaces", "TABs"},
    {"YAML: a key behind the dash", "Routes:\n\t- ToDomain: example.org\n\t\tTransport: x\n", 2,
     "Routes[0]", "expected indent", "each name on its own line, one TAB deeper still, after"},
    {"a list on one line",
     "Transports:\n\tx: nil\nRoutes:\n\t-\n\t\tToDomain: a.example\n"
     "\t\tTransport: x\n",
     5, "Routes[0].ToDomain", "expected indent", "each item on its own line"},
    {"misspelt block", "Transprots:\n\tx: nil\nRoutes:\n\t-\n\t\tTransport: x\n", 1, "Transprots",
     "unknown key", "did you mean \"Transports\"?"},
    {"a key of mox", "LogLevel: info\n", 1, "LogLevel", "unknown key \"LogLevel\" in moxdial.conf",
     "belongs in mox.conf"},
};

START_TEST(one_fault)
{
    const struct syntax_case *c = &cases[_i];
    struct mox_config *config = world_build(&w, c->text);
    const struct world_problem *p = world_find(&w, c->line, c->key, c->words);

    if (config != NULL || p == NULL || w.n != 1)
        world_print(&w);
    ck_assert_msg(config == NULL, "%s: accepted", c->name);
    ck_assert_msg(p != NULL, "%s: not told", c->name);
    ck_assert_msg(strstr(p->message, c->cure) != NULL, "%s: %s", c->name, p->message);
    ck_assert_msg(w.n == 1, "%s: %zu problems", c->name, w.n);
    ck_assert_int_eq(w.err.code, MOX_E_CONFIG);
    ck_assert_int_eq(w.err.stage, MOX_STAGE_CONFIG);
    ck_assert_int_eq(w.err.line, c->line);
    ck_assert_str_eq(w.err.host, "t.conf");
    ck_assert_msg(strncmp(w.err.message, "t.conf:", 7) == 0, "%s", w.err.message);
}
END_TEST

static const struct good_case {
    const char *name, *text;
} good[] = {
    {"empty", ""},
    {"comments alone", "# x\n\n  \t# y\n\xc2\xa0# z"},
    {"no final newline", "TrustAD: true"},
    {"comments and blank lines in blocks", DIRECT "\n# x\n\t\t\t# y\n\t\t\tDisableIPv6: true\n"},
    {"SP behind a block's colon", "Transports: \n\ta: \n\t\tDirect: \n\t\t\tDisableIPv6: true\n"},
    {"SP behind a dash", "Transports:\n\tx: nil\nRoutes:\n\t- \n\t\tTransport: x\n"},
    {"nil", "Transports:\n\ta: nil\n"},
    {"names of any kind", "Transports:\n\t\xe2\x98\x83 x: nil\n\t-: nil\n\t- x: nil\n"},
    {"IPv6 as a name", "SPFIPMap:\n\tfd00::/8: 2001:db8::1\n\t::ffff:0:1: 192.0.2.1\n"},
    {"colons in a value", DIRECT "\t\t\tLocalIPs:\n\t\t\t\t- 2001:db8::1\n"},
    {"a value with # and blanks", "Transports:\n\ta:\n\t\tFail:\n\t\t\tSMTPMessage:  a: b # c \n"},
    {"keys in any order", "Routes:\n\t-\n\t\tTransport: a\nTransports:\n\ta: nil\n"},
};

START_TEST(accepted)
{
    struct mox_config *config = world_build(&w, good[_i].text);

    if (config == NULL || w.n > 0)
        world_print(&w);
    ck_assert_msg(config != NULL, "%s", good[_i].name);
    ck_assert_uint_eq(w.n, 0);
    ck_assert_int_eq(w.err.code, MOX_OK);
    config_release(config);
}
END_TEST

START_TEST(values_as_they_stand)
{
    struct mox_config *config =
        world_build(&w, "Transports:\n\ta:\n\t\tFail:\n\t\t\tSMTPMessage:  a: b # c \n");

    ck_assert_ptr_nonnull(config);
    ck_assert_str_eq(config->transports[0].smtp_message, " a: b # c ");
    config_release(config);
}
END_TEST

START_TEST(nul_ends_the_file)
{
    static const char text[] = "TrustAD: true\nTransports:\n\ta\0b\n\xff\xfe\n";
    struct mox_config_source source = {"t.conf", text, sizeof text - 1};

    ck_assert_ptr_null(world_build_sources(&w, &source, 1));
    ck_assert_uint_eq(w.n, 1);
    ck_assert_ptr_nonnull(world_find(&w, 3, "", "NUL byte at byte 3 of the line, offset 28"));
}
END_TEST

START_TEST(password_is_not_quoted)
{
    world_build(&w, "Transports:\n\ta:\n\t\tSubmission:\n\t\t\tHost: a.example\n\t\t\tAuth:\n"
                    "\t\t\t\tUsername: u\n\t\t\t\tPassword=hunter2\n\t\t\t\thunter3\n");
    ck_assert_uint_ge(w.n, 1);
    for (size_t i = 0; i < w.n; i++)
        ck_assert_ptr_null(strstr(w.problems[i].message, "hunter"));
}
END_TEST

/* Every kind of fault in one file: each told once, in the order of the lines. */
START_TEST(all_at_once)
{
    struct mox_config *config =
        world_build(&w, "Hostname: Big.example\nRaceDelay: 9s\nTransports:\n\ta:\n\t\tDirekt:\n"
                        "\t\t\tx: y\n\tb:\n\t\tFail: 5\n\tc:\n\t\tFail:\n\t\t\tSMTPCode: 200\n"
                        "Routes:\n\t-\n\t\tToDomain: x\n\t-\n\t\tTransport: nowhere\n");

    ck_assert_ptr_null(config);
    if (w.n != 7)
        world_print(&w);
    ck_assert_ptr_nonnull(world_find(&w, 1, "Hostname", "unicode form"));
    ck_assert_ptr_nonnull(world_find(&w, 2, "RaceDelay", "100ms"));
    ck_assert_ptr_nonnull(world_find(&w, 5, "Transports.a.Direkt", "\"Direct\""));
    ck_assert_ptr_nonnull(world_find(&w, 8, "Transports.b.Fail", "expected indent"));
    ck_assert_ptr_nonnull(world_find(&w, 11, "Transports.c.Fail.SMTPCode", "4xx"));
    ck_assert_ptr_nonnull(world_find(&w, 14, "Routes[0].ToDomain", "list"));
    ck_assert_ptr_nonnull(world_find(&w, 16, "Routes[1].Transport", "undefined transport"));
    ck_assert_uint_eq(w.n, 7);
    for (size_t i = 1; i < w.n; i++)
        ck_assert_int_lt(w.problems[i - 1].line, w.problems[i].line);
}
END_TEST

TCase *test_config_syntax(void)
{
    TCase *tc = tcase_create("config_syntax");

    tcase_add_loop_test(tc, one_fault, 0, (int)ARRAY_LEN(cases));
    tcase_add_loop_test(tc, accepted, 0, (int)ARRAY_LEN(good));
    tcase_add_test(tc, values_as_they_stand);
    tcase_add_test(tc, nul_ends_the_file);
    tcase_add_test(tc, password_is_not_quoted);
    tcase_add_test(tc, all_at_once);
    return tc;
}
