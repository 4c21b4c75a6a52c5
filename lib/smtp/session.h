/*
 * session.h - the client's side of an SMTP session as a machine without I/O and clock: bytes in,
 * bytes out (RFC 5321 section 3.1).
 *
 * The owner of the connection writes what smtp_session_output shows, tells what was written with
 * smtp_session_sent, gives what it read to smtp_session_input, and keeps the deadline of the state:
 * from the moment the state is entered to its whole reply.
 */
#ifndef SMTP_SESSION_H
#define SMTP_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <moxdial/base.h>

#include "base/arena.h"
#include "base/slice.h"
#include "smtp/ehlo.h"
#include "smtp/reply.h"

/*
 * GREETING --220--> EHLO --2xx-----------------------------------> READY --smtp_session_quit-->
 * QUIT |               |||`--500 to 504--> HELO --2xx---------------> ^ ^ ^ | ||`--2xx--> STARTTLS
 * --220--> HANDSHAKE ------> EHLO again                  | |               |`--2xx--> LOGIN -->
 * AUTH --235-----------------' (334: AUTH again)         | |               | `--our abort--> CANCEL
 * --.                            |
 *    `--4xx, 5xx-----+-----------------------------------------------+--> REFUSED ---------------'
 *
 * HANDSHAKE and LOGIN are the owner's turn. stop_at leads to READY earlier. 421, bytes that are no
 * reply or come out of turn, limits and lack of memory lead from anywhere to BROKEN, where nothing
 * is said any more.
 */
enum smtp_state {
    SMTP_GREETING = 0,
    SMTP_EHLO,
    SMTP_HELO,
    SMTP_STARTTLS,
    SMTP_HANDSHAKE, /* the owner lays TLS over the connection: smtp_session_secured */
    SMTP_LOGIN,     /* the owner says how to log in: smtp_session_login */
    SMTP_AUTH,
    SMTP_CANCEL,  /* "*" ends the login (RFC 4954 section 4); its reply is awaited */
    SMTP_READY,   /* the goal is reached; what the server says now is the host's to read */
    SMTP_REFUSED, /* by a reply; QUIT may be sent */
    SMTP_QUIT,    /* QUIT is in the output; its reply is not awaited */
    SMTP_BROKEN
};

/* Which of the host's deadlines holds; each is for a whole reply, not a byte. */
enum smtp_deadline {
    SMTP_DEADLINE_NONE = 0,
    SMTP_DEADLINE_GREETING,
    SMTP_DEADLINE_EHLO,
    SMTP_DEADLINE_TLS,
    SMTP_DEADLINE_AUTH
};

/* When STARTTLS is said (RFC 3207). */
enum smtp_starttls {
    SMTP_STARTTLS_NEVER = 0,
    SMTP_STARTTLS_OFFERED, /* if the server announced it */
    SMTP_STARTTLS_ALWAYS   /* also unannounced: who strips it from EHLO gains nothing */
};

struct sasl;
struct smtp_auth;

struct smtp_session {        /* all zero: not started; smtp_session_free is allowed */
    struct arena *arena;     /* borrowed: of what is kept of the dialogue */
    struct slice out;        /* to be written; points behind name, into auth, or to a constant */
    struct smtp_reply reply; /* the one that is awaited */
    struct smtp_ehlo ehlo;   /* of the last EHLO */
    char *name;              /* the argument of EHLO and HELO, then the command with it */
    const char *greeting;    /* the greeting's words; NULL: none came */
    struct smtp_auth *auth;  /* owned: the login under way; NULL: none */
    uint8_t state;           /* enum smtp_state */
    uint8_t stage;           /* enum mox_stage: at work, or reached */
    uint8_t stop_at;         /* MOX_STAGE_GREETING to _READY */
    uint8_t turn;            /* counts the states entered: another deadline */
    uint8_t starttls;        /* enum smtp_starttls */
    bool login;              /* log in once it is as secure as it gets */
    bool secured;            /* the owner has laid TLS over it */
    bool logged_in;
    bool early; /* the reply began before its command was sent */
};

