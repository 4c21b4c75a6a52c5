/*
 * test_route_conditions.c - Hours, ToMX, Percent and MaxPer…: what holds, what fails, what is
 * lacking, in words and as data; and the routes of one who claims places.
 */
#include <stdio.h>
#include <string.h>

#include <check.h>

#include <moxdial/config.h>
#include <moxdial/route.h>

#include "made.h"
#include "route/conditions.h"
#include "route/index.h"
#include "route/lookup.h"
#include "route/volume.h"
#include "test.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };
enum { MON, TUE, WED, THU, FRI, SAT, SUN };
#define MONDAY INT64_C(1699833600) /* 13 November 2023, 00:00 UTC */

/* One route to v4 with these lines, each behind two tabs. */
static struct mox_config *parse(const char *lines)
{
    char text[1024];
    struct mox_error err = {0};
    struct mox_config *config;

    snprintf(text, sizeof text, "Transports:\n\tv4: nil\nRoutes:\n\t-\n\t\tTransport: v4\n%s",
             lines);
    config = mox_config_parse(text, strlen(text), &err);
    ck_assert_msg(config != NULL, "%s\n%s", err.message, text);
    return config;
}

static bool matches(const struct mox_config *config, const struct mox_envelope *envelope)
{
    struct mox_route route;

    ck_assert_int_eq(mox_route_lookup(config, envelope, &route, NULL), MOX_OK);
    return route.transport != NULL;
}

static const struct hours_case {
    const char *name, *lines;
    int day, hour, minute, second;
    int32_t offset_s; /* of local time */
    bool holds;
} hours_cases[] = {
    {"start is inclusive", "\t\t\t- 08:00-18:00\n", WED, 8, 0, 0, 0, true},
    {"a second before", "\t\t\t- 08:00-18:00\n", WED, 7, 59, 59, 0, false},
    {"the last second", "\t\t\t- 08:00-18:00\n", WED, 17, 59, 59, 0, true},
    {"end is exclusive", "\t\t\t- 08:00-18:00\n", WED, 18, 0, 0, 0, false},
    {"the first day", "\t\t\t- Mon-Fri 08:00-18:00\n", MON, 9, 0, 0, 0, true},
    {"the last day", "\t\t\t- Mon-Fri 08:00-18:00\n", FRI, 9, 0, 0, 0, true},
    {"a day too late", "\t\t\t- Mon-Fri 08:00-18:00\n", SAT, 9, 0, 0, 0, false},
    {"a day too early", "\t\t\t- Mon-Fri 08:00-18:00\n", SUN, 9, 0, 0, 0, false},
    {"one day", "\t\t\t- Sat 08:00-18:00\n", SAT, 9, 0, 0, 0, true},
    {"not that day", "\t\t\t- Sat 08:00-18:00\n", SUN, 9, 0, 0, 0, false},
    {"days wrap, before", "\t\t\t- Sat-Mon 08:00-18:00\n", SAT, 9, 0, 0, 0, true},
    {"days wrap, Sunday", "\t\t\t- Sat-Mon 08:00-18:00\n", SUN, 9, 0, 0, 0, true},
    {"days wrap, behind", "\t\t\t- Sat-Mon 08:00-18:00\n", MON, 9, 0, 0, 0, true},
    {"days wrap, outside", "\t\t\t- Sat-Mon 08:00-18:00\n", TUE, 9, 0, 0, 0, false},
    {"a whole day, its start", "\t\t\t- Tue 00:00-24:00\n", TUE, 0, 0, 0, 0, true},
    {"a whole day, its end", "\t\t\t- Tue 00:00-24:00\n", TUE, 23, 59, 59, 0, true},
    {"a whole day, the next", "\t\t\t- Tue 00:00-24:00\n", WED, 0, 0, 0, 0, false},
    {"over midnight, evening", "\t\t\t- 22:00-06:00\n", TUE, 22, 0, 0, 0, true},
    {"over midnight, morning", "\t\t\t- 22:00-06:00\n", TUE, 5, 59, 59, 0, true},
    {"over midnight, its end", "\t\t\t- 22:00-06:00\n", TUE, 6, 0, 0, 0, false},
    {"over midnight, noon", "\t\t\t- 22:00-06:00\n", TUE, 12, 0, 0, 0, false},
    {"belongs to its first day", "\t\t\t- Fri 22:00-06:00\n", SAT, 3, 0, 0, 0, true},
    {"not to the day before", "\t\t\t- Fri 22:00-06:00\n", FRI, 3, 0, 0, 0, false},
    {"not to the second night", "\t\t\t- Fri 22:00-06:00\n", SAT, 23, 0, 0, 0, false},
    {"Sunday's night is Monday's", "\t\t\t- Sun 22:00-06:00\n", MON, 3, 0, 0, 0, true},
    {"until midnight", "\t\t\t- Fri 22:00-00:00\n", FRI, 23, 59, 59, 0, true},
    {"until midnight, behind it", "\t\t\t- Fri 22:00-00:00\n", SAT, 0, 0, 0, 0, false},
    {"the second item", "\t\t\t- Mon 08:00-09:00\n\t\t\t- Wed 10:00-11:00\n", WED, 10, 30, 0, 0,
     true},
    {"neither item", "\t\t\t- Mon 08:00-09:00\n\t\t\t- Wed 10:00-11:00\n", MON, 10, 30, 0, 0,
     false},
    {"local time", "\t\t\t- 08:00-18:00\n", WED, 7, 0, 0, HOUR, true},
    {"local time, too early", "\t\t\t- 08:00-18:00\n", WED, 12, 0, 0, -5 * HOUR, false},
    {"local time is another day", "\t\t\t- Thu 00:00-24:00\n", WED, 23, 30, 0, HOUR, true},
    {"and the week before", "\t\t\t- Sun 00:00-24:00\n", MON, 3, 0, 0, -5 * HOUR, true},
    {"local, said so", "\t\t\t- 08:00-18:00\n\t\tTimeZone: local\n", WED, 7, 0, 0, HOUR, true},
    {"UTC", "\t\t\t- 08:00-18:00\n\t\tTimeZone: UTC\n", WED, 7, 0, 0, HOUR, false},
    {"an offset east", "\t\t\t- 08:00-18:00\n\t\tTimeZone: +05:30\n", WED, 2, 30, 0, HOUR, true},
    {"an offset east, before", "\t\t\t- 08:00-18:00\n\t\tTimeZone: +05:30\n", WED, 2, 29, 59, HOUR,
     false},
    {"an offset west", "\t\t\t- Tue 08:00-24:00\n\t\tTimeZone: -08:00\n", WED, 7, 0, 0, 0, true},
};

