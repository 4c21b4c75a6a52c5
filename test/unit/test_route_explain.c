/* test_route_explain.c - the reasons, as lines and as data. */
#include <string.h>

#include <check.h>

#include <moxdial/route.h>

#include "made.h"
#include "route/index.h"
#include "test.h"

static struct made made;

static void make_config(void)
{
    memset(&made, 0, sizeof made);
    made_transport(&made, "v4", MOX_KIND_DIRECT);
    made_list(&made, MOX_SCOPE_ACCOUNT, "alice");
    made_route(&made, NULL, NULL, 3, "v4");
    made_list(&made, MOX_SCOPE_DOMAIN, "other.example");
    made_route(&made, NULL, NULL, 0, "v4");
    made_list(&made, MOX_SCOPE_GLOBAL, NULL);
    made_route(&made, ".s.example", NULL, 0, "v4");
    made_route(&made, NULL, "a.x b.x c.x d.x e.x", 0, "v4");
    made_route(&made, ".", "t.example", 0, "v4");
    made_route(&made, NULL, NULL, 0, "v4");
    ck_assert_int_eq(route_index_build(&made.config, NULL), MOX_OK);
}

static void end_config(void)
{
    made_free(&made);
}

START_TEST(one_line_for_each_route_considered)
{
    static const char wanted[] =
        "account alice #0 test.conf:1 -> v4: no match: MinimumAttempts is 3, attempts made are 1\n"
        "global #0 test.conf:3 -> v4: no match: FromDomain is .s.example, the sender's domain is "
        "the empty domain (null sender or address literal)\n"
        "global #1 test.conf:4 -> v4: no match: ToDomain is a.x, b.x, c.x and 2 more, the "
        "recipient's domain is t.example\n"
        "global #2 test.conf:5 -> v4: matches\n";
    struct mox_envelope e = {
        .size = sizeof e, .to = "u@T.example", .account = "alice", .attempts = 1};
    char text[1024], small[10];

    ck_assert_uint_eq(mox_route_explain(&made.config, &e, text, sizeof text), strlen(wanted));
    ck_assert_str_eq(text, wanted);
    ck_assert_uint_eq(mox_route_explain(&made.config, &e, small, sizeof small), strlen(wanted));
    ck_assert_str_eq(small, "account a");
    ck_assert_uint_eq(mox_route_explain(&made.config, &e, NULL, 0), strlen(wanted));
    ck_assert_uint_eq(mox_route_explain(NULL, &e, text, sizeof text), 0);
}
END_TEST

struct seen {
    int n, matched;
    const char *failed[8];
};

static void see(void *arg, const struct mox_route_step *step)
{
    struct seen *seen = arg;

    seen->failed[seen->n++] = step->failed;
    seen->matched += step->matched;
    ck_assert_str_eq(step->route.transport, "v4");
    ck_assert_uint_gt(strlen(step->text), 0);
}

START_TEST(steps_as_data)
{
    struct mox_envelope e = {.size = sizeof e, .from = "x@q.example", .to = "t.example"};
    struct seen seen = {0};

    ck_assert_int_eq(mox_route_each(&made.config, &e, see, &seen, NULL), 4);
    ck_assert_int_eq(seen.n, 4);
    ck_assert_int_eq(seen.matched, 1);
    ck_assert_str_eq(seen.failed[0], "FromDomain");
    ck_assert_str_eq(seen.failed[1], "ToDomain");
    ck_assert_str_eq(seen.failed[2], "FromDomain");
    ck_assert_ptr_null(seen.failed[3]);
}
END_TEST

START_TEST(malformed_address_is_said)
{
    struct mox_envelope e = {.size = sizeof e, .to = "a..b"};
    char text[1024];

    ck_assert_uint_gt(mox_route_explain(&made.config, &e, text, sizeof text), 0);
    ck_assert_ptr_nonnull(strstr(text, "a..b"));
}
END_TEST

START_TEST(names)
{
    ck_assert_str_eq(mox_kind_name(MOX_KIND_DIRECT), "direct");
    ck_assert_str_eq(mox_kind_name(MOX_KIND_FAIL), "fail");
    ck_assert_str_eq(mox_kind_name(99), "unknown");
    ck_assert_str_eq(mox_scope_name(MOX_SCOPE_GLOBAL), "global");
    ck_assert_str_eq(mox_scope_name(-1), "unknown");
    ck_assert_str_eq(mox_need_name(MOX_NEED_TIME), "time");
    ck_assert_str_eq(mox_need_name(MOX_NEED_MX), "mx");
    ck_assert_str_eq(mox_need_name(MOX_NEED_VOLUME), "volume");
    ck_assert_str_eq(mox_need_name(MOX_NEED_TIME | MOX_NEED_MX), "unknown");
}
END_TEST

TCase *test_route_explain(void)
{
    TCase *tcase = tcase_create("route/explain");

    tcase_add_checked_fixture(tcase, make_config, end_config);
    tcase_add_test(tcase, one_line_for_each_route_considered);
    tcase_add_test(tcase, steps_as_data);
    tcase_add_test(tcase, malformed_address_is_said);
    tcase_add_test(tcase, names);
    return tcase;
}
