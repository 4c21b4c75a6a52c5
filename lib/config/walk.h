/*
 * walk.h - one file, line by line through its schema: the syntax of blocks, then each value to its
 * setter. Problems go to b->problems; what is behind a refused line is skipped, not guessed at.
 */
#ifndef CONFIG_WALK_H
#define CONFIG_WALK_H

#include "config/build.h"

/* text: borrowed until return. b->file, source, kind and from_disk are set. */
void config_walk_file(struct build *b, struct slice text);

#endif
