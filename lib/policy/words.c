/* words.c - see words.h. */
#include "policy/words.h"

#include "base/limits.h"
#include "base/mem.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_word_byte(char c)
{
    return slice_is_alpha(c) || slice_is_digit(c);
}

/* A mailbox, a URL, a host name or an enhanced code: what is in it was not said by the server. */
static bool is_quoted(struct slice chunk)
{
    for (size_t i = 0; i + 1 < chunk.len; i++) {
        char c = chunk.ptr[i], next = chunk.ptr[i + 1];

        if (c == '@' || (c == '/' && next == '/') ||
            (c == '.' && i > 0 && is_word_byte(chunk.ptr[i - 1]) && is_word_byte(next)))
            return true;
    }
    return chunk.len > 0 && chunk.ptr[chunk.len - 1] == '@';
}

/* Takes the next piece between blanks; empty: the end. */
static struct slice take_chunk(struct slice *text)
{
    size_t from = 0, to;
    struct slice chunk;

    while (from < text->len && is_space(text->ptr[from]))
        from++;
    for (to = from; to < text->len && !is_space(text->ptr[to]); to++)
        continue;
    chunk = slice_sub(*text, from, to);
    *text = slice_sub(*text, to, text->len);
    return chunk;
}

/* Takes the next run of letters and digits; empty: the end. */
static struct slice take_word(struct slice *chunk)
{
    size_t from = 0, to;
    struct slice word;

    while (from < chunk->len && !is_word_byte(chunk->ptr[from]))
        from++;
    for (to = from; to < chunk->len && is_word_byte(chunk->ptr[to]); to++)
        continue;
    word = slice_sub(*chunk, from, to);
    *chunk = slice_sub(*chunk, to, chunk->len);
    return word;
}

static bool is_one_of(struct slice word, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (slice_is_nocase(word, list[i]))
            return true;
    }
    return false;
}

static bool starts_nocase(struct slice word, const char *prefix)
{
    return slice_is_nocase(slice_sub(word, 0, slice_of(prefix).len), prefix);
}

/* What follows "reverse" where it is about names of addresses; the plural as well. */
static bool is_reverse_of(struct slice word)
{
    static const char *const list[] = {"DNS",     "host", "hostname", "lookup",
                                       "mapping", "name", "record",   "resolution"};

    if (word.len > 1 && slice_lower(word.ptr[word.len - 1]) == 's' &&
        is_one_of(slice_sub(word, 0, word.len - 1), list, ARRAY_LEN(list)))
        return true;
    return is_one_of(word, list, ARRAY_LEN(list));
}

bool policy_words_reverse_dns(struct slice text)
{
    bool reverse = false; /* the word before was "reverse" */

    for (struct slice chunk = take_chunk(&text); chunk.len > 0; chunk = take_chunk(&text)) {
        if (is_quoted(chunk)) {
            reverse = false;
            continue;
        }
        for (struct slice word = take_word(&chunk); word.len > 0; word = take_word(&chunk)) {
            if (slice_is_nocase(word, "PTR") || slice_is_nocase(word, "rDNS") ||
                (reverse && is_reverse_of(word)))
                return true;
            reverse = slice_is_nocase(word, "reverse");
        }
    }
    return false;
}

/* Whether a word begins like one of the list, or two words do where an item has a blank. */
static bool has_phrase(struct slice text, const char *const *list, size_t n)
{
    for (size_t at = 0; at < text.len; at++) {
        struct slice rest = slice_sub(text, at, text.len);

        for (size_t i = 0; i < n && (at == 0 || !is_word_byte(text.ptr[at - 1])); i++) {
            if (starts_nocase(rest, list[i]))
                return true;
        }
    }
    return false;
}

bool policy_words_greylist(struct slice text)
{
    static const char *const list[] = {"greylist",  "graylist",  "grey list",
                                       "gray list", "grey-list", "gray-list"};

    return has_phrase(text, list, ARRAY_LEN(list));
}

/* Words of a sentence that asks to come back, and tells nothing more. */
static bool is_of_asking(struct slice word)
{
    static const char *const list[] = {
        "a",        "address",     "after",     "again",   "at",     "back",    "come",
        "deferred", "delayed",     "few",       "for",     "hour",   "hours",   "in",
        "it",       "later",       "mail",      "message", "minute", "minutes", "moment",
        "please",   "recipient",   "rejected",  "retry",   "sec",    "second",  "seconds",
        "some",     "temporarily", "temporary", "time",    "try"};
    uint64_t number;

    return is_one_of(word, list, ARRAY_LEN(list)) || slice_number(word, UINT32_MAX, &number);
}

