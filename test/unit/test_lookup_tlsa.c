/*
 * test_lookup_tlsa.c - where TLSA records are looked for, what of an answer counts, and that a
 * failure is never taken for absence.
 */
#include <stdio.h>

#include "base/error.h"
#include "dial_world.h"
#include "lookup/tlsa.h"

#define SUM "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define AT_HOST "_25._tcp.mx.example.org TLSA "
#define AT_EXPANSION "_25._tcp.box.example.net TLSA "
#define GOOD "+ad 3 1 1 " SUM "\n"
#define ASKED_HOST "_25._tcp.mx.example.org TLSA"
#define ASKED_BOTH "_25._tcp.box.example.net TLSA|_25._tcp.mx.example.org TLSA"

static const struct tlsa_case {
    const char *name, *zone;
    int alias; /* enum lookup_alias; the host's expansion is box.example.net */
    int status;
    const char *base; /* NULL: no DANE */
    size_t n, usable;
    const char *asked; /* all questions */
    const char *says;  /* a part of the error */
} cases[] = {
    {"records of the host", AT_HOST GOOD, LOOKUP_ALIAS_NONE, MOX_OK, "mx.example.org", 1, 1,
     ASKED_HOST, NULL},
    {"no such name", "", LOOKUP_ALIAS_NONE, MOX_OK, NULL, 0, 0, ASKED_HOST, NULL},
    {"no such record", "_25._tcp.mx.example.org TXT +ad x\n", LOOKUP_ALIAS_NONE, MOX_OK, NULL, 0, 0,
     ASKED_HOST, NULL},
    {"secure denial", AT_HOST "+ad +nxdomain\n", LOOKUP_ALIAS_NONE, MOX_OK, NULL, 0, 0, ASKED_HOST,
     NULL},
    {"insecure records are none", AT_HOST "3 1 1 " SUM "\n", LOOKUP_ALIAS_NONE, MOX_OK, NULL, 0, 0,
     ASKED_HOST, NULL},
    {"several, some usable", AT_HOST GOOD AT_HOST "+ad 0 1 1 " SUM "\n" AT_HOST "+ad 2 0 2 aa\n",
     LOOKUP_ALIAS_NONE, MOX_OK, "mx.example.org", 3, 1, ASKED_HOST, NULL},
    {"all unusable: DANE all the same", AT_HOST "+ad 1 1 1 " SUM "\n", LOOKUP_ALIAS_NONE, MOX_OK,
     "mx.example.org", 1, 0, ASKED_HOST, NULL},
    {"without data: unusable", AT_HOST "+ad \\# 3 030101\n", LOOKUP_ALIAS_NONE, MOX_OK,
     "mx.example.org", 1, 0, ASKED_HOST, NULL},
    {"a record that is none", AT_HOST "+ad \\# 2 0301\n", LOOKUP_ALIAS_NONE, MOX_E_DNS, NULL, 0, 0,
     ASKED_HOST, "a TLSA record of _25._tcp.mx.example.org is malformed"},
    {"one that is none among others", AT_HOST GOOD AT_HOST "+ad \\# 0\n", LOOKUP_ALIAS_NONE,
     MOX_E_DNS, NULL, 0, 0, ASKED_HOST, "malformed"},
    {"SERVFAIL", AT_HOST "+servfail\n", LOOKUP_ALIAS_NONE, MOX_E_DNS, NULL, 0, 0, ASKED_HOST,
     "SERVFAIL"},
    {"REFUSED", AT_HOST "+refused\n", LOOKUP_ALIAS_NONE, MOX_E_DNS, NULL, 0, 0, ASKED_HOST,
     "REFUSED"},
    {"garbage", AT_HOST "+garbage\n", LOOKUP_ALIAS_NONE, MOX_E_DNS, NULL, 0, 0, ASKED_HOST, ""},
    {"no answer", AT_HOST "+lost\n", LOOKUP_ALIAS_NONE, MOX_E_DNS, NULL, 0, 0, ASKED_HOST,
     "in time"},
    {"the question cannot be sent", AT_HOST "+unaskable\n", LOOKUP_ALIAS_NONE, MOX_E_DNS, NULL, 0,
     0, ASKED_HOST, "_25._tcp.mx.example.org"},

    {"the expansion first", AT_EXPANSION GOOD AT_HOST GOOD, LOOKUP_ALIAS_SECURE, MOX_OK,
     "box.example.net", 1, 1, "_25._tcp.box.example.net TLSA", NULL},
    {"the expansion has none", AT_HOST GOOD, LOOKUP_ALIAS_SECURE, MOX_OK, "mx.example.org", 1, 1,
     ASKED_BOTH, NULL},
    {"the expansion's are insecure", AT_EXPANSION "3 1 1 " SUM "\n" AT_HOST GOOD,
     LOOKUP_ALIAS_SECURE, MOX_OK, "mx.example.org", 1, 1, ASKED_BOTH, NULL},
    {"neither has any", "", LOOKUP_ALIAS_SECURE, MOX_OK, NULL, 0, 0, ASKED_BOTH, NULL},
    {"the expansion's fail: no further candidate", AT_EXPANSION "+servfail\n" AT_HOST GOOD,
     LOOKUP_ALIAS_SECURE, MOX_E_DNS, NULL, 0, 0, "_25._tcp.box.example.net TLSA", "SERVFAIL"},
    {"the expansion's unusable ones are records", AT_EXPANSION "+ad 1 1 1 " SUM "\n" AT_HOST GOOD,
     LOOKUP_ALIAS_SECURE, MOX_OK, "box.example.net", 1, 0, "_25._tcp.box.example.net TLSA", NULL},
    {"the host's fail after the expansion had none", AT_HOST "+servfail\n", LOOKUP_ALIAS_SECURE,
     MOX_E_DNS, NULL, 0, 0, ASKED_BOTH, "SERVFAIL"},

    {"by an alias", "_25._tcp.mx.example.org CNAME +ad t.example.net\nt.example.net TLSA " GOOD,
     LOOKUP_ALIAS_NONE, MOX_OK, "mx.example.org", 1, 1, ASKED_HOST, NULL},
    {"by an alias told in part",
     "_25._tcp.mx.example.org CNAME +ad +first t.example.net\nt.example.net TLSA " GOOD,
     LOOKUP_ALIAS_NONE, MOX_OK, "mx.example.org", 1, 1, ASKED_HOST "|t.example.net TLSA", NULL},
    {"by an insecure alias",
     "_25._tcp.mx.example.org CNAME t.example.net\nt.example.net TLSA " GOOD, LOOKUP_ALIAS_NONE,
     MOX_OK, NULL, 0, 0, ASKED_HOST, NULL},
    {"by an insecure alias told in part",
     "_25._tcp.mx.example.org CNAME +first t.example.net\nt.example.net TLSA " GOOD,
     LOOKUP_ALIAS_NONE, MOX_OK, NULL, 0, 0, ASKED_HOST "|t.example.net TLSA", NULL},
    {"what fails behind an insecure alias is nothing",
     "_25._tcp.mx.example.org CNAME +first t.example.net\nt.example.net TLSA +servfail\n",
     LOOKUP_ALIAS_NONE, MOX_OK, NULL, 0, 0, ASKED_HOST "|t.example.net TLSA", NULL},
    {"what fails behind a secure alias is a failure",
     "_25._tcp.mx.example.org CNAME +ad +first t.example.net\nt.example.net TLSA +servfail\n",
     LOOKUP_ALIAS_NONE, MOX_E_DNS, NULL, 0, 0, ASKED_HOST "|t.example.net TLSA", "SERVFAIL"},
    {"a loop",
     "_25._tcp.mx.example.org CNAME +ad _25._tcp.mx.example.org.example.org\n"
     "_25._tcp.mx.example.org.example.org CNAME +ad _25._tcp.mx.example.org\n",
     LOOKUP_ALIAS_NONE, MOX_E_DNS, NULL, 0, 0, ASKED_HOST, "loop"},

    {"an insecure expansion, a secure alias",
     "mx.example.org CNAME +ad box.example.net\n" AT_HOST GOOD AT_EXPANSION GOOD,
     LOOKUP_ALIAS_UNKNOWN, MOX_OK, "mx.example.org", 1, 1, "mx.example.org CNAME|" ASKED_HOST,
     NULL},
    {"an insecure alias", "mx.example.org CNAME box.example.net\n" AT_HOST GOOD,
     LOOKUP_ALIAS_UNKNOWN, MOX_OK, NULL, 0, 0, "mx.example.org CNAME", NULL},
    {"the alias has gone", "mx.example.org A +ad 192.0.2.1\n" AT_HOST GOOD, LOOKUP_ALIAS_UNKNOWN,
     MOX_OK, NULL, 0, 0, "mx.example.org CNAME", NULL},
    {"the alias cannot be had", "mx.example.org CNAME +servfail\n" AT_HOST GOOD,
     LOOKUP_ALIAS_UNKNOWN, MOX_E_DNS, NULL, 0, 0, "mx.example.org CNAME", "SERVFAIL"},
};

