/*
 * scan.c - see scan.h. Nearly all of a message is as it should be, and whether a whole block of it
 * is takes a few operations for 16 or 32 bytes at once. The blocks are vectors of GNU C: gcc and
 * clang make of them what the processor has, and neither does as well from a loop over bytes. A
 * compiler that does not know them is left the loop.
 */
#include "smtp/scan.h"

#include <stdbool.h>
#include <string.h>
#if defined(__x86_64__) && defined(__has_include)
#if __has_include(<sys/platform/x86.h>)
#include <sys/platform/x86.h>
#endif
#endif

static bool is_odd(char last, char c)
{
    return (c == '\n') != (last == '\r') || (c == '.' && last == '\n');
}

#if defined(__GNUC__)

enum { MANY = 16 /* vectors of a block; 255 would be the most that a byte can count */ };

typedef uint8_t vector16 __attribute__((vector_size(16)));
typedef uint64_t words16 __attribute__((vector_size(16)));

/*
 * Whether no byte is odd in n vectors from p on; the byte before p is looked at as well. If so,
 * their LFs are added to *lines. A comparison of vectors gives 0xff where it holds. The bytes that
 * count are added up in pairs, then words, whose pairs a product gathers in the highest.
 */
#define DEFINE_IS_PLAIN(name, vector, words)                                                       \
    static inline __attribute__((always_inline)) bool name(const char *p, size_t n,                \
                                                           uint64_t *lines)                        \
    {                                                                                              \
        const vector cr = (vector){0} + '\r', lf = (vector){0} + '\n', dot = (vector){0} + '.';    \
        const uint64_t even = 0x00ff00ff00ff00ff;                                                  \
        uint64_t any = 0, sum = 0;                                                                 \
        vector odd = {0}, count = {0}, now, last, is_lf;                                           \
                                                                                                   \
        for (size_t i = 0; i < n; i++) {                                                           \
            memcpy(&now, p + i * sizeof now, sizeof now);                                          \
            memcpy(&last, p + i * sizeof now - 1, sizeof last);                                    \
            is_lf = (vector)(now == lf);                                                           \
            odd |= (is_lf ^ (vector)(last == cr)) | (vector)((now == dot) & (last == lf));         \
            count -= is_lf;                                                                        \
        }                                                                                          \
        for (size_t i = 0; i < sizeof(words) / sizeof(uint64_t); i++) {                            \
            uint64_t counted = ((words)count)[i];                                                  \
                                                                                                   \
            any |= ((words)odd)[i];                                                                \
            sum += (counted & even) + (counted >> 8 & even);                                       \
        }                                                                                          \
        *lines += any == 0 ? (sum * 0x0001000100010001) >> 48 : 0;                                 \
        return any == 0;                                                                           \
    }

DEFINE_IS_PLAIN(is_plain16, vector16, words16)

static inline __attribute__((always_inline)) size_t skip16(struct slice s, size_t n,
                                                           uint64_t *lines)
{
    size_t at = 0, block = n * sizeof(vector16);

    while (s.len - at >= block && is_plain16(s.ptr + at, n, lines))
        at += block;
    return at;
}

#if defined(__x86_64__)

typedef uint8_t vector32 __attribute__((vector_size(32)));
typedef uint64_t words32 __attribute__((vector_size(32)));

DEFINE_IS_PLAIN(is_plain32, vector32, words32)

__attribute__((target("avx2"))) static size_t skip32(struct slice s, uint64_t *lines)
{
    size_t at = 0, block = MANY * sizeof(vector32), rest;

    while (s.len - at >= block && is_plain32(s.ptr + at, MANY, lines))
        at += block;
    rest = (s.len - at) / sizeof(vector32);
    if (rest < MANY && is_plain32(s.ptr + at, rest, lines))
        at += rest * sizeof(vector32);
    return at;
}

/* glibc knows already; the compiler would put four kilobytes beside us to find it out again. */
static bool has_avx2(void)
{
#if defined(CPU_FEATURE_ACTIVE)
    return CPU_FEATURE_ACTIVE(AVX2);
#else
    return __builtin_cpu_supports("avx2");
#endif
}

static size_t skip_wide(struct slice s, uint64_t *lines)
{
    return has_avx2() ? skip32(s, lines) : 0;
}

#else

static size_t skip_wide(struct slice s, uint64_t *lines)
{
    (void)s;
    (void)lines;
    return 0;
}

#endif

/* How much of the text, which a byte stands before, is plain as far as whole vectors go. */
static size_t skip_plain(struct slice s, uint64_t *lines)
{
    size_t at = skip_wide(s, lines);

    size_t vectors;

    at += skip16(slice_sub(s, at, s.len), MANY, lines);
    vectors = (s.len - at) / sizeof(vector16);
    if (vectors < MANY && is_plain16(s.ptr + at, vectors, lines))
        return at + vectors * sizeof(vector16);
    return at + skip16(slice_sub(s, at, s.len), 1, lines);
}

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
