/*
 * waterfall.h - the attempts of a dial as bars on a time axis.
 */
#ifndef TOOLS_WATERFALL_H
#define TOOLS_WATERFALL_H

#include <moxdial.h>

/* Prints nothing where nothing was tried. Width: $COLUMNS, the terminal's, or 80. */
void waterfall_print(const struct mox_plan *plan);

#endif
