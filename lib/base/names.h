/* names.h - the texts of enums: a table by value, never NULL. */
#ifndef BASE_NAMES_H
#define BASE_NAMES_H

#include <stddef.h>

static inline const char *name_of(const char *const *names, size_t count, int value)
{
    return value >= 0 && (size_t)value < count && names[value] != NULL ? names[value] : "unknown";
}

#endif
