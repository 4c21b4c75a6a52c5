/*
 * session.c - see session.h. To enter a state is to say its command, a whole reply leaves it. To
 * add a state is to add it to the enum, a row to the table and its two functions.
 */
#include "smtp/session.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "policy/classify.h"
#include "smtp/auth.h"

enum {
    CODE_GREETING = 220,
    CODE_GO_AHEAD = 220, /* with TLS */
    CODE_LOGGED_IN = 235,
    CODE_CHALLENGE = 334,
    CODE_REFUSED = 400, /* and above */
    CODE_CLOSING = 421
};
enum { QUOTED = 80 /* bytes shown in an error */ };
enum { REPLY_SEED = 256 /* bytes; a longer reply moves out */ };
enum { VERB_LEN = 4, HELLO_LEN = VERB_LEN + 1 + 2 /* blank and line end: all but the name */ };

static_assert(sizeof(struct smtp_session) <= 200, "a dial in flight has 2 KiB for everything");

/* The command behind the name; what was said before has been written, or nobody would answer. */
static void say_hello(struct smtp_session *s, const char verb[VERB_LEN + 1])
{
    size_t len = strlen(s->name);
    char *line = s->name + len + 1;

    memcpy(line, verb, VERB_LEN);
    s->out = (struct slice){line, HELLO_LEN + len};
}

static void say_ehlo(struct smtp_session *s)
{
    say_hello(s, "EHLO");
}

static void say_helo(struct smtp_session *s)
{
    say_hello(s, "HELO");
}

static void say_starttls(struct smtp_session *s)
{
    s->out = slice_of("STARTTLS\r\n");
}

static void say_auth(struct smtp_session *s)
{
    s->out = smtp_auth_line(s->auth);
}

static void say_cancel(struct smtp_session *s)
{
    s->out = slice_of("*\r\n");
}

static void say_quit(struct smtp_session *s)
{
    s->out = slice_of("QUIT\r\n");
}

/* A code that says neither yes nor no. */
static int unexpected(const struct smtp_session *s, struct mox_error *err)
{
    error_set(err, MOX_E_PROTOCOL, "the server broke SMTP: its %s has the code %d",
              smtp_session_awaited(s), s->reply.code);
    if (err == NULL)
        return MOX_E_PROTOCOL;
    err->smtp_code = s->reply.code;
    slice_clean(smtp_reply_text(&s->reply), true, err->reply, sizeof err->reply);
    return err->code;
}

/* The reply is not the one that is wanted. */
static int refuse(struct smtp_session *s, enum smtp_state *next, struct mox_error *err)
{
    struct slice text = smtp_reply_text(&s->reply);
    int code = s->reply.code;

    if (code < CODE_REFUSED)
        return unexpected(s, err);
    *next = code == CODE_CLOSING ? SMTP_BROKEN : SMTP_REFUSED;
    if (err != NULL)
        policy_classify(s->stage, code, text, err);
    return MOX_E_REFUSED;
}

static bool is_success(const struct smtp_session *s)
{
    return s->reply.code >= 200 && s->reply.code <= 299;
}

/* Codes of servers that do not know EHLO (500 and 502 by RFC 5321 section 4.2.4; the others as
 * mox). */
static bool is_ehlo_unknown(const struct smtp_session *s)
{
    return s->reply.code >= 500 && s->reply.code <= 504;
}

static int take_greeting(struct smtp_session *s, enum smtp_state *next, struct mox_error *err)
{
    struct slice text = smtp_reply_text(&s->reply);

    s->greeting = arena_text(s->arena, text);
    if (s->greeting == NULL)
        return error_nomem(err);
    if (s->reply.code != CODE_GREETING)
        return refuse(s, next, err);
    *next = s->stop_at == MOX_STAGE_GREETING ? SMTP_READY : SMTP_EHLO;
    return MOX_OK;
}

/* Where to go once the server has said what it offers. */
static enum smtp_state after_hello(const struct smtp_session *s)
{
    bool offered = (s->ehlo.extensions & MOX_EXT_STARTTLS) != 0;

