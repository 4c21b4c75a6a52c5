/* test_dns_records.c - zone-file text to wire and back, and text that is none. */
#include <stdio.h>
#include <string.h>

#include <check.h>

#include "dns/answer.h"
#include "dns/dns.h"
#include "dns/message.h"
#include "dns/records.h"
#include "test.h"

static const struct rdata_case {
    uint16_t type;
    const char *text;
    const char *hex; /* of the rdata; NULL: MOX_E_INVAL */
} cases[] = {
    {DNS_TYPE_A, "192.0.2.1", "c0000201"},
    {DNS_TYPE_A, " 192.0.2.1\t", "c0000201"},
    {DNS_TYPE_A, "192.0.2", NULL},
    {DNS_TYPE_A, "192.0.2.1 x", NULL},
    {DNS_TYPE_A, "2001:db8::1", NULL},
    {DNS_TYPE_A, "::ffff:192.0.2.1", NULL},
    {DNS_TYPE_A, "", NULL},
    {DNS_TYPE_AAAA, "2001:db8::1", "20010db8000000000000000000000001"},
    {DNS_TYPE_AAAA, "::ffff:192.0.2.1", "00000000000000000000ffffc0000201"},
    {DNS_TYPE_AAAA, "192.0.2.1", NULL},
    {DNS_TYPE_AAAA, "fe80::1%1", NULL},
    {DNS_TYPE_MX, "10 mx.test", "000a026d78047465737400"},
    {DNS_TYPE_MX, "10 mx.test.", "000a026d78047465737400"},
    {DNS_TYPE_MX, "0 .", "000000"},
    {DNS_TYPE_MX, "65536 mx.test", NULL},
    {DNS_TYPE_MX, "mx.test", NULL},
    {DNS_TYPE_MX, "10", NULL},
    {DNS_TYPE_MX, "10 a..b", NULL},
    {DNS_TYPE_CNAME, "A.test",
     "01610474657374"
     "00"},
    {DNS_TYPE_NS, "a", "016100"},
    {DNS_TYPE_PTR, "1.0/25.x", "013104302f3235017800"},
    {DNS_TYPE_TXT, "\"a b\" c \"\"", "03612062016300"},
    {DNS_TYPE_TXT, "\"a\\\"b\\032\"", "0461226220"},
    {DNS_TYPE_TXT, "a\\ b", "03612062"},
    {DNS_TYPE_TXT, "\"a", NULL},
    {DNS_TYPE_TXT, "\"a\"b", NULL},
    {DNS_TYPE_TXT, "", NULL},
    {DNS_TYPE_TXT, "a\\", NULL},
    {DNS_TYPE_TLSA, "3 1 1 00ff", "03010100ff"},
    {DNS_TYPE_TLSA, "3 1 1 0 0 FF", "03010100ff"},
    {DNS_TYPE_TLSA, "3 1 1 0", NULL},
    {DNS_TYPE_TLSA, "256 1 1 00", NULL},
    {DNS_TYPE_TLSA, "3 1 1 0g", NULL},
    {DNS_TYPE_SOA, "a b 1 2 3 4 5",
     "01610001620000000001000000020000000300000004"
     "00000005"},
    {DNS_TYPE_SOA, "a b 1 2 3 4", NULL},
    {DNS_TYPE_SOA, "a b 1 2 3 4 4294967296", NULL},
    {99, "\\# 2 abcd", "abcd"},
    {99, "\\# 0", ""},
    {99, "\\# 3 abcd", NULL},
    {99, "\\# x", NULL},
    {99, "abcd", NULL},
    {DNS_TYPE_A, "\\# 4 c0000201", "c0000201"},
};

static void to_hex(struct slice bytes, char *out)
{
    out[0] = '\0';
    for (size_t i = 0; i < bytes.len; i++)
        snprintf(out + 2 * i, 3, "%02x", (unsigned)(unsigned char)bytes.ptr[i]);
}

START_TEST(rdata_case)
{
    const struct rdata_case *c = &cases[_i];
    struct mox_dns_record record = {"other.test", c->type, 0, 300, c->text};
    struct buffer out = {0};
    struct mox_error err = {0};
    struct dns_header header;
    struct dns_reader r;
    struct dns_record got;
    struct dns_name question;
    char hex[256];
    int status = dns_records_to_wire(&(struct dns_reply){"q.test", c->type, 0, true, &record, 1},
                                     &out, &err);

    ck_assert_msg(status == (c->hex == NULL ? MOX_E_INVAL : MOX_OK), "%u %s: %d", (unsigned)c->type,
                  c->text, status);
    if (status != MOX_OK) {
        ck_assert(strstr(err.message, "other.test") != NULL);
        ck_assert_uint_eq(buffer_slice(&out).len, 0);
        buffer_free(&out);
        return;
    }
    r = dns_reader_of(buffer_slice(&out));
    dns_read_header(&r, &header);
    ck_assert_uint_eq(header.flags, DNS_FLAG_QR | DNS_FLAG_RD | DNS_FLAG_RA | DNS_FLAG_AD);
    dns_read_name(&r, &question);
    ck_assert_uint_eq(dns_read_u16(&r), c->type);
    dns_read_u16(&r);
    ck_assert(dns_read_record(&r, &got));
    ck_assert_uint_eq(got.type, c->type);
    ck_assert_uint_eq(got.ttl, 300);
    to_hex(dns_read_rest(&got.rdata), hex);
    ck_assert_msg(strcmp(hex, c->hex) == 0, "%s: %s", c->text, hex);
    ck_assert(dns_read_record(&r, &got) && got.type == DNS_TYPE_OPT && r.at == r.end);
    buffer_free(&out);
}
END_TEST

