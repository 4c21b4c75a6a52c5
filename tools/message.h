/*
 * message.h - the message to send: a file, or standard input, which is kept, as a second
 * transaction or another server needs it anew. Small ones stay in memory, larger ones go to a
 * temporary file without a name, so a message of any size costs the same memory.
 *
 * It is read once before anything is dialed: what no server could take is found while nobody has
 * been bothered, and the exact size and 8-bit bytes are known.
 */
#ifndef TOOLS_MESSAGE_H
#define TOOLS_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <moxdial.h>

#include "progress.h"

struct message {     /* to be opened */
    int fd;          /* where it lies; -1: in memory */
    bool is_stdin;   /* fd is not ours to close */
    bool strict;     /* lines end in CR LF, all of them */
    bool eight_bit;  /* it has a byte above 127 */
    char *memory;    /* owned */
    int64_t start;   /* where it begins, behind a "From " line of mbox */
    int64_t end;     /* where it ends */
    uint64_t octets; /* as SIZE counts them (RFC 1870): each line's end is two */
    int64_t at;      /* where the delivery reads next */
    struct progress progress;
};

/*
 * file: NULL or "-" is standard input. MOX_OK; MOX_E_INVAL, about the message: a line's end that
 * the wire does not allow, or nothing to send; MOX_E_OS: it cannot be read or kept; MOX_E_SHUTDOWN:
 * a signal came. To be closed in any case.
 */
int message_open(struct message *m, const char *file, bool strict, struct mox_error *err);

/* As the library reads it. m must stay where it is until the delivery ends. */
struct mox_body message_body(struct message *m);

void message_close(struct message *m);

#endif
