/*
 * parent.h - errors for a mail server that runs the command: pipe(8) of Postfix takes a first line
 * "D.S.N text" for the verdict, and goes by its class before it looks at the exit status, so the
 * two must say the same.
 */
#ifndef TOOLS_PARENT_H
#define TOOLS_PARENT_H

#include "options.h"

enum { PARENT_CODE = 12 }; /* bytes that hold a code */

/* The code of RFC 3463 for an error: the server's, or what comes closest; its class is that of the
 * exit status. Returns out, which holds PARENT_CODE bytes. */
const char *parent_code(const struct mox_error *err, char *out);

/* What stands before the error's line on standard error: nothing, unless a mail server reads it. */
void parent_prefix(const struct options *options, const struct mox_error *err);

#endif
