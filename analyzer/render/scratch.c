/* SPDX-License-Identifier: MIT */
#include "analyzer/render/scratch.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyzer/base/units.h"

const char *scratch_take(struct scratch *scratch, char *text)
{
	vec_push(&scratch->strings, text);
	return text;
}

const char *scratch_format(struct scratch *scratch, const char *format, ...)
{
	va_list list;
	char *text;
	int length;

	va_start(list, format);
	length = vsnprintf(NULL, 0, format, list);
	va_end(list);
	text = xrealloc(NULL, (size_t)length + 1);
	va_start(list, format);
	vsnprintf(text, (size_t)length + 1, format, list);
	va_end(list);
	return scratch_take(scratch, text);
}

char *scratch_room(struct scratch *scratch)
{
	char *room = xcalloc(1, UNITS_ROOM);

	scratch_take(scratch, room);
	return room;
}

void scratch_reset(struct scratch *scratch)
{
	for (uint32_t i = 0; i < scratch->strings.count; i++)
		free(scratch->strings.items[i]);
	scratch->strings.count = 0;
}

void scratch_free(struct scratch *scratch)
{
	scratch_reset(scratch);
	vec_free(&scratch->strings);
}
