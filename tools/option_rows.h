/*
 * option_rows.h - every option of the command, a row each. The parser, the help and the message
 * about an option in the wrong place are made from this table.
 */
#ifndef TOOLS_OPTION_ROWS_H
#define TOOLS_OPTION_ROWS_H

#include "options.h"

struct option_row {
    const char *name;
    char letter;     /* 0: none */
    unsigned group;  /* one OPTIONS_ bit */
    const char *arg; /* its name in the help; NULL: takes none */
    const char *help;
    int (*set)(struct options *options, const struct option_row *row, const char *value,
               struct mox_error *err);
    size_t field;   /* offset in struct options */
    uint32_t value; /* the greatest number, or the bit to set */
};

enum { OPTION_ROWS_MOST = 64 }; /* for what is built from them */

extern const struct option_row option_rows[];
extern const size_t option_rows_count;

/* "host", "host:port", "[ip]:port" or an address alone; host holds cap bytes. */
bool option_split_host_port(const char *text, char *host, size_t cap);

#endif
