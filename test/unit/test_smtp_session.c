/*
 * test_smtp_session.c - dialogues up to READY, in every packet size; those of the public vectors as
 * far as they go before STARTTLS and MAIL.
 */
#include <string.h>

#include <check.h>
#include <jansson.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "smtp/session.h"
#include "test.h"

enum { TURNS = 4 };

static const struct dialogue {
    const char *name;
    int stop_at;
    const char *server[TURNS]; /* each is sent when the client has said what it had to */
    const char *client;        /* all it said */
    int status, state, stage, code;
    const char *greeting, *rest; /* rest: of the last turn, not taken */
} dialogues[] = {
    {"EHLO",
     0,
     {"220 hi\r\n", "250-mx\r\n250 DSN\r\n"},
     "EHLO me.example\r\n",
     MOX_OK,
     SMTP_READY,
     MOX_STAGE_READY,
     0,
     "hi",
     ""},
    {"any 2xx",
     0,
     {"220 hi\r\n", "251 mx\r\n"},
     "EHLO me.example\r\n",
     MOX_OK,
     SMTP_READY,
     MOX_STAGE_READY,
     0,
     "hi",
     ""},
    {"greeting of several lines",
     0,
     {"220-a\r\n220-b\r\n220\r\n", "250 mx\r\n"},
     "EHLO me.example\r\n",
     MOX_OK,
     SMTP_READY,
     MOX_STAGE_READY,
     0,
     "a\nb\n",
     ""},
    {"read ahead is the host's",
     0,
     {"220 hi\n", "250 mx\r\n250 more"},
     "EHLO me.example\r\n",
     MOX_OK,
     SMTP_READY,
     MOX_STAGE_READY,
     0,
     "hi",
     "250 more"},
    {"stop after the greeting",
     MOX_STAGE_GREETING,
     {"220 hi\n250 more"},
     "",
     MOX_OK,
     SMTP_READY,
     MOX_STAGE_GREETING,
     0,
     "hi",
     "250 more"},
    {"stop before the greeting: at it",
     MOX_STAGE_CONNECT,
     {"220 hi\n"},
     "",
     MOX_OK,
     SMTP_READY,
     MOX_STAGE_GREETING,
     0,
     "hi",
     ""},
    {"stop after EHLO",
     MOX_STAGE_EHLO,
     {"220 hi\n", "250 mx\n"},
     "EHLO me.example\r\n",
     MOX_OK,
     SMTP_READY,
     MOX_STAGE_EHLO,
     0,
     "hi",
     ""},
    {"stop after TLS, of which there is none",
     MOX_STAGE_TLS,
     {"220 hi\n", "250 mx\n"},
     "EHLO me.example\r\n",
     MOX_OK,
     SMTP_READY,
     MOX_STAGE_READY,
     0,
     "hi",
     ""},
    {"HELO after 500",
     0,
     {"220 hi\n", "500 what\n", "250 mx\n"},
     "EHLO me.example\r\nHELO me.example\r\n",
     MOX_OK,
     SMTP_READY,
     MOX_STAGE_READY,
     0,
     "hi",
     ""},
    {"HELO after 501",
     0,
     {"220 hi\n", "501 what\n", "250 mx\n"},
     "EHLO me.example\r\nHELO me.example\r\n",
     MOX_OK,
     SMTP_READY,
     MOX_STAGE_READY,
     0,
     "hi",
     ""},
    {"HELO after 504, 2xx, no extensions",
     0,
     {"220 hi\n", "504 what\n", "251-mx\n251 DSN\n"},
     "EHLO me.example\r\nHELO me.example\r\n",
     MOX_OK,
     SMTP_READY,
     MOX_STAGE_READY,
     0,
     "hi",
     ""},
    {"HELO refused",
     0,
     {"220 hi\n", "502 what\n", "550 5.7.1 no\n"},
     "EHLO me.example\r\nHELO me.example\r\n",
     MOX_E_REFUSED,
     SMTP_REFUSED,
     MOX_STAGE_EHLO,
     550,
     "hi",
     ""},
    {"HELO 500",
     0,
     {"220 hi\n", "500 what\n", "500 what\n"},
     "EHLO me.example\r\nHELO me.example\r\n",
     MOX_E_REFUSED,
     SMTP_REFUSED,
     MOX_STAGE_EHLO,
     500,
     "hi",
     ""},
    {"no HELO after 505",
     0,
     {"220 hi\n", "505 what\n"},
     "EHLO me.example\r\n",
     MOX_E_REFUSED,
     SMTP_REFUSED,
     MOX_STAGE_EHLO,
     505,
     "hi",
     ""},
    {"EHLO 550",
     0,
     {"220 hi\n", "550 5.7.1 no\n"},
     "EHLO me.example\r\n",
     MOX_E_REFUSED,
     SMTP_REFUSED,
     MOX_STAGE_EHLO,
     550,
     "hi",
     ""},
    {"EHLO 450",
     0,
     {"220 hi\n", "450 later\n"},
     "EHLO me.example\r\n",
     MOX_E_REFUSED,
     SMTP_REFUSED,
     MOX_STAGE_EHLO,
     450,
     "hi",
     ""},
    {"EHLO 421",
     0,
     {"220 hi\n", "421 later\n"},
     "EHLO me.example\r\n",
     MOX_E_REFUSED,
     SMTP_BROKEN,
     MOX_STAGE_EHLO,
     421,
     "hi",
     ""},
    {"EHLO 354",
     0,
     {"220 hi\n", "354 go\n"},
     "EHLO me.example\r\n",
     MOX_E_PROTOCOL,
     SMTP_BROKEN,
     MOX_STAGE_EHLO,
     354,
     "hi",
     ""},
    {"EHLO no reply",
     0,
     {"220 hi\n", "hello\n"},
     "EHLO me.example\r\n",
     MOX_E_PROTOCOL,
     SMTP_BROKEN,
     MOX_STAGE_EHLO,
     0,
     "hi",
     ""},
    {"greeting 554",
     0,
     {"554-5.7.1 no\r\n554 PTR\r\n"},
     "",
     MOX_E_REFUSED,
     SMTP_REFUSED,
     MOX_STAGE_GREETING,
     554,
     "5.7.1 no\nPTR",
     ""},
    {"greeting 450",
     0,
     {"450 later\r\n"},
     "",
     MOX_E_REFUSED,
     SMTP_REFUSED,
     MOX_STAGE_GREETING,
     450,
     "later",
     ""},
    {"greeting 421",
     0,
     {"421 later\r\n"},
     "",
     MOX_E_REFUSED,
     SMTP_BROKEN,
     MOX_STAGE_GREETING,
     421,
     "later",
     ""},
    {"greeting 250",
     0,
     {"250 hi\r\n"},
     "",
     MOX_E_PROTOCOL,
     SMTP_BROKEN,
     MOX_STAGE_GREETING,
     250,
     "hi",
     ""},
    {"greeting 221",
     0,
     {"221 hi\r\n"},
     "",
     MOX_E_PROTOCOL,
     SMTP_BROKEN,
     MOX_STAGE_GREETING,
     221,
     "hi",
     ""},
    {"POP3", 0, {"+OK\r\n"}, "", MOX_E_PROTOCOL, SMTP_BROKEN, MOX_STAGE_GREETING, 0, NULL, ""},
    {"escape in the greeting",
     0,
     {"220 \033[2J\r\n", "250 mx\n"},
     "EHLO me.example\r\n",
     MOX_OK,
     SMTP_READY,
     MOX_STAGE_READY,
     0,
     "?[2J",
     ""},
    {"out of turn after the greeting",
     0,
     {"220 hi\r\n250 mx\r\n"},
     "",
     MOX_E_PROTOCOL,
     SMTP_BROKEN,
     MOX_STAGE_EHLO,
     0,
     "hi",
     ""},
    {"out of turn before HELO",
     0,
     {"220 hi\r\n", "500 what\n250 mx\n"},
     "EHLO me.example\r\n",
     MOX_E_PROTOCOL,
     SMTP_BROKEN,
     MOX_STAGE_EHLO,
     0,
     "hi",
     ""},
    {"421 out of turn",
     0,
     {"220 hi\r\n421 4.3.2 bye\r\n"},
     "",
     MOX_E_REFUSED,
     SMTP_BROKEN,
     MOX_STAGE_EHLO,
     421,
     "hi",
     ""},
    {"the greeting is awaited",
     0,
     {"220-hi\r\n220"},
     "",
     MOX_OK,
     SMTP_GREETING,
     MOX_STAGE_GREETING,
     0,
     NULL,
     ""},
    {"EHLO's reply is awaited",
     0,
     {"220 hi\r\n", "250-a\n"},
     "EHLO me.example\r\n",
     MOX_OK,
     SMTP_EHLO,
     MOX_STAGE_EHLO,
     0,
     "hi",
     ""},
};