START_TEST(hours)
{
    const struct hours_case *c = &hours_cases[_i];
    struct mox_envelope e = {.size = sizeof e, .to = "example.org", .utc_offset_s = c->offset_s};
    struct mox_config *config;
    char lines[256];

    snprintf(lines, sizeof lines, "\t\tHours:\n%s", c->lines);
    config = parse(lines);
    e.unix_s = MONDAY + c->day * DAY + c->hour * HOUR + c->minute * MINUTE + c->second;
    ck_assert_msg(matches(config, &e) == c->holds, "%s", c->name);
    e.unix_s -= INT64_C(52 * 100) * 7 * DAY; /* before 1970 the week goes on */
    ck_assert_msg(matches(config, &e) == c->holds, "%s, long ago", c->name);
    mox_config_free(config);
}
END_TEST

/* Whatever the numbers: no arithmetic may overflow (UBSan looks on). */
START_TEST(hours_of_odd_clocks)
{
    static const int64_t times[] = {INT64_MIN, INT64_MIN + 1, -1, 1, INT64_MAX - 1, INT64_MAX};
    static const int32_t offsets[] = {INT32_MIN, -1, 0, 1, INT32_MAX};
    struct mox_envelope e = {.size = sizeof e, .to = "example.org"};
    struct mox_config *all = parse("\t\tHours:\n\t\t\t- 00:00-24:00\n");

    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        for (size_t k = 0; k < ARRAY_LEN(offsets); k++) {
            e.unix_s = times[i];
            e.utc_offset_s = offsets[k];
            ck_assert(matches(all, &e));
        }
    }
    mox_config_free(all);
}
END_TEST

