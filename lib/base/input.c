/* input.c - see input.h. */
#include "base/input.h"

#include <string.h>

#include "base/error.h"

int input_convert(void *out, size_t size, const void *in, size_t least, const char *name,
                  struct mox_error *err)
{
    const unsigned char *bytes = in;
    size_t given;

    memset(out, 0, size);
    if (in == NULL)
        return error_set(err, MOX_E_INVAL, "%s is NULL", name);
    memcpy(&given, in, sizeof given);
    if (given < least)
        return error_set(err, MOX_E_INVAL,
                         "%s.size is %zu, at least %zu is needed; set it to sizeof the struct",
                         name, given, least);
    for (size_t i = size; i < given; i++) {
        if (bytes[i] != 0)
            return error_set(err, MOX_E_UNSUPPORTED,
                             "%s has fields that this version of libmoxdial does not know", name);
    }
    memcpy(out, in, given < size ? given : size);
    memcpy(out, &size, sizeof size);
    return MOX_OK;
}
