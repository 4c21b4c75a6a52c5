/* apart.c - see apart.h. */
#include "apart/apart.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int apart_fail(struct mox_error *err, int code, const char *format, ...)
{
    va_list args;

    if (err == NULL)
        return code;
    memset(err, 0, sizeof *err);
    err->code = code;
    err->about = MOX_ABOUT_LOCAL;
    err->action = MOX_ACTION_LATER;
    err->dns_rcode = -1;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return code;
}

int apart_nomem(struct mox_error *err)
{
    return apart_fail(err, MOX_E_NOMEM, "out of memory; nothing was done, try again later");
}
