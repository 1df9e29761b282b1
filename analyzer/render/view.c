/* SPDX-License-Identifier: MIT */
#include "analyzer/render/view.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "analyzer/base/memory.h"

static const struct {
	const char *name, *heading;
} views[] = {
	[BY_RESOURCE] = { "resource", "Resources" },
	[BY_SITE] = { "site", "Sites" },
	[BY_PROCESS] = { "process", "Processes" },
	[BY_COMMAND] = { "command", "Commands" },
};

static const struct {
	const char *key, *heading;
} sort_keys[] = {
#define X(id, key, by, value) { key, by },
#include "analyzer/render/sort_keys.def"
#undef X
};

enum shown { ALWAYS, IF_ANY, NEVER, IN_RESOURCES, IN_SITES, IN_PROCESSES, IN_COMMANDS };

static const struct {
	const char *header, *about;
	bool right;
	enum shown shown;
} columns[] = {
#define X(id, header, right, shown, about) { header, about, right, shown },
#include "analyzer/render/columns.def"
#undef X
};

_Static_assert(COLUMNS <= COLUMNS_ROOM / 2, "a list of columns has room");

#define VIEWS (sizeof(views) / sizeof(*views))

bool view_parse_by(const char *text, enum view_by *by)
{
	for (unsigned i = 0; i < VIEWS; i++)
		if (!strcmp(views[i].name, text)) {
			*by = (enum view_by)i;
			return true;
		}
	return false;
}

static const char *const stacks_views[] = {
	[STACKS_NONE] = NULL,
	[STACKS_WAITED] = "waited",
	[STACKS_CAUSED] = "caused",
	[STACKS_BOTH] = "both",
};

bool view_parse_stacks(const char *text, enum stacks_view *stacks)
{
	for (unsigned i = STACKS_WAITED; i <= STACKS_BOTH; i++)
		if (!strcmp(stacks_views[i], text)) {
			*stacks = (enum stacks_view)i;
			return true;
		}
	return false;
}

static const char *const blame_views[] = {
	[BLAME_NONE] = NULL,
	[BLAME_SITE] = "site",
	[BLAME_PROCESS] = "process",
	[BLAME_RESOURCE] = "resource",
};

bool view_parse_blame(const char *text, enum blame_view *blame)
{
	for (unsigned i = BLAME_SITE; i <= BLAME_RESOURCE; i++)
		if (!strcmp(blame_views[i], text)) {
			*blame = (enum blame_view)i;
			return true;
		}
	return false;
}

bool view_parse_sort(const char *text, enum sort_key *sort)
{
	for (unsigned i = 0; i < SORT_KEYS; i++)
		if (!strcasecmp(sort_keys[i].key, text)) {
			*sort = (enum sort_key)i;
			return true;
		}
	return false;
}

static bool same_name(const char *header, const char *text, size_t length)
{
	if (strlen(header) != length)
		return false;
	for (size_t i = 0; i < length; i++)
		if (header[i] != toupper((unsigned char)text[i]) &&
		    !(header[i] == ' ' && text[i] == '-'))
			return false;
	return true;
}

static bool add_column(struct view *view, const char *name, size_t length)
{
	for (unsigned i = 0; i < COLUMNS; i++)
		if (same_name(columns[i].header, name, length) &&
		    view->column_count < COLUMNS_ROOM) {
			view->columns[view->column_count++] = (uint8_t)i;
			return true;
		}
	return false;
}

static void add_usual(struct view *view, enum view_by by)
{
	bool if_any;

	for (unsigned i = 0; i < COLUMNS; i++)
		if (view_column_is_usual((enum column)i, by, &if_any) && !if_any)
			view->columns[view->column_count++] = (uint8_t)i;
}

const char *view_parse_columns(const char *list, enum view_by by, struct view *view)
{
	static char wrong[64];

	view->chosen = true;
	view->column_count = 0;
	if (*list == '+') {
		add_usual(view, by);
		list++;
	}
	for (;;) {
		size_t length = strcspn(list, ",");

		if (!add_column(view, list, length)) {
			snprintf(wrong, sizeof(wrong), "%.*s", length > 60 ? 60 : (int)length,
				 list);
			return wrong;
		}
		if (!list[length])
			return NULL;
		list += length + 1;
	}
}

static char *joined(char *list, const char *word)
{
	char *longer = list ? xasprintf("%s, %s", list, word) : xstrdup(word);

	for (char *at = longer + strlen(longer) - strlen(word); *at; at++)
		if (*at == ' ')
			*at = '-';
	free(list);
	return longer;
}

