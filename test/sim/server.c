/* server.c - see server.h. */
#include "test/sim/server.h"

#include <stdio.h>
#include <string.h>

#include "test/sim/net.h"

#define NO_PTR "Client host rejected: cannot find your reverse hostname"
#define LINE16 "250-a line of sixteen\r\n"

enum { DEFAULT_MS = 10, DRIP_US = 1000 * 1000 };

static const char kind_greeting[] = "220 mx.example ESMTP\r\n";
static const char kind_ehlo[] =
    "250-mx.example greets you\r\n250-PIPELINING\r\n250-SIZE 1000000\r\n"
    "250-LIMITS RCPTMAX=5 MAILMAX=7\r\n250 8BITMIME\r\n";
static const char kind_helo[] = "250 mx.example\r\n";

static const struct server_profile profiles[] = {
    {.name = "ok"},
    {.name = "slow", .ms = 2000},
    {.name = "silent", .greeting = ""},
    {.name = "silent-ehlo", .ehlo = ""},
    {.name = "half-greeting", .greeting = "220-mx.example\r\n220 ESM"},
    {.name = "half-ehlo", .ehlo = "250-mx.example\r\n250-PIPE"},
    {.name = "drip", .greeting = "220 mx.example, a server that takes its time\r\n~drip"},
    {.name = "drip-ehlo", .ehlo = "250-mx.example\r\n250 8BITMIME\r\n~drip"},
    {.name = "ptr", .greeting = "550 5.7.1 " NO_PTR "\r\n"},
    {.name = "ptr-close", .greeting = "550 5.7.1 " NO_PTR "\r\n~close"},
    {.name = "ptr-ehlo", .ehlo = "550 5.7.1 " NO_PTR "\r\n"},
    {.name = "ptr-helo", .ehlo = "502 what?\r\n", .helo = "550 5.7.25 no\r\n"},
    {.name = "reject", .greeting = "554 5.3.2 no mail today\r\n"},
    {.name = "reject-ehlo", .ehlo = "550 5.5.0 not you\r\n"},
    {.name = "temp", .greeting = "451 4.3.0 come back later\r\n"},
    {.name = "temp-ehlo", .ehlo = "451 4.3.0 come back later\r\n"},
    {.name = "busy", .greeting = "421 4.3.2 too busy\r\n~close"},
    {.name = "busy-ehlo", .ehlo = "421 4.3.2 too busy\r\n~close"},
    {.name = "old", .ehlo = "500 5.5.1 unknown command\r\n"},
    {.name = "old-502", .ehlo = "502 no\r\n"},
    {.name = "older", .ehlo = "504 no\r\n", .helo = "504 no\r\n"},
    {.name = "hello-only", .ehlo = "250 mx.example\r\n"},
    {.name = "close", .greeting = "~close"},
    {.name = "reset", .greeting = "~reset"},
    {.name = "close-greeted", .greeting = "220 mx\r\n~close"},
    {.name = "reset-greeted", .greeting = "220 mx\r\n~reset"},
    {.name = "close-ehlo", .ehlo = "~close"},
    {.name = "reset-ehlo", .ehlo = "250-mx\r\n~reset"},
    {.name = "garbage", .greeting = "HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n"},
    {.name = "binary", .greeting = "\x01\x02\x80\xff\x1b[2J\r\n\xfe"},
    {.name = "code-changes", .ehlo = "250-mx\r\n550 no\r\n"},
    {.name = "354", .greeting = "354 go ahead\r\n"},
    {.name = "nonsense", .greeting = "220 mx\r\n250 mx\r\n250 ok\r\n354 go\r\n"},
    {.name = "ahead", .ehlo = "250 mx\r\n250 spoken ahead\r\n"},
    {.name = "endless", .greeting = "220-" LINE16 "~forever"},
    {.name = "endless-ehlo", .ehlo = LINE16 "~forever"},
    {.name = "endless-line", .ehlo = "250-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa~forever"},
    {.name = "lf-only", .greeting = "220 mx\n", .ehlo = "250-mx\n250 SIZE\n"},
};

