/* test_policy_classify.c - what refusals mean, and what is no refusal of our address. */
#include <string.h>

#include <check.h>

#include "policy/classify.h"
#include "policy/words.h"
#include "test.h"

#define GREETING MOX_STAGE_GREETING
#define RCPT MOX_STAGE_RCPT
#define MAIL MOX_STAGE_MAIL
#define FINAL MOX_STAGE_FINAL
#define GIVE_UP MOX_ACTION_GIVE_UP
#define NEXT MOX_ACTION_NEXT
#define SAME MOX_ACTION_LATER_SAME

static const struct classify_case {
    const char *reply;
    int stage, about, action, permanent;
    const char *enhanced;
    uint32_t retry_after_s;
    int source;
} cases[] = {
    {"554 No SMTP service here\r\n", GREETING, MOX_ABOUT_HOST, NEXT, 1, "", 0,
     POLICY_SOURCE_POSSIBLE},
    {"450 4.3.2 busy", GREETING, MOX_ABOUT_HOST, NEXT, 0, "4.3.2", 0, POLICY_SOURCE_NO},
    {"554 5.7.1 your PTR record is missing\n", GREETING, MOX_ABOUT_SOURCE, NEXT, 1, "5.7.1", 0,
     POLICY_SOURCE_CERTAIN},
    {"421 too many connections", GREETING, MOX_ABOUT_HOST, NEXT, 0, "", 0, POLICY_SOURCE_NO},
    {"550 go away", MOX_STAGE_EHLO, MOX_ABOUT_HOST, NEXT, 1, "", 0, POLICY_SOURCE_NO},
    {"550 fix your reverse DNS", MOX_STAGE_EHLO, MOX_ABOUT_SOURCE, NEXT, 1, "", 0,
     POLICY_SOURCE_CERTAIN},
    {"554 5.7.0 no TLS for you", MOX_STAGE_TLS, MOX_ABOUT_HOST, NEXT, 0, "5.7.0", 0,
     POLICY_SOURCE_NO},
    {"535 5.7.8 bad credentials", MOX_STAGE_AUTH, MOX_ABOUT_LOCAL, GIVE_UP, 1, "5.7.8", 0,
     POLICY_SOURCE_NO},
    {"454 4.7.0 later", MOX_STAGE_AUTH, MOX_ABOUT_LOCAL, MOX_ACTION_LATER, 0, "4.7.0", 0,
     POLICY_SOURCE_NO},
    {"550 5.1.8 bad sender", MAIL, MOX_ABOUT_SENDER, GIVE_UP, 1, "5.1.8", 0, POLICY_SOURCE_NO},
    {"553 not you", MAIL, MOX_ABOUT_SENDER, GIVE_UP, 1, "", 0, POLICY_SOURCE_NO},
    {"552 5.3.4 too big", MAIL, MOX_ABOUT_MESSAGE, GIVE_UP, 1, "5.3.4", 0, POLICY_SOURCE_NO},
    {"451 4.3.0 no", MAIL, MOX_ABOUT_HOST, NEXT, 0, "4.3.0", 0, POLICY_SOURCE_NO},
    {"550 5.7.25 no reverse", MAIL, MOX_ABOUT_SOURCE, NEXT, 1, "5.7.25", 0, POLICY_SOURCE_CERTAIN},
    {"550 5.7.23 SPF", MAIL, MOX_ABOUT_SOURCE, NEXT, 1, "5.7.23", 0, POLICY_SOURCE_POSSIBLE},
    {"550 5.7.27 null MX", MAIL, MOX_ABOUT_SENDER, GIVE_UP, 1, "5.7.27", 0, POLICY_SOURCE_NO},
    {"530 5.7.0 authenticate first", MAIL, MOX_ABOUT_LOCAL, GIVE_UP, 1, "5.7.0", 0,
     POLICY_SOURCE_NO},
    {"550 5.1.1 no such user", RCPT, MOX_ABOUT_RCPT, GIVE_UP, 1, "5.1.1", 0, POLICY_SOURCE_NO},
    {"550 5.1.1 <rdns@example.org> unknown", RCPT, MOX_ABOUT_RCPT, GIVE_UP, 1, "5.1.1", 0,
     POLICY_SOURCE_NO},
    {"550 5.1.10 null MX", RCPT, MOX_ABOUT_DOMAIN, GIVE_UP, 1, "5.1.10", 0, POLICY_SOURCE_NO},
    {"550 5.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]", RCPT,
     MOX_ABOUT_SOURCE, NEXT, 1, "5.7.1", 0, POLICY_SOURCE_CERTAIN},
    {"450 4.7.1 Client host rejected: cannot find your reverse hostname", RCPT, MOX_ABOUT_SOURCE,
     NEXT, 0, "4.7.1", 0, POLICY_SOURCE_CERTAIN},
    {"554 5.7.1 blocked using zen.example.org", RCPT, MOX_ABOUT_SOURCE, NEXT, 1, "5.7.1", 0,
     POLICY_SOURCE_POSSIBLE},
    {"554 5.7.1 relay access denied", RCPT, MOX_ABOUT_RCPT, NEXT, 1, "5.7.1", 0,
     POLICY_SOURCE_POSSIBLE},
    {"452 4.5.3 too many recipients", RCPT, MOX_ABOUT_RCPT, NEXT, 0, "4.5.3", 0, POLICY_SOURCE_NO},
    {"552 too many recipients", RCPT, MOX_ABOUT_RCPT, NEXT, 0, "", 0, POLICY_SOURCE_NO},
    {"451 4.7.1 Greylisting in action, please come back in 00:04:59", RCPT, MOX_ABOUT_RCPT, SAME, 0,
     "4.7.1", 299, POLICY_SOURCE_NO},
    {"450 4.2.0 <u@example.org>: Recipient address rejected: Greylisted, try again in 5 minutes",
     RCPT, MOX_ABOUT_RCPT, SAME, 0, "4.2.0", 300, POLICY_SOURCE_NO},
    {"450 4.7.1 Try again later", RCPT, MOX_ABOUT_RCPT, SAME, 0, "4.7.1", 0, POLICY_SOURCE_NO},
    {"451 4.7.1 Try again later", FINAL, MOX_ABOUT_HOST, SAME, 0, "4.7.1", 0, POLICY_SOURCE_NO},
    {"451-4.7.1 Please\r\n451 4.7.1 come back in 00:05:00", MOX_STAGE_DATA, MOX_ABOUT_HOST, SAME, 0,
     "4.7.1", 300, POLICY_SOURCE_NO},
    {"450 4.2.0 <u@example.org>: Recipient address rejected: please retry in 5 minutes", RCPT,
     MOX_ABOUT_RCPT, SAME, 0, "4.2.0", 300, POLICY_SOURCE_NO},
    {"450 4.7.1 Try again later", MAIL, MOX_ABOUT_HOST, NEXT, 0, "4.7.1", 0,
     POLICY_SOURCE_POSSIBLE},
    {"450 4.7.1 later", RCPT, MOX_ABOUT_RCPT, NEXT, 0, "4.7.1", 0, POLICY_SOURCE_POSSIBLE},
    {"450 Try again later", RCPT, MOX_ABOUT_RCPT, NEXT, 0, "", 0, POLICY_SOURCE_NO},
    {"450 4.2.1 Try again later", RCPT, MOX_ABOUT_RCPT, NEXT, 0, "4.2.1", 0, POLICY_SOURCE_NO},
    {"452 4.2.0 Try again later", RCPT, MOX_ABOUT_RCPT, NEXT, 0, "4.2.0", 0, POLICY_SOURCE_NO},
    {"421 4.7.1 Try again later", RCPT, MOX_ABOUT_HOST, NEXT, 0, "4.7.1", 0,
     POLICY_SOURCE_POSSIBLE},
    {"550 5.7.1 Try again later", RCPT, MOX_ABOUT_RCPT, NEXT, 1, "5.7.1", 0,
     POLICY_SOURCE_POSSIBLE},
    {"451 4.7.1 No PTR record, try again later", RCPT, MOX_ABOUT_SOURCE, NEXT, 0, "4.7.1", 0,
     POLICY_SOURCE_CERTAIN},
    {"450 4.7.1 Your address rejected, try again later", RCPT, MOX_ABOUT_RCPT, NEXT, 0, "4.7.1", 0,
     POLICY_SOURCE_POSSIBLE},
    {"451 4.7.1 Client host rejected, try again later", RCPT, MOX_ABOUT_SOURCE, NEXT, 0, "4.7.1", 0,
     POLICY_SOURCE_POSSIBLE},
    {"451 4.7.1 Poor reputation, please try again later", RCPT, MOX_ABOUT_SOURCE, NEXT, 0, "4.7.1",
     0, POLICY_SOURCE_POSSIBLE},
    {"451 4.7.1 Service unavailable - try again later", FINAL, MOX_ABOUT_HOST, NEXT, 0, "4.7.1", 0,
     POLICY_SOURCE_NO},
    {"451 4.7.1 Too many messages, try again later", RCPT, MOX_ABOUT_RCPT, NEXT, 0, "4.7.1", 0,
     POLICY_SOURCE_POSSIBLE},
    {"421 4.7.1 Greylisted for 300 seconds", RCPT, MOX_ABOUT_HOST, NEXT, 0, "4.7.1", 300,
     POLICY_SOURCE_POSSIBLE},
    {"550 grey-listed for ever, 5 minutes", RCPT, MOX_ABOUT_RCPT, GIVE_UP, 1, "", 0,
     POLICY_SOURCE_NO},
    {"451 4.4.1 no route", RCPT, MOX_ABOUT_HOST, NEXT, 0, "4.4.1", 0, POLICY_SOURCE_NO},
    {"421 bye", RCPT, MOX_ABOUT_HOST, NEXT, 0, "", 0, POLICY_SOURCE_NO},
    {"554 5.5.1 no valid recipients", MOX_STAGE_DATA, MOX_ABOUT_MESSAGE, GIVE_UP, 1, "5.5.1", 0,
     POLICY_SOURCE_NO},
    {"550 5.7.1 spam; your PTR is bad", FINAL, MOX_ABOUT_MESSAGE, GIVE_UP, 1, "5.7.1", 0,
     POLICY_SOURCE_NO},
    {"550 5.7.20 no DKIM", FINAL, MOX_ABOUT_MESSAGE, GIVE_UP, 1, "5.7.20", 0, POLICY_SOURCE_NO},
    {"451 4.7.1 graylisted", FINAL, MOX_ABOUT_HOST, SAME, 0, "4.7.1", 0, POLICY_SOURCE_NO},
    {"452 4.3.1 disk full", FINAL, MOX_ABOUT_HOST, NEXT, 0, "4.3.1", 0, POLICY_SOURCE_NO},
    {"500 what", MOX_STAGE_QUIT, MOX_ABOUT_HOST, MOX_ACTION_NONE, 0, "", 0, POLICY_SOURCE_NO},
};

