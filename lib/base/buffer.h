/*
 * buffer.h - bytes that grow at the end and are taken from the front.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdbool.h>

#include <moxdial/base.h>

#include "base/slice.h"

struct buffer { /* all zero: empty */
    char *ptr;  /* owned, unless seeded */
    size_t at;  /* bytes already taken from the front */
    size_t len; /* bytes in ptr, the taken ones included */
    size_t cap;
    bool seeded; /* ptr is borrowed */
};

/*
 * Memory that an empty buffer uses before it takes any from the system: borrowed until the buffer
 * is freed or outgrows it.
 */
static inline void buffer_seed(struct buffer *b, void *memory, size_t size)
{
    *b = (struct buffer){.ptr = memory, .cap = size, .seeded = true};
}

/* What is in it; borrowed until the next call. */
static inline struct slice buffer_slice(const struct buffer *b)
{
    if (b->ptr == NULL)
        return (struct slice){"", 0};
    return (struct slice){b->ptr + b->at, b->len - b->at};
}

/* Makes the room that is not there. */
char *buffer_grow(struct buffer *b, size_t n);

/* Room for n more bytes behind the last; NULL: no memory. Follow with buffer_grown. */
static inline char *buffer_room(struct buffer *b, size_t n)
{
    return b->ptr != NULL && b->cap - b->len >= n ? b->ptr + b->len : buffer_grow(b, n);
}

static inline void buffer_grown(struct buffer *b, size_t n)
{
    b->len += n;
}

/* MOX_OK or MOX_E_NOMEM. */
int buffer_append(struct buffer *b, const void *bytes, size_t len);
int buffer_append_text(struct buffer *b, const char *text);

/* Empties it; the memory stays. */
static inline void buffer_clear(struct buffer *b)
{
    b->at = b->len = 0;
}

/* Takes n bytes, at most what is there, from the front. */
void buffer_take(struct buffer *b, size_t n);

/* MOX_OK, MOX_E_LIMIT (over max bytes), MOX_E_OS, MOX_E_NOMEM; the message names the file. */
int buffer_read_file(struct buffer *b, const char *path, size_t max, struct mox_error *err);

/* Frees the memory; the buffer is empty and usable. */
void buffer_free(struct buffer *b);

/* The same after overwriting what it held. */
void buffer_wipe(struct buffer *b);

#endif
