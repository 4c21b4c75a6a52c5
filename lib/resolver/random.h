/*
 * random.h - ids of DNS messages that nobody can guess (RFC 5452 section 9.2), from the system's
 * source in portions.
 */
#ifndef RESOLVER_RANDOM_H
#define RESOLVER_RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum { RESOLVER_RANDOM = 1024 }; /* bytes of one read: 512 ids */

struct resolver_random { /* all zero: ready */
    size_t len;          /* bytes not used yet */
    unsigned char bytes[RESOLVER_RANDOM];
};

/* MOX_OK; MOX_ERRNO: the source cannot be read. */
int resolver_random_id(struct resolver_random *random, uint16_t *id);

#endif
