/*
 * sasl_precis.h - the rules of PRECIS that OpaqueString rests on (RFC 8264, RFC 8265 section 4.2).
 * For sasl*.c alone. All text is UTF-8 that slice_utf8 has found to be valid.
 */
#ifndef SMTP_SASL_PRECIS_H
#define SMTP_SASL_PRECIS_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/slice.h"

/* Appends the text with each space that is not ASCII as U+0020. MOX_OK, MOX_E_NOMEM. */
int sasl_precis_map_spaces(struct slice text, struct buffer *out);

/* Whether all of the text is of the FreeformClass (RFC 8264 section 4.3), and it is not empty. */
bool sasl_precis_allows(struct slice text);

#endif
