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

enum { CODE_GREETING = 220, CODE_REFUSED = 400 /* and above */, CODE_CLOSING = 421 };
enum { QUOTED = 80 /* bytes shown in an error */ };
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

    s->greeting = mem_text(text.ptr, text.len);
    if (s->greeting == NULL)
        return error_nomem(err);
    if (s->reply.code != CODE_GREETING)
        return refuse(s, next, err);
    *next = s->stop_at == MOX_STAGE_GREETING ? SMTP_READY : SMTP_EHLO;
    return MOX_OK;
}

static int take_ehlo(struct smtp_session *s, enum smtp_state *next, struct mox_error *err)
{
    if (is_ehlo_unknown(s)) {
        *next = SMTP_HELO;
        return MOX_OK;
    }
    if (!is_success(s))
        return refuse(s, next, err);
    *next = SMTP_READY;
    smtp_ehlo_free(&s->ehlo); /* of an earlier EHLO (RFC 3207 section 4.2) */
    return smtp_ehlo_parse(smtp_reply_text(&s->reply), &s->ehlo, err);
}

static int take_helo(struct smtp_session *s, enum smtp_state *next, struct mox_error *err)
{
    if (!is_success(s))
        return refuse(s, next, err);
    *next = SMTP_READY;
    return MOX_OK;
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
    [SMTP_READY] = {"ready", "", MOX_STAGE_READY, SMTP_DEADLINE_NONE, NULL, NULL},
    [SMTP_REFUSED] = {"refused", "", MOX_STAGE_NONE, SMTP_DEADLINE_NONE, NULL, NULL},
    [SMTP_QUIT] = {"quit", "", MOX_STAGE_NONE, SMTP_DEADLINE_NONE, say_quit, NULL},
    [SMTP_BROKEN] = {"broken", "", MOX_STAGE_NONE, SMTP_DEADLINE_NONE, NULL, NULL},
};
static_assert(ARRAY_LEN(states) == SMTP_BROKEN + 1, "a row for each state");

/* The one place where the state changes. */
static void session_enter(struct smtp_session *s, enum smtp_state next)
{
    s->state = (uint8_t)next;
    if (next == SMTP_READY)
        s->stage = s->stop_at;
    else if (states[next].stage != MOX_STAGE_NONE)
        s->stage = (uint8_t)states[next].stage;
    if (next == SMTP_BROKEN)
        s->out = (struct slice){0}; /* half a command must not follow */
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

/* The whole reply leaves the state. */
static int end_reply(struct smtp_session *s, struct mox_error *err)
{
    enum smtp_state next = SMTP_BROKEN;
    int status;

    if (s->early && s->reply.code != CODE_CLOSING)
        status = out_of_turn(s, err);
    else
        status = states[s->state].take(s, &next, err);
    smtp_reply_free(&s->reply);
    if (status != MOX_OK && next != SMTP_REFUSED)
        next = SMTP_BROKEN;
    session_enter(s, next);
    return status;
}

static int take_bytes(struct smtp_session *s, struct slice bytes, size_t *used,
                      struct mox_error *err)
{
    int status;

    if (s->reply.bytes == 0)
        s->early = s->out.len > 0;
    status = smtp_reply_push(&s->reply, bytes, used, err);
    if (status != MOX_OK) {
        smtp_reply_free(&s->reply);
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
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] <= ' ' || name.ptr[i] >= 0x7f) /* bytes over 0x7f: negative, or above */
            return error_set(err, MOX_E_INVAL,
                             "EHLO name has a blank, a control character or a byte that is not "
                             "ASCII at position %zu",
                             i + 1);
    }
    return MOX_OK;
}

/* The stage this session has at or behind the one that is asked for. */
static uint8_t stage_at_or_after(int stop_at)
{
    if (stop_at == MOX_STAGE_NONE || stop_at > MOX_STAGE_EHLO)
        return MOX_STAGE_READY;
    return stop_at == MOX_STAGE_EHLO ? MOX_STAGE_EHLO : MOX_STAGE_GREETING;
}

/* The name, and behind its NUL the command that says it, but for the verb. */
static char *make_hello(struct slice name)
{
    char *text = mem_resize(NULL, name.len + 1 + HELLO_LEN + name.len, 1), *line;

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

int smtp_session_start(struct smtp_session *s, struct slice name, int stop_at,
                       struct mox_error *err)
{
    int status = check_name(name, err);

    *s = (struct smtp_session){0};
    if (status != MOX_OK)
        return status;
    s->name = make_hello(name);
    if (s->name == NULL)
        return error_nomem(err);
    s->stop_at = stage_at_or_after(stop_at);
    session_enter(s, SMTP_GREETING);
    return MOX_OK;
}

struct slice smtp_session_output(const struct smtp_session *s)
{
    return s->out;
}

void smtp_session_sent(struct smtp_session *s, size_t n)
{
    s->out = n < s->out.len ? slice_sub(s->out, n, s->out.len) : (struct slice){0};
}

int smtp_session_input(struct smtp_session *s, struct slice bytes, size_t *used,
                       struct mox_error *err)
{
    int stage = s->stage, status;

    *used = 0;
    if (s->state == SMTP_READY)
        return MOX_OK;
    if (states[s->state].take == NULL)
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
    smtp_ehlo_free(&s->ehlo);
    mem_free(s->name);
    mem_free(s->greeting);
    *s = (struct smtp_session){0};
}
