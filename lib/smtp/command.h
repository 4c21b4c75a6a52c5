/*
 * command.h - the commands of a mail transaction as lines (RFC 5321 section 4.1.1), with the
 * parameters that the message wants and the server offers.
 */
#ifndef SMTP_COMMAND_H
#define SMTP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <moxdial/deliver.h>

#include "smtp/ehlo.h"
#include "smtp/path.h"

/*
 * Whether MAIL can be said for it. *sender: its path, to be kept for smtp_command_mail. MOX_OK;
 * MOX_E_INVAL: the sender, a flag, ret, envid or auth, by name; MOX_E_NOMEM.
 */
int smtp_command_check_mail(const struct mox_message *message, struct smtp_path *sender,
                            struct mox_error *err);

/*
 * The same of RCPT, for smtp_command_rcpt. MOX_E_INVAL: the address, notify or orcpt. Errors are
 * about the recipient, but for MOX_E_NOMEM.
 */
int smtp_command_check_rcpt(const struct mox_rcpt *rcpt, struct smtp_path *path,
                            struct mox_error *err);

struct smtp_mail_terms { /* of MAIL; borrowed */
    const struct mox_message *message;
    const struct smtp_path *sender;
    const struct smtp_ehlo *ehlo; /* what the server offers */
    uint64_t size;                /* for SIZE=; 0: not known */
    bool utf8;                    /* SMTPUTF8 is asked for */
};

/* "MAIL FROM:<…> …" with its line end into out, where MOX_LIMIT_COMMAND bytes are; its length. Of a
 * message that was checked. */
size_t smtp_command_mail(const struct smtp_mail_terms *terms, char *out);

/* How a recipient stands in RCPT. MOX_OK; MOX_E_INVAL, about him; MOX_E_NOMEM. */
int smtp_command_path(const struct mox_rcpt *rcpt, struct smtp_path *path, struct mox_error *err);

/* "RCPT TO:<…> …", the same. path: the recipient's. */
size_t smtp_command_rcpt(const struct mox_rcpt *rcpt, const struct smtp_path *path,
                         const struct smtp_ehlo *ehlo, char *out);

#endif
