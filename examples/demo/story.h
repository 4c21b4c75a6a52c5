/*
 * story.h - what the demo shows: its configuration files and its steps, as data.
 */
#ifndef DEMO_STORY_H
#define DEMO_STORY_H

#include <stdbool.h>
#include <stddef.h>

enum { STORY_ARGS = 4, STORY_WORDS = 4 };

/* A file that is not of the story: the certificate of the demo's authority. */
#define STORY_AUTHORITY "authority.pem"

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
    const char *text;                   /* what it does and why, a line a line */
    const char *show;                   /* a file to show first; NULL: none */
    const char *args[STORY_ARGS];       /* of the command; the first is its name */
    const char *file;                   /* its configuration */
    const char *authority;              /* a file, for --ca-file; NULL: none */
    int status;                         /* its exit status */
    enum story_times mx, a, aaaa, tlsa; /* DNS questions: never, or at least once */
    enum story_times ipv6, ipv4;        /* connects: never, or once */
    const char *heard; /* see servers_seen; not NULL: it dials the server with TLS */
    const char *says[STORY_WORDS], *hides[STORY_WORDS]; /* in its output; in it nowhere */
    const char *says_with_ipv6;                         /* NULL: nothing more */
    const char *proven;                                 /* what it has shown if all that holds */
};

extern const struct story_step story_steps[];
extern const size_t story_nsteps;

#endif
