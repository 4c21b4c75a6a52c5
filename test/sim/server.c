/* server.c - see server.h. */
#include "test/sim/server.h"

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
    net_say(s, s->server.rest++, 1);
    world_at(w, DRIP_US, drip, s);
}

struct speech { /* a reply on its way */
    struct net_stream *stream;
    const char *script;
};

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
    if (strcmp(word, "forever") == 0) {
        s->server.forever = text;
        s->server.forever_len = len;
    }
    if (len > 0)
        net_say(s, text, len);
    if (strcmp(word, "close") == 0)
        net_hang_up(s, false);
    if (strcmp(word, "reset") == 0)
        net_hang_up(s, true);
}

static void reply(struct net_stream *s, const char *script)
{
    const struct server_profile *profile = s->place->server;
    struct speech *speech;

    if (*script == '\0')
        return;
    speech = world_alloc(s->w, sizeof *speech);
    *speech = (struct speech){s, script};
    world_at(s->w, 1000u * (profile->ms == 0 ? DEFAULT_MS : profile->ms), speak, speech);
}

void server_begin(struct net_stream *s)
{
    const struct server_profile *profile = s->place->server;

    reply(s, profile->greeting == NULL ? kind_greeting : profile->greeting);
}

static bool begins(const char *line, const char *word)
{
    return strncmp(line, word, strlen(word)) == 0;
}

static void hear(struct net_stream *s, const char *line)
{
    const struct server_profile *profile = s->place->server;

    if (begins(line, "EHLO "))
        reply(s, profile->ehlo == NULL ? kind_ehlo : profile->ehlo);
    else if (begins(line, "HELO "))
        reply(s, profile->helo == NULL ? kind_helo : profile->helo);
    else if (begins(line, "QUIT"))
        reply(s, "221 bye\r\n~close");
    else if (begins(line, "RCPT"))
        reply(s, "550 5.1.1 no such user\r\n");
    else
        reply(s, "250 ok\r\n");
}

void server_take(struct net_stream *s)
{
    const char *end;

    while ((end = strchr(s->out.ptr + s->server.heard, '\n')) != NULL) {
        const char *line = s->out.ptr + s->server.heard;
        char ip[64];

        mox_ip_format(&s->remote, ip, sizeof ip);
        world_log(s->w, "sent %s %.*s", ip, (int)(end - line - (end > line && end[-1] == '\r')),
                  line);
        s->server.heard = (size_t)(end - s->out.ptr) + 1;
        hear(s, line);
    }
}

void server_refill(struct net_stream *s)
{
    if (s->server.forever != NULL && s->read == s->in.len) {
        s->read = s->in.len = 0;
        net_say(s, s->server.forever, s->server.forever_len);
    }
}
