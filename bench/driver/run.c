/* run.c - see driver.h. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/driver/driver.h"

int bench_complain(const char *what, const struct mox_error *err)
{
    fprintf(stderr, "moxdial-bench: %s: %s: %s\n", what, err->host, err->message);
    return EXIT_NO;
}

void bench_failed(struct bench *bench, const char *what, const struct mox_error *err)
{
    if (!bench->failed)
        bench_complain(what, err);
    bench->failed = 1;
}

/* Of what is told, that a session was resumed. */
static void on_log(void *user, const struct mox_log_entry *entry)
{
    struct bench *bench = user;

    if (entry->stage == MOX_STAGE_TLS && strstr(entry->text, ", resumed") != NULL)
        bench->resumed++;
}

struct mox_ctx *bench_ctx(struct bench *bench, const struct mox_dns_ops *dns)
{
    const struct settings *s = bench->settings;
    struct mox_ctx_options options = {.size = sizeof options,
                                      .dns = dns,
                                      .dns_servers = &s->resolver,
                                      .ndns_servers = s->resolver != NULL,
                                      .flags = MOX_CTX_NO_HOSTS_FILE,
                                      .max_conns = MOX_UNLIMITED,
                                      .max_conns_per_address = MOX_UNLIMITED,
                                      .max_messages = MOX_UNLIMITED};
    struct mox_error err;
    struct mox_ctx *ctx;

    if (s->verbose) {
        options.log = on_log;
        options.log_user = bench;
        options.log_level = MOX_LOG_INFO;
    }
    ctx = mox_ctx_new(&options, &err);
    if (ctx == NULL)
        bench_complain("context", &err);
    return ctx;
}

/* Until every job has ended. */
static int wait_for_all(struct bench *bench)
{
    while (mox_ctx_pending(bench->ctx) > 0) {
        if (mox_ctx_wait(bench->ctx, -1) < 0)
            return EXIT_NO;
    }
    return bench->failed || bench->done != bench->settings->count ? EXIT_NO : 0;
}

/* Opportunistic TLS goes on in clear where it cannot be had. */
static int check_tls(const struct bench *bench)
{
    uint64_t with_tls = mox_ctx_stats(bench->ctx)->tls_ok;

    if (with_tls >= bench->settings->count)
        return 0;
    fprintf(stderr, "moxdial-bench: only %llu of %lu dials had TLS\n", (unsigned long long)with_tls,
            bench->settings->count);
    return EXIT_NO;
}

int bench_run(struct bench *bench, void start(struct job *job), unsigned long first)
{
    unsigned long n = bench->settings->concurrency;
    int status;

    bench->jobs = calloc(n, sizeof *bench->jobs);
    if (bench->jobs == NULL)
        return EXIT_NO;
    for (unsigned long i = 0; i < n; i++)
        bench->jobs[i].bench = bench;
    for (unsigned long i = 0; i < first; i++)
        start(&bench->jobs[i]);
    status = wait_for_all(bench);
    if (status == 0 && bench->settings->tls)
        status = check_tls(bench);
    if (bench->settings->verbose)
        fprintf(stderr, "done=%lu of=%lu resumed=%lu\n", bench->done, bench->settings->count,
                bench->resumed);
    mox_ctx_free(bench->ctx);
    free(bench->jobs);
    return status;
}

size_t bench_heap(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}
