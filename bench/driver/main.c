/*
 * main.c - moxdial-bench: the library at work, to be measured from outside beside floors of one's
 * own. Exit status: 0 only if all of the work was done, 64 for what
 * it does not know.
 *
 *   moxdial-bench dial --host ADDRESS --port P --count N --concurrency C [--tls] [--resume]
 *                      [--tlsa RECORD]... [--hold] [--verbose]
 *   moxdial-bench deliver --host ADDRESS --port P --count MESSAGES [--size BYTES] [--per-conn K]
 *                         --concurrency C
 *   moxdial-bench route --config FILE --queries FILE
 *   moxdial-bench config --config FILE
 *   moxdial-bench dns --resolver ADDRESS:PORT --count DOMAINS --concurrency C
 *   moxdial-bench connect --name HOST --port P --resolver ADDRESS:PORT
 *
 * --tls: each handshake a full one; --resume: as many as can be are resumed, and the first dial
 * goes alone. --tlsa: verified by DANE. --hold: when all N are open, prints the bytes of heap in
 * use.
 * --verbose: how many were resumed, on standard error.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/driver/driver.h"

static const struct {
    const char *name;
    int (*run)(const struct settings *s);
    const char *needs; /* letters of options[] below */
} benches[] = {
    {"dial", bench_dial, "hp"}, {"route", bench_route, "cq"},      {"config", bench_config, "c"},
    {"dns", bench_dns, "r"},    {"connect", bench_connect, "npr"}, {"deliver", bench_deliver, "hp"},
};

static int usage(const char *what)
{
    fprintf(stderr, "moxdial-bench: %s; usage stands at the head of bench/driver/main.c\n", what);
    return EXIT_USAGE;
}

static int take_record(struct settings *s, const char *record)
{
    if (s->ntlsa == ANSWERS_TLSA)
        return EXIT_USAGE;
    s->tlsa[s->ntlsa++] = record;
    return 0;
}

/* What has a letter of its own. */
static int take(struct settings *s, int letter, const char *value)
{
    switch (letter) {
    case 'h':
        s->host = value;
        return 0;
    case 'p':
        s->port = strtoul(value, NULL, 10);
        return 0;
    case 'k':
        s->count = strtoul(value, NULL, 10);
        return 0;
    case 'j':
        s->concurrency = strtoul(value, NULL, 10);
        return 0;
    case 'c':
        s->config = value;
        return 0;
    case 'q':
        s->queries = value;
        return 0;
    case 'r':
        s->resolver = value;
        return 0;
    case 'n':
        s->name = value;
        return 0;
    case 'a':
        return take_record(s, value);
    case 's':
        s->size = strtoul(value, NULL, 10);
        return 0;
    case 'o':
        s->per_conn = strtoul(value, NULL, 10);
        return 0;
    default:
        return EXIT_USAGE;
    }
}

static int parse(int argc, char **argv, struct settings *s, char given[32])
{
    const struct option options[] = {
        {"host", 1, NULL, 'h'},       {"port", 1, NULL, 'p'},        {"count", 1, NULL, 'k'},
        {"config", 1, NULL, 'c'},     {"concurrency", 1, NULL, 'j'}, {"queries", 1, NULL, 'q'},
        {"resolver", 1, NULL, 'r'},   {"name", 1, NULL, 'n'},        {"size", 1, NULL, 's'},
        {"per-conn", 1, NULL, 'o'},   {"tlsa", 1, NULL, 'a'},        {"tls", 0, &s->tls, 1},
        {"resume", 0, &s->resume, 1}, {"hold", 0, &s->hold, 1},      {"verbose", 0, &s->verbose, 1},
        {NULL, 0, NULL, 0},
    };
    size_t n = 0;

    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 0)
            continue;
        if (n < 31)
            given[n++] = (char)c;
        if (take(s, c, optarg) != 0)
            return EXIT_USAGE;
    }
    s->tls |= s->resume;
    return 0;
}

int main(int argc, char **argv)
{
    struct settings s = {.count = 1, .concurrency = 1, .size = 4096, .per_conn = 1};
    char given[32] = "";

    if (argc < 2)
        return usage("no bench named");
    for (size_t i = 0; i < sizeof benches / sizeof *benches; i++) {
        if (strcmp(argv[1], benches[i].name) != 0)
            continue;
        if (parse(argc - 1, argv + 1, &s, given) != 0)
            return usage("unknown option");
        for (const char *need = benches[i].needs; *need != '\0'; need++) {
            if (strchr(given, *need) == NULL)
                return usage("an option is missing");
        }
        return benches[i].run(&s);
    }
    return usage("no such bench");
}
