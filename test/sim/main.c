/*
 * main.c - the program sim: lives seeds through, twice each, and tells the first that breaks an
 * invariant with the command that shows it again.
 *
 *   sim [--spf] [--seed N] [--from N] [--count N] [--trace] [--quiet] [--seeds FILE]
 *
 * --spf: seeds of SPF checks (spf.h), which no FILE has.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/sim/check.h"
#include "test/sim/run.h"
#include "test/sim/spf.h"
#include "test/sim/tell.h"

struct options {
    uint64_t from, count;
    bool trace, quiet, spf; /* quiet: no word when all is well */
    const char *program, *seeds;
};

struct tally {
    uint64_t seeds, dials, sessions, must, must_not, failing;
    uint64_t handshakes, resumed, logins, proxied, proven[MOX_TLS_DANE + 1];
    uint64_t foretold;                   /* errors of sessions, which were as the reference says */
    uint64_t ordered, put_last, resting; /* connects in order; … with a family put last, in so
                                            many seeds */
    uint64_t messages, reused, rcpts[MOX_RCPT_UNKNOWN + 1]; /* rcpts: by state */
};

static struct seed seed;
static struct run run;

/* What a server challenges with hangs on its TLS session, and that on the time of day. */
static void blank_challenges(char *trace)
{
    static const char mark[] = " < 334 ";

    for (char *at = strstr(trace, mark); at != NULL; at = strstr(at, mark)) {
        at += sizeof mark - 1;
        memset(at, '.', strcspn(at, "\n"));
    }
}

/* The trace of a run, for the second one to be compared with. */
static char *copy_trace(const struct world *w)
{
    size_t len = w->log.len + w->told.len + 2;
    char *copy = malloc(len);

    if (copy == NULL)
        abort();
    snprintf(copy, len, "%s%s", w->log.ptr == NULL ? "" : w->log.ptr,
             w->told.ptr == NULL ? "" : w->told.ptr);
    blank_challenges(copy);
    return copy;
}

static void tell_difference(const char *a, const char *b)
{
    size_t from = 0;

    for (size_t i = 0; a[i] != '\0' && a[i] == b[i]; i++)
        from = a[i] == '\n' ? i + 1 : from;
    printf("first:  %.*s\nsecond: %.*s\n", (int)strcspn(a + from, "\n"), a + from,
           (int)strcspn(b + from, "\n"), b + from);
}

static bool fail(const struct options *options, uint64_t number, const char *invariant,
                 const char *detail)
{
    printf("sim: seed %llu breaks \"%s\": %s\nagain: %s --seed %llu --trace\n",
           (unsigned long long)number, invariant, detail, options->program,
           (unsigned long long)number);
    return false;
}

static void count_streams(struct tally *tally)
{
    for (const struct net_stream *s = run.w->streams; s != NULL; s = s->next) {
        tally->handshakes += s->secure.opened;
        tally->resumed += s->secure.resumed;
        tally->logins += s->server.login.done;
        tally->proxied += s->way.proxied && s->way.step == PROXY_NONE;
    }
}

static void count_mail(struct tally *tally, const struct run_dial *d)
{
    for (size_t k = 0; k < d->facts->nmails && d->send.made; k++) {
        const struct send_mail *m = &d->send.mails[k];

        tally->messages += m->calls > 0;
        for (size_t r = 0; r < m->facts->rcpts && m->calls > 0; r++)
            tally->rcpts[m->results[r].state]++;
    }
}

static void count(struct tally *tally)
{
    count_streams(tally);
    tally->reused += run.reused;
    tally->foretold += run.foretold;
    tally->ordered += run.ordered;
    tally->put_last += run.put_last;
    tally->resting += run.put_last > 0;
    for (int i = 0; i <= MOX_TLS_DANE; i++)
        tally->proven[i] += run.proven[i];
    tally->seeds++;
    tally->failing += run.failed;
    for (size_t i = 0; i < seed.ndials; i++) {
        const struct run_dial *d = &run.dials[i];
        bool may, must = reference_must(&d->reference, 1, &may);

        count_mail(tally, d);
        tally->dials += d->started;
        tally->sessions += d->sessions;
        if (!d->started || run.failed || run.shut_down)
            continue;
        tally->must += must;
        tally->must_not += !may;
    }
}

static bool live(const struct options *options, uint64_t number, struct tally *tally)
{
    char broken[2][32], detail[2][400], *trace[2];
    bool same;

    for (int i = 0; i < 2; i++) {
        long left;

        seed_draw(number, &seed);
        run_seed(&run, &seed);
        trace[i] = copy_trace(run.w);
        if (i == 0)
            count(tally);
        if (i == 0 && options->trace)
            tell_world(&run);
        memcpy(broken[i], run.broken, sizeof run.broken);
        memcpy(detail[i], run.detail, sizeof run.detail);
        left = run_free(&run) - i - 1; /* the copies of the traces */
        if (left != 0 && broken[i][0] == '\0') {
            snprintf(broken[i], sizeof broken[i], "memory");
            snprintf(detail[i], sizeof detail[i], "%ld blocks are left", left);
        }
    }
    same = strcmp(trace[0], trace[1]) == 0;
    if (options->trace)
        printf("%s", trace[0]);
    if (!same)
        tell_difference(trace[0], trace[1]);
    free(trace[0]);
    free(trace[1]);
    if (broken[0][0] != '\0')
        return fail(options, number, broken[0], detail[0]);
    return same || fail(options, number, "trace", "two runs of it differ");
}

