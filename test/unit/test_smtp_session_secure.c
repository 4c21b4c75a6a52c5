/* test_smtp_session_secure.c - STARTTLS and AUTH in a session: who speaks when, and what follows.
 */
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "smtp/sasl.h"
#include "smtp/session.h"
#include "smtp_client.h"
#include "test.h"

static struct arena arena; /* of the session at hand */

static void end_session(struct smtp_session *s)
{
    smtp_session_free(s);
    arena_free(&arena);
}

static const char *const plain_only[] = {"PLAIN", NULL};
static const char *const login_only[] = {"LOGIN", NULL};
static const char *const oauth_only[] = {"OAUTHBEARER", NULL};

struct talk {
    const char *name;
    int stop_at, starttls;
    const char *const *mechanisms; /* NULL: no login */
    const char *password;
    const char *server[8]; /* what it says, a packet each; "TLS": the owner secures */
    const char *client;    /* all it says */
    int status, state, stage;
    const char *message; /* a part of the error's; NULL: none */
};

#define HELLO "220 mx ESMTP\r\n"
#define OFFER "250-mx\r\n250 STARTTLS\r\n"
#define BARE "250 mx\r\n"
#define SAID "EHLO me.example\r\n"

static const struct talk talks[] = {
    {"not wanted",
     0,
     SMTP_STARTTLS_NEVER,
     NULL,
     "",
     {HELLO, OFFER},
     SAID,
     MOX_OK,
     SMTP_READY,
     MOX_STAGE_READY,
     NULL},
    {"not offered",
     0,
     SMTP_STARTTLS_OFFERED,
     NULL,
     "",
     {HELLO, BARE},
     SAID,
     MOX_OK,
     SMTP_READY,
     MOX_STAGE_READY,
     NULL},
    {"offered",
     0,
     SMTP_STARTTLS_OFFERED,
     NULL,
     "",
     {HELLO, OFFER, "220 go\r\n", "TLS", BARE},
     SAID "STARTTLS\r\n" SAID,
     MOX_OK,
     SMTP_READY,
     MOX_STAGE_READY,
     NULL},
    {"stripped, and said all the same",
     0,
     SMTP_STARTTLS_ALWAYS,
     NULL,
     "",
     {HELLO, BARE, "502 what?\r\n"},
     SAID "STARTTLS\r\n",
     MOX_E_REFUSED,
     SMTP_REFUSED,
     MOX_STAGE_TLS,
     "refused STARTTLS: 502"},
    {"after HELO too",
     0,
     SMTP_STARTTLS_ALWAYS,
     NULL,
     "",
     {HELLO, "500 what?\r\n", BARE, "220 go\r\n", "TLS", BARE},
     SAID "HELO me.example\r\nSTARTTLS\r\n" SAID,
     MOX_OK,
     SMTP_READY,
     MOX_STAGE_READY,
     NULL},
    {"stop at EHLO comes first",
     MOX_STAGE_EHLO,
     SMTP_STARTTLS_ALWAYS,
     NULL,
     "",
     {HELLO, OFFER},
     SAID,
     MOX_OK,
     SMTP_READY,
     MOX_STAGE_EHLO,
     NULL},
    {"stop at TLS",
     MOX_STAGE_TLS,
     SMTP_STARTTLS_OFFERED,
     NULL,
     "",
     {HELLO, OFFER, "220 go\r\n", "TLS"},
     SAID "STARTTLS\r\n",
     MOX_OK,
     SMTP_READY,
     MOX_STAGE_TLS,
     NULL},
    {"stop at TLS, there is none",
     MOX_STAGE_TLS,
     SMTP_STARTTLS_OFFERED,
     NULL,
     "",
     {HELLO, BARE},
     SAID,
     MOX_OK,
     SMTP_READY,
     MOX_STAGE_READY,
     NULL},
    {"bytes slipped in",
     0,
     SMTP_STARTTLS_OFFERED,
     NULL,
     "",
     {HELLO, OFFER, "220 go\r\n250 evil\r\n"},
     SAID "STARTTLS\r\n",
     MOX_E_PROTOCOL,
     SMTP_BROKEN,
     MOX_STAGE_TLS,
     "slipped"},
    {"4xx to STARTTLS",
     0,
     SMTP_STARTTLS_OFFERED,
     NULL,
     "",
     {HELLO, OFFER, "454 later\r\n"},
     SAID "STARTTLS\r\n",
     MOX_E_REFUSED,
     SMTP_REFUSED,
     MOX_STAGE_TLS,
     "454 later"},
    {"another 2xx to STARTTLS",
     0,
     SMTP_STARTTLS_OFFERED,
     NULL,
     "",
     {HELLO, OFFER, "250 ok\r\n"},
     SAID "STARTTLS\r\n",
     MOX_E_PROTOCOL,
     SMTP_BROKEN,
     MOX_STAGE_TLS,
     "code 250"},
    {"421 to STARTTLS",
     0,
     SMTP_STARTTLS_OFFERED,
     NULL,
     "",
     {HELLO, OFFER, "421 bye\r\n"},
     SAID "STARTTLS\r\n",
     MOX_E_REFUSED,
     SMTP_BROKEN,
     MOX_STAGE_TLS,
     "421"},
    {"no EHLO under TLS",
     0,
     SMTP_STARTTLS_OFFERED,
     NULL,
     "",
     {HELLO, OFFER, "220 go\r\n", "TLS", "500 what?\r\n"},
     SAID "STARTTLS\r\n" SAID,
     MOX_E_REFUSED,
     SMTP_REFUSED,
     MOX_STAGE_EHLO,
     "500"},
    {"login over TLS",
     0,
     SMTP_STARTTLS_ALWAYS,
     plain_only,
     "secret",
     {HELLO, OFFER, "220 go\r\n", "TLS", "250-mx\r\n250 AUTH PLAIN\r\n", "235 ok\r\n"},
     SAID "STARTTLS\r\n" SAID "AUTH PLAIN AG1lAHNlY3JldA==\r\n",
     MOX_OK,
     SMTP_READY,
     MOX_STAGE_READY,
     NULL},
    {"stop at AUTH",
     MOX_STAGE_AUTH,
     SMTP_STARTTLS_ALWAYS,
     plain_only,
     "secret",
     {HELLO, OFFER, "220 go\r\n", "TLS", "250-mx\r\n250 AUTH PLAIN\r\n", "235 ok\r\n"},
     SAID "STARTTLS\r\n" SAID "AUTH PLAIN AG1lAHNlY3JldA==\r\n",
     MOX_OK,
     SMTP_READY,
     MOX_STAGE_AUTH,
     NULL},
    {"refused for good",
     0,
     SMTP_STARTTLS_ALWAYS,
     plain_only,
     "secret",
     {HELLO, OFFER, "220 go\r\n", "TLS", "250-mx\r\n250 AUTH PLAIN\r\n", "535 5.7.8 no\r\n"},
     SAID "STARTTLS\r\n" SAID "AUTH PLAIN AG1lAHNlY3JldA==\r\n",
     MOX_E_AUTH,
     SMTP_REFUSED,
     MOX_STAGE_AUTH,
     "535 5.7.8 no"},
    {"LOGIN in two steps",
     0,
     SMTP_STARTTLS_ALWAYS,
     login_only,
     "pw",
     {HELLO, OFFER, "220 go\r\n", "TLS", "250-mx\r\n250 AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n",
      "334 UGFzc3dvcmQ6\r\n", "235 ok\r\n"},
     SAID "STARTTLS\r\n" SAID "AUTH LOGIN\r\nbWU=\r\ncHc=\r\n",
     MOX_OK,
     SMTP_READY,
     MOX_STAGE_READY,
     NULL},
    {"accepted too early",
     0,
     SMTP_STARTTLS_ALWAYS,
     login_only,
     "pw",
     {HELLO, OFFER, "220 go\r\n", "TLS", "250-mx\r\n250 AUTH LOGIN\r\n", "235 ok\r\n"},
     SAID "STARTTLS\r\n" SAID "AUTH LOGIN\r\n",
     MOX_E_AUTH,
     SMTP_BROKEN,
     MOX_STAGE_AUTH,
     "before the mechanism"},
    {"a challenge that is no base64",
     0,
     SMTP_STARTTLS_ALWAYS,
     login_only,
     "pw",
     {HELLO, OFFER, "220 go\r\n", "TLS", "250-mx\r\n250 AUTH LOGIN\r\n", "334 =!\r\n",
      "501 cancelled\r\n"},
     SAID "STARTTLS\r\n" SAID "AUTH LOGIN\r\n*\r\n",
     MOX_E_AUTH,
     SMTP_REFUSED,
     MOX_STAGE_AUTH,
     "base64"},
    {"a challenge after all is said",
     0,
     SMTP_STARTTLS_ALWAYS,
     plain_only,
     "secret",
     {HELLO, OFFER, "220 go\r\n", "TLS", "250-mx\r\n250 AUTH PLAIN\r\n", "334 \r\n",
      "501 cancelled\r\n"},
     SAID "STARTTLS\r\n" SAID "AUTH PLAIN AG1lAHNlY3JldA==\r\n*\r\n",
     MOX_E_AUTH,
     SMTP_REFUSED,
     MOX_STAGE_AUTH,
     NULL},
};

