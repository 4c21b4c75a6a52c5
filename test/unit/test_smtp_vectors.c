/* test_smtp_vectors.c - the public vectors of SMTP sessions, as far as they go up to READY. */
#include <string.h>

#include <jansson.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "smtp_client.h"
#include "test.h"
#include "vector_script.h"

static struct arena arena; /* of the session at hand */

static void end_session(struct smtp_session *s)
{
    smtp_session_free(s);
    arena_free(&arena);
}

/* Plays the scripted server. starttls: enum smtp_starttls. MOX_OK: READY was reached. */
static int play(const json_t *script, int starttls, struct buffer *said, struct mox_error *err)
{
    static const struct {
        const char *verb, *usual;
    } verbs[] = {
        [SMTP_GREETING] = {"greeting", "220 peer.example ESMTP\r\n"},
        [SMTP_EHLO] = {"EHLO", "250-peer.example\r\n250 PIPELINING\r\n"},
        [SMTP_HELO] = {"HELO", "250 peer.example\r\n"},
        [SMTP_STARTTLS] = {"STARTTLS", "220 go\r\n"},
    };
    struct smtp_session s;
    int status = smtp_session_start(&s, &arena, slice_of("me.example"), 0, err);
    bool closed = false;

    smtp_session_plan(&s, starttls, false);
    while (status == MOX_OK && !smtp_session_ready(&s)) {
        struct buffer bytes = {0};
        size_t at;

        if (closed) {
            status = smtp_session_eof(&s, err);
            break;
        }
        smtp_client_drain(&s, said);
        closed = vector_answer(script, verbs[s.state].verb, 0, verbs[s.state].usual, &bytes);
        status = smtp_client_feed(&s, buffer_slice(&bytes), 5, &at, err);
        buffer_free(&bytes);
    }
    end_session(&s);
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

/* What we said, mox said too on that connection, if it said more then. */
static void check_said(const char *id, const json_t *sent, struct buffer *said)
{
    struct slice rest = buffer_slice(said);

    for (size_t i = 0; rest.len > 0; i++) {
        size_t end = slice_find(rest, '\r');
        const char *line = json_string_value(json_array_get(sent, i));

        ck_assert_msg(line != NULL && slice_is(slice_sub(rest, 0, end), line), "%s: line %zu", id,
                      i);
        rest = slice_sub(rest, end + 2, rest.len);
    }
    buffer_free(said);
}

static const struct vector_departure departures[] = {
    {"ehlo-024", "D16: any 2xx"}, {"starttls-006", "D13: bytes behind the 220"}, {NULL, NULL}};

/* TLS fails on the first connection. Then we come again in clear if a whole reply said so (in
 * test_dial_tls.c the dial does). */
static bool check_starttls(const json_t *c)
{
    const char *id = json_string_value(json_object_get(c, "id"));
    const json_t *mox = json_object_get(c, "mox"), *sent = json_object_get(mox, "sent");
    const json_t *script = json_object_get(c, "script");
    bool again = json_is_true(json_object_get(mox, "plaintext_again")), departs;
    struct mox_error err = {0};
    struct buffer said = {0};

    ck_assert_msg(play(script, SMTP_STARTTLS_OFFERED, &said, &err) != MOX_OK, "%s: no error", id);
    ck_assert_msg(err.stage == MOX_STAGE_TLS, "%s: stage %s", id, mox_stage_name(err.stage));
    check_said(id, json_array_get(sent, 0), &said);
    departs = again != (err.smtp_code != 0);
    ck_assert_int_eq(play(script, SMTP_STARTTLS_NEVER, &said, &err), MOX_OK);
    if (again)
        check_said(id, json_array_get(sent, 1), &said);
    buffer_free(&said);
    return vector_departs(departures, c, departs);
}

/* mox went on to the transaction, or to an error in the session. */
static bool check_vector(const json_t *c)
{
    const char *id = json_string_value(json_object_get(c, "id"));
    const json_t *mox = json_object_get(c, "mox");
    const json_t *sent = json_array_get(json_object_get(mox, "sent"), 0);
    bool in_session = strcmp(json_string_value(json_object_get(mox, "stage")), "session") == 0;
    int wanted = in_session ? status_of(json_object_get(mox, "error")) : MOX_OK, status;
    struct mox_error err = {0};
    struct buffer said = {0};

    status = play(json_object_get(c, "script"), SMTP_STARTTLS_NEVER, &said, &err);
    vector_departs(departures, c, status != wanted);
    if (in_session && wanted == MOX_E_REFUSED && status == wanted)
        ck_assert_int_eq(err.smtp_code, (int)json_integer_value(json_object_get(
                                            json_object_get(mox, "error"), "code")));
    check_said(id, sent, &said);
    return status != wanted;
}

START_TEST(vectors_agree)
{
    const char *path = test_vector_path("smtp-sessions.json");
    json_t *file, *c;
    size_t i, checked = 0, departed = 0;

    if (path == NULL)
        return;
    file = json_load_file(path, JSON_ALLOW_NUL, NULL);
    json_array_foreach(json_object_get(file, "cases"), i, c)
    {
        if (strcmp(json_string_value(json_object_get(c, "group")), "starttls") == 0)
            departed += check_starttls(c);
        else
            departed += check_vector(c);
        checked++;
    }
    ck_assert_uint_eq(checked, 51);
    vector_all_met(departures, departed);
    json_decref(file);
}
END_TEST

TCase *test_smtp_vectors(void)
{
    TCase *tcase = tcase_create("smtp/vectors");

    tcase_add_test(tcase, vectors_agree);
    return tcase;
}
