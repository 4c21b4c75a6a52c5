/*
 * test_dns_answer.c - alias chains, each type of record, failures with their reasons, and messages
 * that lie. Good messages are made by dns_records_to_wire, bad ones by breaking good ones.
 */
#include <stdio.h>
#include <string.h>

#include <check.h>

#include "dns/answer.h"
#include "dns/records.h"
#include "test.h"

#define A DNS_TYPE_A
#define CNAME DNS_TYPE_CNAME
#define MX DNS_TYPE_MX

enum { MAX_ALIASES = 10, AT_RCODE = 3, AT_ANSWERS = 6 };

static struct domain domain_named(const char *name)
{
    struct domain domain = {.len = 0};

    ck_assert_int_eq(domain_parse_lax(slice_of(name), &domain), MOX_OK);
    return domain;
}

static struct buffer wire_of(const char *question, uint16_t type,
                             const struct mox_dns_record *records, size_t n)
{
    struct buffer wire = {0};

    ck_assert_int_eq(
        dns_records_to_wire(&(struct dns_reply){question, type, 0, true, records, n}, &wire, NULL),
        MOX_OK);
    return wire;
}

/* What was read, as one line: "aliases canonical ttl: record record"; canonical "-": none. */
static void describe(const struct dns_answer *a, char *out, size_t cap)
{
    size_t at = (size_t)snprintf(out, cap, "%u %s %u:", a->aliases,
                                 a->canonical.len == 0 ? "-" : a->canonical.name, (unsigned)a->ttl);

    for (size_t i = 0; i < a->count && at < cap; i++) {
        char ip[64];

        if (a->addresses != NULL) {
            mox_ip_format(&a->addresses[i], ip, sizeof ip);
            at += (size_t)snprintf(out + at, cap - at, " %s", ip);
            continue;
        }
        ck_assert_uint_eq(strlen(a->items[i].data.ptr), a->items[i].data.len);
        at += (size_t)snprintf(out + at, cap - at, " %u/%s/%u", (unsigned)a->items[i].preference,
                               a->items[i].data.ptr, (unsigned)a->items[i].fault);
    }
}

