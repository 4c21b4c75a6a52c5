/* fuzz_ehlo.c - the words of a reply to EHLO, valid or not; NUL is none of them (reply.h). */
#include <string.h>

#include "fuzz.h"
#include "smtp/ehlo.h"

/* Reads every byte, so that a line outside its block is found. */
static void check_lines(const char **lines)
{
    for (size_t i = 0; lines != NULL && lines[i] != NULL; i++)
        fuzz_require(lines[i][0] != '\0' && strchr(lines[i], '\n') == NULL,
                     "a line has words and no line end");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct smtp_ehlo ehlo;
    struct mox_error err;

    if (size == 0 || memchr(data, '\0', size) != NULL)
        return -1;
    fuzz_require(smtp_ehlo_parse((struct slice){(const char *)data, size}, &arena, &ehlo, &err) ==
                     MOX_OK,
                 "any words will do");
    check_lines(ehlo.lines);
    fuzz_require(ehlo.auth == NULL || ehlo.auth[0] != '\0', "AUTH names a mechanism, or is absent");
    fuzz_require(((ehlo.extensions & MOX_EXT_AUTH) != 0) == (ehlo.auth != NULL),
                 "mechanisms come with AUTH");
    fuzz_require((ehlo.extensions & MOX_EXT_LIMITS) != 0 ||
                     (ehlo.rcpt_limit | ehlo.mail_limit) == 0,
                 "limits come with LIMITS");
    fuzz_require((ehlo.extensions & MOX_EXT_SIZE) != 0 || ehlo.size_limit == 0,
                 "a size comes with SIZE");
    fuzz_require(ehlo.rcpt_limit <= 999999 && ehlo.mail_limit <= 999999 &&
                     ehlo.size_limit <= INT64_MAX,
                 "limits have six digits (RFC 9422), a size fits int64_t");
    arena_free(&arena);
    return 0;
}
