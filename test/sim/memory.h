/*
 * memory.h - malloc and its kin, counted and made to fail, by the linker's --wrap. Of the program
 * sim alone; the unit tests have their own (test/unit/alloc.c).
 */
#ifndef SIM_MEMORY_H
#define SIM_MEMORY_H

#include <stdbool.h>

/* The nth allocation from now on fails (1: the next), and then each every-th one; 0: none, once.
 * Large ones, which only the world itself makes, never do. */
void memory_fail(long nth, long every);

/* Whether one has failed since. */
bool memory_failed(void);

/* Blocks that are allocated. */
long memory_live(void);

/* Each block that is given back from now on is looked through for these texts; NULL at the end,
 * borrowed. NULL: no more. */
void memory_watch(const char *const *texts);

/* The first of them that was found since the last memory_watch; NULL: none. */
const char *memory_left(void);

#endif
