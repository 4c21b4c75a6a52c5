/* test_base_ip.c - addresses as text, as socket addresses, in blocks, with ports. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <check.h>

#include "base/ip.h"
#include "test.h"

static const struct parse_case {
    const char *text;
    int plain;        /* what ip_parse_plain says */
    int public;       /* what mox_ip_parse says, which takes brackets and zones too */
    const char *back; /* as mox_ip_format writes it; NULL: no address */
} parse_cases[] = {
    {"192.0.2.1", MOX_OK, MOX_OK, "192.0.2.1"},
    {"2001:DB8:0:0::1", MOX_OK, MOX_OK, "2001:db8::1"},
    {"::", MOX_OK, MOX_OK, "::"},
    {"::ffff:192.0.2.1", MOX_OK, MOX_OK, "192.0.2.1"},
    {"[192.0.2.1]", MOX_E_INVAL, MOX_OK, "192.0.2.1"},
    {"[2001:db8::1]", MOX_E_INVAL, MOX_OK, "2001:db8::1"},
    {"[IPv6:2001:db8::1]", MOX_E_INVAL, MOX_OK, "2001:db8::1"},
    {"[ipv6:2001:db8::1]", MOX_E_INVAL, MOX_OK, "2001:db8::1"},
    {"[IPv6:192.0.2.1]", MOX_E_INVAL, MOX_E_INVAL, NULL},
    {"fe80::1%1", MOX_E_INVAL, MOX_OK, "fe80::1%lo"},
    {"fe80::1%lo", MOX_E_INVAL, MOX_OK, "fe80::1%lo"},
    {"fe80::1%4000000000", MOX_E_INVAL, MOX_OK, "fe80::1%4000000000"},
    {"fe80::1%", MOX_E_INVAL, MOX_E_INVAL, NULL},
    {"fe80::1%0", MOX_E_INVAL, MOX_E_INVAL, NULL},
    {"fe80::1%no-such-if", MOX_E_INVAL, MOX_E_INVAL, NULL},
    {"fe80::1%much-too-long-for-a-name", MOX_E_INVAL, MOX_E_INVAL, NULL},
    {"2001:db8::1%lo", MOX_E_INVAL, MOX_E_INVAL, NULL},
    {"192.0.2.1%lo", MOX_E_INVAL, MOX_E_INVAL, NULL},
    {"192.0.2.01", MOX_E_INVAL, MOX_E_INVAL, NULL},
    {"192.0.2", MOX_E_INVAL, MOX_E_INVAL, NULL},
    {"192.0.2.256", MOX_E_INVAL, MOX_E_INVAL, NULL},
    {"192.0.2.1 ", MOX_E_INVAL, MOX_E_INVAL, NULL},
    {"192.0.2.0/24", MOX_E_INVAL, MOX_E_INVAL, NULL},
    {"1:2:3:4:5:6:7:8:9", MOX_E_INVAL, MOX_E_INVAL, NULL},
    {"[192.0.2.1", MOX_E_INVAL, MOX_E_INVAL, NULL},
    {"[]", MOX_E_INVAL, MOX_E_INVAL, NULL},
    {"", MOX_E_INVAL, MOX_E_INVAL, NULL},
    {NULL, MOX_E_INVAL, MOX_E_INVAL, NULL},
};

START_TEST(parses)
{
    const struct parse_case *c = &parse_cases[_i];
    static const struct mox_ip none;
    struct mox_ip ip;
    char text[64];

    ck_assert_int_eq(ip_parse_plain(slice_of(c->text), &ip), c->plain);
    ck_assert_int_eq(mox_ip_parse(c->text, &ip), c->public);
    if (c->back == NULL) {
        ck_assert_mem_eq(&ip, &none, sizeof ip);
        return;
    }
    ck_assert_uint_eq(mox_ip_format(&ip, text, sizeof text), strlen(c->back));
    ck_assert_str_eq(text, c->back);
}
END_TEST

static struct mox_ip ip(const char *text)
{
    struct mox_ip out;

    ck_assert_msg(mox_ip_parse(text, &out) == MOX_OK, "%s", text);
    return out;
}

