/* test_dns_query.c - the query byte by byte, and the names that make none. */
#include <string.h>

#include <check.h>

#include <moxdial/base.h>

#include "dns/query.h"
#include "test.h"

START_TEST(bytes_of_a_query)
{
    static const unsigned char want[] = {
        0xbe, 0xef, 0x01, 0x20, 0,  1,    0,    0, 0,   0,   0,   1, /* RD and AD */
        3,    '_',  '2',  '5',  2,  'm',  'x',  4, 't', 'e', 's', 't', 0, 0, 52,
        0,    1,    0,    0,    41, 0x04, 0xd0, 0, 0,   0,   0,   0,   0, /* 1232 bytes, DO clear */
    };
    unsigned char buf[DNS_QUERY_MAX];
    size_t len = 0;

    ck_assert_int_eq(
        dns_query_build(slice_of("_25.MX.test"), DNS_TYPE_TLSA, 0xbeef, buf, sizeof buf, &len),
        MOX_OK);
    ck_assert_uint_eq(len, sizeof want);
    ck_assert_mem_eq(buf, want, sizeof want);
    ck_assert_uint_eq(dns_query_plain(buf, len), sizeof want - DNS_OPT_LEN);
    ck_assert_uint_eq(buf[11], 0);
    ck_assert_int_eq(dns_query_build(slice_of("_25.mx.test"), 52, 1, buf, sizeof want, &len),
                     MOX_OK);
    ck_assert_int_eq(dns_query_build(slice_of("_25.mx.test"), 52, 1, buf, sizeof want - 1, &len),
                     MOX_E_LIMIT);
}
END_TEST

START_TEST(no_names)
{
    static const char *const names[] = {"", "..", ".a", "a..b", "a\\", "a\\25", "a\\999"};
    unsigned char buf[DNS_QUERY_MAX];
    size_t len;

    ck_assert_msg(dns_query_build(slice_of(names[_i]), 1, 1, buf, sizeof buf, &len) == MOX_E_INVAL,
                  "\"%s\"", names[_i]);
}
END_TEST

/* Four labels: three of 63 bytes, one that makes the name as long as said. */
static struct slice long_name(char *out, size_t len)
{
    memset(out, 'a', len);
    out[63] = out[127] = out[191] = '.';
    return (struct slice){out, len};
}

START_TEST(longest_name)
{
    unsigned char buf[DNS_QUERY_MAX];
    char name[256];
    size_t len = 0;

    ck_assert_int_eq(dns_query_build(long_name(name, 253), 1, 1, buf, sizeof buf, &len), MOX_OK);
    ck_assert_uint_eq(len, DNS_QUERY_MAX);
    ck_assert_int_eq(dns_query_build(long_name(name, 254), 1, 1, buf, sizeof buf, &len),
                     MOX_E_INVAL);
    memset(name, 'a', 64);
    ck_assert_int_eq(dns_query_build((struct slice){name, 64}, 1, 1, buf, sizeof buf, &len),
                     MOX_E_INVAL);
}
END_TEST

TCase *test_dns_query(void)
{
    TCase *tcase = tcase_create("dns/query");

    tcase_add_test(tcase, bytes_of_a_query);
    tcase_add_loop_test(tcase, no_names, 0, 7);
    tcase_add_test(tcase, longest_name);
    return tcase;
}
