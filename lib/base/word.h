/*
 * word.h - eight bytes of text at a time, in one integer. What these functions tell of a byte they
 * tell in its place; where in memory that is, depends on how the word was loaded.
 */
#ifndef BASE_WORD_H
#define BASE_WORD_H

#include <stdint.h>
#include <string.h>

enum { WORD_SIZE = 8 };

#define WORD_ONES UINT64_C(0x0101010101010101) /* times a byte: that byte eight times */
#define WORD_TOPS UINT64_C(0x8080808080808080) /* the top bits of all bytes */

/* In the order of this machine. */
static inline uint64_t word_load(const void *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return word;
}

/* The top bits of the bytes that are at least c, where all are ASCII; the rest is noise. */
static inline uint64_t word_at_least(uint64_t word, unsigned char c)
{
    return word + (0x80u - c) * WORD_ONES;
}

/* The same of those below it. */
static inline uint64_t word_below(uint64_t word, unsigned char c)
{
    return (0x7fu + c) * WORD_ONES - word;
}

/* The top bits, and nothing else, of the bytes that are that character, which is ASCII. */
static inline uint64_t word_equal(uint64_t word, unsigned char c)
{
    word ^= c * WORD_ONES;
    return ~(word | word_at_least(word & ~WORD_TOPS, 1)) & WORD_TOPS;
}

/* How many of the top bits are set; no other bit is. */
static inline unsigned word_count(uint64_t tops)
{
    return (unsigned)((tops >> 7) * WORD_ONES >> 56);
}

/* All bits of the bytes whose top bits are set; no other bit is. */
static inline uint64_t word_mask(uint64_t tops)
{
    return (tops >> 7) * 0xff;
}

#endif
