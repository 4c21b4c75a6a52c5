/*
 * test_policy_family.c - the family filter: what is dropped and why, in which order the rest is
 * dialed, and that it agrees with what was recorded from mox.
 */
#include <stdio.h>
#include <string.h>

#include <check.h>
#include <jansson.h>

#include <moxdial/route.h>

#include "policy/family.h"
#include "test.h"

enum { MOST = 32 };

static struct mox_ip ip(const char *text)
{
    struct mox_ip out;

    ck_assert_msg(mox_ip_parse(text, &out) == MOX_OK, "bad address %s", text);
    return out;
}

/* An IPv6 address of these bytes, whatever mox_ip_parse would make of it. */
static struct mox_ip mapped(uint8_t marker)
{
    struct mox_ip out = {.family = MOX_IPV6, .bytes = {[12] = 192, [14] = 2, [15] = 1}};

    out.bytes[10] = out.bytes[11] = marker;
    return out;
}

/* Addresses with blanks between. "MAPPED", "COMPAT": IPv4 in an IPv6 address. */
static size_t parse_list(const char *text, struct mox_ip *out)
{
    char word[64];
    size_t n = 0;

    while (text != NULL && *text != '\0') {
        size_t len = strcspn(text, " ");

        snprintf(word, sizeof word, "%.*s", (int)len, text);
        out[n++] = strcmp(word, "MAPPED") == 0   ? mapped(0xff)
                   : strcmp(word, "COMPAT") == 0 ? mapped(0)
                                                 : ip(word);
        text += len + (text[len] == ' ');
    }
    return n;
}

static const char *show(const struct mox_ip *addrs, const struct mox_choice *out, size_t n,
                        char *buf, size_t cap)
{
    buf[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        char text[64];

        mox_ip_format(&addrs[out[i].index], text, sizeof text);
        snprintf(buf + strlen(buf), cap - strlen(buf), "%s%s", i > 0 ? " " : "", text);
    }
    return buf;
}

#define A4 "192.0.2.1"
#define B4 "192.0.2.2"
#define C4 "192.0.2.3"
#define A6 "2001:db8::a"
#define B6 "2001:db8::b"
#define C6 "2001:db8::c"
#define BOTH (MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6)
#define ONLY4 MOX_ALLOW_IPV4
#define ONLY6 MOX_ALLOW_IPV6

