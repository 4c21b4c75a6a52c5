/*
 * test_route_index.c - the index against the linear reference (mox_route_each), over configurations
 * drawn at random from few names, so that rules meet; and the shapes that random seldom finds.
 */
#include <stdio.h>
#include <string.h>

#include <check.h>

#include "base/hash.h"
#include "made.h"
#include "route/index.h"
#include "test.h"

enum { SEEDS = 500, ENVELOPES = 60 };

struct random {
    uint64_t state;
};

static uint32_t draw(struct random *r, uint32_t below)
{
    r->state = hash_mix(r->state + 0x9e3779b97f4a7c15u);
    return (uint32_t)(r->state >> 33) % below;
}

static const char *const names[] = {
    "example.org",
    "mail.example.org",
    "a.mail.example.org",
    "notexample.org",
    "org",
    "example",
    "b.example",
    "c.b.example",
    "d.c.b.example",
    "x",
    "longer-than-a-word.example.org",
    "eight-88.example",
    "xn--bcher-kva.example",
    "w.x.y.z.example",
};

/* Items with blanks between, at most `most` of them; NULL: no list. */
static const char *draw_items(struct random *r, uint32_t most, char *buf, size_t cap)
{
    uint32_t n = draw(r, 4) == 0 ? draw(r, most) + 1 : draw(r, 3);

    buf[0] = '\0';
    for (uint32_t i = 0; i < n && strlen(buf) + 64 < cap; i++) {
        bool alone = draw(r, 12) == 0, dot = draw(r, 2) == 0;

        snprintf(buf + strlen(buf), cap - strlen(buf), "%s%s%s", i > 0 ? " " : "",
                 alone || dot ? "." : "", alone ? "" : names[draw(r, ARRAY_LEN(names))]);
    }
    return n == 0 ? NULL : buf;
}

static void draw_conditions(struct random *r, struct config_conditions *c)
{
    static const char *const to_mx[] = {".mx.example", "a.example", NULL};
    static const struct config_hours hours[] = {{0x1f, 0, 480, 1080}, {0x60, 0, 1320, 360}};

    if (draw(r, 2) == 0)
        c->percent = 1 + draw(r, 99);
    if (draw(r, 2) == 0)
        c->to_mx = to_mx + draw(r, 2);
    if (draw(r, 2) == 0) {
        c->hours = hours;
        c->nhours = 1 + draw(r, 2);
        c->time_zone_fixed = draw(r, 2) == 0;
    }
    if (draw(r, 3) == 0)
        c->max_per_hour = 1 + draw(r, 9);
}

static void draw_routes(struct random *r, struct made *m, uint32_t most)
{
    static const char *const transports[] = {"v4", "relay", "reject"};
    uint32_t n = draw(r, most) + 1, attempts = draw(r, 3) == 0 ? 40 : 3;
    char from[1024], to[1024];

    for (uint32_t i = 0; i < n; i++) {
        const char *senders = draw_items(r, 12, from, sizeof from);

        made_route(m, senders, draw_items(r, 12, to, sizeof to), draw(r, attempts),
                   transports[draw(r, ARRAY_LEN(transports))]);
        if (draw(r, 10) == 0)
            draw_conditions(r, made_conditions(m));
    }
}