/* What the owner of a connection does: takes all it has read, then writes. *at: bytes taken. */
static int feed(struct smtp_session *s, struct slice bytes, size_t packet, size_t *at,
                struct mox_error *err)
{
    size_t used;

    for (*at = 0; *at < bytes.len && !smtp_session_ready(s); *at += used) {
        int status = smtp_session_input(s, slice_sub(bytes, *at, *at + packet), &used, err);

        if (status != MOX_OK) {
            *at += used;
            return status;
        }
        if (used == 0)
            ck_abort_msg("it takes nothing"); /* ck_assert allocates, see below */
    }
    return MOX_OK;
}

/* Writes what there is, by single bytes, into said. */
static void drain(struct smtp_session *s, struct buffer *said)
{
    while (smtp_session_output(s).len > 0) {
        ck_assert_int_eq(buffer_append(said, smtp_session_output(s).ptr, 1), MOX_OK);
        smtp_session_sent(s, 1);
    }
    ck_assert_ptr_null(s->out.ptr); /* while it waits, it holds no buffer */
}

static void check_dialogue(const struct dialogue *d, size_t packet)
{
    struct smtp_session s = {0};
    struct buffer said = {0};
    struct mox_error err = {0};
    int status = smtp_session_start(&s, slice_of("me.example"), d->stop_at, &err);
    size_t at = 0;

    for (size_t i = 0; i < TURNS && d->server[i] != NULL; i++) {
        ck_assert_int_eq(status, MOX_OK);
        status = feed(&s, slice_of(d->server[i]), packet, &at, &err);
        if (status == MOX_OK)
            ck_assert_msg(strcmp(d->server[i] + at, d->server[i + 1] == NULL ? d->rest : "") == 0,
                          "%s, by %zu: rest", d->name, packet);
        drain(&s, &said);
    }
    ck_assert_msg(status == d->status, "%s, by %zu: status %d: %s", d->name, packet, status,
                  err.message);
    ck_assert_msg(slice_is(buffer_slice(&said), d->client), "%s, by %zu: said", d->name, packet);
    ck_assert_msg(s.state == d->state, "%s, by %zu: state %d", d->name, packet, s.state);
    ck_assert_msg(smtp_session_stage(&s) == d->stage, "%s: stage", d->name);
    ck_assert_pstr_eq(smtp_session_greeting(&s), d->greeting);
    ck_assert_int_eq(err.code, status);
    if (status != MOX_OK) {
        ck_assert_int_eq(err.stage, d->stage);
        ck_assert_msg(err.smtp_code == d->code, "%s, by %zu: code", d->name, packet);
    }
    buffer_free(&said);
    smtp_session_free(&s);
}

