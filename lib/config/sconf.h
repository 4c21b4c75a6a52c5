/*
 * sconf.h - the lines of an sconf file: what the format calls content, with the faults of a line
 * that need no knowledge of its block (mox's config format, sconf `parse.go`).
 *
 * No allocation; everything is borrowed from the text.
 */
#ifndef CONFIG_SCONF_H
#define CONFIG_SCONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum sconf_fault {
    SCONF_GOOD = 0,
    SCONF_LONG,   /* over MOX_LIMIT_CONFIG_LINE; text is empty */
    SCONF_NUL,    /* no text file; text is empty */
    SCONF_BOM,    /* text is what follows it */
    SCONF_UTF8,   /* text is the whole line */
    SCONF_CR,     /* the first line that ends in CR; text, of later lines too, is without it */
    SCONF_BLANKS, /* white space alone */
};

struct sconf_line {
    uint32_t number; /* from 1 */
    uint32_t tabs;   /* that it begins with */
    struct slice text;
    enum sconf_fault fault;
    bool comment;        /* returned only if it has a fault */
    size_t byte, offset; /* of the fault: in the line, from 1; in the file, from 0 */
};

struct sconf {
    struct slice text;
    size_t at;
    uint32_t line;
    size_t nul, invalid; /* where the next such byte stands; text.len: nowhere */
    bool cr_seen;
};

void config_sconf_start(struct sconf *s, struct slice text);

/* The next line with content or a fault; false: the end. */
bool config_sconf_next(struct sconf *s, struct sconf_line *line);

/* Bytes of the white space character (as Unicode has it) at `at`; 0: none stands there. */
size_t config_sconf_white(struct slice s, size_t at);

#endif
