/*
 * gauge.h - by what the library's bodies and their floor are measured alike: the clock, the amount,
 * and who reads what is written.
 */
#ifndef BENCH_GAUGE_H
#define BENCH_GAUGE_H

#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static const double memory_total = 4e9; /* bytes, for a figure */

static double cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Reads all there is, and forgets it, in a process of its own. */
static int open_pipe(pid_t *child)
{
    static char room[1 << 16];
    int ends[2];

    if (pipe(ends) != 0)
        return -1;
    *child = fork();
    if (*child == 0) {
        close(ends[1]);
        while (read(ends[0], room, sizeof room) > 0)
            continue;
        _exit(0);
    }
    close(ends[0]);
    return ends[1];
}

#endif