START_TEST(dialogue)
{
    for (size_t packet = 1; packet <= 40; packet++)
        check_dialogue(&dialogues[_i], packet);
}
END_TEST

/* A session after these turns; each is fed whole, then the output is thrown away. */
static void start_after(struct smtp_session *s, const char *greeting, const char *reply)
{
    struct buffer said = {0};
    size_t at;

    ck_assert_int_eq(smtp_session_start(s, slice_of("me.example"), 0, NULL), MOX_OK);
    if (greeting != NULL)
        feed(s, slice_of(greeting), SIZE_MAX / 2, &at, NULL);
    drain(s, &said);
    if (reply != NULL)
        feed(s, slice_of(reply), SIZE_MAX / 2, &at, NULL);
    buffer_free(&said);
}

START_TEST(early_reply_stays_early_when_cut)
{
    struct smtp_session s;
    struct mox_error err = {0};
    size_t at;

    start_after(&s, "220 hi\r\n25", NULL); /* EHLO is written before the rest comes */
    ck_assert_int_eq(feed(&s, slice_of("0 mx\r\n"), 99, &at, &err), MOX_E_PROTOCOL);
    ck_assert_ptr_nonnull(strstr(err.message, "out of turn"));
    smtp_session_free(&s);

    start_after(&s, "220 hi\r\n42", NULL);
    ck_assert_int_eq(feed(&s, slice_of("1 bye\r\n"), 99, &at, &err), MOX_E_REFUSED);
    ck_assert_int_eq(err.smtp_code, 421);
    smtp_session_free(&s);
}
END_TEST

