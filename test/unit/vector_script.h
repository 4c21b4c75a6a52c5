/*
 * vector_script.h - what the server of a public SMTP vector says (vectors/smtp-sessions.json).
 */
#ifndef VECTOR_SCRIPT_H
#define VECTOR_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/buffer.h"

/* The answer to a verb, appended to out; turn: how often it was said before, the last answer comes
 * again; usual: where the script has none. Returns whether the server then closes. */
bool vector_answer(const json_t *script, const char *verb, size_t turn, const char *usual,
                   struct buffer *out);

#endif