static void draw_config(struct random *r, struct made *m)
{
    static const char *const accounts[] = {"alice", "bob", "example.org"};
    uint32_t most = draw(r, 4) == 0 ? 150 : 8;

    made_transport(m, "v4", MOX_KIND_DIRECT);
    made_transport(m, "relay", MOX_KIND_SUBMISSION);
    made_transport(m, "reject", MOX_KIND_FAIL);
    for (size_t i = 0; i < ARRAY_LEN(accounts); i++) {
        if (draw(r, 2) == 0) {
            made_list(m, MOX_SCOPE_ACCOUNT, accounts[i]);
            draw_routes(r, m, most);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        if (draw(r, 2) == 0) {
            made_list(m, MOX_SCOPE_DOMAIN, names[i]);
            draw_routes(r, m, most);
        }
    }
    if (draw(r, 8) != 0) {
        made_list(m, MOX_SCOPE_GLOBAL, NULL);
        draw_routes(r, m, most);
    }
}

static const char *draw_address(struct random *r, char *buf, size_t cap)
{
    switch (draw(r, 8)) {
    case 0:
        return "[192.0.2.1]";
    case 1:
        snprintf(buf, cap, "user@sub.%s", names[draw(r, ARRAY_LEN(names))]);
        return buf;
    case 2:
        snprintf(buf, cap, "a@b.c.d@%s", names[draw(r, ARRAY_LEN(names))]);
        return buf;
    default:
        return names[draw(r, ARRAY_LEN(names))];
    }
}

static void keep_match(void *arg, const struct mox_route_step *step)
{
    struct mox_route *wanted = arg;

    if (step->matched)
        *wanted = step->route;
    else
        wanted->needs |= step->route.needs;
}

static void compare(const struct made *m, const struct mox_envelope *e, const char *where)
{
    struct mox_route found, wanted = {.index = -1, .families = MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6};

    ck_assert_int_ge(mox_route_each(&m->config, e, keep_match, &wanted, NULL), 0);
    ck_assert_int_eq(mox_route_lookup(&m->config, e, &found, NULL), MOX_OK);
    ck_assert_msg(memcmp(&found, &wanted, sizeof found) == 0,
                  "%s: from %s to %s account %s attempts %u: scope %d #%d needs %u, not %d #%d %u",
                  where, e->from != NULL ? e->from : "<>", e->to,
                  e->account != NULL ? e->account : "-", (unsigned)e->attempts, (int)found.scope,
                  (int)found.index, (unsigned)found.needs, (int)wanted.scope, (int)wanted.index,
                  (unsigned)wanted.needs);
}

static void draw_facts(struct random *r, struct mox_envelope *e)
{
    static const char *const mx[] = {"a.example", "b.mx.example", "mx.example", "amx.example"};

    if (draw(r, 2) == 0) {
        e->unix_s = 1700000000 + 3600 * (int64_t)draw(r, 200);
        e->utc_offset_s = 7200;
    }
    if (draw(r, 2) == 0) {
        e->mx = mx + draw(r, ARRAY_LEN(mx));
        e->nmx = draw(r, 2);
    }
}

START_TEST(random_configurations)
{
    struct random r = {(uint64_t)_i};
    struct made m = {0};
    char from[128], to[128], where[32];

    snprintf(where, sizeof where, "seed %d", _i);
    draw_config(&r, &m);
    ck_assert_int_eq(route_index_build(&m.config, NULL), MOX_OK);
    for (int i = 0; i < ENVELOPES; i++) {
        struct mox_envelope e = {.size = sizeof e};

        e.from = draw(&r, 6) == 0 ? NULL : draw_address(&r, from, sizeof from);
        e.to = draw_address(&r, to, sizeof to);
        e.account = draw(&r, 3) == 0 ? "alice" : draw(&r, 2) == 0 ? "example.org" : NULL;
        e.attempts = draw(&r, 5) == 0 ? draw(&r, 45) : draw(&r, 4);
        draw_facts(&r, &e);
        compare(&m, &e, where);
    }
    made_free(&m);
}
END_TEST

START_TEST(many_attempts_on_one_name)
{
    struct made m = {0};

    made_transport(&m, "v4", MOX_KIND_DIRECT);
    made_list(&m, MOX_SCOPE_GLOBAL, NULL);
    for (uint32_t i = 0; i < 1000; i++)
        made_route(&m, i % 7 == 0 ? "s.example" : NULL, i % 2 ? "x.example" : ".x.example",
                   1000 - i, "v4");
    ck_assert_int_eq(route_index_build(&m.config, NULL), MOX_OK);
    for (uint32_t i = 0; i < 1010; i += 3) {
        struct mox_envelope e = {.size = sizeof e,
                                 .from = i % 4 == 0 ? "s.example" : "t.example",
                                 .to = "x.example",
                                 .attempts = i};

        compare(&m, &e, "attempts");
    }
    made_free(&m);
}
END_TEST

START_TEST(many_senders_of_one_recipient)
{
    struct made m = {0};
    char text[64];

    made_transport(&m, "v4", MOX_KIND_DIRECT);
    made_list(&m, MOX_SCOPE_GLOBAL, NULL);
    for (int i = 0; i < 3000; i++) {
        snprintf(text, sizeof text, "%ss%d.example", i % 3 == 0 ? "." : "", i % 2500);
        made_route(&m, text, "big.example.org", (uint32_t)(i % 5), "v4");
    }
    ck_assert_int_eq(route_index_build(&m.config, NULL), MOX_OK);
    ck_assert_uint_le(route_index_bytes(&m.config) + 40 * 3000, 64 * 3000);
    for (int i = 0; i < 2600; i += 7) {
        struct mox_envelope e = {
            .size = sizeof e, .to = "big.example.org", .attempts = (uint32_t)i % 6};

        snprintf(text, sizeof text, "%ss%d.example", i % 2 == 0 ? "x." : "", i);
        e.from = text;
        compare(&m, &e, "senders");
    }
    made_free(&m);
}
END_TEST

/* 400 senders by 400 recipients, twice: not 320,000 entries. */
START_TEST(long_lists_do_not_multiply)
{
    enum { LONG = 400 };
    static char from[LONG * 16], to[LONG * 16];
    struct made m = {0};
    size_t nfrom = 0, nto = 0;
    char sender[32], recipient[32];

    for (int i = 0; i < LONG; i++) {
        nfrom += (size_t)snprintf(from + nfrom, sizeof from - nfrom, "%s.f%d.x", i ? " " : "", i);
        nto += (size_t)snprintf(to + nto, sizeof to - nto, "%st%d.x", i ? " " : "", i);
    }
    made_transport(&m, "v4", MOX_KIND_DIRECT);
    made_list(&m, MOX_SCOPE_GLOBAL, NULL);
    made_route(&m, from, to, 2, "v4");
    made_route(&m, from, "t3.x", 1, "v4");
    made_route(&m, "f5.x", to, 1, "v4");
    made_route(&m, from, to, 0, "v4");
    ck_assert_int_eq(route_index_build(&m.config, NULL), MOX_OK);
    ck_assert_uint_le(route_index_bytes(&m.config), 6 * LONG * 100);
    for (int i = 0; i < LONG + 20; i++) {
        struct mox_envelope e = {
            .size = sizeof e, .from = sender, .to = recipient, .attempts = (uint32_t)i % 3};

        snprintf(sender, sizeof sender, "%sf%d.x", i % 5 == 0 ? "a." : "", i % 7 ? 5 : i);
        snprintf(recipient, sizeof recipient, "t%d.x", i % 4 ? i : 3);
        compare(&m, &e, "long lists");
    }
    made_free(&m);
}
END_TEST

START_TEST(deepest_names)
{
    struct made m = {0};
    char name[254];

    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 2 == 0 ? 'a' : '.';
    name[sizeof name - 1] = '\0';
    made_transport(&m, "v4", MOX_KIND_DIRECT);
    made_list(&m, MOX_SCOPE_GLOBAL, NULL);
    for (size_t from = 0; from < sizeof name - 1; from += 2)
        made_route(&m, name + from, from == 0 ? name : name + from - 1, (uint32_t)(from % 6), "v4");
    made_route(&m, NULL, name, 0, "v4");
    ck_assert_int_eq(route_index_build(&m.config, NULL), MOX_OK);
    for (size_t i = 0; i < sizeof name - 1; i += 2) {
        struct mox_envelope e = {
            .size = sizeof e, .from = name + i, .to = name, .attempts = (uint32_t)i % 7};

        compare(&m, &e, "deep");
    }
    made_free(&m);
}
END_TEST

START_TEST(memory_may_fail_at_any_call)
{
    struct random r = {7};
    struct made m = {0};
    struct mox_error err;
    long nth = 0;

    made_transport(&m, "v4", MOX_KIND_DIRECT);
    made_transport(&m, "relay", MOX_KIND_DIRECT);
    made_transport(&m, "reject", MOX_KIND_FAIL);
    made_list(&m, MOX_SCOPE_DOMAIN, "example.org");
    draw_routes(&r, &m, 150);
    made_list(&m, MOX_SCOPE_GLOBAL, NULL);
    draw_routes(&r, &m, 150);
    do {
        test_fail_alloc(++nth);
        if (route_index_build(&m.config, &err) == MOX_OK)
            break;
        ck_assert_int_eq(err.code, MOX_E_NOMEM);
        ck_assert_ptr_null(m.config.index);
    } while (nth < 10000);
    test_fail_alloc(0);
    ck_assert_int_gt(nth, 5);
    ck_assert_ptr_nonnull(m.config.index);
    made_free(&m);
}
END_TEST

START_TEST(nothing_to_index)
{
    struct mox_envelope e = {.size = sizeof e, .to = "example.org"};
    struct made m = {0};
    struct mox_route route;

    ck_assert_int_eq(route_index_build(&m.config, NULL), MOX_OK);
    ck_assert_int_eq(mox_route_lookup(&m.config, &e, &route, NULL), MOX_OK);
    ck_assert_ptr_null(route.transport);
    made_free(&m);
}
END_TEST

/* Found by fuzzing under UBSan: the table is made anew, and there are no names to point into. */
START_TEST(lists_without_items)
{
    struct mox_envelope e = {.size = sizeof e, .to = "example.org", .account = "alice"};
    struct made m = {0};
    struct mox_route route;

    made_transport(&m, "v4", MOX_KIND_DIRECT);
    made_list(&m, MOX_SCOPE_ACCOUNT, "alice");
    made_route(&m, NULL, NULL, 0, "v4");
    made_list(&m, MOX_SCOPE_GLOBAL, NULL);
    made_route(&m, NULL, NULL, 0, "v4");
    ck_assert_ptr_null(m.config.names);
    ck_assert_int_eq(route_index_build(&m.config, NULL), MOX_OK);
    ck_assert_int_eq(mox_route_lookup(&m.config, &e, &route, NULL), MOX_OK);
    ck_assert_int_eq(route.scope, MOX_SCOPE_ACCOUNT);
    e.account = "bob";
    ck_assert_int_eq(mox_route_lookup(&m.config, &e, &route, NULL), MOX_OK);
    ck_assert_int_eq(route.scope, MOX_SCOPE_GLOBAL);
    made_free(&m);
}
END_TEST

/* Found by fuzzing: rules of many items in both lists, and a list before one that the file has
 * first, as accounts are sorted before the global list. */
START_TEST(lists_in_another_order_than_their_rules)
{
    static const char from[] = "a b c d e", to[] = "v w x y z";
    struct mox_envelope e = {.size = sizeof e, .from = "e", .to = "z", .account = "alice"};
    struct made m = {0};
    struct config_list first;
    struct mox_route route;

    made_transport(&m, "v4", MOX_KIND_DIRECT);
    made_transport(&m, "relay", MOX_KIND_DIRECT);
    made_list(&m, MOX_SCOPE_GLOBAL, NULL);
    made_route(&m, "a b c d f", to, 0, "relay");
    made_list(&m, MOX_SCOPE_ACCOUNT, "alice");
    made_route(&m, from, to, 0, "v4");
    first = m.config.lists[0];
    m.config.lists[0] = m.config.lists[1];
    m.config.lists[1] = first;
    ck_assert_int_eq(route_index_build(&m.config, NULL), MOX_OK);
    ck_assert_int_eq(mox_route_lookup(&m.config, &e, &route, NULL), MOX_OK);
    ck_assert_int_eq(route.scope, MOX_SCOPE_ACCOUNT);
    ck_assert_str_eq(route.transport, "v4");
    e.from = "f";
    ck_assert_int_eq(mox_route_lookup(&m.config, &e, &route, NULL), MOX_OK);
    ck_assert_int_eq(route.scope, MOX_SCOPE_GLOBAL);
    ck_assert_str_eq(route.transport, "relay");
    made_free(&m);
}
END_TEST

TCase *test_route_index(void)
{
    TCase *tcase = tcase_create("route/index");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, random_configurations, 0, SEEDS);
    tcase_add_test(tcase, many_attempts_on_one_name);
    tcase_add_test(tcase, many_senders_of_one_recipient);
    tcase_add_test(tcase, long_lists_do_not_multiply);
    tcase_add_test(tcase, deepest_names);
    tcase_add_test(tcase, memory_may_fail_at_any_call);
    tcase_add_test(tcase, nothing_to_index);
    tcase_add_test(tcase, lists_without_items);
    tcase_add_test(tcase, lists_in_another_order_than_their_rules);
    return tcase;
}
