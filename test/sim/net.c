/* net.c - see net.h. */
#include "test/sim/net.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_PORT = 40000, FULL_US = 1000 };

static const char *text_of(const struct mox_ip *ip, char buf[64])
{
    mox_ip_format(ip, buf, 64);
    return buf;
}

const struct net_place *net_find_place(const struct world *w, const struct mox_ip *ip,
                                       uint16_t port)
{
    const struct net_place *place = w->places;

    while (place != NULL &&
           (!sim_same_ip(&place->ip, ip) || (place->port != 0 && place->port != port)))
        place = place->next;
    return place;
}

struct net_place *net_place(struct world *w, const struct mox_ip *ip, uint16_t port)
{
    struct net_place *place = w->places;

    while (place != NULL && (!sim_same_ip(&place->ip, ip) || place->port != port))
        place = place->next;
    if (place != NULL)
        return place;
    place = world_alloc(w, sizeof *place);
    *place = (struct net_place){.next = w->places,
                                .ip = *ip,
                                .port = port,
                                .ms = NET_CONNECT_MS,
                                .fate = NET_UP,
                                .server = server_profile("ok")};
    w->places = place;
    return place;
}

/* MOX_READ, MOX_WRITE: what holds now. */
static int ready_for(const struct net_stream *s)
{
    int events = 0;

    if (s->decided == MOX_E_AGAIN)
        return 0;
    if (s->decided != MOX_OK)
        return MOX_READ | MOX_WRITE;
    if (s->read < s->in.len || s->eof || s->reset)
        events |= MOX_READ;
    return s->full ? events : events | MOX_WRITE;
}

/* Reports what is wanted and holds; each once. */
static void report(struct net_stream *s)
{
    int events = ready_for(s) & (s->w->eager ? MOX_READ | MOX_WRITE : s->wanted);

    if (s->closed || s->w->ended || events == 0)
        return;
    s->wanted &= ~events;
    s->w->stirred = true;
    if (mox_socket_ready(s->w->ctx, s->id, events) != MOX_OK)
        world_fault(s->w, "readiness of an open stream is stale");
}

void net_keep(struct net_stream *s, struct sim_text *text, const char *bytes, size_t len)
{
    if (text->len + len + 1 > text->cap) {
        size_t cap = 2 * text->cap + len + 256;
        char *bigger = world_alloc(s->w, cap);

        if (text->len > 0)
            memcpy(bigger, text->ptr, text->len);
        text->ptr = bigger;
        text->cap = cap;
    }
    memcpy(text->ptr + text->len, bytes, len);
    text->len += len;
    text->ptr[text->len] = '\0';
}

void net_say(struct net_stream *s, const char *bytes, size_t len)
{
    if (s->closed || s->eof || s->reset)
        return;
    net_keep(s, &s->in, bytes, len);
    report(s);
}

void net_hang_up(struct net_stream *s, bool reset)
{
    if (s->closed)
        return;
    if (reset)
        s->reset = true;
    else
        s->eof = true;
    report(s);
}

static bool is_ours(const struct world *w, const struct mox_ip *ip)
{
    for (size_t i = 0; i < w->nmachine; i++) {
        if (sim_same_ip(&w->machine[i], ip))
            return true;
    }
    return false;
}

static struct mox_ip default_source(const struct world *w, int family)
{
    struct mox_ip none = {0};

    for (size_t i = 0; i < w->nmachine; i++) {
        if (w->machine[i].family == family)
            return w->machine[i];
    }
    return none;
}

static void decide(struct world *w, void *arg)
{
    struct net_stream *s = arg;
    char ip[64];

    if (s->closed || w->ended)
        return;
    switch (s->place == NULL ? NET_REFUSED : s->place->fate) {
    case NET_UP:
        s->decided = MOX_OK;
        world_log(w, "open %s", text_of(&s->remote, ip));
        if (s->remote_port == PROXY_PORT && s->place->proxy != NULL)
            proxy_start(s);
        else
            server_begin(s);
        break;
    case NET_LATE_UNREACHABLE:
        s->decided = MOX_ERRNO(EHOSTUNREACH);
        break;
    default:
        s->decided = MOX_ERRNO(ECONNREFUSED);
        break;
    }
    s->wanted |= MOX_WRITE; /* the outcome of a connect is told in any case */
    report(s);
}

/* What connect itself says. */
static int at_once(int fate)
{
    switch (fate) {
    case NET_UNREACHABLE:
        return MOX_ERRNO(ENETUNREACH);
    case NET_NO_FILES:
        return MOX_ERRNO(EMFILE);
    case NET_NO_PORTS:
        return MOX_E_NO_PORTS;
    case NET_BROKEN_OPS:
        return 7;
    default:
        return MOX_OK;
    }
}

