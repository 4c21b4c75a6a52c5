/*
 * ehlo.h - what a server offers, from the words of its reply to EHLO (RFC 5321 section 4.1.1.1;
 * LIMITS: RFC 9422).
 */
#ifndef SMTP_EHLO_H
#define SMTP_EHLO_H

#include <stdint.h>

#include <moxdial/conn.h>

#include "base/arena.h"
#include "base/slice.h"

struct smtp_ehlo {       /* all zero: nothing is offered */
    uint32_t extensions; /* MOX_EXT_ bits */
    uint32_t rcpt_limit; /* LIMITS RCPTMAX, recipients of a transaction; 0: none */
    uint32_t mail_limit; /* LIMITS MAILMAX, transactions of a connection; 0: none */
    uint64_t size_limit; /* SIZE, bytes of a message; 0: none */
    const char *auth;    /* mechanisms in capitals, one blank between; NULL: no AUTH */
    const char **lines;  /* the keyword lines as the server wrote them, trimmed, NULL at the end;
                            NULL: none */
};

/*
 * text: a complete reply's words (smtp_reply_text), which has at most MOX_LIMIT_REPLY_LINES lines;
 * its first is the server's name. *out: made anew, its texts in the arena. MOX_OK, MOX_E_NOMEM.
 * What is malformed is passed over, for it offers nothing.
 */
int smtp_ehlo_parse(struct slice text, struct arena *arena, struct smtp_ehlo *out,
                    struct mox_error *err);

#endif
