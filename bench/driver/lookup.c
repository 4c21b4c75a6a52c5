/* lookup.c - lookups without a dial: of DNS, and of routes in a configuration. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/driver/driver.h"

static void start_plan(struct job *job);

static void on_resolved(void *arg, int status, const struct mox_error *err)
{
    struct job *job = arg;

    if (status != MOX_OK)
        bench_failed(job->bench, "resolve", err);
    job->bench->done++;
    start_plan(job);
}

static void start_plan(struct job *job)
{
    struct bench *bench = job->bench;
    char to[64];
    struct mox_envelope envelope = {.size = sizeof envelope, .to = to};
    struct mox_dial_request request = {
        .size = sizeof request, .envelope = &envelope, .flags = MOX_DIAL_ALLOW_SPECIAL};
    struct mox_error err;

    if (bench->started == bench->settings->count)
        return;
    mox_plan_free(job->plan);
    request.plan = job->plan = mox_plan_new(bench->ctx);
    snprintf(to, sizeof to, "x@d%lu.example", bench->started++);
    if (mox_plan_resolve_start(bench->ctx, &request, on_resolved, job, &err) != 0)
        return;
    bench_failed(bench, "resolve", &err);
    bench->done++;
}

int bench_dns(const struct settings *s)
{
    struct bench bench = {.settings = s};

    bench.ctx = bench_ctx(&bench, NULL);
    return bench.ctx == NULL ? EXIT_NO : bench_run(&bench, start_plan, s->concurrency);
}

static struct mox_config *load(const struct settings *s)
{
    struct mox_error err;
    struct mox_config *config = mox_config_load(s->config, &err);

    if (config == NULL)
        bench_complain("configuration", &err);
    return config;
}

int bench_config(const struct settings *s)
{
    struct mox_config *config = load(s);

    mox_config_free(config);
    return config == NULL ? EXIT_NO : 0;
}

struct queries {
    char *text, **lines;
    size_t n;
};

/* One recipient domain a line. */
static int read_queries(const char *path, struct queries *q)
{
    FILE *file = fopen(path, "r");
    long len = -1;

    if (file != NULL && fseek(file, 0, SEEK_END) == 0)
        len = ftell(file);
    if (len < 0) {
        perror(path);
        return EXIT_NO;
    }
    rewind(file);
    q->text = calloc(1, (size_t)len + 1);
    q->lines = calloc((size_t)len + 1, sizeof *q->lines);
    if (q->text == NULL || q->lines == NULL || fread(q->text, 1, (size_t)len, file) != (size_t)len)
        return EXIT_NO;
    fclose(file);
    for (char *at = q->text, *end; *at != '\0'; at = end) {
        end = at + strcspn(at, "\n");
        if (*end != '\0')
            *end++ = '\0';
        if (*at != '\0')
            q->lines[q->n++] = at;
    }
    return q->n == 0 ? EXIT_NO : 0;
}

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* At least a million lookups, whole passes over the queries. */
static int ask_routes(const struct mox_config *config, const struct queries *q, double *ns,
                      unsigned long *hits)
{
    struct mox_envelope envelope = {.size = sizeof envelope, .from = "a@bench.example"};
    size_t passes = 1 + 1000000 / q->n;
    double begin = now_ns();

    for (size_t pass = 0; pass < passes; pass++) {
        for (size_t i = 0; i < q->n; i++) {
            struct mox_route route;

            envelope.to = q->lines[i];
            if (mox_route_lookup(config, &envelope, &route, NULL) != MOX_OK)
                return EXIT_NO;
            *hits += route.transport != NULL && pass == 0;
        }
    }
    *ns = (now_ns() - begin) / ((double)passes * (double)q->n);
    return 0;
}

int bench_route(const struct settings *s)
{
    struct queries q = {0};
    size_t before = bench_heap(), routes;
    const struct mox_config_info *info;
    struct mox_config *config = load(s);
    unsigned long hits = 0;
    double ns = 0;
    size_t bytes = bench_heap() - before;
    int status = config == NULL ? EXIT_NO : read_queries(s->queries, &q);

    if (status == 0)
        status = ask_routes(config, &q, &ns, &hits);
    if (status == 0) {
        info = mox_config_summary(config);
        routes = (size_t)info->account_routes + info->domain_routes + info->global_routes;
        printf("ns=%.1f hits=%lu bytes_per_route=%zu\n", ns, hits,
               routes == 0 ? 0 : bytes / routes);
    }
    mox_config_free(config);
    free(q.text);
    free(q.lines);
    return status;
}
