/* SPDX-License-Identifier: MIT */
/* The resources as a table. */
#include <libsmartcols.h>
#include <locale.h>

#include "analyzer/base/units.h"
#include "analyzer/render/text.h"
#include "trace/names.h"

typedef const char *(*cell_function)(struct text *text, const struct resource *resource);

static const char *cell_FILE(struct text *text, const struct resource *resource)
{
	return phrase_file(&text->scratch, text->catalog, resource->file, text->directory);
}

static const char *cell_RANGE(struct text *text, const struct resource *resource)
{
	char *range;

	if (resource->world == FLOCK_LOCKS)
		return "flock";
	range = units_range(scratch_room(&text->scratch), resource->start, resource->end);
	return resource->folded ? scratch_format(&text->scratch, "others in %s", range) : range;
}

static const char *cell_NAME(struct text *text, const struct resource *resource)
{
	char room[NAMES_ROOM];
	const char *name = range_names_of(text->names, resource->file, resource->world,
					  resource->start, resource->end, room);

	return name ? phrase_escaped(&text->scratch, name) : "";
}

/* Each libc function or kind of lock once: "fcntl", "lockf", "OFD", "flock". */
static const char *cell_API(struct text *text, const struct resource *resource)
{
	bool ofd = false;
	const char *names = "";

	for (unsigned op = 0; op < LOCK_OPS; op++) {
		const struct lock_op_info *info = &lock_ops[op];
		bool is_ofd = info->world == WORLD_RECORD && info->owner == OWNER_DESCRIPTION;
		bool named = is_ofd && ofd;

		if (!(resource->ops >> op & 1))
			continue;
		for (unsigned before = 0; before < op && !named && !is_ofd; before++)
			named = resource->ops >> before & 1 &&
				lock_ops[before].owner == info->owner &&
				lock_ops[before].call == info->call;
		ofd |= is_ofd;
		if (!named)
			names = scratch_format(&text->scratch, "%s%s%s", names, *names ? " " : "",
					       is_ofd ? "OFD" : info->call);
	}
	return names;
}

static const char *cell_ACQUIRED(struct text *text, const struct resource *resource)
{
	return phrase_count(&text->scratch, resource->acquisitions);
}

static const char *cell_WAITED(struct text *text, const struct resource *resource)
{
	return phrase_count(&text->scratch, resource->contended);
}

static const char *cell_FAILED(struct text *text, const struct resource *resource)
{
	return phrase_count(&text->scratch, resource->failed_tries);
}

static const char *time_of(struct text *text, const struct distribution *all, uint64_t ns)
{
	return all->count ? phrase_duration(&text->scratch, ns) : "-";
}

static const char *cell_WAIT_TOTAL(struct text *text, const struct resource *resource)
{
	return time_of(text, &resource->wait, resource->wait.total);
}

static const char *cell_WAIT_MAX(struct text *text, const struct resource *resource)
{
	return time_of(text, &resource->wait, resource->wait.max);
}

static const char *cell_WAIT_P50(struct text *text, const struct resource *resource)
{
	return time_of(text, &resource->wait, resource->wait.p50);
}

static const char *cell_WAIT_P99(struct text *text, const struct resource *resource)
{
	return time_of(text, &resource->wait, resource->wait.p99);
}

static const char *cell_HOLD_TOTAL(struct text *text, const struct resource *resource)
{
	return time_of(text, &resource->hold, resource->hold.total);
}

static const char *cell_HOLD_MAX(struct text *text, const struct resource *resource)
{
	return time_of(text, &resource->hold, resource->hold.max);
}

static const struct {
	const char *header;
	cell_function cell;
	bool right;
	bool rare; /* left out where it is empty */
} columns[] = {
#define X(id, header, right, rare) { header, cell_##id, right, rare },
#include "analyzer/render/columns.def"
#undef X
};

#define COLUMNS (sizeof(columns) / sizeof(*columns))

static bool is_empty(struct text *text, size_t column, uint32_t shown)
{
	for (uint32_t i = 0; i < shown; i++)
		if (*columns[column].cell(text, &text->report->resources[i]))
			return false;
	return true;
}

static struct libscols_table *fill(struct text *text, uint32_t shown)
{
	struct libscols_table *table = scols_new_table();

	if (!table)
		return NULL;
	for (size_t i = 0; i < COLUMNS; i++)
		scols_table_new_column(table, columns[i].header, 0,
				       (columns[i].right ? SCOLS_FL_RIGHT : 0) |
					       (columns[i].rare && is_empty(text, i, shown)
							? SCOLS_FL_HIDDEN
							: 0));
	for (uint32_t i = 0; i < shown; i++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		for (size_t c = 0; line && c < COLUMNS; c++)
			scols_line_set_data(line, c,
					    columns[c].cell(text, &text->report->resources[i]));
	}
	return table;
}

/* Full width everywhere, and UTF-8 whatever the locale: the same text on each machine. */
static void print(struct text *text, struct libscols_table *table)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0), old = (locale_t)0;

	if (utf8)
		old = uselocale(utf8);
	scols_table_set_stream(table, text->out);
	scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	scols_table_enable_noencoding(table, 1); /* the cells are escaped already */
	scols_print_table(table);
	if (utf8) {
		uselocale(old);
		freelocale(utf8);
	}
}

void text_resources(struct text *text)
{
	uint32_t count = text->report->resource_count, shown = text_shown(text, count);
	struct libscols_table *table;

	if (!count)
		return;
	table = fill(text, shown);
	text_heading(text, "Resources, by time waited");
	if (table)
		print(text, table);
	else
		fputs("(no memory for the table)\n", text->out);
	scols_unref_table(table);
	if (count > shown)
		fprintf(text->out, "and %s more.\n", phrase_count(&text->scratch, count - shown));
	scratch_reset(&text->scratch);
}
