/*
 * words.h - what a server's words say, where its codes leave it open. Such text is written for
 * people: only the few phrases that servers are known to send are looked for.
 */
#ifndef POLICY_WORDS_H
#define POLICY_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* The words PTR or rDNS, or "reverse" before DNS, hostname, lookup and the like; not a path. */
bool policy_words_reverse_dns(struct slice text);

/* Greylisting in its spellings. */
bool policy_words_greylist(struct slice text);

/* "Try again later", "please come back in 5 minutes" and the like, and not a word of a reason. */
bool policy_words_come_back(struct slice text);

/* Blocklists and reputation: what is said of a client's address. */
bool policy_words_blocked(struct slice text);

/* "in 5 minutes", "300 seconds", "00:04:59": how long to wait, at most MOX_LIMIT_RETRY_AFTER; 0:
 * nothing is said. */
uint32_t policy_words_retry_after(struct slice text);

/* A reply's words on one line, cut to fit. */
void policy_words_line(const char *reply, char *out, size_t cap);

#endif