static const struct lookup_rules believe = {30000000, 1000000, 1};

struct ended {
    int calls;
    struct lookup_tlsa **free; /* freed in the callback; NULL: not */
};

static void on_done(void *arg)
{
    struct ended *ended = arg;

    ended->calls++;
    if (ended->free == NULL)
        return;
    lookup_tlsa_free(*ended->free);
    *ended->free = NULL;
}

static struct lookup_tlsa_host host_of(int alias)
{
    return (struct lookup_tlsa_host){"mx.example.org", "box.example.net", alias, 25};
}

static struct lookup_tlsa *start(const struct lookup_tlsa_host *host,
                                 const struct lookup_rules *rules, struct ended *ended)
{
    struct lookup_tlsa *tlsa = lookup_tlsa_start(sim->ctx, host, rules, on_done, ended);

    ctx_arm(sim->ctx); /* as what starts an operation does it in the end */
    return tlsa;
}

/* Ends with the world, at the latest. */
static void run(const struct ended *ended)
{
    while (ended->calls == 0 && world_step(sim))
        ;
    ck_assert_int_eq(ended->calls, 1);
}

static const char *asked(void)
{
    static char text[2048];
    struct dns_asked one;
    size_t n = 0, len = 0;

    while (dns_asked_at(sim, n, &one))
        n++;
    text[0] = '\0';
    while (n-- > 0 && dns_asked_at(sim, n, &one))
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s %s", len > 0 ? "|" : "",
                                one.name, dns_type_text(one.type));
    return text;
}

