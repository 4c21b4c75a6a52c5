/*
 * memory.c - see memory.h. A skip list: keys stand in order, which `each` needs, and no choice of
 * keys makes it slow, for its levels are dice; whoever sends mail chooses the domains in them. What
 * was not used for longest goes when a limit is reached; what has had its time goes when it is met.
 */
#include "store/memory.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/units.h"

enum { LEVELS = 12, NUMBER_TEXT = 24 };

static_assert(MOX_LIMIT_STORE_VALUE + MOX_LIMIT_STORE_KEY < MOX_LIMIT_MEMORY_BYTES / 2,
              "the newest entry alone is within the bounds");

struct entry {
    struct entry *older, *newer; /* by last use */
    uint64_t end_us;             /* of its time; UINT64_MAX: never */
    const char *key;             /* behind next, in the same block */
    char *value;                 /* owned */
    size_t len, block;           /* bytes of value; of this block */
    size_t levels;
    struct entry *next[]; /* on each of its levels, by key */
};

struct memory_store {
    struct mox_store_ops ops;
    struct mox_sys_ops sys;
    struct mox_ctx *ctx;
    struct entry *first[LEVELS];
    struct entry *oldest, *newest;
    size_t entries, bytes;
    uint64_t dice;
};

/* Where the entries stand or would stand, level by level. */
struct path {
    struct entry **slots[LEVELS];
};

static uint64_t now_us(const struct memory_store *store)
{
    int64_t now = store->sys.monotonic_us(store->sys.user);

    return now < 0 ? 0 : (uint64_t)now;
}

/* How many levels the next entry has: one more with a chance of one in four (xorshift64). */
static size_t throw_dice(struct memory_store *store)
{
    size_t levels = 1;
    uint64_t x = store->dice;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    store->dice = x;
    for (x >>= 8; levels < LEVELS && (x & 3) == 0; x >>= 2)
        levels++;
    return levels;
}

/* The first entry whose key is not below this one; NULL: none. */
static struct entry *find_place(struct memory_store *store, const char *key, struct path *path)
{
    struct entry *before = NULL, *entry = NULL;

    for (size_t level = LEVELS; level-- > 0;) {
        struct entry **slot = before == NULL ? &store->first[level] : &before->next[level];

        while (*slot != NULL && strcmp((*slot)->key, key) < 0) {
            before = *slot;
            slot = &before->next[level];
        }
        path->slots[level] = slot;
        entry = *slot;
    }
    return entry;
}

static void unlink_use(struct memory_store *store, struct entry *entry)
{
    *(entry->older == NULL ? &store->oldest : &entry->older->newer) = entry->newer;
    *(entry->newer == NULL ? &store->newest : &entry->newer->older) = entry->older;
}

static void link_newest(struct memory_store *store, struct entry *entry)
{
    entry->older = store->newest;
    entry->newer = NULL;
    *(store->newest == NULL ? &store->oldest : &store->newest->newer) = entry;
    store->newest = entry;
}

/* path: of its key. */
static void remove_entry(struct memory_store *store, struct entry *entry, struct path *path)
{
    for (size_t level = 0; level < entry->levels; level++)
        *path->slots[level] = entry->next[level];
    unlink_use(store, entry);
    store->entries--;
    store->bytes -= entry->block + entry->len;
    mem_free(entry->value);
    mem_free(entry);
}

/* The living entry of a key, which is in use by that; NULL: none. */
static struct entry *find(struct memory_store *store, const char *key, struct path *path)
{
    struct entry *entry = find_place(store, key, path);

    if (entry == NULL || strcmp(entry->key, key) != 0)
        return NULL;
    if (entry->end_us <= now_us(store)) {
        remove_entry(store, entry, path);
        return NULL;
    }
    unlink_use(store, entry);
    link_newest(store, entry);
    return entry;
}

static void make_room(struct memory_store *store)
{
    struct path path;

    while (store->entries > MOX_LIMIT_MEMORY_ENTRIES || store->bytes > MOX_LIMIT_MEMORY_BYTES) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): removing it has set another oldest */
        find_place(store, store->oldest->key, &path);
        remove_entry(store, store->oldest, &path);
    }
}

static uint64_t end_of(const struct memory_store *store, uint32_t ttl_s)
{
    return ttl_s == 0 ? UINT64_MAX : now_us(store) + us_of_s(ttl_s);
}

/* An entry without a value in its place; NULL: no memory. */
static struct entry *add_entry(struct memory_store *store, const char *key, struct path *path)
{
    size_t levels = throw_dice(store), len = strlen(key) + 1;
    size_t links = offsetof(struct entry, next) + levels * sizeof(struct entry *);
    struct entry *entry = mem_new(links + len);

    if (entry == NULL)
        return NULL;
    entry->key = memcpy((char *)entry + links, key, len);
    entry->block = links + len;
    entry->levels = levels;
    for (size_t level = 0; level < levels; level++) {
        entry->next[level] = *path->slots[level];
        *path->slots[level] = entry;
    }
    link_newest(store, entry);
    store->entries++;
    store->bytes += entry->block;
    return entry;
}

/* entry NULL: it is made, to end at end_us. MOX_OK; MOX_E_NOMEM: all is as it was. */
static int set_value(struct memory_store *store, const char *key, struct entry *entry,
                     struct path *path, struct slice value)
{
    char *copy = mem_text(value.ptr, value.len);