static const struct answer_case {
    const char *name;
    uint16_t type; /* asked for a.test */
    struct mox_dns_record records[6];
    int status;
    const char *want; /* as describe() tells it, or a part of the error */
} cases[] = {
    {"addresses",
     A,
     {{"a.test", A, 0, 9, "192.0.2.1"}, {"A.TEST", A, 0, 5, "192.0.2.2"}},
     MOX_OK,
     "0 - 5: 192.0.2.1 192.0.2.2"},
    {"a duplicate is kept",
     A,
     {{"a.test", A, 0, 5, "192.0.2.1"}, {"a.test", A, 0, 5, "192.0.2.1"}},
     MOX_OK,
     "0 - 5: 192.0.2.1 192.0.2.1"},
    {"mapped addresses stay what they are",
     DNS_TYPE_AAAA,
     {{"a.test", DNS_TYPE_AAAA, 0, 5, "::ffff:192.0.2.1"}},
     MOX_OK,
     "0 - 5: ::ffff:192.0.2.1"},
    {"no record", A, {{NULL, 0, 0, 0, NULL}}, MOX_OK, "0 - 0:"},
    {"of others",
     A,
     {{"b.test", A, 0, 5, "192.0.2.1"}, {"a.test", MX, 0, 1, "1 b"}},
     MOX_OK,
     "0 - 0:"},
    {"aliases in any order",
     A,
     {{"c.test", A, 0, 7, "192.0.2.1"},
      {"b.test", CNAME, 0, 3, "C.test"},
      {"a.test", CNAME, 0, 5, "b.test"}},
     MOX_OK,
     "2 c.test 3: 192.0.2.1"},
    {"an alias that leads nowhere", A, {{"a.test", CNAME, 0, 5, "b.test"}}, MOX_OK, "1 b.test 5:"},
    {"an alias asked for is not followed",
     CNAME,
     {{"a.test", CNAME, 0, 5, "b.test"}, {"b.test", CNAME, 0, 5, "c.test"}},
     MOX_OK,
     "0 - 5: 0/b.test/0"},
    {"the same name but for case is no alias",
     A,
     {{"a.test", CNAME, 0, 5, "A.TEST"}, {"a.test", A, 0, 5, "192.0.2.1"}},
     MOX_OK,
     "0 - 5: 192.0.2.1"},
    {"nor where aliases are asked for",
     CNAME,
     {{"a.test", CNAME, 0, 5, "A.TEST"}},
     MOX_OK,
     "0 - 5:"},
    {"a loop",
     A,
     {{"a.test", CNAME, 0, 5, "b.test"}, {"b.test", CNAME, 0, 5, "a.test"}},
     MOX_E_DNS,
     "loop"},
    {"a loop beside the question",
     A,
     {{"a.test", CNAME, 0, 5, "b.test"},
      {"b.test", CNAME, 0, 5, "c.test"},
      {"c.test", CNAME, 0, 5, "b.test"}},
     MOX_E_DNS,
     "loop"},
    {"an alias for no host name", A, {{"a.test", CNAME, 0, 5, "a/b.test"}}, MOX_E_DNS, "no host"},
    {"an alias to the root", MX, {{"a.test", CNAME, 0, 5, "."}}, MOX_E_DNS, "no host"},
    {"as reverse zones have it",
     DNS_TYPE_PTR,
     {{"a.test", CNAME, 0, 5, "1.0/25.test"}, {"1.0/25.test", DNS_TYPE_PTR, 0, 5, "Mx.test"}},
     MOX_OK,
     "1 - 5: 0/mx.test/0"},
    {"mail hosts",
     MX,
     {{"a.test", MX, 0, 5, "20 mx_2.Test"}, {"a.test", MX, 0, 6, "10 mx1.test"}},
     MOX_OK,
     "0 - 5: 20/mx_2.test/0 10/mx1.test/0"},
    {"mail hosts with faults",
     MX,
     {{"a.test", MX, 0, 5, "0 ."},
      {"a.test", MX, 0, 5, "1 192.0.2.1"},
      {"a.test", MX, 0, 5, "2 \\058\\0581"},
      {"a.test", MX, 0, 5, "3 a\\032b\\010.test"},
      {"a.test", MX, 0, 5, "4 a\\.b.test"}},
     MOX_OK,
     "0 - 5: 0/./1 1/192.0.2.1/2 2/::1/2 3/a b?.test/3 4/a?b.test/3"},
    {"texts are joined",
     DNS_TYPE_TXT,
     {{"a.test", DNS_TYPE_TXT, 0, 5, "\"v=spf1 \" \"-all\""},
      {"a.test", DNS_TYPE_TXT, 0, 5, "\"\""}},
     MOX_OK,
     "0 - 5: 0/v=spf1 -all/0 0//0"},
    {"an unknown type is raw", 99, {{"a.test", 99, 0, 5, "\\# 2 4142"}}, MOX_OK, "0 - 5: 0/AB/0"},
    {"a time to live with the sign bit is 0",
     A,
     {{"a.test", A, 0, 1u << 31, "192.0.2.1"}},
     MOX_OK,
     "0 - 0: 192.0.2.1"},
    {"an OPT record among the answers is none",
     A,
     {{"a.test", DNS_TYPE_OPT, 0, 1u << 24, "\\# 0"}},
     MOX_OK,
     "0 - 0:"},
    {"an address of 3 bytes", A, {{"a.test", A, 0, 5, "\\# 3 c00002"}}, MOX_E_DNS, "malformed"},
    {"an address of 5 bytes", A, {{"a.test", A, 0, 5, "\\# 5 c000020100"}}, MOX_E_DNS, "malformed"},
    {"a mail host without name", MX, {{"a.test", MX, 0, 5, "\\# 2 000a"}}, MOX_E_DNS, "malformed"},
    {"bytes behind a mail host",
     MX,
     {{"a.test", MX, 0, 5, "\\# 4 000a00ff"}},
     MOX_E_DNS,
     "malformed"},
    {"a string longer than its record",
     DNS_TYPE_TXT,
     {{"a.test", DNS_TYPE_TXT, 0, 5, "\\# 2 0541"}},
     MOX_E_DNS,
     "malformed"},
    {"a broken alias", A, {{"a.test", CNAME, 0, 5, "\\# 2 0541"}}, MOX_E_DNS, "malformed"},
    {"a broken record of another is passed over",
     A,
     {{"b.test", A, 0, 5, "\\# 1 00"}, {"a.test", A, 0, 5, "192.0.2.1"}},
     MOX_OK,
     "0 - 5: 192.0.2.1"},
};

