/* problems.c - see problems.h. */
#include "config/problems.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/limits.h"

int config_problems_add(struct problems *p, const struct problem *problem)
{
    size_t *count = problem->code == MOX_OK ? &p->nwarnings : &p->nerrors;
    struct problem copy = *problem;

    if (++*count > MOX_LIMIT_CONFIG_PROBLEMS)
        return MOX_OK;
    copy.key = arena_text(&p->arena, slice_of(problem->key));
    copy.message = arena_text(&p->arena, slice_of(problem->message));
    copy.order = (uint32_t)(p->nerrors + p->nwarnings);
    if (copy.key == NULL || copy.message == NULL)
        return MOX_E_NOMEM;
    return buffer_append(&p->list, &copy, sizeof copy);
}

static int compare(const void *left, const void *right)
{
    const struct problem *a = left, *b = right;

    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

/* "FILE:LINE: KEY: MESSAGE", without what there is none of. */
static int fill_error(const struct problem *p, struct mox_error *err)
{
    const char *colon = p->key[0] == '\0' ? "" : ": ";
    int code;

    if (p->line == 0)
        code = error_set(err, p->code, "%s: %s%s%s", p->file, p->key, colon, p->message);
    else
        code = error_set(err, p->code, "%s:%u: %s%s%s", p->file, (unsigned)p->line, p->key, colon,
                         p->message);
    if (err == NULL)
        return code;
    err->stage = MOX_STAGE_CONFIG;
    err->about = MOX_ABOUT_LOCAL;
    err->line = (int32_t)p->line;
    err->os_errno = p->os_errno;
    return error_at_host(err, p->file);
}

static void tell_rest(const struct problems *p, const struct mox_config_options *options,
                      const struct problem *last)
{
    char message[96];
    size_t over =
        p->nerrors > MOX_LIMIT_CONFIG_PROBLEMS ? p->nerrors - MOX_LIMIT_CONFIG_PROBLEMS : 0;

    if (over == 0)
        return;
    snprintf(message, sizeof message, "%zu more errors are not shown; mend those above first",
             over);
    options->problem(options->user, 1, last->file, (int)last->line, "", message);
}

int config_problems_tell(struct problems *p, const struct mox_config_options *options,
                         struct mox_error *err)
{
    struct problem *list = (struct problem *)(void *)p->list.ptr;
    size_t n = p->list.len / sizeof *list;
    const struct problem *first = NULL;

    if (n > 0)
        qsort(list, n, sizeof *list, compare);
    for (size_t i = 0; i < n; i++) {
        if (options->problem != NULL)
            options->problem(options->user, list[i].code != MOX_OK, list[i].file, (int)list[i].line,
                             list[i].key, list[i].message);
        if (first == NULL && list[i].code != MOX_OK)
            first = &list[i];
    }
    if (first == NULL)
        return error_none(err);
    if (options->problem != NULL)
        tell_rest(p, options, &list[n - 1]);
    return fill_error(first, err);
}

void config_problems_free(struct problems *p)
{
    arena_free(&p->arena);
    buffer_free(&p->list);
    p->nerrors = p->nwarnings = 0;
}
