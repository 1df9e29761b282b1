/* SPDX-License-Identifier: MIT */
/* How the table of uses is to look: what its lines are, their order, its columns. */
#ifndef ANALYZER_RENDER_VIEW_H
#define ANALYZER_RENDER_VIEW_H

#include <stdio.h>

#include "analyzer/stats/report.h"

enum sort_key {
#define X(id, ...) SORT_##id,
#include "analyzer/render/sort_keys.def"
#undef X
	SORT_KEYS
};

enum column {
#define X(id, ...) COLUMN_##id,
#include "analyzer/render/columns.def"
#undef X
	COLUMNS
};

/* The trees of stacks that are wanted. */
enum stacks_view { STACKS_NONE, STACKS_WAITED, STACKS_CAUSED, STACKS_BOTH };

/* The table of blame that is wanted. */
enum blame_view { BLAME_NONE, BLAME_SITE, BLAME_PROCESS, BLAME_RESOURCE };

#define COLUMNS_ROOM 64

/* All zero: resources by time waited, in the usual columns. */
struct view {
	enum sort_key sort;
	bool chosen; /* columns: these, in this order */
	uint8_t columns[COLUMNS_ROOM], column_count;
};

/* "site". False: there is no such view. */
bool view_parse_by(const char *text, enum view_by *by);
bool view_parse_stacks(const char *text, enum stacks_view *stacks);
bool view_parse_blame(const char *text, enum blame_view *blame);
bool view_parse_sort(const char *text, enum sort_key *sort);
/*
 * "FILE,WAIT", in any case; "+INODE": after the usual ones of `by`. NULL: taken; else the first
 * name that there is not, in static memory, or "" for an empty list.
 */
const char *view_parse_columns(const char *list, enum view_by by, struct view *view);
/* The choices, for a line that refuses: "resource, site, process, command". For the caller to free.
 */
char *view_choices_by(void);
char *view_choices_sort(void);
char *view_choices_stacks(void);
char *view_choices_blame(void);
char *view_choices_columns(void);
void view_list_columns(FILE *out);

const char *view_by_name(enum view_by by);	   /* "resource" */
const char *view_by_heading(enum view_by by);	   /* "Resources" */
const char *view_sort_name(enum sort_key sort);	   /* "wait" */
const char *view_sort_heading(enum sort_key sort); /* "time waited" */
uint64_t view_sort_value(enum sort_key sort, const struct resource *counts);
const char *view_column_header(enum column column);
bool view_column_is_right(enum column column);
/* Whether it is shown where none were chosen; *if_any: only if a line has it. */
bool view_column_is_usual(enum column column, enum view_by by, bool *if_any);

/* A line of the table: a resource of its own, or a group. */
struct view_row {
	const struct resource *counts;
	const struct report_group *group; /* NULL: a resource of its own */
};

/* The lines in their order; all: none folded. For the caller to free. */
struct view_row *view_rows(const struct report *report, enum sort_key sort, bool all,
			   uint32_t *count);

#endif
