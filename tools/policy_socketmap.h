/*
 * policy_socketmap.h - the socketmap protocol, as socketmap_table(5) of Postfix has it: netstrings
 * that hold "MAP KEY", answered by netstrings.
 *
 * No I/O, no clock, no allocation. Whoever asks is not trusted: see POLICY_SOCKETMAP.
 */
#ifndef TOOLS_POLICY_SOCKETMAP_H
#define TOOLS_POLICY_SOCKETMAP_H

#include <stddef.h>

#include "error.h"

struct socketmap_request {
    const char *map, *key; /* in the bytes they came in */
};

/*
 * Takes one request from the front of bytes, which is changed where that was done. *used: set to
 * the bytes it had. MOX_OK; MOX_E_AGAIN: it is not all there; MOX_E_PROTOCOL: this is none;
 * MOX_E_LIMIT: it is too long.
 */
int socketmap_take(char *bytes, size_t len, struct socketmap_request *out, size_t *used,
                   struct mox_error *err);

/* Writes the answer as a netstring if cap holds it and a NUL. Returns the bytes it has, without. */
size_t socketmap_write(const char *answer, char *out, size_t cap);

#endif
