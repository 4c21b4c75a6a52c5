/* result.c - see result.h. */
#include "smtp/result.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/names.h"
#include "policy/classify.h"

static_assert(sizeof((struct mox_rcpt_result){0}.reply) == POLICY_REPLY, "the words of a result");
static_assert(sizeof((struct mox_rcpt_result){0}.enhanced) == POLICY_ENHANCED, "and its code");

static const char *const state_names[] = {
    [MOX_RCPT_PENDING] = "pending",     [MOX_RCPT_ACCEPTED] = "accepted",
    [MOX_RCPT_TEMPORARY] = "temporary", [MOX_RCPT_PERMANENT] = "permanent",
    [MOX_RCPT_UNKNOWN] = "unknown",
};
static_assert(ARRAY_LEN(state_names) == MOX_RCPT_UNKNOWN + 1, "a name for each state");

const char *mox_rcpt_state_name(int state)
{
    return name_of(state_names, ARRAY_LEN(state_names), state);
}

bool smtp_result_is_open(const struct mox_rcpt_result *r)
{
    return r->state == MOX_RCPT_PENDING || r->action == MOX_ACTION_NEXT;
}

int smtp_result_rank(const struct mox_rcpt_result *r)
{
    if (r->state == MOX_RCPT_ACCEPTED)
        return SMTP_RANK_NONE;
    if (r->action == MOX_ACTION_NEXT)
        return SMTP_RANK_NEXT;
    return r->state == MOX_RCPT_PERMANENT ? SMTP_RANK_PERMANENT : SMTP_RANK_LATER;
}

int smtp_result_code(const struct mox_rcpt_result *r)
{
    if (r->state == MOX_RCPT_ACCEPTED)
        return MOX_OK;
    return r->code != MOX_OK ? r->code : MOX_E_REFUSED;
}

void smtp_result_set(struct mox_rcpt_result *r, int state, const struct mox_error *why)
{
    r->state = state;
    r->code = why->code;
    r->stage = why->stage;
    r->about = why->about;
    r->action = why->action;
    r->smtp_code = why->smtp_code;
    r->retry_after_s = why->retry_after_s;
    r->dsn_relayed = 0;
    memcpy(r->enhanced, why->enhanced, sizeof r->enhanced);
    memcpy(r->reply, why->reply, sizeof r->reply);
}

void smtp_result_accept(struct mox_rcpt_result *r, int code, struct slice text)
{
    r->state = MOX_RCPT_ACCEPTED;
    r->code = MOX_OK;
    r->stage = MOX_STAGE_FINAL;
    r->about = MOX_ABOUT_UNKNOWN;
    r->action = MOX_ACTION_NONE;
    r->smtp_code = code;
    r->retry_after_s = 0;
    r->dsn_relayed = 0;
    policy_reply(code, text, r->enhanced, r->reply);
}

int smtp_result_error(const struct mox_rcpt_result *r, struct mox_error *err)
{
    int code = smtp_result_code(r);

    if (err == NULL)
        return code;
    if (r->smtp_code >= 400)
        policy_classify(r->stage, r->smtp_code, slice_of(r->reply), err);
    else
        error_set(err, code, "the message was not handed over (%s, at %s)", mox_status_name(code),
                  mox_stage_name(r->stage));
    err->code = code;
    err->stage = r->stage;
    err->about = r->about;
    err->action = r->action;
    err->permanent = r->state == MOX_RCPT_PERMANENT;
    err->retry_after_s = r->retry_after_s;
    return code;
}
