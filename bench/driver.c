/*
 * driver.c - moxdial-bench: the library at work, to be measured from outside beside floors of one's
 * own. Exit status: 0 only if all of the work was done, 64 for what this version does not have.
 *
 *   moxdial-bench dial --host ADDRESS --port P --count N --concurrency C
 *   moxdial-bench route --config FILE --queries FILE
 *   moxdial-bench config --config FILE
 *   moxdial-bench dns --resolver ADDRESS:PORT --count DOMAINS --concurrency C
 *   moxdial-bench connect --name HOST --port P --resolver ADDRESS:PORT
 */
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <moxdial.h>

enum { EXIT_NO = 1, EXIT_USAGE = 64, TYPE_A = 1, TYPE_MX = 15 };

struct settings {
    const char *host, *config, *queries, *resolver, *name;
    unsigned long port, count, concurrency;
    int tls;
};

struct bench;

struct job { /* one dial at a time, again and again */
    struct bench *bench;
    struct mox_conn *conn;
    struct mox_plan *plan;
};

struct bench {
    const struct settings *settings;
    struct mox_ctx *ctx;
    struct mox_ip ip; /* of --host */
    unsigned long started, done;
    int failed;
};

static int complain(const char *what, const struct mox_error *err)
{
    fprintf(stderr, "moxdial-bench: %s: %s: %s\n", what, err->host, err->message);
    return EXIT_NO;
}

/* The first one is told; a thousand more would say the same. */
static void note_failure(struct bench *bench, const char *what, const struct mox_error *err)
{
    if (!bench->failed)
        complain(what, err);
    bench->failed = 1;
}

static void start_dial(struct job *job);

static void end_dial(struct job *job, int good)
{
    struct bench *bench = job->bench;

    mox_conn_close(job->conn);
    job->conn = NULL;
    bench->done++;
    bench->failed |= !good;
    start_dial(job);
}

static void on_readable(void *arg, int status, const struct mox_error *err);

/* QUIT and its reply: 221 and a line end. */
static void say_quit(struct job *job)
{
    static const char quit[] = "QUIT\r\n";
    struct mox_error err;
    size_t n = 0;

    if (mox_conn_write(job->conn, quit, sizeof quit - 1, &n) != MOX_OK || n != sizeof quit - 1 ||
        mox_conn_watch(job->conn, MOX_READ, on_readable, job, &err) == 0)
        end_dial(job, 0);
}

static void on_readable(void *arg, int status, const struct mox_error *err)
{
    struct job *job = arg;
    char reply[512];
    size_t n = 0;

    (void)err;
    if (status == MOX_OK)
        status = mox_conn_read(job->conn, reply, sizeof reply, &n);
    end_dial(job, status == MOX_OK && n >= 3 && memcmp(reply, "221", 3) == 0);
}

static void on_dialed(void *arg, int status, struct mox_conn *conn, const struct mox_error *err)
{
    struct job *job = arg;

    job->conn = conn;
    if (status == MOX_OK) {
        say_quit(job);
        return;
    }
    note_failure(job->bench, "dial", err);
    end_dial(job, 0);
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

    if (bench->started == s->count)
        return;
    bench->started++;
    if (mox_dial_start(bench->ctx, &request, on_dialed, job, &err) != 0)
        return;
    note_failure(bench, "dial", &err);
    bench->done++;
}

/* A name as labels; returns its length. */
static size_t put_name(const char *name, unsigned char *out)
{
    size_t at = 0;

    while (*name != '\0') {
        size_t label = strcspn(name, ".");

        out[at++] = (unsigned char)label;
        memcpy(out + at, name, label);
        at += label;
        name += label + (name[label] == '.');
    }
    out[at++] = 0;
    return at;
}

static void put_u16(unsigned char *out, size_t value)
{
    out[0] = (unsigned char)(value >> 8);
    out[1] = (unsigned char)value;
}

/* DNS by callback, in wire format: bench.example has one MX host with the one address. */
static int answer_at_once(void *user, uint64_t id, const char *name, uint16_t type)
{
    static const unsigned char exchange[] = "\0\12\2mx\5bench\7example";
    struct bench *bench = user;
    unsigned char wire[600] = {0, 0, 0x81, 0x80, 0, 1};
    size_t at = 12 + put_name(name, wire + 12), len = sizeof exchange;
    const void *rdata = exchange;
    const struct mox_ip *ip = &bench->ip;

    if (type != TYPE_MX) {
        rdata = ip->bytes;
        len = ip->family == MOX_IPV4 ? 4 : 16;
    }
    put_u16(wire + at, type);
    put_u16(wire + at + 2, 1);
    at += 4;
    if (type == TYPE_MX || (ip->family == MOX_IPV4) == (type == TYPE_A)) {
        wire[7] = 1;
        put_u16(wire + at, 0xc00c);
        put_u16(wire + at + 2, type);
        put_u16(wire + at + 4, 1);
        put_u16(wire + at + 8, 300);
        put_u16(wire + at + 10, len);
        memcpy(wire + at + 12, rdata, len);
        at += 12 + len;
    }
    return mox_dns_answer(bench->ctx, id, wire, at, 0);
}

/* Until every job has ended. */
static int run(struct bench *bench)
{
    while (mox_ctx_pending(bench->ctx) > 0) {
        if (mox_ctx_wait(bench->ctx, -1) < 0)
            return EXIT_NO;
    }
    return bench->failed || bench->done != bench->settings->count ? EXIT_NO : 0;
}

