/* test_smtp_mail_vectors.c - the public vectors of SMTP sessions from MAIL on. */
#include <string.h>

#include "mail_world.h"
#include "vector_script.h"

struct server {                  /* the scripted one */
    const json_t *script, *sent; /* sent: the commands that mox said from MAIL on */
    struct buffer in, out, body;
    size_t turns[5], line; /* line: of sent */
    size_t accepted;       /* recipients of the envelope */
    bool mail, data, closed;
};

/* Answers; returns whether it said yes. */
static bool answer(struct server *s, size_t verb)
{
    static const struct {
        const char *verb, *usual;
    } verbs[] = {{"MAIL", "250 2.1.0 ok\r\n"},
                 {"RCPT", "250 2.1.5 ok\r\n"},
                 {"DATA", "354 go\r\n"},
                 {"BODY", "250 2.0.0 ok\r\n"},
                 {"RSET", "250 2.0.0 ok\r\n"}};
    size_t at = s->out.len;

    s->closed =
        vector_answer(s->script, verbs[verb].verb, s->turns[verb]++, verbs[verb].usual, &s->out);
    return s->out.len > at && (s->out.ptr[at] == '2' || s->out.ptr[at] == '3');
}

/* As mox said it. */
static void check_line(struct server *s, struct slice line)
{
    const char *wanted = json_string_value(json_array_get(s->sent, s->line++));

    ck_assert_msg(wanted != NULL && slice_is(slice_sub(line, 0, line.len - 2), wanted),
                  "\"%.*s\" in place of \"%s\"", (int)line.len, line.ptr,
                  wanted == NULL ? "nothing" : wanted);
}

static void hear_command(struct server *s, struct slice line)
{
    check_line(s, line);
    if (slice_starts(line, "MAIL")) {
        s->mail = answer(s, 0);
        s->accepted = 0;
    } else if (slice_starts(line, "RCPT") && s->mail) {
        s->accepted += answer(s, 1);
    } else if (slice_starts(line, "RSET")) {
        s->mail = !answer(s, 4);
    } else if (slice_starts(line, "DATA") &&
               (s->accepted > 0 || json_object_get(s->script, "DATA") != NULL)) {
        s->data = answer(s, 2);
        buffer_clear(&s->body);
    } else {
        ck_assert_int_eq(buffer_append_text(&s->out, "503 out of sequence\r\n"), MOX_OK);
    }
}

static void hear(struct server *s, struct slice bytes)
{
    struct slice rest;

    ck_assert_int_eq(buffer_append(&s->in, bytes.ptr, bytes.len), MOX_OK);
    rest = buffer_slice(&s->in);
    for (size_t lf = slice_find(rest, '\n'); lf < rest.len && !s->closed;
         lf = slice_find(rest, '\n')) {
        struct slice line = slice_sub(rest, 0, lf + 1);

        rest = slice_sub(rest, lf + 1, rest.len);
        if (!s->data) {
            hear_command(s, line);
        } else if (slice_is(line, ".\r\n")) {
            s->data = s->mail = false;
            answer(s, 3);
        } else {
            line = slice_starts(line, ".") ? slice_sub(line, 1, line.len) : line;
            ck_assert_int_eq(buffer_append(&s->body, line.ptr, line.len), MOX_OK);
        }
    }
    buffer_take(&s->in, buffer_slice(&s->in).len - rest.len);
}

static void play(struct mail_world *w, struct server *s)
{
    bool moved = true;

    while (moved && !smtp_mail_is_broken(&w->m)) {
        struct slice out, in = {0};
        size_t used = 0;

        ck_assert_int_eq(smtp_mail_output(&w->m, &out, NULL), MOX_OK);
        moved = out.len > 0 && !s->closed;
        if (moved)
            hear(s, out);
        smtp_mail_sent(&w->m, moved ? out.len : 0);
        in = slice_sub(buffer_slice(&s->out), 0, 7);
        smtp_mail_input(&w->m, in, &used, NULL);
        buffer_take(&s->out, used);
        moved = moved || used > 0;
    }
    if (!smtp_mail_is_idle(&w->m))
        mail_world_close(w);
    mail_world_collect(w);
}

