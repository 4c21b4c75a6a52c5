/*
 * trace.c - see trace.h.
 */
#include "trace.h"

#include <stdio.h>
#include <time.h>

#include "output.h"

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static const char *colour_of(int level)
{
    switch (level) {
    case MOX_LOG_ERROR:
        return "\033[31m";
    case MOX_LOG_WARNING:
        return "\033[33m";
    case MOX_LOG_INFO:
        return "";
    default:
        return "\033[2m";
    }
}

static void print_entry(void *user, const struct mox_log_entry *entry)
{
    struct trace *trace = user;
    char where[OUTPUT_WHERE], text[OUTPUT_LINE];
    const char *begin = trace->colours ? colour_of(entry->level) : "";

    output_where(entry->host, &entry->address, where);
    fprintf(stderr, "%s%7.3f %-8s %s%s%s%s\n", begin, (double)(now_us() - trace->start_us) / 1e6,
            entry->stage == MOX_STAGE_NONE ? "" : mox_stage_name(entry->stage), where,
            where[0] != '\0' ? ": " : "", output_clean(entry->text, text, sizeof text),
            *begin != '\0' ? "\033[0m" : "");
}

void trace_attach(struct trace *trace, struct mox_ctx_options *options, uint32_t verbose)
{
    trace->start_us = now_us();
    trace->colours = output_colours(stderr);
    if (verbose == 0)
        return;
    options->log = print_entry;
    options->log_user = trace;
    options->log_level = verbose > 1 ? MOX_LOG_DIALOGUE : MOX_LOG_DEBUG;
}
