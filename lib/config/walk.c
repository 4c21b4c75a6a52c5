/*
 * walk.c - see walk.h. sconf's grammar depends on the block a line stands in, so reading and schema
 * go together. After a refused line its deeper lines are skipped, and the block it stands in is
 * spoiled: what is missing there may be what was refused, so it is not told.
 */
#include "config/walk.h"

#include <stdint.h>
#include <string.h>

#include "config/reserve.h"
#include "config/scalar.h"
#include "config/sconf.h"
#include "config/wrong.h"

struct walk {
    struct build *b;
    size_t skip_deeper; /* lines with more TABs are skipped; SIZE_MAX: none */
    size_t skip_items;  /* so are "-" lines with this many; SIZE_MAX: none */
    bool skip_spaces;   /* so are lines indented with spaces */
};

static struct build_frame *innermost(struct build *b)
{
    return &b->frames[b->depth];
}

static void skip_nothing(struct walk *w)
{
    w->skip_deeper = w->skip_items = SIZE_MAX;
    w->skip_spaces = false;
}

static bool is_skipped(struct walk *w, const struct sconf_line *line)
{
    char first = line->text.ptr[0];

    if (line->tabs > w->skip_deeper || (w->skip_spaces && first == ' '))
        return true;
    if (line->tabs != w->skip_items || first != '-')
        return false;
    w->skip_deeper = line->tabs;
    return true;
}

/* Whether what was refused may have been the block of transports, or one of them. */
static bool may_be_transport(const struct build *b)
{
    const struct schema_key *top = b->frames[0].key;
    char near[200];
    struct text t = text_to(near, sizeof near);

    if (b->kind == CONFIG_DOMAINS || b->depth > 1)
        return false;
    if (b->depth == 1)
        return slice_is(b->frames[1].name, "Transports");
    if (b->leaf)
        config_schema_nearest(top->block, b->name, &t);
    return !b->leaf || strstr(near, "\"Transports\"") != NULL;
}

/* The entry at work was refused; so is what stands below it. */
static void refuse(struct walk *w)
{
    innermost(w->b)->spoiled = true;
    w->b->lost = w->b->lost || config_build_is_full(w->b) || may_be_transport(w->b);
    w->skip_deeper = w->b->depth;
}

static void tell_missing(struct build *b, const struct build_frame *f)
{
    const struct schema_block *block = f->key->block;

    for (size_t i = 0; i < block->nkeys && f->key->type == SCHEMA_STRUCT; i++) {
        char below[BUILD_KEYS + 2];
        struct text t = text_to(below, sizeof below);

        if (!block->keys[i].required || (f->seen & UINT64_C(1) << i) != 0)
            continue;
        text_add(&t, ".%s", block->keys[i].name);
        config_build_error_below(b, f->line, below, "missing required key \"%s\"; add it",
                                 block->keys[i].name);
    }
}

/* next: the line that ended it; NULL: the end of the file. nil: it was written as that. */
static void close_block(struct walk *w, const struct sconf_line *next, bool nil)
{
    struct build *b = w->b;
    struct build_frame *f = innermost(b);
    bool empty = f->entries == 0 && !nil && b->depth > 0;

    b->leaf = false;
    if (empty && !f->spoiled && !b->stop) {
        w->skip_spaces = next != NULL && next->text.len > 0 && next->text.ptr[0] == ' ';
        if (next != NULL && config_wrong_is_item_too_high(f, next, b->depth))
            w->skip_items = next->tabs;
        config_wrong_no_indent(b, f, next);
        b->lost |= b->depth == 1 && may_be_transport(b);
    } else if (!f->spoiled && !b->stop && !nil) {
        tell_missing(b, f);
    }
    if (f->key->block->close != NULL && !b->nomem)
        f->key->block->close(b, f->key, !empty && !f->spoiled && !b->stop);
    if (b->depth > 0)
        b->depth--;
}

