/*
 * mail.c - see mail.h: the queue, the output as it is written, the replies as they come, and the
 * end. What the hands say and take is in mail_say.c and mail_take.c.
 */
#include "smtp/mail.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "policy/classify.h"
#include "smtp/mail_hands.h"
#include "smtp/result.h"

enum { CODE_REFUSED = 400, CODE_CLOSING = 421 };
enum { QUOTED = 80 /* bytes shown in an error */ };

static const struct {
    const char *awaited; /* whose end it waits for */
    enum mox_stage stage;
    enum smtp_mail_deadline deadline;
} steps[] = {
    [SMTP_STEP_RSET] = {"reply to RSET", MOX_STAGE_MAIL, SMTP_MAIL_DEADLINE_MAIL},
    [SMTP_STEP_MAIL] = {"reply to MAIL FROM", MOX_STAGE_MAIL, SMTP_MAIL_DEADLINE_MAIL},
    [SMTP_STEP_RCPT] = {"reply to RCPT TO", MOX_STAGE_RCPT, SMTP_MAIL_DEADLINE_RCPT},
    [SMTP_STEP_DATA] = {"reply to DATA", MOX_STAGE_DATA, SMTP_MAIL_DEADLINE_DATA},
    [SMTP_STEP_BODY] = {"reply to the message", MOX_STAGE_FINAL, SMTP_MAIL_DEADLINE_FINAL},
};
static_assert(ARRAY_LEN(steps) == SMTP_STEP_BODY + 1, "a row for each step with a reply");

static const struct smtp_transaction *front_of(const struct smtp_mail *m)
{
    return &m->transactions[m->front];
}

/* The message is being written: the dot is not, or not whole. */
static bool is_writing(const struct smtp_mail *m)
{
    const struct smtp_transaction *t = front_of(m);

    return t->job != NULL && t->take == SMTP_STEP_BODY && !t->dotted;
}

void smtp_mail_start(struct smtp_mail *m, const struct smtp_mail_rules *rules)
{
    *m = (struct smtp_mail){.rules = rules};
}

static void append(struct smtp_job **first, struct smtp_job **last, struct smtp_job *job)
{
    job->next = NULL;
    if (*last != NULL)
        (*last)->next = job;
    else
        *first = job;
    *last = job;
}

static void unlink_job(struct smtp_mail *m, const struct smtp_job *job)
{
    struct smtp_job **at = &m->first, *before = NULL;

    while (*at != job) {
        before = *at;
        at = &before->next;
    }
    *at = job->next;
    if (m->last == job)
        m->last = before;
}

static void end_job(struct smtp_mail *m, struct smtp_job *job)
{
    unlink_job(m, job);
    smtp_job_finish(job);
    append(&m->done_first, &m->done_last, job);
}

void smtp_mail_end_if_done(struct smtp_mail *m, struct smtp_job *job)
{
    if (job->left == 0 && m->transactions[0].job != job && m->transactions[1].job != job)
        end_job(m, job);
}

void smtp_mail_end_front(struct smtp_mail *m)
{
    struct smtp_transaction *t = smtp_mail_front(m);
    struct smtp_job *job = t->job;

    m->reset = !t->dotted;
    *t = (struct smtp_transaction){0};
    m->front = m->back;
    smtp_mail_end_if_done(m, job);
}

/* Who has not ended stays pending: this connection is of no use to him. */
static void leave(struct smtp_mail *m, struct smtp_job *job, int action, const char *why)
{
    struct mox_error closed;

    error_set(&closed, MOX_E_CLOSED, "%s", why);
    closed.stage = MOX_STAGE_MAIL; /* which is what it waited for */
    closed.action = action;
    smtp_job_leave(job, &closed);
    end_job(m, job);
}

/* No transaction may follow: whoever waits for one goes. One that was begun has the connection to
 * itself and can ask for the next; of the others each would. */
static void leave_spent(struct smtp_mail *m)
{
    while (m->first != NULL)
        leave(m, m->first, m->first->begun ? MOX_ACTION_NEXT : MOX_ACTION_LATER,
              "the connection has had as many messages as it may have; dial anew");
}

/* After every change: what follows from it without a byte. Returns whether a transaction ended. */
static bool settle(struct smtp_mail *m)
{
    bool ended = smtp_mail_is_hopeless(front_of(m));

    if (ended)
        smtp_mail_end_front(m);
    if (smtp_mail_is_spent(m) && front_of(m)->job == NULL)
        leave_spent(m);
    return ended;
}

