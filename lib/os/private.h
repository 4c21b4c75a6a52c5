/*
 * private.h - what our sockets and our loop say to each other beyond enum mox_event.
 *
 * The bits travel through mox_ctx_watch, loop.watch, mox_ctx_ready and back, and the context does
 * not look at them. Only sockets made for an edge-triggered loop of ours use them; a host's loop
 * and a host's descriptors never see one.
 */
#ifndef OS_PRIVATE_H
#define OS_PRIVATE_H

enum os_event {
    /* to the loop */
    OS_EDGE = 1 << 8,    /* both directions, edge-triggered, registered once for all its life */
    OS_CLOSING = 1 << 9, /* with neither READ nor WRITE: it is closed next, so nothing to undo */
    /* from the loop, for a descriptor with OS_EDGE */
    OS_FAILED = 1 << 10, /* an error or a hang-up: ask SO_ERROR what a connect came to */
    OS_UNSURE = 1 << 11  /* the peer has ended, or urgent data: a short read is no last read */
};

#endif
