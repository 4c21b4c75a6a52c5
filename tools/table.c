/*
 * table.c - see table.h. Widths are counted in characters, so names in UTF-8 keep the columns.
 */
#include "table.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "output.h"

static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static char *clean_copy(const char *text)
{
    size_t cap = strlen(text) + 1;
    char *copy = tool_alloc(cap, 1);

    output_clean(text, copy, cap);
    return copy;
}

void table_row(struct table *table, const char *const cells[])
{
    if (table->ncells + table->columns > table->cap) {
        table->cap = table->cap == 0 ? (size_t)16 * TABLE_COLUMNS : 2 * table->cap;
        table->cells = tool_grow(table->cells, table->cap, sizeof *table->cells);
    }
    for (size_t i = 0; i < table->columns; i++)
        table->cells[table->ncells++] = clean_copy(cells[i]);
}

static void print_row(const struct table *table, char **row, const size_t *widths)
{
    size_t blanks = 0; /* owed before the next text, so that no line ends in any */

    for (size_t column = 0; column < table->columns; column++) {
        if (row[column][0] != '\0') {
            printf("%*s%s", (int)blanks, "", row[column]);
            blanks = 0;
        }
        if (widths[column] > 0)
            blanks += widths[column] - width_of(row[column]) + 2;
    }
    putchar('\n');
}

void table_print(struct table *table, int indent)
{
    size_t widths[TABLE_COLUMNS] = {0};

    for (size_t i = 0; i < table->ncells; i++) {
        size_t width = width_of(table->cells[i]);

        if (width > widths[i % table->columns])
            widths[i % table->columns] = width;
    }
    for (size_t i = 0; i < table->ncells; i += table->columns) {
        printf("%*s", indent, "");
        print_row(table, table->cells + i, widths);
    }
    for (size_t i = 0; i < table->ncells; i++)
        free(table->cells[i]);
    free(table->cells);
    *table = (struct table){.columns = table->columns};
}
