/*
 * load.h - the configuration a command works with, and what was wrong with it.
 */
#ifndef TOOLS_LOAD_H
#define TOOLS_LOAD_H

#include <jansson.h>

#include "options.h"

struct load {
    struct mox_config *config; /* NULL: none was asked for, or it is broken */
    struct list files;         /* what was read; borrowed texts */
    struct mox_error err;      /* code MOX_OK: it is good */
    json_t *errors, *warnings; /* ERROR objects; errors is not empty where err is set */
};

/*
 * -c, else $MOXDIAL_CONFIG, else /etc/moxdial/moxdial.conf if it is there, else none. Problems go
 * to standard error as they are found, warnings only if `warnings`. load: zeroed.
 * Returns load->err.code.
 */
int load_config(struct load *load, const struct options *options, bool warnings);

/* Reads these files; open: whom it tells, the rest is filled in. NULL: err says why. */
struct mox_config *load_open(const struct list *files, struct mox_config_options *open,
                             struct mox_error *err);

void load_free(struct load *load);

#endif
