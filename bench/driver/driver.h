/*
 * driver.h - moxdial-bench, shared by its parts: what was asked for, and jobs that do it.
 */
#ifndef BENCH_DRIVER_H
#define BENCH_DRIVER_H

#include <moxdial.h>

#include "bench/driver/answers.h"

enum { EXIT_NO = 1, EXIT_USAGE = 64 };

struct settings {
    const char *host, *config, *queries, *resolver, *name;
    const char *tlsa[ANSWERS_TLSA];
    unsigned long port, count, concurrency, size, per_conn;
    size_t ntlsa;
    int tls, resume, hold, verbose;
};

struct bench;

struct job { /* one piece of work at a time, again and again */
    struct bench *bench;
    struct mox_conn *conn;
    struct mox_plan *plan;
};

struct bench {
    const struct settings *settings;
    struct mox_ctx *ctx;
    struct answers answers;
    struct job *jobs; /* settings->concurrency of them */
    unsigned long started, done, held, resumed;
    int failed;
};

/* Exit statuses. */
int bench_dial(const struct settings *s);
int bench_deliver(const struct settings *s);
int bench_connect(const struct settings *s);
int bench_dns(const struct settings *s);
int bench_config(const struct settings *s);
int bench_route(const struct settings *s);

/* EXIT_NO, after it was told. */
int bench_complain(const char *what, const struct mox_error *err);

/* The first failure is told; a thousand more would say the same. */
void bench_failed(struct bench *bench, const char *what, const struct mox_error *err);

/* dns NULL: ours, of settings->resolver. NULL: it was told why. */
struct mox_ctx *bench_ctx(struct bench *bench, const struct mox_dns_ops *dns);

/* Runs jobs until all is done, and frees the context; exit status. first: how many begin. */
int bench_run(struct bench *bench, void start(struct job *job), unsigned long first);

size_t bench_heap(void); /* bytes in use */

#endif
