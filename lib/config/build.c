/* build.c - see build.h. */
#include "config/build.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

enum { LONGEST_PATH = 1024, LONGEST_MESSAGE = 1024, LONGEST_QUOTE = 80 };

void *config_build_check(struct build *b, void *block)
{
    if (block == NULL)
        b->nomem = true;
    return block;
}

bool config_build_append(struct build *b, struct buffer *array, const void *bytes, size_t len)
{
    if (buffer_append(array, bytes, len) != MOX_OK)
        b->nomem = true;
    return !b->nomem;
}

const char *config_build_text(struct build *b, struct slice text)
{
    return config_build_check(b, arena_text(&b->config->arena, text));
}

static void add_step(const struct schema_key *parent, struct slice name, uint32_t index,
                     struct text *out)
{
    char clean[LONGEST_PATH];

    if (parent->type == SCHEMA_LIST) {
        text_add(out, "[%u]", (unsigned)index);
        return;
    }
    slice_clean(name, false, clean, sizeof clean);
    text_add(out, "%s%s", out->len == 0 ? "" : ".", clean);
}

void config_build_path(const struct build *b, bool leaf, struct text *out)
{
    const struct build_frame *last = &b->frames[b->depth];

    for (size_t i = 1; i <= b->depth; i++)
        add_step(b->frames[i - 1].key, b->frames[i].name, b->frames[i].index, out);
    if (leaf)
        add_step(last->key, b->name, last->entries - 1, out);
}

void config_build_problem(struct build *b, const struct problem *problem)
{
    if (!b->nomem && config_problems_add(&b->problems, problem) != MOX_OK)
        b->nomem = true;
}

bool config_build_is_full(const struct build *b)
{
    return b->problems.nerrors >= MOX_LIMIT_CONFIG_PROBLEMS;
}

/* below NULL: of the entry at work. */
static void report(struct build *b, int code, uint32_t line, const char *below, const char *format,
                   va_list args)
{
    char path[LONGEST_PATH], message[LONGEST_MESSAGE];
    struct text key = text_to(path, sizeof path);
    struct problem problem = {.file = b->file, .key = path, .message = message};

    if (line == b->quiet_line && line != 0)
        return;
    if (code != MOX_OK && config_build_is_full(b)) {
        b->problems.nerrors++;
        return;
    }
    config_build_path(b, below == NULL && b->leaf, &key);
    if (below != NULL)
        text_add(&key, "%s", key.len == 0 && below[0] == '.' ? below + 1 : below);
    if (vsnprintf(message, sizeof message, format, args) < 0)
        message[0] = '\0';
    problem.code = code;
    problem.source = b->source;
    problem.line = line;
    config_build_problem(b, &problem);
}

void config_build_error(struct build *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report(b, MOX_E_CONFIG, b->line, NULL, format, args);
    va_end(args);
}

void config_build_warning(struct build *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report(b, MOX_OK, b->line, NULL, format, args);
    va_end(args);
}

void config_build_error_below(struct build *b, uint32_t line, const char *below, const char *format,
                              ...)
{
    va_list args;

    va_start(args, format);
    report(b, MOX_E_CONFIG, line, below, format, args);
    va_end(args);
}

void config_build_warning_below(struct build *b, uint32_t line, const char *below,
                                const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report(b, MOX_OK, line, below, format, args);
    va_end(args);
}

struct config_build_quote config_build_quote(struct slice text)
{
    struct config_build_quote quote;
    bool cut = text.len > LONGEST_QUOTE;
    size_t len;

    quote.text[0] = '"';
    len = 1 +
          slice_clean(slice_sub(text, 0, LONGEST_QUOTE), false, quote.text + 1, LONGEST_QUOTE + 1);
    memcpy(quote.text + len, cut ? "\"..." : "\"", cut ? 5 : 2);
    return quote;
}
