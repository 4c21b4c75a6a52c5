/*
 * mail_say.c - the hand that says: see mail.h. Commands and small pieces of a message are gathered,
 * so that a small message, its dot and the envelope of the next one leave in one write.
 */
#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "smtp/command.h"
#include "smtp/mail_hands.h"

static_assert(SMTP_MAIL_OUT >= 2 * MOX_LIMIT_COMMAND, "commands are gathered");
static_assert(SMTP_MAIL_DIRECT <= SMTP_MAIL_OUT, "what is smaller can be copied");

static size_t room(const struct smtp_mail *m)
{
    return SMTP_MAIL_OUT - m->out.len;
}

/* Where to put the next len bytes, which there is room for. */
static char *end_of(struct smtp_mail *m)
{
    return m->out.ptr + m->out.len;
}

static void put(struct smtp_mail *m, struct slice bytes)
{
    memcpy(end_of(m), bytes.ptr, bytes.len);
    buffer_grown(&m->out, bytes.len);
}

/* A command has been put there. */
static void said(struct smtp_mail *m, size_t len)
{
    buffer_grown(&m->out, len);
    m->turn += m->said == m->taken;
    m->said++;
}

static int say_rset(struct smtp_mail *m, struct smtp_transaction *t, struct mox_error *err)
{
    static const char command[] = "RSET\r\n";

    (void)err;
    memcpy(end_of(m), command, sizeof command - 1);
    said(m, sizeof command - 1);
    t->say = SMTP_STEP_MAIL;
    return MOX_OK;
}

static int say_mail(struct smtp_mail *m, struct smtp_transaction *t, struct mox_error *err)
{
    const struct smtp_job *job = t->job;
    const struct smtp_mail_terms terms = {job->message, &job->sender, m->rules->ehlo, job->size,
                                          job->utf8};

    (void)err;
    said(m, smtp_command_mail(&terms, end_of(m)));
    t->say = SMTP_STEP_RCPT;
    return MOX_OK;
}

/* Whether the recipient there, if there is one, is of this transaction. */
static bool takes_more(const struct smtp_mail *m, const struct smtp_transaction *t, size_t i)
{
    uint32_t limit = m->rules->ehlo->rcpt_limit;

    return i < t->job->message->nrcpts && (limit == 0 || t->said < limit) && t->said < UINT32_MAX;
}

/* A recipient that cannot be said, for want of memory as a rule, ends alone. */
static int say_rcpt(struct smtp_mail *m, struct smtp_transaction *t, struct mox_error *err)
{
    struct smtp_job *job = t->job;
    size_t i = smtp_job_next_open(job, t->next);
    struct mox_error why;
    const struct smtp_path *path = smtp_job_path(job, i, &why);

    (void)err;
    if (path != NULL) {
        said(m, smtp_command_rcpt(&job->message->rcpts[i], path, m->rules->ehlo, end_of(m)));
        smtp_job_say(job, i);
        t->said++;
    } else {
        smtp_job_fail_one(job, i, &why);
    }
    t->next = smtp_job_next_open(job, i + 1);
    if (!takes_more(m, t, t->next))
        t->say = SMTP_STEP_DATA;
    return MOX_OK;
}

/* Not if nobody was accepted, as far as that is known: smtp_mail_input ends the transaction. */
static int say_data(struct smtp_mail *m, struct smtp_transaction *t, struct mox_error *err)
{
    static const char command[] = "DATA\r\n";

    (void)err;
    if (t->refused || smtp_mail_is_hopeless(t))
        return MOX_E_AGAIN;
    memcpy(end_of(m), command, sizeof command - 1);
    said(m, sizeof command - 1);
    t->say = SMTP_STEP_BODY;
    return MOX_OK;
}

/* Copies of the piece what there is room for, or gives it as it is. */
static int put_piece(struct smtp_mail *m)
{
    size_t n = m->piece.len < room(m) ? m->piece.len : room(m);

    m->direct = m->piece.len >= SMTP_MAIL_DIRECT;
    if (m->direct || n == 0)
        return MOX_E_AGAIN; /* what is gathered leaves first */
    put(m, (struct slice){m->piece.ptr, n});
    m->piece = slice_sub(m->piece, n, m->piece.len);
    m->body_end = m->out.len;
    return MOX_OK;
}

