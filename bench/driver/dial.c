/*
 * dial.c - dials: greeting, EHLO, STARTTLS and EHLO again if asked for, QUIT and its reply. Nothing
 * is verified but by the TLSA records that were given.
 */
#include <stdio.h>
#include <string.h>

#include "bench/driver/driver.h"

static void start_dial(struct job *job);

/* With sessions to resume the first dial goes alone: those beside it would find none. */
static void end_dial(struct job *job, int good)
{
    struct bench *bench = job->bench;

    mox_conn_close(job->conn);
    job->conn = NULL;
    bench->done++;
    bench->failed |= !good;
    start_dial(job);
    if (bench->done != 1 || !bench->settings->resume)
        return;
    for (unsigned long i = 1; i < bench->settings->concurrency; i++)
        start_dial(&bench->jobs[i]);
}

static void on_readable(void *arg, int status, const struct mox_error *err);

static void await_goodbye(struct job *job)
{
    struct mox_error err;

    if (mox_conn_watch(job->conn, MOX_READ, on_readable, job, &err) == 0)
        end_dial(job, 0);
}

/* 221 and a line end. What could be read may have been of TLS alone. */
static void on_readable(void *arg, int status, const struct mox_error *err)
{
    struct job *job = arg;
    char reply[512];
    size_t n = 0;

    (void)err;
    if (status == MOX_OK)
        status = mox_conn_read(job->conn, reply, sizeof reply, &n);
    if (status == MOX_E_AGAIN)
        await_goodbye(job);
    else
        end_dial(job, status == MOX_OK && n >= 3 && memcmp(reply, "221", 3) == 0);
}

static void say_quit(struct job *job)
{
    static const char quit[] = "QUIT\r\n";
    size_t n = 0;

    if (mox_conn_write(job->conn, quit, sizeof quit - 1, &n) != MOX_OK || n != sizeof quit - 1)
        end_dial(job, 0);
    else
        await_goodbye(job);
}

/* Until all of them are open; then memory is told, and they say goodbye. */
static void hold(struct bench *bench)
{
    if (++bench->held < bench->settings->count)
        return;
    printf("heap=%zu\n", bench_heap());
    for (unsigned long i = 0; i < bench->settings->concurrency; i++)
        say_quit(&bench->jobs[i]);
}

/* TLSA records that are not found are not asked for. Looked at once: it costs a system call. */
static int is_as_asked(const struct bench *bench, const struct mox_conn *conn)
{
    return bench->settings->ntlsa == 0 || bench->done > 0 ||
           mox_conn_session(conn)->tls_verified == MOX_TLS_DANE;
}

static void on_dialed(void *arg, int status, struct mox_conn *conn, const struct mox_error *err)
{
    struct job *job = arg;
    struct bench *bench = job->bench;

    job->conn = conn;
    if (status != MOX_OK) {
        bench_failed(bench, "dial", err);
        end_dial(job, 0);
        return;
    }
    if (!is_as_asked(bench, conn)) {
        fprintf(stderr, "moxdial-bench: the server was not verified by DANE\n");
        end_dial(job, 0);
    } else if (bench->settings->hold) {
        hold(bench);
    } else {
        say_quit(job);
    }
}

static void start_dial(struct job *job)
{
    struct bench *bench = job->bench;
    const struct settings *s = bench->settings;
    struct mox_envelope envelope = {
        .size = sizeof envelope, .from = "a@bench.example", .to = "b@bench.example"};
    struct mox_dial_request request = {.size = sizeof request,
                                       .envelope = &envelope,
                                       .server = s->name,
                                       .ehlo = "bench.example",
                                       .port = (uint16_t)s->port,
                                       .flags = MOX_DIAL_ALLOW_SPECIAL};
    struct mox_error err;

    if (s->tls && !s->resume)
        request.flags |= MOX_DIAL_NO_RESUME;
    if (bench->started == s->count)
        return;
    bench->started++;
    if (mox_dial_start(bench->ctx, &request, on_dialed, job, &err) != 0)
        return;
    bench_failed(bench, "dial", &err);
    bench->done++;
}

static int answer_at_once(void *user, uint64_t id, const char *name, uint16_t type)
{
    struct bench *bench = user;

    return answers_give(&bench->answers, bench->ctx, id, name, type);
}

int bench_dial(const struct settings *s)
{
    struct bench bench = {.settings = s};
    struct mox_dns_ops dns = {.size = sizeof dns, .user = &bench, .query = answer_at_once};
    struct mox_ip ip;

    if (mox_ip_parse(s->host, &ip) != MOX_OK ||
        answers_make(&bench.answers, &ip, s->port, s->tlsa, s->ntlsa) != 0) {
        fprintf(stderr, "moxdial-bench: --host must be an IP address, --tlsa a record\n");
        return EXIT_USAGE;
    }
    if (s->hold && s->count != s->concurrency) {
        fprintf(stderr, "moxdial-bench: --hold needs as many at once as there are\n");
        return EXIT_USAGE;
    }
    bench.ctx = bench_ctx(&bench, &dns);
    if (bench.ctx == NULL)
        return EXIT_NO;
    return bench_run(&bench, start_dial, s->resume ? 1 : s->concurrency);
}

int bench_connect(const struct settings *s)
{
    struct bench bench = {.settings = s};

    bench.ctx = bench_ctx(&bench, NULL);
    return bench.ctx == NULL ? EXIT_NO : bench_run(&bench, start_dial, s->concurrency);
}
