/*
 * test_dial_history_list.c - the history as it is listed and forgotten: over the store in memory,
 * and over one of the test's own, which gives keys in any order, twice, or fails.
 */
#include <stdio.h>

#include "base/limits.h"
#include "dial_world.h"

#define FAM "mox1/fam/"

static const char *const good[][2] = {
    {FAM "mx2.example.org/2001:db8:9::/6", "1699999000 1699999500 3 550 5.7.25 no PTR"},
    {FAM "mx2.example.org/198.51.100.9/4", "1699999500 1699999000 1 550 old"},
    {FAM "mx1.example.org/198.51.100.9/4", "1699999500 0 0 "},
    {FAM "xn--bcher-kva.example/198.51.100.9/4", "0 1690000000 7 554 no"},
};

static const char *const bad[][2] = {
    {FAM "mx1.example.org/198.51.100.9/5", "1699999500 0 0 "},
    {FAM "mx1.example.org/198.51.100.9/6", "nonsense"},
};

enum { MOST = 16 };

/* The test's own store. */
static struct {
    const char *items[MOST][2]; /* key and value; key NULL: removed */
    size_t n;
    int each, put; /* what they say; 1: nothing, ever */
    bool twice;    /* each key */
    size_t many;   /* so many keys more, of numbers */
    unsigned puts;
} kept;

static struct mox_ctx *ctx(void)
{
    return sim->ctx;
}

static int on_get(void *user, uint64_t id, const char *key)
{
    (void)user, (void)key;
    mox_store_done(ctx(), id, MOX_OK, NULL, 0, 0);
    return MOX_OK;
}

static int on_put(void *user, uint64_t id, const char *key, const void *value, size_t len,
                  uint32_t ttl_s)
{
    (void)user, (void)value, (void)len, (void)ttl_s;
    kept.puts++;
    for (size_t i = 0; i < kept.n && len == 0 && kept.put == MOX_OK; i++) {
        if (kept.items[i][0] != NULL && strcmp(kept.items[i][0], key) == 0)
            kept.items[i][0] = NULL;
    }
    if (kept.put != 1)
        mox_store_done(ctx(), id, kept.put, NULL, 0, 0);
    return MOX_OK;
}

static int on_add(void *user, uint64_t id, const char *key, int64_t delta, uint32_t ttl_s)
{
    (void)user, (void)id, (void)key, (void)delta, (void)ttl_s;
    return MOX_E_STORE;
}

static int on_each(void *user, uint64_t id, const char *prefix)
{
    (void)user;
    for (size_t i = 0; i < kept.n; i++) {
        const char *const *item = kept.items[i];

        if (item[0] == NULL || strncmp(item[0], prefix, strlen(prefix)) != 0)
            continue;
        for (int k = 0; k <= kept.twice; k++)
            mox_store_item(ctx(), id, item[0], item[1], strlen(item[1]));
    }
    for (size_t i = 0; i < kept.many; i++) {
        char key[128];

        snprintf(key, sizeof key, FAM "mx%zu.example.org/192.0.2.1/4", i);
        mox_store_item(ctx(), id, key, "1699999500 0 0 ", 15);
    }
    if (kept.each != 1)
        mox_store_done(ctx(), id, kept.each, NULL, 0, 0);
    return MOX_OK;
}

static void renew(bool has_each)
{
    struct mox_store_ops store = {
        .size = sizeof store, .get = on_get, .put = on_put, .add = on_add};
    struct mox_ctx_options options = {.size = sizeof options, .store = &store};

    store.each = has_each ? on_each : NULL;
    memset(&kept, 0, sizeof kept);
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        memcpy(kept.items[kept.n++], good[i], sizeof good[i]);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        memcpy(kept.items[kept.n++], bad[i], sizeof bad[i]);
    memcpy(kept.items[kept.n++], ((const char *const[]){"mox1/sts/x", "1"}), sizeof good[0]);
    dial_renew(&options);
}

struct seen {
    char text[2048];
    int calls;
};

static void see(void *arg, const struct mox_history_entry *entry)
{
    struct seen *seen = arg;
    size_t len = strlen(seen->text);

    snprintf(seen->text + len, sizeof seen->text - len, "%s %s %s %lld %lld %u %d [%s]\n",
             entry->host, entry->source, mox_family_name(entry->family),
             (long long)entry->last_accepted_s, (long long)entry->last_refused_s, entry->refusals,
             (int)entry->avoided, entry->last_reply);
    seen->calls++;
}