START_TEST(offers_are_kept)
{
    struct smtp_session s;
    size_t used;

    start_after(&s, "220 hi\r\n", "250-mx\r\n250-SIZE 77\r\n250 DSN\r\n");
    ck_assert(smtp_session_ready(&s));
    ck_assert_uint_eq(s.ehlo.extensions, MOX_EXT_SIZE | MOX_EXT_DSN);
    ck_assert_uint_eq(s.ehlo.size_limit, 77);
    ck_assert_str_eq(s.ehlo.lines[0], "SIZE 77");
    ck_assert_str_eq(s.ehlo.lines[1], "DSN");
    ck_assert_ptr_null(s.ehlo.lines[2]);
    ck_assert_str_eq(smtp_session_name(&s), "me.example");
    ck_assert_int_eq(smtp_session_input(&s, slice_of("250 more\r\n"), &used, NULL), MOX_OK);
    ck_assert_uint_eq(used, 0);
    smtp_session_free(&s);
    smtp_session_free(&s); /* zero again */
    ck_assert_ptr_null(smtp_session_greeting(&s));
}
END_TEST

static const struct quit_case {
    const char *name, *greeting, *reply, *said;
} quit_cases[] = {
    {"ready", "220 hi\r\n", "250 mx\r\n", "QUIT\r\n"},
    {"refused greeting", "554 no\r\n", NULL, "QUIT\r\n"},
    {"refused EHLO", "220 hi\r\n", "550 no\r\n", "QUIT\r\n"},
    {"no greeting yet", NULL, NULL, ""},
    {"EHLO not answered", "220 hi\r\n", NULL, ""},
    {"half an answer", "220 hi\r\n", "250-a\r\n", ""},
    {"421", "220 hi\r\n", "421 bye\r\n", ""},
    {"no SMTP", "+OK\r\n", NULL, ""},
    {"broken reply", "220 hi\r\n", "250-a\r\n251 b\r\n", ""},
    {"out of turn", "220 hi\r\n250 a\r\n", NULL, ""},
};

START_TEST(quit_case)
{
    const struct quit_case *c = &quit_cases[_i];
    struct smtp_session s;
    struct mox_error err = {0};
    size_t used;

    start_after(&s, c->greeting, c->reply);
    smtp_session_quit(&s);
    smtp_session_quit(&s); /* is said once */
    ck_assert_msg(slice_is(smtp_session_output(&s), c->said), "%s", c->name);
    if (*c->said != '\0') {
        ck_assert_int_eq(smtp_session_input(&s, slice_of("221 bye\r\n"), &used, &err), MOX_E_STATE);
        ck_assert_uint_eq(used, 0);
    }
    smtp_session_free(&s);
}
END_TEST

START_TEST(quit_needs_no_memory)
{
    struct smtp_session s;

    start_after(&s, "220 hi\r\n", "250 mx\r\n");
    test_fail_alloc(1);
    smtp_session_quit(&s);
    test_fail_alloc(0);
    ck_assert(slice_is(smtp_session_output(&s), "QUIT\r\n"));
    ck_assert_int_eq(s.state, SMTP_QUIT);
    smtp_session_free(&s);
}
END_TEST

static const struct eof_case {
    const char *greeting, *reply;
    int stage;
    const char *message;
} eof_cases[] = {
    {NULL, NULL, MOX_STAGE_GREETING, "the server closed the connection before its greeting"},
    {"220-a\r\n22", NULL, MOX_STAGE_GREETING,
     "the server closed the connection in the middle of its greeting"},
    {"220 a\r\n", NULL, MOX_STAGE_EHLO,
     "the server closed the connection before its reply to EHLO"},
    {"220 a\r\n", "2", MOX_STAGE_EHLO,
     "the server closed the connection in the middle of its reply to EHLO"},
    {"220 a\r\n", "500 a\r\n", MOX_STAGE_EHLO,
     "the server closed the connection before its reply to HELO"},
    {"220 a\r\n", "250 a\r\n", MOX_STAGE_READY, "the server closed the connection"},
};

