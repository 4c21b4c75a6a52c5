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

static void print_entry(const struct trace *trace, const struct mox_log_entry *entry)
{
    char where[OUTPUT_WHERE], text[OUTPUT_LINE];
    const char *begin = trace->colours ? colour_of(entry->level) : "";

    output_where(entry->host, &entry->address, where);
    fprintf(stderr, "%s%7.3f %-8s %s%s%s%s\n", begin, (double)(now_us() - trace->start_us) / 1e6,
            entry->stage == MOX_STAGE_NONE ? "" : mox_stage_name(entry->stage), where,
            where[0] != '\0' ? ": " : "", output_clean(entry->text, text, sizeof text),
            *begin != '\0' ? "\033[0m" : "");
}

static void on_entry(void *user, const struct mox_log_entry *entry)
{
    struct trace *trace = user;

    if (entry->stage == MOX_STAGE_CONNECT)
        trace->login[0] = '\0'; /* of an attempt before */
    if (entry->stage == MOX_STAGE_AUTH && entry->level == MOX_LOG_INFO)
        snprintf(trace->login, sizeof trace->login, "%s", entry->text);
    if (trace->verbose > 0)
        print_entry(trace, entry);
}

void trace_attach(struct trace *trace, struct mox_ctx_options *options, uint32_t verbose)
{
    trace->start_us = now_us();
    trace->colours = output_colours(stderr);
    trace->verbose = verbose;
    options->log = on_entry;
    options->log_user = trace;
    options->log_level = verbose > 1   ? MOX_LOG_DIALOGUE
                         : verbose > 0 ? MOX_LOG_DEBUG
                                       : MOX_LOG_INFO;
}

const char *trace_login(const struct trace *trace)
{
    return trace->login[0] != '\0' ? trace->login : NULL;
}
