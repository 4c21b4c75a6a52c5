/*
 * report.h - how a command that failed says so.
 */
#ifndef TOOLS_REPORT_H
#define TOOLS_REPORT_H

#include <jansson.h>

#include "options.h"

/*
 * The error's line, and with --json the object, whose "error" it sets; nothing with -q. object:
 * taken. Returns the exit status.
 */
int report_failure(const struct options *options, json_t *object, const struct mox_error *err);

/* With --json the object, else it is only released. Taken; -q prints nothing. */
void report_object(const struct options *options, json_t *object);

#endif
