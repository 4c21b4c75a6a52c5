/* tls_cache.c - see tls_cache.h. Keys are hashes, so their first byte spreads them evenly. */
#include "stream/tls_cache.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

static_assert(MOX_LIMIT_TLS_SESSION <= MOX_LIMIT_TLS_SESSIONS_BYTES, "one session must fit");

void tls_cache_init(struct tls_cache *cache)
{
    memset(cache, 0, sizeof *cache);
    cache->head.older = cache->head.newer = &cache->head;
}

static size_t text_size(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

static char *copy_text(char **at, const char *text)
{
    size_t size = text_size(text);
    char *copy = *at;

    if (size == 0)
        return NULL;
    memcpy(copy, text, size);
    *at += size;
    return copy;
}

struct tls_kept *tls_kept_new(const struct tls_proof *proof)
{
    size_t bytes = sizeof(struct tls_kept) + text_size(proof->by), n = 0;
    struct tls_kept *kept;
    const char **names;
    char *at;

    for (; proof->names != NULL && proof->names[n] != NULL; n++) {
        bytes += sizeof *names + text_size(proof->names[n]);
        if (bytes > MOX_LIMIT_TLS_SESSION)
            return NULL;
    }
    bytes += sizeof *names; /* the NULL at the end */
    kept = bytes > MOX_LIMIT_TLS_SESSION ? NULL : mem_new(bytes);
    if (kept == NULL)
        return NULL;
    names = (const char **)(kept + 1);
    at = (char *)(names + n + 1);
    kept->uses = 1;
    kept->bytes = bytes;
    kept->proof = *proof;
    kept->proof.by = copy_text(&at, proof->by);
    kept->proof.names = names;
    for (size_t i = 0; i < n; i++)
        names[i] = copy_text(&at, proof->names[i]);
    return kept;
}

struct tls_kept *tls_kept_use(struct tls_kept *kept)
{
    kept->uses++;
    return kept;
}

void tls_kept_release(struct tls_kept *kept)
{
    if (kept != NULL && --kept->uses == 0)
        mem_free(kept);
}

static size_t entry_bytes(const struct tls_entry *entry)
{
    return sizeof *entry + entry->len + entry->kept->bytes;
}

struct tls_entry *tls_entry_new(size_t len, const struct tls_kept *kept)
{
    struct tls_entry *entry;

    if (len > MOX_LIMIT_TLS_SESSION || sizeof *entry + len + kept->bytes > MOX_LIMIT_TLS_SESSION)
        return NULL;
    entry = mem_new(sizeof *entry + len);
    if (entry == NULL)
        return NULL;
    entry->bytes = (unsigned char *)(entry + 1);
    entry->len = len;
    return entry;
}

void tls_entry_free(struct tls_entry *entry)
{
    if (entry == NULL)
        return;
    tls_kept_release(entry->kept);
    mem_wipe(entry, sizeof *entry + entry->len);
    mem_free(entry);
}

/* The place that points at the entry with this key, or at the end of its bucket. */
static struct tls_entry **place_of(struct tls_cache *cache, const unsigned char *key)
{
    struct tls_entry **at = &cache->buckets[key[0] % TLS_BUCKETS];

    while (*at != NULL && memcmp((*at)->key, key, TLS_KEY) != 0)
        at = &(*at)->chain;
    return at;
}

static void unlink_use(struct tls_entry *entry)
{
    entry->older->newer = entry->newer;
    entry->newer->older = entry->older;
}

static void link_newest(struct tls_cache *cache, struct tls_entry *entry)
{
    entry->newer = &cache->head;
    entry->older = cache->head.older;
    entry->older->newer = cache->head.older = entry;
}

static void drop_at(struct tls_cache *cache, struct tls_entry **at)
{
    struct tls_entry *entry = *at;

    *at = entry->chain;
    unlink_use(entry);
    cache->entries--;
    cache->bytes -= entry_bytes(entry);
    tls_entry_free(entry);
}

void tls_cache_drop(struct tls_cache *cache, const unsigned char *key)
{
    struct tls_entry **at = place_of(cache, key);

    if (*at != NULL)
        drop_at(cache, at);
}

void tls_cache_clear(struct tls_cache *cache)
{
    while (cache->head.newer != &cache->head)
        tls_cache_drop(cache, cache->head.newer->key);
}

const struct tls_entry *tls_cache_find(struct tls_cache *cache, const unsigned char *key,
                                       struct tls_clock now)
{
    struct tls_entry **at = place_of(cache, key), *entry = *at;

    if (entry == NULL)
        return NULL;
    if (now.now_us >= entry->until_us || (entry->until_s != 0 && now.unix_s >= entry->until_s)) {
        drop_at(cache, at);
        return NULL;
    }
    unlink_use(entry);
    link_newest(cache, entry);
    return entry;
}

void tls_cache_put(struct tls_cache *cache, struct tls_entry *entry)
{
    struct tls_entry **at;

    tls_cache_drop(cache, entry->key);
    while (cache->entries >= MOX_LIMIT_TLS_SESSIONS ||
           cache->bytes + entry_bytes(entry) > MOX_LIMIT_TLS_SESSIONS_BYTES)
        tls_cache_drop(cache, cache->head.newer->key);
    at = &cache->buckets[entry->key[0] % TLS_BUCKETS];
    entry->chain = *at;
    *at = entry;
    link_newest(cache, entry);
    cache->entries++;
    cache->bytes += entry_bytes(entry);
}
