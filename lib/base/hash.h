/* hash.h - a fast, good, unkeyed hash of bytes. Not for tables that a peer can fill. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *bytes, size_t len, uint64_t seed);

/* The last step alone: mixes a number. */
uint64_t hash_mix(uint64_t x);

#endif
