/*
 * load.c - see load.h.
 */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "error.h"
#include "output.h"
#include "parent.h"

static const char default_file[] = "/etc/moxdial/moxdial.conf";

struct listener {
    struct load *load;
    const struct options *options;
    bool warnings;
};

static void on_problem(void *user, int is_error, const char *file, int line, const char *key,
                       const char *message)
{
    struct listener *listener = user;
    struct load *load = listener->load;
    struct mox_error err;

    tool_error(&err, MOX_E_CONFIG, MOX_STAGE_CONFIG, "%s", message);
    err.line = line;
    snprintf(err.host, sizeof err.host, "%s", file == NULL ? "" : file);
    if (!is_error)
        err.action = MOX_ACTION_NONE;
    output_append(is_error ? load->errors : load->warnings, output_error(&err, key));
    if (listener->options->quiet || (!is_error && !listener->warnings))
        return;
    if (is_error)
        parent_prefix(listener->options, &err);
    output_problem_line(is_error, &err, key);
}

static void choose_files(struct list *files, const struct options *options)
{
    const char *named = getenv("MOXDIAL_CONFIG");
    size_t count = options->config.count;

    files->items = tool_alloc(count + 1, sizeof *files->items);
    for (size_t i = 0; i < count; i++)
        files->items[i] = options->config.items[i];
    files->count = count;
    if (count > 0)
        return;
    if (named == NULL || *named == '\0')
        named = access(default_file, F_OK) == 0 ? default_file : NULL;
    if (named != NULL)
        files->items[files->count++] = named;
}

struct mox_config *load_open(const struct list *files, struct mox_config_options *open,
                             struct mox_error *err)
{
    struct mox_config_source *sources = tool_alloc(files->count, sizeof *sources);
    struct mox_config *config;

    for (size_t i = 0; i < files->count; i++)
        sources[i].name = files->items[i];
    open->size = sizeof *open;
    open->sources = sources;
    open->nsources = files->count;
    config = mox_config_open(open, err);
    free(sources);
    return config;
}

int load_config(struct load *load, const struct options *options, bool warnings)
{
    struct listener listener = {load, options, warnings};
    struct mox_config_options open = {.problem = on_problem, .user = &listener};

    load->errors = json_array();
    load->warnings = json_array();
    choose_files(&load->files, options);
    if (load->files.count == 0)
        return MOX_OK;
    load->config = load_open(&load->files, &open, &load->err);
    if (load->config != NULL)
        return MOX_OK;
    load->err.stage = MOX_STAGE_CONFIG; /* also where a file could not be read */
    if (json_array_size(load->errors) == 0) {
        output_append(load->errors, output_error(&load->err, NULL));
        parent_prefix(options, &load->err);
        if (!options->quiet)
            output_error_line(&load->err);
    }
    return load->err.code;
}

void load_free(struct load *load)
{
    mox_config_free(load->config);
    json_decref(load->errors);
    json_decref(load->warnings);
    free(load->files.items);
}
