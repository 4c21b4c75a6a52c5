/* test_route_lookup.c - the worked examples, and what an envelope may be. */
#include <string.h>

#include <check.h>

#include "made.h"
#include "route/index.h"
#include "route/lookup.h"
#include "test.h"

static struct made made;

/* The configuration of the worked examples; domain names stand in A-labels. */
static void make_examples(void)
{
    memset(&made, 0, sizeof made);
    made_transport(&made, "v4", MOX_KIND_DIRECT);
    made_transport(&made, "relay", MOX_KIND_SUBMISSION);
    made_transport(&made, "reject", MOX_KIND_FAIL);
    made_transport(&made, "plain", MOX_KIND_DIRECT);
    made_list(&made, MOX_SCOPE_ACCOUNT, "alice");
    made_route(&made, NULL, ".example.org", 3, "relay");
    made_list(&made, MOX_SCOPE_DOMAIN, "sender.example");
    made_route(&made, NULL, "other.example", 0, "v4");
    made_route(&made, NULL, "example.org", 1, "plain");
    made_list(&made, MOX_SCOPE_DOMAIN, "xn--bcher-kva.example");
    made_route(&made, NULL, NULL, 0, "relay");
    made_list(&made, MOX_SCOPE_GLOBAL, NULL);
    made_route(&made, ".", NULL, 0, "v4");
    made_route(&made, NULL, ".", 0, "reject");
    made_route(&made, NULL, ".example.org", 0, "v4");
    made_route(&made, "sub.sender.example", "xn--bcher-kva.example", 0, "relay");
    made_route(&made, NULL, NULL, 5, "relay");
    ck_assert_int_eq(route_index_build(&made.config, NULL), MOX_OK);
}

static void end_examples(void)
{
    made_free(&made);
}

static const struct example {
    const char *account, *from, *to;
    uint32_t attempts;
    const char *transport;
    int scope, index;
} examples[] = {
    {"alice", "sender.example", "example.org", 0, "v4", MOX_SCOPE_GLOBAL, 2},
    {"alice", "sender.example", "example.org", 1, "plain", MOX_SCOPE_DOMAIN, 1},
    {"alice", "sender.example", "mail.example.org", 3, "relay", MOX_SCOPE_ACCOUNT, 0},
    {"alice", "sender.example", "notexample.org", 0, NULL, MOX_SCOPE_NONE, -1},
    {"zed", "sender.example", "other.example", 0, "v4", MOX_SCOPE_DOMAIN, 0},
    {"alice", "sender.example", "sub.other.example", 0, NULL, MOX_SCOPE_NONE, -1},
    {"bob", "sender.example", "sub.other.example", 5, "relay", MOX_SCOPE_GLOBAL, 4},
    {"bob", "sub.sender.example", "xn--bcher-kva.example", 0, "relay", MOX_SCOPE_GLOBAL, 3},
    {"bob", "sub.sender.example", "other.example", 0, NULL, MOX_SCOPE_NONE, -1},
    {NULL,
     "b\xc3\xbc"
     "cher.example",
     "any.example", 0, "relay", MOX_SCOPE_DOMAIN, 0},
    {NULL, "", "example.org", 0, "v4", MOX_SCOPE_GLOBAL, 0},
    {"alice", NULL, "mail.example.org", 3, "relay", MOX_SCOPE_ACCOUNT, 0},
    {"bob", "sender.example", "[192.0.2.1]", 0, "reject", MOX_SCOPE_GLOBAL, 1},
    {"bob", "sender.example", "[IPv6:2001:db8::1]", 0, "reject", MOX_SCOPE_GLOBAL, 1},
    {"bob", "x@SENDER.example", "a@b@Other.Example", 0, "v4", MOX_SCOPE_DOMAIN, 0},
    {"", "\"a b\"@sender.example", "user@EXAMPLE.org", 0, "v4", MOX_SCOPE_GLOBAL, 2},
    {"Alice", "sender.example", "mail.example.org", 3, "v4", MOX_SCOPE_GLOBAL, 2},
    {"bob", "a@[192.0.2.7]", "x.example", 0, "v4", MOX_SCOPE_GLOBAL, 0},
    {"bob", "sub.sender.example",
     "B\xc3\x9c"
     "CHER.example",
     0, "relay", MOX_SCOPE_GLOBAL, 3},
};

