/* SPDX-License-Identifier: MIT */
/* A user's own names: lines of PATTERN RANGE NAME. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/names/table.h"

/* Cuts the next word off. "": there is none. */
static char *word(char **at)
{
	char *begin = *at + strspn(*at, " \t"), *end = begin + strcspn(begin, " \t");

	*at = *end ? end + 1 : end;
	*end = '\0';
	return begin;
}

static bool parse_offset(char **at, uint64_t *offset)
{
	if (!isdigit((unsigned char)**at))
		return false;
	errno = 0;
	*offset = strtoull(*at, at, 0);
	return !errno && *offset < RANGE_TO_EOF;
}

/* "[0,100)", "[100,EOF)", "flock". */
static bool parse_range(char *text, struct named_range *row)
{
	if (!strcmp(text, "flock")) {
		row->world = FLOCK_LOCKS;
		return true;
	}
	if (*text++ != '[' || !parse_offset(&text, &row->start) || *text++ != ',')
		return false;
	if (!strncmp(text, "EOF", 3)) {
		row->end = RANGE_TO_EOF;
		text += 3;
	} else if (!parse_offset(&text, &row->end)) {
		return false;
	}
	return !strcmp(text, ")") && row->start < row->end;
}

/* NULL: taken, or nothing in it. Else what is wrong. */
static const char *take_line(struct range_names *names, char *line)
{
	struct named_range row = { .kind = ANY_FILE, .world = RECORD_LOCKS };
	char *end = line + strlen(line), *at = line, *range;

	while (end > line && isspace((unsigned char)end[-1]))
		*--end = '\0';
	row.paths = word(&at);
	if (!*row.paths || *row.paths == '#')
		return NULL;
	range = word(&at);
	if (!*range)
		return "needs PATTERN RANGE NAME";
	if (!parse_range(range, &row))
		return "the range must be [START,END), [START,EOF) or flock";
	at += strspn(at, " \t");
	if (!*at)
		return "the name is missing";
	row.name = at;
	vec_push(&names->own, row);
	return NULL;
}

char *range_names_read(struct range_names *names, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL, *trouble = NULL;
	size_t room = 0;
	unsigned number = 0;

	if (!file)
		return xasprintf("%s: %s", path, strerror(errno));
	errno = 0;
	while (!trouble && getline(&line, &room, file) >= 0) {
		char *kept = xstrdup(line);
		const char *wrong;

		vec_push(&names->texts, kept);
		wrong = take_line(names, kept);
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