START_TEST(answer_case)
{
    const struct answer_case *c = &cases[_i];
    struct domain question = domain_named("a.test");
    struct arena arena = {0};
    struct mox_error err = {0};
    struct dns_answer answer;
    char got[512];
    size_t n = 0;
    struct buffer wire;
    int status;

    while (n < ARRAY_LEN(c->records) && c->records[n].name != NULL)
        n++;
    wire = wire_of("A.test", c->type, c->records, n);
    status = dns_answer_read(buffer_slice(&wire),
                             &(struct dns_question){.name = domain_slice(&question),
                                                    .type = c->type,
                                                    .max_aliases = MAX_ALIASES},
                             &answer, &arena, &err);
    ck_assert_msg(status == c->status, "%s: %d %s", c->name, status, err.message);
    if (status == MOX_OK) {
        describe(&answer, got, sizeof got);
        ck_assert_msg(strcmp(got, c->want) == 0, "%s: %s", c->name, got);
        ck_assert(answer.authentic && !answer.truncated && answer.ede_code == -1);
    } else {
        ck_assert_msg(strstr(err.message, c->want) != NULL, "%s: %s", c->name, err.message);
        ck_assert(strstr(err.message, "a.test") != NULL);
    }
    buffer_free(&wire);
    arena_free(&arena);
}
END_TEST

START_TEST(chain_of_ten_and_of_eleven)
{
    char names[12][24];
    struct mox_dns_record chain[12];
    struct domain question = domain_named("n0.test");

    for (int i = 0; i < 12; i++)
        snprintf(names[i], sizeof names[i], "n%d.test", i);
    for (size_t n = 10; n <= 11; n++) {
        struct arena arena = {0};
        struct mox_error err = {0};
        struct dns_answer answer;
        struct buffer wire;

        for (size_t i = 0; i < n; i++)
            chain[n - i] = (struct mox_dns_record){names[i], CNAME, 0, 5, names[i + 1]};
        chain[0] = (struct mox_dns_record){names[n], A, 0, 5, "192.0.2.1"};
        wire = wire_of("n0.test", A, chain, n + 1);
        ck_assert_int_eq(dns_answer_read(buffer_slice(&wire),
                                         &(struct dns_question){.name = domain_slice(&question),
                                                                .type = A,
                                                                .max_aliases = MAX_ALIASES},
                                         &answer, &arena, &err),
                         n == 10 ? MOX_OK : MOX_E_LIMIT);
        ck_assert_uint_eq(answer.aliases, n);
        ck_assert_uint_eq(answer.count, n == 10);
        ck_assert(n == 10 || strstr(err.message, "10 aliases") != NULL);
        buffer_free(&wire);
        arena_free(&arena);
    }
}
END_TEST