static const struct mx_case {
    const char *item, *mx[3];
    bool holds;
} mx_cases[] = {
    {"mx.example.net", {"mx.example.net"}, true},
    {"mx.example.net", {"MX.Example.NET"}, true},
    {"mx.example.net", {"mx.example.net."}, true},
    {"mx.example.net", {"a.mx.example.net"}, false},
    {"mx.example.net", {"amx.example.net"}, false},
    {"mx.example.net", {"x.example.net"}, false},
    {"mx.example.net", {"example.net"}, false},
    {"mx.example.net", {"other.example", "mx.example.net"}, true},
    {".example.net", {"example.net"}, true},
    {".example.net", {"mx.example.net"}, true},
    {".example.net", {"a.b.example.net"}, true},
    {".example.net", {"myexample.net"}, false},
    {".example.net", {"example.net.example"}, false},
    {".example.net", {"net"}, false},
    {".b\xc3\xbc"
     "cher.example",
     {"mx.xn--bcher-kva.example"},
     true},
    {".xn--bcher-kva.example",
     {"mx.b\xc3\xbc"
      "cher.example"},
     true},
    {".example.net", {"_mx.example.net"}, true}, /* as DNS may answer */
    {".example.net", {"..example.net"}, false},  /* no name */
    {".example.net", {""}, false},
    {".example.net", {NULL}, false}, /* known: there are none */
};

START_TEST(to_mx)
{
    const struct mx_case *c = &mx_cases[_i];
    struct mox_envelope e = {.size = sizeof e, .to = "example.org", .mx = c->mx};
    struct mox_config *config;
    char lines[256];

    while (e.nmx < ARRAY_LEN(c->mx) && c->mx[e.nmx] != NULL)
        e.nmx++;
    snprintf(lines, sizeof lines, "\t\tToMX:\n\t\t\t- nowhere.example\n\t\t\t- %s\n", c->item);
    config = parse(lines);
    ck_assert_msg(matches(config, &e) == c->holds, "%s, %s", c->item, e.nmx > 0 ? c->mx[0] : "-");
    mox_config_free(config);
}
END_TEST

/*
 * Computed apart, by Python:
 *   int.from_bytes(hashlib.sha256(b"mox1/percent\n" + transport + b"\n" + key).digest()[:8],
 *                  "big") % 100
 */
static const struct bucket_case {
    const char *transport, *key, *from, *to;
    unsigned bucket;
} bucket_cases[] = {
    {"v4", "q1", "a@x.example", "b@y.example", 27},
    {"v4", "q2", "a@x.example", "b@y.example", 57},
    {"v6", "q1", "a@x.example", "b@y.example", 8},
    {"v4", "Q1", NULL, "b@y.example", 43}, /* a key is taken as it is */
    {"v4", NULL, "alice@sender.example", "bob@t.example", 94},
    {"v4", NULL, "Alice@SENDER.example", "bob@T.Example", 94},
    {"v4", "", "alice@sender.example", "bob@t.example", 94},
    {"v4", NULL, NULL, "t.example", 74},
    {"v4", NULL, "", "bob@t.example", 96},
    /* longer than what is lower-cased at a time */
    {"v4", NULL,
     "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX@"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example",
     "bob@t.example", 85},
};

START_TEST(bucket)
{
    const struct bucket_case *c = &bucket_cases[_i];
    struct mox_envelope e = {.size = sizeof e, .from = c->from, .to = c->to, .key = c->key};

    ck_assert_uint_eq(route_bucket(c->transport, &e), c->bucket);
}
END_TEST

/* The bucket of q2 is 57: it is among 58 of a hundred, and not among 57. */
START_TEST(percent_is_the_buckets_below)
{
    struct mox_envelope e = {.size = sizeof e, .to = "example.org", .key = "q2"};
    struct mox_config *in = parse("\t\tPercent: 58\n"), *out = parse("\t\tPercent: 57\n");

    ck_assert(matches(in, &e));
    ck_assert(!matches(out, &e));
    mox_config_free(in);
    mox_config_free(out);
}
END_TEST

