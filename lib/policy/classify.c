/*
 * classify.c - see classify.h. Codes are believed before words, the enhanced code before the plain
 * one; the stage says the rest.
 */
#include "policy/classify.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "policy/words.h"

static_assert(sizeof((struct mox_error){0}.reply) == POLICY_REPLY, "the words of an error");
static_assert(sizeof((struct mox_error){0}.enhanced) == POLICY_ENHANCED, "and its code");

enum {
    CODE_REFUSED = 400,
    CODE_PERMANENT = 500,
    CODE_CLOSING = 421,
    CODE_TOO_MUCH = 552, /* at RCPT: too many recipients (RFC 5321 section 4.5.3.1.10) */
    CODE_LEN = 3
};

/* Digits of a part at the front: 1 to 3. */
static size_t part_digits(struct slice s)
{
    size_t n = 0;

    while (n < s.len && n < 4 && slice_is_digit(s.ptr[n]))
        n++;
    return n <= 3 ? n : 0;
}

void policy_enhanced(int code, struct slice words, char out[12])
{
    size_t at = 1, n;

    out[0] = '\0';
    if (words.len == 0 || words.ptr[0] != '0' + code / 100)
        return;
    for (int part = 0; part < 2; part++) {
        if (at == words.len || words.ptr[at] != '.')
            return;
        n = part_digits(slice_sub(words, at + 1, words.len));
        if (n == 0)
            return;
        at += 1 + n;
    }
    if (at < words.len && words.ptr[at] != ' ')
        return;
    memcpy(out, words.ptr, at);
    out[at] = '\0';
}

static struct slice last_line(struct slice text)
{
    size_t from;

    while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    for (from = text.len; from > 0 && text.ptr[from - 1] != '\n'; from--)
        continue;
    return slice_sub(text, from, text.len);
}

/* Whether the enhanced code is of that subject and detail, "7.25". */
static bool enhanced_is(const struct mox_error *err, const char *status)
{
    return err->enhanced[0] != '\0' && strcmp(err->enhanced + 2, status) == 0;
}

/* Its subject, the middle number; -1: there is none, or one of several digits. */
static int subject(const struct mox_error *err)
{
    return err->enhanced[0] != '\0' && err->enhanced[3] == '.' ? err->enhanced[2] - '0' : -1;
}

/* Greylisting that does not say so: rspamd's "451 4.7.1 Try again later" and its like. With another
 * word it may be about our address, or trouble of the host's. */
static bool is_asked_back(int stage, const struct mox_error *err)
{
    return stage >= MOX_STAGE_RCPT && (err->smtp_code == 450 || err->smtp_code == 451) &&
           (enhanced_is(err, "7.1") || enhanced_is(err, "2.0")) &&
           policy_words_come_back(slice_of(err->reply));
}

static bool is_greylisted(int stage, const struct mox_error *err)
{
    if (err->smtp_code >= CODE_PERMANENT || err->smtp_code == CODE_CLOSING)
        return false;
    if (stage != MOX_STAGE_MAIL && stage != MOX_STAGE_RCPT && stage != MOX_STAGE_DATA &&
        stage != MOX_STAGE_BODY && stage != MOX_STAGE_FINAL)
        return false;
    return policy_words_greylist(slice_of(err->reply)) || is_asked_back(stage, err);
}

enum policy_source_refusal policy_source_refusal(int stage, const struct mox_error *err)
{
    static const char *const possible[] = {"7.1", "7.23", "7.24", "7.26"};

    if (stage < MOX_STAGE_GREETING || stage > MOX_STAGE_RCPT || err->smtp_code < CODE_REFUSED)
        return POLICY_SOURCE_NO;
    if (enhanced_is(err, "7.25"))
        return POLICY_SOURCE_CERTAIN;
    if (enhanced_is(err, "7.27") || is_greylisted(stage, err))
        return POLICY_SOURCE_NO;
    if (policy_words_reverse_dns(slice_of(err->reply)))
        return POLICY_SOURCE_CERTAIN;
    if (stage == MOX_STAGE_GREETING)
        return err->smtp_code >= CODE_PERMANENT ? POLICY_SOURCE_POSSIBLE : POLICY_SOURCE_NO;
    if (stage != MOX_STAGE_MAIL && stage != MOX_STAGE_RCPT)
        return POLICY_SOURCE_NO;
    for (size_t i = 0; i < ARRAY_LEN(possible); i++) {
        if (enhanced_is(err, possible[i]))
            return POLICY_SOURCE_POSSIBLE;
    }
    return POLICY_SOURCE_NO;
}

