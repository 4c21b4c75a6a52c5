/*
 * hosts.h - the hosts file (hosts(5)): addresses by name, read again when the file has changed.
 */
#ifndef RESOLVER_HOSTS_H
#define RESOLVER_HOSTS_H

#include <stdint.h>

#include <moxdial/base.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/slice.h"

struct hosts_entry {
    struct hosts_entry *next; /* hosts_next walks it: others may stand between */
    struct slice name;        /* lower case, no final dot */
    struct mox_ip ip;
};

struct hosts_table { /* all zero: empty */
    struct arena arena;
    struct hosts_entry **buckets;
    size_t mask; /* their number, a power of two, less one */
};

/* Fills the zeroed table; lines that make no sense are passed over. MOX_OK, MOX_E_NOMEM. */
int hosts_parse(struct slice text, struct hosts_table *out);

/* The first entry of the name in the order of the file, NULL: it is not there. Case is ignored. */
const struct hosts_entry *hosts_lookup(const struct hosts_table *table, struct slice name);

/* The next of the same name. */
const struct hosts_entry *hosts_next(const struct hosts_entry *entry);

/*
 * The message that answers a question for A or AAAA with the addresses of this name, from entry on;
 * none of that family is an empty answer. Appended to wire. MOX_OK, MOX_E_NOMEM.
 */
int hosts_answer(const struct hosts_entry *entry, uint16_t type, struct buffer *wire);

void hosts_table_free(struct hosts_table *table);

struct hosts;

/* path: copied. NULL: no memory. The file is read at the first question. */
struct hosts *hosts_new(const char *path);

/*
 * As hosts_lookup; looks at the file at most once a second. A file that is absent is empty; one
 * that cannot be read leaves what was read before. Entries are valid until the next call.
 */
const struct hosts_entry *hosts_find(struct hosts *hosts, struct slice name, uint64_t now_us);

void hosts_free(struct hosts *hosts);

#endif