const struct server_profile *server_profile(const char *name)
{
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
        if (strcmp(profiles[i].name, name) == 0)
            return &profiles[i];
    }
    return NULL;
}

const struct server_profile *server_profile_at(size_t n)
{
    return n < sizeof profiles / sizeof *profiles ? &profiles[n] : NULL;
}

static void drip(struct world *w, void *arg)
{
    struct net_stream *s = arg;

    if (s->closed || w->ended || s->server.rest == s->server.end)
        return;
    secure_say(s, s->server.rest++, 1);
    world_at(w, DRIP_US, drip, s);
}

struct speech { /* a reply on its way */
    struct net_stream *stream;
    const char *script;
    size_t *said_at; /* NULL: nobody wants to know */
};

/* What comes behind the text. */
static void follow(struct net_stream *s, const char *word, const char *text, size_t len)
{
    if (strcmp(word, "forever") == 0) {
        s->server.forever = text;
        s->server.forever_len = len;
    }
    if (len > 0)
        secure_say(s, text, len);
    if (strcmp(word, "notify") == 0)
        secure_notify(s);
    if (strcmp(word, "deny") == 0)
        secure_deny(s);
    if (strcmp(word, "close") == 0 || strcmp(word, "notify") == 0 || strcmp(word, "deny") == 0)
        net_hang_up(s, false);
    if (strcmp(word, "reset") == 0)
        net_hang_up(s, true);
    if (strcmp(word, "tls") == 0)
        secure_start(s);
}

static void speak(struct world *w, void *arg)
{
    const struct speech *speech = arg;
    struct net_stream *s = speech->stream;
    const char *text = speech->script, *word = strchr(text, '~');
    size_t len = word == NULL ? strlen(text) : (size_t)(word - text);

    if (s->closed || w->ended)
        return;
    word = word == NULL ? "" : word + 1;
    if (strcmp(word, "drip") == 0) {
        s->server.rest = text;
        s->server.end = text + len;
        drip(w, s);
        return;
    }
    follow(s, word, text, len);
    if (speech->said_at != NULL)
        *speech->said_at = s->in.len;
}

void server_reply(struct net_stream *s, const char *script)
{
    server_reply_to(s, script, NULL);
}

void server_reply_to(struct net_stream *s, const char *script, size_t *said_at)
{
    const struct server_profile *profile = s->place->server;
    struct speech *speech;

    if (*script == '\0')
        return;
    speech = world_alloc(s->w, sizeof *speech);
    *speech = (struct speech){s, script, said_at};
    world_at(s->w, 1000u * (profile->ms == 0 ? DEFAULT_MS : profile->ms), speak, speech);
}

static bool is_secure(const struct net_stream *s)
{
    return s->place->secure != NULL && s->place->secure->there;
}

static void greet(struct net_stream *s)
{
    const struct server_profile *profile = s->place->server;

    server_reply(s, profile->greeting == NULL ? kind_greeting : profile->greeting);
}

void server_begin(struct net_stream *s)
{
    s->server.login.mechanism = -1;
    if (is_secure(s) && s->place->secure->immediate)
        secure_start(s);
    else
        greet(s);
}

void server_secured(struct net_stream *s)
{
    if (s->place->secure->immediate)
        greet(s);
}

static bool begins(const char *line, const char *word)
{
    return strncmp(line, word, strlen(word)) == 0;
}

/* A kind server, and what its mailbox adds or lacks. */
static const char *offer_in_clear(struct net_stream *s)
{
    const struct mailbox *box = s->place->mailbox;
    char *script, offers[300];

    if (box == NULL || (box->offers == NULL && !box->plain))
        return kind_ehlo;
    mailbox_offer(box, offers, sizeof offers);
    script = world_alloc(s->w, 1024);
    snprintf(script, 1024, "250-mx.example greets you\r\n%s%s250 8BITMIME\r\n", offers,
             box->plain ? "" : "250-PIPELINING\r\n");
    return script;
}

