/*
 * wrong.c - see wrong.h. The first words are mox's, so that whoever knows its messages knows ours.
 * Lines of a block that can hold a password are not quoted.
 */
#include "config/wrong.h"

#include "base/error.h"
#include "base/mem.h"

static bool is_list(const struct schema_key *key)
{
    return key->type == SCHEMA_LIST;
}

static const struct build_frame *innermost(const struct build *b)
{
    return &b->frames[b->depth];
}

void config_wrong_line(struct build *b, const struct sconf_line *line)
{
    char message[200];
    struct text t = text_to(message, sizeof message);
    struct problem problem = {.file = b->file, .key = "", .message = message};

    switch (line->fault) {
    case SCONF_LONG:
        text_add(&t, "line of over %d bytes (MOX_LIMIT_CONFIG_LINE); is this a configuration file?",
                 MOX_LIMIT_CONFIG_LINE);
        break;
    case SCONF_NUL:
        text_add(&t, "NUL byte at byte %zu of the line, offset %zu of the file; save it as UTF-8",
                 line->byte, line->offset);
        break;
    case SCONF_BOM:
        text_add(&t, "UTF-8 byte order mark; save the file as UTF-8 without it");
        break;
    case SCONF_UTF8:
        text_add(&t,
                 "invalid UTF-8 at byte %zu of the line, offset %zu of the file; save it as UTF-8",
                 line->byte, line->offset);
        break;
    case SCONF_CR:
        text_add(&t, "line ends in a carriage return; save the file with LF line ends");
        break;
    case SCONF_BLANKS:
    case SCONF_GOOD:
        text_add(&t, "missing colon: the line has only white space (stray whitespace); empty it");
        break;
    }
    problem.code = line->fault == SCONF_LONG ? MOX_E_LIMIT : MOX_E_CONFIG;
    problem.source = b->source;
    problem.line = line->number;
    config_build_problem(b, &problem);
}

static void starts_with_space(struct build *b, const char *what)
{
    config_build_error(
        b,
        "%s starts with a space (perhaps mixed tab/space indenting); indent with TABs "
        "alone",
        what);
}

static void missing_colon(struct build *b, struct slice line, const char *what)
{
    const struct schema_key *key = innermost(b)->key;

    if (line.ptr[0] == '-')
        config_build_error(
            b,
            "missing colon: \"-\" begins an item, and this is no list; write %s, a colon, "
            "a space, and its value",
            what);
    else if (line.ptr[0] == ' ')
        config_build_error(
            b,
            "missing colon behind a %s (perhaps mixed tab/space indenting); indent with "
            "TABs alone",
            what);
    else if (key->block->secret)
        config_build_error(b, "missing colon behind a %s; write \"KEY: VALUE\"", what);
    else
        config_build_error(b, "missing colon in %s; write \"KEY: VALUE\"",
                           config_build_quote(line).text);
}

void config_wrong_field(struct build *b, struct slice line)
{
    if (slice_find(line, ':') == line.len)
        missing_colon(b, line, "key");
    else if (line.ptr[0] == ':')
        config_build_error(b, "empty key; write a key before the colon");
    else
        starts_with_space(b, "key");
}

bool config_wrong_blank_end(struct slice name)
{
    for (size_t n = 1; n <= 3 && n <= name.len; n++) {
        if (config_sconf_white(name, name.len - n) == n)
            return true;
    }
    return false;
}

void config_wrong_pair(struct build *b, struct slice line)
{
    if (slice_find(line, ':') == line.len)
        missing_colon(b, line, "name");
    else if (line.ptr[0] == ':')
        config_build_error(b, "empty name; write a name before the colon");
    else if (line.ptr[0] == ' ')
        starts_with_space(b, "name");
    else
        config_build_error(b, "name %s begins or ends with white space; remove it",
                           config_build_quote(b->name).text);
}

void config_wrong_item(struct build *b, struct slice line)
{
    if (line.ptr[0] == '-')
        config_build_error(b, "missing space after -; write \"- \" and then the value");
    else if (line.ptr[0] == ' ')
        config_build_error(
            b, "expected item (perhaps mixed tab/space indenting); indent with TABs alone, "
               "then \"- \"");
    else
        config_build_error(b, "expected item, saw %s; begin each item of the list with \"- \"",
                           config_build_quote(line).text);
}