int smtp_mail_add(struct smtp_mail *m, struct smtp_job *job, struct mox_error *err)
{
    struct buffer *memory = m->rules->shared != NULL ? m->rules->shared : &m->out;
    int status;

    if (m->broken)
        return error_set(err, MOX_E_STATE, "the connection is over; dial anew");
    if (m->out.ptr == NULL && buffer_room(memory, SMTP_MAIL_OUT) == NULL)
        return error_nomem(err); /* now rather than in the middle */
    status = smtp_job_start(job, m->rules, err);
    if (status != MOX_OK)
        return status;
    append(&m->first, &m->last, job);
    smtp_mail_end_if_done(m, job);
    settle(m);
    return MOX_OK;
}

struct smtp_job *smtp_mail_take_done(struct smtp_mail *m)
{
    struct smtp_job *job = m->done_first;

    if (job == NULL)
        return NULL;
    m->done_first = job->next;
    if (m->done_first == NULL)
        m->done_last = NULL;
    job->next = NULL;
    return job;
}

/* What is gathered, before what lies elsewhere. */
static struct slice pending(const struct smtp_mail *m)
{
    if (m->out.at < m->out.len)
        return buffer_slice(&m->out);
    return m->direct ? m->piece : (struct slice){0};
}

/* Memory for an output. One that is written at once, as nearly all are, leaves it to the next
 * machine while the processor still has it at hand. */
static int take_memory(struct smtp_mail *m, struct mox_error *err)
{
    struct buffer *shared = m->rules->shared;

    if (m->out.ptr == NULL && shared != NULL) {
        m->out = *shared;
        *shared = (struct buffer){0};
    }
    buffer_clear(&m->out);
    return buffer_room(&m->out, SMTP_MAIL_OUT) != NULL ? MOX_OK : error_nomem(err);
}

/* Nothing is in it any more. */
static void leave_memory(struct smtp_mail *m)
{
    struct buffer *shared = m->rules->shared;

    if (shared == NULL)
        return;
    if (shared->ptr == NULL)
        *shared = m->out;
    else
        buffer_free(&m->out);
    m->out = (struct buffer){0};
}

static uint32_t count_lines(struct slice commands)
{
    uint32_t n = 0;

    for (size_t at = slice_find(commands, '\n'); at < commands.len;
         at = slice_find(commands, '\n')) {
        commands = slice_sub(commands, at + 1, commands.len);
        n++;
    }
    return n;
}

struct slice smtp_mail_commands(const struct smtp_mail *m, size_t n)
{
    size_t from = m->out.at, to = from + n, begin = from < m->body_end ? m->body_end : from;

    if (from == m->out.len || begin >= to)
        return (struct slice){0};
    return (struct slice){m->out.ptr + begin, to - begin};
}

/* Of the gathered: which commands are whole with the server now, and whether the dot is. */
static void sent_gathered(struct smtp_mail *m, size_t n)
{
    size_t from = m->out.at, to = from + n;

    m->written += count_lines(smtp_mail_commands(m, n));
    if (m->dot_end > from && m->dot_end <= to) {
        smtp_mail_front(m)->dotted = true;
        m->turn++;
    }
    m->out.at = to;
    if (to == m->out.len)
        leave_memory(m);
}

/* Each block of a message has the deadline anew. */
static void count_block(struct smtp_mail *m, size_t n)
{
    m->block += n;
    if (m->block < SMTP_MAIL_BLOCK && pending(m).len > 0)
        return;
    m->block = 0;
    m->turn++;
}

void smtp_mail_sent(struct smtp_mail *m, size_t n)
{
    size_t most = pending(m).len;
    bool writing = is_writing(m);

    n = n < most ? n : most;
    if (m->out.at < m->out.len)
        sent_gathered(m, n);
    else
        m->piece = slice_sub(m->piece, n, m->piece.len);
    if (writing && n > 0)
        count_block(m, n);
}

static int out_of_turn(const struct smtp_mail *m, struct mox_error *err)
{
    char quoted[QUOTED];

    slice_clean(smtp_reply_text(&m->reply), false, quoted, sizeof quoted);
    return error_set(err, MOX_E_PROTOCOL,
                     "the server broke SMTP: it spoke out of turn, before it was asked: \"%d %s\"",
                     m->reply.code, quoted);
}

static void add_what_next(struct mox_error *err, const char *words)
{
    size_t len = strlen(err->message);
    struct text t = {err->message + len, sizeof err->message - len, 0};

    text_slice(&t, slice_of(words));
}