    if (copy == NULL)
        return MOX_E_NOMEM;
    if (entry == NULL)
        entry = add_entry(store, key, path);
    if (entry == NULL) {
        mem_free(copy);
        return MOX_E_NOMEM;
    }
    mem_free(entry->value);
    store->bytes += value.len - entry->len;
    entry->value = copy;
    entry->len = value.len;
    return MOX_OK;
}

static int memory_get(void *user, uint64_t id, const char *key)
{
    struct memory_store *store = user;
    struct path path;
    const struct entry *entry = find(store, key, &path);

    mox_store_done(store->ctx, id, MOX_OK, entry == NULL ? NULL : entry->value,
                   entry == NULL ? 0 : entry->len, 0);
    return MOX_OK;
}

static int memory_put(void *user, uint64_t id, const char *key, const void *value, size_t len,
                      uint32_t ttl_s)
{
    struct memory_store *store = user;
    struct path path;
    struct entry *entry;
    int status = MOX_OK;

    if (len > MOX_LIMIT_STORE_VALUE || strlen(key) > MOX_LIMIT_STORE_KEY)
        return MOX_E_LIMIT;
    entry = find(store, key, &path);
    if (len > 0)
        status = set_value(store, key, entry, &path, (struct slice){value, len});
    else if (entry != NULL)
        remove_entry(store, entry, &path);
    if (len > 0 && status == MOX_OK) {
        store->newest->end_us = end_of(store, ttl_s); /* what was set or made is in use */
        make_room(store);
    }
    mox_store_done(store->ctx, id, status, NULL, 0, 0);
    return MOX_OK;
}

/* A number in decimal, as memory_add writes it, and the other stores. */
static bool read_number(const struct entry *entry, int64_t *out)
{
    struct slice text = {entry->value, entry->len};
    bool minus = text.len > 0 && text.ptr[0] == '-';
    uint64_t number;

    text = slice_sub(text, minus, text.len);
    if (!slice_number(text, INT64_MAX, &number))
        return false;
    if (text.ptr[0] == '0' && (minus || text.len > 1))
        return false;
    *out = minus ? -(int64_t)number : (int64_t)number;
    return true;
}

static bool sum_fits(int64_t a, int64_t b)
{
    return b >= 0 ? a <= INT64_MAX - b : a >= -INT64_MAX - b;
}

static int add_to(struct memory_store *store, const char *key, int64_t delta, uint32_t ttl_s,
                  int64_t *sum)
{
    struct path path;
    struct entry *entry = find(store, key, &path);
    char text[NUMBER_TEXT];
    int status;

    *sum = 0;
    if (entry != NULL && !read_number(entry, sum))
        return MOX_E_STORE;
    if (!sum_fits(*sum, delta))
        return MOX_E_STORE;
    *sum += delta;
    snprintf(text, sizeof text, "%" PRId64, *sum);
    status = set_value(store, key, entry, &path, slice_of(text));
    if (status != MOX_OK || entry != NULL)
        return status;
    store->newest->end_us = end_of(store, ttl_s);
    make_room(store);
    return MOX_OK;
}

static int memory_add(void *user, uint64_t id, const char *key, int64_t delta, uint32_t ttl_s)
{
    struct memory_store *store = user;
    int64_t sum;
    int status;

    if (strlen(key) > MOX_LIMIT_STORE_KEY)
        return MOX_E_LIMIT;
    status = add_to(store, key, delta, ttl_s, &sum);
    mox_store_done(store->ctx, id, status, NULL, 0, status == MOX_OK ? sum : 0);
    return MOX_OK;
}

static int memory_each(void *user, uint64_t id, const char *prefix)
{
    struct memory_store *store = user;
    uint64_t now = now_us(store);
    struct path path;
    const struct entry *entry = find_place(store, prefix, &path);
    int64_t count = 0;

    for (; entry != NULL && strncmp(entry->key, prefix, strlen(prefix)) == 0;
         entry = entry->next[0]) {
        if (entry->end_us <= now)
            continue;
        mox_store_item(store->ctx, id, entry->key, entry->value, entry->len);
        count++;
    }
    mox_store_done(store->ctx, id, MOX_OK, NULL, 0, count);
    return MOX_OK;
}

struct memory_store *memory_store_new(const struct mox_sys_ops *sys)
{
    struct memory_store *store = mem_new(sizeof *store);

    if (store == NULL)
        return NULL;
    store->sys = *sys;
    store->ops = (struct mox_store_ops){.size = sizeof store->ops,
                                        .user = store,
                                        .get = memory_get,
                                        .put = memory_put,
                                        .add = memory_add,
                                        .each = memory_each};
    if (sys->random(sys->user, &store->dice, sizeof store->dice) != MOX_OK || store->dice == 0)
        store->dice = 1; /* dice that can be foreseen are better than no mail */
    return store;
}

const struct mox_store_ops *memory_store_ops(const struct memory_store *store)
{
    return &store->ops;
}

void memory_store_attach(struct memory_store *store, struct mox_ctx *ctx)
{
    store->ctx = ctx;
}

void memory_store_free(struct memory_store *store)
{
    struct entry *next;

    if (store == NULL)
        return;
    for (struct entry *entry = store->first[0]; entry != NULL; entry = next) {
        next = entry->next[0];
        mem_free(entry->value);
        mem_free(entry);
    }
    mem_free(store);
}