    if (s->stop_at == MOX_STAGE_EHLO)
        return SMTP_READY;
    if (!s->secured &&
        (s->starttls == SMTP_STARTTLS_ALWAYS || (s->starttls == SMTP_STARTTLS_OFFERED && offered)))
        return SMTP_STARTTLS;
    return s->login ? SMTP_LOGIN : SMTP_READY;
}

static int take_ehlo(struct smtp_session *s, enum smtp_state *next, struct mox_error *err)
{
    bool again = s->secured && s->starttls != SMTP_STARTTLS_NEVER; /* who offers that knows EHLO */
    int status;

    if (is_ehlo_unknown(s) && !again) {
        *next = SMTP_HELO;
        return MOX_OK;
    }
    if (!is_success(s))
        return refuse(s, next, err);
    status = smtp_ehlo_parse(smtp_reply_text(&s->reply), s->arena, &s->ehlo, err);
    *next = status == MOX_OK ? after_hello(s) : SMTP_BROKEN;
    return status;
}

static int take_helo(struct smtp_session *s, enum smtp_state *next, struct mox_error *err)
{
    if (!is_success(s))
        return refuse(s, next, err);
    *next = after_hello(s);
    return MOX_OK;
}

static int take_starttls(struct smtp_session *s, enum smtp_state *next, struct mox_error *err)
{
    if (s->reply.code != CODE_GO_AHEAD)
        return refuse(s, next, err);
    *next = SMTP_HANDSHAKE;
    return MOX_OK;
}

/* Ends the login by our own will; the server's reply to that is awaited. */
static int cancel_login(struct smtp_session *s, enum smtp_state *next, const struct mox_error *why,
                        struct mox_error *err)
{
    if (smtp_auth_cancel(s->auth, why) != MOX_OK)
        return error_nomem(err);
    *next = SMTP_CANCEL;
    return MOX_OK;
}

static int take_challenge(struct smtp_session *s, enum smtp_state *next, struct mox_error *err)
{
    struct mox_error why;
    int status = smtp_auth_challenge(s->auth, smtp_reply_text(&s->reply), &why);

    if (status == MOX_E_NOMEM)
        return error_nomem(err);
    if (status != MOX_OK)
        return cancel_login(s, next, &why, err);
    *next = SMTP_AUTH;
    return MOX_OK;
}

static int take_auth(struct smtp_session *s, enum smtp_state *next, struct mox_error *err)
{
    int status;

    if (s->reply.code == CODE_CHALLENGE)
        return take_challenge(s, next, err);
    if (s->reply.code == CODE_LOGGED_IN && smtp_auth_done(s->auth)) {
        s->logged_in = true;
        *next = SMTP_READY;
        return MOX_OK;
    }
    if (s->reply.code == CODE_LOGGED_IN)
        return error_set(err, MOX_E_AUTH,
                         "the server accepted the login before the mechanism had come to its end, "
                         "so it has not shown that it is the right one; nothing was sent");
    status = refuse(s, next, err);
    if (status != MOX_E_REFUSED || err == NULL)
        return status == MOX_E_REFUSED ? MOX_E_AUTH : status;
    err->code = MOX_E_AUTH;
    smtp_auth_explain(s->auth, err);
    return MOX_E_AUTH;
}

static int take_cancelled(struct smtp_session *s, enum smtp_state *next, struct mox_error *err)
{
    *next = s->reply.code == CODE_CLOSING ? SMTP_BROKEN : SMTP_REFUSED;
    return smtp_auth_why(s->auth, err);
}

