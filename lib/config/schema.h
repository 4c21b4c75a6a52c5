/*
 * schema.h - which keys a file may hold, where, and what becomes of them: one static tree of tables
 * for each kind of file. Keys of mox that are not ours have a place and a shape, and no setter.
 */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/text.h"
#include "config/config.h"

struct build;
struct schema_key;

enum schema_type {
    SCHEMA_PASSED = 0, /* a scalar of mox that is not looked at */
    SCHEMA_STRING,
    SCHEMA_BOOL,
    SCHEMA_INT,
    SCHEMA_DURATION,
    SCHEMA_STRUCT, /* from here on: blocks */
    SCHEMA_MAP,
    SCHEMA_LIST,
};

struct schema_value {
    struct slice text; /* as it stands in the file */
    bool flag;         /* BOOL */
    int64_t number;    /* INT; DURATION in nanoseconds */
};

/* What a block does beside its keys. */
struct schema_block {
    const struct schema_key *keys; /* of a map or list: its element alone */
    size_t nkeys;
    bool secret;        /* may hold a password: its lines are not quoted */
    bool address_names; /* a map whose names may hold colons: one ends before ": " */
    /* name: of the map entry or key; key->arg tells keys that share a block apart. May be NULL. */
    void (*open)(struct build *b, const struct schema_key *key, struct slice name);
    /* whole: nothing in it was refused, so what is absent was left out. May be NULL. */
    void (*close)(struct build *b, const struct schema_key *key, bool whole);
};

struct schema_key {
    const char *name; /* NULL: the entry of a map, the item of a list */
    enum schema_type type;
    int arg;                          /* for set and open */
    const struct schema_block *block; /* of a STRUCT, MAP, LIST */
    void (*set)(struct build *b, const struct schema_key *key, const struct schema_value *value);
    bool required;

    /* For the described file. */
    bool one_of;     /* a struct that has one of its keys: each is shown in an entry of its own,
                      * by the name in the key's example */
    bool brief;      /* the same block was described above: its required keys suffice */
    bool quiet;      /* names a file of this machine: shown as a comment */
    const char *doc; /* what it means */
    const char *standard; /* what holds without it; NULL: nothing to say */
    const char *example;  /* of a scalar its value; of a map's entry its name */
};

extern const struct schema_key config_schema_mox, config_schema_domains,
    config_schema_moxdial; /* the top levels */

/* The transports of a stand-alone file. */
extern const struct schema_block config_schema_moxdial_transports;

/* Shared by tables: a list and a map of scalars that are not looked at. */
extern const struct schema_block config_schema_passed_list, config_schema_passed_map;

/* moxdial.conf, mox.conf, domains.conf. */
const char *config_schema_file_name(enum config_kind kind);
const struct schema_key *config_schema_root(enum config_kind kind);

static inline bool schema_is_block(const struct schema_key *key)
{
    return key->type >= SCHEMA_STRUCT;
}

/* The key of a struct by name; NULL: unknown. */
const struct schema_key *config_schema_find(const struct schema_block *block, struct slice name);

/* The names nearest to a misspelt key, as `"A" or "B"`; nothing if none is near. */
void config_schema_nearest(const struct schema_block *block, struct slice name, struct text *out);

#endif
