/* test_smtp_mail_jobs.c - what is found before MAIL, the parameters of the commands, messages that
 * follow each other on a connection, and bodies that come as they like. */
#include <string.h>

#include "base/error.h"
#include "mail_world.h"

#define FROM "MAIL FROM:<a@me.example>"
#define TO "RCPT TO:<u@example.org>"
#define HI "Subject: hi\r\n\r\nhello\r\n"
#define GO "354 go\r\n"
#define OK "250 2.0.0 ok\r\n"

static const char *const one[] = {"u@example.org", NULL};

/* Plays and wants all steps to be gone. */
static void play_all(struct mail_world *w, const struct mail_step *steps)
{
    size_t n = 0;

    while (steps[n].said != NULL)
        n++;
    ck_assert_msg(mail_world_play(w, steps, SIZE_MAX, SIZE_MAX) == n, "stopped at:\n%.*s",
                  (int)w->said.len, w->said.ptr);
}

static void check_outcome(const struct mail_world *w, size_t job, const char *wanted)
{
    char text[MAIL_TEXT];

    ck_assert_str_eq(mail_world_outcome(w, job, text), wanted);
}

static const struct command_case {
    const char *name;
    uint32_t extensions, flags, notify;
    int32_t ret;
    const char *from, *envid, *auth, *to, *orcpt, *mail, *rcpt;
} commands[] = {
    {"nothing is offered", 0, MOX_MSG_8BIT, MOX_NOTIFY_NEVER, MOX_RET_FULL, "a@me.example", "x",
     "a@me.example", "u@example.org", "rfc822;u@example.org", FROM "\r\n", TO "\r\n"},
    {"null sender", 0, 0, 0, 0, NULL, NULL, NULL, "u@example.org", NULL, "MAIL FROM:<>\r\n",
     TO "\r\n"},
    {"all of MAIL, in order",
     MOX_EXT_SIZE | MOX_EXT_8BITMIME | MOX_EXT_SMTPUTF8 | MOX_EXT_REQUIRETLS | MOX_EXT_AUTH |
         MOX_EXT_DSN,
     MOX_MSG_8BIT | MOX_MSG_SMTPUTF8 | MOX_MSG_REQUIRETLS, 0, MOX_RET_HDRS, "a@me.example", "QQ+1",
     "e=mc2@me.example", "u@example.org", NULL,
     FROM " SIZE=22 BODY=8BITMIME SMTPUTF8 REQUIRETLS AUTH=e+3Dmc2@me.example RET=HDRS "
          "ENVID=QQ+2B1\r\n",
     TO "\r\n"},
    {"7BIT, AUTH=<>", MOX_EXT_8BITMIME | MOX_EXT_AUTH | MOX_EXT_DSN, 0, 0, MOX_RET_FULL,
     "a@me.example", NULL, "<>", "u@example.org", NULL, FROM " BODY=7BIT AUTH=<> RET=FULL\r\n",
     TO "\r\n"},
    {"what is offered and not wanted",
     MOX_EXT_SMTPUTF8 | MOX_EXT_REQUIRETLS | MOX_EXT_AUTH | MOX_EXT_DSN, 0, 0, 0, "a@me.example",
     NULL, NULL, "u@example.org", NULL, FROM "\r\n", TO "\r\n"},
    {"NOTIFY and ORCPT", MOX_EXT_DSN, 0, MOX_NOTIFY_SUCCESS | MOX_NOTIFY_FAILURE | MOX_NOTIFY_DELAY,
     0, "a@me.example", NULL, NULL, "u@example.org", "rfc822;u+x@example.org", FROM "\r\n",
     TO " NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;u+2Bx@example.org\r\n"},
    {"NOTIFY=NEVER", MOX_EXT_DSN, 0, MOX_NOTIFY_NEVER, 0, "a@me.example", NULL, NULL,
     "u@example.org", NULL, FROM "\r\n", TO " NOTIFY=NEVER\r\n"},
    {"a UTF-8 sender asks for SMTPUTF8", MOX_EXT_SMTPUTF8, 0, 0, 0, "\xc3\xa4@me.example", NULL,
     NULL, "u@example.org", NULL, "MAIL FROM:<\xc3\xa4@me.example> SMTPUTF8\r\n", TO "\r\n"},
    {"a UTF-8 recipient too", MOX_EXT_SMTPUTF8, 0, 0, 0, "a@me.example", NULL, NULL,
     "\xc3\xa4@example.org", NULL, FROM " SMTPUTF8\r\n", "RCPT TO:<\xc3\xa4@example.org>\r\n"},
};

