/*
 * problems.h - the errors and warnings of a configuration, kept until all files are read, then told
 * in the order of the files and their lines.
 */
#ifndef CONFIG_PROBLEMS_H
#define CONFIG_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <moxdial/config.h>

#include "base/arena.h"
#include "base/buffer.h"

struct problem {
    const char *file, *key, *message; /* key: "" for the file as a whole */
    uint32_t source;                  /* place of the file among the sources */
    uint32_t line;                    /* 0: the file as a whole */
    uint32_t order;                   /* of equal lines; set by config_problems_add */
    int32_t code;                     /* enum mox_status; MOX_OK: a warning */
    int32_t os_errno;
};

struct problems { /* all zero: none */
    struct arena arena;
    struct buffer list;        /* struct problem */
    size_t nerrors, nwarnings; /* those over MOX_LIMIT_CONFIG_PROBLEMS are counted alone */
};

/* Copies key and message; file is borrowed. MOX_OK or MOX_E_NOMEM. */
int config_problems_add(struct problems *p, const struct problem *problem);

/* Calls options->problem for each. Returns the first error's code with err filled, or MOX_OK. */
int config_problems_tell(struct problems *p, const struct mox_config_options *options,
                         struct mox_error *err);

void config_problems_free(struct problems *p);

#endif