static const struct order_case {
    const char *name, *addrs, *dialed, *wanted;
    uint32_t families;
    int prefer;
    uint32_t avoid, last, max;
    const char *orders; /* a letter each: the first of the order's name, D default */
} orders[] = {
    /* semantics.md 6.4 */
    {"other family first", A4 " " B4 " " A6 " " B6, B4, A6 " " B6 " " B4 " " A4, 0, 0, 0, 0, 0,
     "oosd"},
    {"back to IPv4", A4 " " B4 " " A6 " " B6, B4 " " A6, A4 " " B4 " " A6 " " B6, 0, 0, 0, 0, 0,
     "oosd"},
    {"two IPv4 entries", A4 " " B4 " " A6 " " B6, B4 " " A6 " " A4, A6 " " B6 " " A4 " " B4, 0, 0,
     0, 0, 0, "oodd"},
    {"single stack, second try", A4 " " B4, B4, B4 " " A4, 0, 0, 0, 0, 0, "sd"},
    {"third try", A4 " " B4, B4 " " B4, A4 " " B4, 0, 0, 0, 0, 0, "dd"},
    {"not in DNS any more", A4 " " B4 " " A6, "198.51.100.1", A6 " " A4 " " B4, 0, 0, 0, 0, 0,
     "odd"},
    {"IPv6 filtered", A4 " " B4, A6, A4 " " B4, ONLY4, 0, 0, 0, 0, "oo"},
    {"mapped history is IPv4", A4 " " B4 " " A6, "MAPPED", A6 " " A4 " " B4, 0, 0, 0, 0, 0, "osd"},
    {"history over prefer and last", A4 " " A6, A6, A4 " " A6, 0, MOX_PREFER_IPV6, ONLY4, ONLY4, 0,
     "os"},
    /* without history */
    {"interleaved, IPv6 first", A4 " " B4 " " A6 " " B6, NULL, A6 " " A4 " " B6 " " B4, 0, 0, 0, 0,
     0, "dddd"},
    {"more IPv4", A4 " " B4 " " C4 " " A6, NULL, A6 " " A4 " " B4 " " C4, BOTH, 0, 0, 0, 0, "dddd"},
    {"more IPv6", A6 " " B6 " " C6 " " A4, NULL, A6 " " A4 " " B6 " " C6, 0, 0, 0, 0, 0, "dddd"},
    {"prefer IPv4", A6 " " A4 " " B6 " " B4, NULL, A4 " " B4 " " A6 " " B6, 0, MOX_PREFER_IPV4, 0,
     0, 0, "ppdd"},
    {"prefer IPv6", A4 " " A6 " " B4 " " B6, NULL, A6 " " B6 " " A4 " " B4, 0, MOX_PREFER_IPV6, 0,
     0, 0, "ppdd"},
    {"learned", A4 " " A6 " " B4 " " B6, NULL, A4 " " B4 " " A6 " " B6, 0, MOX_PREFER_LEARNED,
     ONLY6, 0, 0, "ddll"},
    {"learned nothing", A4 " " A6, NULL, A6 " " A4, 0, MOX_PREFER_LEARNED, 0, 0, 0, "dd"},
    {"both avoided", A4 " " A6, NULL, A6 " " A4, 0, MOX_PREFER_LEARNED, BOTH, 0, 0, "dd"},
    {"avoid without learned", A4 " " A6, NULL, A6 " " A4, 0, 0, ONLY6, 0, 0, "dd"},
    {"put last", A6 " " A4 " " B6, NULL, A4 " " A6 " " B6, 0, 0, 0, ONLY6, 0, "dPP"},
    {"last over prefer", A6 " " A4, NULL, A4 " " A6, 0, MOX_PREFER_IPV6, 0, ONLY6, 0, "dP"},
    {"last over learned", A6 " " A4, NULL, A6 " " A4, 0, MOX_PREFER_LEARNED, ONLY6, ONLY4, 0, "dP"},
    {"both last: as without", A4 " " A6, NULL, A4 " " A6, 0, MOX_PREFER_IPV4, 0, BOTH, 0, "pd"},
    {"6to4 and Teredo last", "2002::1 " A4 " 2001::1 " A6, NULL, A6 " " A4 " 2002::1 2001::1", 0, 0,
     0, 0, 0, "ddtt"},
    {"last even if preferred", "2002::1 " A4 " " A6, NULL, A6 " " A4 " 2002::1", 0, MOX_PREFER_IPV6,
     0, 0, 0, "pdt"},
    /* a limit */
    {"limit", A4 " " B4 " " C4, NULL, A4 " " B4, 0, 0, 0, 0, 2, "dd"},
    {"limit keeps both families", A6 " " B6 " " C6 " " A4 " " B4, NULL, A6 " " B6 " " A4, 0,
     MOX_PREFER_IPV6, 0, 0, 3, "ppd"},
    {"limit of two", A6 " " B6 " " A4, NULL, A6 " " A4, 0, MOX_PREFER_IPV6, 0, 0, 2, "pd"},
    {"limit of one", A6 " " A4, NULL, A6, 0, 0, 0, 0, 1, "d"},
    {"limit under history", A4 " " B4 " " A6 " " B6, A4, A6 " " A4, 0, 0, 0, 0, 2, "os"},
    {"limit not reached", A6 " " A4, NULL, A6 " " A4, 0, 0, 0, 0, 2, "dd"},
};

static char order_letter(int order)
{
    return order == MOX_ORDER_PUT_LAST ? 'P' : mox_order_name(order)[0];
}