START_TEST(classify_case)
{
    const struct classify_case *c = &cases[_i];
    struct mox_error err = {0};

    ck_assert_int_eq(mox_reply_classify(c->stage, c->reply, strlen(c->reply), &err), MOX_OK);
    ck_assert_int_eq(err.code, MOX_E_REFUSED);
    ck_assert_int_eq(err.stage, c->stage);
    ck_assert_msg(err.about == c->about, "%s: about %s", c->reply, mox_about_name(err.about));
    ck_assert_msg(err.action == c->action, "%s: %s", c->reply, mox_action_name(err.action));
    ck_assert_msg(err.permanent == c->permanent, "%s: permanent %d", c->reply, err.permanent);
    ck_assert_str_eq(err.enhanced, c->enhanced);
    ck_assert_msg(err.retry_after_s == c->retry_after_s, "%s: %u s", c->reply, err.retry_after_s);
    ck_assert_msg((int)policy_source_refusal(c->stage, &err) == c->source, "%s", c->reply);
    ck_assert_uint_gt(strlen(err.message), 0);
}
END_TEST

static const struct {
    const char *name, *reply;
    int status, code;
    const char *enhanced, *text;
} replies[] = {
    {"one line", "250 2.1.5 ok\r\n", MOX_OK, 250, "2.1.5", "2.1.5 ok"},
    {"code alone", "250", MOX_OK, 250, "", ""},
    {"the last line's code", "550-5.1.1 a\r\n550 5.7.1 b\r\n", MOX_OK, 550, "5.7.1",
     "5.1.1 a\n5.7.1 b"},
    {"not the first line's", "550-5.1.1 a\n550 b\n", MOX_OK, 550, "", "5.1.1 a\nb"},
    {"class differs", "550 4.1.1 x", MOX_OK, 550, "", "4.1.1 x"},
    {"three digits", "550 5.123.456 x", MOX_OK, 550, "5.123.456", "5.123.456 x"},
    {"four digits", "550 5.1234.1 x", MOX_OK, 550, "", "5.1234.1 x"},
    {"the code ends the line", "550 5.1.1\r\n", MOX_OK, 550, "5.1.1", "5.1.1"},
    {"no blank behind it", "550 5.1.1: x", MOX_OK, 550, "", "5.1.1: x"},
    {"two parts", "550 5.1 x", MOX_OK, 550, "", "5.1 x"},
    {"control characters", "550 a\033[2Jb\r\n", MOX_OK, 550, "", "a?[2Jb"},
    {"go on", "354 send\r\n", MOX_OK, 354, "", "send"},
    {"code changes", "550-a\r\n551 b\r\n", MOX_E_PROTOCOL, 0, "", ""},
    {"unfinished", "550-a\r\n", MOX_E_PROTOCOL, 0, "", ""},
    {"two replies", "250 a\r\n250 b\r\n", MOX_E_PROTOCOL, 0, "", ""},
    {"no code", "hello\r\n", MOX_E_PROTOCOL, 0, "", ""},
    {"no separator", "250ok\r\n", MOX_E_PROTOCOL, 0, "", ""},
    {"out of range", "650 x\r\n", MOX_E_PROTOCOL, 0, "", ""},
    {"below", "150 x\r\n", MOX_E_PROTOCOL, 0, "", ""},
    {"empty", "", MOX_E_PROTOCOL, 0, "", ""},
};

