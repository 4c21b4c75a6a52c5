/*
 * slice.h - a piece of text inside other memory: pointer and length, no NUL.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const char *ptr; /* borrowed; may be NULL if len is 0 */
    size_t len;
};

/* The text up to its NUL; NULL gives an empty slice. */
static inline struct slice slice_of(const char *text)
{
    struct slice s = {text, text == NULL ? 0 : strlen(text)};

    return s;
}

/* From byte `from` to before byte `to`; both are cut to the slice. */
static inline struct slice slice_sub(struct slice s, size_t from, size_t to)
{
    if (to > s.len)
        to = s.len;
    if (from > to)
        from = to;
    if (s.ptr == NULL)
        return s;
    return (struct slice){s.ptr + from, to - from};
}

bool slice_equal(struct slice a, struct slice b);
bool slice_is(struct slice a, const char *text);

/* Equal but for the case of ASCII letters. */
bool slice_is_nocase(struct slice a, const char *text);

bool slice_starts(struct slice s, const char *prefix);

/* Where the byte stands first, s.len if nowhere. */
size_t slice_find(struct slice s, char byte);

/* Without blanks and tabs at both ends. */
struct slice slice_trim(struct slice s);

/* Takes the next word, up to a blank or tab, off the text; empty: there is none. */
struct slice slice_word(struct slice *text);

/* A decimal number of digits alone, at most max. */
bool slice_number(struct slice s, uint64_t max, uint64_t *out);

/* Below 0x20, or 0x7f. */
static inline bool slice_is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* ASCII only, whatever the locale. */
static inline char slice_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static inline char slice_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static inline bool slice_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool slice_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether all is printable ASCII, as nearly all is; so is the empty slice. */
bool slice_is_plain(struct slice s);

/*
 * Where UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF) ends to be valid;
 * s.len if all of it is.
 */
size_t slice_utf8(struct slice s);

/*
 * A peer's bytes become text here and nowhere else: control characters and invalid UTF-8 become
 * '?', LF stays if lines is set; what does not fit is cut at a character. Returns the length; the
 * text is ended by NUL. cap: at least 1.
 */
size_t slice_clean(struct slice s, bool lines, char *out, size_t cap);

/* The same where the bytes stand: LF does not stay, the length is the same, no NUL is added. */
void slice_clean_in_place(char *text, size_t len);

#endif