static const char sorted[] =
    "mx1.example.org 198.51.100.9 ipv4 1699999500 0 0 0 []\n"
    "mx2.example.org 198.51.100.9 ipv4 1699999500 1699999000 1 0 [550 old]\n"
    "mx2.example.org 2001:db8:9:: ipv6 1699999000 1699999500 3 1 [550 5.7.25 no PTR]\n"
    "xn--bcher-kva.example 198.51.100.9 ipv4 0 1690000000 7 0 [554 no]\n";

START_TEST(entries_come_sorted_and_once)
{
    struct mox_error err = {.code = 1};
    struct seen seen = {0};

    renew(true);
    kept.twice = _i == 1;
    ck_assert_int_eq(mox_history_each(ctx(), see, &seen, &err), 4);
    ck_assert_int_eq(err.code, MOX_OK);
    ck_assert_int_eq(seen.calls, 4);
    ck_assert_str_eq(seen.text, sorted);
}
END_TEST

/* Whoever is shown an entry may forget it. */
static void forget(void *arg, const struct mox_history_entry *entry)
{
    *(int *)arg += mox_history_reset(ctx(), entry->host, NULL);
}

START_TEST(an_entry_may_be_forgotten_while_it_is_shown)
{
    int forgotten = 0;

    renew(true);
    ck_assert_int_eq(mox_history_each(ctx(), forget, &forgotten, NULL), 4);
    ck_assert_int_eq(forgotten, 6);
    ck_assert_int_eq(mox_history_each(ctx(), see, &(struct seen){0}, NULL), 0);
}
END_TEST

static const struct reset_case {
    const char *name, *host;
    int count;   /* or the status */
    size_t left; /* keys */
} resets[] = {
    {"all, what cannot be read too", NULL, 6, 1},
    {"one host", "mx2.example.org", 2, 5},
    {"in capitals", "MX2.Example.ORG", 2, 5},
    {"in Unicode", "b\303\274cher.example", 1, 6},
    {"none of that name", "mx3.example.org", 0, 7},
    {"a part of a name is none", "mx2.example", 0, 7},
    {"no name", "a b", MOX_E_INVAL, 7},
    {"nothing", "", MOX_E_INVAL, 7},
};

START_TEST(reset_case)
{
    const struct reset_case *c = &resets[_i];
    struct mox_error err = {0};
    size_t left = 0;

    renew(true);
    ck_assert_msg(mox_history_reset(ctx(), c->host, &err) == c->count, "%s: %s", c->name,
                  err.message);
    ck_assert_int_eq(err.code, c->count < 0 ? c->count : MOX_OK);
    for (size_t i = 0; i < kept.n; i++)
        left += kept.items[i][0] != NULL;
    ck_assert_msg(left == c->left, "%s: %zu are left", c->name, left);
}
END_TEST

static const struct fault_case {
    const char *name;
    int each, put, status;
    const char *says;
} faults[] = {
    {"listing fails", MOX_E_STORE, 0, MOX_E_STORE, "listing the history"},
    {"listing is refused by the system", MOX_ERRNO(5), 0, MOX_E_STORE, "listing the history"},
    {"listing has no end", 1, 0, MOX_E_STORE, "did not answer in time"},
    {"removing fails", 0, MOX_E_STORE, MOX_E_STORE, "removing an entry"},
    {"removing has no end", 0, 1, MOX_E_STORE, "did not answer in time"},
};

START_TEST(fault_case)
{
    const struct fault_case *c = &faults[_i];
    struct seen seen = {0};
    struct mox_error err;

    renew(true);
    kept.each = c->each;
    kept.put = c->put;
    ck_assert_int_eq(mox_history_reset(ctx(), NULL, &err), c->status);
    ck_assert_msg(strstr(err.message, c->says) != NULL, "%s: %s", c->name, err.message);
    ck_assert_uint_le(kept.puts, 1);
    if (c->each == 0)
        return;
    ck_assert_int_eq(mox_history_each(ctx(), see, &seen, &err), c->status);
    ck_assert_int_eq(seen.calls, 0);
}
END_TEST

