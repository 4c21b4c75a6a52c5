/*
 * units.h - times in microseconds, as the library counts them. Products are of 64 bits: 71 minutes
 * are more than 32 bits hold.
 */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdint.h>

enum { US_PER_MS = 1000, US_PER_S = 1000 * 1000 };

static inline uint64_t us_of_ms(uint64_t ms)
{
    return ms * US_PER_MS;
}

static inline uint64_t us_of_s(uint64_t s)
{
    return s * US_PER_S;
}

#endif
