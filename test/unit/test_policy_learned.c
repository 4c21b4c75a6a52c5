/*
 * test_policy_learned.c - keys and values that hosts agree on, what of a shared store is believed,
 * and when a family is avoided.
 */
#include "policy/learned.h"

#include <string.h>

#include <check.h>

#include "test.h"

enum { NOW = 1700000000, DAY = 86400, HOUR = 3600 };

static const struct key_case {
    const char *name, *host, *source;
    int family;
    const char *key;
} keys[] = {
    {"IPv4", "mx.example.org", "192.0.2.1", MOX_IPV4, "mox1/fam/mx.example.org/192.0.2.1/4"},
    {"IPv6: its /64", "mx.example.org", "2001:db8:0:1:a:b:c:d", MOX_IPV6,
     "mox1/fam/mx.example.org/2001:db8:0:1::/6"},
    {"the first of its /64", "a", "2001:db8::", MOX_IPV6, "mox1/fam/a/2001:db8::/6"},
    {"a zone does not count", "a", "fe80::1%3", MOX_IPV6, "mox1/fam/a/fe80::/6"},
    {"the family is the connection's", "a", "192.0.2.1", MOX_IPV6, "mox1/fam/a/192.0.2.1/6"},
};

START_TEST(key_case)
{
    const struct key_case *c = &keys[_i];
    struct learned_name name;
    char key[LEARNED_KEY];
    struct mox_ip source;

    ck_assert_int_eq(mox_ip_parse(c->source, &source), MOX_OK);
    learned_key(key, c->host, &source, c->family);
    ck_assert_msg(strcmp(key, c->key) == 0, "%s: %s", c->name, key);
    ck_assert(learned_read_key(key, &name));
    ck_assert(slice_is(name.host, c->host));
    ck_assert_int_eq(name.family, c->family);
}
END_TEST

static const char *const no_keys[] = {
    "",
    "mox1/fam",
    "mox1/fam/",
    "mox1/fam/a",
    "mox1/fam/a/",
    "mox1/fam/a/192.0.2.1",
    "mox1/fam/a/192.0.2.1/",
    "mox1/fam/a/192.0.2.1/5",
    "mox1/fam/a/192.0.2.1/44",
    "mox1/fam/a/192.0.2.1/4/",
    "mox1/fam//192.0.2.1/4",
    "mox1/fam/a//4",
    "mox1/fam/a/b/4",
    "mox1/sts/a/192.0.2.1/4",
};

START_TEST(no_key)
{
    struct learned_name name;

    ck_assert_msg(!learned_read_key(no_keys[_i], &name), "%s", no_keys[_i]);
}
END_TEST

