/*
 * deliver.c - see deliver.h and moxdial/deliver.h.
 *
 * Several messages can be under way on a connection. After each that is done the host has its
 * callback before anything more is written: what it hands over then still rides with the message
 * that goes next. The callback queues what is to be written behind those of other connections that
 * are due as well, so that their servers are given work in one go, and are not woken for each.
 */
#include "dial/delivery.h"

#include "base/error.h"
#include "base/mem.h"
#include "base/units.h"
#include "dial/talk.h"

enum {
    READ_SIZE = 4096,
    FAIR_BYTES = 1 << 20 /* written in one turn; then others of the context have theirs */
};

static struct stream *stream_of(const struct delivery *v)
{
    return v->conn->dial->stream;
}

static struct deliver_op *op_of_job(struct smtp_job *job)
{
    return (struct deliver_op *)((char *)job - offsetof(struct deliver_op, job));
}

static struct deliver_op *op_of_link(struct part_link *link)
{
    return (struct deliver_op *)((char *)link - offsetof(struct deliver_op, link));
}

void deliver_op_free(struct deliver_op *o)
{
    part_unlink(&o->link);
    smtp_job_end(&o->job);
    mem_free(o);
}

/* Out of the machine; whoever has cancelled it is not called back, and nothing waits for him.
 * Whether there was any. */
bool delivery_take_done(struct delivery *v)
{
    struct smtp_job *job;
    bool any = false;

    while ((job = smtp_mail_take_done(&v->mail)) != NULL) {
        struct deliver_op *o = op_of_job(job);

        o->done = any = true;
        if (o->op.id != 0)
            ctx_op_complete(&o->op);
        else
            ctx_event_queue(delivery_ctx(v), &v->event);
    }
    return any;
}

/* The connection is of no use any more, and all that is under way on it is done. */
static void break_off(struct delivery *v, const struct mox_error *why)
{
    smtp_mail_break(&v->mail, why);
    v->conn->broken = true;
    delivery_take_done(v);
    ctx_timer_clear(delivery_ctx(v), &v->timer);
    ctx_event_drop(&v->event);
    if (!delivery_ctx(v)->forked)
        stream_of(v)->ops->want(stream_of(v), 0);
    stream_of(v)->ready = NULL;
}

static uint64_t allowed_us(const struct delivery *v, int kind)
{
    const struct request_rules *rules = &v->conn->dial->plan->rules;

    switch (kind) {
    case SMTP_MAIL_DEADLINE_MAIL:
        return us_of_ms(rules->mail_ms);
    case SMTP_MAIL_DEADLINE_RCPT:
        return us_of_ms(rules->rcpt_ms);
    case SMTP_MAIL_DEADLINE_DATA:
        return us_of_ms(rules->data_ms);
    case SMTP_MAIL_DEADLINE_BLOCK:
        return us_of_ms(rules->block_ms);
    default:
        return us_of_ms(rules->final_ms);
    }
}

/* Begins a deadline anew where a reply has ended, or a block was taken. */
static void renew_deadline(struct delivery *v)
{
    int kind = smtp_mail_deadline_kind(&v->mail);
    uint32_t turn = smtp_mail_turn(&v->mail);

    if (kind == SMTP_MAIL_DEADLINE_NONE)
        v->deadline_us = UINT64_MAX;
    else if (turn != v->turn || v->deadline_us == UINT64_MAX ||
             (kind == SMTP_MAIL_DEADLINE_BLOCK && v->moved))
        v->deadline_us = ctx_now_us(delivery_ctx(v)) + allowed_us(v, kind);
    v->turn = turn;
    v->moved = false;
}

/* Until when something must have happened; a shutdown gives what is being finished its grace. */
static uint64_t due_us(const struct delivery *v)
{
    const struct mox_ctx *ctx = delivery_ctx(v);

    return ctx->shutting_down && ctx->grace_us < v->deadline_us ? ctx->grace_us : v->deadline_us;
}

static int set_timer(struct delivery *v)
{
    uint64_t at = due_us(v);

    if (heap_is_set(&v->timer.heap) && v->timer.heap.at_us <= at)
        return MOX_OK; /* woken too early it waits on: as a rule the reply is there by then */
    return ctx_timer_set(delivery_ctx(v), &v->timer, at);
}

static void log_lines(const struct delivery *v, const char *direction, struct slice lines)
{
    talk_log(v->conn->dial, smtp_mail_stage(&v->mail), direction, lines);
}

/* MOX_OK: all is written that can be said now; MOX_E_AGAIN: the stream or the host's reader has to
 * be waited for. */
