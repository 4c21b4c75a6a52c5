/*
 * fuzz_socks.c - the first byte says how: 1 with a login, 2 to an IPv6 address; the rest of it,
 * over four, is the size of the pieces. Then comes what the proxy says. Cut or whole, it ends
 * alike, and what the host behind the proxy says is left where it is.
 */
#include <string.h>

#include <moxdial/ops.h>

#include "base/buffer.h"
#include "fuzz.h"
#include "stream/socks.h"

#define PASSWORD "pencil-pencil"

struct proxy {
    struct stream stream; /* first */
    struct slice input;
    size_t at, piece;
    struct buffer heard;
    bool blocked;
};

static int proxy_read(struct stream *s, void *buf, size_t cap, size_t *n)
{
    struct proxy *p = (struct proxy *)s;
    struct slice bytes = slice_sub(p->input, p->at, p->at + (cap < p->piece ? cap : p->piece));

    p->blocked = !p->blocked;
    if (p->blocked)
        return MOX_E_AGAIN;
    if (bytes.len == 0)
        return MOX_E_EOF;
    memcpy(buf, bytes.ptr, bytes.len);
    p->at += bytes.len;
    *n = bytes.len;
    return MOX_OK;
}

static int proxy_write(struct stream *s, const void *buf, size_t len, size_t *n)
{
    struct proxy *p = (struct proxy *)s;

    p->blocked = !p->blocked;
    if (p->blocked)
        return MOX_E_AGAIN;
    *n = len < p->piece ? len : p->piece;
    return buffer_append(&p->heard, buf, *n);
}

static int proxy_want(struct stream *s, int events)
{
    (void)s, (void)events;
    return MOX_OK;
}

static int proxy_opened(struct stream *s)
{
    (void)s;
    return MOX_OK;
}

/* It is looked at afterwards. */
static void proxy_close(struct stream *s, bool quietly)
{
    (void)s, (void)quietly;
}

static const struct stream_ops proxy_ops = {
    .read = proxy_read,
    .write = proxy_write,
    .want = proxy_want,
    .opened = proxy_opened,
    .close = proxy_close,
};

static void check_failure(struct stream *s, int status)
{
    struct mox_error err = {0};

    fuzz_require(s->ops->failure(s, &err) == status && err.code == status, "one failure, one code");
    fuzz_require(status == MOX_E_PROXY || status == MOX_E_CONNECT || status == MOX_E_AUTH,
                 "a failure is the proxy's, the target's, or the login's");
    fuzz_require(err.stage == MOX_STAGE_PROXY && !err.permanent, "it is temporary");
    fuzz_require(err.message[0] != '\0', "it has words");
    fuzz_require(strstr(err.message, PASSWORD) == NULL, "no secret is told");
    fuzz_require(s->ops->opened(s) == status, "it stays as it is");
}

/* What the proxy must have said for it to be open: then nothing is missing, and nothing too much.
 */
static size_t dialogue_len(struct slice said)
{
    const unsigned char *b = (const unsigned char *)said.ptr;
    size_t at = b[1] == 2 ? 4 : 2;

    switch (b[at + 3]) {
    case 1:
        return at + 10;
    case 4:
        return at + 22;
    default:
        return at + 7 + b[at + 4];
    }
}

static void check_heard(const struct proxy *p, bool login)
{
    struct slice heard = buffer_slice(&p->heard);

    fuzz_require(slice_starts(heard, login ? "\5\2" : "\5\1"), "the greeting comes first");
    if (p->at < 2 || (unsigned char)p->input.ptr[1] != 2)
        fuzz_require(slice_sub(heard, 4, 5).len == 0 || heard.ptr[login ? 4 : 3] == 5,
                     "the login is said to who asks for it alone");
}

static int run(struct proxy *p, uint8_t how)
{
    struct socks_target target = {
        .remote = {.family = (how & 2) != 0 ? MOX_IPV6 : MOX_IPV4},
        .port = 25,
        .username = (how & 1) != 0 ? "tim" : NULL,
        .password = (how & 1) != 0 ? PASSWORD : NULL,
    };
    struct stream *s;
    int status;

    p->stream.ops = &proxy_ops;
    if (socks_open(&p->stream, &target, &s) != MOX_OK)
        return MOX_E_NOMEM;
    while ((status = s->ops->opened(s)) == MOX_E_AGAIN)
        continue;
    if (status == MOX_OK)
        fuzz_require(p->at == dialogue_len(p->input), "replies are read to their end, no further");
    else
        check_failure(s, status);
    check_heard(p, (how & 1) != 0);
    s->ops->close(s, true);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = {(const char *)data + 1, size - 1};
    struct proxy whole = {.input = input, .piece = SIZE_MAX / 2}, cut = {.input = input};
    int status;

    if (size < 2)
        return -1;
    cut.piece = 1 + data[0] / 4;
    status = run(&whole, data[0]);
    fuzz_require(run(&cut, data[0]) == status, "cut or whole, it ends alike");
    fuzz_require(slice_equal(buffer_slice(&whole.heard), buffer_slice(&cut.heard)),
                 "cut or whole, the same is said");
    fuzz_require(status != MOX_OK || whole.at == cut.at, "cut or whole, the same is read");
    buffer_free(&whole.heard);
    buffer_free(&cut.heard);
    return 0;
}