/* What certain enhanced codes are about, whatever the stage (RFC 3463, 7372, 7505). */
static const struct {
    const char *status;
    int about;
} abouts[] = {
    {"1.2", MOX_ABOUT_DOMAIN},   {"1.10", MOX_ABOUT_DOMAIN},  {"1.7", MOX_ABOUT_SENDER},
    {"1.8", MOX_ABOUT_SENDER},   {"3.4", MOX_ABOUT_MESSAGE},  {"2.3", MOX_ABOUT_MESSAGE},
    {"7.20", MOX_ABOUT_MESSAGE}, {"7.21", MOX_ABOUT_MESSAGE}, {"7.22", MOX_ABOUT_MESSAGE},
    {"7.23", MOX_ABOUT_SOURCE},  {"7.24", MOX_ABOUT_SOURCE},  {"7.25", MOX_ABOUT_SOURCE},
    {"7.26", MOX_ABOUT_SOURCE},  {"7.27", MOX_ABOUT_SENDER},
};

/* Whom a stage's command spoke of. */
static int about_of_stage(int stage, int code)
{
    switch (stage) {
    case MOX_STAGE_AUTH:
        return MOX_ABOUT_LOCAL;
    case MOX_STAGE_MAIL:
        if (code == CODE_TOO_MUCH)
            return MOX_ABOUT_MESSAGE;
        return code >= CODE_PERMANENT ? MOX_ABOUT_SENDER : MOX_ABOUT_HOST;
    case MOX_STAGE_RCPT:
        return MOX_ABOUT_RCPT;
    case MOX_STAGE_DATA:
    case MOX_STAGE_BODY:
    case MOX_STAGE_FINAL:
        return code >= CODE_PERMANENT ? MOX_ABOUT_MESSAGE : MOX_ABOUT_HOST;
    default:
        return MOX_ABOUT_HOST;
    }
}

/* Codes that say what is wrong at any stage: ours to mend, or the server as a whole. */
static int about_of_code(int code)
{
    switch (code) {
    case CODE_CLOSING:
    case 500: /* syntax, order of commands, parameters: client and server do not agree */
    case 501:
    case 502:
    case 503:
    case 504:
    case 521: /* RFC 7504 */
    case 555:
        return MOX_ABOUT_HOST;
    case 530: /* RFC 4954: AUTH or STARTTLS first */
    case 534:
    case 535:
    case 538:
        return MOX_ABOUT_LOCAL;
    default:
        return MOX_ABOUT_UNKNOWN;
    }
}

static int find_about(int stage, const struct mox_error *err)
{
    enum policy_source_refusal source = policy_source_refusal(stage, err);
    bool transaction = stage >= MOX_STAGE_MAIL;
    int about;

    if (source == POLICY_SOURCE_CERTAIN ||
        (source == POLICY_SOURCE_POSSIBLE && policy_words_blocked(slice_of(err->reply))))
        return MOX_ABOUT_SOURCE;
    for (size_t i = 0; i < ARRAY_LEN(abouts) && transaction; i++) {
        if (enhanced_is(err, abouts[i].status))
            return abouts[i].about;
    }
    about = about_of_code(err->smtp_code);
    if (about != MOX_ABOUT_UNKNOWN)
        return about;
    if (transaction && (subject(err) == 3 || subject(err) == 4)) /* mail system, network */
        return MOX_ABOUT_HOST;
    return about_of_stage(stage, err->smtp_code);
}

/* D14, D16: a 5xx to STARTTLS or a RCPT that is one too many is no verdict on the mail. */
static bool is_permanent(int stage, const struct mox_error *err)
{
    if (err->smtp_code < CODE_PERMANENT || stage == MOX_STAGE_TLS || stage == MOX_STAGE_QUIT)
        return false;
    return stage != MOX_STAGE_RCPT || err->smtp_code != CODE_TOO_MUCH;
}

static int find_action(int stage, const struct mox_error *err)
{
    if (stage == MOX_STAGE_QUIT)
        return MOX_ACTION_NONE;
    if (is_greylisted(stage, err))
        return MOX_ACTION_LATER_SAME;
    if (err->smtp_code == CODE_CLOSING || !err->permanent || stage < MOX_STAGE_AUTH)
        return stage == MOX_STAGE_AUTH && err->smtp_code != CODE_CLOSING ? MOX_ACTION_LATER
                                                                         : MOX_ACTION_NEXT;
    if (policy_source_refusal(stage, err) != POLICY_SOURCE_NO)
        return MOX_ACTION_NEXT;
    return MOX_ACTION_GIVE_UP;
}