/* The owner's turn. MOX_OK, or why the login could not begin. */
static int take_turn(struct smtp_session *s, const struct talk *talk, const char *said,
                     struct mox_error *err)
{
    struct sasl_facts facts = {.mechanisms = talk->mechanisms, .username = "me", .tls = true};
    const struct sasl_mechanism *mechanism;
    struct sasl *sasl;

    if (said != NULL && strcmp(said, "TLS") == 0)
        smtp_session_secured(s);
    if (s->state != SMTP_LOGIN)
        return MOX_OK;
    facts.password = talk->password;
    mechanism = sasl_choose(&facts, s->ehlo.auth, err);
    if (mechanism == NULL)
        return err->code;
    sasl = sasl_new(mechanism, &facts, s->ehlo.auth);
    return sasl == NULL ? error_nomem(err) : smtp_session_login(s, sasl, err);
}

static void run(const struct talk *talk, size_t packet)
{
    struct smtp_session s;
    struct buffer said = {0};
    struct mox_error err = {0};
    int status = smtp_session_start(&s, &arena, slice_of("me.example"), talk->stop_at, &err);
    size_t at;

    ck_assert_int_eq(status, MOX_OK);
    smtp_session_plan(&s, talk->starttls, talk->mechanisms != NULL);
    for (size_t i = 0; i < 8 && talk->server[i] != NULL && status == MOX_OK; i++) {
        if (strcmp(talk->server[i], "TLS") != 0)
            status = smtp_client_feed(&s, slice_of(talk->server[i]), packet, &at, &err);
        if (status == MOX_OK)
            status = take_turn(&s, talk, talk->server[i], &err);
        if (s.state == SMTP_AUTH && smtp_session_output(&s).len > 0)
            ck_assert_ptr_nonnull(smtp_session_masked(&s));
        smtp_client_drain(&s, &said);
    }
    ck_assert_msg(status == talk->status, "%s, packets of %zu: status %d, %s", talk->name, packet,
                  status, err.message);
    ck_assert_msg(s.state == talk->state, "%s: state %d", talk->name, s.state);
    ck_assert_msg(slice_is(buffer_slice(&said), talk->client), "%s: said %.*s", talk->name,
                  (int)said.len, said.ptr);
    if (status == MOX_OK)
        ck_assert_msg(smtp_session_stage(&s) == talk->stage, "%s: stage %d", talk->name,
                      smtp_session_stage(&s));
    else
        ck_assert_msg(err.stage == talk->stage, "%s: stage %d", talk->name, err.stage);
    if (talk->message != NULL)
        ck_assert_msg(strstr(err.message, talk->message) != NULL, "%s: %s", talk->name,
                      err.message);
    ck_assert_msg(strstr(err.message, "secret") == NULL, "%s: %s", talk->name, err.message);
    buffer_free(&said);
    end_session(&s);
}

