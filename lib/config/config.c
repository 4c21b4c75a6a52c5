/*
 * config.c - see config.h. A configuration's life: built from its files, counted, wiped. Each file
 * is read, understood and forgotten before the next is opened.
 */
#include "config/config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "config/build.h"
#include "config/finish.h"
#include "config/kind.h"
#include "config/walk.h"

static_assert(sizeof(struct config_route) == 32, "there may be a million");

static void free_config(struct mox_config *config)
{
    if (config->index_free != NULL)
        config->index_free(config->index);
    if (config->roots_free != NULL)
        config->roots_free(atomic_load(&config->roots));
    mem_free(config->routes);
    mem_free(config->items);
    mem_free(config->names);
    arena_wipe(&config->arena);
    mem_wipe(config, sizeof *config);
    mem_free(config);
}

static void free_build(struct build *b)
{
    struct buffer *const buffers[] = {
        &b->transports, &b->lists,   &b->conditions,   &b->listeners, &b->spf_map,
        &b->routes,     &b->items,   &b->names,        &b->domains,   &b->pending,
        &b->ca_files,   &b->scratch, &b->listener_ips,
    };

    for (size_t i = 0; i < ARRAY_LEN(buffers); i++)
        buffer_free(buffers[i]);
    config_intern_free(&b->transport_names);
    config_intern_free(&b->map_names);
    config_problems_free(&b->problems);
}

/* A problem of a file as a whole. */
static void refuse_file(struct build *b, int code, int os_errno, const char *message)
{
    struct problem problem = {
        .file = b->file,
        .key = "",
        .message = message,
        .source = b->source,
        .code = code,
        .os_errno = os_errno,
    };

    config_build_problem(b, &problem);
}

/* The text of a file: read into *room, or what the caller gave. Takes from *left, the bytes that
 * all files together may still have. */
static bool read_source(struct build *b, const struct mox_config_source *source,
                        struct buffer *room, struct slice *text, size_t *left)
{
    size_t prefix = strlen(b->file) + 2; /* "FILE: ", which our own message has too */
    struct mox_error reason = {0};
    int status;

    if (source->text != NULL) {
        *text = (struct slice){source->text, source->len};
        status = source->len <= *left ? MOX_OK : MOX_E_LIMIT;
    } else {
        status = buffer_read_file(room, source->name, *left, &reason);
        *text = buffer_slice(room);
    }
    if (status == MOX_E_NOMEM)
        b->nomem = true;
    else if (status == MOX_E_LIMIT)
        refuse_file(b, status, 0,
                    "the files have over 64 MiB together (MOX_LIMIT_CONFIG); is this the right "
                    "file?");
    else if (status != MOX_OK)
        refuse_file(b, status, reason.os_errno,
                    strlen(reason.message) > prefix ? reason.message + prefix : reason.message);
    if (status == MOX_OK)
        *left -= text->len;
    return status == MOX_OK;
}

/* seen: a bit for each kind that an earlier file has. */
static bool check_kind(struct build *b, unsigned seen)
{
    char message[160];
    struct text t = text_to(message, sizeof message);

    if ((seen & 1u << b->kind) != 0)
        text_add(&t, "a second %s (by its top-level keys); give one of a kind",
                 config_schema_file_name(b->kind));
    else if (seen != 0 && (b->kind == CONFIG_MOXDIAL || (seen & 1u << CONFIG_MOXDIAL) != 0))
        text_add(&t, "moxdial.conf beside a file of mox (by its top-level keys); give the one or "
                     "the other, for it takes their place");
    else
        return true;
    refuse_file(b, MOX_E_CONFIG, 0, message);
    return false;
}

/* Passwords in it; its spare room, which may be as large, was never written and stays untouched. */
static void forget_text(struct buffer *room)
{
    if (room->ptr != NULL)
        mem_wipe(room->ptr, room->len);
    buffer_free(room);
}

static void take_source(struct build *b, const struct mox_config_source *source, unsigned *seen,
                        size_t *left)
{
    const char *name = source->name == NULL ? "config" : source->name;
    struct buffer room = {0};
    struct slice text;

    b->file = config_build_text(b, slice_of(name));
    b->from_disk = source->text == NULL;
    if (!b->nomem && read_source(b, source, &room, &text, left)) {
        b->kind = config_kind_of_text(text, (*seen & 1u << CONFIG_MOX) != 0);
        if (check_kind(b, *seen))
            config_walk_file(b, text);
        *seen |= 1u << b->kind;
    }
    forget_text(&room);
}

