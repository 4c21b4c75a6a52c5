/*
 * loop_backend.h - a way to wait, as a table with a name; loop.c picks one.
 */
#ifndef OS_LOOP_BACKEND_H
#define OS_LOOP_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <moxdial/ops.h>

#include "os/descriptor.h"

enum { LOOP_BOTH = MOX_READ | MOX_WRITE };

struct loop_slot { /* one descriptor; all zero: never watched */
    uint32_t tag;  /* the backend's own */
    int events;    /* the interest as it was given, private bits included; 0: none */
};

struct loop_backend;

struct os_loop {
    const struct loop_backend *backend;
    struct mox_loop_ops ops;
    struct mox_ctx *ctx; /* borrowed; NULL until attached */
    struct os_waker waker;
    int fd;                  /* the backend's, -1: none */
    void *state;             /* the backend's, owned */
    struct loop_slot *slots; /* by descriptor, for descriptors are small numbers */
    size_t nslots;
    pid_t owner; /* the process that made it */
};

struct loop_backend {
    const char *name;
    bool edge; /* honours OS_EDGE */
    /* The waker is open; set fd, state. MOX_OK, or what went wrong; close is not called then. */
    int (*open)(struct os_loop *loop);
    /*
     * From slot->events, which differ, to events; neither READ nor WRITE: forget it, it is known.
     * MOX_OK: loop.c writes slot->events.
     */
    int (*watch)(struct os_loop *loop, int fd, struct loop_slot *slot, int events);
    /* Report what is ready by loop_report; negative: wait for ever. */
    int (*wait)(struct os_loop *loop, int64_t timeout_us);
    void (*close)(struct os_loop *loop);
};

/* Defined where the system has them. */
extern const struct loop_backend loop_epoll, loop_kqueue, loop_poll;

/* NULL: not watched. */
static inline struct loop_slot *loop_slot_find(const struct os_loop *loop, int64_t fd)
{
    if ((uint64_t)fd >= loop->nslots || loop->slots[fd].events == 0) /* below 0 is huge */
        return NULL;
    return &loop->slots[fd];
}

/* To the context, of a descriptor that is watched. One on the edge is told all, others what they
 * asked for. */
void loop_report(const struct os_loop *loop, const struct loop_slot *slot, int events);

/* As poll(2) takes it: rounded up, so that no deadline is met too early; -1: none. */
int loop_timeout_ms(int64_t timeout_us);

#endif