START_TEST(eof_case)
{
    const struct eof_case *c = &eof_cases[_i];
    struct smtp_session s;
    struct mox_error err = {0};

    start_after(&s, c->greeting, c->reply);
    ck_assert_int_eq(smtp_session_eof(&s, &err), MOX_E_CLOSED);
    ck_assert_int_eq(err.code, MOX_E_CLOSED);
    ck_assert_str_eq(err.message, c->message);
    ck_assert_int_eq(err.stage, c->stage);
    ck_assert_int_eq(smtp_session_eof(&s, NULL), MOX_E_CLOSED);
    smtp_session_free(&s);
}
END_TEST

static const struct name_case {
    const char *name, *text;
    size_t len;
    int status;
} name_cases[] = {
    {"host name", "mx.example", 10, MOX_OK}, {"literal", "[IPv6:2001:db8::1]", 18, MOX_OK},
    {"empty", "", 0, MOX_E_INVAL},           {"line end", "a\r\nMAIL", 7, MOX_E_INVAL},
    {"LF", "a\n", 2, MOX_E_INVAL},           {"blank", "a b", 3, MOX_E_INVAL},
    {"tab", "a\tb", 3, MOX_E_INVAL},         {"NUL", "a\0b", 3, MOX_E_INVAL},
    {"DEL", "a\x7f", 2, MOX_E_INVAL},        {"UTF-8", "\xc3\xa4.example", 10, MOX_E_INVAL},
};

START_TEST(name_case)
{
    const struct name_case *c = &name_cases[_i];
    struct smtp_session s;
    struct mox_error err = {0};

    ck_assert_msg(smtp_session_start(&s, (struct slice){c->text, c->len}, 0, &err) == c->status,
                  "%s", c->name);
    ck_assert_int_eq(err.code, c->status);
    ck_assert_ptr_null(smtp_session_name(&s)); /* not said yet */
    smtp_session_free(&s);
}
END_TEST

START_TEST(name_has_a_limit)
{
    char name[MOX_LIMIT_DOMAIN + 1];
    struct smtp_session s;

    memset(name, 'a', sizeof name);
    ck_assert_int_eq(smtp_session_start(&s, (struct slice){name, sizeof name}, 0, NULL),
                     MOX_E_INVAL);
    ck_assert_int_eq(smtp_session_start(&s, (struct slice){name, sizeof name - 1}, 0, NULL),
                     MOX_OK);
    smtp_session_free(&s);
}
END_TEST

START_TEST(states_have_deadlines_and_names)
{
    struct smtp_session s;

    start_after(&s, NULL, NULL);
    ck_assert_int_eq(smtp_session_deadline_kind(&s), SMTP_DEADLINE_GREETING);
    ck_assert_str_eq(smtp_session_awaited(&s), "greeting");
    smtp_session_free(&s);
    start_after(&s, "220 a\n", NULL);
    ck_assert_int_eq(smtp_session_deadline_kind(&s), SMTP_DEADLINE_EHLO);
    smtp_session_free(&s);
    start_after(&s, "220 a\n", "500 a\n");
    ck_assert_int_eq(smtp_session_deadline_kind(&s), SMTP_DEADLINE_EHLO);
    ck_assert_str_eq(smtp_session_awaited(&s), "reply to HELO");
    smtp_session_free(&s);
    start_after(&s, "220 a\n", "250 a\n");
    ck_assert_int_eq(smtp_session_deadline_kind(&s), SMTP_DEADLINE_NONE);
    smtp_session_free(&s);
    ck_assert_str_eq(smtp_session_state_name(SMTP_HELO), "helo");
    ck_assert_str_eq(smtp_session_state_name(SMTP_BROKEN), "broken");
    ck_assert_str_eq(smtp_session_state_name(SMTP_BROKEN + 1), "unknown");
    ck_assert_str_eq(smtp_session_state_name(-1), "unknown");
}
END_TEST

