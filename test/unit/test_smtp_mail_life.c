/*
 * test_smtp_mail_life.c - several messages on a connection, its end, its deadlines, and what
 * bounds it.
 */
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "mail_world.h"

#define PIPE MOX_EXT_PIPELINING
#define FROM "MAIL FROM:<a@me.example>\r\n"
#define TO "RCPT TO:<u@example.org>\r\n"
#define ENVELOPE FROM TO "DATA\r\n"
#define HI "Subject: hi\r\n\r\nhello\r\n"
#define GO "354 go\r\n"
#define OK "250 2.0.0 ok\r\n"

static const char *const one[] = {"u@example.org", NULL};
static const char *const two[] = {"u@example.org", "v@example.org", NULL};

/* Three messages to one recipient each. */
static const struct life_case {
    const char *name;
    uint32_t extensions, max_messages;
    struct mail_step steps[12];
    bool closes;
    const char *outcomes[3];
} lives[] = {
    {"three in a row",
     PIPE,
     100,
     {{ENVELOPE, OK OK GO},
      {HI ".\r\n" ENVELOPE, OK OK OK GO},
      {HI ".\r\n" ENVELOPE, OK OK OK GO},
      {HI ".\r\n", OK}},
     false,
     {"accepted 250 final none", "accepted 250 final none", "accepted 250 final none"}},
    {"the first is refused at the dot, the envelope behind it lives",
     PIPE,
     100,
     {{ENVELOPE, OK OK GO},
      {HI ".\r\n" ENVELOPE, "554 5.6.0 no\r\n" OK OK GO},
      {HI ".\r\n" ENVELOPE, OK OK "550 5.1.1 who\r\n503 no\r\n"}},
     false,
     {"permanent 554 final give-up", "accepted 250 final none", "permanent 550 rcpt give-up"}},
    {"RSET behind one without a dot",
     PIPE,
     100,
     {{ENVELOPE, OK "550 5.1.1 who\r\n503 no\r\n"},
      {"RSET\r\n" ENVELOPE, OK OK OK GO},
      {HI ".\r\n" ENVELOPE, OK OK OK GO},
      {HI ".\r\n", OK}},
     false,
     {"permanent 550 rcpt give-up", "accepted 250 final none", "accepted 250 final none"}},
    {"421 to the second",
     PIPE,
     100,
     {{ENVELOPE, OK OK GO}, {HI ".\r\n" ENVELOPE, OK "421 4.3.2 bye\r\n"}},
     false,
     {"accepted 250 final none", "temporary 421 mail next", "pending closed mail later"}},
    {"421 to the dot",
     PIPE,
     100,
     {{ENVELOPE, OK OK GO}, {HI ".\r\n" ENVELOPE, "421 4.3.2 bye\r\n"}},
     false,
     {"temporary 421 final next", "pending closed mail later", "pending closed mail later"}},
    {"closed after the dot",
     PIPE,
     100,
     {{ENVELOPE, OK OK GO}, {HI ".\r\n" ENVELOPE, NULL}},
     true,
     {"unknown closed final later", "pending closed mail later", "pending closed mail later"}},
    {"closed when the first was accepted: the second was not touched",
     PIPE,
     100,
     {{ENVELOPE, OK OK GO}, {HI ".\r\n" ENVELOPE, OK}},
     true,
     {"accepted 250 final none", "pending closed mail later", "pending closed mail later"}},
    {"closed when the sender of the second was accepted",
     PIPE,
     100,
     {{ENVELOPE, OK OK GO}, {HI ".\r\n" ENVELOPE, OK OK}},
     true,
     {"accepted 250 final none", "temporary closed rcpt next", "pending closed mail later"}},
    {"closed before a word",
     0,
     100,
     {{FROM, NULL}},
     true,
     {"temporary closed mail next", "pending closed mail later", "pending closed mail later"}},
    {"two messages and no more",
     PIPE,
     2,
     {{ENVELOPE, OK OK GO}, {HI ".\r\n" ENVELOPE, OK OK OK GO}, {HI ".\r\n", OK}},
     false,
     {"accepted 250 final none", "accepted 250 final none", "pending closed mail later"}},
    {"none at all",
     PIPE,
     0,
     {{NULL, NULL}},
     false,
     {"pending closed mail later", "pending closed mail later", "pending closed mail later"}},
};

