/* mail_world.c - see mail_world.h. */
#include "mail_world.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"

void mail_world_open(struct mail_world *w, uint32_t extensions)
{
    w->ehlo.extensions = extensions;
    w->rules.ehlo = &w->ehlo;
    w->rules.host = "mx.example.org";
    w->rules.remote = (struct mox_ip){.bytes = {192, 0, 2, 1}, .family = MOX_IPV4};
    w->rules.max_messages = UINT32_MAX;
    smtp_mail_start(&w->m, &w->rules);
}

struct mox_message *mail_world_message(struct mail_world *w, const char *from,
                                       const char *const to[], const char *body)
{
    size_t at = w->njobs++;
    struct mox_message *message = &w->messages[at];

    message->size = sizeof *message;
    message->mail_from = from;
    message->rcpts = w->rcpts[at];
    while (message->nrcpts < MAIL_RCPTS && to[message->nrcpts] != NULL) {
        w->rcpts[at][message->nrcpts].address = to[message->nrcpts];
        message->nrcpts++;
    }
    message->body.data = body;
    message->body.len = strlen(body);
    w->jobs[at].message = message;
    w->jobs[at].results = w->results[at];
    return message;
}

int mail_world_add(struct mail_world *w)
{
    return smtp_mail_add(&w->m, &w->jobs[w->njobs - 1], &w->err);
}

void mail_world_collect(struct mail_world *w)
{
    struct smtp_job *job;

    while ((job = smtp_mail_take_done(&w->m)) != NULL)
        w->done[w->ndone++] = job;
}

/* As ck_assert, but that it allocates nothing while that is made to fail. */
static void require(bool holds, const char *what)
{
    if (!holds)
        ck_abort_msg("%s", what);
}

/* At most n bytes of the output; false: there is nothing to write. */
static bool write_some(struct mail_world *w, size_t n)
{
    struct slice out;
    int status = smtp_mail_output(&w->m, &out, &w->err);

    if (status != MOX_OK && status != MOX_E_AGAIN)
        w->status = status;
    if (status != MOX_OK || out.len == 0)
        return false;
    out = slice_sub(out, 0, n);
    test_pause_alloc(true);
    require(buffer_append(&w->said, out.ptr, out.len) == MOX_OK, "memory");
    test_pause_alloc(false);
    smtp_mail_sent(&w->m, out.len);
    w->writes++;
    return true;
}

/* Says bytes to the machine, in pieces of at most n. */
static void hear(struct mail_world *w, struct slice bytes, size_t n)
{
    while (bytes.len > 0 && w->status == MOX_OK && !smtp_mail_is_broken(&w->m)) {
        struct slice piece = slice_sub(bytes, 0, n);
        size_t used;

        w->status = smtp_mail_input(&w->m, piece, &used, &w->err);
        mail_world_collect(w);
        require(w->status != MOX_OK || smtp_mail_is_broken(&w->m) || used == piece.len,
                "a machine that is sound takes all");
        bytes = slice_sub(bytes, used, bytes.len);
    }
}

/* What was said from byte at on begins with it. */
static bool has_said(const struct mail_world *w, size_t at, const char *words)
{
    struct slice said = slice_sub(buffer_slice(&w->said), at, w->said.len);

    return slice_starts(said, words);
}

size_t mail_world_play(struct mail_world *w, const struct mail_step *steps, size_t out, size_t in)
{
    size_t at = 0, step = 0;
    bool moved = true;

    while (moved && w->status == MOX_OK && !smtp_mail_is_broken(&w->m)) {
        moved = write_some(w, out);
        mail_world_collect(w);
        while (steps[step].said != NULL && has_said(w, at, steps[step].said)) {
            at += strlen(steps[step].said);
            hear(w, slice_of(steps[step].reply), in);
            step++;
            moved = true;
        }
    }
    return step;
}

void mail_world_close(struct mail_world *w)
{
    struct mox_error why;

    error_set(&why, MOX_E_CLOSED, "the server closed the connection");
    smtp_mail_break(&w->m, &why);
    mail_world_collect(w);
}

const char *mail_world_outcome(const struct mail_world *w, size_t job, char out[MAIL_TEXT])
{
    struct text t = text_to(out, MAIL_TEXT);

    for (size_t i = 0; i < w->messages[job].nrcpts; i++) {
        const struct mox_rcpt_result *r = &w->results[job][i];

        text_add(&t, "%s%s ", i == 0 ? "" : "; ", mox_rcpt_state_name(r->state));
        if (r->smtp_code != 0)
            text_add(&t, "%d", (int)r->smtp_code);
        else
            text_add(&t, "%s", mox_status_name(r->code));
        text_add(&t, " %s %s", mox_stage_name(r->stage), mox_action_name(r->action));
    }
    return out;
}

void mail_world_end(struct mail_world *w)
{
    struct mox_error why;

    error_set(&why, MOX_E_SHUTDOWN, "the test is over");
    smtp_mail_break(&w->m, &why);
    mail_world_collect(w);
    for (size_t i = 0; i < w->njobs; i++)
        smtp_job_end(&w->jobs[i]);
    smtp_mail_free(&w->m);
    buffer_free(&w->said);
    memset(w, 0, sizeof *w);
}