START_TEST(order_case)
{
    const struct order_case *c = &orders[_i];
    struct mox_ip addrs[MOST], dialed[MOST];
    struct mox_choice out[MOST];
    struct mox_filter_rules rules = {.size = sizeof rules,
                                     .families = c->families,
                                     .prefer = c->prefer,
                                     .dialed = dialed,
                                     .avoid = c->avoid,
                                     .last = c->last,
                                     .max = c->max};
    size_t n = parse_list(c->addrs, addrs);
    bool written[MOST] = {0};
    char text[512];
    int kept;

    rules.ndialed = parse_list(c->dialed, dialed);
    kept = mox_family_filter(&rules, addrs, n, out, NULL);
    ck_assert_int_eq(kept, (int)strlen(c->orders));
    ck_assert_str_eq(show(addrs, out, (size_t)kept, text, sizeof text), c->wanted);
    for (size_t i = 0; i < n; i++) {
        ck_assert(!written[out[i].index]);
        written[out[i].index] = true;
        if (i < (size_t)kept)
            ck_assert_msg(order_letter(out[i].order) == c->orders[i], "%s: entry %zu is %s",
                          c->name, i, mox_order_name(out[i].order));
        ck_assert_int_eq(out[i].drop, i < (size_t)kept ? MOX_DROP_NONE : MOX_DROP_LIMIT);
    }
}
END_TEST

static const struct drop_case {
    const char *name, *addr;
    uint32_t families;
    bool allow_special;
    int drop;
} drops[] = {
    {"IPv4 disabled", A4, ONLY6, false, MOX_DROP_FAMILY_DISABLED},
    {"IPv6 disabled", A6, ONLY4, false, MOX_DROP_FAMILY_DISABLED},
    {"private stays", "192.168.1.1", BOTH, false, MOX_DROP_NONE},
    {"unique local stays", "fd00::1", BOTH, false, MOX_DROP_NONE},
    {"loopback", "127.0.0.1", BOTH, false, MOX_DROP_SPECIAL},
    {"loopback allowed", "127.0.0.1", BOTH, true, MOX_DROP_NONE},
    {"this network", "0.1.2.3", BOTH, false, MOX_DROP_SPECIAL},
    {"IPv6 loopback", "::1", BOTH, false, MOX_DROP_SPECIAL},
    {"IPv6 loopback allowed", "::1", BOTH, true, MOX_DROP_NONE},
    {"unspecified", "::", BOTH, false, MOX_DROP_SPECIAL},
    {"multicast", "224.0.0.1", BOTH, false, MOX_DROP_SPECIAL},
    {"IPv6 multicast", "ff02::1", BOTH, false, MOX_DROP_SPECIAL},
    {"class E", "240.0.0.1", BOTH, false, MOX_DROP_SPECIAL},
    {"link-local without zone", "fe80::1", BOTH, false, MOX_DROP_SPECIAL},
    {"mapped", "MAPPED", BOTH, false, MOX_DROP_SPECIAL},
    {"mapped even so", "MAPPED", BOTH, true, MOX_DROP_SPECIAL},
    {"mapped, IPv4 alone", "MAPPED", ONLY4, true, MOX_DROP_SPECIAL},
    {"compatible even so", "COMPAT", BOTH, true, MOX_DROP_SPECIAL},
    {"NAT64", "64:ff9b::c000:201", BOTH, false, MOX_DROP_NONE},
    {"NAT64, IPv6 alone", "64:ff9b::c000:201", ONLY6, false, MOX_DROP_TRANSITION},
    {"NAT64, IPv4 alone", "64:ff9b::c000:201", ONLY4, false, MOX_DROP_FAMILY_DISABLED},
    {"NAT64 of loopback", "64:ff9b::7f00:1", BOTH, false, MOX_DROP_SPECIAL},
    {"own", "198.51.100.1", BOTH, false, MOX_DROP_SELF},
    {"own IPv6", "2001:db8:5::1", BOTH, false, MOX_DROP_SELF},
    {"own behind NAT64", "64:ff9b::c633:6401", BOTH, false, MOX_DROP_SELF},
};

START_TEST(drop_case)
{
    const struct drop_case *c = &drops[_i];
    struct mox_ip addr, own[2] = {ip("198.51.100.1"), ip("2001:db8:5::1")};
    struct mox_filter_rules rules = {.size = sizeof rules,
                                     .families = c->families,
                                     .own = own,
                                     .nown = 2,
                                     .allow_special = c->allow_special};
    struct mox_choice out;
    struct mox_error err = {0};
    int kept;

    parse_list(c->addr, &addr);
    kept = mox_family_filter(&rules, &addr, 1, &out, &err);
    ck_assert_msg(out.drop == c->drop, "%s: %s", c->name, mox_drop_name(out.drop));
    ck_assert_int_eq(kept, c->drop == MOX_DROP_NONE);
    ck_assert_int_eq(err.code, kept == 1 ? MOX_OK : MOX_E_FILTERED);
}
END_TEST

