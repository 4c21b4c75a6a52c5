/*
 * error.h - the command's own errors, and what any error means to the parent process.
 */
#ifndef TOOLS_ERROR_H
#define TOOLS_ERROR_H

#include <moxdial.h>

#if defined(__GNUC__)
#define TOOL_PRINTF(at, first) __attribute__((format(printf, at, first)))
#define TOOL_NORETURN __attribute__((noreturn))
#else
#define TOOL_PRINTF(at, first)
#define TOOL_NORETURN
#endif

/* sysexits.h as cli.md uses it; the header itself is not in POSIX. */
enum {
    EXIT_DONE = 0,
    EXIT_USAGE = 64,
    EXIT_DATA = 65,
    EXIT_NO_USER = 67,
    EXIT_NO_HOST = 68,
    EXIT_PERMANENT = 69,
    EXIT_INTERNAL = 70,
    EXIT_TEMPORARY = 75,
    EXIT_PROTOCOL = 76,
    EXIT_POLICY = 77,
    EXIT_CONFIG = 78
};

/* Fills err completely, as the library would, and returns code. */
int tool_error(struct mox_error *err, int code, int stage, const char *format, ...)
    TOOL_PRINTF(4, 5);

/* The exit status of every command but `send`, which has mox_error_exit_code. */
int tool_exit_status(const struct mox_error *err);

/* A command has nothing better to do without memory than to say so and be tried again. */
void tool_out_of_memory(void) TOOL_NORETURN;

/* Zeroed memory for count things of that size, to be freed by free; never NULL. */
void *tool_alloc(size_t count, size_t size);

/* The same memory with room for count things; never NULL. */
void *tool_grow(void *memory, size_t count, size_t size);

#endif
