/* test_config_show.c - what show and describe write, parsed back. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/schema.h"
#include "config_world.h"
#include "test.h"

static struct world w;

/* Every key of our own, and of mox; values that are not the default. */
static const char full[] =
    "Hostname: b\xc3\xbc"
    "cher.example\nLocalIPs:\n\t- 192.0.2.1\n\t- 2001:db8::1\n"
    "NATIPs:\n\t- 198.51.100.1\nSPFIPMap:\n\t10.0.0.0/8: 198.51.100.1\n\tfd00::1: 2001:db8::2\n"
    "TrustAD: false\nAllowSpecial: true\nRaceDelay: 250ms\nCAFile: /etc/ca.pem\n"
    "Timeouts:\n\tDNS: 1500ms\n\tConnect: 2s\n\tGreeting: 3s\n\tEHLO: 4s\n\tTLS: 5s\n\tAUTH: 6s\n"
    "\tMail: 7s\n\tRcpt: 8s\n\tData: 9s\n\tBlock: 10s\n\tFinalReply: 11s\n\tStore: 12s\n"
    "\tDial: 13s\nStore: redis:localhost:6379\n"
    "Transports:\n\td:\n\t\tDirect:\n\t\t\tDisableIPv6: true\n\t\t\tPrefer: learned\n"
    "\t\t\tLocalIPs:\n\t\t\t\t- 192.0.2.7\n\t\t\tEHLOHostname: e.example\n"
    "\t\t\tRequireReverseDNS: true\n\t\t\tRequireSPF: true\n\tempty:\n\t\tDirect:\n"
    "\t\t\tDisableIPv4: false\n\tf:\n\t\tFail:\n\t\t\tSMTPCode: 450\n"
    "\t\t\tSMTPMessage:  later # please\n\tnone: nil\n\tp:\n\t\tSocks:\n"
    "\t\t\tAddress: [2001:db8::9]:1080\n\t\t\tRemoteIPs:\n\t\t\t\t- 192.0.2.9\n"
    "\t\t\tRemoteHostname: p.example\n\t\t\tUsername: u\n\t\t\tPassword: s3cret\n"
    "\ts:\n\t\tSubmissions:\n\t\t\tHost: s.example\n\t\t\tPort: 2465\n\t\t\tAuth:\n"
    "\t\t\t\tUsername: u\n\t\t\t\tPassword: s3cret\n\t\t\t\tMechanisms:\n\t\t\t\t\t- PLAIN\n"
    "\t\t\tClientCert: /c.pem\n\t\t\tClientKey: /k.pem\n"
    "\ts5:\n\t\tSubmission:\n\t\t\tHost: s.example\n\t\t\tSTARTTLSInsecureSkipVerify: true\n"
    "\ts2:\n\t\tSMTP:\n\t\t\tHost: s.example\n\t\t\tNoSTARTTLS: true\n\t\t\tPrefer: ipv4\n"
    "Routes:\n\t-\n\t\tFromDomain:\n\t\t\t- .\n\t\t\t- .b\xc3\xbc"
    "cher.example\n\t\tToDomain:\n"
    "\t\t\t- example.org\n\t\tMinimumAttempts: 2\n\t\tTransport: d\n\t\tToMX:\n\t\t\t- "
    ".mx.example\n"
    "\t\tHours:\n\t\t\t- Fri-Mon 22:00-06:00\n\t\t\t- Wed 00:00-24:00\n\t\t\t- 08:00-09:30\n"
    "\t\tTimeZone: -03:30\n\t\tMaxPerMinute: 1\n\t\tMaxPerHour: 2\n\t\tMaxPerDay: 3\n"
    "\t\tPercent: 4\n\t-\n\t\tTransport: f\n"
    "Domains:\n\tz.example: nil\n\tb\xc3\xbc"
    "cher.example:\n\t\tRoutes:\n\t\t\t-\n"
    "\t\t\t\tTransport: p\nAccounts:\n\tzoe:\n\t\tRoutes:\n\t\t\t-\n\t\t\t\tTransport: s\n"
    "\tal ice:\n\t\tRoutes:\n\t\t\t-\n\t\t\t\tTransport: s2\n";

/* Built, shown, built from that, shown again: both texts are the same. Returns the text. */
static char *round_trip(const char *text)
{
    struct mox_config *config = world_build(&w, text);
    char *first, *second;

    if (config == NULL)
        world_print(&w);
    ck_assert_ptr_nonnull(config);
    first = world_show(config);
    config_release(config);
    config = world_build(&w, first);
    if (config == NULL)
        world_print(&w);
    ck_assert_ptr_nonnull(config);
    second = world_show(config);
    config_release(config);
    ck_assert_str_eq(first, second);
    free(second);
    return first;
}

START_TEST(stand_alone)
{
    char *text = round_trip(full);
    char copy[sizeof full];
    char *line, *rest = copy;

    ck_assert_ptr_null(strstr(text, "s3cret"));
    memcpy(copy, full, sizeof full);
    while ((line = strtok_r(rest, "\n", &rest)) != NULL) { /* no key but the defaults is lost */
        while (*line == '\t')
            line++;
        if (strstr(line, "Password") == NULL && strstr(line, "\xc3\xbc"
                                                             "cher") == NULL)
            ck_assert_msg(strstr(text, line) != NULL, "lost: %s\n%s", line, text);
    }
    ck_assert_ptr_nonnull(strstr(text, "Password: ********"));
    ck_assert_ptr_nonnull(strstr(text, "\t\t\t- .xn--bcher-kva.example\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n\tb\xc3\xbc"
                                       "cher.example:\n"));
    free(text);
}
END_TEST