/* The dot was written, and there will be no reply to it (semantics.md D32). */
static void end_unknown(struct smtp_job *job, const struct mox_error *why)
{
    struct mox_error unknown = *why;

    unknown.stage = MOX_STAGE_FINAL;
    unknown.action = MOX_ACTION_LATER;
    unknown.permanent = 0;
    add_what_next(&unknown, "; the message was sent whole and may have arrived: try again later");
    smtp_job_end_marked(job, SMTP_MARK_TAKEN, MOX_RCPT_UNKNOWN, &unknown);
}

/* Of the job that is running, when the connection has ended. ours: another host does not mend what
 * is wrong here. */
static void end_running(struct smtp_mail *m, const struct mox_error *why, bool ours)
{
    struct smtp_job *job = m->first;
    struct mox_error lost = *why;

    if (front_of(m)->dotted)
        end_unknown(job, why);
    lost.stage = smtp_mail_stage(m);
    if (!ours) {
        lost.action = MOX_ACTION_NEXT;
        lost.permanent = 0;
    }
    if (!lost.permanent)
        add_what_next(&lost, ours ? "; try again later" : "; try the next host");
    smtp_job_fail_all(job, &lost);
}

/* Whether the server closed after another message, without a word on this one. */
static bool is_untouched(const struct smtp_mail *m, const struct smtp_job *job,
                         const struct mox_error *why)
{
    return why->code == MOX_E_CLOSED && !job->heard && m->begun > m->kept + (job->begun ? 1 : 0);
}

/* Nothing is said or taken any more; the jobs that are left go. */
static void end_all(struct smtp_mail *m)
{
    m->broken = true;
    m->starved = m->direct = false;
    m->said = m->written = m->taken = 0;
    m->piece = (struct slice){0};
    memset(m->transactions, 0, sizeof m->transactions);
    m->front = m->back = 0;
    buffer_clear(&m->out);
    smtp_reply_clear(&m->reply);
    while (m->first != NULL) {
        if (m->first->left == 0)
            end_job(m, m->first);
        else
            leave(m, m->first, MOX_ACTION_LATER,
                  "the connection ended before it was the message's turn; dial anew");
    }
}

static int fill(struct smtp_mail *m, struct mox_error *err)
{
    int status;

    m->body_end = m->dot_end = 0;
    m->direct = false;
    if (m->first == NULL)
        return MOX_OK;
    status = take_memory(m, err);
    if (status != MOX_OK)
        return status;
    do {
        do {
            status = smtp_mail_say(m, err);
        } while (status == MOX_OK);
    } while (settle(m) && status == MOX_E_AGAIN);
    if (m->out.len == 0)
        leave_memory(m);
    return status == MOX_E_AGAIN ? MOX_OK : status;
}

int smtp_mail_output(struct smtp_mail *m, struct slice *out, struct mox_error *err)
{
    struct mox_error why;
    int status = MOX_OK;

    *out = (struct slice){0};
    if (m->broken)
        return MOX_OK;
    if (pending(m).len == 0)
        status = fill(m, &why);
    if (status != MOX_OK) {
        why.stage = smtp_mail_stage(m);
        end_running(m, &why, true);
        end_all(m);
        if (err != NULL)
            *err = why;
        return status;
    }
    *out = pending(m);
    return out->len == 0 && m->starved ? MOX_E_AGAIN : MOX_OK;
}

void smtp_mail_renew(struct smtp_mail *m)
{
    m->kept = m->begun;
}

void smtp_mail_break(struct smtp_mail *m, const struct mox_error *why)
{
    if (m->broken)
        return;
    if (m->first != NULL && !is_untouched(m, m->first, why))
        end_running(m, why, why->code == MOX_E_SHUTDOWN || why->code == MOX_E_NOMEM);
    end_all(m);
}

/* 421: the session is over, whatever it answers. */
static void take_closing(struct smtp_mail *m)
{
    struct mox_error why;

    policy_classify(smtp_mail_stage(m), m->reply.code, smtp_reply_text(&m->reply), &why);
    m->dismissed = m->first != NULL && !m->first->heard;
    if (m->first != NULL)
        smtp_job_fail_all(m->first, &why);
    end_all(m);
}

/* A refusal in the middle of the message is the reply to it, come early; the rest of the message
 * would now be taken for commands. */
