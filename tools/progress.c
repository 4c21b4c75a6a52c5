/*
 * progress.c - see progress.h.
 */
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WORTH_IT = 1 << 20, EVERY_US = 100000, CELLS = 40 };

static const double mib = 1 << 20;

void progress_begin(struct progress *progress, uint64_t total)
{
    const char *term = getenv("TERM");

    progress->total = total;
    progress->on =
        total > WORTH_IT && isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
}

void progress_show(struct progress *progress, uint64_t done)
{
    static const char hashes[] = "########################################";
    struct timespec now;
    int64_t now_us;
    int cells;

    if (!progress->on)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    if (progress->drawn && now_us - progress->last_us < EVERY_US && done < progress->total)
        return;
    progress->last_us = now_us;
    progress->drawn = true;
    if (done > progress->total)
        done = progress->total;
    cells = (int)((double)done / (double)progress->total * CELLS);
    fprintf(stderr, "\r[%-*.*s] %3d %% of %.1f MiB", CELLS, cells, hashes, cells * 100 / CELLS,
            (double)progress->total / mib);
}

void progress_end(struct progress *progress)
{
    if (progress->drawn)
        fputs("\r\033[K", stderr);
    progress->drawn = false;
}
