/* test_smtp_mail_body.c - bodies that come as they like, are read twice, fail, and want of memory.
 */
#include <string.h>

#include "mail_world.h"

#define PIPE MOX_EXT_PIPELINING
#define FROM "MAIL FROM:<a@me.example>\r\n"
#define TO "RCPT TO:<u@example.org>\r\n"
#define TO2 "RCPT TO:<v@example.org>\r\n"
#define ENVELOPE FROM TO "DATA\r\n"
#define HI "Subject: hi\r\n\r\nhello\r\n"
#define GO "354 go\r\n"
#define OK "250 2.0.0 ok\r\n"

static const char *const one[] = {"u@example.org", NULL};
static const char *const two[] = {"u@example.org", "v@example.org", NULL};

struct reader { /* gives its text byte by byte */
    size_t at, rewinds;
    const char *text; /* NULL: HI */
    bool empty;       /* nothing now */
    size_t fails;     /* at this byte; 0: never */
    int status;       /* with that */
    int no_rewind;    /* rewind fails so */
};

static int read_byte(void *user, void *buf, size_t cap, size_t *n)
{
    struct reader *r = user;
    const char *text = r->text == NULL ? HI : r->text;

    if (r->empty || cap == 0)
        return MOX_E_AGAIN;
    if (r->fails != 0 && r->at == r->fails)
        return r->status;
    *n = text[r->at] != '\0';
    if (*n == 1)
        memcpy(buf, &text[r->at++], 1);
    return MOX_OK;
}

static int rewind_it(void *user)
{
    struct reader *r = user;

    r->rewinds++;
    r->at = 0;
    return r->no_rewind;
}

static void add_reader(struct mail_world *w, const char *const to[], struct reader *r, bool rewinds)
{
    struct mox_message *message = mail_world_message(w, "a@me.example", to, "");

    message->body = (struct mox_body){.source = MOX_BODY_READER, .read = read_byte, .user = r};
    if (rewinds)
        message->body.rewind = rewind_it;
    ck_assert_int_eq(mail_world_add(w), MOX_OK);
}

START_TEST(reader_that_has_nothing_yet)
{
    const struct mail_step envelope[] = {{ENVELOPE, OK OK GO}, {NULL, NULL}};
    const struct mail_step body[] = {{HI ".\r\n", OK}, {NULL, NULL}};
    struct reader r = {.empty = true};
    struct mail_world w = {0};
    struct slice out;
    uint32_t turn;
    char text[MAIL_TEXT];

    mail_world_open(&w, PIPE);
    add_reader(&w, one, &r, false);
    ck_assert_uint_eq(mail_world_play(&w, envelope, SIZE_MAX, SIZE_MAX), 1);
    ck_assert_int_eq(smtp_mail_output(&w.m, &out, NULL), MOX_E_AGAIN);
    ck_assert_int_eq(smtp_mail_deadline_kind(&w.m), SMTP_MAIL_DEADLINE_NONE);
    ck_assert_int_eq(smtp_mail_stage(&w.m), MOX_STAGE_BODY);
    turn = smtp_mail_turn(&w.m);
    r.empty = false;
    w.said.at = w.said.len = 0;
    ck_assert_int_eq(smtp_mail_output(&w.m, &out, NULL), MOX_OK);
    ck_assert_int_eq(smtp_mail_deadline_kind(&w.m), SMTP_MAIL_DEADLINE_BLOCK);
    ck_assert_uint_ne(smtp_mail_turn(&w.m), turn);
    ck_assert_uint_eq(mail_world_play(&w, body, SIZE_MAX, SIZE_MAX), 1);
    ck_assert_str_eq(mail_world_outcome(&w, 0, text), "accepted 250 final none");
    mail_world_end(&w);
}
END_TEST

