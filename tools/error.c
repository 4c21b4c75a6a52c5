/*
 * error.c - see error.h.
 */
#include "error.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int tool_error(struct mox_error *err, int code, int stage, const char *format, ...)
{
    va_list args;

    memset(err, 0, sizeof *err);
    err->code = code;
    err->stage = stage;
    err->about = MOX_ABOUT_LOCAL;
    err->permanent = code == MOX_E_INVAL;
    err->action = err->permanent ? MOX_ACTION_GIVE_UP : MOX_ACTION_LATER;
    err->dns_rcode = -1;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return code;
}

static int permanent_status(const struct mox_error *err)
{
    switch (err->code) {
    case MOX_E_NO_DOMAIN:
    case MOX_E_NULL_MX:
    case MOX_E_NO_ADDRESS:
        return EXIT_NO_HOST;
    case MOX_E_AUTH:
        return EXIT_POLICY;
    case MOX_E_INVAL: /* before the recipient: a malformed one is bad data, not a refusal */
        return EXIT_DATA;
    default:
        return err->about == MOX_ABOUT_RCPT ? EXIT_NO_USER : EXIT_PERMANENT;
    }
}

int tool_exit_status(const struct mox_error *err)
{
    switch (err->code) {
    case MOX_OK:
        return EXIT_DONE;
    case MOX_E_CONFIG:
        return EXIT_CONFIG;
    case MOX_E_PROTOCOL:
        return EXIT_PROTOCOL;
    case MOX_E_UNSUPPORTED:
        return EXIT_PERMANENT;
    case MOX_E_TLS_REQUIRED:
    case MOX_E_VERIFY:
        return EXIT_POLICY;
    case MOX_E_BUSY:
    case MOX_E_REENTRANT:
    case MOX_E_STATE:
    case MOX_E_STALE:
        return EXIT_INTERNAL;
    case MOX_E_FAIL_TRANSPORT:
        return err->smtp_code / 100 == 4 ? EXIT_TEMPORARY : EXIT_PERMANENT;
    case MOX_E_FILTERED:
        if (err->about == MOX_ABOUT_SOURCE)
            return EXIT_POLICY;
        break;
    default:
        break;
    }
    return err->permanent ? permanent_status(err) : EXIT_TEMPORARY;
}

void tool_out_of_memory(void)
{
    fputs("moxdial: out of memory; nothing was sent, try again later\n", stderr);
    exit(EXIT_TEMPORARY);
}

void *tool_alloc(size_t count, size_t size)
{
    void *memory = calloc(count == 0 ? 1 : count, size);

    if (memory == NULL)
        tool_out_of_memory();
    return memory;
}

void *tool_grow(void *memory, size_t count, size_t size)
{
    void *more = count > SIZE_MAX / size ? NULL : realloc(memory, count * size);

    if (more == NULL)
        tool_out_of_memory();
    return more;
}
