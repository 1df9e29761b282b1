/* SPDX-License-Identifier: MIT */
/* Strings for the moment: made freely, given back all together. Zero-initialised is empty. */
#ifndef ANALYZER_RENDER_SCRATCH_H
#define ANALYZER_RENDER_SCRATCH_H

#include <stddef.h>

#include "analyzer/base/vec.h"

struct scratch {
	VEC(char *) strings;
};

/* Takes over a string from malloc(). */
const char *scratch_take(struct scratch *scratch, char *text);
const char *scratch_format(struct scratch *scratch, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* UNITS_ROOM bytes for one of the functions of units.h. */
char *scratch_room(struct scratch *scratch);
/* Frees every string made so far. */
void scratch_reset(struct scratch *scratch);
void scratch_free(struct scratch *scratch);

#endif