START_TEST(reader_that_fails_never_gets_a_dot)
{
    const struct mail_step envelope[] = {{ENVELOPE, OK OK GO}, {NULL, NULL}};
    struct reader r = {.fails = 5, .status = MOX_ERRNO(5)};
    struct mail_world w = {0};
    char text[MAIL_TEXT];

    mail_world_open(&w, PIPE);
    add_reader(&w, one, &r, true);
    mail_world_message(&w, "a@me.example", one, HI);
    ck_assert_int_eq(mail_world_add(&w), MOX_OK);
    ck_assert_uint_eq(mail_world_play(&w, envelope, SIZE_MAX, SIZE_MAX), 1);
    ck_assert_int_eq(w.status, MOX_E_OS);
    ck_assert(smtp_mail_is_broken(&w.m));
    ck_assert_str_eq(mail_world_outcome(&w, 0, text), "temporary os body later");
    ck_assert_str_eq(mail_world_outcome(&w, 1, text), "pending closed mail later");
    ck_assert_int_eq(buffer_append(&w.said, "", 1), MOX_OK);
    ck_assert_ptr_null(strstr(w.said.ptr, "\r\n.\r\n"));
    mail_world_end(&w);
}
END_TEST

/* A fault that is found only while the message is read is the message's. */
START_TEST(reader_with_a_bare_line_feed)
{
    const struct mail_step envelope[] = {{ENVELOPE, OK OK GO}, {NULL, NULL}};
    struct reader r = {.text = "Subject: hi\n"};
    struct mail_world w = {0};
    char text[MAIL_TEXT];

    mail_world_open(&w, PIPE);
    add_reader(&w, one, &r, true);
    ck_assert_uint_eq(mail_world_play(&w, envelope, SIZE_MAX, SIZE_MAX), 1);
    ck_assert_int_eq(w.status, MOX_E_INVAL);
    ck_assert_str_eq(mail_world_outcome(&w, 0, text), "permanent invalid body give-up");
    mail_world_end(&w);
}
END_TEST

/* Two recipients, and the server takes one a transaction: the steps that were gone. */
static size_t play_singly(struct mail_world *w, struct reader *r, bool rewinds,
                          const struct mail_step *steps)
{
    mail_world_open(w, PIPE);
    w->ehlo.rcpt_limit = 1;
    add_reader(w, two, r, rewinds);
    return mail_world_play(w, steps, SIZE_MAX, SIZE_MAX);
}

START_TEST(second_transaction_reads_anew)
{
    const struct mail_step steps[] = {{ENVELOPE, OK OK GO},
                                      {HI ".\r\n" FROM TO2 "DATA\r\n", OK OK OK GO},
                                      {HI ".\r\n", OK},
                                      {NULL, NULL}};
    struct reader r = {0};
    struct mail_world w = {0};
    char text[MAIL_TEXT];

    ck_assert_uint_eq(play_singly(&w, &r, true, steps), 3);
    ck_assert_uint_eq(r.rewinds, 2);
    ck_assert_str_eq(mail_world_outcome(&w, 0, text),
                     "accepted 250 final none; accepted 250 final none");
    mail_world_end(&w);
}
END_TEST

START_TEST(reader_without_rewind_is_sent_once)
{
    const struct mail_step steps[] = {{ENVELOPE, OK OK GO}, {HI ".\r\n", OK}, {NULL, NULL}};
    struct reader r = {0};
    struct mail_world w = {0};
    char text[MAIL_TEXT];

    ck_assert_uint_eq(play_singly(&w, &r, false, steps), 2);
    ck_assert_str_eq(mail_world_outcome(&w, 0, text),
                     "accepted 250 final none; temporary unsupported mail later");
    ck_assert(smtp_mail_is_idle(&w.m));
    mail_world_end(&w);
}
END_TEST

/* The second recipient cannot be sent while the dot of a message for nobody is still due. */
START_TEST(message_that_ends_before_its_transaction)
{
    const struct mail_step steps[] = {
        {ENVELOPE, OK "450 4.2.1 full\r\n" GO}, {".\r\n", OK}, {NULL, NULL}};
    struct reader r = {0};
    struct mail_world w = {0};
    char text[MAIL_TEXT];

    ck_assert_uint_eq(play_singly(&w, &r, false, steps), 2);
    ck_assert_uint_eq(w.ndone, 1);
    ck_assert_str_eq(mail_world_outcome(&w, 0, text),
                     "temporary 450 rcpt next; temporary unsupported mail later");
    ck_assert(smtp_mail_is_idle(&w.m));
    mail_world_end(&w);
}
END_TEST