static uint64_t number_of(const char *text)
{
    char *end;
    unsigned long long number = strtoull(text, &end, 10);

    if (*text == '\0' || *end != '\0') {
        fprintf(stderr, "sim: \"%s\" is no number\n", text);
        exit(64);
    }
    return number;
}

static void set_option(const char *name, const char *value, struct options *o)
{
    if (strcmp(name, "--seeds") == 0) {
        o->seeds = value;
    } else if (strcmp(name, "--from") == 0) {
        o->from = number_of(value);
    } else if (strcmp(name, "--count") == 0) {
        o->count = number_of(value);
    } else if (strcmp(name, "--seed") == 0) {
        o->from = number_of(value);
        o->count = 1;
    } else {
        fprintf(stderr, "usage: sim [--spf] [--seed N] [--from N] [--count N] [--trace] [--quiet] "
                        "[--seeds FILE]\n");
        exit(64);
    }
}

static void read_options(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0) {
            o->trace = true;
            continue;
        }
        if (strcmp(argv[i], "--quiet") == 0) {
            o->quiet = true;
            continue;
        }
        if (strcmp(argv[i], "--spf") == 0) {
            o->spf = true;
            continue;
        }
        set_option(argv[i], i + 1 < argc ? argv[i + 1] : "", o);
        i++;
    }
}

/* Seeds that once failed, a number a line; what follows it is for people. */
static bool live_known(const struct options *options, struct tally *tally)
{
    FILE *file = options->seeds == NULL ? NULL : fopen(options->seeds, "r");
    bool good = true;
    char line[256];

    if (options->seeds != NULL && file == NULL) {
        fprintf(stderr, "sim: cannot read %s: %s\n", options->seeds, strerror(errno));
        return false;
    }
    while (file != NULL && good && fgets(line, sizeof line, file) != NULL) {
        if (line[0] >= '0' && line[0] <= '9')
            good = live(options, strtoull(line, NULL, 10), tally);
    }
    if (file != NULL)
        fclose(file);
    return good;
}

static int live_spf(const struct options *options)
{
    struct spf_tally tally = {0};

    for (uint64_t i = 0; i < options->count; i++) {
        if (!spf_live(options->from + i, options->trace, &tally))
            return EXIT_FAILURE;
    }
    if (options->quiet)
        return EXIT_SUCCESS;
    printf(
        "sim: %llu seeds of SPF, %llu checks with %llu questions, %llu given up, malloc failed in "
        "%llu: all invariants hold\n    ",
        (unsigned long long)tally.seeds, (unsigned long long)tally.checks,
        (unsigned long long)tally.questions, (unsigned long long)tally.cancelled,
        (unsigned long long)tally.failing);
    for (int i = 0; i <= MOX_SPF_PERMERROR; i++)
        printf("%s %llu %s", i == 0 ? "" : ",", (unsigned long long)tally.by_result[i],
               mox_spf_name(i));
    printf("\n");
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct options options = {.from = 1, .count = 1, .program = argv[0]};
    struct tally tally = {0};

    read_options(argc, argv, &options);
    if (options.spf)
        return live_spf(&options);
    papers_make();
    if (!live_known(&options, &tally))
        return EXIT_FAILURE;
    for (uint64_t i = 0; i < options.count; i++) {
        if (!live(&options, options.from + i, &tally))
            return EXIT_FAILURE;
    }
    if (options.quiet)
        return EXIT_SUCCESS;
    printf("sim: %llu seeds, %llu dials (%llu must reach a session, %llu must not), %llu sessions, "
           "malloc failed in %llu: all invariants hold\n",
           (unsigned long long)tally.seeds, (unsigned long long)tally.dials,
           (unsigned long long)tally.must, (unsigned long long)tally.must_not,
           (unsigned long long)tally.sessions, (unsigned long long)tally.failing);
    printf("     %llu handshakes (%llu resumed), %llu sessions proven by PKIX, %llu by DANE, %llu "
           "logins, %llu ways through proxies, %llu errors foretold\n",
           (unsigned long long)tally.handshakes, (unsigned long long)tally.resumed,
           (unsigned long long)tally.proven[MOX_TLS_PKIX],
           (unsigned long long)tally.proven[MOX_TLS_DANE], (unsigned long long)tally.logins,
           (unsigned long long)tally.proxied, (unsigned long long)tally.foretold);
    printf("     %llu messages, recipients %llu accepted, %llu temporary, %llu permanent, %llu "
           "unknown, %llu pending; %llu connections used again\n",
           (unsigned long long)tally.messages, (unsigned long long)tally.rcpts[MOX_RCPT_ACCEPTED],
           (unsigned long long)tally.rcpts[MOX_RCPT_TEMPORARY],
           (unsigned long long)tally.rcpts[MOX_RCPT_PERMANENT],
           (unsigned long long)tally.rcpts[MOX_RCPT_UNKNOWN],
           (unsigned long long)tally.rcpts[MOX_RCPT_PENDING], (unsigned long long)tally.reused);
    printf("     %llu connects of two families in order, %llu of them with one put last (%llu "
           "seeds)\n",
           (unsigned long long)tally.ordered, (unsigned long long)tally.put_last,
           (unsigned long long)tally.resting);
    return EXIT_SUCCESS;
}