START_TEST(ten_thousand_mail_hosts)
{
    enum { N = 10000 };
    struct mox_dns_record *records = mem_array(N, sizeof *records);
    struct domain question = domain_named("a.test");
    struct arena arena = {0};
    struct dns_answer answer;
    struct buffer wire;

    for (size_t i = 0; i < N; i++)
        records[i] = (struct mox_dns_record){"a.test", MX, 0, 5, "10 mx.test"};
    wire = wire_of("a.test", MX, records, N);
    ck_assert_int_eq(dns_answer_read(buffer_slice(&wire),
                                     &(struct dns_question){.name = domain_slice(&question),
                                                            .type = MX,
                                                            .max_aliases = MAX_ALIASES},
                                     &answer, &arena, NULL),
                     MOX_OK);
    ck_assert_uint_eq(answer.count, MOX_LIMIT_DNS_RECORDS);
    ck_assert_uint_eq(answer.beyond, N - MOX_LIMIT_DNS_RECORDS);
    for (const struct arena_block *block = arena.blocks; block != NULL; block = block->next)
        ck_assert_uint_lt(block->cap, 1 << 17); /* room for all would be more */
    buffer_free(&wire);
    arena_free(&arena);
    mem_free(records);
}
END_TEST

/* A good answer with one record, and one byte or two of it changed. */
static const struct header_case {
    const char *name;
    size_t at;
    unsigned high, low; /* what stands there then */
    int status;
    const char *error;
    size_t count; /* records read */
} headers[] = {
    {"no answer but a question", 2, 0x01, 0x00, MOX_E_DNS, "no answer", 0},
    {"another opcode", 2, 0xa1, 0x00, MOX_E_DNS, "no answer", 0},
    {"no question", 4, 0, 0, MOX_E_DNS, "malformed", 0},
    {"two questions", 4, 0, 2, MOX_E_DNS, "malformed", 0},
    {"65535 answers", AT_ANSWERS, 0xff, 0xff, MOX_E_DNS, "malformed", 0},
    {"one authority too many", 8, 0, 1, MOX_E_DNS, "malformed", 0},
    {"one additional record too many", 10, 0, 2, MOX_E_DNS, "malformed", 0},
    {"fewer records than there are", AT_ANSWERS, 0, 0, MOX_OK, NULL, 0},
    {"another name", 12, 1, 'b', MOX_E_DNS, "another question", 0},
    {"the name in capitals", 12, 1, 'A', MOX_OK, NULL, 1},
    {"another type", 20, 0, 28, MOX_E_DNS, "another question", 0},
    {"another class", 22, 0, 3, MOX_E_DNS, "another question", 0},
    {"a record of another class", 28, 0, 3, MOX_OK, NULL, 0},
    {"SERVFAIL", 2, 0x81, 0x02, MOX_E_DNS, "SERVFAIL", 0},
    {"REFUSED", 2, 0x81, 0x05, MOX_E_DNS, "REFUSED", 0},
    {"NXDOMAIN", 2, 0x81, 0x03, MOX_OK, NULL, 1},
    {"truncated, with a record", 2, 0x83, 0x00, MOX_OK, NULL, 1},
};

START_TEST(header_case)
{
    const struct header_case *c = &headers[_i];
    struct mox_dns_record record = {"a.test", A, 0, 5, "192.0.2.1"};
    struct buffer wire = wire_of("a.test", A, &record, 1);
    struct domain question = domain_named("a.test");
    struct arena arena = {0};
    struct mox_error err = {0};
    struct dns_answer answer;
    int status;

    wire.ptr[c->at] = (char)c->high;
    wire.ptr[c->at + 1] = (char)c->low;
    status =
        dns_answer_read(buffer_slice(&wire),
                        &(struct dns_question){
                            .name = domain_slice(&question), .type = A, .max_aliases = MAX_ALIASES},
                        &answer, &arena, &err);
    ck_assert_msg(status == c->status, "%s: %d %s", c->name, status, err.message);
    ck_assert_msg(c->error == NULL || strstr(err.message, c->error) != NULL, "%s: %s", c->name,
                  err.message);
    ck_assert_msg(answer.count == c->count, "%s: %zu records", c->name, answer.count);
    if (status != MOX_OK)
        ck_assert_int_eq(err.dns_rcode, answer.rcode);
    buffer_free(&wire);
    arena_free(&arena);
}
END_TEST

