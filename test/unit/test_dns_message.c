/* test_dns_message.c - names that are compressed, cut, looped, too long; readers at their end. */
#include <string.h>

#include <check.h>

#include "dns/message.h"
#include "test.h"

#define BYTES(literal) (literal), sizeof(literal) - 1
#define HEADER "\0\0\0\0\0\0\0\0\0\0\0\0"

/* The name begins behind the 12 bytes of a header. */
static const struct name_case {
    const char *name, *bytes;
    size_t len, at;
    const char *text; /* NULL: bad */
    size_t behind;
    const char *domain; /* NULL: no host name */
} names[] = {
    {"plain", BYTES(HEADER "\1A\2bC\0"), 12, "a.bc", 18, "a.bc"},
    {"root", BYTES(HEADER "\0"), 12, ".", 13, NULL},
    {"pointer", BYTES(HEADER "\1a\0\1b\300\14"), 15, "b.a", 19, "b.a"},
    {"pointer to a pointer", BYTES(HEADER "\1a\0\300\14\1b\300\17"), 17, "b.a", 21, "b.a"},
    {"underscore", BYTES(HEADER "\3_25\1a\0"), 12, "_25.a", 19, "_25.a"},
    {"a dot within a label", BYTES(HEADER "\3a.b\1c\0"), 12, "a?b.c", 19, NULL},
    {"a NUL within a label", BYTES(HEADER "\3a\0b\0"), 12, "a?b", 17, NULL},
    {"a slash",
     BYTES(HEADER "\3"
                  "0/2\0"),
     12, "0/2", 17, NULL},
    {"pointer to itself", BYTES(HEADER "\300\14"), 12, NULL, 0, NULL},
    {"pointers to each other", BYTES(HEADER "\300\16\300\14"), 14, NULL, 0, NULL},
    {"pointer ahead", BYTES(HEADER "\300\16\1a\0"), 12, NULL, 0, NULL},
    {"pointer into its own labels", BYTES(HEADER "\1a\300\14"), 12, NULL, 0, NULL},
    {"pointer into the header", BYTES(HEADER "\300\0"), 12, NULL, 0, NULL},
    {"pointer out of the message", BYTES(HEADER "\377\377"), 12, NULL, 0, NULL},
    {"half a pointer", BYTES(HEADER "\1a\300"), 12, NULL, 0, NULL},
    {"label of 64", BYTES(HEADER "\100aaaa"), 12, NULL, 0, NULL},
    {"label of type 2", BYTES(HEADER "\200aaaa"), 12, NULL, 0, NULL},
    {"cut in a label", BYTES(HEADER "\5a"), 12, NULL, 0, NULL},
    {"no root", BYTES(HEADER "\1a"), 12, NULL, 0, NULL},
    {"nothing there", BYTES(HEADER), 12, NULL, 0, NULL},
};

START_TEST(name_case)
{
    const struct name_case *c = &names[_i];
    struct dns_reader r = dns_reader_of((struct slice){c->bytes, c->len});
    struct dns_name name;
    struct domain domain;
    char text[256];

    r.at = c->at;
    dns_read_name(&r, &name);
    ck_assert_msg(r.bad == (c->text == NULL), "%s", c->name);
    if (r.bad) {
        ck_assert_uint_eq(r.at, c->at);
        ck_assert_uint_eq(name.len, 0);
        return;
    }
    ck_assert_msg(r.at == c->behind, "%s: ends at %zu", c->name, r.at);
    dns_name_text(&name, text, sizeof text);
    ck_assert_str_eq(text, c->text);
    ck_assert_int_eq(dns_host_name(name.wire, 0, &domain),
                     c->domain != NULL ? MOX_OK : MOX_E_INVAL);
    if (c->domain != NULL)
        ck_assert_str_eq(domain.name, c->domain);
}
END_TEST

/* Two names behind a header: the second begins at `second`. */
static const struct pair_case {
    const char *name, *bytes;
    size_t len, second;
    bool same;
} pairs[] = {
    {"written twice", BYTES(HEADER "\1a\2bC\0\1A\2Bc\0"), 18, true},
    {"a pointer to the first", BYTES(HEADER "\1a\2bc\0\300\14"), 18, true},
    {"the end shared", BYTES(HEADER "\1a\2bc\0\1a\300\16"), 18, true},
    {"the end alone", BYTES(HEADER "\1a\2bc\0\300\16"), 18, false},
    {"another letter", BYTES(HEADER "\1a\2bc\0\1a\2bd\0"), 18, false},
    {"more labels", BYTES(HEADER "\1a\0\1a\1b\0"), 15, false},
    {"a dot within a label", BYTES(HEADER "\1a\1b\0\3a.b\0"), 17, false},
    {"'@' and '`', which differ by the bit of case", BYTES(HEADER "\1@\0\1`\0"), 15, false},
    {"the root", BYTES(HEADER "\0\0"), 13, true},
};

