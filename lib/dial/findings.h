/*
 * findings.h - what DNS said of our own addresses, kept for as long as it said, an hour at most, so
 * that RequireReverseDNS and RequireSPF do not cost every dial a lookup.
 */
#ifndef DIAL_FINDINGS_H
#define DIAL_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct findings_entry {
    struct findings_entry *next; /* an older one */
    uint64_t until_us;
    const char *problem; /* the address fails, and why; NULL: it does not */
    char key[];          /* the problem stands behind it */
};

struct findings { /* all zero: empty */
    struct findings_entry *first;
    size_t count;
};

/* NULL: not known, or no longer. Valid until the next call. */
const struct findings_entry *findings_find(struct findings *findings, const char *key,
                                           uint64_t now_us);

/* ttl: of what it rests on, seconds; UINT32_MAX: of nothing that is there. Without memory nothing
 * is kept; the oldest makes room. */
void findings_keep(struct findings *findings, const char *key, const char *problem, uint32_t ttl,
                   uint64_t now_us);

void findings_free(struct findings *findings);

#endif
