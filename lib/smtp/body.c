/*
 * body.c - see body.h. One byte is carried from block to block, the last: with it LF is told from
 * CR LF, and a dot that begins a line from another, wherever the reads have cut.
 *
 * Lines with CR LF are scanned and given as they lie. Lines with LF alone are copied, for their CR
 * has no place where they lie; memchr and memcpy do that at a speed that depends on the length of
 * lines, and were measured to be faster there than the scanner, which would stop at each of them.
 */
#include "smtp/body.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "smtp/scan.h"

enum {
    CHUNK = MOX_LIMIT_BODY_READ / 2 /* bytes whose lines are made anew: each gives two at most */
};

int smtp_body_open(struct smtp_body *b, const struct mox_body *source, bool opened,
                   struct mox_error *err)
{
    int status;

    *b = (struct smtp_body){.last = '\n'};
    status = smtp_source_open(&b->source, source, opened, err);
    if (status != MOX_OK)
        smtp_body_close(b);
    return status;
}

void smtp_body_close(struct smtp_body *b)
{
    smtp_source_close(&b->source);
    mem_free(b->made);
    *b = (struct smtp_body){0};
}

/* The message is to blame, and will not be better. at: of its bytes, from 0. */
static int fault(const struct smtp_body *b, uint64_t at, const char *what, struct mox_error *err)
{
    error_set(err, MOX_E_INVAL, "line %" PRIu64 " of the message, byte %" PRIu64 ": %s",
              b->lines + 1, at + 1, what);
    if (err != NULL)
        err->about = MOX_ABOUT_MESSAGE;
    return MOX_E_INVAL;
}

static int bare_cr(const struct smtp_body *b, uint64_t at, struct mox_error *err)
{
    return fault(b, at,
                 "a CR without LF, which some servers take for the end of a line: a second message "
                 "could be smuggled in (RFC 5321 section 2.3.8); end lines in CR LF",
                 err);
}

static int bare_lf(const struct smtp_body *b, uint64_t at, struct mox_error *err)
{
    return fault(
        b, at,
        "an LF without CR, which some servers take for the end of a line: a second message "
        "could be smuggled in (RFC 5321 section 2.3.8); end lines in CR LF, or, if LF ends "
        "them all, say so (MOX_BODY_LF)",
        err);
}

/* All was read. */
static int end(struct smtp_body *b, struct slice *piece, struct mox_error *err)
{
    if (b->last == '\n')
        return MOX_E_EOF;
    if (b->last == '\r')
        return bare_cr(b, b->at - 1, err);
    if ((b->source.body->flags & MOX_BODY_ADD_FINAL_CRLF) == 0)
        return fault(b, b->at,
                     "the last line has no end; end it in CR LF, or have it ended "
                     "(MOX_BODY_ADD_FINAL_CRLF)",
                     err);
    *piece = (struct slice){"\r\n", 2};
    b->last = '\n';
    return MOX_OK;
}

/* The first n bytes of the rest are done with; last: the byte before what is left. */
static void take(struct smtp_body *b, size_t n, char last)
{
    b->rest = slice_sub(b->rest, n, b->rest.len);
    b->at += n;
    b->last = last;
}

/* What was found plain before. */
static void give_plain(struct smtp_body *b, struct slice *piece)
{
    uint64_t known = b->plain - b->at;
    size_t n = known < b->rest.len ? (size_t)known : b->rest.len;

    *piece = slice_sub(b->rest, 0, n);
    take(b, n, piece->ptr[n - 1]);
}

/* As it lies, up to a dot that must be doubled, which is left to be given again. */
static int cut_piece(struct smtp_body *b, struct slice *piece, struct mox_error *err)
{
    struct slice rest = b->rest;
    size_t n = smtp_scan(rest, b->last, &b->lines);
    char last = n > 0 ? rest.ptr[n - 1] : b->last;

    if (n < rest.len && last == '\r')
        return bare_cr(b, b->at + n - 1, err);
    if (n < rest.len && rest.ptr[n] != '.')
        return bare_lf(b, b->at + n, err);
    *piece = slice_sub(rest, 0, n + 1); /* with the dot, if there is one */
    take(b, n, n < rest.len ? '.' : last);
    return MOX_OK;
}

static const char *find(const char *p, const char *end, char c)
{
    const char *at = p == end ? NULL : memchr(p, c, (size_t)(end - p));

    return at == NULL ? end : at;
}

