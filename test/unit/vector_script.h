/*
 * vector_script.h - the bytes of public vectors, and what the server of one says
 * (vectors/smtp-sessions.json).
 */
#ifndef VECTOR_SCRIPT_H
#define VECTOR_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/buffer.h"

/* In vectors one character is one byte: those of len bytes of UTF-8, into out, where as many fit.
 * Returns how many. */
size_t vector_bytes(const char *text, size_t len, char *out);

/* Those of a string, behind what out has. */
void vector_append(struct buffer *out, const json_t *text);

/* The answer to a verb, appended to out; turn: how often it was said before, the last answer comes
 * again; usual: where the script has none. Returns whether the server then closes. */
bool vector_answer(const json_t *script, const char *verb, size_t turn, const char *usual,
                   struct buffer *out);

/*
 * Cases in which we do not do as mox does, each with what says that this is meant: a row of
 * semantics.md section 11, or that the vector allows both.
 */
struct vector_departure {
    const char *id, *why; /* why: begins with the row, as D16; both NULL: the end of the list */
};

/* What says that the case departs; NULL: nothing. */
const char *vector_why(const struct vector_departure *list, const json_t *c);

/* Fails if the case departs and is not in the list, or is there and does not; where no row says so
 * the vector must allow it (`also`). Returns departs. */
bool vector_departs(const struct vector_departure *list, const json_t *c, bool departs);

/* Fails unless each of the list was met: so many cases departed. */
void vector_all_met(const struct vector_departure *list, size_t departed);

#endif
