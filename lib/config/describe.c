/*
 * describe.c - mox_config_describe: a stand-alone file that has every key, written from the schema
 * itself, so that no key can be forgotten.
 */
#include "base/mem.h"
#include "base/text.h"
#include "config/schema.h"

enum { WIDTH = 96 }; /* of a comment, without its TABs */

static void indent(struct text *out, int depth)
{
    while (depth-- > 0)
        text_char(out, '\t');
}

/* Words, wrapped into comment lines. *column: 0 begins a line. */
static void add_words(struct text *out, int depth, const char *words, size_t *column)
{
    struct slice rest = slice_of(words);

    while (rest.len > 0) {
        size_t len = slice_find(rest, ' ');

        if (*column > 0 && *column + 1 + len > WIDTH) {
            text_char(out, '\n');
            *column = 0;
        }
        if (*column == 0) {
            indent(out, depth);
            text_char(out, '#');
            *column = 1;
        }
        text_char(out, ' ');
        text_slice(out, slice_sub(rest, 0, len));
        *column += 1 + len;
        rest = slice_sub(rest, len + 1, rest.len);
    }
}

static void add_doc(struct text *out, int depth, const struct schema_key *key)
{
    size_t column = 0;

    if (key->doc == NULL)
        return;
    add_words(out, depth, key->doc, &column);
    if (key->required)
        add_words(out, depth, "Required.", &column);
    if (key->standard != NULL) {
        add_words(out, depth, "Default:", &column);
        add_words(out, depth, key->standard, &column);
    }
    text_char(out, '\n');
}

static void add_line(struct text *out, int depth, const struct schema_key *parent,
                     const struct schema_key *key)
{
    bool block = schema_is_block(key);
    const char *example = key->example == NULL ? "" : key->example;

    indent(out, depth);
    if (parent->type == SCHEMA_LIST)
        text_add(out, block ? "-\n" : "- %s\n", example);
    else if (parent->type == SCHEMA_MAP)
        text_add(out, block ? "%s:\n" : "%s\n", example);
    else if (block)
        text_add(out, "%s:\n", key->name);
    else
        text_add(out, "%s%s: %s\n", key->quiet ? "# " : "", key->name, example);
}

/*
 * What a block holds. Recursion ends where the schema does. brief: required keys alone, without
 * words. An entry that has one of several keys is written once for each of them.
 */
static void describe(struct text *out, const struct schema_key *parent, int depth, bool brief)
{
    const struct schema_block *block = parent->block;

    for (size_t i = 0; i < block->nkeys; i++) {
        const struct schema_key *key = &block->keys[i];

        if (brief && key->name != NULL && !key->required)
            continue;
        if (!brief)
            add_doc(out, parent->one_of ? depth - 1 : depth, key);
        if (parent->one_of) {
            indent(out, depth - 1);
            text_add(out, "%s:\n", key->example);
        }
        if (key->one_of) {
            indent(out, depth);
            text_add(out, "%s: nil\n", key->example);
        } else {
            add_line(out, depth, parent, key);
        }
        if (schema_is_block(key))
            describe(out, key, depth + 1, brief || key->brief);
        if (depth == 0)
            text_char(out, '\n');
    }
}

size_t mox_config_describe(char *buf, size_t cap)
{
    struct text out = text_to(buf, cap);

    text_add(&out,
             "# moxdial.conf: every key, with an example. A block's lines are indented by one TAB\n"
             "# more than its first line, never by spaces; comments have a line of their own.\n\n");
    describe(&out, &config_schema_moxdial, 0, false);
    return out.len;
}