char *view_choices_by(void)
{
	char *list = NULL;

	for (unsigned i = 0; i < VIEWS; i++)
		list = joined(list, views[i].name);
	return list;
}

char *view_choices_sort(void)
{
	char *list = NULL;

	for (unsigned i = 0; i < SORT_KEYS; i++)
		list = joined(list, sort_keys[i].key);
	return list;
}

char *view_choices_stacks(void)
{
	char *list = NULL;

	for (unsigned i = STACKS_WAITED; i <= STACKS_BOTH; i++)
		list = joined(list, stacks_views[i]);
	return list;
}

char *view_choices_blame(void)
{
	char *list = NULL;

	for (unsigned i = BLAME_SITE; i <= BLAME_RESOURCE; i++)
		list = joined(list, blame_views[i]);
	return list;
}

char *view_choices_columns(void)
{
	char *list = NULL;

	for (unsigned i = 0; i < COLUMNS; i++)
		list = joined(list, columns[i].header);
	return list;
}

void view_list_columns(FILE *out)
{
	for (unsigned i = 0; i < COLUMNS; i++) {
		char *name = joined(NULL, columns[i].header);

		fprintf(out, "%13s  %s\n", name, columns[i].about);
		free(name);
	}
}

const char *view_by_name(enum view_by by)
{
	return views[by].name;
}

const char *view_by_heading(enum view_by by)
{
	return views[by].heading;
}

const char *view_sort_name(enum sort_key sort)
{
	return sort_keys[sort].key;
}

const char *view_sort_heading(enum sort_key sort)
{
	return sort_keys[sort].heading;
}

uint64_t view_sort_value(enum sort_key sort, const struct resource *counts)
{
	switch (sort) {
#define X(id, key, by, value) \
	case SORT_##id:       \
		return counts->value;
#include "analyzer/render/sort_keys.def"
#undef X
	case SORT_KEYS:
		break;
	}
	return 0;
}

const char *view_column_header(enum column column)
{
	return columns[column].header;
}

bool view_column_is_right(enum column column)
{
	return columns[column].right;
}

bool view_column_is_usual(enum column column, enum view_by by, bool *if_any)
{
	*if_any = columns[column].shown == IF_ANY;
	switch (columns[column].shown) {
	case ALWAYS:
		return true;
	case IF_ANY:
	case IN_RESOURCES:
		return by == BY_RESOURCE;
	case IN_SITES:
		return by == BY_SITE;
	case IN_PROCESSES:
		return by == BY_PROCESS;
	case IN_COMMANDS:
		return by == BY_COMMAND;
	case NEVER:
		break;
	}
	return false;
}

struct ordered {
	struct view_row row;
	uint64_t value, wait;
	uint32_t number; /* where it stood before */
};

/* By the key, then by time waited, then as they were. */
static int larger_first(const void *left, const void *right)
{
	const struct ordered *a = left, *b = right;

	if (a->value != b->value)
		return a->value > b->value ? -1 : 1;
	if (a->wait != b->wait)
		return a->wait > b->wait ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

static void add_row(struct ordered *rows, uint32_t *count, enum sort_key sort,
		    const struct resource *counts, const struct report_group *group)
{
	rows[*count] = (struct ordered){
		.row = { counts, group },
		.value = view_sort_value(sort, counts),
		.wait = counts->wait.total,
		.number = *count,
	};
	++*count;
}

struct view_row *view_rows(const struct report *report, enum sort_key sort, bool all,
			   uint32_t *count)
{
	size_t room = (size_t)report->resource_count + report->group_count + report->fold_count + 1;
	struct ordered *order = xcalloc(room, sizeof(*order));
	struct view_row *rows = xcalloc(room, sizeof(*rows));

	*count = 0;
	if (report->by != BY_RESOURCE)
		for (uint32_t i = 0; i < report->group_count; i++)
			add_row(order, count, sort, &report->groups[i].counts, &report->groups[i]);
	for (uint32_t i = 0; report->by == BY_RESOURCE && i < report->resource_count; i++) {
		const struct resource *one = &report->resources[i];

		if (all || !one->fold)
			add_row(order, count, sort, one, NULL);
	}
	for (uint32_t i = 0; report->by == BY_RESOURCE && !all && i < report->fold_count; i++)
		add_row(order, count, sort, &report->folds[i].counts, &report->folds[i]);
	qsort(order, *count, sizeof(*order), larger_first);
	for (uint32_t i = 0; i < *count; i++)
		rows[i] = order[i].row;
	free(order);
	return rows;
}