START_TEST(command)
{
    const struct command_case *c = &commands[_i];
    const char *const to[] = {c->to, NULL};
    const struct mail_step steps[] = {{c->mail, OK}, {c->rcpt, "550 5.1.1 who\r\n"}, {NULL, NULL}};
    struct mail_world w = {0};
    struct mox_message *message;

    mail_world_open(&w, c->extensions);
    message = mail_world_message(&w, c->from, to, HI);
    message->flags = c->flags;
    message->ret = c->ret;
    message->envid = c->envid;
    message->auth = c->auth;
    w.rcpts[0][0].notify = c->notify;
    w.rcpts[0][0].orcpt = c->orcpt;
    ck_assert_int_eq(mail_world_add(&w), MOX_OK);
    play_all(&w, steps);
    mail_world_end(&w);
}
END_TEST

static const struct refused_case { /* before MAIL */
    const char *name;
    uint32_t extensions, flags;
    uint64_t size_limit;
    const char *from, *to, *body;
    const char *outcome; /* of the recipient, and of u@example.org behind it */
    int about;
    const char *words;
    bool goes_on; /* for the other recipient */
} refused[] = {
    {"SMTPUTF8 by flag", 0, MOX_MSG_SMTPUTF8, 0, "a@me.example", "v@example.org", HI,
     "temporary no-extension mail next; temporary no-extension mail next", MOX_ABOUT_HOST,
     "SMTPUTF8", false},
    {"SMTPUTF8 by the sender", 0, 0, 0, "\xc3\xa4@me.example", "v@example.org", HI,
     "temporary no-extension mail next; temporary no-extension mail next", MOX_ABOUT_HOST,
     "SMTPUTF8", false},
    {"SMTPUTF8 by one recipient", 0, 0, 0, "a@me.example", "\xc3\xa4@example.org", HI,
     "temporary no-extension rcpt next; accepted 250 final none", MOX_ABOUT_HOST, "SMTPUTF8", true},
    {"REQUIRETLS", MOX_EXT_SMTPUTF8, MOX_MSG_REQUIRETLS, 0, "a@me.example", "v@example.org", HI,
     "temporary no-extension mail next; temporary no-extension mail next", MOX_ABOUT_HOST,
     "REQUIRETLS", false},
    {"too large", MOX_EXT_SIZE, 0, 21, "a@me.example", "v@example.org", HI,
     "permanent limit mail give-up; permanent limit mail give-up", MOX_ABOUT_MESSAGE,
     "22 bytes and the server takes 21", false},
    {"strictly 8-bit", 0, MOX_MSG_8BIT | MOX_MSG_STRICT_8BIT, 0, "a@me.example", "v@example.org",
     HI, "permanent no-extension mail give-up; permanent no-extension mail give-up",
     MOX_ABOUT_MESSAGE, "8BITMIME", false},
    {"bare LF", 0, 0, 0, "a@me.example", "v@example.org", "Subject: hi\n",
     "permanent invalid mail give-up; permanent invalid mail give-up", MOX_ABOUT_MESSAGE, "",
     false},
    {"bad recipient", 0, 0, 0, "a@me.example", "v w@example.org", HI,
     "permanent invalid rcpt give-up; accepted 250 final none", MOX_ABOUT_RCPT, "<v w@example.org>",
     true},
    {"line end in a recipient", 0, 0, 0, "a@me.example", "v@example.org>\r\nDATA", HI,
     "permanent invalid rcpt give-up; accepted 250 final none", MOX_ABOUT_RCPT, "", true},
};

