/* reference_server.c - see reference_server.h. */
#include "test/sim/reference_server.h"

#include <string.h>

#include "test/sim/server.h"

enum { SOON_MS = 400, TINY_WRITES_MS = 3000, DEFAULT_MS = 10 };

/* How servers end, given time. */
static const struct server {
    const char *name;
    int reaches;                   /* the last stage that succeeds */
    int code;                      /* what it fails with, behind that; enum mox_status */
    bool hangs;                    /* it fails by silence */
    bool says_5xx;                 /* it fails by a 5xx reply */
    uint32_t greeting_ms, ehlo_ms; /* until the reply is whole; 0: soon */
} servers[] = {
    {"ok", MOX_STAGE_READY, MOX_OK, false, false, 0, 0},
    {"slow", MOX_STAGE_READY, MOX_OK, false, false, 2000, 2000},
    {"silent", MOX_STAGE_CONNECT, MOX_E_TIMEOUT, true, false, 0, 0},
    {"silent-ehlo", MOX_STAGE_GREETING, MOX_E_TIMEOUT, true, false, 0, 0},
    {"half-greeting", MOX_STAGE_CONNECT, MOX_E_TIMEOUT, true, false, 0, 0},
    {"half-ehlo", MOX_STAGE_GREETING, MOX_E_TIMEOUT, true, false, 0, 0},
    {"drip", MOX_STAGE_READY, MOX_OK, false, false, 44000, 0},
    {"drip-ehlo", MOX_STAGE_READY, MOX_OK, false, false, 0, 28500},
    {"ptr", MOX_STAGE_CONNECT, MOX_E_REFUSED, false, true, 0, 0},
    {"ptr-close", MOX_STAGE_CONNECT, MOX_E_REFUSED, false, true, 0, 0},
    {"ptr-ehlo", MOX_STAGE_GREETING, MOX_E_REFUSED, false, true, 0, 0},
    {"ptr-helo", MOX_STAGE_GREETING, MOX_E_REFUSED, false, true, 0, 0},
    {"reject", MOX_STAGE_CONNECT, MOX_E_REFUSED, false, true, 0, 0},
    {"reject-ehlo", MOX_STAGE_GREETING, MOX_E_REFUSED, false, true, 0, 0},
    {"temp", MOX_STAGE_CONNECT, MOX_E_REFUSED, false, false, 0, 0},
    {"temp-ehlo", MOX_STAGE_GREETING, MOX_E_REFUSED, false, false, 0, 0},
    {"busy", MOX_STAGE_CONNECT, MOX_E_REFUSED, false, false, 0, 0},
    {"busy-ehlo", MOX_STAGE_GREETING, MOX_E_REFUSED, false, false, 0, 0},
    {"old", MOX_STAGE_READY, MOX_OK, false, false, 0, 0},
    {"old-502", MOX_STAGE_READY, MOX_OK, false, false, 0, 0},
    {"older", MOX_STAGE_GREETING, MOX_E_REFUSED, false, true, 0, 0},
    {"hello-only", MOX_STAGE_READY, MOX_OK, false, false, 0, 0},
    {"close", MOX_STAGE_CONNECT, MOX_E_CLOSED, false, false, 0, 0},
    {"reset", MOX_STAGE_CONNECT, MOX_E_CLOSED, false, false, 0, 0},
    {"close-greeted", MOX_STAGE_GREETING, MOX_E_CLOSED, false, false, 0, 0},
    {"reset-greeted", MOX_STAGE_GREETING, MOX_E_CLOSED, false, false, 0, 0},
    {"close-ehlo", MOX_STAGE_GREETING, MOX_E_CLOSED, false, false, 0, 0},
    {"reset-ehlo", MOX_STAGE_GREETING, MOX_E_CLOSED, false, false, 0, 0},
    {"garbage", MOX_STAGE_CONNECT, MOX_E_PROTOCOL, false, false, 0, 0},
    {"binary", MOX_STAGE_CONNECT, MOX_E_PROTOCOL, false, false, 0, 0},
    {"code-changes", MOX_STAGE_GREETING, MOX_E_PROTOCOL, false, false, 0, 0},
    {"354", MOX_STAGE_CONNECT, MOX_E_PROTOCOL, false, false, 0, 0},
    {"nonsense", MOX_STAGE_GREETING, MOX_E_PROTOCOL, false, false, 0, 0},
    {"ahead", MOX_STAGE_READY, MOX_OK, false, false, 0, 0},
    {"endless", MOX_STAGE_CONNECT, MOX_E_LIMIT, false, false, 0, 0},
    {"endless-ehlo", MOX_STAGE_GREETING, MOX_E_LIMIT, false, false, 0, 0},
    {"endless-line", MOX_STAGE_GREETING, MOX_E_LIMIT, false, false, 0, 0},
    {"lf-only", MOX_STAGE_READY, MOX_OK, false, false, 0, 0},
};

