/*
 * rfc3339.h - the moment an envelope is for, with the local time that goes with it (Hours).
 */
#ifndef TOOLS_RFC3339_H
#define TOOLS_RFC3339_H

#include <stdbool.h>
#include <stdint.h>

/* "2026-02-28T23:59:60.5+01:00". Fractions are dropped. False: not a time of RFC 3339. */
bool rfc3339_parse(const char *text, int64_t *unix_s, int32_t *utc_offset_s);

enum { RFC3339_TEXT = 32 }; /* bytes that hold a time */

/* In UTC, "2026-02-28T22:59:60Z". Returns out. */
const char *rfc3339_format(int64_t unix_s, char out[RFC3339_TEXT]);

/* The system's clock and time zone. */
void rfc3339_now(int64_t *unix_s, int32_t *utc_offset_s);

#endif
