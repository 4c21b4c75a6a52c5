/*
 * job.c - see job.h. What cannot go to this server is found before a word is said to it; of several
 * recipients only those it is about are left out.
 */
#include "smtp/job.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "smtp/command.h"
#include "smtp/result.h"

enum { WHOM = 100 /* bytes of an address in a sentence */ };

size_t smtp_job_next_marked(const struct smtp_job *job, size_t i, enum smtp_mark mark)
{
    while (i < job->message->nrcpts && job->marks[i] != mark)
        i++;
    return i;
}

size_t smtp_job_next_open(const struct smtp_job *job, size_t i)
{
    return smtp_job_next_marked(job, i < job->first ? job->first : i, SMTP_MARK_OPEN);
}

const struct smtp_path *smtp_job_path(struct smtp_job *job, size_t i, struct mox_error *err)
{
    if (job->whose_path == i + 1)
        return &job->rcpt;
    job->whose_path =
        smtp_command_path(&job->message->rcpts[i], &job->rcpt, err) == MOX_OK ? i + 1 : 0;
    return job->whose_path != 0 ? &job->rcpt : NULL;
}

void smtp_job_say(struct smtp_job *job, size_t i)
{
    job->marks[i] = SMTP_MARK_SAID;
    job->open--;
    if (i == job->first)
        job->first = i + 1;
}

void smtp_job_reopen(struct smtp_job *job, size_t i)
{
    job->marks[i] = SMTP_MARK_OPEN;
    job->open++;
    if (i < job->first)
        job->first = i;
}

static void end_one(struct smtp_job *job, size_t i)
{
    job->open -= job->marks[i] == SMTP_MARK_OPEN;
    job->left--;
    job->marks[i] = SMTP_MARK_ENDED;
}

/* Whom the result is of. */
static void set_remote(const struct smtp_job *job, struct mox_rcpt_result *r)
{
    r->remote = job->rules->remote;
    slice_clean(slice_of(job->rules->host), false, r->host, sizeof r->host);
}

/* Keeps the words, which a result has no room for. */
static void keep_gravest(struct smtp_job *job, size_t i, const struct mox_error *why)
{
    uint8_t rank = (uint8_t)smtp_result_rank(&job->results[i]);

    if (rank < job->rank || (rank == job->rank && i >= job->whose))
        return;
    if (job->gravest == NULL)
        job->gravest = mem_new(sizeof *job->gravest);
    if (job->gravest == NULL)
        return; /* the result still says what matters */
    job->rank = rank;
    job->whose = i;
    *job->gravest = *why;
}

void smtp_job_settle(struct smtp_job *job, size_t i, int state, const struct mox_error *why)
{
    smtp_result_set(&job->results[i], state, why);
    set_remote(job, &job->results[i]);
    keep_gravest(job, i, why);
    end_one(job, i);
}

static int state_of(const struct mox_error *why)
{
    return why->permanent ? MOX_RCPT_PERMANENT : MOX_RCPT_TEMPORARY;
}

void smtp_job_fail_one(struct smtp_job *job, size_t i, const struct mox_error *why)
{
    smtp_job_settle(job, i, state_of(why), why);
}

void smtp_job_end_marked(struct smtp_job *job, enum smtp_mark mark, int state,
                         const struct mox_error *why)
{
    size_t n = job->message->nrcpts;

    for (size_t i = smtp_job_next_marked(job, 0, mark); i < n;
         i = smtp_job_next_marked(job, i + 1, mark))
        smtp_job_settle(job, i, state, why);
}

void smtp_job_fail(struct smtp_job *job, enum smtp_mark mark, const struct mox_error *why)
{
    smtp_job_end_marked(job, mark, state_of(why), why);
}

static void end_rest(struct smtp_job *job, int state, const struct mox_error *why)
{
    smtp_job_end_marked(job, SMTP_MARK_OPEN, state, why);
    smtp_job_end_marked(job, SMTP_MARK_SAID, state, why);
    smtp_job_end_marked(job, SMTP_MARK_TAKEN, state, why);
}

void smtp_job_fail_all(struct smtp_job *job, const struct mox_error *why)
{
    end_rest(job, state_of(why), why);
}

void smtp_job_leave(struct smtp_job *job, const struct mox_error *why)
{
    end_rest(job, MOX_RCPT_PENDING, why);
}

