/* tls_world.c - see tls_world.h. */
#include "tls_world.h"

#include <string.h>

#include <moxdial/dial.h>

#include "test.h"

const unsigned char tls_world_key[TLS_KEY] = "a key that holds all it rests on";

/* How many bytes a call takes now; 0: it has to wait. */
static size_t allowance(struct wire *wire, size_t len)
{
    wire->waited = !wire->waited;
    if (wire->drips && wire->waited)
        return 0;
    return wire->chunk != 0 && wire->chunk < len ? wire->chunk : len;
}

static size_t take_raw(struct wire *wire, void *buf, size_t cap)
{
    size_t n = wire->raw_len < cap ? wire->raw_len : cap;

    if (n > 0)
        memcpy(buf, wire->raw, n);
    wire->raw += n;
    wire->raw_len -= n;
    return n;
}

static int wire_read(struct stream *s, void *buf, size_t cap, size_t *n)
{
    struct wire *wire = (struct wire *)s;
    size_t room = allowance(wire, cap);

    if (wire->read_fails != MOX_OK)
        return wire->read_fails;
    if (room == 0)
        return MOX_E_AGAIN;
    wire->reads++;
    *n = wire->session == NULL ? 0 : tls_session_take(wire->session, buf, room);
    if (wire->session == NULL || *n > 0)
        *n += take_raw(wire, (char *)buf + *n, room - *n);
    wire->read += *n;
    if (*n > 0)
        return MOX_OK;
    return wire->cut ? MOX_E_EOF : MOX_E_AGAIN;
}

static int wire_write(struct stream *s, const void *buf, size_t len, size_t *n)
{
    struct wire *wire = (struct wire *)s;
    size_t room = allowance(wire, len);

    if (wire->write_fails != MOX_OK)
        return wire->write_fails;
    if (room == 0)
        return MOX_E_AGAIN;
    *n = wire->session == NULL ? room : tls_session_feed(wire->session, buf, room);
    wire->written += *n;
    wire->writes += *n > 0;
    return *n > 0 ? MOX_OK : MOX_E_AGAIN;
}

static int wire_want(struct stream *s, int events)
{
    ((struct wire *)s)->wanted = events;
    return MOX_OK;
}

static int wire_local(struct stream *s, struct mox_ip *ip, uint16_t *port)
{
    (void)s;
    *ip = (struct mox_ip){.family = MOX_IPV4, .bytes = {192, 0, 2, 1}};
    *port = 25;
    return MOX_OK;
}

static void wire_close(struct stream *s, bool quietly)
{
    struct wire *wire = (struct wire *)s;

    ck_assert(!wire->closed);
    wire->closed = true;
    wire->quietly = quietly;
}

static const struct stream_ops wire_ops = {.read = wire_read,
                                           .write = wire_write,
                                           .want = wire_want,
                                           .local = wire_local,
                                           .close = wire_close};

static void on_ready(void *arg, struct stream *s, int events)
{
    struct tls_world *w = arg;

    ck_assert_ptr_eq(s, w->stream);
    w->wire.told++;
    w->wire.told_events = events;
}

void tls_world_renew(struct tls_world *w, const struct tls_server_options *options)
{
    struct tls_server_options mine = *options;

    tls_server_free(w->server);
    mine.credential = w->credential;
    mine.seed += ++w->servers; /* no two have the same keys */
    w->server = tls_server_new(&mine);
}

void tls_world_open(struct tls_world *w, enum authority_key key,
                    const struct tls_server_options *options)
{
    memset(w, 0, sizeof *w);
    ctx_world_open(&w->world);
    w->root = credential_root("Test Root");
    w->credential = credential_server(w->root, key, "mx.example");
    tls_world_renew(w, options);
}

void tls_world_close(struct tls_world *w)
{
    test_fail_alloc(0);
    test_pause_alloc(false);
    tls_world_hang_up(w);
    tls_server_free(w->server);
    credential_free(w->credential);
    credential_free(w->root);
    ctx_world_close(&w->world);
}