/* A failure may come without the question; nobody knows then whose its records are. */
START_TEST(records_without_a_question)
{
    static const char message[] = "\0\0\201\3\0\0\0\1\0\0\0\0"
                                  "\1a\4test\0\0\1\0\1\0\0\0\5\0\4\300\0\2\1";
    struct domain question = domain_named("a.test");
    struct arena arena = {0};
    struct dns_answer answer;

    ck_assert_int_eq(
        dns_answer_read(
            (struct slice){message, sizeof message - 1},
            &(struct dns_question){.name = domain_slice(&question), .type = A, .max_aliases = 1},
            &answer, &arena, NULL),
        MOX_OK);
    ck_assert_int_eq(answer.rcode, DNS_RCODE_NXDOMAIN);
    ck_assert_uint_eq(answer.count, 0);
    ck_assert_uint_eq(answer.canonical.len, 0);
    arena_free(&arena);
}
END_TEST

/* As resolvers send them: each owner points into the record before, the last at the first. */
START_TEST(aliases_by_pointers)
{
    static const char message[] = "\0\0\201\200\0\1\0\3\0\0\0\0"
                                  "\1a\4test\0\0\1\0\1"                   /* at 12 */
                                  "\300\14\0\5\0\1\0\0\0\5\0\4\1b\300\16" /* b at 36 */
                                  "\300\44\0\5\0\1\0\0\0\4\0\4\1C\300\16" /* c at 52 */
                                  "\300\64\0\1\0\1\0\0\0\6\0\4\300\0\2\1";
    struct domain question = domain_named("a.test");
    struct arena arena = {0};
    struct dns_answer answer;
    char got[128];

    ck_assert_int_eq(dns_answer_read((struct slice){message, sizeof message - 1},
                                     &(struct dns_question){.name = domain_slice(&question),
                                                            .type = A,
                                                            .max_aliases = MAX_ALIASES},
                                     &answer, &arena, NULL),
                     MOX_OK);
    describe(&answer, got, sizeof got);
    ck_assert_str_eq(got, "2 c.test 4: 192.0.2.1");
    arena_free(&arena);
}
END_TEST

START_TEST(truncated_without_a_record)
{
    struct buffer wire = wire_of("a.test", A, NULL, 0);
    struct domain question = domain_named("a.test");
    struct mox_error err = {0};
    struct arena arena = {0};
    struct dns_answer answer;

    wire.ptr[2] |= 0x02;
    ck_assert_int_eq(
        dns_answer_read(
            buffer_slice(&wire),
            &(struct dns_question){.name = domain_slice(&question), .type = A, .max_aliases = 1},
            &answer, &arena, &err),
        MOX_E_DNS);
    ck_assert(answer.truncated && strstr(err.message, "cut short") != NULL);
    buffer_free(&wire);
    arena_free(&arena);
}
END_TEST