static void check(const struct tlsa_case *c, const struct lookup_tlsa_result *result)
{
    ck_assert_msg(result->status == c->status, "%s: %s", c->name, mox_status_name(result->status));
    ck_assert_msg(result->n == c->n && result->usable == c->usable, "%s: %zu, %zu usable", c->name,
                  result->n, result->usable);
    ck_assert_msg((result->base == NULL) == (c->base == NULL), "%s: base %s", c->name,
                  result->base == NULL ? "none" : result->base);
    if (c->base != NULL)
        ck_assert_str_eq(result->base, c->base);
    ck_assert_msg((result->error == NULL) == (c->status == MOX_OK), "%s", c->name);
    if (result->error == NULL)
        return;
    ck_assert_int_eq(result->error->code, c->status);
    ck_assert_str_eq(result->error->host, "mx.example.org");
    ck_assert_int_eq(result->error->stage, MOX_STAGE_RESOLVE);
    ck_assert_int_eq(result->error->permanent, 0);
    ck_assert_msg(strstr(result->error->message, c->says) != NULL, "%s: %s", c->name,
                  result->error->message);
}

START_TEST(tlsa_case)
{
    const struct tlsa_case *c = &cases[_i];
    struct lookup_tlsa_host host = host_of(c->alias);
    struct ended ended = {0};
    struct lookup_tlsa *tlsa;

    world_load(sim, c->zone);
    tlsa = start(&host, &believe, &ended);
    ck_assert_ptr_nonnull(tlsa);
    ck_assert_int_eq(ended.calls, 0);
    run(&ended);
    ck_assert(lookup_tlsa_finished(tlsa));
    check(c, lookup_tlsa_result(tlsa));
    ck_assert_msg(strcmp(asked(), c->asked) == 0, "%s: %s", c->name, asked());
    lookup_tlsa_free(tlsa);
}
END_TEST

START_TEST(ad_that_is_not_believed)
{
    struct lookup_rules never = {30000000, 1000000, 0};
    struct lookup_tlsa_host host = host_of(LOOKUP_ALIAS_NONE);
    struct ended ended = {0};
    struct lookup_tlsa *tlsa;

    world_load(sim, AT_HOST GOOD);
    tlsa = start(&host, &never, &ended);
    run(&ended);
    ck_assert_int_eq(lookup_tlsa_result(tlsa)->status, MOX_OK);
    ck_assert_uint_eq(lookup_tlsa_result(tlsa)->n, 0);
    lookup_tlsa_free(tlsa);
}
END_TEST