/* 2911 of these ten thousand by Python, too; of a fair share 4 in 10,000 would be under 2850. */
START_TEST(percent_is_a_share)
{
    struct mox_config *config = parse("\t\tPercent: 30\n");
    unsigned n = 0;

    for (int i = 0; i < 10000; i++) {
        char key[16];
        struct mox_envelope e = {.size = sizeof e, .to = "example.org", .key = key};

        snprintf(key, sizeof key, "id%d", i);
        n += matches(config, &e);
    }
    ck_assert_uint_eq(n, 2911);
    mox_config_free(config);
}
END_TEST

/* Each fact is known and holds, is known and fails, or is missing. */
enum fact { HOLDS, FAILS, MISSING };

static const struct lack_case {
    const char *name;
    enum fact mx, time;
    unsigned percent; /* the bucket is 57 */
    bool limited;
    const char *failed;
    uint32_t needs;
} lack_cases[] = {
    {"all hold", HOLDS, HOLDS, 58, false, NULL, 0},
    {"ToMX fails", FAILS, HOLDS, 58, false, "ToMX", 0},
    {"ToMX is missing", MISSING, HOLDS, 58, false, "ToMX", MOX_NEED_MX},
    {"Hours fail", HOLDS, FAILS, 58, false, "Hours", 0},
    {"the time is missing", HOLDS, MISSING, 58, false, "Hours", MOX_NEED_TIME},
    {"both are missing", MISSING, MISSING, 58, false, "ToMX", MOX_NEED_MX | MOX_NEED_TIME},
    {"missing, but Hours fail", MISSING, FAILS, 58, false, "Hours", 0},
    {"missing, but ToMX fails", FAILS, MISSING, 58, false, "ToMX", 0},
    {"missing, but Percent fails", MISSING, MISSING, 57, false, "Percent", 0},
    {"Percent fails", HOLDS, HOLDS, 57, false, "Percent", 0},
    {"a limit", HOLDS, HOLDS, 58, true, "MaxPerHour", MOX_NEED_VOLUME},
    {"a limit, and ToMX is missing", MISSING, HOLDS, 58, true, "ToMX",
     MOX_NEED_MX | MOX_NEED_VOLUME},
    {"a limit, but Hours fail", HOLDS, FAILS, 58, true, "Hours", 0},
};

static void see(void *arg, const struct mox_route_step *step)
{
    *(struct mox_route_step *)arg = *step;
}

START_TEST(what_lacks_its_fact)
{
    static const char *const good[] = {"mx.example"}, *const bad[] = {"other.example"};
    const struct lack_case *c = &lack_cases[_i];
    struct mox_envelope e = {.size = sizeof e, .to = "example.org", .key = "q2"};
    struct mox_route_step step;
    struct mox_config *config;
    struct mox_route route;
    char lines[256];

    snprintf(lines, sizeof lines,
             "\t\tToMX:\n\t\t\t- mx.example\n\t\tHours:\n\t\t\t- Mon 00:00-24:00\n"
             "\t\tTimeZone: UTC\n\t\tPercent: %u\n%s",
             c->percent, c->limited ? "\t\tMaxPerHour: 5\n" : "");
    config = parse(lines);
    e.mx = c->mx == MISSING ? NULL : c->mx == HOLDS ? good : bad;
    e.nmx = c->mx != MISSING;
    e.unix_s = c->time == MISSING ? 0 : MONDAY + (c->time == HOLDS ? 0 : DAY);
    ck_assert_int_eq(mox_route_lookup(config, &e, &route, NULL), MOX_OK);
    ck_assert_msg((route.transport != NULL) == (c->failed == NULL), "%s", c->name);
    ck_assert_msg(route.needs == c->needs, "%s: needs %u", c->name, (unsigned)route.needs);
    ck_assert_uint_eq(route.limited, 0);
    ck_assert_int_eq(mox_route_each(config, &e, see, &step, NULL), 1);
    ck_assert_msg(c->failed == NULL ? step.failed == NULL : strcmp(step.failed, c->failed) == 0,
                  "%s: %s", c->name, step.failed);
    ck_assert_uint_eq(step.route.needs, c->needs);
    mox_config_free(config);
}
END_TEST