/* Every prefix is malformed; each in memory of just its size, so that a sanitizer sees the end. */
START_TEST(cut_at_every_byte)
{
    static const struct mox_dns_record records[] = {
        {"a.test", CNAME, 0, 5, "b.test"},
        {"b.test", MX, 0, 5, "10 mx.test"},
        {"b.test", MX, 0, 5, "20 ."},
    };
    struct buffer wire = wire_of("a.test", MX, records, ARRAY_LEN(records));
    struct domain question = domain_named("a.test");
    struct slice all = buffer_slice(&wire);

    for (size_t cut = 0; cut < all.len; cut++) {
        char *copy = mem_text(all.ptr, cut);
        struct arena arena = {0};
        struct mox_error err = {0};
        struct dns_answer answer;
        int status = dns_answer_read((struct slice){copy, cut},
                                     &(struct dns_question){.name = domain_slice(&question),
                                                            .type = MX,
                                                            .max_aliases = MAX_ALIASES},
                                     &answer, &arena, &err);

        ck_assert_msg(status == MOX_E_DNS, "cut at %zu: %d", cut, status);
        ck_assert(strstr(err.message, "malformed") != NULL);
        arena_free(&arena);
        mem_free(copy);
    }
    buffer_free(&wire);
}
END_TEST

/* Any byte replaced: no more is asked than that nothing breaks, and what is kept hangs together. */
START_TEST(every_byte_replaced)
{
    static const unsigned char values[] = {0, 1, 5, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff};
    static const struct mox_dns_record records[] = {
        {"a.test", CNAME, 0, 5, "b.test"},
        {"b.test", DNS_TYPE_TXT, 0, 5, "\"one\" \"two\""},
    };
    struct buffer wire = wire_of("a.test", DNS_TYPE_TXT, records, ARRAY_LEN(records));
    struct domain question = domain_named("a.test");
    struct slice all = buffer_slice(&wire);

    for (size_t i = 0; i < all.len * ARRAY_LEN(values); i++) {
        char *copy = mem_text(all.ptr, all.len);
        struct arena arena = {0};
        struct dns_answer answer;
        int status;

        copy[i / ARRAY_LEN(values)] = (char)values[i % ARRAY_LEN(values)];
        status = dns_answer_read((struct slice){copy, all.len},
                                 &(struct dns_question){.name = domain_slice(&question),
                                                        .type = DNS_TYPE_TXT,
                                                        .max_aliases = MAX_ALIASES},
                                 &answer, &arena, NULL);
        ck_assert(status == MOX_OK || status == MOX_E_DNS);
        ck_assert(answer.count == 0 || answer.items != NULL);
        arena_free(&arena);
        mem_free(copy);
    }
    buffer_free(&wire);
}
END_TEST

/* An OPT record with options, in the place of the empty one. */
static void append_options(struct buffer *wire, const char *options, size_t len)
{
    wire->len -= 2;
    ck_assert_int_eq(buffer_append(wire, (const char[]){0, (char)len}, 2), MOX_OK);
    ck_assert_int_eq(buffer_append(wire, options, len), MOX_OK);
}

static const struct ede_case {
    const char *name, *options;
    size_t len;
    int code;
    const char *error;
} edes[] = {
    {"with text", "\0\17\0\7\0\6no\n\303\274", 11, 6,
     "extended error 6 (DNSSEC bogus): no?\303\274"},
    {"behind another option", "\0\12\0\1x\0\17\0\2\0\26", 11, 22, "(no reachable authority)"},
    {"of two the first", "\0\17\0\2\0\6\0\17\0\2\0\7", 12, 6, "extended error 6"},
    {"of a number without name", "\0\17\0\2\377\377", 6, 65535, "extended error 65535"},
    {"too short to be one", "\0\17\0\1\0", 5, -1, "SERVFAIL"},
    {"longer than its record", "\0\17\0\11\0\6", 6, -1, "SERVFAIL"},
};

START_TEST(ede_case)
{
    const struct ede_case *c = &edes[_i];
    struct domain question = domain_named("a.test");
    struct buffer wire = wire_of("a.test", A, NULL, 0);
    struct arena arena = {0};
    struct mox_error err = {0};
    struct dns_answer answer;

    wire.ptr[AT_RCODE] = (char)(wire.ptr[AT_RCODE] | 2);
    append_options(&wire, c->options, c->len);
    ck_assert_int_eq(
        dns_answer_read(
            buffer_slice(&wire),
            &(struct dns_question){.name = domain_slice(&question), .type = A, .max_aliases = 1},
            &answer, &arena, &err),
        MOX_E_DNS);
    ck_assert_int_eq(err.dns_rcode, 2);
    ck_assert_msg(answer.ede_code == c->code, "%s: %d", c->name, answer.ede_code);
    ck_assert_msg(strstr(err.message, c->error) != NULL, "%s: %s", c->name, err.message);
    buffer_free(&wire);
    arena_free(&arena);
}
END_TEST