/* The longest host there can be has a key, and it reads back. */
START_TEST(the_longest_key_fits)
{
    char host[MOX_LIMIT_DOMAIN + 1], key[LEARNED_KEY];
    struct learned_name name;
    struct mox_ip source;

    memset(host, 'a', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    ck_assert_int_eq(mox_ip_parse("2001:db8:1234:5678::1", &source), MOX_OK);
    learned_key(key, host, &source, MOX_IPV6);
    ck_assert(learned_read_key(key, &name));
    ck_assert(slice_is(name.host, host));
    ck_assert(slice_is(name.source, "2001:db8:1234:5678::"));
}
END_TEST

static const struct value_case {
    const char *name, *text;
    bool known;
    int64_t accepted_s, refused_s;
    uint32_t refusals;
    const char *reply;
} values[] = {
    {"all of it", "1699999000 1699999500 3 550 5.7.25 no PTR", true, 1699999000, 1699999500, 3,
     "550 5.7.25 no PTR"},
    {"never refused", "1699999000 0 0 ", true, 1699999000, 0, 0, ""},
    {"the blank before no reply is missing", "1699999000 0 0", true, 1699999000, 0, 0, ""},
    {"never", "0 0 0 ", true, 0, 0, 0, ""},
    {"a reply is cleaned", "0 1699999500 1 550 a\nb\033[2J\xff", true, 0, 1699999500, 1,
     "550 a?b?[2J?"},
    {"a clock a little ahead", "0 1700000300 1 550 x", true, 0, 1700000300, 1, "550 x"},
    {"a refusal of tomorrow", "0 1700000301 1 550 x", false, 0, 0, 0, ""},
    {"an acceptance of tomorrow", "1700000301 0 0 ", false, 0, 0, 0, ""},
    {"the end of time", "9223372036854775807 0 0 ", false, 0, 0, 0, ""},
    {"beyond it", "9223372036854775808 0 0 ", false, 0, 0, 0, ""},
    {"far beyond it", "99999999999999999999999999 0 0 ", false, 0, 0, 0, ""},
    {"too many refusals", "0 1 4294967296 x", false, 0, 0, 0, ""},
    {"negative", "0 -1 1 x", false, 0, 0, 0, ""},
    {"two blanks", "0  1 1 x", false, 0, 0, 0, ""},
    {"a number is missing", "0 1", false, 0, 0, 0, ""},
    {"nothing", "", false, 0, 0, 0, ""},
    {"words", "mode: enforce", false, 0, 0, 0, ""},
};

START_TEST(value_case)
{
    const struct value_case *c = &values[_i];
    struct learned_entry entry = {.refusals = 77};

    ck_assert_msg(learned_read(slice_of(c->text), NOW, &entry) == c->known, "%s", c->name);
    ck_assert_msg(entry.accepted_s == c->accepted_s && entry.refused_s == c->refused_s &&
                      entry.refusals == c->refusals && strcmp(entry.reply, c->reply) == 0,
                  "%s: %lld %lld %u %s", c->name, (long long)entry.accepted_s,
                  (long long)entry.refused_s, entry.refusals, entry.reply);
}
END_TEST

START_TEST(a_value_reads_back)
{
    struct mox_error reply = {.smtp_code = 550, .reply = "no\nPTR"};
    struct learned_entry entry = {0}, again;
    char value[LEARNED_VALUE];
    size_t len;

    learned_accepted(&entry, NOW - DAY);
    learned_refused(&entry, NOW, &reply);
    len = learned_write(&entry, value);
    ck_assert_str_eq(value, "1699913600 1700000000 1 550 no PTR");
    ck_assert_uint_eq(len, strlen(value));
    ck_assert(learned_read(slice_of(value), NOW, &again));
    ck_assert(memcmp(&entry, &again, sizeof entry) == 0);
}
END_TEST

/* The longest words of a server are cut, at a character, and the value holds them. */
START_TEST(a_long_reply_is_cut)
{
    struct mox_error reply = {.smtp_code = 550};
    struct learned_entry entry = {0}, again;
    char value[LEARNED_VALUE];

    memset(reply.reply, 'x', sizeof reply.reply - 1);
    memcpy(reply.reply + MOX_LIMIT_REPLY_KEPT - 6, "\303\274", 2);
    learned_refused(&entry, NOW, &reply);
    ck_assert_uint_eq(strlen(entry.reply), MOX_LIMIT_REPLY_KEPT - 2);
    ck_assert_uint_lt(learned_write(&entry, value), LEARNED_VALUE);
    ck_assert(learned_read(slice_of(value), NOW, &again));
    ck_assert_str_eq(again.reply, entry.reply);
}
END_TEST

static const struct avoid_case {
    const char *name;
    int64_t accepted_s, refused_s;
    bool avoided;
} avoids[] = {
    {"nothing is known", 0, 0, false},
    {"accepted", NOW - DAY, 0, false},
    {"refused, never accepted", 0, NOW - DAY, true},
    {"refused after it was accepted", NOW - 2 * DAY, NOW - DAY, true},
    {"accepted after it was refused", NOW - DAY, NOW - 2 * DAY, false},
    {"accepted in the second it was refused", NOW - DAY, NOW - DAY, false},
    {"just now", 0, NOW, true},
    {"by a clock ahead of ours", 0, NOW + 300, true},
    {"the last second of the week", 0, NOW - 7 * DAY + 1, true},
    {"a week ago", 0, NOW - 7 * DAY, false},
};

START_TEST(avoid_case)
{
    const struct avoid_case *c = &avoids[_i];
    struct learned_entry entry = {.accepted_s = c->accepted_s, .refused_s = c->refused_s};

    ck_assert_msg(learned_avoided(&entry, NOW) == c->avoided, "%s", c->name);
}
END_TEST

/* Another host may keep more of a reply than we do. */
START_TEST(a_longer_reply_is_read)
{
    char value[4 * MOX_LIMIT_REPLY_KEPT] = "0 1699999500 1 550 ";
    struct learned_entry entry;

    memset(value + strlen(value), 'x', sizeof value - 1 - strlen(value));
    ck_assert(learned_read((struct slice){value, sizeof value}, NOW, &entry));
    ck_assert_int_eq(entry.refused_s, 1699999500);
    ck_assert_uint_eq(strlen(entry.reply), MOX_LIMIT_REPLY_KEPT - 1);
}
END_TEST

/* What an event makes of an entry: a accepted, r refused, at NOW. */
static const struct add_case {
    const char *name;
    int64_t accepted_s, refused_s;
    const char *events;
    bool written, avoided;
} adds[] = {
    {"the first acceptance", 0, 0, "a", true, false},
    {"accepted again within the hour", NOW - HOUR + 1, 0, "a", false, false},
    {"accepted again after an hour", NOW - HOUR, 0, "a", true, false},
    {"it clears a refusal at once", NOW - 10, NOW - 5, "a", true, false},
    {"it clears an old refusal", NOW - 40 * DAY, NOW - 20 * DAY, "a", true, false},
    {"a refusal that was cleared is not cleared again", NOW - 5, NOW - 10, "a", false, false},
    {"it clears a refusal of this very second", NOW - 10, NOW, "a", true, false},
    {"it clears what another clock says of later", 0, NOW + 200, "a", true, false},
    {"the first refusal", 0, 0, "r", true, true},
    {"refused again", 0, NOW - 5, "r", true, true},
    {"refused in the second it was accepted", NOW, 0, "r", true, true},
    {"refused, and another clock says it was accepted later", NOW + 200, 0, "r", true, true},
    {"refused and accepted", NOW - 10, 0, "ra", true, false},
    {"accepted and refused", NOW - 10, 0, "ar", true, true},
    {"accepted, refused, accepted", NOW - 10, 0, "ara", true, false},
};

START_TEST(add_case)
{
    const struct add_case *c = &adds[_i];
    struct learned_entry entry = {.accepted_s = c->accepted_s, .refused_s = c->refused_s};
    struct mox_error reply = {.smtp_code = 550, .reply = "no"};
    struct learned_entry news = {0};
    uint32_t refusals = 0;
    bool written;

    for (const char *event = c->events; *event != '\0'; event++) {
        refusals += *event == 'r';
        if (*event == 'r')
            learned_refused(&news, NOW, &reply);
        else
            learned_accepted(&news, NOW);
    }
    written = learned_add(&entry, &news);
    ck_assert_msg(written == c->written, "%s", c->name);
    ck_assert_msg(learned_avoided(&entry, NOW) == c->avoided, "%s", c->name);
    ck_assert_uint_eq(entry.refusals, refusals);
    ck_assert_str_eq(entry.reply, refusals > 0 ? "550 no" : "");
}
END_TEST

START_TEST(refusals_do_not_wrap)
{
    struct mox_error reply = {.smtp_code = 550};
    struct learned_entry entry = {.refusals = UINT32_MAX}, news = {0};

    learned_refused(&news, NOW, &reply);
    learned_refused(&news, NOW, &reply);
    ck_assert_uint_eq(news.refusals, 2);
    learned_add(&entry, &news);
    ck_assert_uint_eq(entry.refusals, UINT32_MAX);
}
END_TEST

START_TEST(why_is_a_sentence)
{
    struct learned_entry entry = {.refused_s = 1795824000, .reply = "550 5.7.25 no PTR"};
    char why[LEARNED_WHY];

    learned_why(&entry, MOX_IPV6, why);
    ck_assert_str_eq(why, "IPv6 was refused on 2026-11-28: 550 5.7.25 no PTR; tried again after "
                          "2026-12-05");
    entry.reply[0] = '\0';
    learned_why(&entry, MOX_IPV4, why);
    ck_assert_str_eq(why, "IPv4 was refused on 2026-11-28; tried again after 2026-12-05");
    memset(entry.reply, 'x', sizeof entry.reply - 1);
    learned_why(&entry, MOX_IPV4, why);
    ck_assert_ptr_nonnull(strstr(why, "; tried again after 2026-12-05"));
}
END_TEST

TCase *test_policy_learned(void)
{
    TCase *tcase = tcase_create("policy/learned");

    tcase_add_loop_test(tcase, key_case, 0, (int)ARRAY_LEN(keys));
    tcase_add_loop_test(tcase, no_key, 0, (int)ARRAY_LEN(no_keys));
    tcase_add_test(tcase, the_longest_key_fits);
    tcase_add_loop_test(tcase, value_case, 0, (int)ARRAY_LEN(values));
    tcase_add_test(tcase, a_value_reads_back);
    tcase_add_test(tcase, a_long_reply_is_cut);
    tcase_add_test(tcase, a_longer_reply_is_read);
    tcase_add_loop_test(tcase, avoid_case, 0, (int)ARRAY_LEN(avoids));
    tcase_add_loop_test(tcase, add_case, 0, (int)ARRAY_LEN(adds));
    tcase_add_test(tcase, refusals_do_not_wrap);
    tcase_add_test(tcase, why_is_a_sentence);
    return tcase;
}