START_TEST(talks_go_as_written)
{
    const struct talk *talk = &talks[_i];

    run(talk, 1);
    run(talk, 7);
    run(talk, 4096);
}
END_TEST

/* An initial response that no command line holds goes when the server asks (RFC 4954 section 4). */
START_TEST(long_response_waits)
{
    char token[1001], expected[64];
    struct talk talk = {"long", 0,   SMTP_STARTTLS_ALWAYS, oauth_only, token, {NULL}, NULL, 0, 0,
                        0,      NULL};
    struct smtp_session s;
    struct mox_error err;
    struct slice out;
    size_t at;

    memset(token, 'x', sizeof token - 1);
    token[sizeof token - 1] = '\0';
    ck_assert_int_eq(smtp_session_start(&s, &arena, slice_of("me.example"), 0, &err), MOX_OK);
    smtp_session_plan(&s, SMTP_STARTTLS_NEVER, true);
    smtp_client_feed(&s, slice_of(HELLO), 4096, &at, &err);
    smtp_session_sent(&s, 1000);
    smtp_client_feed(&s, slice_of("250-mx\r\n250 AUTH OAUTHBEARER\r\n"), 4096, &at, &err);
    ck_assert_int_eq(take_turn(&s, &talk, NULL, &err), MOX_OK);
    out = smtp_session_output(&s);
    ck_assert(slice_is(out, "AUTH OAUTHBEARER\r\n"));
    smtp_session_sent(&s, out.len);
    ck_assert_int_eq(smtp_client_feed(&s, slice_of("334 \r\n"), 4096, &at, &err), MOX_OK);
    out = smtp_session_output(&s);
    ck_assert_uint_gt(out.len, 1000);
    memcpy(expected, out.ptr, 4);
    ck_assert_int_eq(memcmp(expected, "bixh", 4), 0); /* "n,a=…" */
    smtp_session_sent(&s, out.len);
    ck_assert_int_eq(smtp_client_feed(&s, slice_of("235 ok\r\n"), 4096, &at, &err), MOX_OK);
    ck_assert(smtp_session_ready(&s));
    end_session(&s);
}
END_TEST

