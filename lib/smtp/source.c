/*
 * source.c - see source.h. A file is read by pread(2) where it stands, so that several deliveries
 * can share a descriptor; how long it is counts from the moment it is opened here: what is added
 * later is left out, and one that has become shorter is an error, for half a message that happens
 * to end with a line would be taken for a whole one.
 */
/* Files of over 2 GiB on every machine. */
#define _FILE_OFFSET_BITS 64 /* NOLINT: the name is the system's */

#include "smtp/source.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"

enum { FLAGS = MOX_BODY_LF | MOX_BODY_ADD_FINAL_CRLF };

static_assert(sizeof(off_t) >= sizeof(int64_t), "any offset of a body is one of a file");
static_assert(MOX_LIMIT_BODY_PIECE >= MOX_LIMIT_BODY_READ, "what is read is a piece");

static const uint64_t not_known = UINT64_MAX;

static int bad_body(struct mox_error *err, const char *fault)
{
    return error_set(err, MOX_E_INVAL, "the body of the message cannot be used: %s", fault);
}

int smtp_source_check(const struct mox_body *body, struct mox_error *err)
{
    if ((body->flags & ~(uint32_t)FLAGS) != 0)
        return bad_body(err, "an unknown bit is set in its flags");
    switch (body->source) {
    case MOX_BODY_BUFFER:
        return body->data != NULL || body->len == 0
                   ? MOX_OK
                   : bad_body(err, "its data is NULL and len is not 0");
    case MOX_BODY_READER:
        return body->read != NULL ? MOX_OK : bad_body(err, "its function read is NULL");
    case MOX_BODY_FD:
        if (body->fd < 0 || body->fd_offset < 0 || body->fd_length < 0)
            return bad_body(err, "a negative number stands for its descriptor, offset or length");
        if (body->fd_length > INT64_MAX - body->fd_offset)
            return bad_body(err, "its offset and length together are no offset of a file");
        return MOX_OK;
    default:
        return bad_body(err, "its source is none of the enum");
    }
}

/* Where a file whose length was not given ends: not known of what is no regular file. */
static int measure_file(struct smtp_source *s, struct mox_error *err)
{
    const struct mox_body *body = s->body;
    struct stat st;

    s->length = body->fd_length > 0 ? (uint64_t)body->fd_length : not_known;
    if (fstat(body->fd, &st) != 0) {
        int e = errno;

        bad_body(err, "its descriptor is not open");
        if (err != NULL)
            err->os_errno = e;
        return MOX_E_INVAL;
    }
    if (body->fd_length > 0 || !S_ISREG(st.st_mode))
        return MOX_OK;
    if (st.st_size < body->fd_offset)
        return bad_body(err, "its offset lies behind the end of the file");
    s->length = (uint64_t)(st.st_size - body->fd_offset);
    return MOX_OK;
}

/* What the host's function said, as a code that says no more than that the message cannot be had:
 * its MOX_E_EOF, say, is no end. */
static int reader_failed(struct mox_error *err, int code, const char *what)
{
    if (code == MOX_E_NOMEM)
        return error_nomem(err);
    if (code < MOX_ERRNO(0))
        return error_from_op(err, code, what);
    return error_set(err, MOX_E_CALLBACK, "%s: the host's function said \"%s\" (%d)", what,
                     mox_status_name(code), code);
}

static int rewind_reader(const struct mox_body *body, bool opened, struct mox_error *err)
{
    int status;

    if (body->rewind == NULL) {
        if (!opened)
            return MOX_OK;
        return error_set(err, MOX_E_UNSUPPORTED,
                         "the message would have to be read a second time, and its reader has no "
                         "rewind; give one, or try the other recipients again later");
    }
    status = body->rewind(body->user);
    return status == MOX_OK ? MOX_OK : reader_failed(err, status, "rewinding the message");
}

int smtp_source_open(struct smtp_source *s, const struct mox_body *body, bool opened,
                     struct mox_error *err)
{
    int status = smtp_source_check(body, err);

    if (status != MOX_OK)
        return status;
    *s = (struct smtp_source){.body = body, .length = not_known};
    if (body->source == MOX_BODY_BUFFER)
        s->length = body->len;
    else if (body->source == MOX_BODY_FD)
        status = measure_file(s, err);
    else
        status = rewind_reader(body, opened, err);
    return status;
}

static int next_of_buffer(struct smtp_source *s, struct slice *block)
{
    uint64_t left = s->length - s->at;

    if (left > MOX_LIMIT_BODY_PIECE)
        left = MOX_LIMIT_BODY_PIECE;
    *block = (struct slice){(const char *)s->body->data + s->at, (size_t)left};
    return MOX_OK;
}

static int read_file(struct smtp_source *s, size_t *n, struct mox_error *err)
{
    uint64_t left = s->length - s->at;
    size_t want = left < MOX_LIMIT_BODY_READ ? (size_t)left : MOX_LIMIT_BODY_READ;
    ssize_t got;

    do {
        got = pread(s->body->fd, s->room, want, (off_t)(s->body->fd_offset + (int64_t)s->at));
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return error_from_op(err, MOX_ERRNO(errno), "reading the message from its file");
    if (got == 0 && want > 0 && s->length != not_known)
        return error_set(err, MOX_E_OS,
                         "the message's file ends %" PRIu64
                         " bytes early: it has become shorter; it "
                         "must not be changed while it is sent",
                         left);
    *n = (size_t)got;
    return MOX_OK;
}

static int read_host(struct smtp_source *s, size_t *n, struct mox_error *err)
{
    int status = s->body->read(s->body->user, s->room, MOX_LIMIT_BODY_READ, n);

    if (status == MOX_E_AGAIN)
        return status;
    if (status != MOX_OK)
        return reader_failed(err, status, "reading the message");
    if (*n > MOX_LIMIT_BODY_READ)
        return error_set(err, MOX_E_CALLBACK,
                         "reading the message: the host's function says it has read %zu bytes, and "
                         "there is room for %d",
                         *n, MOX_LIMIT_BODY_READ);
    return MOX_OK;
}

static int next_read(struct smtp_source *s, struct slice *block, struct mox_error *err)
{
    size_t n = 0;
    int status;

    if (s->room == NULL)
        s->room = mem_array(MOX_LIMIT_BODY_READ, 1);
    if (s->room == NULL)
        return error_nomem(err);
    status = s->body->source == MOX_BODY_FD ? read_file(s, &n, err) : read_host(s, &n, err);
    *block = (struct slice){s->room, n};
    return status;
}

int smtp_source_next(struct smtp_source *s, struct slice *block, struct mox_error *err)
{
    int status = MOX_OK;

    *block = (struct slice){"", 0};
    if (s->ended || s->at == s->length)
        return MOX_E_EOF;
    if (s->body->source == MOX_BODY_BUFFER)
        status = next_of_buffer(s, block);
    else
        status = next_read(s, block, err);
    if (status != MOX_OK)
        return status;
    s->at += block->len;
    s->ended = block->len == 0;
    return s->ended ? MOX_E_EOF : MOX_OK;
}

uint64_t smtp_source_size(const struct mox_body *body)
{
    struct smtp_source s;

    if (smtp_source_check(body, NULL) != MOX_OK)
        return 0;
    switch (body->source) {
    case MOX_BODY_BUFFER:
        return body->len;
    case MOX_BODY_READER:
        return body->size_hint;
    default:
        if (smtp_source_open(&s, body, false, NULL) != MOX_OK || s.length == not_known)
            return 0;
        return s.length;
    }
}

void smtp_source_close(struct smtp_source *s)
{
    mem_free(s->room);
    *s = (struct smtp_source){0};
}
