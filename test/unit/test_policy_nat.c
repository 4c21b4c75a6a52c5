/* test_policy_nat.c - addresses as the world sees them. */
#include <string.h>

#include <check.h>

#include "base/ip.h"
#include "policy/nat.h"
#include "test.h"

static struct mox_ip ip(const char *text)
{
    struct mox_ip out;

    ck_assert_msg(mox_ip_parse(text, &out) == MOX_OK, "bad address %s", text);
    return out;
}

static struct ip_prefix prefix(const char *text)
{
    struct ip_prefix out;

    ck_assert_int_eq(ip_parse_prefix(slice_of(text), &out), MOX_OK);
    return out;
}

static struct mox_config config;
static struct mox_ip ips[4], nat_ips[4], other_ips[1], other_nat[2];
static struct config_listener listeners[2];
static struct config_spf_map map[3];

/* Listener 0 sends mail: 10.0.0.1, fd00::1 behind 198.51.100.1, 2001:db8::1. Listener 1 does not.
 */
static void make_config(void)
{
    memset(&config, 0, sizeof config);
    ips[0] = ip("10.0.0.1");
    ips[1] = ip("fd00::1");
    nat_ips[0] = ip("198.51.100.1");
    nat_ips[1] = ip("2001:db8::1");
    other_ips[0] = ip("10.0.0.9");
    other_nat[0] = ip("198.51.100.1");
    listeners[0] = (struct config_listener){"public", ips, nat_ips, 2, 2, true, false};
    listeners[1] = (struct config_listener){"inside", other_ips, other_nat, 1, 1, false, false};
    map[0] = (struct config_spf_map){prefix("192.168.0.0/16"), ip("203.0.113.1")};
    map[1] = (struct config_spf_map){prefix("192.168.1.254"), ip("203.0.113.2")};
    map[2] = (struct config_spf_map){prefix("192.168.1.0/24"), ip("203.0.113.3")};
    config.listeners = listeners;
    config.nlisteners = 2;
    config.spf_map = map;
    config.nspf_map = 3;
}

static const struct {
    const char *name, *seen, *map, *source; /* map, source NULL: unchanged */
} cases[] = {
    {"longest prefix", "192.168.1.254", "203.0.113.2", "203.0.113.2"},
    {"middle prefix", "192.168.1.1", "203.0.113.3", "203.0.113.3"},
    {"shortest prefix", "192.168.9.9", "203.0.113.1", "203.0.113.1"},
    {"address of an SMTP listener", "10.0.0.1", "198.51.100.1", "198.51.100.1"},
    {"the same, IPv6", "fd00::1", "2001:db8::1", "2001:db8::1"},
    {"listener without SMTP", "10.0.0.9", NULL, "198.51.100.1"},
    {"private, of nobody", "10.9.9.9", NULL, "198.51.100.1"},
    {"private IPv6, of nobody", "fd00::9", NULL, "2001:db8::1"},
    {"public", "192.0.2.1", NULL, NULL},
};

static void check_ip(const struct mox_ip *found, const char *wanted, const char *name)
{
    struct mox_ip other = ip(wanted);
    char text[64];

    mox_ip_format(found, text, sizeof text);
    ck_assert_msg(ip_equal(found, &other), "%s: %s, not %s", name, text, wanted);
}

START_TEST(nat_case)
{
    struct mox_ip seen = ip(cases[_i].seen), out;

    ck_assert_int_eq(mox_nat_map(&config, &seen, &out), cases[_i].map != NULL);
    check_ip(&out, cases[_i].map != NULL ? cases[_i].map : cases[_i].seen, cases[_i].name);
    out = policy_public_source(&config, &seen);
    check_ip(&out, cases[_i].source != NULL ? cases[_i].source : cases[_i].seen, cases[_i].name);
}
END_TEST

START_TEST(several_nat_ips_are_not_guessed)
{
    struct mox_ip seen = ip("10.0.0.1"), out;

    other_nat[1] = ip("198.51.100.2");
    listeners[1].nnat_ips = 2;
    out = policy_public_source(&config, &seen); /* its own listener still has one */
    check_ip(&out, "198.51.100.1", "listener");
    seen = ip("10.9.9.9");
    out = policy_public_source(&config, &seen);
    check_ip(&out, "10.9.9.9", "of nobody");
    nat_ips[2] = ip("198.51.100.3");
    listeners[0].nnat_ips = 3;
    seen = ip("10.0.0.1");
    ck_assert_int_eq(mox_nat_map(&config, &seen, &out), 0);
    check_ip(&out, "10.0.0.1", "two of one family");
}
END_TEST

START_TEST(stand_alone_file)
{
    struct mox_ip local[1] = {ip("172.16.0.1")}, nat[1] = {ip("198.51.100.7")}, out;
    struct mox_ip seen = ip("172.16.0.1");
    struct mox_config c = {.local_ips = local, .nlocal_ips = 1, .nat_ips = nat, .nnat_ips = 1};

    ck_assert_int_eq(mox_nat_map(&c, &seen, &out), 1);
    check_ip(&out, "198.51.100.7", "LocalIPs");
}
END_TEST

START_TEST(mapped_and_no_configuration)
{
    struct mox_ip seen = {.family = MOX_IPV6, .bytes = {[10] = 255, [11] = 255, 10, 0, 0, 1}}, out;

    ck_assert_int_eq(mox_nat_map(&config, &seen, &out), 1);
    check_ip(&out, "198.51.100.1", "mapped");
    ck_assert_int_eq(mox_nat_map(NULL, &seen, &out), 0);
    ck_assert_mem_eq(&out, &seen, sizeof out);
    seen = ip("10.0.0.1");
    out = policy_public_source(NULL, &seen);
    check_ip(&out, "10.0.0.1", "no configuration");
}
END_TEST

TCase *test_policy_nat(void)
{
    TCase *tcase = tcase_create("policy/nat");

    tcase_add_checked_fixture(tcase, make_config, NULL);
    tcase_add_loop_test(tcase, nat_case, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tcase, several_nat_ips_are_not_guessed);
    tcase_add_test(tcase, stand_alone_file);
    tcase_add_test(tcase, mapped_and_no_configuration);
    return tcase;
}
