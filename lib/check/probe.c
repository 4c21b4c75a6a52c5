/* probe.c - see probe.h. */
#include "check/probe.h"

#include "base/error.h"
#include "base/ip.h"
#include "base/text.h"
#include "base/units.h"

static void finish(struct probe *p)
{
    if (p->finished)
        return;
    p->finished = true;
    probe_end(p);
    p->done(p->arg);
}

static void speak(struct probe *p);

static void on_ready(void *arg, int status, const struct mox_error *err)
{
    struct probe *p = arg;

    (void)err;
    p->op = 0;
    if (status == MOX_OK)
        speak(p);
    else
        finish(p);
}

static void wait_for(struct probe *p, int events)
{
    p->op = mox_conn_watch(p->conn, events, on_ready, p, NULL);
    if (p->op == 0)
        finish(p);
}

/* The first line alone: keywords behind it may hold brackets too. */
bool probe_address(struct slice text, struct mox_ip *out)
{
    struct slice line = slice_sub(text, 0, slice_find(text, '\n'));
    size_t open = slice_find(line, '['), close;

    line = slice_sub(line, open, line.len);
    close = slice_find(line, ']');
    if (close == line.len)
        return false;
    return ip_parse_any(slice_sub(line, 0, close + 1), out) == MOX_OK ||
           ip_parse_any(slice_sub(line, 1, close), out) == MOX_OK;
}

static int read_reply(struct probe *p)
{
    char buf[1024];
    size_t n, used;
    int status = mox_conn_read(p->conn, buf, sizeof buf, &n);

    if (status != MOX_OK)
        return status;
    return smtp_reply_push(&p->reply, (struct slice){buf, n}, &used, NULL);
}

static void say_quit(struct probe *p)
{
    static const char quit[] = "QUIT\r\n";
    size_t n;

    mox_conn_write(p->conn, quit, sizeof quit - 1, &n); /* one try: the connection is closed next */
}

static void speak(struct probe *p)
{
    size_t len = slice_of(p->command).len, n;
    int status = MOX_OK;

    while (status == MOX_OK && p->written < len) {
        status = mox_conn_write(p->conn, p->command + p->written, len - p->written, &n);
        p->written += n;
    }
    if (status == MOX_E_AGAIN) {
        wait_for(p, MOX_WRITE);
        return;
    }
    while (status == MOX_OK && !p->reply.complete)
        status = read_reply(p);
    if (status == MOX_E_AGAIN) {
        wait_for(p, MOX_READ);
        return;
    }
    if (status == MOX_OK) {
        probe_address(smtp_reply_text(&p->reply), &p->seen);
        say_quit(p);
    }
    finish(p);
}

static void on_conn(void *arg, int status, struct mox_conn *conn, const struct mox_error *err)
{
    struct probe *p = arg;

    p->op = 0;
    p->conn = conn;
    p->reached = status == MOX_OK;
    if (p->reached) {
        speak(p);
        return;
    }
    p->error = *err;
    finish(p);
}

static void on_deadline(struct ctx_event *event)
{
    finish((struct probe *)((char *)event - offsetof(struct probe, deadline.event)));
}

int probe_start(struct probe *p, struct mox_ctx *ctx, const struct mox_dial_request *request,
                const char *ehlo, struct mox_error *err)
{
    uint64_t end_us = ctx_now_us(ctx) + 2 * us_of_s(MOX_LIMIT_PROBE_SECONDS);

    p->ctx = ctx;
    p->deadline.event.run = on_deadline;
    text_add(&(struct text){p->command, sizeof p->command, 0}, "EHLO %s\r\n",
             ehlo != NULL ? ehlo : "localhost");
    if (ctx_timer_set(ctx, &p->deadline, end_us) != MOX_OK)
        return error_nomem(err);
    p->op = mox_dial_start(ctx, request, on_conn, p, err);
    return p->op == 0 ? MOX_E_NOMEM : MOX_OK;
}

void probe_end(struct probe *p)
{
    if (p->ctx == NULL)
        return;
    ctx_timer_clear(p->ctx, &p->deadline);
    if (p->op != 0)
        mox_op_cancel(p->ctx, p->op);
    p->op = 0;
    mox_conn_close(p->conn);
    p->conn = NULL;
    smtp_reply_free(&p->reply);
}