START_TEST(refused_before_mail)
{
    const struct refused_case *c = &refused[_i];
    const char *const to[] = {c->to, "u@example.org", NULL};
    const struct mail_step all[] = {
        {FROM "\r\n", OK}, {TO "\r\n", OK}, {"DATA\r\n", GO}, {HI ".\r\n", OK}, {NULL, NULL}};
    const struct mail_step nothing[] = {{NULL, NULL}};
    struct mail_world w = {0};
    struct mox_error err = {0};

    mail_world_open(&w, c->extensions);
    w.ehlo.size_limit = c->size_limit;
    mail_world_message(&w, c->from, to, c->body)->flags = c->flags;
    ck_assert_int_eq(mail_world_add(&w), MOX_OK);
    play_all(&w, c->goes_on ? all : nothing);
    ck_assert_uint_eq(w.ndone, 1);
    check_outcome(&w, 0, c->outcome);
    ck_assert_int_eq(w.results[0][0].about, c->about);
    ck_assert_int_eq(w.results[0][0].smtp_code, 0);
    ck_assert_int_eq(smtp_job_error(&w.jobs[0], &err), w.jobs[0].status);
    ck_assert_int_eq(err.code, w.results[0][0].code);
    ck_assert_msg(strstr(err.message, c->words) != NULL, "%s: %s", c->name, err.message);
    ck_assert(smtp_mail_is_idle(&w.m) && (c->goes_on || w.said.len == 0));
    mail_world_end(&w);
}
END_TEST

START_TEST(what_is_no_message_is_not_taken)
{
    struct mail_world w = {0};
    struct mox_message *message;
    char long_text[600] = {0};

    memset(long_text, 'x', sizeof long_text - 1);
    mail_world_open(&w, 0);
    message = mail_world_message(&w, "a@me.example", one, HI);
    message->nrcpts = 0;
    ck_assert_int_eq(mail_world_add(&w), MOX_E_INVAL);
    message->nrcpts = 1;
    message->mail_from = "a b@me.example";
    ck_assert_int_eq(mail_world_add(&w), MOX_E_INVAL);
    message->mail_from = "a@me.example\r\nRSET";
    ck_assert_int_eq(mail_world_add(&w), MOX_E_INVAL);
    message->mail_from = "";
    message->flags = 1U << 31;
    ck_assert_int_eq(mail_world_add(&w), MOX_E_INVAL);
    message->flags = 0;
    message->ret = 3;
    ck_assert_int_eq(mail_world_add(&w), MOX_E_INVAL);
    message->ret = 0;
    message->envid = long_text;
    ck_assert_int_eq(mail_world_add(&w), MOX_E_INVAL);
    message->envid = "";
    ck_assert_int_eq(mail_world_add(&w), MOX_E_INVAL);
    message->envid = NULL;
    message->auth = long_text;
    ck_assert_int_eq(mail_world_add(&w), MOX_E_INVAL);
    message->auth = NULL;
    message->body.flags = 1U << 31;
    ck_assert_int_eq(mail_world_add(&w), MOX_E_INVAL);
    message->body.flags = 0;
    ck_assert_int_eq(w.results[0][0].state, MOX_RCPT_PENDING);
    ck_assert(smtp_mail_is_idle(&w.m));
    w.jobs[0].results = NULL;
    ck_assert_int_eq(mail_world_add(&w), MOX_E_INVAL);
    mail_world_end(&w);
}
END_TEST

START_TEST(parameters_of_a_recipient_are_its_own_fault)
{
    static const struct {
        uint32_t notify;
        const char *orcpt;
    } wrong[] = {{MOX_NOTIFY_NEVER | MOX_NOTIFY_DELAY, NULL}, {16, NULL}, {0, "no type"}};

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct mail_world w = {0};

        mail_world_open(&w, 0);
        mail_world_message(&w, "a@me.example", one, HI);
        w.rcpts[0][0].notify = wrong[i].notify;
        w.rcpts[0][0].orcpt = wrong[i].orcpt;
        ck_assert_int_eq(mail_world_add(&w), MOX_OK);
        mail_world_collect(&w);
        check_outcome(&w, 0, "permanent invalid rcpt give-up");
        ck_assert_int_eq(w.results[0][0].about, MOX_ABOUT_RCPT);
        mail_world_end(&w);
    }
}
END_TEST