static const struct {
    const char *name;    /* as the trace shows it */
    const char *awaited; /* whose end it waits for; "": nothing's */
    enum mox_stage stage;
    enum smtp_deadline deadline;
    /* Put the command into the output; NULL: nothing is said. */
    void (*say)(struct smtp_session *s);
    /* The reply is whole: where to go, SMTP_BROKEN unless set. NULL: no reply is taken here. */
    int (*take)(struct smtp_session *s, enum smtp_state *next, struct mox_error *err);
} states[] = {
    [SMTP_GREETING] = {"greeting", "greeting", MOX_STAGE_GREETING, SMTP_DEADLINE_GREETING, NULL,
                       take_greeting},
    [SMTP_EHLO] = {"ehlo", "reply to EHLO", MOX_STAGE_EHLO, SMTP_DEADLINE_EHLO, say_ehlo,
                   take_ehlo},
    [SMTP_HELO] = {"helo", "reply to HELO", MOX_STAGE_EHLO, SMTP_DEADLINE_EHLO, say_helo,
                   take_helo},
    [SMTP_STARTTLS] = {"starttls", "reply to STARTTLS", MOX_STAGE_TLS, SMTP_DEADLINE_TLS,
                       say_starttls, take_starttls},
    [SMTP_HANDSHAKE] = {"handshake", "TLS handshake", MOX_STAGE_TLS, SMTP_DEADLINE_TLS, NULL, NULL},
    [SMTP_LOGIN] = {"login", "", MOX_STAGE_AUTH, SMTP_DEADLINE_NONE, NULL, NULL},
    [SMTP_AUTH] = {"auth", "reply to AUTH", MOX_STAGE_AUTH, SMTP_DEADLINE_AUTH, say_auth,
                   take_auth},
    [SMTP_CANCEL] = {"cancel", "reply to the end of AUTH", MOX_STAGE_AUTH, SMTP_DEADLINE_AUTH,
                     say_cancel, take_cancelled},
    [SMTP_READY] = {"ready", "", MOX_STAGE_READY, SMTP_DEADLINE_NONE, NULL, NULL},
    [SMTP_REFUSED] = {"refused", "", MOX_STAGE_NONE, SMTP_DEADLINE_NONE, NULL, NULL},
    [SMTP_QUIT] = {"quit", "", MOX_STAGE_NONE, SMTP_DEADLINE_NONE, say_quit, NULL},
    [SMTP_BROKEN] = {"broken", "", MOX_STAGE_NONE, SMTP_DEADLINE_NONE, NULL, NULL},
};
static_assert(ARRAY_LEN(states) == SMTP_BROKEN + 1, "a row for each state");

/* What READY has reached: where it was to stop, if this session came by there. */
static enum mox_stage reached(const struct smtp_session *s)
{
    if (s->stop_at <= MOX_STAGE_EHLO || (s->stop_at == MOX_STAGE_TLS && s->secured))
        return (enum mox_stage)s->stop_at;
    return s->stop_at <= MOX_STAGE_AUTH && s->logged_in ? MOX_STAGE_AUTH : MOX_STAGE_READY;
}

/* The one place where the state changes. */
static void session_enter(struct smtp_session *s, enum smtp_state next)
{
    s->state = (uint8_t)next;
    s->turn++;
    if (next == SMTP_READY)
        s->stage = (uint8_t)reached(s);
    else if (states[next].stage != MOX_STAGE_NONE)
        s->stage = (uint8_t)states[next].stage;
    if (states[next].take == NULL && next != SMTP_READY)
        smtp_reply_rest(&s->reply);
    if (next == SMTP_BROKEN)
        s->out = (struct slice){0}; /* half a command must not follow */
    if (next != SMTP_AUTH && next != SMTP_CANCEL) {
        smtp_auth_free(s->auth);
        s->auth = NULL;
    }
    if (states[next].say != NULL)
        states[next].say(s);
}

static int out_of_turn(const struct smtp_session *s, struct mox_error *err)
{
    char quoted[QUOTED];

    slice_clean(smtp_reply_text(&s->reply), false, quoted, sizeof quoted);
    return error_set(err, MOX_E_PROTOCOL,
                     "the server broke SMTP: it spoke out of turn, before it was asked: \"%d %s\"",
                     s->reply.code, quoted);
}

/* Bytes in the owner's turn. Behind the reply to STARTTLS they would be read as if they had come
 * under TLS (RFC 3207 section 6). */