void smtp_job_accept(struct smtp_job *job, int code, struct slice text)
{
    bool relayed = (job->rules->ehlo->extensions & MOX_EXT_DSN) == 0;
    size_t n = job->message->nrcpts;

    for (size_t i = smtp_job_next_marked(job, 0, SMTP_MARK_TAKEN); i < n;
         i = smtp_job_next_marked(job, i + 1, SMTP_MARK_TAKEN)) {
        struct mox_rcpt_result *r = &job->results[i];

        smtp_result_accept(r, code, text);
        set_remote(job, r);
        r->dsn_relayed = relayed && (job->message->rcpts[i].notify & MOX_NOTIFY_SUCCESS) != 0;
        end_one(job, i);
    }
}

/* What is wrong with a message before its recipients are looked at. */
static int check_message(struct smtp_job *job, struct mox_error *err)
{
    const struct mox_message *message = job->message;

    if (message->nrcpts == 0 || message->rcpts == NULL)
        return error_set(err, MOX_E_INVAL, "rcpts: the message has no recipient");
    if (job->results == NULL)
        return error_set(err, MOX_E_INVAL, "results: there is no room for what becomes of it");
    return smtp_command_check_mail(message, &job->sender, err);
}

static int no_extension(const char *name, const char *why, struct mox_error *err)
{
    error_set(err, MOX_E_NO_EXTENSION,
              "the server does not offer %s, which the message needs%s; try the next host", name,
              why);
    err->action = MOX_ACTION_NEXT;
    return MOX_E_NO_EXTENSION;
}

static int too_large(const struct smtp_job *job, struct mox_error *err)
{
    error_set(err, MOX_E_LIMIT,
              "the message is too large for the server: it has %" PRIu64
              " bytes and the server takes %" PRIu64,
              job->size, job->rules->ehlo->size_limit);
    err->about = MOX_ABOUT_MESSAGE;
    err->action = MOX_ACTION_GIVE_UP;
    err->permanent = 1;
    return MOX_E_LIMIT;
}

static int not_8bit(struct mox_error *err)
{
    error_set(
        err, MOX_E_NO_EXTENSION,
        "the server does not offer 8BITMIME, and the message has 8-bit lines that must not be "
        "sent without it");
    err->about = MOX_ABOUT_MESSAGE;
    err->action = MOX_ACTION_GIVE_UP;
    err->permanent = 1;
    return MOX_E_NO_EXTENSION;
}

/* Whether the message can go to this server, whoever its recipients are. */
static int check_offer(const struct smtp_job *job, struct mox_error *err)
{
    const struct smtp_ehlo *ehlo = job->rules->ehlo;
    uint32_t flags = job->message->flags;
    const uint32_t strict = MOX_MSG_8BIT | MOX_MSG_STRICT_8BIT;

    if (job->utf8 && (ehlo->extensions & MOX_EXT_SMTPUTF8) == 0)
        return no_extension("SMTPUTF8", "", err);
    if ((flags & MOX_MSG_REQUIRETLS) != 0 && (ehlo->extensions & MOX_EXT_REQUIRETLS) == 0)
        return no_extension("REQUIRETLS", "", err);
    if ((flags & strict) == strict && (ehlo->extensions & MOX_EXT_8BITMIME) == 0)
        return not_8bit(err);
    if (ehlo->size_limit > 0 && job->size > ehlo->size_limit)
        return too_large(job, err);
    return MOX_OK;
}

/* Ends an OPEN recipient that cannot be sent; one with a UTF-8 local part asks for SMTPUTF8. */
static void check_rcpt(struct smtp_job *job, size_t i)
{
    struct mox_error why;

    job->whose_path = 0;
    if (smtp_command_check_rcpt(&job->message->rcpts[i], &job->rcpt, &why) != MOX_OK) {
        smtp_job_fail_one(job, i, &why);
        return;
    }
    job->whose_path = i + 1;
    if (job->rcpt.utf8 && (job->rules->ehlo->extensions & MOX_EXT_SMTPUTF8) == 0) {
        no_extension("SMTPUTF8", " for this recipient", &why);
        why.stage = MOX_STAGE_RCPT;
        smtp_job_fail_one(job, i, &why);
        return;
    }
    job->utf8 = job->utf8 || job->rcpt.utf8;
}

