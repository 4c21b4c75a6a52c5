/*
 * error.h - filling struct mox_error.
 *
 * error_set is called once, where the reason is known. It derives about, action and permanent from
 * the code (one table, error.c); whoever knows better sets the field after it. The dialer alone
 * adds host and address. All functions accept err == NULL.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>

#include <moxdial/base.h>

#include "base/slice.h"

/* Errors are seldom: the compiler makes the way to one small, and keeps it out of the others' way.
 */
#if defined(__GNUC__)
#define ERROR_PRINTF(at, first) __attribute__((cold, format(printf, at, first)))
#define ERROR_COLD __attribute__((cold))
#else
#define ERROR_PRINTF(at, first)
#define ERROR_COLD
#endif

/* Fills err completely and returns code, so that `return error_set(...)` reads well. */
int error_set(struct mox_error *err, int code, const char *format, ...) ERROR_PRINTF(3, 4);

/* MOX_E_NOMEM with its sentence. */
int error_nomem(struct mox_error *err) ERROR_COLD;

/* What an ops function returned, MOX_ERRNO(e) or a code, as an error; what: "connect to", … */
int error_from_op(struct mox_error *err, int code, const char *what) ERROR_COLD;

/* A file that the configuration names cannot be used: its words stay, its code becomes
 * MOX_E_CONFIG, which is returned. Of MOX_E_NOMEM nothing changes. */
int error_in_config(struct mox_error *err) ERROR_COLD;

/* err->host, cut to fit; returns err->code. */
int error_at_host(struct mox_error *err, const char *host);

/* Success: only code is written. */
int error_none(struct mox_error *err);

#endif
