/*
 * learned.h - the learned family: what is remembered of an MX host's answers to one of our
 * addresses, and what follows from it (design.md "Learned family").
 *
 * Pure. A family is avoided if it was refused after it was accepted, and less than a week ago: the
 * end of the week is the probe. Hosts that share a store agree on key and value; the value may come
 * from anybody who writes there, so what is not one of ours says nothing.
 */
#ifndef POLICY_LEARNED_H
#define POLICY_LEARNED_H

#include <stdbool.h>
#include <stdint.h>

#include <moxdial/base.h>

#include "base/limits.h"
#include "base/slice.h"

#define LEARNED_PREFIX "mox1/fam/"

enum {
    LEARNED_KEEP_S = 30 * 86400,               /* an entry, from its last write */
    LEARNED_AVOID_S = 7 * 86400,               /* a family, from its last refusal */
    LEARNED_WRITE_S = 3600,                    /* between writes that only say "accepted" again */
    LEARNED_SKEW_S = 300,                      /* that another host's clock may be ahead of ours */
    LEARNED_KEY = MOX_LIMIT_DOMAIN + 96,       /* bytes of a key with its NUL */
    LEARNED_VALUE = MOX_LIMIT_REPLY_KEPT + 64, /* bytes of a value with its NUL */
    LEARNED_WHY = MOX_LIMIT_REPLY_KEPT + 128   /* bytes of a sentence with its NUL */
};

struct learned_entry {             /* all zero: nothing is known */
    int64_t accepted_s, refused_s; /* the last ones, Unix time; 0: never */
    uint32_t refusals;
    char reply[MOX_LIMIT_REPLY_KEPT]; /* to the last refusal: code and words, on one line */
};

/* source: our address as the world sees it; of IPv6 its /64 counts. family: enum mox_family, of the
 * connection. */
void learned_key(char key[LEARNED_KEY], const char *host, const struct mox_ip *source, int family);

struct learned_name { /* what a key is made of; slices of it */
    struct slice host, source;
    int family;
};

/* false: no such key. */
bool learned_read_key(const char *key, struct learned_name *out);

/* false, and *out empty: another wrote this, or its clock is far ahead of ours. */
bool learned_read(struct slice value, int64_t now_s, struct learned_entry *out);

/* Returns the length. */
size_t learned_write(const struct learned_entry *entry, char value[LEARNED_VALUE]);

bool learned_avoided(const struct learned_entry *entry, int64_t now_s);

/* What happens now comes after all that is recorded, whatever clock recorded it. */
void learned_accepted(struct learned_entry *entry, int64_t now_s);
void learned_refused(struct learned_entry *entry, int64_t now_s, const struct mox_error *reply);

/*
 * Adds news, which is an entry that began empty. Whether it is to be written: a refusal always, an
 * acceptance if it clears a refusal, or an hour after the last.
 */
bool learned_add(struct learned_entry *entry, const struct learned_entry *news);

/* "IPv6 was refused on 2026-11-28: 550 …; tried again after 2026-12-05", of a family avoided. */
void learned_why(const struct learned_entry *entry, int family, char out[LEARNED_WHY]);

#endif
