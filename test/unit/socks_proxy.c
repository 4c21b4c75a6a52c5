/*
 * socks_proxy.c - see socks_proxy.h. It says its part once it has heard ours, in pieces, and after
 * each piece it would block.
 */
#include "socks_proxy.h"

#include <string.h>

#include <check.h>

#include "test.h"

/* What may be read now: what the rounds say that were heard in full. */
static struct slice readable(const struct socks_proxy *p)
{
    size_t heard = 0, said = 0;

    for (size_t i = 0; i < SOCKS_ROUNDS; i++) {
        heard += p->rounds[i].heard.len;
        if (p->heard.len < heard)
            break;
        if (p->read_at < said + p->rounds[i].said.len)
            return slice_sub(p->rounds[i].said, p->read_at - said, SIZE_MAX);
        said += p->rounds[i].said.len;
    }
    return (struct slice){"", 0};
}

static bool all_said(const struct socks_proxy *p)
{
    size_t said = 0;

    for (size_t i = 0; i < SOCKS_ROUNDS; i++)
        said += p->rounds[i].said.len;
    return p->read_at == said;
}

static bool blocks(struct socks_proxy *p)
{
    p->blocked = !p->blocked;
    return p->blocked;
}

static int proxy_read(struct stream *s, void *buf, size_t cap, size_t *n)
{
    struct socks_proxy *p = (struct socks_proxy *)s;
    struct slice bytes = slice_sub(readable(p), 0, p->piece < cap ? p->piece : cap);

    if (bytes.len == 0 && all_said(p) && p->end != MOX_OK)
        return p->end;
    if (blocks(p) || bytes.len == 0)
        return MOX_E_AGAIN;
    memcpy(buf, bytes.ptr, bytes.len);
    p->read_at += bytes.len;
    *n = bytes.len;
    return MOX_OK;
}

static int proxy_write(struct stream *s, const void *buf, size_t len, size_t *n)
{
    struct socks_proxy *p = (struct socks_proxy *)s;

    if (blocks(p))
        return MOX_E_AGAIN;
    *n = len < p->piece ? len : p->piece;
    return buffer_append(&p->heard, buf, *n);
}

static int proxy_want(struct stream *s, int events)
{
    struct socks_proxy *p = (struct socks_proxy *)s;

    p->wanted = events;
    return p->want_status;
}

static int proxy_opened(struct stream *s)
{
    struct socks_proxy *p = (struct socks_proxy *)s;

    return p->opens++ == 0 ? MOX_E_AGAIN : p->open_status;
}

static int proxy_local(struct stream *s, struct mox_ip *ip, uint16_t *port)
{
    (void)s, (void)ip, (void)port;
    return MOX_OK;
}

static intptr_t proxy_fd(struct stream *s)
{
    (void)s;
    return 42;
}

static void proxy_close(struct stream *s, bool quietly)
{
    struct socks_proxy *p = (struct socks_proxy *)s;

    p->closing->closed = true;
    p->closing->quietly = quietly;
    buffer_free(&p->heard);
    mem_free(p);
}

static int proxy_failure(const struct stream *s, struct mox_error *err)
{
    const struct socks_proxy *p = (const struct socks_proxy *)s;

    memset(err, 0, sizeof *err);
    err->code = p->failure;
    return p->failure;
}

static const struct stream_ops silent_ops = {.read = proxy_read,
                                             .write = proxy_write,
                                             .want = proxy_want,
                                             .opened = proxy_opened,
                                             .local = proxy_local,
                                             .fd = proxy_fd,
                                             .close = proxy_close};
static const struct stream_ops worded_ops = {.read = proxy_read,
                                             .write = proxy_write,
                                             .want = proxy_want,
                                             .opened = proxy_opened,
                                             .local = proxy_local,
                                             .fd = proxy_fd,
                                             .close = proxy_close,
                                             .failure = proxy_failure};

struct socks_proxy *socks_proxy_new(const struct socks_round *rounds, size_t piece,
                                    struct socks_proxy_end *end)
{
    struct socks_proxy *p = mem_new(sizeof *p);

    ck_assert_ptr_nonnull(p);
    p->stream.ops = &silent_ops;
    p->rounds = rounds;
    p->piece = piece;
    p->end = MOX_E_EOF;
    p->closing = end;
    *end = (struct socks_proxy_end){0};
    return p;
}

void socks_proxy_give_words(struct socks_proxy *p)
{
    p->stream.ops = &worded_ops;
}