/* The schema key at the place of the innermost block in another kind of file; NULL: none. */
static const struct schema_key *same_place(const struct build *b, enum config_kind kind)
{
    const struct schema_key *key = config_schema_root(kind);

    for (size_t i = 1; i <= b->depth; i++) {
        if (key->type == SCHEMA_STRUCT)
            key = config_schema_find(key->block, b->frames[i].name);
        else
            key = &key->block->keys[0];
        if (key == NULL || key->type != b->frames[i].key->type)
            return NULL;
    }
    return key;
}

/* The file that has this key at this place, the neighbour first; false: none has. */
static bool belongs_elsewhere(const struct build *b, enum config_kind *kind)
{
    static const enum config_kind order[] = {CONFIG_MOX, CONFIG_DOMAINS, CONFIG_MOXDIAL};

    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        const struct schema_key *key = same_place(b, order[i]);

        *kind = order[i];
        if (key != NULL && config_schema_find(key->block, b->name) != NULL)
            return true;
    }
    return false;
}

static void list_known(const struct schema_block *block, struct text *out)
{
    enum { MANY = 14 };

    if (block->nkeys > MANY)
        return;
    text_add(out, "; known here:");
    for (size_t i = 0; i < block->nkeys; i++)
        text_add(out, "%s %s", i == 0 ? "" : ",", block->keys[i].name);
}

static void unknown_key(struct build *b)
{
    const struct schema_block *block = innermost(b)->key->block;
    struct config_build_quote quote = config_build_quote(b->name);
    char cure[400];
    struct text t = text_to(cure, sizeof cure);
    enum config_kind kind;

    if (config_build_is_full(b)) {
        config_build_error(b, "unknown key %s", quote.text);
        return;
    }
    if (config_wrong_blank_end(b->name)) {
        config_build_error(
            b,
            "unknown key %s (perhaps stray whitespace in key); remove the blank before "
            "the colon",
            quote.text);
        return;
    }
    if (belongs_elsewhere(b, &kind)) {
        config_build_error(b, "unknown key %s in %s; it belongs in %s%s", quote.text,
                           config_schema_file_name(b->kind),
                           kind == CONFIG_MOXDIAL ? "a stand-alone " : "",
                           config_schema_file_name(kind));
        return;
    }
    config_schema_nearest(block, b->name, &t);
    if (t.len > 0) {
        config_build_error(b, "unknown key %s; did you mean %s?", quote.text, cure);
        return;
    }
    list_known(block, &t);
    config_build_error(b, "unknown key %s; remove it%s", quote.text, cure);
}

void config_wrong_key(struct build *b, bool unknown)
{
    if (unknown)
        unknown_key(b);
    else
        config_build_error(b,
                           "missing space after colon; write one between the colon and the value");
}

void config_wrong_duplicate(struct build *b, uint32_t first_line)
{
    config_build_error(b, "duplicate %s, it is on line %u already; remove one of them",
                       innermost(b)->key->type == SCHEMA_MAP ? "name" : "key",
                       (unsigned)first_line);
}

void config_wrong_too_deep(struct build *b, const struct sconf_line *line)
{
    const struct build_frame *f = innermost(b);
    unsigned extra = (unsigned)(line->tabs - b->depth);
    size_t colon = slice_find(line->text, ':');
    const char *what = f->key->type == SCHEMA_MAP ? "name starts with a TAB" : "expected item";

    if (f->key->type == SCHEMA_STRUCT && colon < line->text.len)
        config_build_error(
            b,
            "unknown key %s behind a TAB too many (perhaps stray whitespace in key); "
            "remove %u of the TABs before it",
            config_build_quote(slice_sub(line->text, 0, colon)).text, extra);
    else if (f->key->type == SCHEMA_STRUCT)
        config_build_error(
            b, "missing colon, and a TAB too many; write \"KEY: VALUE\" behind %zu TABs", b->depth);
    else
        config_build_error(b, "%s: there is a TAB too many; remove %u of the TABs before it", what,
                           extra);
}