static const struct server *server_of(const struct seed_place *place)
{
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        if (strcmp(servers[i].name, place->server->name) == 0)
            return &servers[i];
    }
    return NULL;
}

/* One way to a server's end, step by step. */
struct walk {
    const struct reference_way *way;
    const struct seed_place *place;
    const struct reference_demand *demand;
    const struct server *server;
    struct reference_end *end;
    int stage;   /* of the step; enum mox_stage */
    bool sealed; /* TLS is up */
    bool fails;  /* what went wrong is of a kind that allows a second try in clear */
};

static uint32_t reply_ms(const struct seed_place *place)
{
    return place->server->ms == 0 ? DEFAULT_MS : place->server->ms;
}

static bool fails_with(struct walk *w, int code)
{
    w->end->code = code;
    w->end->stage = w->stage;
    return false;
}

/* Each step returns whether the next one comes; false: it is over, well or not. */
static bool wait_for(struct walk *w, uint32_t needs_ms, uint32_t most_ms)
{
    w->end->ms += needs_ms < most_ms ? needs_ms : most_ms;
    return needs_ms <= most_ms || fails_with(w, MOX_E_TIMEOUT);
}

static bool is_goal(const struct walk *w, int stage)
{
    return w->end->serves = w->way->wanted == stage;
}

static bool greets(struct walk *w)
{
    uint32_t ms = w->server->greeting_ms;

    w->stage = MOX_STAGE_GREETING;
    if (w->place->secure.there && w->place->secure.immediate && !w->sealed)
        return wait_for(w, UINT32_MAX, w->way->greeting_ms); /* it waits for us */
    if (w->server->reaches < MOX_STAGE_GREETING) {
        bool hangs = w->server->hangs || ms > w->way->greeting_ms;

        w->end->greets = !w->server->hangs;
        w->end->says_5xx = w->server->says_5xx;
        return hangs ? wait_for(w, UINT32_MAX, w->way->greeting_ms)
                     : fails_with(w, w->server->code);
    }
    if (!wait_for(w, ms, w->way->greeting_ms))
        return false;
    return w->end->greets = true;
}

static bool says_hello(struct walk *w)
{
    w->stage = MOX_STAGE_EHLO;
    if (w->server->reaches < MOX_STAGE_READY) {
        w->end->says_5xx = w->server->says_5xx;
        return w->server->hangs ? wait_for(w, UINT32_MAX, 2 * w->way->ehlo_ms)
                                : fails_with(w, w->server->code);
    }
    return wait_for(w, w->server->ehlo_ms, w->way->ehlo_ms);
}

static bool has_offers(const struct walk *w)
{
    return w->place->server->ehlo == NULL;
}

static bool shakes_hands(struct walk *w)
{
    const struct secure *secure = &w->place->secure;

    w->fails = true;
    if (w->way->tiny_writes)
        w->end->ms += TINY_WRITES_MS;
    if (secure->shake == SECURE_STALLS)
        return wait_for(w, UINT32_MAX, w->way->tls_ms);
    if (secure->shake != SECURE_SHAKES)
        return fails_with(w, MOX_E_TLS);
    w->fails = false;
    if (!reference_proves(w->demand, secure->paper, &w->end->verified))
        return fails_with(w, MOX_E_VERIFY);
    return w->sealed = true;
}

