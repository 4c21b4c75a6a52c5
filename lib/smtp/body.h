/*
 * body.h - a message on its way to the wire: lines end in CR LF, a dot that begins a line is
 * doubled (RFC 5321 section 4.5.2), what would smuggle a second message is refused.
 *
 * It gives pieces. They are borrowed from where the message lies (the host's buffer, or what was
 * read) as long as it has the wire's line ends: a piece ends behind a dot to be doubled, and the
 * next begins with the same dot. Lines that end in LF alone are made anew, many to a piece. The
 * final dot is not its matter. Eight-bit bytes and NUL pass: whether the server takes them is the
 * host's to know (RFC 6152).
 */
#ifndef SMTP_BODY_H
#define SMTP_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <moxdial/deliver.h>

#include "base/slice.h"
#include "smtp/source.h"

struct smtp_body { /* all zero: not open; smtp_body_close is allowed */
    struct smtp_source source;
    struct slice rest; /* of the source's block: not yet given */
    char *made;        /* owned: lines with their CR; NULL: none were made yet */
    uint64_t at;       /* bytes of the message before rest */
    uint64_t plain;    /* … from its start, that go as they lie: not looked at again */
    uint64_t lines;    /* line ends before rest, without those of plain */
    char last;         /* the byte before rest; LF at the start, '.' before a dot's second time */
};

/*
 * Begins at the start of the message: rewinds a reader that can. source: borrowed until close.
 * opened: it has been opened before. MOX_OK; MOX_E_INVAL: source, flags, descriptor;
 * MOX_E_UNSUPPORTED: a reader without rewind that was opened before; else what rewind said, as
 * smtp_source_open tells it. After a failure nothing is open. *b: zero or closed before.
 */
int smtp_body_open(struct smtp_body *b, const struct mox_body *source, bool opened,
                   struct mox_error *err);

/*
 * The next piece of the wire form. MOX_OK: *piece is not empty, has at most MOX_LIMIT_BODY_PIECE
 * bytes, borrowed until the next call; MOX_E_EOF: all was given, the last piece ended in CR LF, or
 * the message is empty; MOX_E_AGAIN: the reader has nothing now (err is left as it is).
 * MOX_E_INVAL, about the message, with line and byte, both counted from 1: a bare CR or LF, no line
 * end at the end; MOX_E_OS, MOX_E_CALLBACK: it could not be read; MOX_E_NOMEM. After these: close.
 */
int smtp_body_next(struct smtp_body *b, struct slice *piece, struct mox_error *err);

/*
 * The same faults, found before anything is said to a server: of a buffer all that smtp_body_open
 * and smtp_body_next find, of the rest what the struct itself shows. *plain: set to how many bytes
 * from the start were seen to go as they lie, for smtp_body_trust; 0 if not MOX_OK. MOX_OK;
 * MOX_E_INVAL; MOX_E_NOMEM, with MOX_BODY_LF alone.
 */
int smtp_body_check(const struct mox_body *source, uint64_t *plain, struct mox_error *err);

/* Just opened: that many bytes of it, of which the check has said so, go as they lie. */
void smtp_body_trust(struct smtp_body *b, uint64_t plain);

/*
 * Octets for SIZE= (RFC 1870 section 5: line ends as CR LF, no doubled dots). Exact of a buffer; of
 * a file, the bytes it has: with MOX_BODY_LF that is too few by its bare LFs, and so a message that
 * a server would take is never held back for its size; of a reader its hint. 0: not known.
 */
uint64_t smtp_body_size(const struct mox_body *source);

/* Frees all it holds; all zero again. */
void smtp_body_close(struct smtp_body *b);

#endif
