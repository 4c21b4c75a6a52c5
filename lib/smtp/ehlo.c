/*
 * ehlo.c - see ehlo.h. The keywords are looked up in one table, as the lines pass by on the way
 * into their block; those with an argument have a function for it. AUTH and LIMITS count as their
 * last line says, and are read when all lines have been seen. "AUTH=PLAIN", of servers older than
 * RFC 2554, is another keyword and falls through.
 */
#include "smtp/ehlo.h"

#include <stdalign.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"

enum { LIMIT_DIGITS = 6, LIMIT_MAX = 999999 /* RFC 9422 section 4 */ };

struct offers {                /* borrowed from the reply */
    struct slice auth, limits; /* arguments, read at the end; len 0: no such line */
    size_t lines;              /* that are not blank */
    struct slice line[MOX_LIMIT_REPLY_LINES];
};

static void take_size(struct smtp_ehlo *ehlo, struct offers *offers, struct slice argument)
{
    uint64_t n = 0;

    (void)offers;
    if (slice_number(argument, INT64_MAX, &n))
        ehlo->size_limit = n;
}

static void take_auth(struct smtp_ehlo *ehlo, struct offers *offers, struct slice argument)
{
    (void)ehlo;
    offers->auth = argument;
}

static void take_limits(struct smtp_ehlo *ehlo, struct offers *offers, struct slice argument)
{
    (void)ehlo;
    offers->limits = argument;
}

/* Most lines have nothing to trim. */
static inline struct slice trim(struct slice s)
{
    bool neat = s.len == 0 || (s.ptr[0] > ' ' && s.ptr[s.len - 1] > ' ');

    return neat ? s : slice_trim(s);
}

/* Equal but for case; most are equal as they stand. */
static bool same_name(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    if (memcmp(a.ptr, b.ptr, a.len) == 0)
        return true;
    for (size_t i = 0; i < a.len; i++) {
        if (slice_lower(a.ptr[i]) != slice_lower(b.ptr[i]))
            return false;
    }
    return true;
}

static const struct {
    struct slice name;
    uint32_t extension; /* 0: take decides */
    enum { ARGUMENT_NONE, ARGUMENT_NEEDED, ARGUMENT_IGNORED } argument;
    void (*take)(struct smtp_ehlo *ehlo, struct offers *offers, struct slice argument);
} keywords[] = {
    {{"PIPELINING", 10}, MOX_EXT_PIPELINING, ARGUMENT_NONE, NULL},
    {{"SIZE", 4}, MOX_EXT_SIZE, ARGUMENT_NEEDED, take_size},
    {{"STARTTLS", 8}, MOX_EXT_STARTTLS, ARGUMENT_NONE, NULL},
    {{"SMTPUTF8", 8}, MOX_EXT_SMTPUTF8, ARGUMENT_IGNORED, NULL}, /* RFC 6531 section 3.1, 3 */
    {{"8BITMIME", 8}, MOX_EXT_8BITMIME, ARGUMENT_NONE, NULL},
    {{"ENHANCEDSTATUSCODES", 19}, MOX_EXT_ENHANCED, ARGUMENT_NONE, NULL},
    {{"DSN", 3}, MOX_EXT_DSN, ARGUMENT_NONE, NULL},
    {{"AUTH", 4}, MOX_EXT_AUTH, ARGUMENT_NEEDED, take_auth},
    {{"LIMITS", 6}, 0, ARGUMENT_NEEDED, take_limits},
    {{"REQUIRETLS", 10}, MOX_EXT_REQUIRETLS, ARGUMENT_NONE, NULL},
};

/* The keyword's place in the table, if the line is it alone or with a blank behind it. */
static size_t find_keyword(struct slice line)
{
    char first = slice_upper(line.ptr[0]);
    size_t i = 0;

    for (; i < ARRAY_LEN(keywords); i++) {
        struct slice name = keywords[i].name;

        if (first == name.ptr[0] && line.len >= name.len &&
            (line.len == name.len || line.ptr[name.len] == ' ') &&
            same_name((struct slice){line.ptr, name.len}, name))
            break;
    }
    return i;
}

/* line: trimmed, not empty. */
static void read_line(struct smtp_ehlo *ehlo, struct offers *offers, struct slice line)
{
    size_t i = find_keyword(line);
    struct slice argument;

    if (i == ARRAY_LEN(keywords))
        return;
    argument = trim(slice_sub(line, keywords[i].name.len, line.len));
    if (keywords[i].argument == ARGUMENT_NONE && argument.len > 0)
        return;
    if (keywords[i].argument == ARGUMENT_NEEDED && argument.len == 0)
        return;
    ehlo->extensions |= keywords[i].extension;
    if (keywords[i].take != NULL)
        keywords[i].take(ehlo, offers, argument);
}

static bool is_name_byte(char c)
{
    return slice_is_alpha(c) || slice_is_digit(c) || c == '-' || c == '_';
}

static bool is_value_byte(char c)
{
    return c > ' ' && c < 0x7f && c != ';';
}