START_TEST(no_family_of_an_address)
{
    struct mox_filter_rules rules = {.size = sizeof rules, .allow_special = 1};
    struct mox_ip addr = {0};
    struct mox_choice out;

    ck_assert_int_eq(mox_family_filter(&rules, &addr, 1, &out, NULL), 0);
    ck_assert_int_eq(out.drop, MOX_DROP_SPECIAL);
}
END_TEST

START_TEST(duplicates_and_sources)
{
    struct mox_ip addrs[8], sources[3] = {ip("192.0.2.10"), ip("192.0.2.11"), ip("2001:db8::10")};
    struct mox_filter_rules rules = {.size = sizeof rules, .sources = sources, .nsources = 3};
    struct mox_choice out[8];
    size_t n = parse_list(A4 " " A6 " " A4 " " A6 " " B4, addrs);

    ck_assert_int_eq(mox_family_filter(&rules, addrs, n, out, NULL), 3);
    ck_assert_uint_eq(out[0].index, 1);
    ck_assert_uint_eq(out[1].index, 0);
    ck_assert_uint_eq(out[2].index, 4);
    ck_assert_int_eq(out[3].drop, MOX_DROP_DUPLICATE);
    ck_assert_uint_eq(out[3].index, 2);
    ck_assert_uint_eq(out[4].index, 3);
    ck_assert_mem_eq(&out[0].source, &sources[2], sizeof sources[2]);
    ck_assert_mem_eq(&out[1].source, &sources[0], sizeof sources[0]);
    rules.nsources = 2; /* none of IPv6: the system chooses */
    mox_family_filter(&rules, addrs, n, out, NULL);
    ck_assert_uint_eq(out[0].source.family, MOX_FAMILY_NONE);
}
END_TEST

static const struct {
    const char *addrs;
    uint32_t families;
    int code;
    const char *in_message;
} nothing[] = {
    {"", BOTH, MOX_E_NO_ADDRESS, "neither"},
    {"", ONLY4, MOX_E_FILTERED, "IPv6 is disabled"},
    {A6 " " B6, ONLY4, MOX_E_FILTERED, "IPv6 is disabled"},
    {A6 " " B6, ONLY4, MOX_E_FILTERED, "0 IPv4, 2 IPv6"},
    {A4, ONLY6, MOX_E_FILTERED, "IPv4 is disabled"},
    {"127.0.0.1", BOTH, MOX_E_FILTERED, "special 1"},
};

START_TEST(nothing_left)
{
    struct mox_filter_rules rules = {.size = sizeof rules, .families = nothing[_i].families};
    struct mox_ip addrs[8];
    struct mox_choice out[8];
    struct mox_error err = {0};
    size_t n = parse_list(nothing[_i].addrs, addrs);

    ck_assert_int_eq(mox_family_filter(&rules, addrs, n, out, &err), 0);
    ck_assert_int_eq(err.code, nothing[_i].code);
    ck_assert_msg(strstr(err.message, nothing[_i].in_message) != NULL, "%s", err.message);
    ck_assert_int_eq(mox_family_filter(&rules, addrs, n, out, NULL), 0);
}
END_TEST

START_TEST(bad_arguments)
{
    struct mox_filter_rules rules = {.size = sizeof rules};
    struct mox_ip addr = ip(A4);
    struct mox_choice out;

    ck_assert_int_eq(mox_family_filter(NULL, &addr, 1, &out, NULL), MOX_E_INVAL);
    ck_assert_int_eq(mox_family_filter(&rules, NULL, 1, &out, NULL), MOX_E_INVAL);
    ck_assert_int_eq(mox_family_filter(&rules, &addr, 1, NULL, NULL), MOX_E_INVAL);
    rules.size = 0;
    ck_assert_int_eq(mox_family_filter(&rules, &addr, 1, &out, NULL), MOX_E_INVAL);
}
END_TEST