START_TEST(formats_as_snprintf)
{
    struct mox_ip address = ip("192.0.2.1"), none = {0};
    char text[8] = "xxxxxxx";

    ck_assert_uint_eq(mox_ip_format(&address, text, 4), 9);
    ck_assert_str_eq(text, "192");
    ck_assert_uint_eq(mox_ip_format(&address, NULL, 0), 9);
    ck_assert_uint_eq(mox_ip_format(&none, text, sizeof text), 0);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(refuses_nul)
{
    struct mox_ip address;

    ck_assert_int_eq(ip_parse_plain((struct slice){"192.0.2.1\0x", 11}, &address), MOX_E_INVAL);
}
END_TEST

static const char *const socket_cases[] = {"192.0.2.1", "2001:db8::1", "fe80::1%lo"};

START_TEST(passes_through_sockaddr)
{
    struct sockaddr_storage storage;
    struct mox_ip in = ip(socket_cases[_i]), out;
    uint16_t port = 0;
    size_t len = mox_ip_to_sockaddr(&in, 587, &storage, sizeof storage);

    ck_assert_uint_eq(len, in.family == MOX_IPV4 ? sizeof(struct sockaddr_in)
                                                 : sizeof(struct sockaddr_in6));
    ck_assert_int_eq(mox_ip_from_sockaddr((struct sockaddr *)&storage, &out, &port), MOX_OK);
    ck_assert(ip_equal(&in, &out));
    ck_assert_uint_eq(port, 587);
    ck_assert_int_eq(mox_ip_from_sockaddr((struct sockaddr *)&storage, &out, NULL), MOX_OK);
    ck_assert_uint_eq(mox_ip_to_sockaddr(&in, 587, &storage, len - 1), 0);
}
END_TEST

START_TEST(sockaddr_edges)
{
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6};
    struct sockaddr local = {.sa_family = AF_UNIX};
    struct mox_ip out, none = {0}, four = ip("192.0.2.1");

    memcpy(mapped.sin6_addr.s6_addr, (unsigned char[16]){[10] = 255, 255, 192, 0, 2, 1}, 16);
    ck_assert_int_eq(mox_ip_from_sockaddr((struct sockaddr *)&mapped, &out, NULL), MOX_OK);
    ck_assert(ip_equal(&out, &four));
    ck_assert_int_eq(mox_ip_from_sockaddr(&local, &out, NULL), MOX_E_INVAL);
    ck_assert(ip_equal(&out, &none));
    ck_assert_uint_eq(mox_ip_to_sockaddr(&none, 1, &mapped, sizeof mapped), 0);
}
END_TEST

static const struct prefix_case {
    const char *prefix, *address;
    bool inside;
} prefix_cases[] = {
    {"192.0.2.0/24", "192.0.2.255", true},
    {"192.0.2.0/24", "192.0.3.0", false},
    {"192.0.2.128/25", "192.0.2.127", false},
    {"192.0.2.77/25", "192.0.2.1", true},
    {"0.0.0.0/0", "203.0.113.1", true},
    {"0.0.0.0/0", "::1", false},
    {"192.0.2.1", "192.0.2.1", true},
    {"192.0.2.1", "192.0.2.0", false},
    {"2001:db8::/32", "2001:db8:ffff::", true},
    {"2001:db8::/33", "2001:db8:8000::", false},
    {"::/0", "2001:db8::1", true},
    {"2001:db8::1/128", "2001:db8::2", false},
};

START_TEST(holds_what_is_inside)
{
    const struct prefix_case *c = &prefix_cases[_i];
    struct mox_ip address = ip(c->address);
    struct ip_prefix prefix;

    ck_assert_int_eq(ip_parse_prefix(slice_of(c->prefix), &prefix), MOX_OK);
    ck_assert_int_eq(ip_in_prefix(&address, &prefix), c->inside);
}
END_TEST

static const char *const bad_prefixes[] = {
    "192.0.2.0/33", "192.0.2.0/",     "192.0.2.0/-1", "192.0.2.0/ 8", "/8", "",
    "x/8",          "2001:db8::/129", "192.0.2/24",   "192.0.2.0/8/8"};

START_TEST(refuses_bad_prefix)
{
    struct ip_prefix prefix;

    ck_assert_int_eq(ip_parse_prefix(slice_of(bad_prefixes[_i]), &prefix), MOX_E_INVAL);
}
END_TEST

static const struct kind_case {
    const char *address;
    enum ip_special special;
    bool private, nat64, transition;
} kind_cases[] = {
    {"192.0.2.1", IP_ORDINARY, false, false, false},
    {"0.1.2.3", IP_UNSPECIFIED, false, false, false},
    {"127.255.255.255", IP_LOOPBACK, false, false, false},
    {"128.0.0.0", IP_ORDINARY, false, false, false},
    {"169.254.1.1", IP_LINK_LOCAL, true, false, false},
    {"223.255.255.255", IP_ORDINARY, false, false, false},
    {"224.0.0.1", IP_MULTICAST, false, false, false},
    {"240.0.0.1", IP_RESERVED, false, false, false},
    {"255.255.255.255", IP_RESERVED, false, false, false},
    {"10.0.0.1", IP_ORDINARY, true, false, false},
    {"172.15.0.1", IP_ORDINARY, false, false, false},
    {"172.31.0.1", IP_ORDINARY, true, false, false},
    {"192.168.1.254", IP_ORDINARY, true, false, false},
    {"100.127.0.1", IP_ORDINARY, true, false, false},
    {"100.128.0.1", IP_ORDINARY, false, false, false},
    {"::", IP_UNSPECIFIED, false, false, false},
    {"::1", IP_LOOPBACK, false, false, false},
    {"::192.0.2.1", IP_MAPPED, false, false, false},
    {"2001:db8::1", IP_ORDINARY, false, false, false},
    {"ff02::1", IP_MULTICAST, false, false, false},
    {"fe80::1", IP_LINK_LOCAL, true, false, false},
    {"febf::1", IP_LINK_LOCAL, true, false, false},
    {"fec0::1", IP_ORDINARY, false, false, false},
    {"fe80::1%lo", IP_ORDINARY, true, false, false},
    {"fd00::1", IP_ORDINARY, true, false, false},
    {"64:ff9b::192.0.2.1", IP_ORDINARY, false, true, false},
    {"64:ff9b:1::1", IP_ORDINARY, false, false, false},
    {"2002:c000:201::1", IP_ORDINARY, false, false, true},
    {"2001:0:1::1", IP_ORDINARY, false, false, true},
    {"2001:1::1", IP_ORDINARY, false, false, false},
};

