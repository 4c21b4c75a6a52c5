/* test_policy_level.c - one dialing order over the hosts of a preference level. */
#include <string.h>

#include <check.h>

#include "policy/level.h"
#include "test.h"

/*
 * An entry is three letters: host (upper case: the message was there before), family, order as the
 * filter gave it (d default, p preferred, l learned, L put last, t transition).
 */
static const struct level_case {
    const char *name, *entries;
    int prefer;
    uint32_t last;
    const char *wanted;
} cases[] = {
    {"nothing to say", "a6d a4d b6d b4d", 0, 0, "a6d a4d b6d b4d"},
    {"prefer", "a4p a6d b4p b6d", MOX_PREFER_IPV4, 0, "a4p b4p a6d b6d"},
    {"prefer, not said by the filter", "a6d a4d b6d b4d", MOX_PREFER_IPV4, 0, "a4p b4p a6d b6d"},
    {"family health", "a6d a4d b6d b4d", 0, MOX_ALLOW_IPV6, "a4d b4d a6L b6L"},
    {"last over prefer", "a6p a4d b6p", MOX_PREFER_IPV6, MOX_ALLOW_IPV6, "a4d a6L b6L"},
    {"both last", "a6d a4d b6d", 0, MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6, "a6d a4d b6d"},
    {"learned at one host", "a4d a6l b6d b4d", MOX_PREFER_LEARNED, 0, "a4d b6d b4d a6l"},
    {"history stays", "a6d a4d B4d B6d c6d c4d", MOX_PREFER_IPV4, 0, "a4p c4p B4d B6d a6d c6d"},
    {"transition ends the level", "a4d a6t b6d", 0, 0, "a4d b6d a6t"},
    {"none", "", 0, 0, ""},
};

static int order_of(char letter)
{
    return letter == 'p'   ? MOX_ORDER_PREFERRED
           : letter == 'l' ? MOX_ORDER_LEARNED
           : letter == 'L' ? MOX_ORDER_PUT_LAST
           : letter == 't' ? MOX_ORDER_TRANSITION
                           : MOX_ORDER_DEFAULT;
}

static size_t parse(const char *text, struct policy_entry *out)
{
    size_t n = 0;

    for (; *text != '\0'; text += text[3] == ' ' ? 4 : 3) {
        out[n] = (struct policy_entry){.host = (uint16_t)text[0], .index = (uint16_t)n};
        out[n].family = text[1] - '0';
        out[n].order = order_of(text[2]);
        out[n].history = text[0] >= 'A' && text[0] <= 'Z';
        n++;
    }
    return n;
}

START_TEST(level_case)
{
    const struct level_case *c = &cases[_i];
    struct policy_entry entries[16], wanted[16];
    size_t n = parse(c->entries, entries);

    ck_assert_uint_eq(parse(c->wanted, wanted), n);
    policy_level_order(entries, n, c->prefer, c->last);
    for (size_t i = 0; i < n; i++) {
        ck_assert_msg(entries[i].host == wanted[i].host && entries[i].family == wanted[i].family &&
                          entries[i].order == wanted[i].order,
                      "%s: entry %zu is %c%d %s", c->name, i, entries[i].host,
                      (int)entries[i].family, mox_order_name(entries[i].order));
    }
}
END_TEST

TCase *test_policy_level(void)
{
    TCase *tcase = tcase_create("policy/level");

    tcase_add_loop_test(tcase, level_case, 0, (int)ARRAY_LEN(cases));
    return tcase;
}