/* Leaves the result, or what there is of it, in b->config. */
static int run(struct build *b, const struct mox_config_options *options, struct mox_error *err)
{
    size_t left = MOX_LIMIT_CONFIG;
    unsigned seen = 0;
    int status = MOX_OK;

    for (size_t i = 0; i < options->nsources && !b->nomem; i++) {
        b->source = (uint32_t)i;
        take_source(b, &options->sources[i], &seen, &left);
    }
    if (!b->nomem)
        config_finish_references(b);
    if (!b->nomem)
        status = config_problems_tell(&b->problems, options, err);
    if (!b->nomem && status == MOX_OK)
        config_finish_config(b);
    if (b->nomem)
        return error_nomem(err);
    return status;
}

static int check_options(const struct mox_config_options *options, struct mox_error *err)
{
    if (options->nsources == 0 || options->sources == NULL)
        return error_set(err, MOX_E_INVAL, "no configuration file is given; name one");
    if (options->nsources > MOX_LIMIT_CONFIG_SOURCES)
        return error_set(err, MOX_E_LIMIT, "over %d configuration files (MOX_LIMIT_CONFIG_SOURCES)",
                         MOX_LIMIT_CONFIG_SOURCES);
    for (size_t i = 0; i < options->nsources; i++) {
        if (options->sources[i].text == NULL && options->sources[i].name == NULL)
            return error_set(err, MOX_E_INVAL, "a configuration source has neither name nor text");
    }
    return MOX_OK;
}

static struct mox_config *build_config(const struct mox_config_options *options,
                                       struct mox_error *err)
{
    struct build *b = mem_new(sizeof *b);
    struct mox_config *config = mem_new(sizeof *config);
    int status;

    if (b == NULL || config == NULL) {
        mem_free(b);
        mem_free(config);
        error_nomem(err);
        return NULL;
    }
    config->trust_ad = -1;
    atomic_init(&config->references, 1);
    b->config = config;
    status = run(b, options, err);
    free_build(b);
    mem_wipe(b, sizeof *b);
    mem_free(b);
    if (status == MOX_OK)
        return config;
    free_config(config);
    return NULL;
}

struct mox_config *config_build(const struct mox_config_options *options, struct mox_error *err)
{
    struct mox_config *config = NULL;

    if (check_options(options, err) == MOX_OK)
        config = build_config(options, err);
    if (config == NULL && err != NULL)
        err->stage = MOX_STAGE_CONFIG;
    return config;
}

struct mox_config *mox_config_ref(const struct mox_config *config)
{
    struct mox_config *counted = (struct mox_config *)(uintptr_t)config;

    if (counted != NULL)
        atomic_fetch_add_explicit(&counted->references, 1, memory_order_relaxed);
    return counted;
}

void config_release(struct mox_config *config)
{
    if (config == NULL ||
        atomic_fetch_sub_explicit(&config->references, 1, memory_order_acq_rel) > 1)
        return;
    free_config(config);
}

const struct mox_config_info *mox_config_summary(const struct mox_config *config)
{
    return &config->info;
}

static int compare_text(struct slice a, const char *b)
{
    struct slice other = slice_of(b);
    size_t n = a.len < other.len ? a.len : other.len;
    int order = n == 0 ? 0 : memcmp(a.ptr, b, n);

    return order != 0 ? order : (a.len > other.len) - (a.len < other.len);
}

const struct config_transport *config_transport_by_name(const struct mox_config *config,
                                                        struct slice name)
{
    size_t from = 0, to = config->ntransports;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const struct config_transport *t;
        int order;

        t = &config->transports[config->transports_by_name[middle]];
        order = compare_text(name, t->name);
        if (order == 0)
            return t;
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

struct slice config_item(const struct mox_config *config, uint32_t item)
{
    const char *at = config->names + config->items[item];

    return (struct slice){at + 1, (unsigned char)at[0]};
}

bool config_hosts_domain(const struct mox_config *config, struct slice domain)
{
    size_t from = 0, to = config->ndomains;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = compare_text(domain, config->domains[middle]);

        if (order == 0)
            return true;
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return false;
}
