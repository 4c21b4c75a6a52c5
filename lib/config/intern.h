/*
 * intern.h - a set of names, each with a number that its user chooses. The names come from a file
 * whose author is trusted, so the hash needs no key.
 */
#ifndef CONFIG_INTERN_H
#define CONFIG_INTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct intern_entry {
    const char *ptr; /* borrowed as long as the set lives */
    uint32_t len, value;
    uint64_t space; /* names of different spaces are different */
};

struct intern {                   /* all zero: empty */
    struct intern_entry *entries; /* owned, in the order they came */
    uint32_t *slots;              /* owned: index + 1; 0: free */
    uint32_t len, cap;            /* of entries */
    uint32_t nslots;
};

/*
 * The index of the name, added if it is new (*added), with value 0. UINT32_MAX: no memory.
 */
uint32_t config_intern_take(struct intern *set, uint64_t space, struct slice name, bool *added);

void config_intern_free(struct intern *set);

#endif
