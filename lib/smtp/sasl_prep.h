/*
 * sasl_prep.h - names and passwords as SCRAM wants them (semantics.md 8.4). For sasl*.c alone.
 *
 * What is appended comes into room made at once: no copy of a password is left in an older block.
 */
#ifndef SMTP_SASL_PREP_H
#define SMTP_SASL_PREP_H

#include "base/buffer.h"
#include "base/slice.h"

/* A saslname (RFC 5802 section 5.1): "," as "=2C", "=" as "=3D". MOX_OK, MOX_E_NOMEM. */
int sasl_prep_escape(struct slice name, struct buffer *out);

/* The same in NFC; what is no UTF-8 stays as it is. MOX_OK, MOX_E_NOMEM. */
int sasl_prep_name(struct slice name, struct buffer *out);

/* PRECIS OpaqueString (RFC 8265 section 4.2); where that does not allow it, as it is. MOX_OK,
 * MOX_E_NOMEM. */
int sasl_prep_password(struct slice password, struct buffer *out);

#endif