START_TEST(which_extended_errors_are_of_dnssec)
{
    static const char of_dnssec[] = "0110011111111000"; /* from code 0 on */

    for (int code = 0; of_dnssec[code] != '\0'; code++)
        ck_assert_msg(dns_ede_is_dnssec(code) == (of_dnssec[code] == '1'), "%d", code);
    ck_assert(!dns_ede_is_dnssec(-1));
}
END_TEST

START_TEST(extended_rcode)
{
    struct domain question = domain_named("a.test");
    struct arena arena = {0};
    struct mox_error err = {0};
    struct buffer wire = {0};
    struct dns_answer answer;

    ck_assert_int_eq(
        dns_records_to_wire(&(struct dns_reply){"a.test", A, 16, false, NULL, 0}, &wire, NULL),
        MOX_OK);
    ck_assert_int_eq(
        dns_answer_read(
            buffer_slice(&wire),
            &(struct dns_question){.name = domain_slice(&question), .type = A, .max_aliases = 1},
            &answer, &arena, &err),
        MOX_E_DNS);
    ck_assert_int_eq(err.dns_rcode, 16);
    ck_assert(strstr(err.message, "BADVERS") != NULL);
    buffer_free(&wire);
    arena_free(&arena);
}
END_TEST

START_TEST(no_memory)
{
    static const uint16_t types[] = {MX, A, DNS_TYPE_TXT};
    static const struct mox_dns_record records[] = {
        {"a.test", MX, 0, 5, "10 mx.test"},
        {"a.test", A, 0, 5, "192.0.2.1"},
        {"a.test", DNS_TYPE_TXT, 0, 5, "\"text\""},
    };
    uint16_t type = types[_i];
    struct buffer wire = wire_of("a.test", type, records, ARRAY_LEN(records));
    struct domain question = domain_named("a.test");
    bool failed = true;

    for (long nth = 1; failed; nth++) {
        struct arena arena = {0};
        struct dns_answer answer;
        int status;

        test_fail_alloc(nth);
        status = dns_answer_read(
            buffer_slice(&wire),
            &(struct dns_question){.name = domain_slice(&question), .type = type, .max_aliases = 1},
            &answer, &arena, NULL);
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert_int_eq(status, failed ? MOX_E_NOMEM : MOX_OK);
        ck_assert(failed || nth > 1);
        arena_free(&arena);
    }
    buffer_free(&wire);
}
END_TEST

TCase *test_dns_answer(void)
{
    TCase *tcase = tcase_create("dns/answer");

    tcase_add_loop_test(tcase, answer_case, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tcase, chain_of_ten_and_of_eleven);
    tcase_add_test(tcase, ten_thousand_mail_hosts);
    tcase_add_loop_test(tcase, header_case, 0, (int)ARRAY_LEN(headers));
    tcase_add_test(tcase, records_without_a_question);
    tcase_add_test(tcase, aliases_by_pointers);
    tcase_add_test(tcase, truncated_without_a_record);
    tcase_add_test(tcase, cut_at_every_byte);
    tcase_add_test(tcase, every_byte_replaced);
    tcase_add_loop_test(tcase, ede_case, 0, (int)ARRAY_LEN(edes));
    tcase_add_test(tcase, which_extended_errors_are_of_dnssec);
    tcase_add_test(tcase, extended_rcode);
    tcase_add_loop_test(tcase, no_memory, 0, 3);
    return tcase;
}
