/* schema.c - see schema.h. */
#include "config/schema.h"

#include <string.h>

#include "base/mem.h"
#include "base/names.h"

static const struct schema_key passed_element[] = {{.type = SCHEMA_PASSED}};

const struct schema_block config_schema_passed_list = {.keys = passed_element, .nkeys = 1};
const struct schema_block config_schema_passed_map = {.keys = passed_element, .nkeys = 1};

const char *config_schema_file_name(enum config_kind kind)
{
    static const char *const names[] = {
        [CONFIG_MOXDIAL] = "moxdial.conf",
        [CONFIG_MOX] = "mox.conf",
        [CONFIG_DOMAINS] = "domains.conf",
    };

    return name_of(names, ARRAY_LEN(names), (int)kind);
}

const struct schema_key *config_schema_root(enum config_kind kind)
{
    return kind == CONFIG_MOX       ? &config_schema_mox
           : kind == CONFIG_DOMAINS ? &config_schema_domains
                                    : &config_schema_moxdial;
}

const struct schema_key *config_schema_find(const struct schema_block *block, struct slice name)
{
    for (size_t i = 0; i < block->nkeys; i++) {
        const char *known = block->keys[i].name;

        if (known[0] == name.ptr[0] && strncmp(known, name.ptr, name.len) == 0 &&
            known[name.len] == '\0')
            return &block->keys[i];
    }
    return NULL;
}

enum { LONGEST_KEY = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits between two keys (Levenshtein); letters that differ in case alone are half as far. The
 * result counts in halves. */
static size_t distance(struct slice a, struct slice b)
{
    size_t row[LONGEST_KEY + 1];

    for (size_t j = 0; j <= b.len; j++)
        row[j] = 2 * j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];

        row[0] = 2 * i;
        for (size_t j = 1; j <= b.len; j++) {
            char x = a.ptr[i - 1], y = b.ptr[j - 1];
            size_t change = x == y ? 0 : slice_lower(x) == slice_lower(y) ? 1 : 2;
            size_t best = least(diagonal + change, least(row[j], row[j - 1]) + 2);

            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b.len];
}

void config_schema_nearest(const struct schema_block *block, struct slice name, struct text *out)
{
    size_t nearest = 2 * (name.len < 4 ? 1 : least(name.len / 3, 4)) + 1;
    const char *separator = "";
    bool found = false;

    if (name.len > LONGEST_KEY)
        return;
    for (size_t i = 0; i < block->nkeys; i++)
        nearest = least(nearest, distance(name, slice_of(block->keys[i].name)));
    for (size_t i = 0; i < block->nkeys; i++) {
        found = distance(name, slice_of(block->keys[i].name)) == nearest &&
                nearest <= 2 * (name.len < 4 ? 1 : least(name.len / 3, 4));
        if (!found)
            continue;
        text_add(out, "%s\"%s\"", separator, block->keys[i].name);
        separator = " or ";
    }
}