static int sim_connect(void *user, uint64_t id, const struct mox_ip *remote, uint16_t port,
                       const struct mox_ip *local, void **handle)
{
    struct world *w = user;
    const struct net_place *place = net_find_place(w, remote, port);
    char ip[64], source[64] = "any";
    struct net_stream *s;
    int status = place == NULL ? MOX_OK : at_once(place->fate);

    world_log(w, "connect %s port %u from %s", text_of(remote, ip), (unsigned)port,
              local == NULL ? source : text_of(local, source));
    if (local != NULL && !is_ours(w, local))
        return MOX_E_NO_SOURCE;
    if (status != MOX_OK)
        return status;
    s = world_alloc(w, sizeof *s);
    s->next = w->streams;
    s->w = w;
    s->id = id;
    s->place = place;
    s->remote = s->target = *remote;
    s->remote_port = s->target_port = port;
    s->local = local != NULL ? *local : default_source(w, remote->family);
    s->local_port =
        (uint16_t)(FIRST_PORT + (w->streams == NULL ? 0 : w->streams->local_port + 1 - FIRST_PORT));
    s->decided = MOX_E_AGAIN;
    s->dials = w->whose == NULL ? 0 : w->whose(w->whose_arg);
    s->begun = world_now(w);
    w->streams = s;
    if (place == NULL || place->fate != NET_SILENT)
        world_at(w, 1000u * (place == NULL ? NET_CONNECT_MS : place->ms), decide, s);
    *handle = s;
    return MOX_OK;
}

/* The stream of a handle; whether it may still be used. */
static bool usable(const struct net_stream *s, const char *what)
{
    if (s->closed)
        world_fault(s->w, "%s on a stream that is closed", what);
    return !s->closed;
}

static int sim_connected(void *user, void *handle, struct mox_ip *local, uint16_t *port)
{
    struct net_stream *s = handle;

    (void)user;
    if (!usable(s, "connected"))
        return MOX_ERRNO(EBADF);
    if (local != NULL)
        *local = s->local;
    if (port != NULL)
        *port = s->local_port;
    if (s->decided != MOX_E_AGAIN && s->heard.at == 0)
        s->heard = world_now(s->w);
    return s->decided;
}

static int sim_read(void *user, void *handle, void *buf, size_t cap, size_t *n)
{
    struct net_stream *s = handle;

    (void)user;
    if (!usable(s, "read"))
        return MOX_ERRNO(EBADF);
    if (s->decided != MOX_OK)
        return MOX_ERRNO(ENOTCONN);
    server_refill(s);
    *n = s->in.len - s->read < cap ? s->in.len - s->read : cap;
    if (*n > 0) {
        memcpy(buf, s->in.ptr + s->read, *n);
        s->read += *n;
        return MOX_OK;
    }
    if (s->reset && !s->reset_told) {
        s->reset_told = true;
        return MOX_ERRNO(ECONNRESET);
    }
    return s->eof || s->reset ? MOX_E_EOF : MOX_E_AGAIN;
}

static void drain(struct world *w, void *arg)
{
    struct net_stream *s = arg;

    (void)w;
    s->full = false;
    report(s);
}

static int sim_write(void *user, void *handle, const void *buf, size_t len, size_t *n)
{
    struct net_stream *s = handle;
    struct world *w = user;

    if (!usable(s, "write"))
        return MOX_ERRNO(EBADF);
    if (s->decided == MOX_E_AGAIN)
        world_fault(w, "a write on a stream that has not connected");
    if (s->decided != MOX_OK)
        return MOX_ERRNO(ENOTCONN);
    if (s->reset)
        return MOX_ERRNO(EPIPE);
    if (s->full)
        return MOX_E_AGAIN;
    *n = w->max_write != 0 && len > w->max_write ? w->max_write : len;
    net_keep(s, &s->out, buf, *n);
    if (w->max_write != 0) {
        s->full = true;
        world_at(w, FULL_US, drain, s);
    }
    server_take(s);
    return MOX_OK;
}

static int sim_want(void *user, void *handle, int events)
{
    struct net_stream *s = handle;

    (void)user;
    if (!usable(s, "want"))
        return MOX_ERRNO(EBADF);
    s->wanted = events;
    if (!s->w->eager)
        report(s);
    return MOX_OK;
}

static void sim_close(void *user, void *handle)
{
    struct net_stream *s = handle;
    char ip[64];

    if (!usable(s, "close"))
        return;
    s->closed = true;
    s->over = world_now(user);
    secure_end(s);
    world_log(user, "close %s", text_of(&s->remote, ip));
}

static int sim_source(void *user, const struct mox_ip *remote, struct mox_ip *local)
{
    *local = default_source(user, remote->family);
    return local->family == 0 ? MOX_ERRNO(ENETUNREACH) : MOX_OK;
}

static intptr_t sim_fd(void *user, void *handle)
{
    struct net_stream *s = handle;

    if (((struct world *)user)->no_fd)
        return -1;
    return s->local_port; /* a number that tells the stream */
}

struct mox_socket_ops net_ops(struct world *w)
{
    return (struct mox_socket_ops){.size = sizeof(struct mox_socket_ops),
                                   .user = w,
                                   .connect = sim_connect,
                                   .connected = sim_connected,
                                   .read = sim_read,
                                   .write = sim_write,
                                   .want = sim_want,
                                   .close = sim_close,
                                   .source = sim_source,
                                   .fd = sim_fd};
}

void net_check(struct world *w)
{
    char ip[64];

    for (const struct net_stream *s = w->streams; s != NULL; s = s->next) {
        if (!s->closed)
            world_fault(w, "the stream to %s was not closed", text_of(&s->remote, ip));
    }
}

struct net_stream *net_find(struct world *w, const char *address)
{
    struct net_stream *s = w->streams;
    char ip[64];

    while (s != NULL && strcmp(text_of(&s->remote, ip), address) != 0)
        s = s->next;
    return s;
}