START_TEST(what_is_no_answer)
{
    struct mox_dns_record nameless = {NULL, DNS_TYPE_A, 0, 0, "192.0.2.1"};
    struct mox_dns_record without_rdata = {"a", DNS_TYPE_A, 0, 0, NULL};
    struct buffer out = {0};

    ck_assert_int_eq(
        dns_records_to_wire(&(struct dns_reply){NULL, 1, 0, false, NULL, 0}, &out, NULL),
        MOX_E_INVAL);
    ck_assert_int_eq(
        dns_records_to_wire(&(struct dns_reply){"a..b", 1, 0, false, NULL, 0}, &out, NULL),
        MOX_E_INVAL);
    ck_assert_int_eq(
        dns_records_to_wire(&(struct dns_reply){"a", 1, -1, false, NULL, 0}, &out, NULL),
        MOX_E_INVAL);
    ck_assert_int_eq(
        dns_records_to_wire(&(struct dns_reply){"a", 1, 4096, false, NULL, 0}, &out, NULL),
        MOX_E_INVAL);
    ck_assert_int_eq(
        dns_records_to_wire(&(struct dns_reply){"a", 1, 0, false, &nameless, 1}, &out, NULL),
        MOX_E_INVAL);
    ck_assert_int_eq(
        dns_records_to_wire(&(struct dns_reply){"a", 1, 0, false, &without_rdata, 1}, &out, NULL),
        MOX_E_INVAL);
    ck_assert_int_eq(
        dns_records_to_wire(&(struct dns_reply){"a", 1, 0, false, &nameless, 65536}, &out, NULL),
        MOX_E_LIMIT);
    buffer_free(&out);
}
END_TEST

START_TEST(string_of_255_bytes_and_one_more)
{
    char text[257];
    struct mox_dns_record record = {"a", DNS_TYPE_TXT, 0, 0, text};
    struct buffer out = {0};

    memset(text, 'x', 256);
    text[256] = '\0';
    ck_assert_int_eq(
        dns_records_to_wire(&(struct dns_reply){"a", 16, 0, false, &record, 1}, &out, NULL),
        MOX_E_INVAL);
    text[255] = '\0';
    ck_assert_int_eq(
        dns_records_to_wire(&(struct dns_reply){"a", 16, 0, false, &record, 1}, &out, NULL),
        MOX_OK);
    buffer_free(&out);
}
END_TEST

START_TEST(what_stood_in_the_buffer_stays)
{
    struct mox_dns_record bad = {"a", DNS_TYPE_A, 0, 0, "x"};
    struct buffer out = {0};

    ck_assert_int_eq(buffer_append_text(&out, "taken,kept"), MOX_OK);
    buffer_take(&out, 6);
    ck_assert_int_eq(
        dns_records_to_wire(&(struct dns_reply){"a", 1, 0, false, &bad, 1}, &out, NULL),
        MOX_E_INVAL);
    ck_assert(slice_is(buffer_slice(&out), "kept"));
    buffer_free(&out);
}
END_TEST

/* A question's name need not be one that a host could have (RFC 7208 section 7.1 asks for such). */
START_TEST(names_of_any_bytes_are_answered)
{
    static const struct {
        const char *asked, *answered;
        int status;
    } names[] = {
        {"a\\032b\\;c:/\\\\.example.test", "A b;c:/\\\\.EXAMPLE.test", MOX_OK},
        {"a\\.b.test", "a\\.b.test", MOX_OK},
        {"a\\.b.test", "a.b.test", MOX_E_DNS},
        {"a;b.test", "a;c.test", MOX_E_DNS},
        {"a;b.test", "a;b.test.x", MOX_E_DNS},
        {"a\\", "a", MOX_E_DNS},
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct mox_dns_record record = {names[i].answered, DNS_TYPE_A, 0, 60, "192.0.2.1"};
        struct dns_reply reply = {names[i].answered, DNS_TYPE_A, 0, false, &record, 1};
        struct dns_question question = {slice_of(names[i].asked), DNS_TYPE_A, 0};
        struct buffer out = {0};
        struct arena arena = {0};
        struct dns_answer answer;

        ck_assert_int_eq(dns_records_to_wire(&reply, &out, NULL), MOX_OK);
        ck_assert_msg(dns_answer_read(buffer_slice(&out), &question, &answer, &arena, NULL) ==
                          names[i].status,
                      "%s", names[i].asked);
        ck_assert_uint_eq(answer.count, names[i].status == MOX_OK);
        arena_free(&arena);
        buffer_free(&out);
    }
}
END_TEST

START_TEST(no_memory)
{
    struct mox_dns_record records[40];
    bool failed = true;

    for (size_t i = 0; i < ARRAY_LEN(records); i++)
        records[i] = (struct mox_dns_record){"a.test", DNS_TYPE_MX, 0, 0, "10 mx.example.test"};
    for (long nth = 1; failed; nth++) {
        struct buffer out = {0};
        int status;

        test_fail_alloc(nth);
        status = dns_records_to_wire(
            &(struct dns_reply){"b.test", 15, 0, false, records, ARRAY_LEN(records)}, &out, NULL);
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert_int_eq(status, failed ? MOX_E_NOMEM : MOX_OK);
        ck_assert_msg(failed || nth > 2, "memory was asked for %ld times only", nth - 1);
        buffer_free(&out);
    }
}
END_TEST

TCase *test_dns_records(void)
{
    TCase *tcase = tcase_create("dns/records");

    tcase_add_loop_test(tcase, rdata_case, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tcase, what_is_no_answer);
    tcase_add_test(tcase, string_of_255_bytes_and_one_more);
    tcase_add_test(tcase, what_stood_in_the_buffer_stays);
    tcase_add_test(tcase, names_of_any_bytes_are_answered);
    tcase_add_test(tcase, no_memory);
    return tcase;
}
