/*
 * history_write.h - what happened at a host, added to its entry in the store. Nobody waits for it:
 * an entry that is not known is read first, by a job of the context; what fails is forgotten.
 *
 * Another process may write the same entry between our reading and our writing; then the later one
 * stays, and the next delivery mends it.
 */
#ifndef DIAL_HISTORY_WRITE_H
#define DIAL_HISTORY_WRITE_H

#include "ctx/ctx.h"
#include "policy/learned.h"

/* Adds news to the entry, which is as the store has it, and writes it if it is time to. */
void history_write(struct mox_ctx *ctx, const char *key, struct learned_entry *entry,
                   const struct learned_entry *news);

/* The same, of an entry that is read first, in at most timeout_us. */
void history_write_unread(struct mox_ctx *ctx, const char *key, const struct learned_entry *news,
                          uint64_t timeout_us);

#endif
