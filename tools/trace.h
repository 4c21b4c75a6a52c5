/*
 * trace.h - -v: what the library does, on standard error, as it happens. Also keeps how the login
 * was made, which nothing but the trace tells.
 */
#ifndef TOOLS_TRACE_H
#define TOOLS_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include <moxdial.h>

struct trace {
    int64_t start_us;
    bool colours;
    uint32_t verbose; /* how many -v */
    char login[128];  /* "": there was none */
};

/* Sets the log fields of a context to be made; trace must outlive it. verbose: how many -v. */
void trace_attach(struct trace *trace, struct mox_ctx_options *options, uint32_t verbose);

/* "login by SCRAM-SHA-256", of the last attempt; NULL: there was none. */
const char *trace_login(const struct trace *trace);

#endif
