/*
 * policy_log.h - what `moxdial policy` tells, a line each on standard error.
 */
#ifndef TOOLS_POLICY_LOG_H
#define TOOLS_POLICY_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

struct policy_log {
    bool quiet, verbose; /* verbose: each question and answer too */
};

/* What could be said at any moment is said once in a while. */
struct policy_seldom { /* all zero: not said yet */
    uint64_t next_s;
    uint64_t left_out;
};

/* Strangers' bytes are cleaned. */
void policy_say(const struct policy_log *log, const char *format, ...) TOOL_PRINTF(2, 3);

/* Whether it is time to say it again; else it is counted. */
bool policy_seldom(struct policy_seldom *seldom, uint64_t now_s, uint32_t interval_s);

#endif