/* One that is over before its turn leaves the queue from anywhere. */
START_TEST(bad_message_does_not_wait)
{
    const char *const bad[] = {"v w@example.org", NULL};
    const struct mail_step steps[] = {{FROM "\r\n", OK}, {TO "\r\n", OK},   {"DATA\r\n", GO},
                                      {HI ".\r\n", OK},  {FROM "\r\n", OK}, {TO "\r\n", OK},
                                      {"DATA\r\n", GO},  {HI ".\r\n", OK},  {NULL, NULL}};
    struct mail_world w = {0};

    mail_world_open(&w, 0);
    for (int i = 0; i < 3; i++) {
        mail_world_message(&w, "a@me.example", i == 1 ? bad : one, HI);
        ck_assert_int_eq(mail_world_add(&w), MOX_OK);
    }
    mail_world_collect(&w);
    ck_assert_uint_eq(w.ndone, 1);
    ck_assert_ptr_eq(w.done[0], &w.jobs[1]);
    play_all(&w, steps);
    ck_assert_uint_eq(w.ndone, 3);
    ck_assert_int_eq(w.jobs[2].status, MOX_OK);
    mail_world_end(&w);
}
END_TEST

/* What could be said when the message was added, and cannot be when it is its turn. */
START_TEST(recipient_that_cannot_be_said_ends_alone)
{
    const char *const to[] = {"u@example.org", "v@example.org", NULL};
    const struct mail_step steps[] = {
        {FROM "\r\n", OK}, {TO "\r\n", "550 5.1.1 who\r\n"}, {NULL, NULL}};
    struct mail_world w = {0};

    mail_world_open(&w, 0);
    mail_world_message(&w, "a@me.example", to, HI);
    ck_assert_int_eq(mail_world_add(&w), MOX_OK);
    mail_world_message(&w, "a@me.example", one, HI);
    ck_assert_int_eq(mail_world_add(&w), MOX_OK);
    w.rcpts[0][1].address = "v w";
    play_all(&w, steps);
    check_outcome(&w, 0, "permanent 550 rcpt give-up; permanent invalid rcpt give-up");
    ck_assert(smtp_mail_needs_reset(&w.m));
    ck_assert(slice_is(slice_sub(buffer_slice(&w.said), w.said.len - 6, w.said.len), "RSET\r\n"));
    mail_world_end(&w);
}
END_TEST

START_TEST(only_the_open_are_sent)
{
    const char *const to[] = {"r1@example.org", "r2@example.org", "r3@example.org",
                              "r4@example.org", "r5@example.org", NULL};
    const struct mail_step steps[] = {{FROM "\r\n", OK},
                                      {"RCPT TO:<r1@example.org>\r\n", OK},
                                      {"RCPT TO:<r4@example.org>\r\n", OK},
                                      {"DATA\r\n", GO},
                                      {HI ".\r\n", OK},
                                      {NULL, NULL}};
    struct mail_world w = {0};
    struct mox_error err = {0};

    mail_world_open(&w, 0);
    mail_world_message(&w, "a@me.example", to, HI);
    w.results[0][1] = (struct mox_rcpt_result){.state = MOX_RCPT_ACCEPTED, .smtp_code = 250};
    w.results[0][2] = (struct mox_rcpt_result){.state = MOX_RCPT_PERMANENT,
                                               .code = MOX_E_REFUSED,
                                               .stage = MOX_STAGE_RCPT,
                                               .action = MOX_ACTION_GIVE_UP,
                                               .smtp_code = 550,
                                               .reply = "5.1.1 who"};
    w.results[0][3] = (struct mox_rcpt_result){
        .state = MOX_RCPT_TEMPORARY, .code = MOX_E_CLOSED, .action = MOX_ACTION_NEXT};
    w.results[0][4] =
        (struct mox_rcpt_result){.state = MOX_RCPT_UNKNOWN, .action = MOX_ACTION_LATER};
    ck_assert_int_eq(mail_world_add(&w), MOX_OK);
    play_all(&w, steps);
    check_outcome(&w, 0,
                  "accepted 250 final none; accepted 250 none none; permanent 550 rcpt give-up; "
                  "accepted 250 final none; unknown ok none later");
    ck_assert_int_eq(w.jobs[0].status, MOX_E_REFUSED); /* the unknown one; of no code */
    ck_assert_int_eq(smtp_job_error(&w.jobs[0], &err), MOX_E_REFUSED);
    ck_assert_int_eq(err.action, MOX_ACTION_LATER);
    ck_assert(!err.permanent && strstr(err.message, "<r5@example.org>") != NULL);
    mail_world_end(&w);
}
END_TEST