START_TEST(rewind_that_fails_costs_no_connection)
{
    const struct mail_step steps[] = {{ENVELOPE, OK OK GO}, {HI ".\r\n", OK}, {NULL, NULL}};
    struct reader r = {.no_rewind = MOX_ERRNO(5)};
    struct mail_world w = {0};
    char text[MAIL_TEXT];

    mail_world_open(&w, PIPE);
    add_reader(&w, one, &r, true);
    mail_world_message(&w, "a@me.example", one, HI);
    ck_assert_int_eq(mail_world_add(&w), MOX_OK);
    ck_assert_uint_eq(mail_world_play(&w, steps, SIZE_MAX, SIZE_MAX), 2);
    ck_assert_str_eq(mail_world_outcome(&w, 0, text), "temporary os mail later");
    ck_assert_str_eq(mail_world_outcome(&w, 1, text), "accepted 250 final none");
    mail_world_end(&w);
}
END_TEST

/* Each allocation fails once: every job still ends, and nobody is accepted who was not. */
START_TEST(want_of_memory)
{
    const char *const to[] = {
        "u@example.org", "v@b\303\274cher.example", "w@example.org", "x@example.org",
        "y@example.org", "z@example.org",           "s@example.org", "t@example.org"};
    bool failed = true;

    for (long nth = 1; failed; nth++) {
        struct reader r = {0};
        struct mail_world w = {0};
        const struct mail_step steps[] = {{HI ".\r\n", OK}, {NULL, NULL}};
        struct slice out;
        size_t used;
        int status;

        mail_world_open(&w, PIPE);
        mail_world_message(&w,
                           "a@b\xc3\xbc"
                           "cher.example",
                           to, "")
            ->body = (struct mox_body){.source = MOX_BODY_READER, .read = read_byte, .user = &r};
        test_fail_alloc(nth);
        status = mail_world_add(&w);
        smtp_mail_output(&w.m, &out, NULL);
        smtp_mail_sent(&w.m, out.len);
        while (status == MOX_OK && smtp_mail_awaits(&w.m) && !smtp_mail_in_body(&w.m)) {
            bool data = smtp_mail_stage(&w.m) == MOX_STAGE_DATA;

            smtp_mail_input(&w.m, slice_of(data ? GO : OK), &used, &w.err);
        }
        mail_world_play(&w, steps, SIZE_MAX, SIZE_MAX);
        failed = test_alloc_failed();
        test_fail_alloc(0);
        mail_world_close(&w);
        ck_assert(status == MOX_OK || status == MOX_E_NOMEM);
        ck_assert_uint_eq(w.ndone, status == MOX_OK);
        for (size_t i = 0; i < MAIL_RCPTS && !failed; i++)
            ck_assert_int_eq(w.results[0][i].state, MOX_RCPT_ACCEPTED);
        for (size_t i = 0; i < MAIL_RCPTS && status == MOX_OK; i++)
            ck_assert(w.results[0][i].state != MOX_RCPT_PENDING &&
                      w.results[0][i].state != MOX_RCPT_PERMANENT);
        mail_world_end(&w);
    }
}
END_TEST

TCase *test_smtp_mail_body(void)
{
    TCase *tcase = tcase_create("smtp/mail_body");

    tcase_add_test(tcase, reader_that_has_nothing_yet);
    tcase_add_test(tcase, reader_that_fails_never_gets_a_dot);
    tcase_add_test(tcase, reader_with_a_bare_line_feed);
    tcase_add_test(tcase, second_transaction_reads_anew);
    tcase_add_test(tcase, reader_without_rewind_is_sent_once);
    tcase_add_test(tcase, message_that_ends_before_its_transaction);
    tcase_add_test(tcase, rewind_that_fails_costs_no_connection);
    tcase_add_test(tcase, want_of_memory);
    return tcase;
}
