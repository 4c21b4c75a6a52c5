/*
 * policy_log.c - see policy_log.h.
 */
#include "policy_log.h"

#include <stdarg.h>
#include <stdio.h>

#include "output.h"

void policy_say(const struct policy_log *log, const char *format, ...)
{
    char text[OUTPUT_LINE], clean[OUTPUT_LINE];
    va_list args;

    if (log->quiet)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "moxdial: policy: %s\n", output_clean(text, clean, sizeof clean));
}

bool policy_seldom(struct policy_seldom *seldom, uint64_t now_s, uint32_t interval_s)
{
    if (now_s < seldom->next_s) {
        seldom->left_out++;
        return false;
    }
    seldom->next_s = now_s + interval_s;
    return true;
}