/* Six routes: which of them are reached, and what a fact that one lacked could have changed. */
static const char several[] =
    "Transports:\n\ta: nil\n\tb: nil\n"
    "Accounts:\n\talice:\n\t\tRoutes:\n"
    "\t\t\t-\n\t\t\t\tMaxPerDay: 5\n\t\t\t\tTransport: a\n"
    "Domains:\n\tsender.example:\n\t\tRoutes:\n"
    "\t\t\t-\n\t\t\t\tHours:\n\t\t\t\t\t- 00:00-24:00\n"
    "\t\t\t\tTransport: a\n"
    "Routes:\n"
    "\t-\n\t\tToDomain:\n\t\t\t- x.example\n\t\tToMX:\n\t\t\t- mx.example\n"
    "\t\tTransport: a\n"
    "\t-\n\t\tToDomain:\n\t\t\t- x.example\n\t\tTransport: b\n"
    "\t-\n\t\tMaxPerHour: 5\n\t\tTransport: a\n"
    "\t-\n\t\tTransport: b\n"
    "\t-\n\t\tToMX:\n\t\t\t- mx.example\n\t\tTransport: a\n";

static const struct reach_case {
    const char *name, *account, *from, *to;
    int32_t index;
    uint32_t needs;
} reach_cases[] = {
    {"a route before the match", NULL, NULL, "x.example", 1, MOX_NEED_MX},
    {"not one for another domain, nor one behind", NULL, NULL, "y.example", 3, MOX_NEED_VOLUME},
    {"the lists before count", "alice", "sender.example", "x.example", 1,
     MOX_NEED_MX | MOX_NEED_TIME | MOX_NEED_VOLUME},
};

START_TEST(what_could_have_changed_the_answer)
{
    const struct reach_case *c = &reach_cases[_i];
    struct mox_envelope e = {.size = sizeof e, .account = c->account, .from = c->from, .to = c->to};
    struct mox_config *config = mox_config_parse(several, strlen(several), NULL);
    struct mox_route route;

    ck_assert_ptr_nonnull(config);
    ck_assert_int_eq(mox_route_lookup(config, &e, &route, NULL), MOX_OK);
    ck_assert_msg(route.index == c->index && route.scope == MOX_SCOPE_GLOBAL, "%s: #%d", c->name,
                  (int)route.index);
    ck_assert_msg(route.needs == c->needs, "%s: needs %u", c->name, (unsigned)route.needs);
    mox_config_free(config);
}
END_TEST

static const struct text_case {
    const char *lines, *says;
    bool known;
} text_cases[] = {
    {"\t\tHours:\n\t\t\t- Mon-Fri 08:00-18:00\n",
     "no match: Hours: it is Sat 03:10, wants Mon-Fri 08:00-18:00", true},
    {"\t\tHours:\n\t\t\t- 08:00-09:00\n\t\t\t- Sun 22:00-06:00\n",
     "no match: Hours: the time is not known, wants 08:00-09:00, Sun 22:00-06:00", false},
    {"\t\tPercent: 30\n", "no match: Percent: bucket 57, wants below 30", true},
    {"\t\tToMX:\n\t\t\t- mx.example\n\t\t\t- .net\n",
     "no match: ToMX: the MX hosts are a.example, b?.example, wants mx.example, .net", true},
    {"\t\tToMX:\n\t\t\t- mx.example\n",
     "no match: ToMX: the MX hosts are not known, wants mx.example", false},
    {"\t\tToMX:\n\t\t\t- a.b\n\t\t\t- c.d\n\t\t\t- e.f\n\t\t\t- g.h\n",
     "no match: ToMX: the MX hosts are not known, wants a.b, c.d, e.f and 1 more", false},
    {"\t\tMaxPerMinute: 2\n\t\tMaxPerDay: 9\n",
     "no match: MaxPerMinute is 2, MaxPerDay is 9, and only a dial can claim a place", true},
};

