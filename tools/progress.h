/*
 * progress.h - how much of a large message is on its way, on a terminal.
 */
#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress { /* all zero: shows nothing */
    bool on, drawn;
    uint64_t total;
    int64_t last_us;
};

/* Shows something from now on if standard error is a terminal and total is worth it. */
void progress_begin(struct progress *progress, uint64_t total);

/* So many bytes are taken. Drawn anew a few times a second. */
void progress_show(struct progress *progress, uint64_t done);

/* Wipes it away, so that other words can be written. */
void progress_end(struct progress *progress);

#endif
