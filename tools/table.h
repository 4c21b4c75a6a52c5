/*
 * table.h - rows of text in aligned columns.
 */
#ifndef TOOLS_TABLE_H
#define TOOLS_TABLE_H

#include <stddef.h>

enum { TABLE_COLUMNS = 8 };

struct table {      /* {columns} is ready */
    size_t columns; /* at most TABLE_COLUMNS */
    size_t ncells;
    size_t cap;   /* cells that fit */
    char **cells; /* row by row; owned */
};

/* One row; cells are copied and cleaned, "" leaves one empty. */
void table_row(struct table *table, const char *const cells[]);

/* Prints, the rows moved in by `indent` blanks, and frees the rows. */
void table_print(struct table *table, int indent);

#endif