bool policy_words_come_back(struct slice text)
{
    static const char *const list[] = {"try again", "try later", "come back", "retry"};
    struct slice rest = text;

    for (struct slice chunk = take_chunk(&rest); chunk.len > 0; chunk = take_chunk(&rest)) {
        if (is_quoted(chunk))
            continue;
        for (struct slice word = take_word(&chunk); word.len > 0; word = take_word(&chunk)) {
            if (!is_of_asking(word))
                return false;
        }
    }
    return has_phrase(text, list, ARRAY_LEN(list));
}

bool policy_words_blocked(struct slice text)
{
    static const char *const list[] = {"blacklist",  "black list",  "blocklist", "block list",
                                       "blocked",    "dnsbl",       "rbl",       "spamhaus",
                                       "reputation", "client host", "listed"};

    return has_phrase(text, list, ARRAY_LEN(list));
}

/* Seconds in a unit of time; 0: it is none. */
static uint32_t unit_seconds(struct slice word)
{
    static const char *const seconds[] = {"s", "sec", "secs", "second", "seconds"};
    static const char *const minutes[] = {"m", "min", "mins", "minute", "minutes"};
    static const char *const hours[] = {"h", "hr", "hrs", "hour", "hours"};

    if (is_one_of(word, seconds, ARRAY_LEN(seconds)))
        return 1;
    if (is_one_of(word, minutes, ARRAY_LEN(minutes)))
        return 60;
    return is_one_of(word, hours, ARRAY_LEN(hours)) ? 3600 : 0;
}

/* "hh:mm:ss" at the front. */
static bool clock_seconds(struct slice text, uint64_t *out)
{
    uint64_t part, total = 0;

    if (text.len < 8 || (text.len > 8 && is_word_byte(text.ptr[8])))
        return false;
    for (size_t at = 0; at < 9; at += 3) {
        if (!slice_number(slice_sub(text, at, at + 2), 99, &part) ||
            (at < 6 && text.ptr[at + 2] != ':'))
            return false;
        total = 60 * total + part;
    }
    *out = total;
    return true;
}

/* Before a number that is a rate or a thing of the past. */
static bool is_no_wait(struct slice word)
{
    static const char *const list[] = {"per", "last", "past", "every", "each", "than", "previous"};

    return is_one_of(word, list, ARRAY_LEN(list));
}

/* The number at the front with the unit behind it, which may follow at once. */
static uint64_t wait_seconds(struct slice text)
{
    size_t digits = 0;
    uint64_t number;

    if (clock_seconds(text, &number))
        return number;
    while (digits < text.len && slice_is_digit(text.ptr[digits]))
        digits++;
    if (!slice_number(slice_sub(text, 0, digits), UINT32_MAX, &number))
        return 0;
    text = slice_sub(text, digits, text.len);
    if (text.len > 0 && (is_space(text.ptr[0]) || text.ptr[0] == '-'))
        text = slice_sub(text, 1, text.len);
    else if (text.len > 0 && !slice_is_alpha(text.ptr[0]))
        return 0;
    digits = 0;
    while (digits < text.len && is_word_byte(text.ptr[digits]))
        digits++;
    return number * unit_seconds(slice_sub(text, 0, digits));
}

uint32_t policy_words_retry_after(struct slice text)
{
    struct slice before = {0}; /* the last word of letters */

    for (size_t at = 0; at < text.len;) {
        size_t end = at;
        uint64_t wait;

        while (end < text.len && is_word_byte(text.ptr[end]))
            end++;
        if (end == at) {
            at++;
            continue;
        }
        wait = slice_is_digit(text.ptr[at]) && !is_no_wait(before)
                   ? wait_seconds(slice_sub(text, at, text.len))
                   : 0;
        if (wait > 0)
            return wait < MOX_LIMIT_RETRY_AFTER ? (uint32_t)wait : MOX_LIMIT_RETRY_AFTER;
        before = slice_sub(text, at, end);
        at = end;
    }
    return 0;
}

void policy_words_line(const char *reply, char *out, size_t cap)
{
    slice_clean(slice_of(reply), true, out, cap);
    for (char *p = out; *p != '\0'; p++)
        *p = *p == '\n' ? ' ' : *p;
}
