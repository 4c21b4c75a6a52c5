/* fuzz_ehlo.c - the words of a reply to EHLO, valid or not; NUL is none of them (reply.h). */
#include <stdlib.h>
#include <string.h>

#include "smtp/ehlo.h"

/* Reads every byte, so that a line outside its block is found. */
static void check_lines(const char **lines)
{
    for (size_t i = 0; lines != NULL && lines[i] != NULL; i++) {
        if (strlen(lines[i]) == 0 || strchr(lines[i], '\n') != NULL)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smtp_ehlo ehlo;
    struct mox_error err;

    if (size == 0 || memchr(data, '\0', size) != NULL)
        return -1;
    if (smtp_ehlo_parse((struct slice){(const char *)data, size}, &ehlo, &err) != MOX_OK)
        abort();
    check_lines(ehlo.lines);
    if (ehlo.auth != NULL && strlen(ehlo.auth) == 0)
        abort();
    if (((ehlo.extensions & MOX_EXT_AUTH) != 0) != (ehlo.auth != NULL))
        abort();
    if ((ehlo.extensions & MOX_EXT_LIMITS) == 0 && (ehlo.rcpt_limit | ehlo.mail_limit) != 0)
        abort();
    if ((ehlo.extensions & MOX_EXT_SIZE) == 0 && ehlo.size_limit != 0)
        abort();
    if (ehlo.rcpt_limit > 999999 || ehlo.mail_limit > 999999 || ehlo.size_limit > INT64_MAX)
        abort();
    smtp_ehlo_free(&ehlo);
    return 0;
}
