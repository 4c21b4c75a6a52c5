/* buffer.c - see buffer.h. */
#include "base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

enum { FIRST_CAP = 256, READ_STEP = 64 << 10 };

static void move_to_front(struct buffer *b)
{
    if (b->at == 0)
        return;
    memmove(b->ptr, b->ptr + b->at, b->len - b->at);
    b->len -= b->at;
    b->at = 0;
}

/* Memory of its own, with what it holds. */
static bool resize(struct buffer *b, size_t cap)
{
    char *ptr = mem_resize(b->seeded ? NULL : b->ptr, cap, 1);

    if (ptr == NULL)
        return false;
    if (b->seeded)
        memcpy(ptr, b->ptr, b->len);
    b->seeded = false;
    b->ptr = ptr;
    b->cap = cap;
    return true;
}

char *buffer_grow(struct buffer *b, size_t n)
{
    size_t cap;

    move_to_front(b);
    if (n > SIZE_MAX / 4 || b->len > SIZE_MAX / 4)
        return NULL;
    cap = b->cap < FIRST_CAP ? FIRST_CAP : b->cap;
    while (cap - b->len < n)
        cap *= 2;
    if ((cap != b->cap || b->ptr == NULL) && !resize(b, cap))
        return NULL;
    return b->ptr + b->len;
}

int buffer_append(struct buffer *b, const void *bytes, size_t len)
{
    char *room = buffer_room(b, len);

    if (room == NULL)
        return MOX_E_NOMEM;
    if (len > 0)
        memcpy(room, bytes, len);
    b->len += len;
    return MOX_OK;
}

int buffer_append_text(struct buffer *b, const char *text)
{
    return buffer_append(b, text, strlen(text));
}

void buffer_take(struct buffer *b, size_t n)
{
    size_t left = b->len - b->at;

    b->at += n < left ? n : left;
    if (b->at == b->len)
        b->at = b->len = 0;
}

static int os_error(struct mox_error *err, const char *what, const char *path)
{
    int e = errno;
    char reason[128] = "";

    if (strerror_r(e, reason, sizeof reason) != 0)
        reason[0] = '\0';
    error_set(err, MOX_E_OS, "%s: cannot %s: %s", path, what, reason);
    if (err != NULL)
        err->os_errno = e;
    return MOX_E_OS;
}

/* Reads to the end, at most one byte over max, so that "too long" is seen. */
static int read_all(struct buffer *b, int fd, const char *path, size_t max, struct mox_error *err)
{
    for (;;) {
        size_t left = max + 1 - b->len, free = b->cap - b->len;
        size_t step = left < READ_STEP ? left : READ_STEP;
        char *room;
        ssize_t n;

        if (free > 0 && free < step) /* the size is known: the last read needs no room beyond */
            step = free;
        room = buffer_room(b, step);

        if (room == NULL)
            return error_nomem(err);
        n = read(fd, room, step);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return os_error(err, "read", path);
        if (n == 0)
            return MOX_OK;
        b->len += (size_t)n;
        if (b->len > max)
            return error_set(err, MOX_E_LIMIT, "%s: file of over %zu bytes", path, max);
    }
}

int buffer_read_file(struct buffer *b, const char *path, size_t max, struct mox_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat st;
    int status;

    buffer_free(b);
    if (fd < 0)
        return os_error(err, "open", path);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        if ((uintmax_t)st.st_size > max) {
            close(fd);
            return error_set(err, MOX_E_LIMIT, "%s: file of %jd bytes, the limit is %zu", path,
                             (intmax_t)st.st_size, max);
        }
        b->ptr = mem_resize(NULL, (size_t)st.st_size + 1, 1); /* NULL: it grows as it is read */
        b->cap = b->ptr == NULL ? 0 : (size_t)st.st_size + 1;
    }
    status = read_all(b, fd, path, max, err);
    close(fd);
    return status;
}

void buffer_free(struct buffer *b)
{
    if (!b->seeded)
        mem_free(b->ptr);
    *b = (struct buffer){0};
}

void buffer_wipe(struct buffer *b)
{
    if (b->ptr != NULL)
        mem_wipe(b->ptr, b->cap);
    buffer_free(b);
}
