/*
 * reply.c - see reply.h. A code that changes within a reply means that client and server have lost
 * step; to go on would be to take the answer to one command for the answer to another.
 *
 * A line that comes whole leaves the input for its place in the text at once. One that is
 * unfinished stands there as it came, its code included; when it ends, its words move over the
 * code. They are always shorter than what came, so the room for the line is enough.
 */
#include "smtp/reply.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"

enum { CODE_LEN = 3, CODE_FIRST = 200, CODE_LAST = 599, QUOTED = 80 /* bytes shown in an error */ };

static_assert(MOX_LIMIT_REPLY_LINE >= 512, "RFC 5321 section 4.5.3.1.5: such a line must fit");
static_assert(MOX_LIMIT_REPLY >= MOX_LIMIT_REPLY_LINE, "a reply holds a line");
static_assert(MOX_LIMIT_REPLY_LINES <= UINT16_MAX, "smtp_reply.lines");

/* The code of "250", "250 text" or "250-text", and whether it is the last line; 0 for all else. */
static uint16_t parse_code(struct slice line, bool *last)
{
    unsigned hundreds, tens, ones;

    if (line.len < CODE_LEN)
        return 0;
    hundreds = (unsigned)(line.ptr[0] - '0'); /* what is below '0' is huge */
    tens = (unsigned)(line.ptr[1] - '0');
    ones = (unsigned)(line.ptr[2] - '0');
    if (hundreds < CODE_FIRST / 100 || hundreds > CODE_LAST / 100 || tens > 9 || ones > 9)
        return 0;
    *last = line.len == CODE_LEN || line.ptr[CODE_LEN] == ' ';
    if (!*last && line.ptr[CODE_LEN] != '-')
        return 0;
    return (uint16_t)(100 * hundreds + 10 * tens + ones);
}

static int no_reply(struct slice line, struct mox_error *err)
{
    char quoted[QUOTED];

    slice_clean(line, false, quoted, sizeof quoted);
    return error_set(
        err, MOX_E_PROTOCOL,
        "the server does not speak SMTP: its line has no reply code of 200 to 599 with "
        "blank or dash behind it: \"%s\"",
        quoted);
}

static int over_limit(struct mox_error *err, int limit, const char *what, const char *name)
{
    error_set(err, MOX_E_LIMIT, "the server's reply is too long: over %d %s (%s)", limit, what,
              name);
    if (err != NULL)
        err->about = MOX_ABOUT_HOST;
    return MOX_E_LIMIT;
}

static bool is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* White space at the end says nothing, and a second CR there is seen in the wild. */
static struct slice cut_end(struct slice words)
{
    while (words.len > 0 && is_white(words.ptr[words.len - 1]))
        words.len--;
    return words;
}

/* line: without LF, in the input or where its words will stand; there is room for it there. */
static int end_line(struct smtp_reply *reply, struct slice line, struct mox_error *err)
{
    char *to = reply->text.ptr + reply->line;
    struct slice words;
    bool last = false;
    uint16_t code;

    if (reply->lines == MOX_LIMIT_REPLY_LINES)
        return over_limit(err, MOX_LIMIT_REPLY_LINES, "lines", "MOX_LIMIT_REPLY_LINES");
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    code = parse_code(line, &last);
    if (code == 0)
        return no_reply(line, err);
    if (reply->code != 0 && reply->code != code)
        return error_set(err, MOX_E_PROTOCOL,
                         "the server broke SMTP: its reply began as %d and went on as %d",
                         reply->code, code);
    words = cut_end(slice_sub(line, CODE_LEN + 1, line.len));
    memmove(to, words.ptr, words.len);
    slice_clean_in_place(to, words.len);
    to[words.len] = last ? '\0' : '\n';
    reply->text.len = reply->line + words.len + !last;
    reply->line = (uint32_t)reply->text.len; /* below MOX_LIMIT_REPLY */
    reply->code = code;
    reply->lines++;
    reply->complete = last;
    return MOX_OK;
}

/* A line, or what has come of it. whole: it ends in LF. */
static int push_piece(struct smtp_reply *reply, struct slice piece, bool whole,
                      struct mox_error *err)
{
    size_t begun = reply->text.len - reply->line;
    char *room;

    if (piece.len > MOX_LIMIT_REPLY_LINE - begun)
        return over_limit(err, MOX_LIMIT_REPLY_LINE, "bytes in a line", "MOX_LIMIT_REPLY_LINE");
    if (piece.len > MOX_LIMIT_REPLY - reply->bytes)
        return over_limit(err, MOX_LIMIT_REPLY, "bytes", "MOX_LIMIT_REPLY");
    room = buffer_room(&reply->text, piece.len);
    if (room == NULL)
        return error_nomem(err);
    reply->bytes += (uint32_t)piece.len;
    if (!whole || begun > 0) {
        memcpy(room, piece.ptr, piece.len);
        buffer_grown(&reply->text, piece.len);
        piece = (struct slice){reply->text.ptr + reply->line, begun + piece.len};
    }
    return whole ? end_line(reply, (struct slice){piece.ptr, piece.len - 1}, err) : MOX_OK;
}

int smtp_reply_push(struct smtp_reply *reply, struct slice input, size_t *used,
                    struct mox_error *err)
{
    const char *from = input.ptr, *end = input.ptr + input.len;
    int status = MOX_OK;

    while (status == MOX_OK && from < end && !reply->complete) {
        const char *lf = memchr(from, '\n', (size_t)(end - from)); /* CR or not: some send none */
        const char *next = lf == NULL ? end : lf + 1;

        status = push_piece(reply, (struct slice){from, (size_t)(next - from)}, lf != NULL, err);
        from = next;
    }
    *used = (size_t)(from - input.ptr);
    return status;
}

struct slice smtp_reply_text(const struct smtp_reply *reply)
{
    return buffer_slice(&reply->text);
}

void smtp_reply_clear(struct smtp_reply *reply)
{
    struct buffer text = reply->text;

    buffer_clear(&text);
    *reply = (struct smtp_reply){.text = text};
}

void smtp_reply_rest(struct smtp_reply *reply)
{
    if (reply->text.seeded)
        smtp_reply_clear(reply);
    else
        smtp_reply_free(reply);
}

void smtp_reply_free(struct smtp_reply *reply)
{
    buffer_free(&reply->text);
    *reply = (struct smtp_reply){0};
}