/* What comes of a greeting in clear, or of an end, where the first record of TLS was to come. Not
 * foretold: words that come so slowly that the deadline may come first. */
static int misread(const struct walk *w)
{
    const char *greeting = w->place->server->greeting;

    if (w->server->greeting_ms > 0)
        return REFERENCE_ANY_CODE;
    return greeting != NULL && *greeting == '\0' ? MOX_E_TIMEOUT : MOX_E_TLS;
}

/* A server that speaks, where we would shake hands; or one that waits for words. */
static bool begins_sealed(struct walk *w)
{
    const struct secure *secure = &w->place->secure;

    w->stage = MOX_STAGE_TLS;
    if (secure->there && secure->immediate)
        return shakes_hands(w);
    if (w->server->hangs || w->server->greeting_ms > 0)
        wait_for(w, UINT32_MAX, w->way->tls_ms);
    return fails_with(w, misread(w));
}

/* By the reply to STARTTLS. clear: it is whole, and no 220. */
static int code_of(int reply, bool *clear)
{
    *clear = reply == SECURE_UNKNOWN || reply == SECURE_REFUSED || reply == SECURE_LATER ||
             reply == SECURE_GOODBYE || reply == SECURE_YES_BUT;
    if (reply == SECURE_HANGS_UP)
        return MOX_E_CLOSED;
    return *clear && reply != SECURE_YES_BUT ? MOX_E_REFUSED : MOX_E_PROTOCOL;
}

static bool starts_tls(struct walk *w)
{
    const struct secure *secure = &w->place->secure;
    int reply = secure->there ? secure->reply : SECURE_UNKNOWN;

    w->stage = MOX_STAGE_TLS;
    if (strcmp(w->server->name, "ahead") == 0)
        return fails_with(w, MOX_E_PROTOCOL);
    if (reply == SECURE_MUTE)
        return wait_for(w, UINT32_MAX, w->way->tls_ms);
    if (!wait_for(w, reply_ms(w->place), w->way->tls_ms))
        return false;
    if (reply == SECURE_GO_AHEAD)
        return shakes_hands(w);
    return fails_with(w, code_of(reply, &w->fails));
}

static bool says_hello_again(struct walk *w)
{
    int after = w->place->secure.after;

    w->stage = MOX_STAGE_EHLO;
    if (!wait_for(w, reply_ms(w->place), w->way->ehlo_ms))
        return false;
    w->end->says_5xx = after == SECURE_NO_HELLO || after == SECURE_OLD;
    if (w->end->says_5xx)
        return fails_with(w, MOX_E_REFUSED);
    return after == SECURE_GOES_ON || fails_with(w, MOX_E_CLOSED);
}

/* The mechanism that is taken; -1: none fits. */
static int choose(const struct walk *w)
{
    static const int defaults[] = {LOGIN_SCRAM_256_PLUS, LOGIN_SCRAM_256, LOGIN_SCRAM_1_PLUS,
                                   LOGIN_SCRAM_1, LOGIN_CRAM_MD5};
    const struct seed_transport *t = w->way->login;
    const int *list = t->nmechanisms > 0 ? t->mechanisms : defaults;
    size_t n = t->nmechanisms > 0 ? t->nmechanisms : 5;
    uint32_t offered = w->place->secure.login.mechanisms;

    for (size_t i = 0; i < n; i++) {
        bool plus = list[i] == LOGIN_SCRAM_256_PLUS || list[i] == LOGIN_SCRAM_1_PLUS;
        bool secret = list[i] >= LOGIN_PLAIN;

        if ((offered >> list[i] & 1) == 0 || ((plus || secret) && !w->sealed))
            continue;
        if (plus && w->place->secure.old_secret && !MBED_TLS13)
            continue;
        return list[i];
    }
    return -1;
}