static const char *refused_what(int stage)
{
    switch (stage) {
    case MOX_STAGE_GREETING:
        return "the server turned us away";
    case MOX_STAGE_EHLO:
        return "the server refused our EHLO";
    case MOX_STAGE_TLS:
        return "the server refused STARTTLS";
    case MOX_STAGE_AUTH:
        return "the server refused our login";
    case MOX_STAGE_MAIL:
        return "the server refused the sender";
    case MOX_STAGE_RCPT:
        return "the server refused the recipient";
    case MOX_STAGE_DATA:
        return "the server refused to take the message";
    case MOX_STAGE_BODY:
    case MOX_STAGE_FINAL:
        return "the server refused the message";
    default:
        return "the server refused";
    }
}

static const char *what_next(const struct mox_error *err)
{
    if (err->about == MOX_ABOUT_SOURCE)
        return "; it is about our address: check its reverse DNS, SPF and blocklists";
    switch (err->action) {
    case MOX_ACTION_LATER_SAME:
        return "; try again later from the same address";
    case MOX_ACTION_LATER:
        return "; try again later";
    case MOX_ACTION_GIVE_UP:
        return err->about == MOX_ABOUT_LOCAL ? "; check the user name and password" : "";
    default:
        return "";
    }
}

void policy_reply(int code, struct slice text, char enhanced[POLICY_ENHANCED],
                  char reply[POLICY_REPLY])
{
    policy_enhanced(code, last_line(text), enhanced);
    slice_clean(text, true, reply, POLICY_REPLY);
}

void policy_classify(int stage, int code, struct slice text, struct mox_error *err)
{
    struct mox_error e = {.smtp_code = code};
    char words[320]; /* short enough that what follows them in the sentence stays */

    if (err == NULL)
        return;
    policy_reply(code, text, e.enhanced, e.reply);
    e.permanent = is_permanent(stage, &e);
    e.about = find_about(stage, &e);
    e.action = find_action(stage, &e);
    if (code < CODE_PERMANENT)
        e.retry_after_s = policy_words_retry_after(text);
    policy_words_line(e.reply, words, sizeof words);
    error_set(err, MOX_E_REFUSED, "%s: %d%s%s%s", refused_what(stage), code,
              words[0] == '\0' ? "" : " ", words, what_next(&e));
    err->stage = stage;
    err->about = e.about;
    err->action = e.action;
    err->permanent = e.permanent;
    err->smtp_code = code;
    err->retry_after_s = e.retry_after_s;
    memcpy(err->enhanced, e.enhanced, sizeof err->enhanced);
    memcpy(err->reply, e.reply, sizeof err->reply);
}

/* The code of "250", "250 text" or "250-text", and whether it is the last line; 0 for all else. */
static int line_code(struct slice line, bool *last)
{
    uint64_t code;

    if (line.len < CODE_LEN || !slice_number(slice_sub(line, 0, CODE_LEN), 599, &code) ||
        code < 200)
        return 0;
    *last = line.len == CODE_LEN || line.ptr[CODE_LEN] == ' ';
    return *last || line.ptr[CODE_LEN] == '-' ? (int)code : 0;
}

/* The reply's words without its codes into text, cut to fit. Its code; 0: it is no reply. */
static int take_reply(struct slice reply, char *text, size_t cap, size_t *len)
{
    bool last = false;
    int code = 0;

    *len = 0;
    while (reply.len > 0) {
        size_t end = slice_find(reply, '\n');
        struct slice line = slice_sub(reply, 0, end);
        int this_code;

        reply = slice_sub(reply, end + 1, reply.len);
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        this_code = last ? 0 : line_code(line, &last);
        if (this_code == 0 || (code != 0 && code != this_code))
            return 0;
        if (code != 0 && *len < cap)
            text[(*len)++] = '\n';
        code = this_code;
        line = slice_sub(line, CODE_LEN + 1, line.len);
        line.len = line.len < cap - *len ? line.len : cap - *len;
        memcpy(text + *len, line.ptr, line.len);
        *len += line.len;
    }
    return last ? code : 0;
}

int mox_reply_classify(int stage, const char *reply, size_t len, struct mox_error *out)
{
    char text[MOX_LIMIT_REPLY];
    size_t n = 0;
    int code = len <= sizeof text && reply != NULL
                   ? take_reply((struct slice){reply, len}, text, sizeof text, &n)
                   : 0;

    if (code == 0) {
        error_set(out, MOX_E_PROTOCOL, "what the server sent is no SMTP reply");
        if (out != NULL)
            out->stage = stage;
        return MOX_E_PROTOCOL;
    }
    if (out == NULL)
        return MOX_OK;
    if (code >= CODE_REFUSED) {
        policy_classify(stage, code, (struct slice){text, n}, out);
        return MOX_OK;
    }
    *out = (struct mox_error){.stage = stage, .smtp_code = code, .dns_rcode = -1};
    policy_reply(code, (struct slice){text, n}, out->enhanced, out->reply);
    return MOX_OK;
}
