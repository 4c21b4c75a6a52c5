/*
 * memory.h - the default store: memory of one context. It answers at once.
 */
#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

#include <moxdial/ops.h>

struct memory_store;

/* sys: copied; its clock says when a value has had its time. NULL: no memory. */
struct memory_store *memory_store_new(const struct mox_sys_ops *sys);

/* Borrowed until the store is freed. */
const struct mox_store_ops *memory_store_ops(const struct memory_store *store);

/* The context that is answered; before the first question. */
void memory_store_attach(struct memory_store *store, struct mox_ctx *ctx);

/* Accepts NULL. */
void memory_store_free(struct memory_store *store);

#endif