START_TEST(a_store_that_cannot_list)
{
    struct mox_error err;

    renew(false);
    ck_assert_int_eq(mox_history_each(ctx(), see, NULL, &err), MOX_E_UNSUPPORTED);
    ck_assert_int_eq(mox_history_reset(ctx(), NULL, &err), MOX_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "each"));
}
END_TEST

START_TEST(nobody_to_show_it_to)
{
    ck_assert_int_eq(mox_history_each(ctx(), NULL, NULL, NULL), MOX_E_INVAL);
}
END_TEST

START_TEST(it_does_not_block_beside_a_dial)
{
    struct sim_call call;

    world_load(sim, dial_simple);
    dial_start(&call, dial_request());
    ck_assert_int_eq(mox_history_each(ctx(), see, NULL, NULL), MOX_E_BUSY);
    ck_assert_int_eq(mox_history_reset(ctx(), NULL, NULL), MOX_E_BUSY);
    world_run(sim);
    mox_conn_close(call.conn);
}
END_TEST

START_TEST(too_many_are_not_shown_in_part)
{
    struct seen seen = {0};
    struct mox_error err;

    renew(true);
    kept.n = 0;
    kept.many = MOX_LIMIT_HISTORY;
    ck_assert_int_eq(mox_history_each(ctx(), see, &seen, &err), MOX_LIMIT_HISTORY);
    kept.many++;
    seen.calls = 0;
    ck_assert_int_eq(mox_history_each(ctx(), see, &seen, &err), MOX_E_LIMIT);
    ck_assert_int_eq(seen.calls, 0);
}
END_TEST

START_TEST(out_of_memory)
{
    for (long n = 1;; n++) {
        struct seen seen = {0};
        int each, reset;
        bool failed;

        renew(true);
        test_fail_alloc(n);
        each = mox_history_each(ctx(), see, &seen, NULL);
        reset = mox_history_reset(ctx(), NULL, NULL);
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert_msg(each == 4 || each == MOX_E_NOMEM, "allocation %ld: each %d", n, each);
        ck_assert_msg(reset == 6 || reset == MOX_E_NOMEM, "allocation %ld: reset %d", n, reset);
        if (!failed)
            break;
        ck_assert(each == MOX_E_NOMEM || reset == MOX_E_NOMEM);
    }
}
END_TEST

/* What dials told, in the memory of the context. */
START_TEST(of_the_context_itself)
{
    struct mox_error refusal;
    struct seen seen = {0};
    struct sim_call call;

    world_load(sim, dial_simple);
    ck_assert_int_eq(mox_history_each(ctx(), see, &seen, NULL), 0);
    dial_to_end(&call, dial_request());
    mox_reply_classify(MOX_STAGE_MAIL, "550 5.7.25 no PTR", 17, &refusal);
    mox_conn_note(call.conn, &refusal);
    mox_conn_close(call.conn);
    world_sleep(sim, 10);
    ck_assert_int_eq(mox_history_each(ctx(), see, &seen, NULL), 1);
    ck_assert_str_eq(seen.text, "mx.example.org 2001:db8:9:: ipv6 0 1700000005 1 1 [550 5.7.25 no "
                                "PTR]\n");
    ck_assert_int_eq(mox_history_reset(ctx(), "mx.example.org", NULL), 1);
    ck_assert_int_eq(mox_history_each(ctx(), see, &seen, NULL), 0);
}
END_TEST

TCase *test_dial_history_list(void)
{
    TCase *tcase = tcase_create("dial/history_list");

    tcase_add_checked_fixture(tcase, dial_setup, dial_teardown);
    tcase_add_loop_test(tcase, entries_come_sorted_and_once, 0, 2);
    tcase_add_test(tcase, an_entry_may_be_forgotten_while_it_is_shown);
    tcase_add_loop_test(tcase, reset_case, 0, (int)ARRAY_LEN(resets));
    tcase_add_loop_test(tcase, fault_case, 0, (int)ARRAY_LEN(faults));
    tcase_add_test(tcase, a_store_that_cannot_list);
    tcase_add_test(tcase, nobody_to_show_it_to);
    tcase_add_test(tcase, it_does_not_block_beside_a_dial);
    tcase_add_test(tcase, too_many_are_not_shown_in_part);
    tcase_add_test(tcase, out_of_memory);
    tcase_add_test(tcase, of_the_context_itself);
    return tcase;
}