static bool is_refused_for_good(int fault, int mechanism)
{
    bool scram = mechanism < LOGIN_CRAM_MD5;

    return fault == LOGIN_REFUSED || (fault == LOGIN_REPLAYED && !scram) ||
           (fault == LOGIN_FORGED && mechanism > LOGIN_CRAM_MD5);
}

static bool logs_in(struct walk *w)
{
    const struct login *login = &w->place->secure.login;
    bool here = has_offers(w) || !w->place->secure.immediate;
    bool offered = login->mechanisms != 0 && (w->sealed ? here : has_offers(w) && login->plain);
    int mechanism = offered ? choose(w) : -1;

    w->stage = MOX_STAGE_AUTH;
    if (strcmp(w->server->name, "ahead") == 0)
        return fails_with(w, MOX_E_PROTOCOL);
    w->end->ends_dial = mechanism < 0 || is_refused_for_good(login->fault, mechanism);
    if (w->end->ends_dial)
        return fails_with(w, MOX_E_AUTH);
    w->end->unsure = w->end->unsure || (MBED_TLS13 && mechanism <= LOGIN_SCRAM_1_PLUS);
    if (login->fault == LOGIN_MUTE)
        return wait_for(w, UINT32_MAX, w->way->auth_ms);
    if (!wait_for(w, reply_ms(w->place), w->way->auth_ms))
        return false;
    w->end->ms += 3 * reply_ms(w->place);
    return login->fault == LOGIN_WORKS ||
           (login->fault == LOGIN_EARLY && mechanism >= LOGIN_PLAIN && mechanism != LOGIN_LOGIN) ||
           fails_with(w, login->fault == LOGIN_CUT ? MOX_E_CLOSED : MOX_E_AUTH);
}

/* From EHLO on. */
static void finish(struct walk *w)
{
    bool announced =
        w->sealed && w->place->secure.requiretls && (has_offers(w) || !w->place->secure.immediate);

    if (w->way->login != NULL && !logs_in(w))
        return;
    if (w->way->login != NULL && is_goal(w, MOX_STAGE_AUTH))
        return;
    w->end->lacks_requiretls = w->demand->requiretls && !announced;
    w->end->serves = !w->end->lacks_requiretls;
    w->stage = MOX_STAGE_EHLO; /* where it was to be announced */
    if (w->end->lacks_requiretls)
        fails_with(w, MOX_E_NO_EXTENSION);
}

static void walk(struct walk *w)
{
    bool offered = w->place->secure.there && w->place->secure.offered && has_offers(w);
    const struct reference_demand *demand = w->demand;

    if (demand->immediate && (!begins_sealed(w) || is_goal(w, MOX_STAGE_TLS)))
        return;
    if (!greets(w) || is_goal(w, MOX_STAGE_GREETING) || is_goal(w, MOX_STAGE_PROXY))
        return;
    if (!says_hello(w) || is_goal(w, MOX_STAGE_EHLO))
        return;
    if (!demand->never && !demand->immediate && (demand->always || offered) &&
        (!starts_tls(w) || is_goal(w, MOX_STAGE_TLS) || !says_hello_again(w)))
        return;
    finish(w);
}

void reference_end(const struct reference_way *way, const struct seed_place *place,
                   const struct reference_demand *demand, struct reference_end *end)
{
    struct walk w = {way, place, demand, server_of(place), end, MOX_STAGE_NONE, false, false};

    *end = (struct reference_end){.ms = SOON_MS, .unsure = demand->unsure};
    if (way->wanted == MOX_STAGE_CONNECT || (way->wanted == MOX_STAGE_PROXY && way->proxied)) {
        end->serves = true;
        return;
    }
    walk(&w);
    end->tls = w.sealed;
    if (!w.sealed)
        end->verified = MOX_TLS_NONE;
    if (!w.fails)
        return;
    end->ms *= 3; /* once more, without an old session, and once more in clear */
    if (demand->or_plain)
        end->again = end->serves = true; /* the same server comes as far as it came before */
}