START_TEST(life)
{
    const struct life_case *c = &lives[_i];
    struct mail_world w = {0};
    char text[MAIL_TEXT];
    size_t n = 0;

    while (c->steps[n].said != NULL)
        n++;
    mail_world_open(&w, c->extensions);
    w.rules.max_messages = c->max_messages;
    for (size_t i = 0; i < 3; i++) {
        mail_world_message(&w, "a@me.example", one, HI);
        ck_assert_int_eq(mail_world_add(&w), MOX_OK);
        mail_world_collect(&w);
    }
    ck_assert_msg(mail_world_play(&w, c->steps, SIZE_MAX, 3) == n, "%s: stopped at\n%.*s", c->name,
                  (int)w.said.len, w.said.ptr);
    if (c->closes)
        mail_world_close(&w);
    ck_assert_uint_eq(w.ndone, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_ptr_eq(w.done[i], &w.jobs[i]);
        ck_assert_msg(strcmp(mail_world_outcome(&w, i, text), c->outcomes[i]) == 0, "%s: %zu: %s",
                      c->name, i, text);
    }
    ck_assert(smtp_mail_is_spent(&w.m) == (c->max_messages < 3));
    ck_assert(!smtp_mail_awaits(&w.m));
    mail_world_end(&w);
}
END_TEST

/* A second transaction that may not begin: the same message goes on at another candidate. */
START_TEST(rest_of_a_message_asks_for_the_next)
{
    const struct mail_step steps[] = {{ENVELOPE, OK OK GO}, {HI ".\r\n", OK}, {NULL, NULL}};
    struct mail_world w = {0};
    struct mox_error err = {0};
    char text[MAIL_TEXT];

    mail_world_open(&w, PIPE);
    w.ehlo.rcpt_limit = 1;
    w.rules.max_messages = 1;
    mail_world_message(&w, "a@me.example", two, HI);
    ck_assert_int_eq(mail_world_add(&w), MOX_OK);
    ck_assert_uint_eq(mail_world_play(&w, steps, SIZE_MAX, SIZE_MAX), 2);
    ck_assert_str_eq(mail_world_outcome(&w, 0, text),
                     "accepted 250 final none; pending closed mail next");
    ck_assert_int_eq(smtp_job_error(&w.jobs[0], &err), MOX_E_CLOSED);
    ck_assert_int_eq(err.action, MOX_ACTION_NEXT);
    ck_assert(smtp_mail_is_idle(&w.m) && smtp_mail_is_spent(&w.m));
    mail_world_end(&w);
}
END_TEST

START_TEST(nothing_is_added_to_what_is_broken)
{
    struct mail_world w = {0};

    mail_world_open(&w, 0);
    mail_world_close(&w);
    ck_assert(smtp_mail_is_broken(&w.m) && !smtp_mail_is_idle(&w.m));
    mail_world_message(&w, "a@me.example", one, HI);
    ck_assert_int_eq(mail_world_add(&w), MOX_E_STATE);
    ck_assert_int_eq(smtp_mail_stage(&w.m), MOX_STAGE_QUIT);
    mail_world_end(&w);
}
END_TEST

