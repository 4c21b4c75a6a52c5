/*
 * mail_take.c - the hand that takes replies: see mail.h. A refused recipient keeps its own reply;
 * those that were accepted share the fate of the message.
 */
#include <assert.h>

#include "base/error.h"
#include "base/mem.h"
#include "policy/classify.h"
#include "smtp/mail_hands.h"

enum {
    CODE_GO_AHEAD = 354,
    CODE_BYE = 221,
    CODE_REFUSED = 400,  /* and above */
    CODE_TOO_MANY = 452, /* recipients, at RCPT (RFC 5321 section 4.5.3.1.10) */
    CODE_TOO_MANY_OLD = 552
};

static bool is_success(const struct smtp_mail *m)
{
    return m->reply.code >= 200 && m->reply.code <= 299;
}

/* A code that says neither yes nor no. */
static int unexpected(const struct smtp_mail *m, struct mox_error *err)
{
    error_set(err, MOX_E_PROTOCOL, "the server broke SMTP: its %s has the code %d",
              smtp_mail_awaited(m), m->reply.code);
    if (err == NULL)
        return MOX_E_PROTOCOL;
    err->smtp_code = m->reply.code;
    slice_clean(smtp_reply_text(&m->reply), true, err->reply, sizeof err->reply);
    return MOX_E_PROTOCOL;
}

/* The refusal at hand. That it is of our address counts only until the server has judged somebody
 * otherwise (semantics.md 6.5). */
static void classify(const struct smtp_mail *m, struct smtp_job *job, int stage,
                     struct mox_error *why)
{
    policy_classify(stage, m->reply.code, smtp_reply_text(&m->reply), why);
    if (policy_source_refusal(stage, why) == POLICY_SOURCE_NO)
        job->judged = job->judged || stage == MOX_STAGE_RCPT;
    else if (why->permanent && (job->judged || job->accepted))
        why->action = MOX_ACTION_GIVE_UP;
}

static int take_rset(struct smtp_mail *m, struct smtp_transaction *t, struct mox_error *err)
{
    t->take = SMTP_STEP_MAIL;
    m->reset = false;
    if (is_success(m))
        return MOX_OK;
    error_set(err, MOX_E_PROTOCOL, "the server broke SMTP: it refused RSET with the code %d",
              m->reply.code);
    return MOX_E_PROTOCOL;
}

static int take_mail(struct smtp_mail *m, struct smtp_transaction *t, struct mox_error *err)
{
    struct mox_error why;

    if (m->reply.code < CODE_REFUSED && !is_success(m))
        return unexpected(m, err);
    t->take = SMTP_STEP_RCPT;
    t->job->heard = true;
    if (is_success(m))
        return MOX_OK;
    classify(m, t->job, MOX_STAGE_MAIL, &why);
    smtp_job_fail_all(t->job, &why);
    t->refused = true;
    if (t->say == SMTP_STEP_RCPT)
        t->say = SMTP_STEP_DATA; /* where it stays */
    return MOX_OK;
}

/* The rest goes into another transaction. */
static void close_list(struct smtp_transaction *t, size_t i)
{
    smtp_job_reopen(t->job, i);
    t->full = true;
    if (t->say == SMTP_STEP_RCPT)
        t->say = SMTP_STEP_DATA;
}

static void refuse_rcpt(struct smtp_mail *m, struct smtp_transaction *t, size_t i)
{
    int code = m->reply.code;
    struct mox_error why;

    if ((code == CODE_TOO_MANY || code == CODE_TOO_MANY_OLD) && t->accepted > 0) {
        close_list(t, i);
        return;
    }
    classify(m, t->job, MOX_STAGE_RCPT, &why);
    smtp_job_fail_one(t->job, i, &why);
}

static int take_rcpt(struct smtp_mail *m, struct smtp_transaction *t, struct mox_error *err)
{
    size_t i;

    if (m->reply.code < CODE_REFUSED && !is_success(m))
        return unexpected(m, err);
    t->taken++;
    if (t->refused) { /* all have their result */
        t->odd = t->odd || is_success(m);
        return MOX_OK;
    }
    i = smtp_job_next_marked(t->job, t->heard, SMTP_MARK_SAID);
    t->heard = i + 1;
    if (is_success(m)) {
        t->job->marks[i] = SMTP_MARK_TAKEN;
        t->job->accepted = true;
        t->accepted++;
    } else {
        refuse_rcpt(m, t, i);
    }
    return MOX_OK;
}

/* 354 though nobody was accepted: the message is empty, and nobody gets it. */
static int take_data(struct smtp_mail *m, struct smtp_transaction *t, struct mox_error *err)
{
    struct mox_error why;

    if (m->reply.code == CODE_GO_AHEAD && t->odd)
        return error_set(
            err, MOX_E_PROTOCOL,
            "the server broke SMTP: it refused the sender, and then wanted the message "
            "for a recipient");
    if (m->reply.code == CODE_GO_AHEAD) {
        t->take = SMTP_STEP_BODY;
        m->block = 0;
        return MOX_OK;
    }
    if (m->reply.code < CODE_REFUSED)
        return unexpected(m, err);
    if (t->accepted > 0) {
        classify(m, t->job, MOX_STAGE_DATA, &why);
        smtp_job_fail(t->job, SMTP_MARK_TAKEN, &why);
    }
    smtp_mail_end_front(m);
    return MOX_OK;
}

static int take_final(struct smtp_mail *m, struct smtp_transaction *t, struct mox_error *err)
{
    struct mox_error why;

    if (m->reply.code < CODE_REFUSED && (!is_success(m) || m->reply.code == CODE_BYE))
        return unexpected(m, err); /* 221 is the reply to a QUIT behind it */
    if (is_success(m)) {
        smtp_job_accept(t->job, m->reply.code, smtp_reply_text(&m->reply));
        m->messages += t->accepted > 0;
    } else if (t->accepted > 0) {
        classify(m, t->job, MOX_STAGE_FINAL, &why);
        smtp_job_fail(t->job, SMTP_MARK_TAKEN, &why);
    }
    smtp_mail_end_front(m);
    return MOX_OK;
}

static int (*const takes[])(struct smtp_mail *m, struct smtp_transaction *t,
                            struct mox_error *err) = {
    [SMTP_STEP_RSET] = take_rset, [SMTP_STEP_MAIL] = take_mail,  [SMTP_STEP_RCPT] = take_rcpt,
    [SMTP_STEP_DATA] = take_data, [SMTP_STEP_BODY] = take_final,
};
static_assert(ARRAY_LEN(takes) == SMTP_STEP_BODY + 1, "a row for each step with a reply");

enum smtp_step smtp_mail_awaited_step(const struct smtp_transaction *t)
{
    if (t->take == SMTP_STEP_RCPT && t->say > SMTP_STEP_RCPT && t->taken == t->said)
        return SMTP_STEP_DATA;
    return (enum smtp_step)t->take;
}

int smtp_mail_take(struct smtp_mail *m, struct mox_error *err)
{
    struct smtp_transaction *t = smtp_mail_front(m);

    t->take = (uint8_t)smtp_mail_awaited_step(t);
    return takes[t->take](m, t, err);
}

void smtp_mail_take_early(struct smtp_mail *m)
{
    struct smtp_transaction *t = smtp_mail_front(m);
    struct mox_error why;

    classify(m, t->job, MOX_STAGE_BODY, &why);
    smtp_job_fail(t->job, SMTP_MARK_TAKEN, &why);
}