static int write_some(struct delivery *v, struct mox_error *err)
{
    struct stream *stream = stream_of(v);
    size_t total = 0;

    v->blocked = false;
    while (total < FAIR_BYTES) {
        struct slice out = {0};
        size_t n = 0;
        int status = smtp_mail_output(&v->mail, &out, err);

        if (status != MOX_OK || out.len == 0)
            return status;
        status = stream->ops->write(stream, out.ptr, out.len, &n);
        v->blocked = status == MOX_E_AGAIN;
        if (v->blocked)
            return status;
        if (status != MOX_OK)
            return talk_io_error(v->conn->dial, smtp_mail_stage(&v->mail), status,
                                 "writing to the server", err);
        if (ctx_logs(delivery_ctx(v), MOX_LOG_DIALOGUE))
            log_lines(v, ">", smtp_mail_commands(&v->mail, n));
        smtp_mail_sent(&v->mail, n);
        v->moved = true;
        total += n;
    }
    ctx_event_queue(delivery_ctx(v), &v->event);
    return MOX_E_AGAIN;
}

static int take_bytes(struct delivery *v, struct slice bytes, struct mox_error *err)
{
    uint32_t turn = smtp_mail_turn(&v->mail);
    size_t used;
    int status;

    if (ctx_logs(delivery_ctx(v), MOX_LOG_DIALOGUE))
        log_lines(v, "<", bytes);
    status = smtp_mail_input(&v->mail, bytes, &used, err);
    v->worn = v->worn || (v->conn->reused && smtp_mail_is_dismissed(&v->mail));
    if (smtp_mail_turn(&v->mail) != turn) /* a reply is whole: the server is there */
        v->conn->reused = false;
    return status;
}

static int closed_early(const struct delivery *v, struct mox_error *err)
{
    error_set(err, MOX_E_CLOSED, "the server closed the connection before its %s",
              smtp_mail_awaited(&v->mail));
    if (err != NULL)
        err->stage = smtp_mail_stage(&v->mail);
    return MOX_E_CLOSED;
}

/* MOX_OK: something came; MOX_E_AGAIN: nothing now. */
static int read_some(struct delivery *v, struct mox_error *err)
{
    struct stream *stream = stream_of(v);
    struct buffer *ahead = conn_ahead(v->conn);
    char bytes[READ_SIZE];
    size_t n = 0;
    int status;

    if (buffer_slice(ahead).len > 0) { /* said behind the dial's last reply */
        status = take_bytes(v, buffer_slice(ahead), err);
        buffer_free(ahead);
        return status;
    }
    status = stream->ops->read(stream, bytes, sizeof bytes, &n);
    if (status == MOX_E_AGAIN)
        return status;
    if (status == MOX_E_EOF)
        return closed_early(v, err);
    if (status != MOX_OK)
        return talk_io_error(v->conn->dial, smtp_mail_stage(&v->mail), status,
                             "reading from the server", err);
    return take_bytes(v, (struct slice){bytes, n}, err);
}

/* Writes and reads until a message is done, MOX_OK: its callback queues the event that goes on; or
 * until nothing more can be done now, MOX_E_AGAIN. */
static int converse(struct delivery *v, struct mox_error *err)
{
    for (;;) {
        int status = write_some(v, err);

        if (status == MOX_OK || status == MOX_E_AGAIN)
            status = read_some(v, err);
        if (delivery_take_done(v)) /* what is to be written may end a message, too */
            return status == MOX_E_AGAIN ? MOX_OK : status;
        if (status != MOX_OK)
            return status;
    }
}

static int too_late(const struct delivery *v, struct mox_error *err)
{
    bool block = smtp_mail_deadline_kind(&v->mail) == SMTP_MAIL_DEADLINE_BLOCK;

    if (block)
        error_set(err, MOX_E_TIMEOUT, "the server took nothing of the message for too long");
    else
        error_set(err, MOX_E_TIMEOUT, "the %s was not complete in time",
                  smtp_mail_awaited(&v->mail));
    if (err != NULL)
        err->stage = smtp_mail_stage(&v->mail);
    return MOX_E_TIMEOUT;
}

int delivery_shut_down(const struct delivery *v, struct mox_error *err)
{
    error_set(err, MOX_E_SHUTDOWN,
              "the context was shut down before the message was accepted; send it again later");
    if (err != NULL)
        err->stage = smtp_mail_stage(&v->mail);
    return MOX_E_SHUTDOWN;
}

/* What ends the wait: MOX_E_AGAIN, nothing. */
static int check_time(struct delivery *v, struct mox_error *err)
{
    struct mox_ctx *ctx = delivery_ctx(v);

    if (ctx->shutting_down && (!smtp_mail_in_body(&v->mail) || ctx_now_us(ctx) >= ctx->grace_us))
        return delivery_shut_down(v, err);
    return ctx_now_us(ctx) >= v->deadline_us ? too_late(v, err) : MOX_E_AGAIN;
}

static void at_session(const struct delivery *v, struct mox_error *err)
{
    const struct plan_candidate *candidate = v->conn->dial->attempt->candidate;

    err->address = candidate->view.ip;
    error_at_host(err, candidate->view.host);
}

void delivery_fail(struct delivery *v, struct mox_error *err)
{
    at_session(v, err);
    v->worn = v->worn || (v->conn->reused && err->code == MOX_E_CLOSED);
    break_off(v, err);
}