static void open_block(struct walk *w, const struct schema_key *key, struct slice name)
{
    struct build *b = w->b;
    struct build_frame *f = innermost(b);
    uint32_t index = f->entries - 1;

    if (b->depth + 1 == MOX_LIMIT_CONFIG_DEPTH) {
        config_build_error(b, "blocks are nested over %d deep", MOX_LIMIT_CONFIG_DEPTH);
        refuse(w);
        return;
    }
    b->leaf = false;
    f = &b->frames[++b->depth];
    f->key = key;
    f->name = name;
    f->index = index;
    f->line = b->line;
    f->entries = 0;
    f->spoiled = false;
    f->seen = 0;
    f->serial = ++b->serial;
    if (key->block->open != NULL)
        key->block->open(b, key, name);
}

static void take_scalar(struct walk *w, const struct schema_key *key, struct slice text)
{
    struct schema_value value = {.text = text};
    const char *fault = NULL;

    if (key->set == NULL)
        return;
    if (key->type == SCHEMA_BOOL)
        fault = config_scalar_bool(text, &value.flag);
    else if (key->type == SCHEMA_INT)
        fault = config_scalar_int(text, &value.number);
    else if (key->type == SCHEMA_DURATION)
        fault = config_scalar_duration(text, &value.number);
    if (fault != NULL)
        config_wrong_scalar(w->b, key, text, fault);
    else
        key->set(w->b, key, &value);
}

/* text: behind the colon or dash and its SP. */
static void take_value(struct walk *w, const struct schema_key *key, struct slice name,
                       struct slice text)
{
    if (!schema_is_block(key)) {
        take_scalar(w, key, text);
    } else if (text.len > 0) {
        config_wrong_text_in_block(w->b, key, text);
        refuse(w);
    } else {
        open_block(w, key, name);
    }
}

/* What stands behind the colon or dash at `at`; false: something other than SP. */
static bool split_value(struct slice line, size_t at, struct slice *value)
{
    *value = slice_sub(line, at + 2, line.len);
    return at + 1 >= line.len || line.ptr[at + 1] == ' ';
}

static void take_field(struct walk *w, struct slice line)
{
    struct build *b = w->b;
    struct build_frame *f = innermost(b);
    size_t colon = slice_find(line, ':');
    const struct schema_key *key;
    struct slice value;
    uint64_t bit;
    bool spaced;

    if (colon == line.len || colon == 0 || line.ptr[0] == ' ') {
        config_wrong_field(b, line);
        w->skip_spaces = line.ptr[0] == ' ';
        refuse(w);
        return;
    }
    b->name = slice_sub(line, 0, colon);
    b->leaf = true;
    key = config_schema_find(f->key->block, b->name);
    bit = key == NULL ? 0 : UINT64_C(1) << (key - f->key->block->keys);
    if ((f->seen & bit) != 0) {
        config_wrong_duplicate(b, f->seen_line[key - f->key->block->keys]);
        w->skip_deeper = b->depth;
        return;
    }
    spaced = split_value(line, colon, &value);
    if (!spaced || key == NULL) {
        config_wrong_key(b, spaced);
        refuse(w);
        return;
    }
    f->seen |= bit;
    f->seen_line[key - f->key->block->keys] = b->line;
    take_value(w, key, b->name, value);
}

/* Where the name of a map's entry ends; line.len: no colon. */
static size_t end_of_name(const struct schema_block *block, struct slice line)
{
    size_t at = slice_find(line, ':');

    for (; block->address_names && at + 1 < line.len; at++) {
        if (line.ptr[at] == ':' && line.ptr[at + 1] == ' ')
            break;
    }
    return at < line.len && line.ptr[at] != ':' ? slice_find(line, ':') : at;
}

