/*
 * reply.h - collect one SMTP reply from bytes as they arrive (RFC 5321 section 4.2).
 *
 * No I/O and no clock: whoever reads the connection pushes what it got and learns how much of it
 * belonged to this reply. The server is not trusted: its lines, their number and the whole are
 * bounded (MOX_LIMIT_REPLY_LINE, _LINES and MOX_LIMIT_REPLY), and its bytes become text here. The
 * memory grows with what came, so that a session that waits for its first reply holds none.
 */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <moxdial/base.h>

#include "base/buffer.h"
#include "base/slice.h"

struct smtp_reply {     /* all zero: ready for the first byte of a reply */
    struct buffer text; /* words of the ended lines, then the unfinished line as it came */
    uint32_t line;      /* where in text the unfinished line begins */
    uint32_t bytes;     /* taken so far, codes and line ends included */
    uint16_t code;      /* 200 to 599, the same on every line; 0: no line yet */
    uint16_t lines;     /* ended so far */
    bool complete;      /* the last line has been seen, the text is final */
};

/*
 * Push bytes, at most to the end of the reply. input: borrowed, until return. *used: set to the
 * number of bytes taken; of no use after a failure. MOX_OK: more is needed until reply->complete.
 * MOX_E_PROTOCOL: not a reply, MOX_E_LIMIT: too long, MOX_E_NOMEM: free it, the connection is of
 * no use any more.
 */
int smtp_reply_push(struct smtp_reply *reply, struct slice input, size_t *used,
                    struct mox_error *err);

/*
 * The words of a complete reply: without codes, lines joined by '\n', no other control byte, valid
 * UTF-8. A NUL stands behind them. Borrowed, until the next push or the end.
 */
struct slice smtp_reply_text(const struct smtp_reply *reply);

/* Ready for the next reply, in the same memory. */
void smtp_reply_clear(struct smtp_reply *reply);

/* The same, and what it took from the system goes back: none will come for a while. */
void smtp_reply_rest(struct smtp_reply *reply);

/* Gives the memory back; all zero again. */
void smtp_reply_free(struct smtp_reply *reply);

#endif