static int start(struct tls_world *w, const struct tls_options *options)
{
    int status = tls_open(w->world.ctx, &w->wire.stream, options, &w->stream, NULL);

    if (status == MOX_OK)
        stream_notify(w->stream, on_ready, w);
    return status;
}

/* What a test has set for the wire holds for all of them. */
static void new_wire(struct tls_world *w, struct tls_session *session)
{
    w->wire = (struct wire){.stream.ops = &wire_ops,
                            .session = session,
                            .chunk = w->wire.chunk,
                            .drips = w->wire.drips,
                            .cut = w->wire.cut};
    w->nheard = 0;
}

int tls_world_start(struct tls_world *w, const unsigned char *key)
{
    const struct tls_options options = {.sni = "mx.example", .key = key};

    test_pause_alloc(true);
    new_wire(w, tls_session_new(w->server));
    test_pause_alloc(false);
    return start(w, &options);
}

int tls_world_start_raw(struct tls_world *w, const void *bytes, size_t len)
{
    const struct tls_options options = {.sni = "mx.example", .key = tls_world_key};

    new_wire(w, NULL);
    w->wire.raw = bytes;
    w->wire.raw_len = len;
    return start(w, &options);
}

void tls_world_serve(struct tls_world *w)
{
    size_t n;

    if (w->wire.session == NULL)
        return;
    test_pause_alloc(true);
    do {
        n = tls_session_read(w->wire.session, w->heard + w->nheard, sizeof w->heard - w->nheard);
        w->nheard += n;
    } while (n > 0);
    test_pause_alloc(false);
}

/* No words of ours take the last flight along: the owner says what it waits for, as all do. */
static int step(struct tls_world *w)
{
    int status = w->stream->ops->opened(w->stream);

    if (status == MOX_OK)
        w->stream->ops->want(w->stream, 0);
    return status;
}

int tls_world_shake(struct tls_world *w)
{
    int status = MOX_E_AGAIN;

    for (int still = 0; still < 4 && (status == MOX_E_AGAIN || status == MOX_OK);) {
        size_t moved = w->wire.written + w->wire.read;

        status = step(w);
        tls_world_serve(w);
        still = w->wire.written + w->wire.read == moved ? still + 1 : 0;
    }
    return status;
}

int tls_world_connect(struct tls_world *w, const unsigned char *key)
{
    int status = tls_world_start(w, key);

    if (status == MOX_OK)
        status = tls_world_shake(w);
    tls_world_serve(w); /* the client's last words of the handshake */
    return status;
}

int tls_world_read(struct tls_world *w, char *out, size_t cap, size_t *n)
{
    int status = MOX_OK;

    *n = 0;
    for (int still = 0; still < 4;) {
        size_t got = 0, moved = w->wire.read;

        status = w->stream->ops->read(w->stream, out + *n, cap - *n, &got);
        if (status != MOX_OK && status != MOX_E_AGAIN)
            break;
        still = status == MOX_OK || w->wire.read != moved ? 0 : still + 1;
        *n += status == MOX_OK ? got : 0;
    }
    return status;
}

void tls_world_write(struct tls_world *w, const char *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t n = 0;
        int status = w->stream->ops->write(w->stream, bytes + at, len - at, &n);

        ck_assert(status == MOX_OK || status == MOX_E_AGAIN);
        at += status == MOX_OK ? n : 0;
        tls_world_serve(w);
    }
}

void tls_world_hang_up(struct tls_world *w)
{
    if (w->stream != NULL)
        w->stream->ops->close(w->stream, false);
    w->stream = NULL;
    tls_session_free(w->wire.session);
    w->wire.session = NULL;
}

const char *tls_world_failure(const struct tls_world *w)
{
    static struct mox_error err;

    if (w->stream == NULL)
        return "no stream";
    w->stream->ops->failure(w->stream, &err);
    return err.message;
}

struct tls_proof tls_world_proof(void)
{
    static const char *const names[] = {"mx.example", "*.example", NULL};

    return (struct tls_proof){
        .verified = MOX_TLS_DANE, .by = "3 1 1 ab12", .names = names, .expires_s = 2000000000};
}
