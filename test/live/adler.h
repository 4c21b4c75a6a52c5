/* adler.h - Adler-32 (RFC 1950 section 8.2), which Python's zlib has too. It begins with 1. */
#ifndef TEST_LIVE_ADLER_H
#define TEST_LIVE_ADLER_H

#include <stddef.h>
#include <stdint.h>

static uint32_t adler32(uint32_t sum, const char *bytes, size_t len)
{
    enum { MODULUS = 65521, BLOCK = 5552 /* so many bytes before 32 bits are too few */ };
    uint32_t a = sum & 0xffff, b = sum >> 16;

    while (len > 0) {
        size_t n = len < BLOCK ? len : BLOCK;

        for (size_t i = 0; i < n; i++) {
            a += (unsigned char)bytes[i];
            b += a;
        }
        a %= MODULUS;
        b %= MODULUS;
        bytes += n;
        len -= n;
    }
    return b << 16 | a;
}

#endif