static struct mox_envelope envelope_of(const struct example *e)
{
    return (struct mox_envelope){.size = sizeof(struct mox_envelope),
                                 .from = e->from,
                                 .to = e->to,
                                 .account = e->account,
                                 .attempts = e->attempts};
}

START_TEST(worked_example)
{
    const struct example *e = &examples[_i];
    struct mox_envelope envelope = envelope_of(e);
    struct mox_route route;
    struct mox_error err = {.code = 1};

    ck_assert_int_eq(mox_route_lookup(&made.config, &envelope, &route, &err), MOX_OK);
    ck_assert_int_eq(err.code, MOX_OK);
    if (e->transport == NULL)
        ck_assert_ptr_null(route.transport);
    else
        ck_assert_str_eq(route.transport, e->transport);
    ck_assert_int_eq(route.scope, e->scope);
    ck_assert_int_eq(route.index, e->index);
    ck_assert_uint_ne(route.families, 0);
}
END_TEST

START_TEST(no_route_is_direct_and_both_families)
{
    struct mox_envelope envelope = {.size = sizeof envelope, .to = "example.net"};
    struct mox_route route;

    ck_assert_int_eq(mox_route_lookup(NULL, &envelope, &route, NULL), MOX_OK);
    ck_assert_ptr_null(route.transport);
    ck_assert_ptr_null(route_transport(&route));
    ck_assert_int_eq(route.kind, MOX_KIND_DIRECT);
    ck_assert_uint_eq(route.families, MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6);
    ck_assert_int_eq(route.line, 0);
}
END_TEST

START_TEST(answer_tells_where_it_stands)
{
    struct mox_envelope envelope = {
        .size = sizeof envelope, .from = "x@sender.example", .to = "y@example.org", .attempts = 1};
    struct mox_route route;

    ck_assert_int_eq(mox_route_lookup(&made.config, &envelope, &route, NULL), MOX_OK);
    ck_assert_str_eq(route.file, "test.conf");
    ck_assert_int_eq(route.line, 3);
    ck_assert_uint_eq(route.families, MOX_ALLOW_IPV4);
    ck_assert_ptr_eq(route_transport(&route), &made.config.transports[3]);
}
END_TEST

static const struct {
    const char *from, *to, *in_message;
} malformed[] = {
    {NULL, NULL, "recipient"},
    {NULL, "", "recipient"},
    {NULL, "a..b", "a..b"},
    {NULL, "user@", "user@"},
    {NULL, "user@-a.example", "-a.example"},
    {NULL, "user@ab--cd.example", "ab--cd.example"},
    {NULL, "example.org.", "example.org."},
    {NULL, "192.0.2.1", "192.0.2.1"},
    {NULL, "::1", "::1"},
    {NULL, "[192.0.2]", "[192.0.2]"},
    {NULL, "a_b.example", "a_b.example"},
    {NULL, "xn--a.example", "xn--a.example"},
    {"a b", "example.org", "sender \"a b\""},
    {"x@\xff.example", "example.org", "sender"},
};

START_TEST(malformed_domain)
{
    struct mox_envelope envelope = {
        .size = sizeof envelope, .from = malformed[_i].from, .to = malformed[_i].to};
    struct mox_route route;
    struct mox_error err = {0};

    ck_assert_int_eq(mox_route_lookup(&made.config, &envelope, &route, &err), MOX_E_INVAL);
    ck_assert_int_eq(err.code, MOX_E_INVAL);
    ck_assert_int_eq(err.stage, MOX_STAGE_ROUTE);
    if (envelope.to != NULL && envelope.to[0] != '\0') /* else it is the caller's fault */
        ck_assert_int_eq(err.about, envelope.from != NULL ? MOX_ABOUT_SENDER : MOX_ABOUT_RCPT);
    ck_assert_msg(strstr(err.message, malformed[_i].in_message) != NULL, "%s", err.message);
    ck_assert_int_eq(mox_route_lookup(NULL, &envelope, &route, NULL), MOX_E_INVAL);
    ck_assert_int_eq(mox_route_each(&made.config, &envelope, NULL, NULL, NULL), MOX_E_INVAL);
}
END_TEST