START_TEST(failures_in_words)
{
    static const char *const mx[] = {"a.example", "b\033.example"};
    const struct text_case *c = &text_cases[_i];
    struct mox_envelope e = {.size = sizeof e, .to = "example.org", .key = "q2"};
    struct mox_config *config = parse(c->lines);
    char text[512], *says;

    if (c->known) {
        e.unix_s = MONDAY + SAT * DAY + 3 * HOUR + 10 * MINUTE;
        e.mx = mx;
        e.nmx = ARRAY_LEN(mx);
    }
    mox_route_explain(config, &e, text, sizeof text);
    says = strstr(text, "no match");
    ck_assert_ptr_nonnull(says);
    ck_assert_str_eq(strtok(says, "\n"), c->says);
    mox_config_free(config);
}
END_TEST

/* TimeZone alone is no condition. */
START_TEST(time_zone_alone)
{
    struct mox_envelope e = {.size = sizeof e, .to = "example.org"};
    struct mox_config *config = parse("\t\tTimeZone: UTC\n");

    ck_assert(matches(config, &e));
    mox_config_free(config);
}
END_TEST

/* One who claims places gets the limited routes, one after the other, and then the rest. */
START_TEST(refused_routes_are_passed_over)
{
    static const char text[] = "Transports:\n\ta: nil\n\tb: nil\n"
                               "Accounts:\n\talice:\n\t\tRoutes:\n"
                               "\t\t\t-\n\t\t\t\tMaxPerDay: 5\n\t\t\t\tTransport: a\n"
                               "Routes:\n\t-\n\t\tMaxPerHour: 5\n\t\tTransport: a\n"
                               "\t-\n\t\tPercent: 99\n\t\tTransport: a\n\t\tMinimumAttempts: 9\n"
                               "\t-\n\t\tMaxPerMinute: 5\n\t\tTransport: b\n"
                               "\t-\n\t\tPercent: 58\n\t\tTransport: b\n";
    static const struct {
        int32_t scope, index;
        uint32_t limited;
    } wanted[] = {{MOX_SCOPE_ACCOUNT, 0, 1},
                  {MOX_SCOPE_GLOBAL, 0, 1},
                  {MOX_SCOPE_GLOBAL, 2, 1},
                  {MOX_SCOPE_GLOBAL, 3, 0}};
    struct mox_envelope e = {
        .size = sizeof e, .to = "example.org", .account = "alice", .key = "q1"};
    struct mox_config *config = mox_config_parse(text, strlen(text), NULL);
    struct route_claims claims = {{0}};
    struct route_name to;
    struct mox_route route;

    ck_assert_ptr_nonnull(config);
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        ck_assert_int_eq(route_lookup(config, &e, &claims, &to, &route, NULL), MOX_OK);
        ck_assert_int_eq(route.scope, wanted[i].scope);
        ck_assert_int_eq(route.index, wanted[i].index);
        ck_assert_uint_eq(route.limited, wanted[i].limited);
        ck_assert_uint_eq(route.needs, 0);
        if (route.limited)
            route_refuse(&claims, &route);
    }
    mox_config_free(config);
}
END_TEST

/* made by hand: names that no file can have in so few bytes */
static const struct key_case {
    int32_t scope;
    const char *list, *transport;
    uint32_t seconds;
    int64_t unix_s;
    const char *key;
} key_cases[] = {
    {MOX_SCOPE_GLOBAL, NULL, "warm-up_1.x", 60, 1700000000,
     "mox1/vol/global/-/warm-up_1.x/60/28333333"},
    {MOX_SCOPE_GLOBAL, NULL, "v4", 3600, 1700000000, "mox1/vol/global/-/v4/3600/472222"},
    {MOX_SCOPE_DOMAIN, "xn--bcher-kva.example", "v4", 86400, 1699920000,
     "mox1/vol/domain/xn--bcher-kva.example/v4/86400/19675"},
    {MOX_SCOPE_DOMAIN, "a.example", "v4", 86400, 1699919999,
     "mox1/vol/domain/a.example/v4/86400/19674"},
    {MOX_SCOPE_GLOBAL, NULL, "v4", 60, -1, "mox1/vol/global/-/v4/60/-1"},
    /* hashlib.sha256(b"a/b").hexdigest(), b"the pool" */
    {MOX_SCOPE_ACCOUNT, "a/b", "the pool", 60, 60,
     "mox1/vol/account/%c14cddc033f64b9dea80ea675cf280a015e672516090a5626781153dc68fea11"
     "/%fd88bc21f64f056e518ef37064bbfb8f98274b87c0409cf4cf676caa0beb92f7"
     "/60/1"},
};