START_TEST(pair_case)
{
    const struct pair_case *c = &pairs[_i];
    struct dns_reader r = dns_reader_of((struct slice){c->bytes, c->len});
    size_t a, b;

    r.at = DNS_HEADER_LEN;
    a = dns_skip_name(&r);
    ck_assert_uint_eq(r.at, c->second);
    b = dns_skip_name(&r);
    ck_assert_msg(!r.bad && r.at == r.end, "%s", c->name);
    ck_assert_msg(dns_same_name(r.message, a, b) == c->same, "%s", c->name);
    ck_assert_msg(dns_same_name(r.message, b, a) == c->same, "%s, turned", c->name);
}
END_TEST

static const struct domain_case {
    const char *domain, *bytes;
    size_t len;
    bool same;
} domains[] = {
    {"a.bc", BYTES(HEADER "\1A\2bC\0"), true},
    {"a.bc", BYTES(HEADER "\1a\2bd\0"), false},
    {"a.bc", BYTES(HEADER "\4a.bc\0"), false},
    {"a.bc", BYTES(HEADER "\1a\2bc\1"), false},
    {"a.bc", BYTES(HEADER "\1a\2bc"), false},
    {"a.bc", BYTES(HEADER "\1a\3bcd\0"), false},
    {"a.bc", BYTES(HEADER "\2bc\0xxx"), false},
    {"a.bc", BYTES(HEADER "\1a\300\14xxx"), false},
    {"a", BYTES(HEADER "\0\1a\0"), false},
    {"abc.defgh.ij", BYTES(HEADER "\3abc\5defgh\2ij\0"), true},
    {"abc.defgh.ij", BYTES(HEADER "\3abC\5deFgh\2iJ\0"), true},
    {"abc.defgh.ij", BYTES(HEADER "\11abc.defgh\2ij\0"), false},
    {"abc.defgh.ij", BYTES(HEADER "\3abc\10defgh.ij\0"), false},
    {"abc.defgh.ij", BYTES(HEADER "\14abc.defgh.ij\0"), false},
};

START_TEST(domain_case)
{
    const struct domain_case *c = &domains[_i];
    char *copy = mem_text(c->bytes, c->len);
    struct dns_reader r = dns_reader_of((struct slice){copy, c->len});
    struct domain domain;

    r.at = DNS_HEADER_LEN;
    ck_assert_int_eq(domain_parse_lax(slice_of(c->domain), &domain), MOX_OK);
    ck_assert_msg(dns_skip_domain(&r, domain_slice(&domain)) == c->same, "%d", _i);
    ck_assert_uint_eq(r.at, c->same ? c->len : DNS_HEADER_LEN);
    mem_free(copy);
}
END_TEST

/* No byte of a name can be another one but for case, wherever it stands. */
START_TEST(another_byte_is_another_name)
{
    static const char written[] = HEADER "\4mail\11elsewhere\7example\0";
    struct slice domain = {"mail.elsewhere.example", 22};

    for (size_t at = DNS_HEADER_LEN; at < sizeof written - 1; at++) {
        for (int byte = 0; byte < 256; byte++) {
            char copy[sizeof written];
            struct dns_reader r = dns_reader_of((struct slice){copy, sizeof copy - 1});
            bool same = slice_lower((char)byte) == written[at];

            memcpy(copy, written, sizeof written);
            copy[at] = (char)byte;
            r.at = DNS_HEADER_LEN;
            ck_assert_msg(dns_skip_domain(&r, domain) == same, "%d at %zu", byte, at);
        }
    }
}
END_TEST

/* A pointer to the question's place is none where no question has been read. */
START_TEST(pointer_to_a_question_that_is_none)
{
    static const char message[] = HEADER "\100\0\300\14";
    struct dns_reader r = dns_reader_of((struct slice){message, sizeof message - 1});

    r.at = DNS_HEADER_LEN + 2;
    ck_assert_uint_eq(dns_skip_name(&r), 0);
    ck_assert(r.bad);
}
END_TEST