START_TEST(the_record_as_it_is)
{
    struct lookup_tlsa_host host = host_of(LOOKUP_ALIAS_NONE);
    struct ended ended = {0};
    struct lookup_tlsa *tlsa;
    char text[128];

    host.port = 2525;
    world_load(sim, "_2525._tcp.mx.example.org TLSA +ad 2 1 1 " SUM "\n" AT_HOST GOOD);
    tlsa = start(&host, &believe, &ended);
    run(&ended);
    ck_assert_uint_eq(lookup_tlsa_result(tlsa)->n, 1);
    dane_record_text(&lookup_tlsa_result(tlsa)->records[0], text, sizeof text);
    ck_assert_str_eq(text, "2 1 1 " SUM);
    lookup_tlsa_free(tlsa);
}
END_TEST

/* A name that no question can hold is not asked for; the other candidate is. */
START_TEST(a_name_too_long)
{
    char name[246];
    struct lookup_tlsa_host host = {name, "box.example.net", LOOKUP_ALIAS_NONE, 25};
    struct ended ended = {0};
    struct lookup_tlsa *tlsa;

    memset(name, 'a', sizeof name - 1);
    name[60] = name[120] = name[180] = '.';
    name[sizeof name - 1] = '\0'; /* 245, and 9 before it */
    tlsa = start(&host, &believe, &ended);
    ck_assert(lookup_tlsa_finished(tlsa));
    ck_assert_int_eq(lookup_tlsa_result(tlsa)->status, MOX_OK);
    ck_assert_uint_eq(lookup_tlsa_result(tlsa)->n, 0);
    ck_assert_int_eq(ended.calls, 0);
    ck_assert_str_eq(asked(), "");
    lookup_tlsa_free(tlsa);

    name[sizeof name - 2] = '\0';
    tlsa = start(&host, &believe, &ended);
    ck_assert(!lookup_tlsa_finished(tlsa));
    run(&ended);
    lookup_tlsa_free(tlsa);

    name[sizeof name - 2] = 'a';
    ended.calls = 0;
    host = (struct lookup_tlsa_host){"mx.example.org", name, LOOKUP_ALIAS_SECURE, 25};
    world_load(sim, AT_HOST GOOD);
    tlsa = start(&host, &believe, &ended);
    run(&ended);
    ck_assert_str_eq(lookup_tlsa_result(tlsa)->base, "mx.example.org");
    lookup_tlsa_free(tlsa);
}
END_TEST

static void load_records(size_t n)
{
    char line[64];

    for (size_t i = 0; i < n; i++) {
        snprintf(line, sizeof line, AT_HOST "+ad 3 1 1 %04zx\n", i);
        world_load(sim, line);
    }
}

START_TEST(most_records)
{
    struct lookup_tlsa_host host = host_of(LOOKUP_ALIAS_NONE);
    struct ended ended = {0};
    struct lookup_tlsa *tlsa;

    load_records(MOX_LIMIT_TLSA);
    tlsa = start(&host, &believe, &ended);
    run(&ended);
    ck_assert_uint_eq(lookup_tlsa_result(tlsa)->n, MOX_LIMIT_TLSA);
    lookup_tlsa_free(tlsa);

    ended.calls = 0;
    load_records(1);
    tlsa = start(&host, &believe, &ended);
    run(&ended);
    ck_assert_int_eq(lookup_tlsa_result(tlsa)->status, MOX_E_LIMIT);
    ck_assert_ptr_nonnull(strstr(lookup_tlsa_result(tlsa)->error->message, "65 TLSA records"));
    lookup_tlsa_free(tlsa);
}
END_TEST

static void load_chain(int aliases, const char *last)
{
    char name[64] = "_25._tcp.mx.example.org", next[64], line[192];

    for (int i = 1; i <= aliases; i++) {
        snprintf(next, sizeof next, "c%d.example.net", i);
        snprintf(line, sizeof line, "%s CNAME +ad %s\n", name, next);
        world_load(sim, line);
        memcpy(name, next, sizeof name);
    }
    snprintf(line, sizeof line, "%s TLSA %s", name, last);
    world_load(sim, line);
}