/* What the server offers; HELO: nothing. */
static void read_ehlo(const json_t *script, struct arena *arena, struct smtp_ehlo *ehlo)
{
    struct smtp_reply reply = {0};
    struct buffer bytes = {0};
    size_t used;

    vector_answer(script, "EHLO", 0,
                  "250-peer.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
                  "250 ENHANCEDSTATUSCODES\r\n",
                  &bytes);
    ck_assert_int_eq(smtp_reply_push(&reply, buffer_slice(&bytes), &used, NULL), MOX_OK);
    ck_assert(reply.complete);
    if (reply.code == 250)
        ck_assert_int_eq(smtp_ehlo_parse(smtp_reply_text(&reply), arena, ehlo, NULL), MOX_OK);
    smtp_reply_free(&reply);
    buffer_free(&bytes);
}

static const struct vector_departure departures[] = {
    {"rcpt-017", "D16: 252 is accepted"},
    {"mail-038", "D18: the enhanced code counts though it was not announced"},
    {"body-018", "D32: what came behind the dot is no reply, so it is unknown"},
    {NULL, NULL}};

/* The words of the result begin with those of the line that mox kept. */
static bool has_line(const struct mox_rcpt_result *r, const char *line)
{
    struct slice first = slice_of(r->reply), words = slice_of(line);
    char code[12] = "";

    snprintf(code, sizeof code, "%d", (int)r->smtp_code);
    words = slice_sub(words, 4, words.len);
    first = slice_sub(first, 0, slice_find(first, '\n'));
    return strncmp(line, code, 3) == 0 && words.len == first.len &&
           memcmp(words.ptr, first.ptr, first.len) == 0;
}

/* D17: an accepted one has a reply of its own, that to the dot; mox keeps the one to RCPT. */
static void check_accepted(const char *id, const struct mox_rcpt_result *r)
{
    ck_assert_msg(r->state == MOX_RCPT_ACCEPTED, "%s: %s", id, mox_rcpt_state_name(r->state));
    ck_assert_int_eq(r->stage, MOX_STAGE_FINAL);
    ck_assert_int_eq(r->smtp_code, 250);
    ck_assert_str_eq(r->enhanced, "2.0.0");
    ck_assert_str_eq(r->reply, "2.0.0 ok");
}

/* By which row a result is not as mox's; NULL: it is. */
static const char *row_of(const json_t *mox, const struct mox_rcpt_result *r)
{
    const char *secode = json_string_value(json_object_get(mox, "secode"));

    if (json_is_true(json_object_get(mox, "ok")))
        return NULL;
    if (r->state == MOX_RCPT_ACCEPTED)
        return "D16";
    if (r->state == MOX_RCPT_UNKNOWN)
        return "D32";
    return strcmp(r->enhanced[0] == '\0' ? "" : r->enhanced + 2, secode) == 0 ? NULL : "D18";
}

static void check_refused(const char *id, const json_t *mox, const struct mox_rcpt_result *r)
{
    json_int_t code = json_integer_value(json_object_get(mox, "code"));
    int state =
        json_is_true(json_object_get(mox, "permanent")) ? MOX_RCPT_PERMANENT : MOX_RCPT_TEMPORARY;

    ck_assert_msg(r->state == state || r->state == MOX_RCPT_UNKNOWN, "%s: %s", id,
                  mox_rcpt_state_name(r->state));
    ck_assert_msg(r->smtp_code == code, "%s: code %d", id, (int)r->smtp_code);
    if (code != 0) /* of what is no reply no words are kept */
        ck_assert_msg(has_line(r, json_string_value(json_object_get(mox, "line"))), "%s: words %s",
                      id, r->reply);
}

