/*
 * input.h - IN structs: what a caller of any version gave, laid over zeroes.
 */
#ifndef BASE_INPUT_H
#define BASE_INPUT_H

#include <string.h>

#include <moxdial/base.h>

/* input_take of what has another size than ours, or is not there. */
int input_convert(void *out, size_t size, const void *in, size_t least, const char *name,
                  struct mox_error *err);

/*
 * Copies the struct `in`, whose first field is its size, over the zeroed `out` of `size` bytes.
 * A shorter one is accepted; a longer one only if its tail is zero, else MOX_E_UNSUPPORTED. least:
 * the size of the first release's struct. name: for the message. MOX_E_INVAL: NULL, or a size
 * below least.
 */
static inline int input_take(void *out, size_t size, const void *in, size_t least, const char *name,
                             struct mox_error *err)
{
    size_t given = 0;

    if (in != NULL)
        memcpy(&given, in, sizeof given);
    if (given != size)
        return input_convert(out, size, in, least, name, err);
    memcpy(out, in, size);
    return MOX_OK;
}

#endif