START_TEST(endless_reply_meets_the_limit)
{
    struct smtp_session s;
    struct mox_error err = {0};
    size_t at, sent = 0;

    start_after(&s, "220 hi\r\n", NULL);
    while (feed(&s, slice_of("250-x\r\n"), 7, &at, &err) == MOX_OK)
        sent++;
    ck_assert_uint_eq(sent, MOX_LIMIT_REPLY_LINES);
    ck_assert_int_eq(err.code, MOX_E_LIMIT);
    ck_assert_int_eq(err.stage, MOX_STAGE_EHLO);
    ck_assert_int_eq(s.state, SMTP_BROKEN);
    ck_assert_ptr_null(s.reply.text.ptr);
    smtp_session_free(&s);
}
END_TEST

/* One dialogue with all that allocates; MOX_OK or what failed. */
static int run_dialogue(struct smtp_session *s, struct mox_error *err)
{
    int status = smtp_session_start(s, slice_of("me.example"), 0, err);
    size_t at;

    if (status == MOX_OK)
        status = feed(s, slice_of("220 hi\r\n"), 3, &at, err);
    smtp_session_sent(s, smtp_session_output(s).len);
    if (status == MOX_OK)
        status = feed(s, slice_of("250-mx\r\n250 AUTH PLAIN\r\n"), 3, &at, err);
    return status;
}

START_TEST(survives_without_memory)
{
    bool failed;
    long nth = 0;

    do {
        struct smtp_session s;
        struct mox_error err = {0};
        int status;

        test_fail_alloc(++nth);
        status = run_dialogue(&s, &err);
        failed = test_alloc_failed();
        test_fail_alloc(0); /* libcheck allocates too */
        ck_assert_int_eq(status, failed ? MOX_E_NOMEM : MOX_OK);
        ck_assert_int_eq(err.code, status);
        if (status != MOX_OK) {
            ck_assert(!smtp_session_ready(&s));
            smtp_session_quit(&s);
            ck_assert_uint_eq(smtp_session_output(&s).len, 0);
        }
        smtp_session_free(&s);
    } while (failed);
    ck_assert_int_gt(nth, 5); /* name, greeting reply, greeting, EHLO reply, its lines */
}
END_TEST

/* Vectors: one character is one byte; appended to out. */
static void append_bytes(struct buffer *out, const json_t *text)
{
    const unsigned char *p = (const unsigned char *)json_string_value(text);

    for (size_t i = 0; i < json_string_length(text); i++) {
        char c = (char)p[i];

        if (p[i] >= 0xc0) { /* U+0080 to U+00FF: two bytes of UTF-8 */
            c = (char)(p[i] << 6 | (p[i + 1] & 0x3f));
            i++;
        }
        ck_assert_int_eq(buffer_append(out, &c, 1), MOX_OK);
    }
}

/* The answer to a verb, the first of several; returns whether the server then closes. */
static bool answer_of(const json_t *script, const char *verb, const char *usual, struct buffer *out)
{
    const json_t *answer = json_object_get(script, verb), *piece;
    size_t i;

    if (json_is_array(answer))
        answer = json_array_get(answer, 0);
    if (answer == NULL)
        buffer_append_text(out, usual);
    else if (json_is_string(answer))
        append_bytes(out, answer);
    json_array_foreach(json_object_get(answer, "pieces"), i, piece) append_bytes(out, piece);
    if (json_is_string(json_object_get(answer, "send")))
        append_bytes(out, json_object_get(answer, "send"));
    return json_is_true(json_object_get(answer, "close"));
}

/* Plays the scripted server. MOX_OK: READY was reached. */
static int play(const json_t *script, struct buffer *said, struct mox_error *err)
{
    static const struct {
        const char *verb, *usual;
    } verbs[] = {
        [SMTP_GREETING] = {"greeting", "220 peer.example ESMTP\r\n"},
        [SMTP_EHLO] = {"EHLO", "250-peer.example\r\n250 PIPELINING\r\n"},
        [SMTP_HELO] = {"HELO", "250 peer.example\r\n"},
    };
    struct smtp_session s;
    int status = smtp_session_start(&s, slice_of("me.example"), 0, err);
    bool closed = false;

    while (status == MOX_OK && !smtp_session_ready(&s)) {
        struct buffer bytes = {0};
        size_t at;

        if (closed) {
            status = smtp_session_eof(&s, err);
            break;
        }
        drain(&s, said);
        closed = answer_of(script, verbs[s.state].verb, verbs[s.state].usual, &bytes);
        status = feed(&s, buffer_slice(&bytes), 5, &at, err);
        buffer_free(&bytes);
    }
    smtp_session_free(&s);
    return status;
}

