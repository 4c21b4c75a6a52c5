/*
 * story.h - what the demo shows: its configuration files and its steps, as data.
 */
#ifndef DEMO_STORY_H
#define DEMO_STORY_H

#include <stdbool.h>
#include <stddef.h>

enum { STORY_ARGS = 4, STORY_WORDS = 4 };

struct story_file {
    const char *name;
    const char *text;
};

extern const struct story_file story_files[];
extern const size_t story_nfiles;

/* How often each happens. */
enum story_times { STORY_NEVER, STORY_ONCE, STORY_ASKED };

struct story_step {
    const char *title;
    const char *text;             /* what it does and why, a line a line */
    const char *show;             /* a file to show first; NULL: none */
    const char *args[STORY_ARGS]; /* of the command; the first is its name */
    const char *file;             /* its configuration */
    int status;                   /* its exit status */
    enum story_times mx, a, aaaa; /* DNS questions: never, or at least once */
    enum story_times ipv6, ipv4;  /* connects: never, or once */
    const char *says[STORY_WORDS];
    const char *says_with_ipv6; /* NULL: nothing more */
    const char *proven;         /* what it has shown if all that holds */
};

extern const struct story_step story_steps[];
extern const size_t story_nsteps;

#endif