START_TEST(mox_becomes_stand_alone)
{
    struct mox_config *config = world_build_two(
        &w,
        "Hostname: a.example\nDataDir: x\nListeners:\n\tl:\n\t\tIPs:\n\t\t\t- 192.0.2.1\n"
        "\t\tNATIPs:\n\t\t\t- 198.51.100.1\n\t\tSMTP:\n\t\t\tEnabled: true\nTransports:\n\tx: "
        "nil\n",
        "Domains:\n\tb.example: nil\nAccounts:\n\tc: nil\nRoutes:\n\t-\n\t\tTransport: x\n");
    char *text;

    ck_assert_ptr_nonnull(config);
    text = world_show(config);
    config_release(config);
    ck_assert_str_eq(strchr(text, '\n') + 1,
                     "Hostname: a.example\nLocalIPs:\n\t- 192.0.2.1\nNATIPs:\n\t- 198.51.100.1\n"
                     "Transports:\n\tx: nil\nRoutes:\n\t-\n\t\tTransport: x\n"
                     "Domains:\n\tb.example: nil\n");
    ck_assert_ptr_nonnull(strstr(text, "# A stand-alone file, made from mox's configuration"));
    config = world_build(&w, text);
    ck_assert_uint_eq(w.n, 0);
    ck_assert_uint_eq(config->nsources, 1);
    config_release(config);
    free(text);
}
END_TEST

START_TEST(what_cannot_be_said)
{
    struct mox_config *config = world_build(
        &w, "Hostname: a.example\nListeners:\n\tl:\n\t\tIPs:\n\t\t\t- 0.0.0.0\n\t\tIPsNATed: true\n"
            "\t\tSMTP:\n\t\t\tEnabled: true\nTLS:\n\tCA:\n\t\tAdditionalToSystem: true\n");
    char *text;

    ck_assert_ptr_nonnull(config);
    text = world_show(config);
    ck_assert_ptr_nonnull(strstr(text, "# A stand-alone file cannot say: IPsNATed"));
    ck_assert_ptr_nonnull(strstr(text, "# A stand-alone file cannot say: the addresses"));
    ck_assert_ptr_nonnull(strstr(text, "# A stand-alone file cannot say: TLS.CA"));
    ck_assert_ptr_null(strstr(text, "LocalIPs"));
    free(text);
    config_release(config);
}
END_TEST

START_TEST(cut_as_snprintf_does)
{
    char buf[20];
    struct mox_config *config = world_build(&w, full);
    size_t len = mox_config_show(config, NULL, 0);

    ck_assert_uint_eq(mox_config_show(config, buf, sizeof buf), len);
    ck_assert_uint_eq(strlen(buf), sizeof buf - 1);
    ck_assert_uint_eq(mox_config_describe(buf, sizeof buf), mox_config_describe(NULL, 0));
    config_release(config);
}
END_TEST

static char *describe(void)
{
    size_t len = mox_config_describe(NULL, 0);
    char *text = malloc(len + 1);

    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(mox_config_describe(text, len + 1), len);
    return text;
}

static void check_key(const struct schema_key *key, const char *text)
{
    char line[100];
    struct text t = text_to(line, sizeof line);

    if (key->name != NULL) {
        text_add(&t, "%s%s:", key->quiet ? "# " : "\t", key->name);
        ck_assert_msg(strstr(text, key->quiet ? line : line + 1) != NULL, "no %s", key->name);
        ck_assert_msg(key->doc != NULL, "no words for %s", key->name);
    }
    for (size_t i = 0; schema_is_block(key) && i < key->block->nkeys; i++)
        check_key(&key->block->keys[i], text);
}

START_TEST(description_parses_back)
{
    char *text = describe();
    struct mox_config *config = world_build(&w, text);

    if (w.n > 0)
        world_print(&w);
    ck_assert_ptr_nonnull(config);
    ck_assert_uint_eq(w.n, 0);
    ck_assert_uint_eq(config->ntransports, 7);
    for (size_t i = 0; i < config_schema_moxdial.block->nkeys; i++)
        check_key(&config_schema_moxdial.block->keys[i], text);
    config_release(config);
    free(text);
}
END_TEST

/* The quiet keys, which name files, are right as well. */
START_TEST(quiet_keys_parse_too)
{
    char *text = describe();
    struct mox_config *config;

    for (char *at = text; (at = strstr(at, "# C")) != NULL; at++) {
        static const char *const quiet[] = {"# CAFile: ", "# ClientCert: ", "# ClientKey: "};

        for (size_t i = 0; i < ARRAY_LEN(quiet); i++) {
            if (strncmp(at, quiet[i], strlen(quiet[i])) == 0)
                memmove(at, at + 2, strlen(at + 2) + 1);
        }
    }
    config = world_build(&w, text);
    if (w.n > 0)
        world_print(&w);
    ck_assert_ptr_nonnull(config);
    ck_assert_ptr_nonnull(config->info.ca_files);
    config_release(config);
    free(text);
}
END_TEST

TCase *test_config_show(void)
{
    TCase *tc = tcase_create("config_show");

    tcase_add_test(tc, stand_alone);
    tcase_add_test(tc, mox_becomes_stand_alone);
    tcase_add_test(tc, what_cannot_be_said);
    tcase_add_test(tc, cut_as_snprintf_does);
    tcase_add_test(tc, description_parses_back);
    tcase_add_test(tc, quiet_keys_parse_too);
    return tc;
}
