/* SPDX-License-Identifier: MIT */
#include "analyzer/base/lines.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"

char *lines_word(char **at)
{
	char *begin = *at, *end = begin + strcspn(begin, " \t");

	*at = end + strspn(end, " \t");
	*end = '\0';
	return begin;
}

static char *trimmed(char *line)
{
	char *end = line + strlen(line);

	while (end > line && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return line + strspn(line, " \t");
}

char *lines_read(const char *path, const char *(*take)(void *context, char *line), void *context)
{
	FILE *file = fopen(path, "re");
	char *line = NULL, *trouble = NULL;
	size_t room = 0;
	unsigned number = 0;

	if (!file)
		return xasprintf("%s: %s", path, strerror(errno));
	errno = 0;
	while (!trouble && getline(&line, &room, file) >= 0) {
		char *text = trimmed(line);
		const char *wrong = *text && *text != '#' ? take(context, text) : NULL;

		number++;
		if (wrong)
			trouble = xasprintf("%s:%u: %s", path, number, wrong);
	}
	if (!trouble && ferror(file))
		trouble = xasprintf("%s: %s", path, strerror(errno));
	free(line);
	fclose(file);
	return trouble;
}