/*
 * arena: borrowed until the end; what the session keeps lives in it and on. name: copied; the
 * argument of EHLO, printable ASCII without blanks. stop_at: enum mox_stage; 0 or one that this
 * session does not have: the next it has. MOX_OK; MOX_E_INVAL: no name to say; MOX_E_NOMEM. *s:
 * zero or freed before.
 */
int smtp_session_start(struct smtp_session *s, struct arena *arena, struct slice name, int stop_at,
                       struct mox_error *err);

/* Right after the start. starttls: enum smtp_starttls. login: its mechanism is asked for in LOGIN.
 */
void smtp_session_plan(struct smtp_session *s, int starttls, bool login);

/* TLS has been laid over the connection: in HANDSHAKE, or right after the start where TLS comes
 * before the greeting. What the server said before is forgotten (RFC 3207 section 4.2). */
void smtp_session_secured(struct smtp_session *s);

/*
 * In LOGIN. sasl: new; owned by the session from now on, whatever comes of it. MOX_OK; MOX_E_INVAL:
 * the name or password cannot be used; MOX_E_NOMEM.
 */
int smtp_session_login(struct smtp_session *s, struct sasl *sasl, struct mox_error *err);

/* Bytes to write now, whole lines; borrowed until the next call. */
struct slice smtp_session_output(const struct smtp_session *s);

/* The output is no text for logs: what to show in its place; NULL: it may be shown. */
const char *smtp_session_masked(const struct smtp_session *s);

/* The first n bytes of the output have been written. */
void smtp_session_sent(struct smtp_session *s, size_t n);

/*
 * Takes bytes up to the end of the reply that ends the current state, and enters the next. Call it
 * again while bytes are left and smtp_session_ready is false, and only then write: what is left
 * here before the next command is written has come out of turn. *used: bytes taken; in READY none.
 * MOX_OK: go on. Failures, with err->stage set: MOX_E_REFUSED (err as policy_classify fills it),
 * MOX_E_AUTH, MOX_E_PROTOCOL, MOX_E_LIMIT, MOX_E_NOMEM; MOX_E_STATE: after a failure or QUIT.
 */
int smtp_session_input(struct smtp_session *s, struct slice bytes, size_t *used,
                       struct mox_error *err);

/*
 * The memory in which the replies were collected, empty in READY: its owner's to use from then on
 * for what comes behind them. It is freed with the session.
 */
struct buffer *smtp_session_spare(struct smtp_session *s);

/* The server has closed the connection: MOX_E_CLOSED, with the stage and what was awaited. */
int smtp_session_eof(const struct smtp_session *s, struct mox_error *err);

/* The goal is reached. */
bool smtp_session_ready(const struct smtp_session *s);

/*
 * Puts QUIT into the output if the session is sound: READY, or refused by another reply than 421.
 * Otherwise nothing happens: closing is always right. Without the host's own dialogue in between:
 * whether that left a command unanswered only the host knows.
 */
void smtp_session_quit(struct smtp_session *s);

/* enum mox_stage: the one at work or, once READY, the one reached. */
int smtp_session_stage(const struct smtp_session *s);

/* enum smtp_deadline of the state. */
int smtp_session_deadline_kind(const struct smtp_session *s);

/* What the state waits for, for a sentence: "greeting", "reply to EHLO"; "": nothing. */
const char *smtp_session_awaited(const struct smtp_session *s);

/* "greeting", "ehlo", …, as a trace shows it. */
const char *smtp_session_state_name(int state);

/* The greeting's words, lines joined by '\n', also of one that refused; NULL: none came. */
const char *smtp_session_greeting(const struct smtp_session *s);

/* What EHLO or HELO said; NULL: not said. Borrowed until smtp_session_free. */
const char *smtp_session_name(const struct smtp_session *s);

/* Frees all it holds; all zero again. */
void smtp_session_free(struct smtp_session *s);

#endif
