/*
 * reserve.h - room for the routes of a large file, so that a million of them do not make arrays
 * grow by copying: that would hold them twice.
 */
#ifndef CONFIG_RESERVE_H
#define CONFIG_RESERVE_H

#include "config/build.h"

/* A file below a mebibyte is left alone, and so is what grew before. Without memory nothing is
 * reserved, and nothing lost. */
void config_reserve_routes(struct build *b, struct slice text);

#endif
