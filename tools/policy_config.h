/*
 * policy_config.h - the configuration of `moxdial policy`, which is read again when a file changes.
 */
#ifndef TOOLS_POLICY_CONFIG_H
#define TOOLS_POLICY_CONFIG_H

#include "load.h"
#include "policy_log.h"

struct policy_stamp; /* by what a file is known to be the same */

struct policy_config {
    struct mox_config *config; /* the last that was good; NULL: there are no files */
    const struct policy_log *log;
    const struct list *files;
    struct policy_stamp *judged, *seen; /* of each file: when it was read, and at the last look */
};

/* load: borrowed until the close; it is good. */
void policy_config_open(struct policy_config *config, const struct load *load,
                        const struct policy_log *log);

/*
 * Reads the files again if one has changed and was then left alone for as long as lies between two
 * looks: what an editor has only begun to write could be valid, and not be meant.
 */
void policy_config_look(struct policy_config *config);

/* Reads them again whether or not they have. */
void policy_config_reload(struct policy_config *config);
void policy_config_close(struct policy_config *config);

#endif
