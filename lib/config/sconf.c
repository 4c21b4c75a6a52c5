/*
 * sconf.c - see sconf.h. The search for NUL and for invalid UTF-8 runs once over the whole text and
 * is taken up again behind each find, so that a line costs a comparison.
 */
#include "config/sconf.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/word.h"

static const char bom[] = "\xef\xbb\xbf";

enum { BOM_LEN = sizeof bom - 1 };

/* Where valid UTF-8 ends, from `from` on. Plain ASCII goes by in words. */
static size_t find_invalid(struct slice text, size_t from)
{
    while (text.len - from >= WORD_SIZE && (word_load(text.ptr + from) & WORD_TOPS) == 0)
        from += WORD_SIZE;
    return from + slice_utf8(slice_sub(text, from, text.len));
}

static size_t find_nul(struct slice text, size_t from)
{
    return from + slice_find(slice_sub(text, from, text.len), '\0');
}

void config_sconf_start(struct sconf *s, struct slice text)
{
    *s = (struct sconf){.text = text};
    s->nul = find_nul(text, 0);
    s->invalid = find_invalid(text, 0);
}

size_t config_sconf_white(struct slice s, size_t at)
{
    static const char *const wide[] = {"\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80",
                                       "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf",
                                       "\xe2\x81\x9f", "\xe3\x80\x80"};
    struct slice rest = slice_sub(s, at, s.len);
    unsigned char c = rest.len == 0 ? 'x' : (unsigned char)rest.ptr[0];

    if (c < 0x80)
        return c == ' ' || (c >= '\t' && c <= '\r') ? 1 : 0;
    for (size_t i = 0; i < ARRAY_LEN(wide); i++) {
        if (slice_starts(rest, wide[i]))
            return strlen(wide[i]);
    }
    if (slice_starts(rest, "\xe2\x80") && rest.len > 2 && (unsigned char)rest.ptr[2] <= 0x8a)
        return 3; /* U+2000 to U+200A */
    return 0;
}

/* Sorts out what follows the TABs: white space alone, a comment, or content. */
static void classify(struct sconf_line *line)
{
    size_t at = 0, n;

    while ((n = config_sconf_white(line->text, at)) > 0)
        at += n;
    if (at < line->text.len)
        line->comment = line->text.ptr[at] == '#';
    else if (line->fault == SCONF_GOOD)
        line->fault = SCONF_BLANKS;
    else
        line->text.len = 0;
}

static void set_fault(struct sconf_line *line, enum sconf_fault fault, size_t start, size_t offset)
{
    line->fault = fault;
    line->offset = offset;
    line->byte = offset - start + 1;
}

/* The faults of the bytes of a line, the worst first. start, end: where it stands in the text. */
static void check_bytes(struct sconf *s, struct sconf_line *line, size_t start, size_t end)
{
    bool cr = end > start && s->text.ptr[end - 1] == '\r';

    if (cr)
        line->text.len--;
    if (end - start > MOX_LIMIT_CONFIG_LINE) {
        set_fault(line, SCONF_LONG, start, start);
        line->text.len = 0;
    } else if (s->nul < end) {
        set_fault(line, SCONF_NUL, start, s->nul);
        line->text.len = 0;
    } else if (start == 0 && slice_starts(line->text, bom)) {
        set_fault(line, SCONF_BOM, start, start);
        line->text = slice_sub(line->text, BOM_LEN, line->text.len);
    } else if (s->invalid < end) {
        set_fault(line, SCONF_UTF8, start, s->invalid);
    } else if (cr && !s->cr_seen) {
        set_fault(line, SCONF_CR, start, end - 1);
        s->cr_seen = true;
    }
    if (s->nul < end)
        s->nul = find_nul(s->text, end);
    if (s->invalid < end)
        s->invalid = find_invalid(s->text, end);
}

static void read_line(struct sconf *s, struct sconf_line *line)
{
    size_t start = s->at;
    struct slice rest = slice_sub(s->text, start, s->text.len);
    size_t len = slice_find(rest, '\n');

    s->at = start + len + 1;
    *line = (struct sconf_line){.number = ++s->line, .text = slice_sub(rest, 0, len)};
    check_bytes(s, line, start, start + len);
    while (line->tabs < line->text.len && line->text.ptr[line->tabs] == '\t')
        line->tabs++;
    line->text = slice_sub(line->text, line->tabs, line->text.len);
}

bool config_sconf_next(struct sconf *s, struct sconf_line *line)
{
    while (s->at < s->text.len) {
        unsigned char first;

        read_line(s, line);
        first = line->text.len == 0 ? ' ' : (unsigned char)line->text.ptr[0];
        if (line->text.len == 0 && line->tabs == 0 && line->fault == SCONF_GOOD)
            continue;
        if (first <= '#' || first >= 0x80)
            classify(line);
        if (line->fault != SCONF_GOOD || !line->comment)
            return true;
    }
    return false;
}
