/* test_stream_tls_cache.c - the bounds of what is kept, what goes first; the look at a ServerHello.
 */
#include <string.h>

#include <moxdial/dial.h>

#include "base/limits.h"
#include "stream/tls_cache.h"
#include "stream/tls_hello.h"
#include "test.h"

static struct tls_cache cache;
static struct tls_kept *kept;

static void setup(void)
{
    static const char *const names[] = {"a.example", NULL};

    tls_cache_init(&cache);
    kept = tls_kept_new(&(struct tls_proof){.by = "a.example", .names = names});
    ck_assert_ptr_nonnull(kept);
}

static void teardown(void)
{
    test_fail_alloc(0);
    tls_cache_clear(&cache);
    ck_assert_uint_eq(cache.entries, 0);
    ck_assert_uint_eq(cache.bytes, 0);
    ck_assert_uint_eq(kept->uses, 1);
    tls_kept_release(kept);
}

static void make_key(unsigned n, unsigned char key[TLS_KEY])
{
    memset(key, 0, TLS_KEY);
    key[0] = (unsigned char)n;
    key[TLS_KEY - 1] = (unsigned char)(n >> 8);
    key[TLS_KEY - 2] = (unsigned char)(n >> 16);
}

static void put(unsigned n, size_t len)
{
    struct tls_entry *entry = tls_entry_new(len, kept);

    ck_assert_ptr_nonnull(entry);
    make_key(n, entry->key);
    entry->kept = tls_kept_use(kept);
    entry->until_us = 1000;
    memset(entry->bytes, (int)n, len);
    tls_cache_put(&cache, entry);
}

static const struct tls_entry *find_at(unsigned n, uint64_t now_us)
{
    unsigned char key[TLS_KEY];

    make_key(n, key);
    return tls_cache_find(&cache, key, (struct tls_clock){now_us, 50});
}

static bool has(unsigned n)
{
    const struct tls_entry *entry = find_at(n, 0);

    ck_assert(entry == NULL || entry->bytes[0] == (unsigned char)n);
    return entry != NULL;
}

START_TEST(holds_so_many_and_no_more)
{
    for (unsigned n = 0; n < MOX_LIMIT_TLS_SESSIONS; n++)
        put(n, 8);
    ck_assert_uint_eq(cache.entries, MOX_LIMIT_TLS_SESSIONS);
    ck_assert(has(0)); /* used: now 1 is the oldest */
    put(MOX_LIMIT_TLS_SESSIONS, 8);
    ck_assert_uint_eq(cache.entries, MOX_LIMIT_TLS_SESSIONS);
    ck_assert(has(0));
    ck_assert(!has(1));
    ck_assert(has(2));
    ck_assert(has(MOX_LIMIT_TLS_SESSIONS));
}
END_TEST

START_TEST(holds_so_many_bytes_and_no_more)
{
    const size_t large = MOX_LIMIT_TLS_SESSION - 1024;
    unsigned fit = MOX_LIMIT_TLS_SESSIONS_BYTES / MOX_LIMIT_TLS_SESSION;

    for (unsigned n = 0; n < 2 * fit; n++) {
        put(n, large);
        ck_assert_uint_le(cache.bytes, MOX_LIMIT_TLS_SESSIONS_BYTES);
    }
    ck_assert_uint_ge(cache.entries, fit);
    ck_assert(!has(0));
    ck_assert(has(2 * fit - 1));
}
END_TEST

START_TEST(a_key_has_one_entry)
{
    put(7, 8);
    put(7, 16);
    ck_assert_uint_eq(cache.entries, 1);
    ck_assert_uint_eq(find_at(7, 0)->len, 16);
    tls_cache_drop(&cache, find_at(7, 0)->key);
    ck_assert(!has(7));
}
END_TEST

START_TEST(keys_of_one_bucket_are_told_apart)
{
    put(5, 8);
    put(5 + 256, 8);
    put(5 + 512, 8);
    tls_cache_drop(&cache, find_at(5 + 256, 0)->key);
    ck_assert(has(5));
    ck_assert(!has(5 + 256));
    ck_assert(has(5 + 512));
}
END_TEST

START_TEST(what_is_too_old_is_gone)
{
    put(1, 8);
    ck_assert_ptr_nonnull(find_at(1, 999));
    ck_assert_ptr_null(find_at(1, 1000));
    ck_assert_ptr_null(find_at(1, 0));
    put(1, 8);
    cache.head.older->until_s = 51;
    ck_assert(has(1));
    cache.head.older->until_s = 50;
    ck_assert(!has(1));
}
END_TEST

