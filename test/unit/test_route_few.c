/*
 * test_route_few.c - short global lists against the linear reference (mox_route_each): items and
 * domains of every length, and what is not short.
 */
#include <stdio.h>
#include <string.h>

#include <check.h>

#include "made.h"
#include "route/index.h"
#include "test.h"

/* The last len characters of it are names, whatever len is but where a dot comes first. */
static const char name[] = "b-cd.ef0gh.ijklm-n.op.qrstuv.wx";

static void keep_match(void *arg, const struct mox_route_step *step)
{
    if (step->matched)
        *(struct mox_route *)arg = step->route;
}

static void compare(const struct made *m, const char *from, const char *to)
{
    struct mox_envelope e = {.size = sizeof e, .from = from, .to = to};
    struct mox_route found, wanted = {.index = -1, .families = MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6};

    ck_assert_int_ge(mox_route_each(&m->config, &e, keep_match, &wanted, NULL), 0);
    ck_assert_int_eq(mox_route_lookup(&m->config, &e, &found, NULL), MOX_OK);
    ck_assert_msg(memcmp(&found, &wanted, sizeof found) == 0, "from %s to %s: #%d, not #%d", from,
                  to, (int)found.index, (int)wanted.index);
}

static const struct index_case {
    const char *name;
    uint32_t routes; /* with one ToDomain item each */
    const char *from, *to;
    uint32_t few; /* entries, once a route with from and to was added */
} index_cases[] = {
    {"as many as may be", ROUTE_FEW - 1, NULL, "x.example", ROUTE_FEW},
    {"a route without ToDomain counts", ROUTE_FEW - 1, NULL, NULL, ROUTE_FEW},
    {"one too many", ROUTE_FEW, NULL, "x.example", 0},
    {"each item counts", ROUTE_FEW - 1, NULL, "x.example y.example", 0},
    {"senders that are compared one by one", 0, "a b c d", "x.example", 1},
    {"too many senders for that", 0, "a b c d e", "x.example", 0},
};

START_TEST(few_or_not)
{
    const struct index_case *c = &index_cases[_i];
    const struct route_few *few;
    struct made m = {0};
    char item[32];

    made_transport(&m, "v4", MOX_KIND_DIRECT);
    made_list(&m, MOX_SCOPE_GLOBAL, NULL);
    for (uint32_t i = 0; i < c->routes; i++) {
        snprintf(item, sizeof item, ".d%u.example", (unsigned)i);
        made_route(&m, NULL, item, 0, "v4");
    }
    made_route(&m, c->from, c->to, 0, "v4");
    ck_assert_int_eq(route_index_build(&m.config, NULL), MOX_OK);
    few = ((const struct route_index *)m.config.index)->few;
    ck_assert_msg((few == NULL ? 0 : few->n) == c->few, "%s", c->name);
    for (uint32_t i = 0; i <= c->routes; i++) {
        snprintf(item, sizeof item, "mx.d%u.example", (unsigned)i);
        compare(&m, "d", item);
        compare(&m, "e", item + 3);
    }
    compare(&m, "e", "x.example");
    made_free(&m);
}
END_TEST

/* One item of this length, with a dot and without, against the domains that could be taken for it.
 */
START_TEST(item_of_every_length)
{
    const char *item = name + sizeof name - 1 - _i;
    char text[sizeof name + 1], to[sizeof name + 8];
    struct made m = {0};

    if (item[0] == '.' || item[0] == '-')
        return;
    snprintf(text, sizeof text, ".%s", item);
    made_transport(&m, "v4", MOX_KIND_DIRECT);
    made_transport(&m, "relay", MOX_KIND_DIRECT);
    made_list(&m, MOX_SCOPE_GLOBAL, NULL);
    made_route(&m, NULL, item, 0, "v4");
    made_route(&m, NULL, text, 0, "relay");
    made_route(&m, "s.example", NULL, 0, "v4");
    made_route(&m, NULL, ".", 0, "relay");
    ck_assert_int_eq(route_index_build(&m.config, NULL), MOX_OK);
    for (const char *shorter = item; *shorter != '\0'; shorter++) {
        if (shorter[0] != '.' && shorter[0] != '-')
            compare(&m, "t.example", shorter);
    }
    for (const char *before = "a.\0x\0a.x\0mail.\0"; *before != '\0';
         before += strlen(before) + 1) {
        snprintf(to, sizeof to, "%s%s", before, item);
        compare(&m, "t.example", to);
        snprintf(to, sizeof to, "u@%s", item);
        compare(&m, "t.example", to);
    }
    compare(&m, "s.example", "else.example");
    compare(&m, "t.example", "[192.0.2.1]");
    made_free(&m);
}
END_TEST

/* What is written before the name must not be taken for a part of it. */
START_TEST(local_part_is_no_label)
{
    struct made m = {0};

    made_transport(&m, "v4", MOX_KIND_DIRECT);
    made_transport(&m, "relay", MOX_KIND_DIRECT);
    made_list(&m, MOX_SCOPE_GLOBAL, NULL);
    made_route(&m, NULL, "b.c.example", 0, "v4");
    made_route(&m, NULL, ".c.example", 0, "relay");
    ck_assert_int_eq(route_index_build(&m.config, NULL), MOX_OK);
    compare(&m, NULL, "b.@c.example");
    compare(&m, NULL, "a@b.c.example");
    compare(&m, NULL, "b..b@\"@b.c.example");
    compare(&m, NULL, "B@B.C.example");
    made_free(&m);
}
END_TEST

TCase *test_route_few(void)
{
    TCase *tcase = tcase_create("route/few");

    tcase_add_loop_test(tcase, few_or_not, 0, (int)ARRAY_LEN(index_cases));
    tcase_add_loop_test(tcase, item_of_every_length, 1, (int)sizeof name);
    tcase_add_test(tcase, local_part_is_no_label);
    return tcase;
}