/* What a kind server offers here. */
static const char *offer(struct net_stream *s)
{
    const struct secure *secure = s->place->secure;
    char *script, login[300];

    if (secure == NULL || (!secure->there && secure->login.mechanisms == 0))
        return offer_in_clear(s);
    login_offer(s, login, sizeof login);
    script = world_alloc(s->w, 1024);
    snprintf(script, 1024, "250-mx.example greets you\r\n%s%s%s%s%s250-PIPELINING\r\n250 SIZE\r\n",
             secure->there && secure->offered && !s->secure.begun ? "250-STARTTLS\r\n" : "",
             secure->requiretls && s->secure.opened ? "250-REQUIRETLS\r\n" : "",
             *login == '\0' ? "" : "250-", login, *login == '\0' ? "" : "\r\n");
    return script;
}

static void hear_ehlo(struct net_stream *s)
{
    static const char *const afters[] = {
        [SECURE_NO_HELLO] = "550 5.5.0 not over TLS\r\n",
        [SECURE_OLD] = "502 5.5.1 what?\r\n",
        [SECURE_CUTS] = "~close",
        [SECURE_NOTIFIES] = "~notify",
        [SECURE_DENIES] = "~deny",
    };
    const struct server_profile *profile = s->place->server;
    const char *reply;

    if (s->server.hellos++ == 0 || !s->secure.begun)
        reply = profile->ehlo == NULL ? offer(s) : profile->ehlo;
    else if (s->place->secure->after == SECURE_GOES_ON)
        reply = offer(s);
    else
        reply = afters[s->place->secure->after];
    mailbox_announce(s, reply);
    server_reply(s, reply);
}

static void hear(struct net_stream *s, const char *line, size_t len)
{
    const struct server_profile *profile = s->place->server;

    if (login_is_under_way(s))
        login_take(s, line);
    else if (begins(line, "EHLO "))
        hear_ehlo(s);
    else if (begins(line, "HELO "))
        server_reply(s, profile->helo == NULL ? kind_helo : profile->helo);
    else if (begins(line, "STARTTLS") && !s->secure.begun)
        server_reply(s, is_secure(s) ? secure_reply(s->place->secure) : "502 5.5.1 what?\r\n");
    else if (begins(line, "AUTH ") && s->place->secure != NULL)
        login_start(s, line);
    else if (begins(line, "QUIT"))
        server_reply(s, "221 bye\r\n~close");
    else if (!mailbox_hear(s, line, len))
        server_reply(s, "250 ok\r\n");
}

/* Logins differ from run to run where TLS does: mbedTLS knows what time it is. */
static int shown(const struct net_stream *s, const char *line, int len)
{
    int verb = (int)strlen("AUTH ");

    if (login_is_under_way(s))
        return 0;
    return begins(line, "AUTH ") && len > verb ? verb + (int)strcspn(line + verb, " \r\n") : len;
}

/* Whole lines of the text from *heard on. */
static void hear_lines(struct net_stream *s, const struct sim_text *text, size_t *heard)
{
    const char *end;

    while (*heard < text->len && (end = strchr(text->ptr + *heard, '\n')) != NULL) {
        const char *line = text->ptr + *heard;
        char ip[64];

        mox_ip_format(&s->target, ip, sizeof ip);
        world_log(s->w, "%s %s %.*s", s->secure.begun ? "sealed" : "sent", ip,
                  shown(s, line, (int)(end - line - (end > line && end[-1] == '\r'))), line);
        *heard = (size_t)(end - text->ptr) + 1;
        hear(s, line, (size_t)(end - line) + 1);
    }
}

void server_hear(struct net_stream *s)
{
    hear_lines(s, &s->clear, &s->server.heard_clear);
}

void server_take(struct net_stream *s)
{
    if (s->secure.begun)
        secure_take(s);
    else if (s->way.step != PROXY_NONE)
        proxy_take(s);
    else
        hear_lines(s, &s->out, &s->server.heard);
}

void server_refill(struct net_stream *s)
{
    if (s->server.forever != NULL && s->read == s->in.len) {
        s->read = s->in.len = 0;
        secure_say(s, s->server.forever, s->server.forever_len);
    }
}
