/*
 * finish.h - what can be done only when all files are read: names of transports become indexes,
 * arrays find their place in the config, the source addresses are derived.
 */
#ifndef CONFIG_FINISH_H
#define CONFIG_FINISH_H

#include "config/build.h"

/* Routes to transports that no file defines become problems, unless a definition may be among what
 * was refused. */
void config_finish_references(struct build *b);

/* Only if there was no error. b->nomem says whether it went well. */
void config_finish_config(struct build *b);

#endif