/* The machine has nothing more to say: the stream is left alone until there is another message. */
static void rest(struct delivery *v)
{
    stream_of(v)->ops->want(stream_of(v), 0);
    if (smtp_mail_is_broken(&v->mail))
        v->conn->broken = true;
}

static void wait_for_more(struct delivery *v)
{
    struct stream *stream = stream_of(v);
    int events = MOX_READ | (v->blocked ? MOX_WRITE : 0);
    struct mox_error err;

    if (smtp_mail_is_idle(&v->mail) || smtp_mail_is_broken(&v->mail)) {
        rest(v);
        return;
    }
    stream->ops->want(stream, events);
    if (set_timer(v) == MOX_OK)
        return;
    error_nomem(&err);
    delivery_fail(v, &err);
}

static void work(struct delivery *v)
{
    struct mox_error err;
    int status = converse(v, &err);
    bool idle = smtp_mail_is_idle(&v->mail);

    if (status == MOX_OK && !idle && !smtp_mail_is_broken(&v->mail))
        return;
    renew_deadline(v);
    if (status == MOX_OK || status == MOX_E_AGAIN)
        status = idle ? MOX_E_AGAIN : check_time(v, &err);
    if (status != MOX_E_AGAIN)
        delivery_fail(v, &err);
    else
        wait_for_more(v);
}

static void on_event(struct ctx_event *event)
{
    struct delivery *v = (struct delivery *)event; /* its first member */

    if (!smtp_mail_is_idle(&v->mail) && !smtp_mail_is_broken(&v->mail))
        work(v);
}

static void on_timer(struct ctx_event *event)
{
    on_event((struct ctx_event *)((char *)event - offsetof(struct delivery, timer.event)));
}

static void on_ready(void *arg, struct stream *stream, int events)
{
    struct delivery *v = arg;

    (void)stream;
    (void)events;
    on_event(&v->event);
}

/* Transactions that a connection may carry. */
static uint32_t messages_allowed(const struct dial *d)
{
    uint32_t most = d->ctx->options.max_messages, limit = d->smtp.ehlo.mail_limit;

    return limit != 0 && limit < most ? limit : most;
}

struct delivery *delivery_new(struct mox_conn *conn)
{
    struct delivery *v = mem_new(sizeof *v);
    const struct mox_candidate *target = &conn->dial->attempt->candidate->view;

    if (v == NULL)
        return NULL;
    v->conn = conn;
    v->event.run = on_event;
    v->timer.event.run = on_timer;
    v->ops.next = v->ops.prev = &v->ops;
    v->deadline_us = UINT64_MAX;
    v->rules = (struct smtp_mail_rules){.ehlo = &conn->dial->smtp.ehlo,
                                        .host = target->host,
                                        .remote = target->ip,
                                        .max_messages = messages_allowed(conn->dial),
                                        .shared = &conn->dial->part->out};
    smtp_mail_start(&v->mail, &v->rules);
    return v;
}

void delivery_wake(struct delivery *v)
{
    stream_notify(stream_of(v), on_ready, v);
    ctx_event_queue(delivery_ctx(v), &v->event);
    ctx_arm(delivery_ctx(v));
}

void deliver_renew(struct delivery *v)
{
    smtp_mail_renew(&v->mail);
    mem_free(v->why);
    v->why = NULL;
}

const struct mox_error *deliver_why(const struct delivery *v)
{
    return v->why;
}

bool deliver_is_busy(const struct delivery *v)
{
    return v->ops.next != &v->ops;
}

bool deliver_is_sound(const struct delivery *v)
{
    return !deliver_is_busy(v) && smtp_mail_is_idle(&v->mail) && !smtp_mail_is_broken(&v->mail) &&
           !smtp_mail_has_quit(&v->mail);
}

bool deliver_is_over(const struct delivery *v)
{
    return smtp_mail_is_broken(&v->mail) || smtp_mail_is_spent(&v->mail);
}

bool deliver_is_worn(const struct delivery *v)
{
    return v->worn ||
           (smtp_mail_is_spent(&v->mail) && v->why != NULL && v->why->code == MOX_E_CLOSED);
}

uint32_t deliver_messages(const struct delivery *v)
{
    return smtp_mail_messages(&v->mail);
}

void deliver_free(struct delivery *v)
{
    struct part_link *link, *next;
    struct mox_error err;

    if (v == NULL)
        return;
    for (link = v->ops.next; link != &v->ops; link = link->next)
        ctx_op_drop(&op_of_link(link)->op); /* nobody is called */
    if (!smtp_mail_is_idle(&v->mail) && !smtp_mail_is_broken(&v->mail)) {
        error_set(&err, MOX_E_CLOSED, "the connection was closed by its host");
        smtp_mail_break(&v->mail, &err);
    }
    delivery_take_done(v);
    for (link = v->ops.next; link != &v->ops; link = next) {
        next = link->next;
        deliver_op_free(op_of_link(link));
    }
    ctx_timer_clear(delivery_ctx(v), &v->timer);
    ctx_event_drop(&v->event);
    smtp_mail_free(&v->mail);
    mem_free(v->why);
    mem_free(v);
}