START_TEST(too_large_for_one)
{
    ck_assert_ptr_null(tls_entry_new(MOX_LIMIT_TLS_SESSION, kept));
    ck_assert_ptr_null(tls_entry_new(SIZE_MAX, kept));
    test_fail_alloc(1);
    ck_assert_ptr_null(tls_entry_new(8, kept));
    test_fail_alloc(1);
    ck_assert_ptr_null(tls_kept_new(&kept->proof));
}
END_TEST

START_TEST(a_proof_without_anything_is_one_too)
{
    struct tls_kept *bare = tls_kept_new(&(struct tls_proof){.verified = MOX_TLS_NONE});

    ck_assert_ptr_nonnull(bare);
    ck_assert_ptr_null(bare->proof.by);
    ck_assert_ptr_nonnull(bare->proof.names);
    ck_assert_ptr_null(bare->proof.names[0]);
    tls_kept_release(bare);
}
END_TEST

#define HELLO(len)                                                                                 \
    "\x02\x00\x00" len "\x03\x03"                                                                  \
    "0123456789abcdef0123456789abcdef"
#define CHOICE "\xc0\x2f\x00"
#define TEXT(text) text, sizeof text - 1

static const struct hello {
    const char *name;
    const char *message;
    size_t len;
    bool extends;
} hellos[] = {
    {"nothing", TEXT(""), false},
    {"no extensions", TEXT(HELLO("\x26") "\x00" CHOICE), false},
    {"none in them", TEXT(HELLO("\x28") "\x00" CHOICE "\x00\x00"), false},
    {"it alone", TEXT(HELLO("\x2c") "\x00" CHOICE "\x00\x04\x00\x17\x00\x00"), true},
    {"behind an id", TEXT(HELLO("\x2e") "\x02xy" CHOICE "\x00\x04\x00\x17\x00\x00"), true},
    {"behind another",
     TEXT(HELLO("\x31") "\x00" CHOICE "\x00\x09\xff\x01\x00\x01\x00\x00\x17\x00\x00"), true},
    {"with something in it", TEXT(HELLO("\x2d") "\x00" CHOICE "\x00\x05\x00\x17\x00\x01x"), false},
    {"another", TEXT(HELLO("\x2c") "\x00" CHOICE "\x00\x04\x00\x16\x00\x00"), false},
    {"cut in it", TEXT(HELLO("\x2b") "\x00" CHOICE "\x00\x04\x00\x17\x00"), false},
    {"behind the end", TEXT(HELLO("\x2c") "\x00" CHOICE "\x00\x00\x00\x17\x00\x00"), false},
    {"behind one that is cut",
     TEXT(HELLO("\x30") "\x00" CHOICE "\x00\x08\xff\x01\x00\x09\x00\x17\x00\x00"), false},
    {"an id that is cut", TEXT(HELLO("\x22") "\x20" CHOICE "\x00\x04\x00\x17\x00\x00"), false},
    {"no ServerHello", TEXT("\x01" HELLO("\x2c") "\x00" CHOICE "\x00\x04\x00\x17\x00\x00"), false},
};

/* Each from memory of its own length, so that a byte too far is seen by the sanitizers. */
START_TEST(looks_at_a_server_hello)
{
    const struct hello *c = &hellos[_i];

    for (size_t len = 0; len <= c->len; len++) {
        unsigned char *copy = mem_new(len + 1);
        bool extends;

        memcpy(copy + 1, c->message, len);
        extends = tls_hello_extends_secret(copy + 1, len);
        ck_assert_msg(extends == (c->extends && len == c->len), "%s, %zu bytes", c->name, len);
        mem_free(copy);
    }
}
END_TEST

TCase *test_stream_tls_cache(void)
{
    TCase *tcase = tcase_create("stream/tls_cache");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, holds_so_many_and_no_more);
    tcase_add_test(tcase, holds_so_many_bytes_and_no_more);
    tcase_add_test(tcase, a_key_has_one_entry);
    tcase_add_test(tcase, keys_of_one_bucket_are_told_apart);
    tcase_add_test(tcase, what_is_too_old_is_gone);
    tcase_add_test(tcase, too_large_for_one);
    tcase_add_test(tcase, a_proof_without_anything_is_one_too);
    tcase_add_loop_test(tcase, looks_at_a_server_hello, 0, (int)ARRAY_LEN(hellos));
    return tcase;
}
