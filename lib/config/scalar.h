/*
 * scalar.h - the values of a line, as Go's strconv and time take them.
 */
#ifndef CONFIG_SCALAR_H
#define CONFIG_SCALAR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* Each returns NULL, or what is wrong in a few words. */
const char *config_scalar_bool(struct slice text, bool *out);
const char *config_scalar_int(struct slice text, int64_t *out);
const char *config_scalar_duration(struct slice text, int64_t *out_ns);

#endif
