/*
 * fuzz_body.c - a message, whole and from a reader in pieces, against an encoder that goes octet by
 * octet. The first byte: the two MOX_BODY_ flags, and how often the message is repeated, so that
 * its faults fall everywhere in a block; the second: where the cuts are.
 */
#include <inttypes.h>
#include <string.h>

#include <moxdial/deliver.h>

#include "base/buffer.h"
#include "fuzz.h"
#include "smtp/body.h"

enum { FLAGS = MOX_BODY_LF | MOX_BODY_ADD_FINAL_CRLF, TIMES_SHIFT = 2, TIMES_MASK = 7 };

struct outcome {
    struct buffer wire;
    int status;
    struct mox_error err;
};

struct host {
    struct slice text;
    uint32_t random;
    bool waits;
};

static void append(struct buffer *b, const char *bytes, size_t len)
{
    fuzz_require(buffer_append(b, bytes, len) == MOX_OK, "there is memory for the text");
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static int read_some(void *user, void *buf, size_t cap, size_t *n)
{
    struct host *host = user;
    uint32_t random = next_random(&host->random);

    host->waits = !host->waits && random % 4 == 0;
    if (host->waits)
        return MOX_E_AGAIN;
    *n = 1 + (random % 8 == 1 ? random : random % 32);
    *n = *n < cap ? *n : cap;
    *n = *n < host->text.len ? *n : host->text.len;
    memcpy(buf, host->text.ptr, *n);
    host->text = slice_sub(host->text, *n, host->text.len);
    return MOX_OK;
}

/* plain: of the body, as smtp_body_check has it. */
static void encode(const struct mox_body *body, uint64_t plain, struct outcome *out)
{
    struct smtp_body b = {0};
    struct slice piece;

    out->status = smtp_body_open(&b, body, false, &out->err);
    smtp_body_trust(&b, plain);
    while (out->status == MOX_OK || out->status == MOX_E_AGAIN) {
        out->status = smtp_body_next(&b, &piece, &out->err);
        fuzz_require((out->status == MOX_OK) == (piece.len > 0), "a piece is not empty");
        append(&out->wire, piece.ptr, piece.len);
    }
    smtp_body_close(&b);
}

static void refuse(struct outcome *out, size_t line, size_t at, const char *what)
{
    out->status = MOX_E_INVAL;
    snprintf(out->err.message, sizeof out->err.message, "line %zu of the message, byte %zu: %s",
             line, at + 1, what);
}

static void encode_simply(struct slice in, uint32_t flags, struct outcome *out)
{
    char last = '\n';
    size_t line = 1;

    for (size_t i = 0; i < in.len; i++) {
        char c = in.ptr[i];

        if (last == '\r' && c != '\n') {
            refuse(out, line, i - 1, "a CR");
            return;
        }
        if (c == '\n' && last != '\r' && (flags & MOX_BODY_LF) == 0) {
            refuse(out, line, i, "an LF");
            return;
        }
        if (last == '\n' && c == '.')
            append(&out->wire, ".", 1);
        if (c == '\n' && last != '\r')
            append(&out->wire, "\r", 1);
        append(&out->wire, &c, 1);
        line += c == '\n';
        last = c;
    }
    out->status = MOX_E_EOF;
    if (last == '\r')
        refuse(out, line, in.len - 1, "a CR");
    else if (last != '\n' && (flags & MOX_BODY_ADD_FINAL_CRLF) == 0)
        refuse(out, line, in.len, "the last line");
    else if (last != '\n')
        append(&out->wire, "\r\n", 2);
}

/* Half a message may have been given before its fault was seen; no more than the simple encoder. */
static void compare(const struct outcome *ours, const struct outcome *simple)
{
    struct slice a = buffer_slice(&ours->wire), b = buffer_slice(&simple->wire);

    fuzz_require(ours->status == simple->status, "the same messages are taken");
    fuzz_require(a.len <= b.len && slice_equal(a, slice_sub(b, 0, a.len)),
                 "what is sent is what must be sent");
    if (ours->status == MOX_E_EOF) {
        fuzz_require(a.len == b.len, "all of it is sent");
        return;
    }
    fuzz_require(ours->err.about == MOX_ABOUT_MESSAGE && ours->err.permanent == 1,
                 "the message is to blame");
    if (!slice_starts(slice_of(ours->err.message), simple->err.message))
        fprintf(stderr, "%s\n%s\n", ours->err.message, simple->err.message);
    fuzz_require(slice_starts(slice_of(ours->err.message), simple->err.message),
                 "the fault and its place are the same");
}

static void check_checked(const struct mox_body *body, const struct outcome *simple)
{
    struct outcome checked = {.status = MOX_OK};
    uint64_t plain;

    fuzz_require(smtp_body_check(body, &plain, NULL) ==
                     (simple->status == MOX_E_EOF ? MOX_OK : simple->status),
                 "a check finds what sending finds");
    encode(body, plain, &checked);
    compare(&checked, simple);
    buffer_free(&checked.wire);
}

static void check_size(const struct mox_body *body, const struct outcome *simple)
{
    struct slice wire = buffer_slice(&simple->wire);
    size_t doubled = 0;

    for (size_t i = 0; i + 1 < wire.len; i++)
        doubled += (i == 0 || wire.ptr[i - 1] == '\n') && wire.ptr[i] == '.';
    fuzz_require(simple->status != MOX_E_EOF || smtp_body_size(body) == wire.len - doubled,
                 "the size is without doubled dots");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome simple = {.status = MOX_OK}, whole = {.status = MOX_OK},
                   cut = {.status = MOX_OK};
    struct buffer text = {0};
    char *exact;
    struct mox_body body = {.source = MOX_BODY_BUFFER};
    struct host host = {.waits = false};

    if (size < 2)
        return -1;
    for (int i = data[0] >> TIMES_SHIFT & TIMES_MASK; i >= 0; i--)
        append(&text, (const char *)data + 2, size - 2);
    exact = malloc(text.len + (text.len == 0)); /* no room behind it for a read too many */
    fuzz_require(exact != NULL, "there is memory for the text");
    memcpy(exact, buffer_slice(&text).ptr, text.len);
    body.flags = data[0] & FLAGS;
    body.data = exact;
    body.len = text.len;
    encode_simply(buffer_slice(&text), body.flags, &simple);
    encode(&body, 0, &whole);
    compare(&whole, &simple);
    check_checked(&body, &simple);
    check_size(&body, &simple);
    host.text = buffer_slice(&text);
    host.random = data[1];
    body = (struct mox_body){
        .source = MOX_BODY_READER, .flags = body.flags, .read = read_some, .user = &host};
    encode(&body, 0, &cut);
    compare(&cut, &simple);
    buffer_free(&simple.wire);
    buffer_free(&whole.wire);
    buffer_free(&cut.wire);
    buffer_free(&text);
    free(exact);
    return 0;
}