/* Replies before and behind the handshake stand in the same memory. */
START_TEST(memory_outlasts_the_handshake)
{
    struct smtp_session s = {0};
    struct mox_error err;
    const char *memory;
    size_t at;

    ck_assert_int_eq(smtp_session_start(&s, &arena, slice_of("me.example"), 0, &err), MOX_OK);
    smtp_session_plan(&s, SMTP_STARTTLS_ALWAYS, false);
    smtp_client_feed(&s, slice_of(HELLO), 4096, &at, &err);
    memory = s.reply.text.ptr;
    ck_assert_ptr_nonnull(memory);
    smtp_session_sent(&s, 1000);
    smtp_client_feed(&s, slice_of(OFFER), 4096, &at, &err);
    smtp_session_sent(&s, 1000);
    smtp_client_feed(&s, slice_of("220 go\r\n"), 4096, &at, &err);
    ck_assert_int_eq(s.state, SMTP_HANDSHAKE);
    smtp_session_secured(&s);
    smtp_session_sent(&s, 1000);
    smtp_client_feed(&s, slice_of("250 mx\r\n"), 4096, &at, &err);
    ck_assert(smtp_session_ready(&s));
    ck_assert_ptr_eq(s.reply.text.ptr, memory);
    end_session(&s);
}
END_TEST

START_TEST(each_allocation_may_fail)
{
    const struct talk *talk = &talks[16]; /* LOGIN in two steps */
    bool failed = true;

    for (long nth = 1; failed; nth++) {
        struct smtp_session s = {0};
        struct mox_error err = {0};
        int status;
        size_t at;

        test_fail_alloc(nth);
        status = smtp_session_start(&s, &arena, slice_of("me.example"), 0, &err);
        smtp_session_plan(&s, SMTP_STARTTLS_ALWAYS, true);
        for (size_t i = 0; i < 8 && talk->server[i] != NULL && status == MOX_OK; i++) {
            if (strcmp(talk->server[i], "TLS") != 0)
                status = smtp_client_feed(&s, slice_of(talk->server[i]), 4096, &at, &err);
            if (status == MOX_OK)
                status = take_turn(&s, talk, talk->server[i], &err);
            smtp_session_sent(&s, smtp_session_output(&s).len);
        }
        failed = test_alloc_failed();
        test_fail_alloc(0);
        if (failed)
            ck_assert_msg(status == MOX_E_NOMEM, "%ld: %d", nth, status);
        else
            ck_assert_int_eq(status, MOX_OK);
        end_session(&s);
    }
}
END_TEST

TCase *test_smtp_session_secure(void)
{
    TCase *tcase = tcase_create("smtp_session_secure");

    tcase_add_loop_test(tcase, talks_go_as_written, 0, (int)ARRAY_LEN(talks));
    tcase_add_test(tcase, long_response_waits);
    tcase_add_test(tcase, memory_outlasts_the_handshake);
    tcase_add_test(tcase, each_allocation_may_fail);
    return tcase;
}