START_TEST(name_of_255_bytes_and_one_more)
{
    char message[12 + 256] = {0};
    struct slice all = {message, sizeof message};
    struct dns_reader r = dns_reader_of(all);
    struct dns_name name;

    for (size_t at = 12; at < 12 + 254; at += 2)
        message[at] = 1, message[at + 1] = 'x';
    r.at = 12;
    dns_read_name(&r, &name);
    ck_assert(!r.bad);
    ck_assert_uint_eq(name.len, 255);
    r = dns_reader_of(all);
    r.at = 12;
    message[12 + 252] = 2; /* the last label: one byte more */
    message[12 + 254] = 'x';
    dns_read_name(&r, &name);
    ck_assert(r.bad);
}
END_TEST

START_TEST(more_pointers_than_labels)
{
    char message[14 + 2 * 200] = {0};
    struct dns_name name;

    for (size_t i = 0; i < 200; i++) { /* each leads to the one before, the first to a root */
        size_t at = 14 + 2 * i, target = i == 0 ? 12 : at - 2;

        message[at] = (char)(0xc0 | target >> 8);
        message[at + 1] = (char)target;
    }
    for (size_t i = 0; i < 200; i++) {
        struct dns_reader r = dns_reader_of((struct slice){message, sizeof message});

        r.at = 14 + 2 * i;
        dns_read_name(&r, &name);
        ck_assert_msg(r.bad == (i + 1 > 127), "%zu pointers", i + 1);
    }
}
END_TEST

START_TEST(record_cut_at_every_byte)
{
    static const char message[] = HEADER "\1a\0\0\1\0\1\0\0\1\2\0\4\300\0\2\1";
    size_t len = sizeof message - 1;
    struct dns_record record;

    for (size_t cut = 0; cut <= len; cut++) {
        char *copy = mem_text(message, cut); /* of this size, so that a sanitizer sees the end */
        struct dns_reader r = dns_reader_of((struct slice){copy, cut});
        struct dns_header header;

        dns_read_header(&r, &header);
        ck_assert_int_eq(r.bad, cut < DNS_HEADER_LEN);
        ck_assert_msg(dns_read_record(&r, &record) == (cut == len), "cut at %zu", cut);
        if (cut == len) {
            ck_assert_uint_eq(record.ttl, 0x102);
            ck_assert_uint_eq(dns_read_u16(&record.rdata), 0xc000);
            ck_assert_uint_eq(dns_read_u16(&record.rdata), 0x0201);
            ck_assert_uint_eq(dns_read_u16(&record.rdata), 0);
            ck_assert(record.rdata.bad);
        }
        mem_free(copy);
    }
}
END_TEST

static const struct text_case {
    const char *text;
    int status;
    const char *wire;
    size_t len;
} texts[] = {
    {"a.B", MOX_OK, BYTES("\1a\1b\0")},
    {"a.b.", MOX_OK, BYTES("\1a\1b\0")},
    {".", MOX_OK, BYTES("\0")},
    {"a\\.b.c", MOX_OK, BYTES("\3a.b\1c\0")},
    {"a\\046b", MOX_OK, BYTES("\3a.b\0")},
    {"a\\000", MOX_OK, BYTES("\2a\0\0")},
    {"", MOX_E_INVAL, NULL, 0},
    {"..", MOX_E_INVAL, NULL, 0},
    {"a..", MOX_E_INVAL, NULL, 0},
    {"a\\", MOX_E_INVAL, NULL, 0},
    {"a\\04", MOX_E_INVAL, NULL, 0},
    {"a\\256", MOX_E_INVAL, NULL, 0},
};

START_TEST(text_case)
{
    const struct text_case *c = &texts[_i];
    struct dns_name name;

    ck_assert_msg(dns_name_parse(slice_of(c->text), &name) == c->status, "\"%s\"", c->text);
    if (c->status != MOX_OK)
        return;
    ck_assert_uint_eq(name.len, c->len);
    ck_assert_mem_eq(name.wire, c->wire, c->len);
}
END_TEST

TCase *test_dns_message(void)
{
    TCase *tcase = tcase_create("dns/message");

    tcase_add_loop_test(tcase, name_case, 0, (int)ARRAY_LEN(names));
    tcase_add_loop_test(tcase, pair_case, 0, (int)ARRAY_LEN(pairs));
    tcase_add_loop_test(tcase, domain_case, 0, (int)ARRAY_LEN(domains));
    tcase_add_test(tcase, another_byte_is_another_name);
    tcase_add_test(tcase, pointer_to_a_question_that_is_none);
    tcase_add_test(tcase, name_of_255_bytes_and_one_more);
    tcase_add_test(tcase, more_pointers_than_labels);
    tcase_add_test(tcase, record_cut_at_every_byte);
    tcase_add_loop_test(tcase, text_case, 0, (int)ARRAY_LEN(texts));
    return tcase;
}
