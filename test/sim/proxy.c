/* proxy.c - see proxy.h. */
#include "test/sim/proxy.h"

#include <string.h>

#include "test/sim/net.h"
#include "test/sim/world.h"

enum { TURN_US = 5000, LOGIN = 2, NOTHING_FITS = 0xff, BY_NAME = 3, BY_IPV6 = 4, HEAD = 4 };
enum { GRANTED = 0, FORBIDDEN = 2, NO_NETWORK = 3, NO_HOST = 4, NOBODY = 5 };

const char proxy_username[] = "proxy-user", proxy_password[] = "pr0xy-Secret";

void proxy_start(struct net_stream *s)
{
    s->way.step = PROXY_GREETING;
    s->way.proxied = true;
}

static void say(struct net_stream *s, unsigned first, unsigned second)
{
    const char bytes[] = {(char)first, (char)second};

    net_say(s, bytes, sizeof bytes);
}

static void answer(struct net_stream *s, unsigned code)
{
    static const char rest[] = {0, 1, 0, 0, 0, 0, 0, 0};

    say(s, 5, code);
    net_say(s, rest, sizeof rest);
    if (code != GRANTED)
        net_hang_up(s, false);
}

static void connect_on(struct world *w, void *arg)
{
    struct net_stream *s = arg;
    const struct net_place *place = net_find_place(w, &s->target, s->target_port);
    char ip[64];

    if (s->closed || w->ended)
        return;
    mox_ip_format(&s->target, ip, sizeof ip);
    switch (place == NULL ? NET_REFUSED : place->fate) {
    case NET_UP:
        world_log(w, "open %s by proxy", ip);
        s->place = place;
        s->way.step = PROXY_NONE;
        s->server.heard = s->out.len;
        answer(s, GRANTED);
        server_begin(s);
        break;
    case NET_UNREACHABLE:
        answer(s, NO_NETWORK);
        break;
    case NET_LATE_UNREACHABLE:
        answer(s, NO_HOST);
        break;
    default:
        answer(s, NOBODY);
        break;
    }
}

/* The request is whole. */
static void take_request(struct net_stream *s, const unsigned char *bytes, size_t len)
{
    const struct net_place *place;
    char ip[64];

    s->target = (struct mox_ip){.family = len == HEAD + 16 + 2 ? MOX_IPV6 : MOX_IPV4};
    memcpy(s->target.bytes, bytes + HEAD, len - HEAD - 2);
    s->target_port = (uint16_t)(bytes[len - 2] << 8 | bytes[len - 1]);
    mox_ip_format(&s->target, ip, sizeof ip);
    world_log(s->w, "proxied %s port %u", ip, (unsigned)s->target_port);
    s->way.step = PROXY_CONNECTS;
    place = net_find_place(s->w, &s->target, s->target_port);
    if (s->place->proxy->fault == PROXY_FORBIDS)
        answer(s, FORBIDDEN);
    else if (s->place->proxy->fault != PROXY_MUTE_LATER &&
             (place == NULL || place->fate != NET_SILENT))
        world_at(s->w, 1000u * (place == NULL ? NET_CONNECT_MS : place->ms), connect_on, s);
}

static bool offers(const unsigned char *bytes, size_t n, unsigned method)
{
    return memchr(bytes + 2, (int)method, n) != NULL;
}

/* Bytes of the message that begins here; 0: it is not whole yet. */
static size_t length(const struct net_stream *s, const unsigned char *bytes, size_t len)
{
    size_t need;

    if (len < HEAD)
        return s->way.step == PROXY_GREETING && len == 3 && bytes[1] == 1 ? 3 : 0;
    if (s->way.step == PROXY_GREETING)
        need = 2u + bytes[1];
    else if (s->way.step == PROXY_LOGIN)
        need = len < 2u + bytes[1] + 1 ? len + 1 : 3u + bytes[1] + bytes[2 + bytes[1]];
    else
        need = HEAD + (bytes[3] == BY_IPV6 ? 16u : 4u) + 2;
    return len < need ? 0 : need;
}

static void take_greeting(struct net_stream *s, const unsigned char *bytes)
{
    const struct proxy *proxy = s->place->proxy;
    unsigned method = proxy->wants_login ? LOGIN : 0;

    if (bytes[0] != 5)
        world_fault(s->w, "SOCKS version %u", (unsigned)bytes[0]);
    if (!offers(bytes, bytes[1], method) || proxy->fault == PROXY_NO_METHOD)
        method = NOTHING_FITS;
    say(s, 5, method);
    s->way.step = method == LOGIN ? PROXY_LOGIN : PROXY_REQUEST;
}

static void take_login(struct net_stream *s, const unsigned char *bytes)
{
    size_t user = strlen(proxy_username), password = strlen(proxy_password);
    bool good = bytes[1] == user && bytes[2 + user] == password &&
                memcmp(bytes + 2, proxy_username, user) == 0 &&
                memcmp(bytes + 3 + user, proxy_password, password) == 0;

    if (!good)
        world_fault(s->w, "the proxy's name or password is wrong");
    say(s, 1, good && s->place->proxy->fault != PROXY_NO_LOGIN ? 0 : 1);
    s->way.step = PROXY_REQUEST;
}

static void take_message(struct net_stream *s, const unsigned char *bytes, size_t len)
{
    switch (s->way.step) {
    case PROXY_GREETING:
        take_greeting(s, bytes);
        break;
    case PROXY_LOGIN:
        take_login(s, bytes);
        break;
    default:
        if (bytes[1] != 1 || bytes[3] == BY_NAME)
            world_fault(s->w, "the proxy is asked for what it never should be");
        else
            take_request(s, bytes, len);
        break;
    }
}

static void turn(struct world *w, void *arg)
{
    struct net_stream *s = arg;

    s->way.pending = false;
    while (!s->closed && !w->ended && s->way.step != PROXY_NONE && s->way.step != PROXY_CONNECTS) {
        const unsigned char *bytes = (unsigned char *)s->out.ptr + s->way.taken;
        size_t len = length(s, bytes, s->out.len - s->way.taken);

        if (len == 0)
            return;
        s->way.taken += len;
        take_message(s, bytes, len);
    }
}

static void misbehave(struct world *w, void *arg)
{
    struct net_stream *s = arg;

    if (s->closed || w->ended)
        return;
    if (s->place->proxy->fault == PROXY_BABBLES)
        net_say(s, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    if (s->place->proxy->fault != PROXY_MUTE)
        net_hang_up(s, false);
}

void proxy_take(struct net_stream *s)
{
    int fault = s->place->proxy->fault;
    bool kind = fault != PROXY_MUTE && fault != PROXY_BABBLES && fault != PROXY_CLOSES;

    if (s->way.step == PROXY_CONNECTS) {
        world_fault(s->w, "bytes go to the proxy before it has connected");
        return;
    }
    if (s->way.pending)
        return;
    s->way.pending = true;
    world_at(s->w, TURN_US, kind ? turn : misbehave, s);
}