static size_t ips_of(const json_t *array, struct mox_ip *out)
{
    size_t n = json_array_size(array);

    ck_assert_uint_lt(n, MOST);
    for (size_t i = 0; i < n; i++)
        out[i] = ip(json_string_value(json_array_get(array, i)));
    return n;
}

/* Whether the kept ones are the addresses of order, in its order if that counts. */
static void check_recorded(const json_t *c, const struct mox_ip *addrs,
                           const struct mox_choice *out, int kept)
{
    struct mox_ip order[MOST];
    const char *id = json_string_value(json_object_get(c, "id"));
    size_t n = ips_of(json_object_get(c, "order"), order);
    bool history = json_array_size(json_object_get(c, "dialed")) > 0;
    unsigned families = 0;

    ck_assert_msg((size_t)kept == n, "case %s: %d kept, not %zu", id, kept, n);
    for (size_t i = 0; i < n; i++) {
        size_t at = 0;

        while (at < n && memcmp(&addrs[out[at].index], &order[i], sizeof order[i]) != 0)
            at++;
        ck_assert_msg(history ? at == i : at < n, "case %s: address %zu", id, i);
        families |= order[i].family == MOX_IPV4 ? ONLY4 : ONLY6;
    }
    ck_assert_msg(json_is_true(json_object_get(c, "dualstack")) == (families == BOTH),
                  "case %s: dual-stack", id);
    ck_assert_msg(json_is_true(json_object_get(c, "error")) == (kept == 0), "case %s: error", id);
}

START_TEST(recorded_from_mox)
{
    const char *path = test_vector_path("dial-history.json");
    json_error_t error;
    json_t *file, *c;
    size_t i;

    if (path == NULL)
        return;
    file = json_load_file(path, 0, &error);
    ck_assert_msg(file != NULL, "%s", error.text);
    ck_assert_uint_gt(json_array_size(json_object_get(file, "cases")), 0);
    json_array_foreach(json_object_get(file, "cases"), i, c)
    {
        const char *network = json_string_value(json_object_get(c, "network"));
        struct mox_ip addrs[MOST], dialed[MOST];
        struct mox_choice out[MOST];
        struct mox_filter_rules rules = {.size = sizeof rules, .dialed = dialed};
        size_t n = ips_of(json_object_get(c, "addresses"), addrs);

        if (mox_ip_parse(json_string_value(json_object_get(c, "host")), &addrs[n]) == MOX_OK)
            n++; /* an address literal: the host is its own address */
        rules.families = strcmp(network, "ip4") == 0   ? ONLY4
                         : strcmp(network, "ip6") == 0 ? ONLY6
                                                       : BOTH;
        rules.ndialed = ips_of(json_object_get(c, "dialed"), dialed);
        check_recorded(c, addrs, out, mox_family_filter(&rules, addrs, n, out, NULL));
    }
    json_decref(file);
}
END_TEST

START_TEST(names)
{
    ck_assert_str_eq(mox_drop_name(MOX_DROP_FAMILY_DISABLED), "family-disabled");
    ck_assert_str_eq(mox_drop_name(MOX_DROP_BUSY), "busy");
    ck_assert_str_eq(mox_drop_name(-1), "unknown");
    ck_assert_str_eq(mox_order_name(MOX_ORDER_TRANSITION), "transition");
    ck_assert_str_eq(mox_order_name(99), "unknown");
}
END_TEST

TCase *test_policy_family(void)
{
    TCase *tcase = tcase_create("policy/family");

    tcase_add_loop_test(tcase, order_case, 0, (int)ARRAY_LEN(orders));
    tcase_add_loop_test(tcase, drop_case, 0, (int)ARRAY_LEN(drops));
    tcase_add_test(tcase, no_family_of_an_address);
    tcase_add_test(tcase, duplicates_and_sources);
    tcase_add_loop_test(tcase, nothing_left, 0, (int)ARRAY_LEN(nothing));
    tcase_add_test(tcase, bad_arguments);
    tcase_add_test(tcase, recorded_from_mox);
    tcase_add_test(tcase, names);
    return tcase;
}
