/*
 * source.h - the bytes of a message as the host has them, block by block: its buffer, its file,
 * its function. Nothing is changed here.
 */
#ifndef SMTP_SOURCE_H
#define SMTP_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include <moxdial/deliver.h>

#include "base/slice.h"

struct smtp_source {             /* all zero: not open; smtp_source_close is allowed */
    const struct mox_body *body; /* borrowed */
    char *room;                  /* owned: what is read; NULL: nothing yet, or a buffer */
    uint64_t at;                 /* bytes given */
    uint64_t length;             /* of a buffer or a file; UINT64_MAX: not known */
    bool ended;
};

/* Whether the struct can be used at all; nothing is asked of the host. MOX_OK or MOX_E_INVAL. */
int smtp_source_check(const struct mox_body *body, struct mox_error *err);

/*
 * Begins at the start of the message: rewinds a reader that can. body: borrowed until close.
 * opened: not for the first time. MOX_OK; MOX_E_INVAL: the body, its descriptor; MOX_E_UNSUPPORTED:
 * a reader without rewind that was opened before; else what rewind said, as of read below.
 */
int smtp_source_open(struct smtp_source *s, const struct mox_body *body, bool opened,
                     struct mox_error *err);

/*
 * The next block. MOX_OK: it is not empty, has at most MOX_LIMIT_BODY_PIECE bytes, borrowed until
 * the next call; MOX_E_EOF: there is no more; MOX_E_AGAIN: the reader has nothing now (err is left
 * as it is). MOX_E_OS: the file cannot be read, or has become shorter; MOX_E_NOMEM; of a reader
 * that fails MOX_E_OS, MOX_E_NOMEM, and MOX_E_CALLBACK for whatever else it said.
 */
int smtp_source_next(struct smtp_source *s, struct slice *block, struct mox_error *err);

/* Bytes there are; 0: not known. A file is looked at. */
uint64_t smtp_source_size(const struct mox_body *body);

/* All zero again. */
void smtp_source_close(struct smtp_source *s);

#endif
