/*
 * scan.c - see scan.h. Nearly all of a message is as it should be, and whether a whole block of it
 * is takes a few operations for 16 or 32 bytes at once. The blocks are vectors of GNU C: gcc and
 * clang make of them what the processor has, and neither does as well from a loop over bytes. A
 * compiler that does not know them is left the loop.
 */
#include "smtp/scan.h"

#include <stdbool.h>
#include <string.h>

static bool is_odd(char last, char c)
{
    return (c == '\n') != (last == '\r') || (c == '.' && last == '\n');
}

#if defined(__GNUC__)

enum { MANY = 8 /* vectors of a block; 255 would be the most that a byte can count */ };

typedef uint8_t vector16 __attribute__((vector_size(16)));

/*
 * is_plain: whether no byte is odd in a block from p on; the byte before p is looked at as well. If
 * so, its LFs are added to *lines. A comparison of vectors gives 0xff where it holds.
 *
 * skip: how much of the text, which a byte stands before, is plain, as far as whole blocks go. What
 * is left behind the last of them is a block with zeros behind it, which are odd behind CR alone.
 */
#define DEFINE_SKIP(skip, is_plain, vector, attributes)                                            \
    attributes static bool is_plain(const char *p, uint64_t *lines)                                \
    {                                                                                              \
        const vector cr = (vector){0} + '\r', lf = (vector){0} + '\n', dot = (vector){0} + '.';    \
        const uint64_t even = 0x00ff00ff00ff00ff;                                                  \
        uint64_t words[sizeof(vector) / sizeof(uint64_t)], any = 0, sum = 0;                       \
        vector odd = {0}, count = {0}, now, last, is_lf;                                           \
                                                                                                   \
        for (size_t i = 0; i < MANY; i++) {                                                        \
            memcpy(&now, p + i * sizeof now, sizeof now);                                          \
            memcpy(&last, p + i * sizeof now - 1, sizeof last);                                    \
            is_lf = (vector)(now == lf);                                                           \
            odd |= (is_lf ^ (vector)(last == cr)) | (vector)((now == dot) & (last == lf));         \
            count -= is_lf;                                                                        \
        }                                                                                          \
        memcpy(words, &odd, sizeof words);                                                         \
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)                                  \
            any |= words[i];                                                                       \
        memcpy(words, &count, sizeof words);                                                       \
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)                                  \
            sum += (words[i] & even) + (words[i] >> 8 & even);                                     \
        *lines += any == 0 ? (sum * 0x0001000100010001) >> 48 : 0;                                 \
        return any == 0;                                                                           \
    }                                                                                              \
                                                                                                   \
    attributes static size_t skip(struct slice s, uint64_t *lines)                                 \
    {                                                                                              \
        char rest[1 + MANY * sizeof(vector)];                                                      \
        size_t at = 0, block = MANY * sizeof(vector);                                              \
                                                                                                   \
        for (; s.len - at >= block; at += block) {                                                 \
            if (!is_plain(s.ptr + at, lines))                                                      \
                return at;                                                                         \
        }                                                                                          \
        memset(rest, 0, sizeof rest);                                                              \
        memcpy(rest, s.ptr + at - 1, s.len - at + 1);                                              \
        return is_plain(rest + 1, lines) ? s.len : at;                                             \
    }

DEFINE_SKIP(skip16, is_plain16, vector16, )

#if defined(__x86_64__)

typedef uint8_t vector32 __attribute__((vector_size(32)));

DEFINE_SKIP(skip32, is_plain32, vector32, __attribute__((target("avx2"))))

static size_t skip_plain(struct slice s, uint64_t *lines)
{
    return __builtin_cpu_supports("avx2") ? skip32(s, lines) : skip16(s, lines);
}

#else

static size_t skip_plain(struct slice s, uint64_t *lines)
{
    return skip16(s, lines);
}

#endif

#else

static size_t skip_plain(struct slice s, uint64_t *lines)
{
    (void)s;
    (void)lines;
    return 0;
}

#endif

size_t smtp_scan(struct slice text, char last, uint64_t *lines)
{
    size_t at;

    if (text.len == 0 || is_odd(last, text.ptr[0]))
        return 0;
    *lines += text.ptr[0] == '\n';
    at = 1 + skip_plain(slice_sub(text, 1, text.len), lines);
    for (; at < text.len && !is_odd(text.ptr[at - 1], text.ptr[at]); at++)
        *lines += text.ptr[at] == '\n';
    return at;
}
