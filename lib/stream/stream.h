/*
 * stream.h - byte streams, each over another. A stream is a table of functions and the state
 * behind it; whoever owns the topmost one owns them all.
 */
#ifndef STREAM_STREAM_H
#define STREAM_STREAM_H

#include <stdbool.h>

#include <moxdial/base.h>

struct stream;

struct stream_ops {
    /* As mox_socket_ops: MOX_OK with *n > 0, MOX_E_AGAIN, MOX_E_EOF, a code or MOX_ERRNO. */
    int (*read)(struct stream *s, void *buf, size_t cap, size_t *n);
    int (*write)(struct stream *s, const void *buf, size_t len, size_t *n);
    /* What to tell `ready` next; 0: nothing. */
    int (*want)(struct stream *s, int events);
    /* Whether it is open yet: MOX_OK, MOX_E_AGAIN, or why it failed. */
    int (*opened)(struct stream *s);
    /* Our end; asks the system, so only where somebody wants it. */
    int (*local)(struct stream *s, struct mox_ip *ip, uint16_t *port);
    /* The descriptor, -1: none can be handed over. */
    intptr_t (*fd)(struct stream *s);
    /*
     * Closes and frees, the streams below it too. What is said on the way out (close_notify) is
     * tried once and not waited for; `quietly`: nothing is said.
     */
    void (*close)(struct stream *s, bool quietly);
    /* The last failure in words, with its stage: returns the code. NULL: the code says all. */
    int (*failure)(const struct stream *s, struct mox_error *err);
};

struct stream {
    const struct stream_ops *ops;
    /* Called inside a dispatch when something wanted holds. The stream may be closed in it. */
    void (*ready)(void *arg, struct stream *s, int events);
    void *arg;
};

/* Who is told from now on. */
static inline void stream_notify(struct stream *s,
                                 void (*ready)(void *arg, struct stream *s, int events), void *arg)
{
    s->ready = ready;
    s->arg = arg;
}

#endif
