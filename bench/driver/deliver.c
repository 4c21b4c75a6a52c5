/*
 * deliver.c - messages: each connection carries --per-conn of them, two of which are handed over
 * ahead, so that the envelope of the next can ride behind the message before it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/driver/driver.h"

enum { LINE = 78, AHEAD = 2 };

static const struct mox_rcpt rcpt = {.address = "b@bench.example"};

struct lane { /* a connection and what is under way on it */
    struct job *job;
    struct mail {
        struct lane *lane;
        struct mox_rcpt_result result;
    } mails[AHEAD];
    unsigned long left, under_way; /* to be handed over; handed over */
};

static struct mox_message message, last; /* last: of a connection */

static const struct mox_message blank = {.size = sizeof blank,
                                         .mail_from = "a@bench.example",
                                         .rcpts = &rcpt,
                                         .nrcpts = 1,
                                         .flags = MOX_MSG_8BIT};

static struct lane *lanes; /* as many as jobs */

static void start_conn(struct job *job);

static void on_delivered(void *arg, int status, const struct mox_error *err);

static void hand_over(struct mail *mail)
{
    struct lane *lane = mail->lane;
    struct bench *bench = lane->job->bench;
    struct mox_error err;

    mail->result = (struct mox_rcpt_result){0};
    lane->left--;
    if (mox_deliver_start(lane->job->conn, lane->left > 0 ? &message : &last, &mail->result,
                          on_delivered, mail, &err) != 0)
        lane->under_way++;
    else
        bench_failed(bench, "deliver", &err);
}

static void on_delivered(void *arg, int status, const struct mox_error *err)
{
    struct mail *mail = arg;
    struct lane *lane = mail->lane;
    struct bench *bench = lane->job->bench;

    lane->under_way--;
    bench->done++;
    if (status != MOX_OK)
        bench_failed(bench, "deliver", err);
    if (lane->left > 0 && !bench->failed) {
        hand_over(mail);
        return;
    }
    if (lane->under_way > 0)
        return;
    mox_conn_close(lane->job->conn);
    lane->job->conn = NULL;
    start_conn(lane->job);
}

static void on_dialed(void *arg, int status, struct mox_conn *conn, const struct mox_error *err)
{
    struct job *job = arg;
    struct lane *lane = &lanes[job - job->bench->jobs];

    job->conn = conn;
    if (status != MOX_OK) {
        bench_failed(job->bench, "dial", err);
        return;
    }
    for (size_t i = 0; i < AHEAD && lane->left > 0; i++) {
        lane->mails[i].lane = lane;
        hand_over(&lane->mails[i]);
    }
}

static void start_conn(struct job *job)
{
    struct bench *bench = job->bench;
    const struct settings *s = bench->settings;
    struct lane *lane = &lanes[job - bench->jobs];
    struct mox_envelope envelope = {
        .size = sizeof envelope, .from = "a@bench.example", .to = "b@bench.example"};
    struct mox_dial_request request = {.size = sizeof request,
                                       .envelope = &envelope,
                                       .ehlo = "bench.example",
                                       .port = (uint16_t)s->port,
                                       .flags = MOX_DIAL_ALLOW_SPECIAL};
    struct mox_error err;

    if (bench->started >= s->count || bench->failed)
        return;
    lane->job = job;
    lane->left = s->count - bench->started < s->per_conn ? s->count - bench->started : s->per_conn;
    bench->started += lane->left;
    if (mox_dial_start(bench->ctx, &request, on_dialed, job, &err) == 0)
        bench_failed(bench, "dial", &err);
}

/* Lines as mail has them; NULL: no memory. */
static char *make_message(size_t size)
{
    char *text = malloc(size);

    for (size_t at = 0; text != NULL && at < size;) {
        size_t rest = size - at, line = rest < LINE + 2 ? rest : rest - LINE == 1 ? LINE - 1 : LINE;

        memset(text + at, 'x', line);
        memcpy(text + at + line - 2, "\r\n", 2);
        at += line;
    }
    return text;
}

static int answer_at_once(void *user, uint64_t id, const char *name, uint16_t type)
{
    struct bench *bench = user;

    return answers_give(&bench->answers, bench->ctx, id, name, type);
}

int bench_deliver(const struct settings *s)
{
    struct bench bench = {.settings = s};
    struct mox_dns_ops dns = {.size = sizeof dns, .user = &bench, .query = answer_at_once};
    struct mox_ip ip;
    char *text = s->size < 2 ? NULL : make_message(s->size);
    int status = EXIT_NO;

    lanes = calloc(s->concurrency, sizeof *lanes);
    if (text == NULL || lanes == NULL || s->per_conn == 0 || mox_ip_parse(s->host, &ip) != MOX_OK ||
        answers_make(&bench.answers, &ip, s->port, s->tlsa, s->ntlsa) != 0) {
        fprintf(stderr, "moxdial-bench: --host must be an IP address, --size 2 or more, --per-conn "
                        "1 or more\n");
        status = EXIT_USAGE;
    } else {
        message = blank;
        message.body.data = text;
        message.body.len = s->size;
        last = message;
        last.flags |= MOX_MSG_LAST;
        bench.ctx = bench_ctx(&bench, &dns);
        if (bench.ctx != NULL)
            status = bench_run(&bench, start_conn, s->concurrency);
    }
    free(lanes);
    free(text);
    return status;
}