/* What our session must make of an error that mox had in its session. */
static int status_of(const json_t *error)
{
    const char *kind = json_string_value(json_object_get(error, "kind"));
    json_int_t code = json_integer_value(json_object_get(error, "code"));

    if (strcmp(kind, "status") == 0)
        return code >= 400 ? MOX_E_REFUSED : MOX_E_PROTOCOL;
    if (strcmp(kind, "eof") == 0)
        return MOX_E_CLOSED;
    return strcmp(kind, "linetoolong") == 0 ? MOX_E_LIMIT : MOX_E_PROTOCOL;
}

/* mox went on to the transaction, or to an error in the session. */
static void check_vector(const json_t *c)
{
    const char *id = json_string_value(json_object_get(c, "id"));
    const json_t *mox = json_object_get(c, "mox"), *also = json_object_get(c, "also");
    const json_t *sent = json_array_get(json_object_get(mox, "sent"), 0);
    bool in_session = strcmp(json_string_value(json_object_get(mox, "stage")), "session") == 0;
    int wanted = in_session ? status_of(json_object_get(mox, "error")) : MOX_OK, status;
    struct mox_error err = {0};
    struct buffer said = {0};
    struct slice rest;

    status = play(json_object_get(c, "script"), &said, &err);
    if (json_object_get(also, "ok") == NULL && json_object_get(also, "any") == NULL)
        ck_assert_msg(status == wanted, "%s: status %d: %s", id, status, err.message);
    if (in_session && wanted == MOX_E_REFUSED && status == wanted)
        ck_assert_int_eq(err.smtp_code, (int)json_integer_value(json_object_get(
                                            json_object_get(mox, "error"), "code")));
    rest = buffer_slice(&said);
    for (size_t i = 0; rest.len > 0; i++) { /* what we said, mox said too */
        size_t end = slice_find(rest, '\r');
        const char *line = json_string_value(json_array_get(sent, i));

        ck_assert_msg(line != NULL && slice_is(slice_sub(rest, 0, end), line), "%s: line %zu", id,
                      i);
        rest = slice_sub(rest, end + 2, rest.len);
    }
    buffer_free(&said);
}

START_TEST(vectors_agree)
{
    const char *path = test_vector_path("smtp-sessions.json");
    json_t *file, *c;
    size_t i, checked = 0;

    if (path == NULL)
        return;
    file = json_load_file(path, JSON_ALLOW_NUL, NULL);
    json_array_foreach(json_object_get(file, "cases"), i, c)
    {
        if (strcmp(json_string_value(json_object_get(c, "group")), "starttls") == 0)
            continue; /* TLS is not spoken here */
        check_vector(c);
        checked++;
    }
    json_decref(file);
    ck_assert_uint_gt(checked, 20);
}
END_TEST

TCase *test_smtp_session(void)
{
    TCase *tcase = tcase_create("smtp/session");

    tcase_add_loop_test(tcase, dialogue, 0, (int)ARRAY_LEN(dialogues));
    tcase_add_test(tcase, early_reply_stays_early_when_cut);
    tcase_add_test(tcase, offers_are_kept);
    tcase_add_loop_test(tcase, quit_case, 0, (int)ARRAY_LEN(quit_cases));
    tcase_add_test(tcase, quit_needs_no_memory);
    tcase_add_loop_test(tcase, eof_case, 0, (int)ARRAY_LEN(eof_cases));
    tcase_add_loop_test(tcase, name_case, 0, (int)ARRAY_LEN(name_cases));
    tcase_add_test(tcase, name_has_a_limit);
    tcase_add_test(tcase, states_have_deadlines_and_names);
    tcase_add_test(tcase, endless_reply_meets_the_limit);
    tcase_add_test(tcase, survives_without_memory);
    tcase_add_test(tcase, vectors_agree);
    return tcase;
}