static int untimely(struct smtp_session *s, struct mox_error *err)
{
    int status = error_set(err, MOX_E_PROTOCOL,
                           s->state == SMTP_HANDSHAKE
                               ? "the server broke SMTP: bytes came behind its reply to STARTTLS, "
                                 "before the handshake, as if somebody had slipped them in"
                               : "the server broke SMTP: it spoke out of turn, before AUTH");

    session_enter(s, SMTP_BROKEN);
    return status;
}

/* Memory for replies that lives as long as what is kept of them, for as a rule all of them fit. */
static int seed_reply(struct smtp_session *s, struct mox_error *err)
{
    void *memory = arena_bytes(s->arena, REPLY_SEED, 1);

    if (memory == NULL)
        return error_nomem(err);
    buffer_seed(&s->reply.text, memory, REPLY_SEED);
    return MOX_OK;
}

/* The whole reply leaves the state. */
static int end_reply(struct smtp_session *s, struct mox_error *err)
{
    enum smtp_state next = SMTP_BROKEN;
    int status;

    if (s->early && s->reply.code != CODE_CLOSING)
        status = out_of_turn(s, err);
    else
        status = states[s->state].take(s, &next, err);
    smtp_reply_clear(&s->reply);
    if (status != MOX_OK && next != SMTP_REFUSED)
        next = SMTP_BROKEN;
    session_enter(s, next);
    return status;
}

static int take_bytes(struct smtp_session *s, struct slice bytes, size_t *used,
                      struct mox_error *err)
{
    int status = MOX_OK;

    if (s->reply.bytes == 0)
        s->early = s->out.len > 0;
    if (s->reply.text.ptr == NULL)
        status = seed_reply(s, err);
    if (status == MOX_OK)
        status = smtp_reply_push(&s->reply, bytes, used, err);
    if (status != MOX_OK) {
        session_enter(s, SMTP_BROKEN);
        return status;
    }
    return s->reply.complete ? end_reply(s, err) : MOX_OK;
}

/* What can stand as the argument of EHLO and cannot end its line. */
static int check_name(struct slice name, struct mox_error *err)
{
    if (name.len == 0)
        return error_set(err, MOX_E_INVAL, "no name to give in EHLO");
    if (name.len > MOX_LIMIT_DOMAIN)
        return error_set(err, MOX_E_INVAL, "EHLO name of over %d bytes (MOX_LIMIT_DOMAIN)",
                         MOX_LIMIT_DOMAIN);
    if (slice_is_plain(name) && slice_find(name, ' ') == name.len)
        return MOX_OK;
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] <= ' ' || name.ptr[i] >= 0x7f) /* bytes over 0x7f: negative, or above */
            return error_set(err, MOX_E_INVAL,
                             "EHLO name has a blank, a control character or a byte that is not "
                             "ASCII at position %zu",
                             i + 1);
    }
    return MOX_OK;
}

/* The stage that any session may have at or behind the one that is asked for. */
static uint8_t stage_at_or_after(int stop_at)
{
    if (stop_at == MOX_STAGE_NONE || stop_at > MOX_STAGE_READY)
        return MOX_STAGE_READY;
    return (uint8_t)(stop_at < MOX_STAGE_GREETING ? MOX_STAGE_GREETING : stop_at);
}

/* The name, and behind its NUL the command that says it, but for the verb. */
static char *make_hello(struct arena *arena, struct slice name)
{
    char *text = arena_bytes(arena, name.len + 1 + HELLO_LEN + name.len, 1), *line;

    if (text == NULL)
        return NULL;
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    line = text + name.len + 1;
    line[VERB_LEN] = ' ';
    memcpy(line + VERB_LEN + 1, name.ptr, name.len);
    line[VERB_LEN + 1 + name.len] = '\r';
    line[VERB_LEN + 2 + name.len] = '\n';
    return text;
}

int smtp_session_start(struct smtp_session *s, struct arena *arena, struct slice name, int stop_at,
                       struct mox_error *err)
{
    int status = check_name(name, err);

    *s = (struct smtp_session){.arena = arena};
    if (status != MOX_OK)
        return status;
    s->name = make_hello(arena, name);
    if (s->name == NULL)
        return error_nomem(err);
    s->stop_at = stage_at_or_after(stop_at);
    session_enter(s, SMTP_GREETING);
    return MOX_OK;
}

