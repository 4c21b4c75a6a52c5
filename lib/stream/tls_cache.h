/*
 * tls_cache.h - sessions that may be resumed, by key: bounded, the one used longest ago goes first.
 * What they are to mbedTLS is not known here.
 */
#ifndef STREAM_TLS_CACHE_H
#define STREAM_TLS_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream/tls.h"

struct tls_kept { /* counted; one allocation with all that its proof points at */
    size_t uses, bytes;
    uint64_t until_us; /* of ctx_now_us: when the server is to be looked at again, whatever tickets
                          come */
    struct tls_proof proof;
};

struct tls_entry {
    struct tls_entry *chain;         /* the next in its bucket */
    struct tls_entry *older, *newer; /* by use; a ring, the cache's head is newer than all */
    unsigned char key[TLS_KEY];
    uint64_t until_us; /* of ctx_now_us */
    int64_t until_s;   /* unix; 0: whenever */
    struct tls_kept *kept;
    bool bound;           /* tls_hello_extends_secret */
    unsigned char *bytes; /* behind it */
    size_t len;
};

enum { TLS_BUCKETS = 256 };

struct tls_cache { /* tls_cache_init */
    struct tls_entry head;
    struct tls_entry *buckets[TLS_BUCKETS];
    size_t entries, bytes;
};

struct tls_clock {
    uint64_t now_us;
    int64_t unix_s;
};

void tls_cache_init(struct tls_cache *cache);

/* NULL: none, or one that is too old, which is gone then. Borrowed until the next put or drop. */
const struct tls_entry *tls_cache_find(struct tls_cache *cache, const unsigned char *key,
                                       struct tls_clock now);

/* An entry with room for len bytes, to be filled in and put; NULL: no memory, or too large. */
struct tls_entry *tls_entry_new(size_t len, const struct tls_kept *kept);
void tls_entry_free(struct tls_entry *entry);

/* Takes the entry in place of the one with its key. */
void tls_cache_put(struct tls_cache *cache, struct tls_entry *entry);
void tls_cache_drop(struct tls_cache *cache, const unsigned char *key);
void tls_cache_clear(struct tls_cache *cache);

/* A copy; NULL: no memory, or larger than may be kept. */
struct tls_kept *tls_kept_new(const struct tls_proof *proof);
struct tls_kept *tls_kept_use(struct tls_kept *kept);
void tls_kept_release(struct tls_kept *kept); /* accepts NULL */

#endif