START_TEST(reply_case)
{
    struct mox_error err = {0};
    size_t len = strlen(replies[_i].reply);

    ck_assert_int_eq(mox_reply_classify(RCPT, replies[_i].reply, len, &err), replies[_i].status);
    ck_assert_int_eq(err.smtp_code, replies[_i].code);
    ck_assert_str_eq(err.enhanced, replies[_i].enhanced);
    ck_assert_str_eq(err.reply, replies[_i].text);
    ck_assert_int_eq(err.code, replies[_i].status != MOX_OK ? MOX_E_PROTOCOL
                               : replies[_i].code < 400     ? MOX_OK
                                                            : MOX_E_REFUSED);
    ck_assert_int_eq(mox_reply_classify(RCPT, replies[_i].reply, len, NULL), replies[_i].status);
}
END_TEST

static const struct {
    const char *text;
    bool reverse_dns;
} reverse[] = {
    {"no PTR record", true},
    {"PTR: none", true},
    {"missing rDNS.", true},
    {"invalid PTR/rDNS", true},
    {"bad reverse-dns", true},
    {"REVERSE LOOKUP failed", true},
    {"cannot find your reverse\nhostname", true},
    {"no reverse records", true},
    {"reverse name mapping", true},
    {"bad reverse path", false},
    {"reverse-path rejected", false},
    {"the reverse", false},
    {"irreverse DNS", false},
    {"<ptr@example.org> unknown", false},
    {"see https://example.org/ptr", false},
    {"ptr.example.org refused", false},
    {"SCRIPTR", false},
    {"reverse a.example DNS", false},
};

