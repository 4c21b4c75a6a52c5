/* config_world.c - see config_world.h. */
#include "config_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

static void note_problem(void *user, int is_error, const char *file, int line, const char *key,
                         const char *message)
{
    struct world *w = user;
    struct world_problem *p = &w->problems[w->n];

    w->errors += is_error != 0;
    if (w->n == WORLD_PROBLEMS)
        return;
    w->n++;
    p->is_error = is_error != 0;
    p->line = line;
    snprintf(p->file, sizeof p->file, "%s", file);
    snprintf(p->key, sizeof p->key, "%s", key);
    snprintf(p->message, sizeof p->message, "%s", message);
}

struct mox_config *world_build_sources(struct world *w, const struct mox_config_source *sources,
                                       size_t n)
{
    struct mox_config_options options = {
        .size = sizeof options,
        .sources = sources,
        .nsources = n,
        .problem = note_problem,
        .user = w,
    };

    w->n = w->errors = 0;
    memset(&w->err, 0, sizeof w->err);
    return config_build(&options, &w->err);
}

struct mox_config *world_build(struct world *w, const char *text)
{
    struct mox_config_source source = {"t.conf", text, strlen(text)};

    return world_build_sources(w, &source, 1);
}

struct mox_config *world_build_two(struct world *w, const char *mox, const char *domains)
{
    struct mox_config_source sources[] = {
        {"mox.conf", mox, strlen(mox)},
        {"domains.conf", domains, strlen(domains)},
    };

    return world_build_sources(w, sources, 2);
}

const struct world_problem *world_find(const struct world *w, int line, const char *key,
                                       const char *words)
{
    for (size_t i = 0; i < w->n; i++) {
        const struct world_problem *p = &w->problems[i];

        if (p->line == line && (key == NULL || strcmp(p->key, key) == 0) &&
            strstr(p->message, words) != NULL)
            return p;
    }
    return NULL;
}

void world_print(const struct world *w)
{
    printf("code %d: %s\n", (int)w->err.code, w->err.message);
    for (size_t i = 0; i < w->n; i++)
        printf("%s %s:%d: %s: %s\n", w->problems[i].is_error ? "error" : "warning",
               w->problems[i].file, w->problems[i].line, w->problems[i].key,
               w->problems[i].message);
}

char *world_show(const struct mox_config *config)
{
    size_t len = mox_config_show(config, NULL, 0);
    char *text = malloc(len + 1);

    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(mox_config_show(config, text, len + 1), len);
    ck_assert_uint_eq(strlen(text), len);
    return text;
}
