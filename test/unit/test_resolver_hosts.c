/* test_resolver_hosts.c - the hosts file as people write it, and as it changes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "dns/answer.h"
#include "resolver/hosts.h"
#include "test.h"

static const char file[] = "# comment\n"
                           "192.0.2.1\thost.test  Alias.test # alias2.test\n"
                           "2001:db8::1 host.test\r\n"
                           "\n"
                           "  192.0.2.2 indented.test\n"
                           "192.0.2.3 host.test under_score.test bad*name good.test\n"
                           "192.0.2.256 wrong.test\n"
                           "fe80::1%1 zone.test\n"
                           "::ffff:192.0.2.4 mapped.test\n"
                           "192.0.2.5\n"
                           "192.0.2.6 last.test";

static const struct host_case {
    const char *name, *want; /* addresses in order, a blank behind each */
} cases[] = {
    {"host.test", "192.0.2.1 2001:db8::1 192.0.2.3 "},
    {"HOST.test", "192.0.2.1 2001:db8::1 192.0.2.3 "},
    {"alias.test", "192.0.2.1 "},
    {"alias2.test", ""},
    {"indented.test", "192.0.2.2 "},
    {"under_score.test", "192.0.2.3 "},
    {"bad*name", ""},
    {"good.test", "192.0.2.3 "},
    {"wrong.test", ""},
    {"zone.test", ""},
    {"mapped.test", "192.0.2.4 "},
    {"last.test", "192.0.2.6 "},
    {"test", ""},
    {"", ""},
};

static void describe(const struct hosts_entry *entry, char *out, size_t cap)
{
    size_t at = 0;

    out[0] = '\0';
    for (; entry != NULL; entry = hosts_next(entry)) {
        char ip[64];

        mox_ip_format(&entry->ip, ip, sizeof ip);
        at += (size_t)snprintf(out + at, cap - at, "%s ", ip);
    }
}

START_TEST(host_case)
{
    const struct host_case *c = &cases[_i];
    struct hosts_table table = {0};
    char got[256];

    ck_assert_ptr_null(hosts_lookup(&table, slice_of(c->name)));
    ck_assert_int_eq(hosts_parse(slice_of(file), &table), MOX_OK);
    describe(hosts_lookup(&table, slice_of(c->name)), got, sizeof got);
    ck_assert_msg(strcmp(got, c->want) == 0, "%s: %s", c->name, got);
    hosts_table_free(&table);
}
END_TEST

static const struct answer_case {
    const char *name;
    uint16_t type;
    const char *want; /* addresses in order, a blank behind each */
} answers[] = {
    {"host.test", DNS_TYPE_A, "192.0.2.1 192.0.2.3 "},
    {"host.test", DNS_TYPE_AAAA, "2001:db8::1 "},
    {"last.test", DNS_TYPE_A, "192.0.2.6 "},
    {"last.test", DNS_TYPE_AAAA, ""}, /* the name is there, an address of this family is not */
};

/* The message is read as that of any server. */
static void read_answer(const struct answer_case *c, const struct buffer *wire, char *out,
                        size_t cap)
{
    struct arena arena = {0};
    struct domain domain;
    struct dns_answer answer;
    size_t at = 0;

    ck_assert_int_eq(domain_parse(slice_of(c->name), &domain, NULL), MOX_OK);
    ck_assert_int_eq(
        dns_answer_read(buffer_slice(wire),
                        &(struct dns_question){.name = domain_slice(&domain), .type = c->type},
                        &answer, &arena, NULL),
        MOX_OK);
    ck_assert(!answer.authentic && answer.rcode == DNS_RCODE_NOERROR);
    out[0] = '\0';
    for (size_t i = 0; i < answer.count; i++) {
        char ip[64];

        mox_ip_format(&answer.addresses[i], ip, sizeof ip);
        at += (size_t)snprintf(out + at, cap - at, "%s ", ip);
    }
    arena_free(&arena);
}

START_TEST(answer_case)
{
    const struct answer_case *c = &answers[_i];
    struct hosts_table table = {0};
    struct buffer wire = {0};
    char got[256];

    ck_assert_int_eq(hosts_parse(slice_of(file), &table), MOX_OK);
    ck_assert_int_eq(hosts_answer(hosts_lookup(&table, slice_of(c->name)), c->type, &wire), MOX_OK);
    read_answer(c, &wire, got, sizeof got);
    ck_assert_msg(strcmp(got, c->want) == 0, "%s: %s", c->name, got);
    buffer_free(&wire);
    hosts_table_free(&table);
}
END_TEST