/* What befell the connection may not befall another; what befell us will. */
START_TEST(why_it_broke)
{
    static const struct {
        int code;
        const char *before, *behind; /* the dot */
    } breaks[] = {
        {MOX_E_CLOSED, "temporary closed data next", "unknown closed final later"},
        {MOX_E_TIMEOUT, "temporary timeout data next", "unknown timeout final later"},
        {MOX_E_OS, "temporary os data next", "unknown os final later"},
        {MOX_E_SHUTDOWN, "temporary shutdown data later", "unknown shutdown final later"},
    };
    const struct mail_step steps[] = {{ENVELOPE, OK OK}, {NULL, NULL}};
    const struct mail_step whole[] = {{ENVELOPE, OK OK GO}, {HI ".\r\n", NULL}, {NULL, NULL}};

    for (size_t i = 0; i < 2 * ARRAY_LEN(breaks); i++) {
        struct mail_world w = {0};
        struct mox_error why, err = {0};
        char text[MAIL_TEXT];

        mail_world_open(&w, PIPE);
        mail_world_message(&w, "a@me.example", one, HI);
        ck_assert_int_eq(mail_world_add(&w), MOX_OK);
        mail_world_play(&w, i % 2 == 0 ? steps : whole, SIZE_MAX, SIZE_MAX);
        error_set(&why, breaks[i / 2].code, "so it was");
        smtp_mail_break(&w.m, &why);
        smtp_mail_break(&w.m, &why); /* nothing more */
        mail_world_collect(&w);
        ck_assert_str_eq(mail_world_outcome(&w, 0, text),
                         i % 2 == 0 ? breaks[i / 2].before : breaks[i / 2].behind);
        ck_assert_int_eq(smtp_job_error(&w.jobs[0], &err), breaks[i / 2].code);
        ck_assert(slice_starts(slice_of(err.message), "<u@example.org>: so it was; "));
        mail_world_end(&w);
    }
}
END_TEST

/* A server that speaks while nothing is asked of it. */
START_TEST(words_while_idle)
{
    static const struct {
        const char *words;
        int status;
    } idle[] = {{"421 4.4.2 timeout\r\n", MOX_OK}, {"250 hello\r\n", MOX_E_PROTOCOL}};

    for (size_t i = 0; i < ARRAY_LEN(idle); i++) {
        struct mail_world w = {0};
        size_t used;

        mail_world_open(&w, 0);
        ck_assert(smtp_mail_is_idle(&w.m));
        ck_assert_int_eq(smtp_mail_input(&w.m, slice_of(idle[i].words), &used, &w.err),
                         idle[i].status);
        ck_assert(smtp_mail_is_broken(&w.m));
        mail_world_end(&w);
    }
}
END_TEST

/* One deadline for each whole reply and each block. */
START_TEST(deadlines)
{
    static const struct {
        const char *reply; /* heard before */
        size_t writes;     /* bytes before that */
        int kind, stage;
        const char *awaited;
    } moments[] = {
        {"", 0, SMTP_MAIL_DEADLINE_MAIL, MOX_STAGE_MAIL, "reply to MAIL FROM"},
        {OK, SIZE_MAX, SMTP_MAIL_DEADLINE_RCPT, MOX_STAGE_RCPT, "reply to RCPT TO"},
        {OK, SIZE_MAX, SMTP_MAIL_DEADLINE_DATA, MOX_STAGE_DATA, "reply to DATA"},
        {GO, SIZE_MAX, SMTP_MAIL_DEADLINE_BLOCK, MOX_STAGE_BODY, "reply to the message"},
        {"", 5, SMTP_MAIL_DEADLINE_BLOCK, MOX_STAGE_BODY, "reply to the message"},
        {"", SIZE_MAX, SMTP_MAIL_DEADLINE_FINAL, MOX_STAGE_FINAL, "reply to the message"},
        {OK, 0, SMTP_MAIL_DEADLINE_NONE, MOX_STAGE_READY, ""},
    };
    struct mail_world w = {0};
    size_t used;

    mail_world_open(&w, 0);
    mail_world_message(&w, "a@me.example", one, HI);
    ck_assert_int_eq(mail_world_add(&w), MOX_OK);
    ck_assert_int_eq(smtp_mail_deadline_kind(&w.m), SMTP_MAIL_DEADLINE_NONE);
    for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
        struct slice out;
        uint32_t turn = smtp_mail_turn(&w.m);

        ck_assert_int_eq(smtp_mail_output(&w.m, &out, NULL), MOX_OK);
        smtp_mail_sent(&w.m, moments[i].writes);
        ck_assert_int_eq(smtp_mail_input(&w.m, slice_of(moments[i].reply), &used, &w.err), MOX_OK);
        ck_assert_int_eq(smtp_mail_output(&w.m, &out, NULL), MOX_OK);
        ck_assert_int_eq(smtp_mail_deadline_kind(&w.m), moments[i].kind);
        ck_assert_int_eq(smtp_mail_stage(&w.m), moments[i].stage);
        ck_assert_str_eq(smtp_mail_awaited(&w.m), moments[i].awaited);
        ck_assert_int_eq(smtp_mail_in_body(&w.m), moments[i].stage >= MOX_STAGE_BODY);
        ck_assert_msg((smtp_mail_turn(&w.m) != turn) == (moments[i].writes != 5), "moment %zu", i);
    }
    mail_world_end(&w);
}
END_TEST

