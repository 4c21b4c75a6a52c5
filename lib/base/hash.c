/* hash.c - see hash.h. Eight bytes a step, multiplied and folded; the finaliser is splitmix64's. */
#include "base/hash.h"

#include <string.h>

static const uint64_t odd = 0x9e3779b97f4a7c15u; /* 2^64 / golden ratio */

uint64_t hash_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

uint64_t hash_bytes(const void *bytes, size_t len, uint64_t seed)
{
    const unsigned char *p = bytes;
    uint64_t h = seed ^ (len * odd), word;

    for (; len >= sizeof word; p += sizeof word, len -= sizeof word) {
        memcpy(&word, p, sizeof word);
        h = (h ^ word) * odd;
        h ^= h >> 32;
    }
    word = 0;
    if (len > 0) {
        memcpy(&word, p, len);
        h = (h ^ word) * odd;
    }
    return hash_mix(h);
}
