/* secure.c - see secure.h. */
#include "test/sim/secure.h"

#include <string.h>

#include "test/sim/net.h"
#include "test/sim/tls_server.h"
#include "test/sim/world.h"

enum { TURN_US = 1000, PIECE = 16 * 1024 };

struct secure_server { /* one for each sort, so that what can be resumed is */
    struct secure_server *next;
    enum paper paper;
    bool tickets, old_secret;
    struct tls_server *server;
};

static struct secure_server *find_server(const struct world *w, const struct secure *secure)
{
    struct secure_server *server = w->secure;

    while (server != NULL &&
           (server->paper != secure->paper || server->tickets != secure->tickets ||
            server->old_secret != secure->old_secret))
        server = server->next;
    return server;
}

void secure_prepare(struct world *w, const struct secure *secure)
{
    struct tls_server_options options = {0};
    struct secure_server *server;

    if (!secure->there || find_server(w, secure) != NULL)
        return;
    papers_make();
    server = world_alloc(w, sizeof *server);
    server->next = w->secure;
    server->paper = secure->paper;
    server->tickets = options.tickets = options.cache = secure->tickets;
    server->old_secret = options.old_secret = secure->old_secret;
    options.credential = paper(secure->paper);
    options.seed = w->seed + 16 * (uint64_t)secure->paper + (secure->old_secret ? 2 : 1);
    server->server = tls_server_new(&options);
    w->secure = server;
}

void secure_free(struct world *w)
{
    for (struct net_stream *s = w->streams; s != NULL; s = s->next)
        tls_session_free(s->secure.session);
    for (struct secure_server *server = w->secure; server != NULL; server = server->next)
        tls_server_free(server->server);
}

const char *secure_reply(const struct secure *secure)
{
    static const char *const scripts[] = {
        [SECURE_GO_AHEAD] = "220 2.0.0 go ahead\r\n~tls",
        [SECURE_UNKNOWN] = "502 5.5.1 what?\r\n",
        [SECURE_REFUSED] = "554 5.7.0 not you\r\n",
        [SECURE_LATER] = "454 4.7.0 not now\r\n",
        [SECURE_GOODBYE] = "421 4.3.2 closing\r\n~close",
        [SECURE_YES_BUT] = "250 2.0.0 ok\r\n",
        [SECURE_NONSENSE] = "go ahead, please\r\n",
        [SECURE_MUTE] = "",
        [SECURE_HANGS_UP] = "~close",
        [SECURE_INJECTED] = "220 2.0.0 go ahead\r\n250-mx.example\r\n250 AUTH PLAIN\r\n~tls",
    };

    return scripts[secure->there ? secure->reply : SECURE_UNKNOWN];
}

static void flush(struct net_stream *s)
{
    char bytes[PIECE];
    size_t n;

    while ((n = tls_session_take(s->secure.session, bytes, sizeof bytes)) > 0)
        net_say(s, bytes, n);
}

/* What the end of a session is known by. */
static void note(struct net_stream *s)
{
    struct secure_state *state = &s->secure;
    enum tls_session_state now = tls_session_state(state->session);

    if (now != TLS_SESSION_HANDSHAKE && now != TLS_SESSION_FAILED && !state->opened) {
        state->opened = true;
        state->resumed = tls_session_resumed(state->session);
    }
    state->failed = now == TLS_SESSION_FAILED;
    state->alerted = tls_session_alerted(state->session);
}

/* Bytes in, words out. */
static void turn(struct net_stream *s)
{
    struct secure_state *state = &s->secure;
    bool was_open = state->opened;
    char words[PIECE];
    size_t n;

    state->fed +=
        tls_session_feed(state->session, s->out.ptr + state->fed, s->out.len - state->fed);
    while ((n = tls_session_read(state->session, words, sizeof words)) > 0)
        net_keep(s, &s->clear, words, n);
    note(s);
    if (s->closed)
        return;
    flush(s);
    if (!was_open && state->opened)
        server_secured(s);
    server_hear(s);
    flush(s);
}

static void pump(struct world *w, void *arg)
{
    struct net_stream *s = arg;

    s->secure.pumping = false;
    if (!w->ended && !s->closed && s->secure.session != NULL)
        turn(s);
}

void secure_start(struct net_stream *s)
{
    const struct secure *secure = s->place->secure;
    const struct secure_server *server = find_server(s->w, secure);

    s->secure.begun = true;
    s->secure.alerted = -1;
    s->secure.plain_len = s->secure.fed = s->out.len;
    if (secure->shake == SECURE_SHAKES)
        s->secure.session = tls_session_new(server->server);
}

/* Those that do not shake hands answer the first byte. */
static void misbehave(struct net_stream *s)
{
    static const char alert[] = {21, 3, 3, 0, 2, 2, 40}; /* handshake_failure */

    if (s->secure.failed)
        return;
    s->secure.failed = true;
    switch (s->place->secure->shake) {
    case SECURE_BABBLES:
        net_say(s, "500 5.5.2 what is that?\r\n", 25);
        break;
    case SECURE_CLOSES:
        net_hang_up(s, false);
        break;
    case SECURE_ALERTS:
        net_say(s, alert, sizeof alert);
        break;
    default:
        break;
    }
}

static void run_misbehaviour(struct world *w, void *arg)
{
    if (!w->ended && !((struct net_stream *)arg)->closed)
        misbehave(arg);
}

void secure_take(struct net_stream *s)
{
    if (s->secure.pumping)
        return;
    s->secure.pumping = true;
    world_at(s->w, TURN_US, s->secure.session == NULL ? run_misbehaviour : pump, s);
}

void secure_end(struct net_stream *s)
{
    if (s->secure.session == NULL)
        return;
    turn(s);
    tls_session_free(s->secure.session);
    s->secure.session = NULL;
}

void secure_say(struct net_stream *s, const char *bytes, size_t len)
{
    if (!s->secure.begun) {
        net_say(s, bytes, len);
        return;
    }
    if (s->secure.session == NULL || !s->secure.opened)
        return;
    tls_session_write(s->secure.session, bytes, len);
    flush(s);
}

void secure_notify(struct net_stream *s)
{
    if (s->secure.session == NULL || !s->secure.opened)
        return;
    tls_session_close(s->secure.session);
    flush(s);
}

void secure_deny(struct net_stream *s)
{
    enum { CERTIFICATE_REQUIRED = 116 };

    if (s->secure.session == NULL || !s->secure.opened)
        return;
    tls_session_alert(s->secure.session, CERTIFICATE_REQUIRED);
    flush(s);
}