/* semantics.md 6.5: nothing of that once somebody was accepted, be it on another connection. */
START_TEST(our_address_is_not_blamed_by_who_took_it_before)
{
    const char *const to[] = {"u@example.org", "v@example.org", NULL};
    const struct mail_step steps[] = {
        {FROM "\r\n", OK}, {TO "\r\n", "550 5.7.1 blocked\r\n"}, {NULL, NULL}};

    for (int before = MOX_RCPT_ACCEPTED; before <= MOX_RCPT_TEMPORARY; before++) {
        struct mail_world w = {0};

        mail_world_open(&w, 0);
        mail_world_message(&w, "a@me.example", to, HI);
        w.results[0][1].state = before;
        w.results[0][1].action = MOX_ACTION_LATER;
        ck_assert_int_eq(mail_world_add(&w), MOX_OK);
        play_all(&w, steps);
        ck_assert_int_eq(w.results[0][0].action,
                         before == MOX_RCPT_ACCEPTED ? MOX_ACTION_GIVE_UP : MOX_ACTION_NEXT);
        mail_world_end(&w);
    }
}
END_TEST

START_TEST(results_name_the_server_and_its_words)
{
    const char *const to[] = {"u@example.org", "v@example.org", NULL};
    const struct mail_step steps[] = {
        {FROM "\r\n", OK},
        {TO "\r\n", OK},
        {"RCPT TO:<v@example.org>\r\n", "550-5.1.1 no such\r\n550 5.1.1 user\r\n"},
        {"DATA\r\n", GO},
        {HI ".\r\n", "250 2.6.0 queued as 4711\r\n"},
        {NULL, NULL}};
    struct mail_world w = {0};
    const struct mox_rcpt_result *r = w.results[0];
    struct mox_error err = {0};

    mail_world_open(&w, 0);
    mail_world_message(&w, "a@me.example", to, HI);
    w.rcpts[0][0].notify = MOX_NOTIFY_SUCCESS;
    w.rcpts[0][1].notify = MOX_NOTIFY_SUCCESS;
    ck_assert_int_eq(mail_world_add(&w), MOX_OK);
    play_all(&w, steps);
    ck_assert_str_eq(r[0].host, "mx.example.org");
    ck_assert_mem_eq(&r[0].remote, &w.rules.remote, sizeof r[0].remote);
    ck_assert_str_eq(r[0].enhanced, "2.6.0");
    ck_assert_str_eq(r[0].reply, "2.6.0 queued as 4711");
    ck_assert_uint_eq(r[0].dsn_relayed, 1);
    ck_assert_str_eq(r[1].enhanced, "5.1.1");
    ck_assert_str_eq(r[1].reply, "5.1.1 no such\n5.1.1 user");
    ck_assert_int_eq(r[1].about, MOX_ABOUT_RCPT);
    ck_assert_str_eq(r[1].host, "mx.example.org");
    ck_assert_uint_eq(r[1].dsn_relayed, 0);
    ck_assert_int_eq(smtp_job_error(&w.jobs[0], &err), MOX_E_REFUSED);
    ck_assert_str_eq(err.host, "mx.example.org");
    ck_assert_mem_eq(&err.address, &w.rules.remote, sizeof err.address);
    ck_assert_str_eq(err.message, "<v@example.org>: the server refused the recipient: 550 5.1.1 no "
                                  "such 5.1.1 user");
    ck_assert_uint_eq(smtp_mail_messages(&w.m), 1);
    mail_world_end(&w);
}
END_TEST