START_TEST(aliases)
{
    struct lookup_tlsa_host host = host_of(LOOKUP_ALIAS_NONE);
    struct ended ended = {0};
    struct lookup_tlsa *tlsa;

    load_chain(MOX_LIMIT_CNAME + _i, GOOD);
    tlsa = start(&host, &believe, &ended);
    run(&ended);
    ck_assert_int_eq(lookup_tlsa_result(tlsa)->status, _i == 0 ? MOX_OK : MOX_E_LIMIT);
    ck_assert_uint_eq(lookup_tlsa_result(tlsa)->n, _i == 0);
    lookup_tlsa_free(tlsa);
}
END_TEST

START_TEST(freed_in_its_callback)
{
    struct lookup_tlsa_host host = host_of(LOOKUP_ALIAS_SECURE);
    struct lookup_tlsa *tlsa;
    struct ended ended = {.free = &tlsa};

    world_load(sim, _i == 0 ? AT_HOST GOOD : AT_HOST "+servfail\n");
    tlsa = start(&host, &believe, &ended);
    run(&ended);
    ck_assert_ptr_null(tlsa);
}
END_TEST

/* The fixture sees that no question is left open. */
START_TEST(ended_early)
{
    struct lookup_tlsa_host host = host_of(LOOKUP_ALIAS_SECURE);
    struct ended ended = {0};
    struct lookup_tlsa *tlsa;

    world_load(sim, AT_HOST GOOD);
    tlsa = start(&host, &believe, &ended);
    for (unsigned asked_before = (unsigned)_i; world_count(sim, "query") <= asked_before;)
        world_step(sim);
    ck_assert_int_eq(ended.calls, 0);
    ck_assert(!lookup_tlsa_finished(tlsa));
    lookup_tlsa_free(tlsa);
    while (world_step(sim))
        ;
    ck_assert_int_eq(ended.calls, 0);
    lookup_tlsa_free(NULL);
}
END_TEST

START_TEST(survives_without_memory)
{
    static const struct {
        const char *zone;
        int alias, status;
        size_t n;
    } runs[] = {
        {"_25._tcp.mx.example.org CNAME +ad +first t.example.net\nt.example.net TLSA " GOOD,
         LOOKUP_ALIAS_SECURE, MOX_OK, 1},
        {"mx.example.org CNAME +ad box.example.net\n" AT_HOST GOOD, LOOKUP_ALIAS_UNKNOWN, MOX_OK,
         1},
        {AT_HOST "+ad \\# 2 0301\n", LOOKUP_ALIAS_NONE, MOX_E_DNS, 0},
        {"_25._tcp.mx.example.org CNAME +first t.example.net\n", LOOKUP_ALIAS_NONE, MOX_OK, 0},
        {AT_HOST "+servfail\n", LOOKUP_ALIAS_NONE, MOX_E_DNS, 0},
    };
    struct lookup_tlsa_host host = host_of(runs[_i].alias);
    bool failed;
    long nth = 0;

    world_load(sim, runs[_i].zone);
    do {
        struct ended ended = {0};
        struct lookup_tlsa *tlsa;
        int status = MOX_E_NOMEM;

        test_fail_alloc(++nth);
        tlsa = start(&host, &believe, &ended);
        while (tlsa != NULL && ended.calls == 0 && world_step(sim))
            ;
        failed = test_alloc_failed();
        test_fail_alloc(0);
        if (tlsa != NULL)
            status = lookup_tlsa_result(tlsa)->status;
        if (status == MOX_OK)
            ck_assert_uint_eq(lookup_tlsa_result(tlsa)->n, runs[_i].n);
        if (!failed)
            ck_assert_int_eq(status, runs[_i].status);
        else /* an error without memory for its words is one all the same */
            ck_assert_msg(status != MOX_OK, "%ld: %d", nth, status);
        lookup_tlsa_free(tlsa);
    } while (failed);
    ck_assert_int_gt(nth, 2);
}
END_TEST

TCase *test_lookup_tlsa(void)
{
    TCase *tcase = tcase_create("lookup/tlsa");

    tcase_add_checked_fixture(tcase, dial_setup, dial_teardown);
    tcase_add_loop_test(tcase, tlsa_case, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tcase, ad_that_is_not_believed);
    tcase_add_test(tcase, the_record_as_it_is);
    tcase_add_test(tcase, a_name_too_long);
    tcase_add_test(tcase, most_records);
    tcase_add_loop_test(tcase, aliases, 0, 2);
    tcase_add_loop_test(tcase, freed_in_its_callback, 0, 2);
    tcase_add_loop_test(tcase, ended_early, 0, 2);
    tcase_add_loop_test(tcase, survives_without_memory, 0, 5);
    return tcase;
}
