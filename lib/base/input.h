/*
 * input.h - IN structs: what a caller of any version gave, laid over zeroes.
 */
#ifndef BASE_INPUT_H
#define BASE_INPUT_H

#include <moxdial/base.h>

/*
 * Copies the struct `in`, whose first field is its size, over the zeroed `out` of `size` bytes.
 * A shorter one is accepted; a longer one only if its tail is zero, else MOX_E_UNSUPPORTED. least:
 * the size of the first release's struct. name: for the message. MOX_E_INVAL: NULL, or a size
 * below least.
 */
int input_take(void *out, size_t size, const void *in, size_t least, const char *name,
               struct mox_error *err);

#endif
