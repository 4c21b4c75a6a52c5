/*
 * ehlo.c - see ehlo.h. The keywords are looked up in one table; those with an argument have a
 * function for it. AUTH and LIMITS count as their last line says, and are read when all lines have
 * been seen. "AUTH=PLAIN", of servers older than RFC 2554, is another keyword and falls through.
 */
#include "smtp/ehlo.h"

#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

enum { LIMIT_DIGITS = 6, LIMIT_MAX = 999999 /* RFC 9422 section 4 */ };

/* Borrowed from the reply; what is read at the end. */
struct offers {
    struct slice auth, limits; /* arguments; len 0: no such line */
    size_t lines;              /* that are not blank */
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

static const struct {
    const char *name;
    uint32_t extension; /* 0: take decides */
    enum { ARGUMENT_NONE, ARGUMENT_NEEDED, ARGUMENT_IGNORED } argument;
    void (*take)(struct smtp_ehlo *ehlo, struct offers *offers, struct slice argument);
} keywords[] = {
    {"STARTTLS", MOX_EXT_STARTTLS, ARGUMENT_NONE, NULL},
    {"PIPELINING", MOX_EXT_PIPELINING, ARGUMENT_NONE, NULL},
    {"8BITMIME", MOX_EXT_8BITMIME, ARGUMENT_NONE, NULL},
    {"DSN", MOX_EXT_DSN, ARGUMENT_NONE, NULL},
    {"REQUIRETLS", MOX_EXT_REQUIRETLS, ARGUMENT_NONE, NULL},
    {"ENHANCEDSTATUSCODES", MOX_EXT_ENHANCED, ARGUMENT_NONE, NULL},
    {"SMTPUTF8", MOX_EXT_SMTPUTF8, ARGUMENT_IGNORED, NULL}, /* RFC 6531 section 3.1, item 3 */
    {"SIZE", MOX_EXT_SIZE, ARGUMENT_NEEDED, take_size},
    {"AUTH", MOX_EXT_AUTH, ARGUMENT_NEEDED, take_auth},
    {"LIMITS", 0, ARGUMENT_NEEDED, take_limits},
};

static void read_line(struct smtp_ehlo *ehlo, struct offers *offers, struct slice line)
{
    size_t blank = slice_find(line, ' ');
    struct slice name = slice_sub(line, 0, blank);
    struct slice argument = slice_trim(slice_sub(line, blank, line.len));

    char first;

    if (line.len == 0)
        return;
    offers->lines++;
    first = slice_upper(line.ptr[0]);
    for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
        if (first != keywords[i].name[0] || !slice_is_nocase(name, keywords[i].name))
            continue;
        if (keywords[i].argument == ARGUMENT_NONE && argument.len > 0)
            return;
        if (keywords[i].argument == ARGUMENT_NEEDED && argument.len == 0)
            return;
        ehlo->extensions |= keywords[i].extension;
        if (keywords[i].take != NULL)
            keywords[i].take(ehlo, offers, argument);
        return;
    }
}

/* A line of *rest, trimmed; false: there is none. */
static bool next_line(struct slice *rest, struct slice *line)
{
    size_t end = slice_find(*rest, '\n');

    if (rest->len == 0)
        return false;
    *line = slice_trim(slice_sub(*rest, 0, end));
    *rest = slice_sub(*rest, end + 1, rest->len);
    return true;
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

static bool same_name(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (slice_lower(a.ptr[i]) != slice_lower(b.ptr[i]))
            return false;
    }
    return true;
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

/* The mechanisms in capitals with one blank between; returns the byte behind their NUL. */
static char *write_auth(char *out, struct slice auth)
{
    for (size_t i = 0; i < auth.len; i++) {
        if (auth.ptr[i] != ' ' || auth.ptr[i - 1] != ' ') /* trimmed: the first is no blank */
            *out++ = slice_upper(auth.ptr[i]);
    }
    *out++ = '\0';
    return out;
}

/* text: at most MOX_LIMIT_REPLY bytes, so the sum below cannot wrap. */
static int keep_lines(struct smtp_ehlo *ehlo, const struct offers *offers, struct slice text,
                      struct mox_error *err)
{
    size_t table = (offers->lines + 1) * sizeof *ehlo->lines, count = 0;
    struct slice line;
    const char **lines;
    char *out;

    if (offers->lines == 0)
        return MOX_OK;
    lines = mem_new(table + text.len + 1 + offers->auth.len + 1); /* a NUL for each LF and one */
    if (lines == NULL)
        return error_nomem(err);
    out = (char *)lines + table;
    if (offers->auth.len > 0) {
        ehlo->auth = out;
        out = write_auth(out, offers->auth);
    }
    while (next_line(&text, &line)) {
        if (line.len == 0)
            continue;
        memcpy(out, line.ptr, line.len); /* the NUL behind it is there */
        lines[count++] = out;
        out += line.len + 1;
    }
    ehlo->lines = lines;
    return MOX_OK;
}

int smtp_ehlo_parse(struct slice text, struct smtp_ehlo *out, struct mox_error *err)
{
    struct slice lines = slice_sub(text, slice_find(text, '\n') + 1, text.len);
    struct slice rest = lines, line;
    struct offers offers = {0};

    *out = (struct smtp_ehlo){0};
    while (next_line(&rest, &line))
        read_line(out, &offers, line);
    read_limits(out, offers.limits);
    return keep_lines(out, &offers, lines, err);
}

void smtp_ehlo_free(struct smtp_ehlo *ehlo)
{
    mem_free(ehlo->lines);
    *ehlo = (struct smtp_ehlo){0};
}
