/*
 * config_world.h - building a configuration from texts, and what was told meanwhile.
 */
#ifndef CONFIG_WORLD_H
#define CONFIG_WORLD_H

#include "config/config.h"

enum { WORLD_PROBLEMS = 1100 };

struct world_problem {
    bool is_error;
    char file[32], key[160], message[300];
    int line;
};

struct world {
    struct world_problem problems[WORLD_PROBLEMS];
    size_t n, errors;
    struct mox_error err;
};

/* A config from one text, named "t.conf"; NULL: refused. w: owned by the caller, overwritten. */
struct mox_config *world_build(struct world *w, const char *text);

/* The same from two, named "mox.conf" and "domains.conf". */
struct mox_config *world_build_two(struct world *w, const char *mox, const char *domains);
struct mox_config *world_build_sources(struct world *w, const struct mox_config_source *sources,
                                       size_t n);

/* The one problem at this line whose message has these words and whose key this is; key NULL: any.
 * NULL: there is none. */
const struct world_problem *world_find(const struct world *w, int line, const char *key,
                                       const char *words);

/* Prints all problems, for a test that fails. */
void world_print(const struct world *w);

/* What mox_config_show writes; free it. */
char *world_show(const struct mox_config *config);

#endif