/* Gravest: what another host may mend, then what stays in the queue, then permanent. */
static const struct grave_case {
    const char *name, *replies[3];
    int code, action;
    const char *whose;
} graves[] = {
    {"another host",
     {"550 5.1.1 who\r\n", "450 4.2.0 greylisted\r\n", "450 no\r\n"},
     450,
     MOX_ACTION_NEXT,
     "<r3@x.example>: (and 2 more) the server refused"},
    {"the queue",
     {"550 5.1.1 who\r\n", "450 4.2.0 greylisted\r\n", "551 no\r\n"},
     450,
     MOX_ACTION_LATER_SAME,
     "<r2@x.example>: (and 2 more) "},
    {"the first among equals",
     {"553 5.1.3 no\r\n", "550 5.1.1 who\r\n", "551 no\r\n"},
     553,
     MOX_ACTION_GIVE_UP,
     "<r1@x.example>: (and 2 more) "},
};

/* nth: the allocation that fails while the replies come; 0: none. Whether it was reached. */
static bool find_gravest(const struct grave_case *c, long nth)
{
    const char *const to[] = {"r1@x.example", "r2@x.example", "r3@x.example", NULL};
    const struct mail_step steps[] = {{FROM "\r\n", OK},
                                      {"RCPT TO:<r1@x.example>\r\n", c->replies[0]},
                                      {"RCPT TO:<r2@x.example>\r\n", c->replies[1]},
                                      {"RCPT TO:<r3@x.example>\r\n", c->replies[2]},
                                      {NULL, NULL}};
    struct mail_world w = {0};
    struct mox_error err = {0};
    bool failed;

    mail_world_open(&w, 0);
    mail_world_message(&w, "a@me.example", to, HI);
    ck_assert_int_eq(mail_world_add(&w), MOX_OK);
    test_fail_alloc(nth);
    mail_world_play(&w, steps, SIZE_MAX, SIZE_MAX);
    failed = test_alloc_failed();
    test_fail_alloc(0);
    if (w.status == MOX_OK) {
        ck_assert_int_eq(smtp_job_error(&w.jobs[0], &err), MOX_E_REFUSED);
        ck_assert_int_eq(err.smtp_code, c->code);
        ck_assert_int_eq(err.action, c->action);
        ck_assert_msg(slice_starts(slice_of(err.message), c->whose), "%s: %s", c->name,
                      err.message);
    }
    mail_world_end(&w);
    return failed;
}

START_TEST(gravest_comes_first)
{
    long nth = 1;

    ck_assert(!find_gravest(&graves[_i], 0));
    while (find_gravest(&graves[_i], nth))
        nth++;
    ck_assert_int_ge(nth, 3); /* the reply's memory, and that of the error */
}
END_TEST

/* The path of the first was made before that of the second was found to be none. */
START_TEST(each_has_his_own_path)
{
    const char *const to[] = {"r1@x.example", "r2@", NULL};
    const struct mail_step steps[] = {{FROM "\r\n", OK},
                                      {"RCPT TO:<r1@x.example>\r\n", OK},
                                      {"DATA\r\n", GO},
                                      {HI ".\r\n", OK},
                                      {NULL, NULL}};
    struct mail_world w = {0};

    mail_world_open(&w, 0);
    mail_world_message(&w, "a@me.example", to, HI);
    ck_assert_int_eq(mail_world_add(&w), MOX_OK);
    play_all(&w, steps);
    ck_assert_int_eq(w.results[0][0].state, MOX_RCPT_ACCEPTED);
    ck_assert_int_eq(w.results[0][1].state, MOX_RCPT_PERMANENT);
    mail_world_end(&w);
}
END_TEST