/* A line, or the part of it that ends with the chunk; the line's end is at lf, or the chunk's. */
static char *make_line(struct smtp_body *b, char *to, struct slice line, bool ended)
{
    if (b->last == '\n' && (line.len > 0 && line.ptr[0] == '.'))
        *to++ = '.';
    if (line.len > 0) {
        memcpy(to, line.ptr, line.len);
        b->last = line.ptr[line.len - 1];
    }
    to += line.len;
    if (!ended)
        return to;
    if (b->last != '\r')
        *to++ = '\r';
    *to++ = '\n';
    b->last = '\n';
    b->lines++;
    return to;
}

/* cr: the first CR of chunk not yet seen; where there is none, and mostly there is none in a whole
 * chunk, no line needs to be searched for it. */
static int make_lines(struct smtp_body *b, struct slice chunk, struct slice *piece,
                      struct mox_error *err)
{
    const char *p = chunk.ptr, *end = chunk.ptr + chunk.len, *cr = find(p, end, '\r');
    char *to = b->made;

    if (b->last == '\r' && *p != '\n')
        return bare_cr(b, b->at - 1, err);
    while (p < end) {
        const char *lf = find(p, end, '\n');

        if (lf - cr > 1)
            return bare_cr(b, b->at + (size_t)(cr - chunk.ptr), err);
        to = make_line(b, to, (struct slice){p, (size_t)(lf - p)}, lf < end);
        p = lf + (lf < end);
        if (cr < p)
            cr = find(p, end, '\r');
    }
    *piece = (struct slice){b->made, (size_t)(to - b->made)};
    take(b, chunk.len, b->last);
    return MOX_OK;
}

static int make_piece(struct smtp_body *b, struct slice *piece, struct mox_error *err)
{
    struct slice chunk = slice_sub(b->rest, 0, CHUNK);
    bool small = b->source.body->source == MOX_BODY_BUFFER && b->source.body->len < CHUNK;

    if (b->made == NULL)
        b->made = mem_array(small ? chunk.len : CHUNK, 2);
    if (b->made == NULL)
        return error_nomem(err);
    return make_lines(b, chunk, piece, err);
}

int smtp_body_next(struct smtp_body *b, struct slice *piece, struct mox_error *err)
{
    int status = MOX_OK;

    *piece = (struct slice){"", 0};
    if (b->rest.len == 0)
        status = smtp_source_next(&b->source, &b->rest, err);
    if (status == MOX_E_EOF)
        return end(b, piece, err);
    if (status != MOX_OK)
        return status;
    if ((b->source.body->flags & MOX_BODY_LF) != 0)
        return make_piece(b, piece, err);
    if (b->at >= b->plain)
        return cut_piece(b, piece, err);
    give_plain(b, piece);
    return MOX_OK;
}

void smtp_body_trust(struct smtp_body *b, uint64_t plain)
{
    b->plain = plain;
}

int smtp_body_check(const struct mox_body *source, uint64_t *plain, struct mox_error *err)
{
    bool as_it_lies = (source->flags & MOX_BODY_LF) == 0;
    struct smtp_body b = {0};
    struct slice piece;
    uint64_t found = 0;
    int status;

    *plain = 0;
    if (source->source != MOX_BODY_BUFFER)
        return smtp_source_check(source, err);
    status = smtp_body_open(&b, source, false, err);
    while (status == MOX_OK) {
        status = smtp_body_next(&b, &piece, err);
        found = as_it_lies ? b.at : found;
        as_it_lies = as_it_lies && b.last != '.'; /* which may be one to be doubled */
    }
    smtp_body_close(&b);
    if (status != MOX_E_EOF)
        return status;
    *plain = found;
    return MOX_OK;
}

/* What the lines of a buffer will have more. */
static uint64_t count_bare_lf(struct slice text)
{
    const char *end = text.ptr + text.len;
    uint64_t n = 0;

    for (const char *p = text.ptr, *lf; p < end; p = lf + (lf < end)) {
        lf = find(p, end, '\n');
        n += lf < end && (lf == text.ptr || lf[-1] != '\r');
    }
    return n;
}

uint64_t smtp_body_size(const struct mox_body *source)
{
    uint64_t size = smtp_source_size(source);
    struct slice text = {source->data, source->len};

    if (source->source != MOX_BODY_BUFFER || size == 0)
        return size;
    if ((source->flags & MOX_BODY_ADD_FINAL_CRLF) != 0 && text.ptr[text.len - 1] != '\n')
        size += 2;
    return (source->flags & MOX_BODY_LF) != 0 ? size + count_bare_lf(text) : size;
}
