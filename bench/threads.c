/*
 * threads.c - route lookups by several threads: all on one configuration, or each on its own, which
 * is the floor: then nothing is shared but the machine.
 *
 *   threads one|own CONFIG QUERIES THREADS
 *
 * Prints per_second=LOOKUPS of all threads together.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <moxdial.h>

enum { LOOKUPS = 4000000, MAX_QUERIES = 65536, MAX_THREADS = 256, NAME = 128 };

struct work {
    struct mox_config *config;
    char (*names)[NAME];
    size_t nnames, failures; /* failures: of this thread */
    pthread_barrier_t *begin;
};

static void *look_up(void *arg)
{
    struct work *work = arg;
    struct mox_envelope envelope = {.size = sizeof envelope, .from = "a@bench.example"};
    size_t failures = 0;

    pthread_barrier_wait(work->begin);
    for (size_t i = 0; i < LOOKUPS; i++) {
        struct mox_route route;

        envelope.to = work->names[i % work->nnames];
        failures += mox_route_lookup(work->config, &envelope, &route, NULL) != MOX_OK;
    }
    work->failures = failures;
    return NULL;
}

static size_t read_names(const char *path, char (*names)[NAME])
{
    FILE *file = fopen(path, "r");
    size_t n = 0;

    while (file != NULL && n < MAX_QUERIES && fgets(names[n], NAME, file) != NULL) {
        names[n][strcspn(names[n], "\n")] = '\0';
        n++;
    }
    if (file != NULL)
        fclose(file);
    return n;
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Lookups a second; 0: some failed. */
static double run(struct work *works, unsigned long threads)
{
    pthread_t ids[MAX_THREADS];
    pthread_barrier_t barrier;
    size_t failures = 0;
    double begin;

    pthread_barrier_init(&barrier, NULL, (unsigned)threads + 1);
    for (unsigned long i = 0; i < threads; i++) {
        works[i].begin = &barrier;
        if (pthread_create(&ids[i], NULL, look_up, &works[i]) != 0)
            exit(1);
    }
    pthread_barrier_wait(&barrier);
    begin = seconds();
    for (unsigned long i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        failures += works[i].failures;
    }
    begin = seconds() - begin;
    pthread_barrier_destroy(&barrier);
    return failures > 0 ? 0 : (double)threads * LOOKUPS / begin;
}

/* A configuration a thread, or the first for all. */
static int load(struct work *works, unsigned long threads, const char *path, int own)
{
    struct mox_error err;

    for (unsigned long i = 0; i < threads; i++) {
        works[i].config =
            i == 0 || own ? mox_config_load(path, &err) : mox_config_ref(works[0].config);
        if (works[i].config != NULL)
            continue;
        fprintf(stderr, "threads: %s\n", err.message);
        return 0;
    }
    return 1;
}

int main(int argc, char **argv)
{
    static char names[MAX_QUERIES][NAME];
    static struct work works[MAX_THREADS];
    unsigned long threads = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;
    size_t nnames;
    double per_second;

    if (threads == 0 || threads > MAX_THREADS)
        return 64;
    nnames = read_names(argv[3], names);
    if (nnames == 0 || !load(works, threads, argv[2], strcmp(argv[1], "own") == 0))
        return 1;
    for (unsigned long i = 0; i < threads; i++) {
        works[i].names = names;
        works[i].nnames = nnames;
    }
    per_second = run(works, threads);
    printf("per_second=%.0f\n", per_second);
    for (unsigned long i = 0; i < threads; i++)
        mox_config_free(works[i].config);
    return per_second <= 0;
}
