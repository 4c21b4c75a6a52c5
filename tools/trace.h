/*
 * trace.h - -v: what the library does, on standard error, as it happens.
 */
#ifndef TOOLS_TRACE_H
#define TOOLS_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include <moxdial.h>

struct trace {
    int64_t start_us;
    bool colours;
};

/* Sets the log fields of a context to be made; trace must outlive it. verbose: how many -v. */
void trace_attach(struct trace *trace, struct mox_ctx_options *options, uint32_t verbose);

#endif