bool config_wrong_is_item_too_high(const struct build_frame *f, const struct sconf_line *next,
                                   size_t depth)
{
    return is_list(f->key) && next != NULL && next->tabs + 1 == depth && next->text.len > 0 &&
           next->text.ptr[0] == '-';
}

void config_wrong_no_indent(struct build *b, const struct build_frame *f,
                            const struct sconf_line *next)
{
    bool entry = b->frames[b->depth - 1].key->type == SCHEMA_MAP;

    if (next != NULL && next->text.len > 0 && next->text.ptr[0] == ' ')
        config_build_error_below(
            b, f->line, "",
            "expected indent: line %u is indented with spaces; indent it with TABs "
            "alone, one more than this line has",
            (unsigned)next->number);
    else if (config_wrong_is_item_too_high(f, next, b->depth))
        config_build_error_below(
            b, f->line, "",
            "expected indent: the items of a list stand one TAB deeper than its key; "
            "indent line %u and those below it by one TAB more",
            (unsigned)next->number);
    else if (entry && f->key->type == SCHEMA_STRUCT)
        config_build_error_below(b, f->line, "",
                                 "expected indent: nothing stands below it; write its keys one TAB "
                                 "deeper, or \"nil\" behind the colon");
    else
        config_build_error_below(
            b, f->line, "",
            "expected indent: nothing stands below it; write its %s one TAB deeper, "
            "or remove the line",
            is_list(f->key) ? "items, each after \"- \"," : "entries");
}

/* An item like "- ToDomain: example.org" whose keys belong on lines of their own. */
static void key_behind_dash(struct build *b, const struct schema_key *key, struct slice text)
{
    struct slice name = slice_sub(text, 0, slice_find(text, ':'));
    const struct schema_key *inner =
        name.len == text.len || name.len == 0 ? NULL : config_schema_find(key->block, name);

    if (inner == NULL)
        config_build_error(
            b, "expected indent: text behind \"-\"; write \"-\" alone, and the keys below "
               "it one TAB deeper");
    else if (is_list(inner))
        config_build_error(
            b,
            "expected indent: write \"-\" alone, \"%s:\" on the next line one TAB deeper, "
            "and since it is a list each name on its own line, one TAB deeper still, "
            "after \"- \"",
            inner->name);
    else
        config_build_error(
            b,
            "expected indent: write \"-\" alone, and \"%s:\" on the next line, one TAB "
            "deeper",
            inner->name);
}

void config_wrong_text_in_block(struct build *b, const struct schema_key *key, struct slice text)
{
    if (is_list(innermost(b)->key))
        key_behind_dash(b, key, text);
    else if (is_list(key))
        config_build_error(
            b, "expected indent: it is a list; write each item on its own line, one TAB "
               "deeper, after \"- \"");
    else
        config_build_error(
            b,
            "expected indent: text behind the colon of a block; write its %s below it, "
            "one TAB deeper",
            key->type == SCHEMA_MAP ? "entries" : "keys");
}

void config_wrong_scalar(struct build *b, const struct schema_key *key, struct slice text,
                         const char *fault)
{
    struct config_build_quote quote = config_build_quote(text);
    struct slice trimmed = slice_trim(text);

    if (trimmed.len < text.len && trimmed.len > 0)
        config_build_error(b, "bad %s value %s: a blank stands around it; remove it",
                           key->type == SCHEMA_BOOL  ? "boolean"
                           : key->type == SCHEMA_INT ? "integer"
                                                     : "duration",
                           quote.text);
    else if (key->type == SCHEMA_BOOL)
        config_build_error(b, "bad boolean value %s; write true or false", quote.text);
    else if (key->type == SCHEMA_INT)
        config_build_error(b, "parsing integer %s: %s; write a decimal number", quote.text, fault);
    else
        config_build_error(b, "parsing duration %s: %s; write it as 300ms, 5s or 1h30m", quote.text,
                           fault);
}
