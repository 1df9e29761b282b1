/* SPDX-License-Identifier: MIT */
/* The tables of the text report. */
#ifndef ANALYZER_RENDER_TEXT_TABLE_H
#define ANALYZER_RENDER_TEXT_TABLE_H

#include <libsmartcols.h>
#include <stdio.h>

/*
 * Prints it and gives it back. NULL: there was no memory for it, and that is said. Full width
 * everywhere, and UTF-8 whatever the locale: the same text on each machine.
 */
void text_table_print(FILE *out, struct libscols_table *table);

#endif
