/* SPDX-License-Identifier: MIT */
/* A user's own names: lines of PATTERN RANGE NAME. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "analyzer/base/lines.h"
#include "analyzer/names/table.h"

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

/* NULL: taken. Else what is wrong. */
static const char *take_line(void *context, char *line)
{
	struct range_names *names = context;
	struct named_range row = { .kind = ANY_FILE, .world = RECORD_LOCKS };
	char *at = xstrdup(line), *range;

	vec_push(&names->texts, at);
	row.paths = lines_word(&at);
	range = lines_word(&at);
	if (!*range)
		return "needs PATTERN RANGE NAME";
	if (!parse_range(range, &row))
		return "the range must be [START,END), [START,EOF) or flock";
	if (!*at)
		return "the name is missing";
	row.name = at;
	vec_push(&names->own, row);
	return NULL;
}

char *range_names_read(struct range_names *names, const char *path)
{
	return lines_read(path, take_line, names);
}
