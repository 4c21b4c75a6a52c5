/*
 * parent.c - see parent.h.
 */
#include "parent.h"

#include <stdio.h>

#include "error.h"

/* What RFC 3463 has for errors that come with no code of a server; 0 for both: x.0.0. */
static const struct {
    int code, about; /* about MOX_ABOUT_UNKNOWN: whatever it is about */
    const char *detail;
} details[] = {
    {MOX_E_INVAL, MOX_ABOUT_RCPT, "1.3"},           {MOX_E_INVAL, MOX_ABOUT_SENDER, "1.7"},
    {MOX_E_INVAL, MOX_ABOUT_MESSAGE, "6.0"},        {MOX_E_INVAL, MOX_ABOUT_UNKNOWN, "3.5"},
    {MOX_E_CONFIG, MOX_ABOUT_UNKNOWN, "3.5"},       {MOX_E_UNSUPPORTED, MOX_ABOUT_UNKNOWN, "3.5"},
    {MOX_E_OS, MOX_ABOUT_UNKNOWN, "3.0"},           {MOX_E_NOMEM, MOX_ABOUT_UNKNOWN, "3.0"},
    {MOX_E_SHUTDOWN, MOX_ABOUT_UNKNOWN, "3.2"},     {MOX_E_DNS, MOX_ABOUT_UNKNOWN, "4.3"},
    {MOX_E_NO_DOMAIN, MOX_ABOUT_UNKNOWN, "1.2"},    {MOX_E_NULL_MX, MOX_ABOUT_UNKNOWN, "1.10"},
    {MOX_E_NO_ADDRESS, MOX_ABOUT_UNKNOWN, "4.4"},   {MOX_E_FILTERED, MOX_ABOUT_UNKNOWN, "4.4"},
    {MOX_E_NO_SOURCE, MOX_ABOUT_UNKNOWN, "4.4"},    {MOX_E_LOOP, MOX_ABOUT_UNKNOWN, "4.6"},
    {MOX_E_TLS_REQUIRED, MOX_ABOUT_UNKNOWN, "7.5"}, {MOX_E_TLS, MOX_ABOUT_UNKNOWN, "7.5"},
    {MOX_E_VERIFY, MOX_ABOUT_UNKNOWN, "7.5"},       {MOX_E_AUTH, MOX_ABOUT_UNKNOWN, "7.8"},
    {MOX_E_CONNECT, MOX_ABOUT_UNKNOWN, "4.1"},      {MOX_E_TIMEOUT, MOX_ABOUT_UNKNOWN, "4.2"},
    {MOX_E_CLOSED, MOX_ABOUT_UNKNOWN, "4.2"},       {MOX_E_PROTOCOL, MOX_ABOUT_UNKNOWN, "5.0"},
    {MOX_E_NO_EXTENSION, MOX_ABOUT_UNKNOWN, "5.0"},
};

const char *parent_code(const struct mox_error *err, char *out)
{
    bool permanent = mox_error_exit_code(err) != EXIT_TEMPORARY;
    const char *detail = "0.0";

    for (size_t i = sizeof details / sizeof *details; i-- > 0;) {
        bool about = details[i].about == MOX_ABOUT_UNKNOWN || details[i].about == err->about;

        if (details[i].code == err->code && about)
            detail = details[i].detail;
    }
    if (err->enhanced[0] != '\0')
        detail = err->enhanced + 2; /* a digit and a dot: the class may not be the reply's */
    snprintf(out, PARENT_CODE, "%c.%s", permanent ? '5' : '4', detail);
    return out;
}

void parent_prefix(const struct options *options, const struct mox_error *err)
{
    char code[PARENT_CODE];

    if (options->for_parent && !options->quiet)
        fprintf(stderr, "%s ", parent_code(err, code));
}