/* Returns whether the result is not as mox's; then the list must say by which row. */
static bool check_rcpt(const json_t *c, const json_t *mox, const struct mox_rcpt_result *r)
{
    const char *id = json_string_value(json_object_get(c, "id"));
    const char *row = row_of(mox, r), *why = vector_why(departures, c);

    ck_assert_msg(row == NULL || (why != NULL && strncmp(why, row, strlen(row)) == 0),
                  "%s departs by %s, and not by %s", id, row, why);
    if (json_is_true(json_object_get(mox, "ok")) || r->state == MOX_RCPT_ACCEPTED)
        check_accepted(id, r);
    else
        check_refused(id, mox, r);
    return row != NULL;
}

/* All that mox said from MAIL on was said, but for QUIT, which is the owner's. */
static void check_all_said(const char *id, const struct server *s)
{
    const char *next = json_string_value(json_array_get(s->sent, s->line));

    ck_assert_msg(next == NULL || strcmp(next, "QUIT") == 0, "%s: \"%s\" is missing", id, next);
}

/* Returns whether it departs. */
static bool check_vector(const json_t *c)
{
    const char *id = json_string_value(json_object_get(c, "id"));
    const json_t *mox = json_object_get(c, "mox"), *to = json_object_get(c, "to");
    const json_t *sent;
    const char *addresses[MAIL_RCPTS] = {NULL};
    struct server s = {.script = json_object_get(c, "script")};
    struct mail_world w = {0};
    struct arena arena = {0};
    bool departs = false;

    mail_world_open(&w, 0);
    read_ehlo(s.script, &arena, &w.ehlo);
    sent = json_object_get(mox, "sent");
    s.sent = json_array_get(sent, json_array_size(sent) - 1); /* after TLS failed: in clear */
    while (s.line < json_array_size(s.sent) &&
           strncmp(json_string_value(json_array_get(s.sent, s.line)), "MAIL", 4) != 0)
        s.line++;
    for (size_t i = 0; i < json_array_size(to); i++)
        addresses[i] = json_string_value(json_array_get(to, i));
    mail_world_message(&w, json_string_value(json_object_get(c, "from")), addresses,
                       json_string_value(json_object_get(c, "message")))
        ->flags = json_is_true(json_object_get(c, "utf8")) ? MOX_MSG_SMTPUTF8 : 0;
    ck_assert_int_eq(mail_world_add(&w), MOX_OK);
    play(&w, &s);
    ck_assert_msg(w.ndone == 1, "%s: not done", id);
    for (size_t i = 0; i < json_array_size(to); i++)
        departs |=
            check_rcpt(c, json_array_get(json_object_get(mox, "recipients"), i), &w.results[0][i]);
    vector_departs(departures, c, departs);
    check_all_said(id, &s);
    if (w.jobs[0].status == MOX_OK)
        ck_assert(
            slice_is(buffer_slice(&s.body), json_string_value(json_object_get(c, "message"))));
    mail_world_end(&w);
    buffer_free(&s.body);
    buffer_free(&s.in);
    buffer_free(&s.out);
    arena_free(&arena);
    return departs;
}

START_TEST(vectors_agree)
{
    const char *path = test_vector_path("smtp-sessions.json");
    json_t *file, *c;
    size_t i, all = 0, checked = 0, departed = 0;

    if (path == NULL)
        return;
    file = json_load_file(path, JSON_ALLOW_NUL, NULL);
    json_array_foreach(json_object_get(file, "cases"), i, c)
    {
        const char *stage = json_string_value(json_object_get(json_object_get(c, "mox"), "stage"));

        all++;
        if (strcmp(stage, "session") == 0)
            continue;
        departed += check_vector(c);
        checked++;
    }
    vector_all_met(departures, departed);
    ck_assert_uint_eq(all, 51);
    ck_assert_uint_eq(checked, 40); /* the others are over before MAIL: test_smtp_vectors.c */
    json_decref(file);
}
END_TEST

TCase *test_smtp_mail_vectors(void)
{
    TCase *tcase = tcase_create("smtp/mail_vectors");

    tcase_add_test(tcase, vectors_agree);
    return tcase;
}