static int run_jobs(struct bench *bench, void start(struct job *job))
{
    unsigned long n = bench->settings->concurrency;
    struct job *jobs = calloc(n, sizeof *jobs);
    int status;

    if (jobs == NULL)
        return EXIT_NO;
    for (unsigned long i = 0; i < n; i++) {
        jobs[i].bench = bench;
        start(&jobs[i]);
    }
    status = run(bench);
    mox_ctx_free(bench->ctx);
    free(jobs);
    return status;
}

static struct mox_ctx *open_ctx(const struct settings *s, const struct mox_dns_ops *dns)
{
    struct mox_ctx_options options = {.size = sizeof options,
                                      .dns = dns,
                                      .dns_servers = &s->resolver,
                                      .ndns_servers = s->resolver != NULL,
                                      .flags = MOX_CTX_NO_HOSTS_FILE,
                                      .max_conns = MOX_UNLIMITED,
                                      .max_conns_per_address = MOX_UNLIMITED};
    struct mox_error err;
    struct mox_ctx *ctx = mox_ctx_new(&options, &err);

    if (ctx == NULL)
        complain("context", &err);
    return ctx;
}

static int bench_dial(const struct settings *s)
{
    struct bench bench = {.settings = s};
    struct mox_dns_ops dns = {.size = sizeof dns, .user = &bench, .query = answer_at_once};

    if (mox_ip_parse(s->host, &bench.ip) != MOX_OK) {
        fprintf(stderr, "moxdial-bench: --host must be an IP address\n");
        return EXIT_USAGE;
    }
    bench.ctx = open_ctx(s, &dns);
    return bench.ctx == NULL ? EXIT_NO : run_jobs(&bench, start_dial);
}

static int bench_connect(const struct settings *s)
{
    struct bench bench = {.settings = s};

    bench.ctx = open_ctx(s, NULL);
    return bench.ctx == NULL ? EXIT_NO : run_jobs(&bench, start_dial);
}

static void start_plan(struct job *job);

static void on_resolved(void *arg, int status, const struct mox_error *err)
{
    struct job *job = arg;

    if (status != MOX_OK)
        note_failure(job->bench, "resolve", err);
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
    note_failure(bench, "resolve", &err);
    bench->done++;
}

static int bench_dns(const struct settings *s)
{
    struct bench bench = {.settings = s};

    bench.ctx = open_ctx(s, NULL);
    return bench.ctx == NULL ? EXIT_NO : run_jobs(&bench, start_plan);
}

static size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

static struct mox_config *load(const struct settings *s)
{
    struct mox_error err;
    struct mox_config *config = mox_config_load(s->config, &err);

    if (config == NULL)
        complain("configuration", &err);
    return config;
}

static int bench_config(const struct settings *s)
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

static int bench_route(const struct settings *s)
{
    struct queries q = {0};
    size_t before = heap_bytes(), routes;
    const struct mox_config_info *info;
    struct mox_config *config = load(s);
    unsigned long hits = 0;
    double ns = 0;
    size_t bytes = heap_bytes() - before;
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

static const struct {
    const char *name;
    int (*run)(const struct settings *s);
    const char *needs; /* letters of options[] below */
} benches[] = {
    {"dial", bench_dial, "hp"}, {"route", bench_route, "cq"},      {"config", bench_config, "c"},
    {"dns", bench_dns, "r"},    {"connect", bench_connect, "npr"}, {"deliver", NULL, ""},
};

static int usage(const char *what)
{
    fprintf(stderr, "moxdial-bench: %s; usage stands at the head of bench/driver.c\n", what);
    return EXIT_USAGE;
}

static int parse(int argc, char **argv, struct settings *s, char given[32])
{
    static const struct option options[] = {
        {"host", 1, NULL, 'h'},     {"port", 1, NULL, 'p'},        {"count", 1, NULL, 'k'},
        {"config", 1, NULL, 'c'},   {"concurrency", 1, NULL, 'j'}, {"queries", 1, NULL, 'q'},
        {"resolver", 1, NULL, 'r'}, {"name", 1, NULL, 'n'},        {"size", 1, NULL, 's'},
        {"per-conn", 1, NULL, 'o'}, {"tls", 0, NULL, 't'},         {"resume", 0, NULL, 't'},
        {NULL, 0, NULL, 0},
    };
    size_t n = 0;

    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (n < 31)
            given[n++] = (char)c;
        switch (c) {
        case 'h':
            s->host = optarg;
            break;
        case 'p':
            s->port = strtoul(optarg, NULL, 10);
            break;
        case 'k':
            s->count = strtoul(optarg, NULL, 10);
            break;
        case 'j':
            s->concurrency = strtoul(optarg, NULL, 10);
            break;
        case 'c':
            s->config = optarg;
            break;
        case 'q':
            s->queries = optarg;
            break;
        case 'r':
            s->resolver = optarg;
            break;
        case 'n':
            s->name = optarg;
            break;
        case 't':
            s->tls = 1;
            break;
        case 's':
        case 'o':
            break;
        default:
            return EXIT_USAGE;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct settings s = {.count = 1, .concurrency = 1};
    char given[32] = "";

    if (argc < 2)
        return usage("no bench named");
    for (size_t i = 0; i < sizeof benches / sizeof *benches; i++) {
        if (strcmp(argv[1], benches[i].name) != 0)
            continue;
        if (parse(argc - 1, argv + 1, &s, given) != 0)
            return usage("unknown option");
        if (benches[i].run == NULL || s.tls)
            return usage("this version does not have that yet");
        for (const char *need = benches[i].needs; *need != '\0'; need++) {
            if (strchr(given, *need) == NULL)
                return usage("an option is missing");
        }
        return benches[i].run(&s);
    }
    return usage("no such bench");
}