START_TEST(names_at_the_limits)
{
    struct mox_envelope envelope = {.size = sizeof envelope};
    struct mox_route route;
    char name[300];

    for (size_t len = 240; len < sizeof name; len++) { /* "a.a.a…", then with a local part */
        for (size_t i = 0; i < len; i++)
            name[i] = i % 2 == 0 ? 'a' : '.';
        name[len - 1] = 'a';
        name[len] = '\0';
        envelope.to = name;
        ck_assert_int_eq(mox_route_lookup(&made.config, &envelope, &route, NULL),
                         len <= 253 ? MOX_OK : MOX_E_INVAL);
    }
    memcpy(name + sizeof name - 13, "@example.org", 13);
    ck_assert_int_eq(mox_route_lookup(&made.config, &envelope, &route, NULL), MOX_OK);
    ck_assert_str_eq(route.transport, "v4");
}
END_TEST

START_TEST(envelope_of_other_versions)
{
    struct {
        struct mox_envelope known;
        uint64_t later;
    } newer = {{.size = sizeof newer, .to = "example.org"}, 0};
    struct mox_envelope older = {.size = offsetof(struct mox_envelope, unix_s),
                                 .to = "example.org"};
    struct mox_route route;

    ck_assert_int_eq(mox_route_lookup(&made.config, &newer.known, &route, NULL), MOX_OK);
    newer.later = 1;
    ck_assert_int_eq(mox_route_lookup(&made.config, &newer.known, &route, NULL), MOX_E_UNSUPPORTED);
    ck_assert_int_eq(mox_route_lookup(&made.config, &older, &route, NULL), MOX_OK);
    ck_assert_str_eq(route.transport, "v4");
    older.size = 0;
    ck_assert_int_eq(mox_route_lookup(&made.config, &older, &route, NULL), MOX_E_INVAL);
    ck_assert_int_eq(mox_route_lookup(&made.config, NULL, &route, NULL), MOX_E_INVAL);
}
END_TEST

START_TEST(transport_of_the_message)
{
    struct mox_route route;
    struct mox_error err = {0};

    ck_assert_int_eq(route_by_transport(&made.config, "plain", &route, &err), MOX_OK);
    ck_assert_str_eq(route.transport, "plain");
    ck_assert_int_eq(route.scope, MOX_SCOPE_NONE);
    ck_assert_int_eq(route.index, -1);
    ck_assert_ptr_eq(route_transport(&route), &made.config.transports[3]);
    ck_assert_int_eq(route_by_transport(&made.config, "Plain", &route, &err), MOX_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.message, "cannot find transport \"Plain\""));
    ck_assert_int_eq(err.permanent, 0);
    ck_assert_int_eq(route_by_transport(NULL, "plain", &route, NULL), MOX_E_CONFIG);
}
END_TEST

START_TEST(lookup_takes_no_memory)
{
    struct mox_envelope envelope = {
        .size = sizeof envelope, .from = "a@sender.example", .to = "b@mail.example.org"};
    struct mox_route route;
    int status;

    test_fail_alloc(1); /* libcheck takes memory too: it speaks only after */
    status = mox_route_lookup(&made.config, &envelope, &route, NULL);
    test_fail_alloc(0);
    ck_assert_int_eq(status, MOX_OK);
    ck_assert(!test_alloc_failed());
}
END_TEST

TCase *test_route_lookup(void)
{
    TCase *tcase = tcase_create("route/lookup");

    tcase_add_checked_fixture(tcase, make_examples, end_examples);
    tcase_add_loop_test(tcase, worked_example, 0, (int)ARRAY_LEN(examples));
    tcase_add_test(tcase, no_route_is_direct_and_both_families);
    tcase_add_test(tcase, answer_tells_where_it_stands);
    tcase_add_loop_test(tcase, malformed_domain, 0, (int)ARRAY_LEN(malformed));
    tcase_add_test(tcase, names_at_the_limits);
    tcase_add_test(tcase, envelope_of_other_versions);
    tcase_add_test(tcase, transport_of_the_message);
    tcase_add_test(tcase, lookup_takes_no_memory);
    return tcase;
}
