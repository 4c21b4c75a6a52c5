/*
 * show_send.h - what became of each recipient, as JSON, as text, and as pipe(8) reads it.
 */
#ifndef TOOLS_SHOW_SEND_H
#define TOOLS_SHOW_SEND_H

#include <jansson.h>

#include "send.h"

/* The object of send. s NULL: all keys, null or empty. */
json_t *show_send_object(const struct send *s);

/*
 * Who was not accepted, a line each on standard error, first the one that decides. A line begins
 * with an enhanced code whose class tells the same as the exit status of the whole: pipe(8) goes by
 * the first of them before it looks at the status.
 */
void show_send_failures(const struct send *s);

/* Who was accepted, a line each on standard output. */
void show_send_accepted(const struct send *s);

#endif
