/* slice.c - see slice.h. */
#include "base/slice.h"

#include <string.h>

#include "base/word.h"

bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool slice_is(struct slice a, const char *text)
{
    return slice_equal(a, slice_of(text));
}

bool slice_is_nocase(struct slice a, const char *text)
{
    struct slice b = slice_of(text);

    if (a.len != b.len)
        return false;
    if (slice_equal(a, b)) /* as most are */
        return true;
    for (size_t i = 0; i < a.len; i++) {
        if (slice_lower(a.ptr[i]) != slice_lower(b.ptr[i]))
            return false;
    }
    return true;
}

bool slice_starts(struct slice s, const char *prefix)
{
    struct slice p = slice_of(prefix);

    return s.len >= p.len && slice_equal(slice_sub(s, 0, p.len), p);
}

size_t slice_find(struct slice s, char byte)
{
    const char *at = s.len == 0 ? NULL : memchr(s.ptr, byte, s.len);

    return at == NULL ? s.len : (size_t)(at - s.ptr);
}

struct slice slice_trim(struct slice s)
{
    size_t from = 0, to = s.len;

    while (from < to && (s.ptr[from] == ' ' || s.ptr[from] == '\t'))
        from++;
    while (to > from && (s.ptr[to - 1] == ' ' || s.ptr[to - 1] == '\t'))
        to--;
    return slice_sub(s, from, to);
}

struct slice slice_word(struct slice *text)
{
    struct slice rest = slice_trim(*text);
    size_t len = 0;

    while (len < rest.len && rest.ptr[len] != ' ' && rest.ptr[len] != '\t')
        len++;
    *text = slice_sub(rest, len, rest.len);
    return slice_sub(rest, 0, len);
}

bool slice_number(struct slice s, uint64_t max, uint64_t *out)
{
    const uint64_t most = UINT64_MAX / 10; /* that one more digit can follow, and which */
    uint64_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned char)s.ptr[i] - (unsigned)'0'; /* what is below '0' is huge */

        if (digit > 9 || n > most || (n == most && digit > UINT64_MAX % 10))
            return false;
        n = 10 * n + digit;
    }
    if (n > max)
        return false;
    *out = n;
    return s.len > 0;
}

/*
 * Whether a word's bytes are all printable ASCII. Each of the three sums sets a byte's highest bit
 * if the byte is over 0x7f, below 0x20, or 0x7f; what they carry on comes from a byte that was
 * found.
 */
static bool is_plain_word(const char *p)
{
    uint64_t word = word_load(p);

    return ((word | (word - 0x20 * WORD_ONES) | (word + WORD_ONES)) & WORD_TOPS) == 0;
}

bool slice_is_plain(struct slice s)
{
    size_t at = 0;

    for (; s.len - at >= WORD_SIZE; at += WORD_SIZE) {
        if (!is_plain_word(s.ptr + at))
            return false;
    }
    if (at > 0) /* the rest, with some of the word before it */
        return at == s.len || is_plain_word(s.ptr + s.len - WORD_SIZE);
    for (; at < s.len; at++) {
        if (slice_is_control(s.ptr[at]) || (s.ptr[at] & 0x80) != 0)
            return false;
    }
    return true;
}

/* Bytes of the character that starts here, 0 if none does (RFC 3629 section 4). */
static size_t utf8_character(const unsigned char *p, size_t left)
{
    unsigned char low = 0x80, high = 0xbf;
    size_t n;

    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (left < n)
        return 0;
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed)
        high = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++) {
        if (p[i] < 0x80 || p[i] > 0xbf)
            return 0;
    }
    return n;
}

size_t slice_utf8(struct slice s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t at = 0;

    while (at < s.len) {
        size_t n = utf8_character(p + at, s.len - at);

        if (n == 0)
            break;
        at += n;
    }
    return at;
}

size_t slice_clean(struct slice s, bool lines, char *out, size_t cap)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t len = 0;

    if (s.len < cap && slice_is_plain(s)) {
        if (s.len > 0)
            memcpy(out, s.ptr, s.len);
        out[s.len] = '\0';
        return s.len;
    }
    for (size_t at = 0, n; at < s.len; at += n) {
        bool bad;

        n = utf8_character(p + at, s.len - at);
        bad = n == 0 || (n == 1 && slice_is_control(s.ptr[at]) && !(lines && s.ptr[at] == '\n'));
        n = n == 0 ? 1 : n;
        if (n >= cap - len)
            break;
        if (bad)
            out[len] = '?';
        else
            memcpy(out + len, s.ptr + at, n);
        len += n;
    }
    out[len] = '\0';
    return len;
}

void slice_clean_in_place(char *text, size_t len)
{
    if (slice_is_plain((struct slice){text, len}))
        return;
    for (size_t at = 0, n; at < len; at += n) {
        n = utf8_character((const unsigned char *)text + at, len - at);
        if (n == 0 || slice_is_control(text[at]))
            text[at] = '?';
        n = n == 0 ? 1 : n;
    }
}
