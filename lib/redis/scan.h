/*
 * scan.h - all keys that begin with a prefix, and their values. SCAN gives keys in no order, some
 * of them twice, so they are collected first; then their values are asked for, some at a time.
 */
#ifndef REDIS_SCAN_H
#define REDIS_SCAN_H

#include <stdbool.h>

#include <hiredis.h>

enum {
    SCAN_KEYS = 1 << 16, /* at most, as many as the memory store keeps */
    SCAN_STEPS = 10000,  /* of a thousand keys each: a server for much else is not for this */
    SCAN_VALUES = 32,    /* asked for at once */
    SCAN_CURSOR = 24
};

struct scan {
    char *prefix, *pattern; /* owned */
    char cursor[SCAN_CURSOR];
    char **keys; /* owned, and each of them */
    size_t n, cap, next, steps;
    long long told;
};

struct scan *scan_new(const char *prefix); /* NULL: no memory */

/*
 * A reply to SCAN. MOX_OK: *more tells whether it has to be asked again, from cursor; when not,
 * keys are in order and none is there twice. MOX_E_STORE: no such reply; MOX_E_LIMIT, MOX_E_NOMEM.
 */
int scan_take(struct scan *scan, const redisReply *reply, bool *more);

/* How many values to ask for next; 0: it is at its end. */
size_t scan_batch(const struct scan *scan);

void scan_free(struct scan *scan); /* accepts NULL */

#endif
