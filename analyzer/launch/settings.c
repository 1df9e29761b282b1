/* SPDX-License-Identifier: MIT */
#include "analyzer/launch/settings.h"

#include <stdio.h>
#include <stdlib.h>

#include "analyzer/base/memory.h"
#include "trace/settings.h"

static const struct {
	const char *name, *accepts;
} settings[] = {
#define X(id, name, fallback, accepts, help) { name, accepts },
#include "trace/settings.def"
#undef X
};

/* "exclusive, all or off", "0 to 62 or off". */
static void print_alternatives(FILE *out, const char *accepts)
{
	for (; *accepts; accepts++) {
		if (*accepts == '-')
			fputs(" to ", out);
		else if (*accepts == '|')
			fputs(strchr(accepts + 1, '|') ? ", " : " or ", out);
		else
			fputc(*accepts, out);
	}
}

static char *complaint(const char *name, const char *value, const char *accepts)
{
	char *line = NULL;
	size_t size;
	FILE *out = open_memstream(&line, &size);

	fprintf(out, "%s=%s: must be ", name, value);
	print_alternatives(out, accepts);
	fclose(out);
	return line;
}

char *settings_trouble(void)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		const char *value = getenv(settings[i].name);

		if (value && *value && !setting_accepts(settings[i].accepts, value))
			return complaint(settings[i].name, value, settings[i].accepts);
	}
	return NULL;
}
