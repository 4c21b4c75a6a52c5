/*
 * text.h - writing text into a caller's buffer as snprintf does: what does not fit is counted, the
 * text always ends in NUL.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/error.h"
#include "base/slice.h"

struct text {  /* {buf, cap, 0} is ready */
    char *buf; /* borrowed; NULL if cap is 0 */
    size_t cap;
    size_t len; /* wanted so far; over cap - 1: it was cut */
};

struct text text_to(char *buf, size_t cap);
void text_add(struct text *t, const char *format, ...) ERROR_PRINTF(2, 3);
void text_slice(struct text *t, struct slice s);
void text_char(struct text *t, char c);
void text_number(struct text *t, uint64_t n); /* decimal */

#endif
