/*
 * preflight_page.h - the report of a preflight as a page for a browser: one file, nothing loaded.
 */
#ifndef TOOLS_PREFLIGHT_PAGE_H
#define TOOLS_PREFLIGHT_PAGE_H

#include <moxdial.h>

/* Writes or replaces the file. MOX_OK, or why it could not be written. */
int preflight_page_write(const char *file, const struct mox_preflight_report *report,
                         struct mox_error *err);

#endif