START_TEST(answer_without_memory)
{
    struct hosts_table table = {0};
    bool failed = true;

    ck_assert_int_eq(hosts_parse(slice_of(file), &table), MOX_OK);
    for (long nth = 1; failed; nth++) {
        struct buffer wire = {0};
        int status;

        test_fail_alloc(nth);
        status = hosts_answer(hosts_lookup(&table, slice_of("host.test")), DNS_TYPE_A, &wire);
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert_int_eq(status, failed ? MOX_E_NOMEM : MOX_OK);
        ck_assert(failed || nth > 1);
        buffer_free(&wire);
    }
    hosts_table_free(&table);
}
END_TEST

START_TEST(many_names)
{
    enum { N = 5000 };
    struct hosts_table table = {0};
    struct mox_ip ip;
    char *text = mem_array(N, 40), name[32];
    size_t at = 0;

    for (int i = 0; i < N; i++)
        at += (size_t)snprintf(text + at, 40, "10.0.%d.%d host%d.test\n", i / 250, i % 250, i);
    ck_assert_int_eq(hosts_parse((struct slice){text, at}, &table), MOX_OK);
    for (int i = 0; i < N; i++) {
        const struct hosts_entry *entry;

        snprintf(name, sizeof name, "host%d.test", i);
        entry = hosts_lookup(&table, slice_of(name));
        ck_assert_msg(entry != NULL && hosts_next(entry) == NULL, "%s", name);
        ip = entry->ip;
        ck_assert_int_eq(ip.bytes[2] * 250 + ip.bytes[3], i);
    }
    hosts_table_free(&table);
    mem_free(text);
}
END_TEST

START_TEST(no_memory)
{
    bool failed = true;

    for (long nth = 1; failed; nth++) {
        struct hosts_table table = {0};
        int status;

        test_fail_alloc(nth);
        status = hosts_parse(slice_of(file), &table);
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert_int_eq(status, failed ? MOX_E_NOMEM : MOX_OK);
        ck_assert(failed || nth > 1);
        hosts_table_free(&table);
    }
}
END_TEST

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static bool has(struct hosts *hosts, const char *name, uint64_t now_us)
{
    return hosts_find(hosts, slice_of(name), now_us) != NULL;
}

START_TEST(file_changes)
{
    enum { SECOND = 1000000 };
    char path[] = "/tmp/test-hosts-XXXXXX", away[64];
    int fd = mkstemp(path);
    struct hosts *hosts = hosts_new(path);

    ck_assert(fd >= 0 && hosts != NULL);
    close(fd);
    write_file(path, "192.0.2.1 one.test\n");
    ck_assert(has(hosts, "one.test", 0));
    write_file(path, "192.0.2.1 three.test\n");
    ck_assert(has(hosts, "one.test", SECOND - 1)); /* not looked at again yet */
    ck_assert(!has(hosts, "one.test", SECOND));
    ck_assert(has(hosts, "three.test", SECOND));
    write_file(path, "192.0.2.1 fourth.test\n");
    test_fail_alloc(2); /* the first is for the text, which then grows as it is read */
    ck_assert(has(hosts, "three.test", 2 * SECOND)); /* no memory: the old one stays */
    test_fail_alloc(0);
    ck_assert(has(hosts, "fourth.test", 3 * SECOND));
    snprintf(away, sizeof away, "%s.away", path);
    ck_assert_int_eq(rename(path, away), 0);
    ck_assert(!has(hosts, "fourth.test", 4 * SECOND));
    ck_assert_int_eq(rename(away, path), 0);
    ck_assert(has(hosts, "fourth.test", 5 * SECOND));
    unlink(path);
    ck_assert(!has(hosts, "fourth.test", 6 * SECOND));
    hosts_free(hosts);
    hosts_free(NULL);
    for (long nth = 1; nth <= 2; nth++) {
        test_fail_alloc(nth);
        ck_assert_ptr_null(hosts_new(path));
        test_fail_alloc(0);
    }
}
END_TEST

TCase *test_resolver_hosts(void)
{
    TCase *tcase = tcase_create("resolver/hosts");

    tcase_add_loop_test(tcase, host_case, 0, (int)ARRAY_LEN(cases));
    tcase_add_loop_test(tcase, answer_case, 0, (int)ARRAY_LEN(answers));
    tcase_add_test(tcase, answer_without_memory);
    tcase_add_test(tcase, many_names);
    tcase_add_test(tcase, no_memory);
    tcase_add_test(tcase, file_changes);
    return tcase;
}
