/*
 * fuzz_classify.c - the first byte chooses the stage, the rest is a reply. The verdict is complete
 * and contains nothing that could not be shown; what the session's own reader takes is judged.
 */
#include <string.h>

#include <moxdial/base.h>

#include "base/limits.h"
#include "base/slice.h"
#include "fuzz.h"
#include "smtp/reply.h"

static void check_text(const char *text, size_t cap, bool lines)
{
    size_t len = strnlen(text, cap);

    fuzz_require(len < cap, "text ends in its field");
    fuzz_require(slice_utf8((struct slice){text, len}) == len, "text is UTF-8");
    for (size_t i = 0; i < len; i++)
        fuzz_require(!slice_is_control(text[i]) || (lines && text[i] == '\n'),
                     "text has no control characters");
}

static void check_enhanced(const struct mox_error *e)
{
    unsigned class, subject, detail;
    char again[32];

    if (e->enhanced[0] == '\0')
        return;
    fuzz_require(sscanf(e->enhanced, "%1u.%3u.%3u", &class, &subject, &detail) == 3,
                 "an enhanced code has three numbers");
    fuzz_require((int)class == e->smtp_code / 100, "an enhanced code is of the code's class");
    snprintf(again, sizeof again, "%u.", class);
    fuzz_require(strncmp(e->enhanced, again, 2) == 0 &&
                     strspn(e->enhanced, "0123456789.") == strlen(e->enhanced),
                 "an enhanced code is nothing else");
}

static void check_verdict(int stage, const struct mox_error *e)
{
    int exit_code = mox_error_exit_code(e);

    check_text(e->reply, sizeof e->reply, true);
    check_text(e->message, sizeof e->message, false);
    check_text(e->enhanced, sizeof e->enhanced, false);
    check_enhanced(e);
    fuzz_require(e->stage == stage, "the stage is the one given");
    fuzz_require(e->smtp_code >= 200 && e->smtp_code <= 599, "a code is 200 to 599");
    fuzz_require((e->code == MOX_E_REFUSED) == (e->smtp_code >= 400), "4xx and 5xx are refusals");
    fuzz_require(e->permanent == 0 || (e->permanent == 1 && e->smtp_code >= 500),
                 "only 5xx is permanent");
    fuzz_require(e->action >= MOX_ACTION_NONE && e->action <= MOX_ACTION_GIVE_UP &&
                     e->about >= MOX_ABOUT_UNKNOWN && e->about <= MOX_ABOUT_MESSAGE,
                 "action and subject are of their enums");
    fuzz_require(e->permanent != 0 || e->action != MOX_ACTION_GIVE_UP,
                 "no mail is given up for what is temporary");
    fuzz_require(e->retry_after_s <= MOX_LIMIT_RETRY_AFTER, "nobody makes us wait for ever");
    fuzz_require((e->message[0] != '\0') == (e->code != MOX_OK), "a refusal has words");
    fuzz_require(e->os_errno == 0 && e->address.family == 0 && e->host[0] == '\0' && e->line == 0,
                 "no field tells of what was not asked");
    fuzz_require(exit_code != 64 && exit_code != 70 && exit_code != 76 && exit_code != 78,
                 "no exit code that returns all mail");
    fuzz_require(exit_code == 75 || exit_code == 0 || e->permanent == 1,
                 "what is temporary is told as such");
}

/* Where the last line has no end, or half of one, it is given the rest. */
static void check_session_agrees(struct slice reply, int status, const struct mox_error *e)
{
    struct smtp_reply own = {0};
    size_t used = 0, more = 0;
    int pushed = smtp_reply_push(&own, reply, &used, NULL);
    char last = reply.len > 0 ? reply.ptr[reply.len - 1] : '\n';

    if (pushed == MOX_OK && !own.complete && last != '\n')
        pushed = smtp_reply_push(&own, slice_of(last == '\r' ? "\n" : "\r\n"), &more, NULL);
    if (pushed == MOX_OK && own.complete && used == reply.len) {
        fuzz_require(status == MOX_OK, "what a session takes is a reply");
        fuzz_require(e->smtp_code == own.code, "both see the same code");
    }
    if (status == MOX_OK && pushed != MOX_E_LIMIT)
        fuzz_require(own.complete && used == reply.len, "what is a reply is one for a session");
    smtp_reply_free(&own);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice reply;
    struct mox_error err, again;
    int stage, status;

    if (size == 0)
        return -1;
    stage = data[0] % (MOX_STAGE_QUIT + 1);
    reply = (struct slice){(const char *)data + 1, size - 1};
    memset(&err, 0x55, sizeof err);
    memset(&again, 0xaa, sizeof again);
    status = mox_reply_classify(stage, reply.ptr, reply.len, &err);
    fuzz_require(mox_reply_classify(stage, reply.ptr, reply.len, &again) == status &&
                     memcmp(&err, &again, sizeof err) == 0,
                 "a verdict is complete, and the same each time");
    fuzz_require(mox_reply_classify(stage, reply.ptr, reply.len, NULL) == status,
                 "a verdict need not be wanted");
    if (status == MOX_OK)
        check_verdict(stage, &err);
    else
        fuzz_require(status == MOX_E_PROTOCOL && err.code == status && err.message[0] != '\0',
                     "what is no reply is refused with words");
    check_session_agrees(reply, status, &err);
    return 0;
}