/* "name=value", then a blank or the end; false: it is malformed. */
static bool next_limit(struct slice *rest, struct slice *name, struct slice *value)
{
    size_t equals = slice_find(*rest, '='), end = slice_find(*rest, ' ');

    *name = slice_sub(*rest, 0, equals);
    *value = slice_sub(*rest, equals + 1, end);
    *rest = slice_sub(*rest, end + 1, rest->len);
    for (size_t i = 0; i < name->len; i++) {
        if (!is_name_byte(name->ptr[i]))
            return false;
    }
    for (size_t i = 0; i < value->len; i++) {
        if (!is_value_byte(value->ptr[i]))
            return false;
    }
    return name->len > 0 && value->len > 0;
}

/* Whether the name stands in the line before the place where it was read. */
static bool is_repeated(struct slice line, struct slice name)
{
    struct slice earlier, value;

    while (next_limit(&line, &earlier, &value) && earlier.ptr != name.ptr) {
        if (same_name(earlier, name))
            return true;
    }
    return false;
}

/* A value that is no number of that range counts for itself alone (RFC 9422 section 4); 0: none. */
static uint32_t limit_number(struct slice value)
{
    uint64_t n = 0;

    return value.len <= LIMIT_DIGITS && slice_number(value, LIMIT_MAX, &n) ? (uint32_t)n : 0;
}

/* Nothing of a line with a syntax error or a name that comes twice is believed. */
static void read_limits(struct smtp_ehlo *ehlo, struct slice line)
{
    struct slice rest = line, name, value;
    uint32_t rcpt = 0, mail = 0;

    if (line.len == 0) /* no such line */
        return;
    while (rest.len > 0) {
        if (!next_limit(&rest, &name, &value) || is_repeated(line, name))
            return;
        if (slice_is_nocase(name, "RCPTMAX"))
            rcpt = limit_number(value);
        else if (slice_is_nocase(name, "MAILMAX"))
            mail = limit_number(value);
    }
    ehlo->extensions |= MOX_EXT_LIMITS;
    ehlo->rcpt_limit = rcpt;
    ehlo->mail_limit = mail;
}

/* The mechanisms in capitals with one blank between. */
static void write_auth(char *out, struct slice auth)
{
    for (size_t i = 0; i < auth.len; i++) {
        if (auth.ptr[i] != ' ' || auth.ptr[i - 1] != ' ') /* trimmed: the first is no blank */
            *out++ = slice_upper(auth.ptr[i]);
    }
    *out = '\0';
}

/* Reads the lines; a reply has no more than there is room for. */
static void read_lines(struct smtp_ehlo *ehlo, struct offers *offers, struct slice text)
{
    const char *from = text.ptr, *end = text.ptr + text.len;

    while (from < end && offers->lines < ARRAY_LEN(offers->line)) {
        const char *lf = memchr(from, '\n', (size_t)(end - from));
        struct slice line;

        lf = lf == NULL ? end : lf;
        line = trim((struct slice){from, (size_t)(lf - from)});
        from = lf + (lf < end);
        if (line.len == 0)
            continue;
        offers->line[offers->lines++] = line;
        read_line(ehlo, offers, line);
    }
}

/* text: at most MOX_LIMIT_REPLY bytes, so the sum below cannot wrap. */
static int keep_lines(struct smtp_ehlo *ehlo, const struct offers *offers, struct slice text,
                      struct arena *arena, struct mox_error *err)
{
    size_t table = (offers->lines + 1) * sizeof *ehlo->lines;
    char *copy, *auth;

    if (offers->lines == 0)
        return MOX_OK;
    ehlo->lines = arena_bytes(arena, table + text.len + 1 + offers->auth.len + 1, alignof(char *));
    if (ehlo->lines == NULL)
        return error_nomem(err);
    copy = (char *)ehlo->lines + table;
    memcpy(copy, text.ptr, text.len);
    for (size_t i = 0; i < offers->lines; i++) {
        char *line = copy + (offers->line[i].ptr - text.ptr);

        line[offers->line[i].len] = '\0'; /* in the place of a blank, of LF, or behind the text */
        ehlo->lines[i] = line;
    }
    ehlo->lines[offers->lines] = NULL;
    if (offers->auth.len == 0)
        return MOX_OK;
    auth = copy + text.len + 1;
    write_auth(auth, offers->auth);
    ehlo->auth = auth;
    return MOX_OK;
}

int smtp_ehlo_parse(struct slice text, struct arena *arena, struct smtp_ehlo *out,
                    struct mox_error *err)
{
    struct slice lines = slice_sub(text, slice_find(text, '\n') + 1, text.len);
    struct offers offers;

    *out = (struct smtp_ehlo){0};
    offers.auth = offers.limits = (struct slice){0};
    offers.lines = 0;
    read_lines(out, &offers, lines);
    read_limits(out, offers.limits);
    return keep_lines(out, &offers, lines, arena, err);
}