static void take_in_body(struct smtp_mail *m)
{
    struct mox_error closed;

    smtp_mail_take_early(m);
    error_set(&closed, MOX_E_CLOSED,
              "the connection had to be closed, for the server refused the message in the middle");
    smtp_mail_break(m, &closed);
}

/* The reply is whole. */
static int end_reply(struct smtp_mail *m, struct mox_error *err)
{
    int status = MOX_OK;

    m->turn++;
    if (m->reply.code == CODE_CLOSING) {
        take_closing(m);
    } else if (m->early && m->in_body && m->reply.code >= CODE_REFUSED) {
        take_in_body(m);
    } else if (m->early) {
        status = out_of_turn(m, err);
    } else {
        m->taken++;
        status = smtp_mail_take(m, err);
    }
    smtp_reply_clear(&m->reply);
    if (status == MOX_OK)
        settle(m);
    return status;
}

static int take_bytes(struct smtp_mail *m, struct slice bytes, size_t *used, struct mox_error *err)
{
    int status;

    if (m->reply.bytes == 0) {
        m->early = m->written == m->taken;
        m->in_body = is_writing(m);
    }
    status = smtp_reply_push(&m->reply, bytes, used, err);
    if (status == MOX_OK && m->reply.complete)
        status = end_reply(m, err);
    return status;
}

int smtp_mail_input(struct smtp_mail *m, struct slice bytes, size_t *used, struct mox_error *err)
{
    struct mox_error why;
    int status = MOX_OK;

    for (*used = 0; status == MOX_OK && !m->broken && *used < bytes.len;) {
        size_t n = 0;

        status = take_bytes(m, slice_sub(bytes, *used, bytes.len), &n, &why);
        *used += n;
        if (m->quit && !smtp_mail_awaits(m))
            *used = bytes.len; /* the reply to QUIT */
    }
    if (status == MOX_OK)
        return MOX_OK;
    why.stage = smtp_mail_stage(m);
    smtp_mail_break(m, &why);
    if (err != NULL)
        *err = why;
    return status;
}

bool smtp_mail_awaits(const struct smtp_mail *m)
{
    return m->said != m->taken;
}

bool smtp_mail_is_broken(const struct smtp_mail *m)
{
    return m->broken;
}

bool smtp_mail_is_dismissed(const struct smtp_mail *m)
{
    return m->dismissed;
}

bool smtp_mail_is_idle(const struct smtp_mail *m)
{
    return m->first == NULL && !smtp_mail_awaits(m) && m->reply.bytes == 0 && !m->broken;
}

bool smtp_mail_is_spent(const struct smtp_mail *m)
{
    return m->quit || m->begun >= m->rules->max_messages;
}

bool smtp_mail_has_quit(const struct smtp_mail *m)
{
    return m->quit;
}

bool smtp_mail_needs_reset(const struct smtp_mail *m)
{
    return m->reset;
}

bool smtp_mail_in_body(const struct smtp_mail *m)
{
    return front_of(m)->job != NULL && front_of(m)->take == SMTP_STEP_BODY;
}

int smtp_mail_deadline_kind(const struct smtp_mail *m)
{
    if (is_writing(m))
        return m->starved && pending(m).len == 0 ? SMTP_MAIL_DEADLINE_NONE
                                                 : SMTP_MAIL_DEADLINE_BLOCK;
    if (!smtp_mail_awaits(m))
        return SMTP_MAIL_DEADLINE_NONE;
    return (int)steps[smtp_mail_awaited_step(front_of(m))].deadline;
}

uint32_t smtp_mail_turn(const struct smtp_mail *m)
{
    return m->turn;
}

uint32_t smtp_mail_messages(const struct smtp_mail *m)
{
    return m->messages;
}

const char *smtp_mail_awaited(const struct smtp_mail *m)
{
    if (!smtp_mail_awaits(m) && !is_writing(m))
        return "";
    return steps[smtp_mail_awaited_step(front_of(m))].awaited;
}

int smtp_mail_stage(const struct smtp_mail *m)
{
    if (m->broken)
        return MOX_STAGE_QUIT;
    if (front_of(m)->job == NULL)
        return MOX_STAGE_READY;
    if (is_writing(m))
        return MOX_STAGE_BODY;
    return (int)steps[smtp_mail_awaited_step(front_of(m))].stage;
}

void smtp_mail_free(struct smtp_mail *m)
{
    buffer_free(&m->out);
    smtp_reply_free(&m->reply);
    *m = (struct smtp_mail){0};
}
