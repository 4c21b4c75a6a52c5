/*
 * path.h - a mailbox as it stands in MAIL FROM and RCPT TO (RFC 5321 section 4.1.2, RFC 6531
 * section 3.3, semantics.md D19), and what stands in parameters as xtext (RFC 3461, RFC 6533).
 *
 * Whatever comes out can stand in a command: no control byte, no blank outside of quotes, and an
 * angle bracket only within them. Texts come from a host that may have them from anywhere.
 */
#ifndef SMTP_PATH_H
#define SMTP_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include <moxdial/base.h>

#include "base/limits.h"
#include "base/slice.h"

struct smtp_path {
    bool utf8;                     /* the local part is not ASCII: it needs SMTPUTF8 */
    uint16_t len;                  /* bytes in text */
    char text[MOX_LIMIT_PATH + 1]; /* as on the wire, without angle brackets; ends in NUL */
};

/*
 * address: local part, '@', domain, without angle brackets; empty, where null_allowed: the null
 * path. A local part that is a quoted string stays as it is; of any other, one that is no
 * dot-string ("a..b", "a:b") is quoted, but blanks, '"', '\', '<', '>' and a second '@' may stand
 * in a quoted string alone: what an address without quotes means by them is anybody's guess. It is
 * never normalised. The domain goes as A-labels, also beside a local part that needs SMTPUTF8
 * (RFC 6531 section 3.2 leaves the choice); an address of IP, in brackets or bare, in brackets and
 * without its zone, which is ours alone. "postmaster" needs no domain (RFC 5321 section 4.5.1).
 * MOX_OK; MOX_E_INVAL: which part is wrong, why, and at which byte, counted from 1; about: for the
 * caller to set; MOX_E_NOMEM.
 */
int smtp_path_of(struct slice address, bool null_allowed, struct smtp_path *out,
                 struct mox_error *err);

/*
 * bytes as xtext (RFC 3461 section 4): '+', '=' and what is no printable ASCII as '+' and two
 * hexadecimal digits. Its length, and a NUL behind it; 0: it does not fit cap, or bytes is empty.
 */
size_t smtp_xtext(struct slice bytes, char *out, size_t cap);

/*
 * The value of ORCPT= (RFC 3461 section 4.2) of "rfc822;a@b.example": the type as it is, the
 * address as xtext; of the type "utf-8" as RFC 6533 section 3 has it, with characters beyond ASCII
 * as they are if smtputf8, else as "\x{…}". Ends in NUL. MOX_OK; MOX_E_INVAL: no type and address,
 * not UTF-8, or too long for cap.
 */
int smtp_orcpt(struct slice orcpt, bool smtputf8, char *out, size_t cap, struct mox_error *err);

#endif