/* A server that takes a large message byte by byte has a deadline for each block, not each byte. */
START_TEST(blocks_have_deadlines)
{
    static char body[200001];
    struct mail_world w = {0};
    struct slice out;
    uint32_t turn;
    size_t used, at = 0;

    memset(body, 'x', sizeof body - 1);
    for (size_t i = 998; i < 200000; i += 1000)
        memcpy(body + i, "\r\n", 2);
    mail_world_open(&w, PIPE);
    mail_world_message(&w, "a@me.example", one, body);
    ck_assert_int_eq(mail_world_add(&w), MOX_OK);
    ck_assert_int_eq(smtp_mail_output(&w.m, &out, NULL), MOX_OK);
    smtp_mail_sent(&w.m, out.len);
    ck_assert_int_eq(smtp_mail_input(&w.m, slice_of(OK OK GO), &used, NULL), MOX_OK);
    turn = smtp_mail_turn(&w.m);
    while (smtp_mail_output(&w.m, &out, NULL) == MOX_OK && out.len > 0) {
        smtp_mail_sent(&w.m, 100);
        at++;
    }
    ck_assert_uint_gt(at, 1900);
    ck_assert_uint_le(smtp_mail_turn(&w.m) - turn, 6);
    ck_assert_uint_ge(smtp_mail_turn(&w.m) - turn, 3);
    mail_world_end(&w);
}
END_TEST

START_TEST(endless_reply_meets_the_limit)
{
    struct mail_world w = {0};
    struct slice out;
    size_t used, sent = 0;
    int status = MOX_OK;

    mail_world_open(&w, 0);
    mail_world_message(&w, "a@me.example", one, HI);
    ck_assert_int_eq(mail_world_add(&w), MOX_OK);
    ck_assert_int_eq(smtp_mail_output(&w.m, &out, NULL), MOX_OK);
    smtp_mail_sent(&w.m, out.len);
    while (status == MOX_OK) {
        status = smtp_mail_input(&w.m, slice_of("250-on and on\r\n"), &used, &w.err);
        sent += used;
    }
    ck_assert_int_eq(status, MOX_E_LIMIT);
    ck_assert_uint_le(sent, MOX_LIMIT_REPLY);
    ck_assert_int_eq(w.err.stage, MOX_STAGE_MAIL);
    ck_assert_int_eq(w.results[0][0].action, MOX_ACTION_NEXT);
    mail_world_end(&w);
}
END_TEST