/* A small message, its dot and the envelope of the next one leave in one write. */
START_TEST(small_messages_ride_together)
{
    static char body[4097];
    const struct mail_step steps[] = {{FROM "\r\n" TO "\r\nDATA\r\n", OK OK GO},
                                      {body, NULL},
                                      {".\r\n" FROM "\r\n" TO "\r\nDATA\r\n", OK OK OK GO},
                                      {body, NULL},
                                      {".\r\n", OK},
                                      {NULL, NULL}};
    struct mail_world w = {0};

    for (size_t i = 0; i < 4096; i += 64)
        memcpy(body + i, "..............................................................\r\n", 64);
    for (size_t i = 0; i < 4096; i += 64)
        body[i] = 'x';
    mail_world_open(&w, MOX_EXT_PIPELINING);
    for (int i = 0; i < 2; i++) {
        mail_world_message(&w, "a@me.example", one, body);
        ck_assert_int_eq(mail_world_add(&w), MOX_OK);
    }
    play_all(&w, steps);
    ck_assert_uint_eq(w.writes, 3);
    ck_assert_uint_eq(w.ndone, 2);
    ck_assert_ptr_eq(w.done[0], &w.jobs[0]);
    check_outcome(&w, 0, "accepted 250 final none");
    check_outcome(&w, 1, "accepted 250 final none");
    ck_assert_uint_eq(smtp_mail_messages(&w.m), 2);
    mail_world_end(&w);
}
END_TEST

/* A large piece is written from where it lies. */
START_TEST(large_pieces_are_not_copied)
{
    static char body[40001];
    struct mail_world w = {0};
    const struct mail_step envelope[] = {{FROM "\r\n" TO "\r\nDATA\r\n", OK OK GO}, {NULL, NULL}};
    struct slice out;

    memset(body, 'x', sizeof body - 1);
    for (size_t i = 998; i < 40000; i += 1000)
        memcpy(body + i, "\r\n", 2);
    mail_world_open(&w, MOX_EXT_PIPELINING);
    mail_world_message(&w, "a@me.example", one, body);
    ck_assert_int_eq(mail_world_add(&w), MOX_OK);
    ck_assert_int_eq(smtp_mail_output(&w.m, &out, NULL), MOX_OK);
    ck_assert_int_eq(buffer_append(&w.said, out.ptr, out.len), MOX_OK);
    smtp_mail_sent(&w.m, out.len);
    ck_assert_uint_eq(out.len, strlen(envelope[0].said));
    ck_assert_int_eq(smtp_mail_input(&w.m, slice_of(OK OK GO), &(size_t){0}, NULL), MOX_OK);
    ck_assert_int_eq(smtp_mail_deadline_kind(&w.m), SMTP_MAIL_DEADLINE_BLOCK);
    ck_assert_str_eq(smtp_mail_awaited(&w.m), "reply to the message"); /* its dot is not said yet */
    ck_assert_int_eq(smtp_mail_output(&w.m, &out, NULL), MOX_OK);
    ck_assert_ptr_eq(out.ptr, body);
    ck_assert_uint_eq(out.len, 40000);
    smtp_mail_sent(&w.m, 39999);
    ck_assert_int_eq(smtp_mail_output(&w.m, &out, NULL), MOX_OK);
    ck_assert(out.len == 1 && *out.ptr == '\n');
    mail_world_end(&w);
}
END_TEST

TCase *test_smtp_mail_jobs(void)
{
    TCase *tcase = tcase_create("smtp/mail_jobs");

    tcase_add_loop_test(tcase, command, 0, (int)ARRAY_LEN(commands));
    tcase_add_loop_test(tcase, refused_before_mail, 0, (int)ARRAY_LEN(refused));
    tcase_add_test(tcase, what_is_no_message_is_not_taken);
    tcase_add_test(tcase, parameters_of_a_recipient_are_its_own_fault);
    tcase_add_test(tcase, bad_message_does_not_wait);
    tcase_add_test(tcase, recipient_that_cannot_be_said_ends_alone);
    tcase_add_test(tcase, only_the_open_are_sent);
    tcase_add_test(tcase, our_address_is_not_blamed_by_who_took_it_before);
    tcase_add_test(tcase, results_name_the_server_and_its_words);
    tcase_add_loop_test(tcase, gravest_comes_first, 0, (int)ARRAY_LEN(graves));
    tcase_add_test(tcase, each_has_his_own_path);
    tcase_add_test(tcase, small_messages_ride_together);
    tcase_add_test(tcase, large_pieces_are_not_copied);
    return tcase;
}