START_TEST(tells_kinds)
{
    const struct kind_case *c = &kind_cases[_i];
    struct mox_ip address = ip(c->address);

    ck_assert_str_eq(ip_special_name(ip_special(&address)), ip_special_name(c->special));
    ck_assert_int_eq(ip_is_private(&address), c->private);
    ck_assert_int_eq(ip_is_nat64(&address), c->nat64);
    ck_assert_int_eq(ip_is_transition(&address), c->transition);
}
END_TEST

START_TEST(mapped_bytes_are_special)
{
    unsigned char bytes[16] = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1};
    struct mox_ip address = ip_from_bytes(MOX_IPV6, bytes);

    ck_assert_int_eq(ip_special(&address), IP_MAPPED);
}
END_TEST

static const struct port_case {
    const char *text;
    int status;
    const char *host;
    uint16_t port; /* 25 stands there before */
} port_cases[] = {
    {"mx.example:587", MOX_OK, "mx.example", 587},
    {"mx.example", MOX_OK, "mx.example", 25},
    {"192.0.2.1:1", MOX_OK, "192.0.2.1", 1},
    {"[2001:db8::1]:65535", MOX_OK, "2001:db8::1", 65535},
    {"[2001:db8::1]", MOX_OK, "2001:db8::1", 25},
    {"2001:db8::1", MOX_OK, "2001:db8::1", 25},
    {"mx.example:65536", MOX_E_INVAL, NULL, 25},
    {"mx.example:0", MOX_E_INVAL, NULL, 25},
    {"mx.example:", MOX_E_INVAL, NULL, 25},
    {"mx.example:smtp", MOX_E_INVAL, NULL, 25},
    {"mx.example:25:25", MOX_E_INVAL, NULL, 25},
    {":25", MOX_E_INVAL, NULL, 25},
    {"[2001:db8::1", MOX_E_INVAL, NULL, 25},
    {"[2001:db8::1]25", MOX_E_INVAL, NULL, 25},
    {"[]", MOX_E_INVAL, NULL, 25},
    {"", MOX_E_INVAL, NULL, 25},
};

START_TEST(splits_port)
{
    const struct port_case *c = &port_cases[_i];
    struct slice host = {0};
    uint16_t port = 25;

    ck_assert_int_eq(ip_split_port(slice_of(c->text), &host, &port), c->status);
    if (c->host == NULL)
        return;
    ck_assert(slice_is(host, c->host));
    ck_assert_uint_eq(port, c->port);
}
END_TEST

START_TEST(families)
{
    struct mox_ip a = ip("192.0.2.1"), b = ip("192.0.2.2"), zone = ip("fe80::1%1"),
                  other = ip("fe80::1%2");

    ck_assert(!ip_equal(&a, &b));
    ck_assert(!ip_equal(&zone, &other));
    ck_assert_uint_eq(ip_family_bit(MOX_IPV4), MOX_ALLOW_IPV4);
    ck_assert_uint_eq(ip_family_bit(MOX_IPV6), MOX_ALLOW_IPV6);
    ck_assert_uint_eq(ip_family_bit(MOX_FAMILY_NONE), 0);
    ck_assert_int_eq(ip_other_family(MOX_IPV4), MOX_IPV6);
    ck_assert_int_eq(ip_other_family(MOX_IPV6), MOX_IPV4);
    ck_assert_str_eq(mox_family_name(MOX_IPV6), "ipv6");
    ck_assert_str_eq(mox_family_name(5), "none");
    ck_assert_str_eq(mox_prefer_name(MOX_PREFER_LEARNED), "learned");
    ck_assert_str_eq(mox_prefer_name(-1), "unknown");
}
END_TEST

TCase *test_base_ip(void)
{
    TCase *tc = tcase_create("base_ip");

    tcase_add_loop_test(tc, parses, 0, ARRAY_LEN(parse_cases));
    tcase_add_test(tc, formats_as_snprintf);
    tcase_add_test(tc, refuses_nul);
    tcase_add_loop_test(tc, passes_through_sockaddr, 0, ARRAY_LEN(socket_cases));
    tcase_add_test(tc, sockaddr_edges);
    tcase_add_loop_test(tc, holds_what_is_inside, 0, ARRAY_LEN(prefix_cases));
    tcase_add_loop_test(tc, refuses_bad_prefix, 0, ARRAY_LEN(bad_prefixes));
    tcase_add_loop_test(tc, tells_kinds, 0, ARRAY_LEN(kind_cases));
    tcase_add_test(tc, mapped_bytes_are_special);
    tcase_add_loop_test(tc, splits_port, 0, ARRAY_LEN(port_cases));
    tcase_add_test(tc, families);
    return tc;
}