/* Thousands of recipients, in windows that the server answers as they come. */
START_TEST(many_recipients)
{
    enum { MANY = 5000 };
    static struct mox_rcpt rcpts[MANY];
    static struct mox_rcpt_result results[MANY];
    static struct mox_message message;
    static struct smtp_job job;
    static const struct smtp_mail zero;
    struct mail_world w = {0};
    struct slice out;
    size_t used, accepted = 0;
    int status;

    memset(results, 0, sizeof results);
    for (size_t i = 0; i < MANY; i++)
        rcpts[i].address = "u@example.org";
    message = (struct mox_message){sizeof message, "a@me.example", rcpts, MANY, .body = {0}};
    message.body.data = HI;
    message.body.len = strlen(HI);
    job = (struct smtp_job){.message = &message, .results = results};
    mail_world_open(&w, PIPE);
    test_fail_alloc(2); /* the marks; the output is the first */
    status = smtp_mail_add(&w.m, &job, &w.err);
    test_fail_alloc(0);
    ck_assert_int_eq(status, MOX_E_NOMEM);
    ck_assert_int_eq(smtp_mail_add(&w.m, &job, &w.err), MOX_OK);
    while (smtp_mail_output(&w.m, &out, NULL) == MOX_OK && out.len > 0) {
        size_t lines = 0;

        ck_assert_uint_le(out.len, 16 << 10);
        for (size_t i = 0; i < out.len; i++)
            lines += out.ptr[i] == '\n';
        if (slice_starts(out, HI))
            lines = 1;
        smtp_mail_sent(&w.m, out.len);
        while (lines-- > 0 && !smtp_mail_is_idle(&w.m)) {
            bool data = smtp_mail_stage(&w.m) == MOX_STAGE_DATA;

            ck_assert_int_eq(smtp_mail_input(&w.m, slice_of(data ? GO : OK), &used, &w.err),
                             MOX_OK);
        }
    }
    for (size_t i = 0; i < MANY; i++)
        accepted += results[i].state == MOX_RCPT_ACCEPTED;
    ck_assert_uint_eq(accepted, MANY);
    ck_assert_ptr_eq(smtp_mail_take_done(&w.m), &job);
    smtp_job_end(&job);
    smtp_mail_free(&w.m);
    ck_assert_mem_eq(&w.m, &zero, sizeof zero);
}
END_TEST

/* The half-written output of the one keeps its memory; that of the other has none of its bytes. */
START_TEST(outputs_share_memory)
{
    static const char first[] = "MAIL FROM:<a@me.example>\r\n",
                      second[] = "MAIL FROM:<b@me.example>\r\n";
    struct buffer shared = {0};
    struct mail_world a = {.rules.shared = &shared}, b = {.rules.shared = &shared};
    struct slice out, other;

    mail_world_open(&a, 0);
    mail_world_open(&b, 0);
    mail_world_message(&a, "a@me.example", one, HI);
    mail_world_message(&b, "b@me.example", one, HI);
    ck_assert_int_eq(mail_world_add(&a), MOX_OK);
    ck_assert_int_eq(mail_world_add(&b), MOX_OK);
    ck_assert_int_eq(smtp_mail_output(&a.m, &out, NULL), MOX_OK);
    smtp_mail_sent(&a.m, 5);
    ck_assert_int_eq(smtp_mail_output(&b.m, &other, NULL), MOX_OK);
    ck_assert(slice_is(other, second));
    ck_assert_int_eq(smtp_mail_output(&a.m, &out, NULL), MOX_OK);
    ck_assert(slice_is(out, first + 5));
    smtp_mail_sent(&b.m, other.len);
    ck_assert_ptr_eq(shared.ptr, other.ptr);
    smtp_mail_sent(&a.m, out.len); /* a second block is not kept */
    ck_assert_ptr_eq(shared.ptr, other.ptr);
    ck_assert_ptr_null(a.m.out.ptr);
    mail_world_close(&a);
    mail_world_close(&b);
    mail_world_end(&a);
    mail_world_end(&b);
    buffer_free(&shared);
}
END_TEST

TCase *test_smtp_mail_life(void)
{
    TCase *tcase = tcase_create("smtp/mail_life");

    tcase_add_loop_test(tcase, life, 0, (int)ARRAY_LEN(lives));
    tcase_add_test(tcase, rest_of_a_message_asks_for_the_next);
    tcase_add_test(tcase, nothing_is_added_to_what_is_broken);
    tcase_add_test(tcase, why_it_broke);
    tcase_add_test(tcase, words_while_idle);
    tcase_add_test(tcase, deadlines);
    tcase_add_test(tcase, blocks_have_deadlines);
    tcase_add_test(tcase, endless_reply_meets_the_limit);
    tcase_add_test(tcase, many_recipients);
    tcase_add_test(tcase, outputs_share_memory);
    return tcase;
}