static int say_body(struct smtp_mail *m, struct smtp_transaction *t, struct mox_error *err)
{
    int status = MOX_OK;

    if (t->take != SMTP_STEP_BODY)
        return MOX_E_AGAIN;
    if (m->piece.len == 0 && t->accepted > 0)
        status = smtp_body_next(&t->job->body, &m->piece, err);
    m->turn += m->starved && status != MOX_E_AGAIN;
    m->starved = status == MOX_E_AGAIN;
    if (status == MOX_E_EOF || t->accepted == 0) {
        t->say = SMTP_STEP_DOT;
        return MOX_OK;
    }
    return status == MOX_OK ? put_piece(m) : status;
}

/* Nothing can follow: no message, and no recipient who was one too many. */
static bool is_last(const struct smtp_mail *m, const struct smtp_job *job)
{
    return (job->message->flags & MOX_MSG_LAST) != 0 && job->next == NULL && job->open == 0 &&
           (m->rules->ehlo->extensions & MOX_EXT_PIPELINING) != 0;
}

static int say_dot(struct smtp_mail *m, struct smtp_transaction *t, struct mox_error *err)
{
    static const struct slice dot = {".\r\n", 3}, quit = {"QUIT\r\n", 6};

    (void)err;
    if (room(m) < dot.len + quit.len)
        return MOX_E_AGAIN;
    put(m, dot);
    m->dot_end = m->out.len;
    m->said++;
    m->quit = is_last(m, t->job);
    if (m->quit)
        put(m, quit);
    t->say = SMTP_STEP_END;
    return MOX_OK;
}

static const struct {
    bool command; /* a line that has a reply, for which there must be room and a turn */
    int (*say)(struct smtp_mail *m, struct smtp_transaction *t, struct mox_error *err);
} steps[] = {
    [SMTP_STEP_RSET] = {true, say_rset},  [SMTP_STEP_MAIL] = {true, say_mail},
    [SMTP_STEP_RCPT] = {true, say_rcpt},  [SMTP_STEP_DATA] = {true, say_data},
    [SMTP_STEP_BODY] = {false, say_body}, [SMTP_STEP_DOT] = {false, say_dot},
};
static_assert(ARRAY_LEN(steps) == SMTP_STEP_END, "a row for each step but the last");

/* The first job that has somebody to be sent; NULL: none. */
static struct smtp_job *next_job(const struct smtp_mail *m)
{
    struct smtp_job *job = m->first;

    while (job != NULL && job->open == 0)
        job = job->next;
    return job;
}

/* A body that cannot be had now ends the job, not the connection. */
static int open_body(struct smtp_mail *m, struct smtp_job *job)
{
    struct mox_error why;
    int status;

    smtp_body_close(&job->body); /* of the transaction before */
    status = smtp_body_open(&job->body, &job->message->body, job->opened, &why);
    job->opened = true;
    smtp_body_trust(&job->body, job->plain);
    if (status == MOX_OK)
        return MOX_OK;
    why.stage = MOX_STAGE_MAIL;
    smtp_job_fail(job, SMTP_MARK_OPEN, &why);
    smtp_mail_end_if_done(m, job);
    return status;
}

/* The next transaction; MOX_E_AGAIN: there is none, or not yet. */
static int begin(struct smtp_mail *m)
{
    struct smtp_transaction *t = smtp_mail_back(m);
    struct smtp_job *job = next_job(m);

    if (job == NULL || smtp_mail_is_spent(m))
        return MOX_E_AGAIN;
    if (t->job != NULL && m->front != m->back)
        return MOX_E_AGAIN; /* two are under way */
    if (open_body(m, job) != MOX_OK)
        return MOX_OK; /* the next one, maybe */
    if (t->job != NULL) {
        m->back = !m->back;
        t = smtp_mail_back(m);
    }
    *t = (struct smtp_transaction){.job = job, .next = job->first};
    t->say = t->take = m->reset ? SMTP_STEP_RSET : SMTP_STEP_MAIL;
    m->begun++;
    job->begun = true;
    return MOX_OK;
}

int smtp_mail_say(struct smtp_mail *m, struct mox_error *err)
{
    struct smtp_transaction *t = smtp_mail_back(m);
    bool pipelined = (m->rules->ehlo->extensions & MOX_EXT_PIPELINING) != 0;

    if (!pipelined && m->said != m->taken)
        return MOX_E_AGAIN;
    if (t->job == NULL || t->say == SMTP_STEP_END)
        return begin(m);
    if (steps[t->say].command && room(m) < MOX_LIMIT_COMMAND)
        return MOX_E_AGAIN;
    return steps[t->say].say(m, t, err);
}