void smtp_session_plan(struct smtp_session *s, int starttls, bool login)
{
    s->starttls = (uint8_t)starttls;
    s->login = login;
}

void smtp_session_secured(struct smtp_session *s)
{
    s->secured = true;
    if (s->state != SMTP_HANDSHAKE) /* before the greeting */
        return;
    s->ehlo = (struct smtp_ehlo){0};
    session_enter(s, s->stop_at == MOX_STAGE_TLS ? SMTP_READY : SMTP_EHLO);
}

int smtp_session_login(struct smtp_session *s, struct sasl *sasl, struct mox_error *err)
{
    int status = smtp_auth_new(sasl, &s->auth, err);

    session_enter(s, status == MOX_OK ? SMTP_AUTH : SMTP_REFUSED);
    if (status != MOX_OK && err != NULL)
        err->stage = MOX_STAGE_AUTH;
    return status;
}

struct slice smtp_session_output(const struct smtp_session *s)
{
    return s->out;
}

const char *smtp_session_masked(const struct smtp_session *s)
{
    return s->state == SMTP_AUTH ? smtp_auth_masked(s->auth) : NULL;
}

void smtp_session_sent(struct smtp_session *s, size_t n)
{
    s->out = n < s->out.len ? slice_sub(s->out, n, s->out.len) : (struct slice){0};
    if (s->out.len == 0 && s->state == SMTP_AUTH)
        smtp_auth_sent(s->auth);
}

int smtp_session_input(struct smtp_session *s, struct slice bytes, size_t *used,
                       struct mox_error *err)
{
    int stage = s->stage, status;

    *used = 0;
    if (s->state == SMTP_READY)
        return MOX_OK;
    if (s->state == SMTP_HANDSHAKE || s->state == SMTP_LOGIN)
        status = untimely(s, err);
    else if (states[s->state].take == NULL)
        status =
            error_set(err, MOX_E_STATE, "the SMTP session is over (%s)", states[s->state].name);
    else
        status = take_bytes(s, bytes, used, err);
    if (status != MOX_OK && err != NULL)
        err->stage = stage;
    return status;
}

int smtp_session_eof(const struct smtp_session *s, struct mox_error *err)
{
    const char *awaited = states[s->state].awaited;

    if (*awaited == '\0')
        error_set(err, MOX_E_CLOSED, "the server closed the connection");
    else
        error_set(err, MOX_E_CLOSED, "the server closed the connection %s its %s",
                  s->reply.bytes == 0 ? "before" : "in the middle of", awaited);
    if (err != NULL)
        err->stage = s->stage;
    return MOX_E_CLOSED;
}

struct buffer *smtp_session_spare(struct smtp_session *s)
{
    return &s->reply.text;
}

bool smtp_session_ready(const struct smtp_session *s)
{
    return s->state == SMTP_READY;
}

void smtp_session_quit(struct smtp_session *s)
{
    if (s->state == SMTP_READY || s->state == SMTP_REFUSED)
        session_enter(s, SMTP_QUIT);
}

int smtp_session_stage(const struct smtp_session *s)
{
    return s->stage;
}

int smtp_session_deadline_kind(const struct smtp_session *s)
{
    return (int)states[s->state].deadline;
}

const char *smtp_session_awaited(const struct smtp_session *s)
{
    return states[s->state].awaited;
}

const char *smtp_session_state_name(int state)
{
    if (state < 0 || (size_t)state >= ARRAY_LEN(states))
        return "unknown";
    return states[state].name;
}

const char *smtp_session_greeting(const struct smtp_session *s)
{
    return s->greeting;
}

const char *smtp_session_name(const struct smtp_session *s)
{
    return s->stage >= MOX_STAGE_EHLO ? s->name : NULL;
}

void smtp_session_free(struct smtp_session *s)
{
    smtp_reply_free(&s->reply);
    smtp_auth_free(s->auth);
    *s = (struct smtp_session){0};
}