START_TEST(reverse_dns_words)
{
    ck_assert_msg(policy_words_reverse_dns(slice_of(reverse[_i].text)) == reverse[_i].reverse_dns,
                  "%s", reverse[_i].text);
}
END_TEST

static const struct {
    const char *text;
    uint32_t seconds;
} waits[] = {
    {"try again in 5 minutes", 300},
    {"300 seconds", 300},
    {"wait 90s", 90},
    {"back in 1 hour", 3600},
    {"retry after 2-minutes", 120},
    {"come back in 00:10:00.", 600},
    {"in 99999999 hours", 86400},
    {"in 99999999999999999999 seconds", 0},
    {"limit 100 per 60 seconds", 0},
    {"over 10 in the last 5 minutes", 0},
    {"10 messages per 60 seconds; wait 2 min", 120},
    {"5 maids", 0},
    {"4.7.1 5.5 minutes", 300},
    {"", 0},
    {"12", 0},
};

START_TEST(waiting_words)
{
    uint32_t seconds = policy_words_retry_after(slice_of(waits[_i].text));

    ck_assert_msg(seconds == waits[_i].seconds, "%s: %u", waits[_i].text, seconds);
}
END_TEST

START_TEST(long_words_are_cut)
{
    static char reply[20000];
    struct mox_error err = {0};

    memset(reply, 'x', sizeof reply);
    memcpy(reply, "550 5.1.1 ", 10);
    ck_assert_int_eq(mox_reply_classify(RCPT, reply, 9000, &err), MOX_OK);
    ck_assert_uint_eq(strlen(err.reply), sizeof err.reply - 1);
    ck_assert_int_eq(mox_reply_classify(RCPT, reply, sizeof reply, &err), MOX_E_PROTOCOL);
    ck_assert_int_eq(mox_reply_classify(RCPT, NULL, 0, &err), MOX_E_PROTOCOL);
    policy_classify(RCPT, 550, slice_of("5.1.1 x"), NULL);
}
END_TEST

TCase *test_policy_classify(void)
{
    TCase *tcase = tcase_create("policy/classify");

    tcase_add_loop_test(tcase, classify_case, 0, (int)ARRAY_LEN(cases));
    tcase_add_loop_test(tcase, reply_case, 0, (int)ARRAY_LEN(replies));
    tcase_add_loop_test(tcase, reverse_dns_words, 0, (int)ARRAY_LEN(reverse));
    tcase_add_loop_test(tcase, waiting_words, 0, (int)ARRAY_LEN(waits));
    tcase_add_test(tcase, long_words_are_cut);
    return tcase;
}
