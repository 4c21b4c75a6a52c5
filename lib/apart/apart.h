/*
 * apart.h - what the libraries of their own (curl, sqlite, redis) have in common. They know the
 * public headers alone, so errors are made here by hand; each library has a hidden copy of this.
 */
#ifndef APART_APART_H
#define APART_APART_H

#include <moxdial/ops.h>

/* What mox_store_ops promises of keys and values, in bytes. */
enum { APART_KEY = 1000, APART_VALUE = 128 << 10 };

/* An error about this machine, which will pass; returns the code. err may be NULL. */
int apart_fail(struct mox_error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int apart_nomem(struct mox_error *err);

#endif