START_TEST(keys_of_counters)
{
    const struct key_case *c = &key_cases[_i];
    struct made m = {0};
    struct mox_route route = {.scope = c->scope, .transport = c->transport};
    char key[ROUTE_VOLUME_KEY];

    made_transport(&m, c->transport, MOX_KIND_DIRECT);
    made_list(&m, c->scope, c->list);
    made_route(&m, NULL, NULL, 0, c->transport);
    route_set(&m.config, &m.config.lists[0], 0, &route);
    route_volume_key(&route, c->seconds, c->unix_s, key);
    ck_assert_str_eq(key, c->key);
    made_free(&m);
}
END_TEST

START_TEST(long_names_are_hashed)
{
    struct mox_route route = {.scope = MOX_SCOPE_ACCOUNT};
    struct config_list list = {.scope = MOX_SCOPE_ACCOUNT};
    char name[255], other[255], key[ROUTE_VOLUME_KEY];

    memset(name, 'a', sizeof name);
    memset(other, 'b', sizeof other);
    name[253] = other[254] = '\0';
    list.name = name;
    route.transport = other;
    route.internal[1] = &list;
    route_volume_key(&route, 86400, INT64_MIN, key);
    ck_assert_uint_eq(strlen(key), strlen("mox1/vol/account//%/86400/-106751991167301") + 253 + 64);
    ck_assert_int_eq(memcmp(key + strlen("mox1/vol/account/"), name, 253), 0);
}
END_TEST

START_TEST(windows_the_smallest_first)
{
    struct mox_config *config = parse("\t\tMaxPerDay: 9\n\t\tMaxPerMinute: 2\n");
    struct mox_envelope e = {.size = sizeof e, .to = "example.org"};
    struct route_window windows[ROUTE_WINDOWS];
    struct route_claims claims = {{0}};
    struct route_name to;
    struct mox_route route;

    ck_assert_int_eq(route_lookup(config, &e, &claims, &to, &route, NULL), MOX_OK);
    ck_assert_uint_eq(route_windows(&route, config, windows), 2);
    ck_assert(windows[0].seconds == MINUTE && windows[0].max == 2);
    ck_assert(windows[1].seconds == DAY && windows[1].max == 9);
    route_set_none(&route);
    ck_assert_uint_eq(route_windows(&route, config, windows), 0);
    mox_config_free(config);
}
END_TEST

TCase *test_route_conditions(void)
{
    TCase *tcase = tcase_create("route/conditions");

    tcase_add_loop_test(tcase, hours, 0, (int)ARRAY_LEN(hours_cases));
    tcase_add_test(tcase, hours_of_odd_clocks);
    tcase_add_loop_test(tcase, to_mx, 0, (int)ARRAY_LEN(mx_cases));
    tcase_add_loop_test(tcase, bucket, 0, (int)ARRAY_LEN(bucket_cases));
    tcase_add_test(tcase, percent_is_the_buckets_below);
    tcase_add_test(tcase, percent_is_a_share);
    tcase_add_loop_test(tcase, what_lacks_its_fact, 0, (int)ARRAY_LEN(lack_cases));
    tcase_add_loop_test(tcase, what_could_have_changed_the_answer, 0, (int)ARRAY_LEN(reach_cases));
    tcase_add_loop_test(tcase, failures_in_words, 0, (int)ARRAY_LEN(text_cases));
    tcase_add_test(tcase, time_zone_alone);
    tcase_add_test(tcase, refused_routes_are_passed_over);
    tcase_add_loop_test(tcase, keys_of_counters, 0, (int)ARRAY_LEN(key_cases));
    tcase_add_test(tcase, long_names_are_hashed);
    tcase_add_test(tcase, windows_the_smallest_first);
    return tcase;
}