static void take_pair(struct walk *w, struct slice line)
{
    struct build *b = w->b;
    const struct build_frame *f = innermost(b);
    const struct schema_key *element = &f->key->block->keys[0];
    size_t colon = end_of_name(f->key->block, line);
    struct slice value;
    uint32_t entry;
    bool added;

    b->name = slice_sub(line, 0, colon);
    if (colon == line.len || colon == 0 || config_sconf_white(line, 0) > 0 ||
        config_wrong_blank_end(b->name)) {
        config_wrong_pair(b, line);
        w->skip_spaces = line.ptr[0] == ' ';
        refuse(w);
        return;
    }
    b->leaf = true;
    entry = config_intern_take(&b->map_names, f->serial, b->name, &added);
    if (entry == UINT32_MAX) {
        b->nomem = true;
    } else if (!added) {
        config_wrong_duplicate(b, b->map_names.entries[entry].value);
        w->skip_deeper = b->depth;
    } else if (!split_value(line, colon, &value)) {
        config_wrong_key(b, false);
        refuse(w);
    } else if (!slice_is(value, "nil")) {
        b->map_names.entries[entry].value = b->line;
        take_value(w, element, b->name, value);
    } else {
        b->map_names.entries[entry].value = b->line;
        take_value(w, element, b->name, (struct slice){"", 0});
        if (schema_is_block(element) && f != innermost(b))
            close_block(w, NULL, true);
    }
}

static void take_item(struct walk *w, struct slice line)
{
    struct build *b = w->b;
    struct slice value;

    if (line.ptr[0] != '-' || !split_value(line, 0, &value)) {
        config_wrong_item(b, line);
        w->skip_spaces = line.ptr[0] == ' ';
        refuse(w);
        return;
    }
    b->name = (struct slice){NULL, 0};
    b->leaf = true;
    take_value(w, &innermost(b)->key->block->keys[0], b->name, value);
}

/* Faults that need no block. false: the line is of no use. */
static bool check_fault(struct walk *w, const struct sconf_line *line)
{
    struct build *b = w->b;

    if (line->fault == SCONF_GOOD)
        return true;
    config_wrong_line(b, line);
    b->stop = line->fault == SCONF_LONG || line->fault == SCONF_NUL;
    b->lost |= b->stop;
    if (line->fault == SCONF_UTF8)
        b->quiet_line = line->number;
    return line->fault != SCONF_BLANKS && !b->stop && !line->comment && line->text.len > 0;
}

static void take_line(struct walk *w, const struct sconf_line *line)
{
    struct build *b = w->b;
    struct build_frame *f;

    b->line = line->number;
    b->leaf = false;
    if (!check_fault(w, line) || is_skipped(w, line))
        return;
    skip_nothing(w);
    while (b->depth > line->tabs)
        close_block(w, line, false);
    if (is_skipped(w, line))
        return;
    f = innermost(b);
    f->entries++;
    if (line->tabs > b->depth) {
        config_wrong_too_deep(b, line);
        refuse(w);
    } else if (f->key->type == SCHEMA_STRUCT) {
        take_field(w, line->text);
    } else if (f->key->type == SCHEMA_MAP) {
        take_pair(w, line->text);
    } else {
        take_item(w, line->text);
    }
}

void config_walk_file(struct build *b, struct slice text)
{
    struct walk w = {.b = b};
    struct sconf_line line;
    struct sconf lines;
    bool empty = true;

    config_reserve_routes(b, text);
    skip_nothing(&w);
    config_sconf_start(&lines, text);
    b->depth = 0;
    b->stop = b->leaf = false;
    b->quiet_line = 0;
    b->frames[0] = (struct build_frame){.key = config_schema_root(b->kind), .line = 1};
    while (!b->stop && !b->nomem && config_sconf_next(&lines, &line)) {
        take_line(&w, &line);
        empty = false;
    }
    while (b->depth > 0)
        close_block(&w, NULL, false);
    if (!empty)
        close_block(&w, NULL, false);
    b->leaf = false;
    config_intern_free(&b->map_names);
}