/* Who is to be sent: the others' results are not touched. */
static int make_marks(struct smtp_job *job, struct mox_error *err)
{
    size_t n = job->message->nrcpts;

    job->marks = n <= SMTP_JOB_FEW ? job->few : mem_array(n, 1);
    if (job->marks == NULL)
        return error_nomem(err);
    for (size_t i = 0; i < n; i++) {
        bool open = smtp_result_is_open(&job->results[i]);

        job->marks[i] = open ? SMTP_MARK_OPEN : SMTP_MARK_ENDED;
        job->open += open;
        job->accepted = job->accepted || job->results[i].state == MOX_RCPT_ACCEPTED;
    }
    job->left = job->open;
    return MOX_OK;
}

int smtp_job_start(struct smtp_job *job, const struct smtp_mail_rules *rules, struct mox_error *err)
{
    struct mox_error why;
    int fault, status = check_message(job, err);

    if (status != MOX_OK)
        return status;
    fault = smtp_body_check(&job->message->body, &job->plain, &why);
    if (fault != MOX_OK && why.about != MOX_ABOUT_MESSAGE) {
        if (err != NULL)
            *err = why;
        return fault;
    }
    job->rules = rules;
    status = make_marks(job, err);
    if (status != MOX_OK)
        return status;
    job->size = smtp_body_size(&job->message->body);
    job->utf8 = job->sender.utf8 || (job->message->flags & MOX_MSG_SMTPUTF8) != 0;
    for (size_t i = 0; i < job->message->nrcpts; i++) {
        if (job->marks[i] == SMTP_MARK_OPEN)
            check_rcpt(job, i);
    }
    if (fault == MOX_OK)
        fault = check_offer(job, &why);
    if (fault != MOX_OK) {
        why.stage = MOX_STAGE_MAIL;
        smtp_job_fail_all(job, &why);
    }
    return MOX_OK;
}

/* A refusal of our address counts only as long as nobody was accepted (semantics.md 6.5). */
static void keep_here(struct smtp_job *job)
{
    for (size_t i = 0; i < job->message->nrcpts; i++) {
        struct mox_rcpt_result *r = &job->results[i];

        if (r->state == MOX_RCPT_PERMANENT && r->action == MOX_ACTION_NEXT)
            r->action = MOX_ACTION_GIVE_UP;
    }
}

/* The recipient with the gravest outcome, the earliest among equals. */
static size_t find_gravest(const struct smtp_job *job)
{
    size_t found = 0;

    for (size_t i = 1; i < job->message->nrcpts; i++) {
        if (smtp_result_rank(&job->results[i]) > smtp_result_rank(&job->results[found]))
            found = i;
    }
    return found;
}

void smtp_job_finish(struct smtp_job *job)
{
    const struct mox_rcpt_result *r;

    if (job->accepted)
        keep_here(job);
    smtp_body_close(&job->body);
    r = &job->results[find_gravest(job)];
    job->status = smtp_result_code(r);
}

/* "<whom>: what; so it is with 2 more recipients". */
static void add_whom(const struct smtp_job *job, size_t whose, struct mox_error *err)
{
    char what[sizeof err->message], whom[WHOM];
    struct text t;
    size_t others = 0;

    for (size_t i = 0; i < job->message->nrcpts; i++)
        others += i != whose && job->results[i].state != MOX_RCPT_ACCEPTED;
    slice_clean(slice_of(job->message->rcpts[whose].address), false, whom, sizeof whom);
    memcpy(what, err->message, sizeof what);
    t = text_to(err->message, sizeof err->message);
    text_add(&t, "<%s>: ", whom);
    if (others > 0)
        text_add(&t, "(and %zu more) ", others);
    text_slice(&t, slice_of(what));
}

int smtp_job_error(const struct smtp_job *job, struct mox_error *err)
{
    size_t whose = find_gravest(job);
    const struct mox_rcpt_result *r = &job->results[whose];

    if (err == NULL || job->status == MOX_OK)
        return job->status;
    if (job->gravest != NULL && job->whose == whose) {
        *err = *job->gravest;
        err->action = r->action;
        err->permanent = r->state == MOX_RCPT_PERMANENT;
    } else {
        smtp_result_error(r, err);
    }
    add_whom(job, whose, err);
    error_at_host(err, r->host);
    err->address = r->remote;
    return err->code;
}

void smtp_job_end(struct smtp_job *job)
{
    if (job->marks != job->few)
        mem_free(job->marks);
    job->marks = NULL;
    mem_free(job->gravest);
    job->gravest = NULL;
}
