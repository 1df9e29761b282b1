/* SPDX-License-Identifier: MIT */
/* The uses of locks as a table: by resource, site, process or command. */
#include <inttypes.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

#include "analyzer/base/path_pattern.h"
#include "analyzer/base/units.h"
#include "analyzer/render/text.h"
#include "analyzer/render/text_table.h"
#include "trace/names.h"

typedef const char *(*cell_function)(struct text *text, const struct view_row *row);

static const char *cell_FILE(struct text *text, const struct view_row *row)
{
	const char *path =
		phrase_file(&text->scratch, text->catalog, row->counts->file, text->directory);
	char *folded;

	if (!row->group)
		return path;
	if (text->report->by != BY_RESOURCE)
		return "";
	if (row->group->files < 2)
		return path;
	folded = fold_path(path);
	path = scratch_format(&text->scratch, "%s (%s files)", folded,
			      phrase_count(&text->scratch, row->group->files));
	free(folded);
	return path;
}

static const char *cell_RANGE(struct text *text, const struct view_row *row)
{
	const struct resource *counts = row->counts;
	char *range;

	if (text->report->by != BY_RESOURCE)
		return "";
	if (counts->world == FLOCK_LOCKS)
		return "flock";
	range = units_range(scratch_room(&text->scratch), counts->start, counts->end);
	if (!row->group || row->group->ranges < 2)
		return counts->folded ? scratch_format(&text->scratch, "others in %s", range)
				      : range;
	return scratch_format(&text->scratch, "%s%s in %s",
			      phrase_count(&text->scratch, row->group->ranges),
			      counts->folded ? " and more" : " ranges", range);
}

static const char *cell_NAME(struct text *text, const struct view_row *row)
{
	char room[NAMES_ROOM];
	const char *name = NULL;

	if (text->report->by == BY_RESOURCE && !(row->group && row->group->ranges > 1))
		name = range_names_of(text->names, row->counts->file, row->counts->world,
				      row->counts->start, row->counts->end, room);
	return name ? phrase_escaped(&text->scratch, name) : "";
}

static const char *cell_SITE(struct text *text, const struct view_row *row)
{
	struct site site;
	bool has_source;
	const char *place;

	if (!row->group || row->group->stack == NONE)
		return text->report->by == BY_SITE ? "not known" : "";
	site = site_of(text->catalog, text->symbols, row->group->stack);
	place = site_culprit(&text->scratch, &site, &has_source);
	site_free(&site);
	return place ? place : "not known";
}

static const char *cell_PROCESS(struct text *text, const struct view_row *row)
{
	if (text->report->by != BY_PROCESS)
		return "";
	return phrase_process(&text->scratch, text->catalog, row->group->process, 0);
}

static const char *cell_COMMAND(struct text *text, const struct view_row *row)
{
	const struct catalog *catalog = text->catalog;
	uint32_t process = row->group ? row->group->process : NONE;

	if (process >= catalog->process_count)
		return text->report->by == BY_COMMAND ? "not known" : "";
	return phrase_escaped(&text->scratch, catalog->processes[process].command);
}

static const char *cell_PROCESSES(struct text *text, const struct view_row *row)
{
	return text->report->by == BY_COMMAND ? phrase_count(&text->scratch, row->group->members)
					      : "";
}

static const struct file_info *file_of(struct text *text, const struct view_row *row)
{
	if (row->counts->file >= text->catalog->file_count ||
	    (row->group && row->group->files != 1))
		return NULL;
	return &text->catalog->files[row->counts->file];
}

static const char *cell_INODE(struct text *text, const struct view_row *row)
{
	const struct file_info *file = file_of(text, row);

	return file ? scratch_format(&text->scratch, "%" PRIu64, file->inode) : "";
}

static const char *cell_MAJ_MIN(struct text *text, const struct view_row *row)
{
	const struct file_info *file = file_of(text, row);

	return file ? scratch_format(&text->scratch, "%u:%u", major(file->device),
				     minor(file->device))
		    : "";
}

/* Each libc function or kind of lock once: "fcntl", "lockf", "OFD", "flock". */
static const char *cell_API(struct text *text, const struct view_row *row)
{
	bool ofd = false;
	const char *names = "";

	for (unsigned op = 0; op < LOCK_OPS; op++) {
		const struct lock_op_info *info = &lock_ops[op];
		bool is_ofd = info->world == WORLD_RECORD && info->owner == OWNER_DESCRIPTION;
		bool named = is_ofd && ofd;

		if (!(row->counts->ops >> op & 1))
			continue;
		for (unsigned before = 0; before < op && !named && !is_ofd; before++)
			named = row->counts->ops >> before & 1 &&
				lock_ops[before].owner == info->owner &&
				lock_ops[before].call == info->call;
		ofd |= is_ofd;
		if (!named)
			names = scratch_format(&text->scratch, "%s%s%s", names, *names ? " " : "",
					       is_ofd ? "OFD" : info->call);
	}
	return names;
}

static const char *cell_ACQUIRED(struct text *text, const struct view_row *row)
{
	return phrase_count(&text->scratch, row->counts->acquisitions);
}

static const char *cell_WAITED(struct text *text, const struct view_row *row)
{
	return phrase_count(&text->scratch, row->counts->contended);
}

static const char *cell_FAILED(struct text *text, const struct view_row *row)
{
	return phrase_count(&text->scratch, row->counts->failed_tries);
}

static const char *time_of(struct text *text, const struct distribution *all, uint64_t ns)
{
	return all->count ? phrase_duration(&text->scratch, ns) : "-";
}

/* With waits of unknown end among them, no time of waits is more than a bound. */
static const char *wait_time(struct text *text, const struct view_row *row, uint64_t ns)
{
	const char *time = time_of(text, &row->counts->wait, ns);

	return row->counts->waits_at_most ? scratch_format(&text->scratch, "<= %s", time) : time;
}

static const char *cell_WAIT_TOTAL(struct text *text, const struct view_row *row)
{
	return wait_time(text, row, row->counts->wait.total);
}

static const char *cell_WAIT_MAX(struct text *text, const struct view_row *row)
{
	return wait_time(text, row, row->counts->wait.max);
}

static const char *cell_WAIT_P50(struct text *text, const struct view_row *row)
{
	return wait_time(text, row, row->counts->wait.p50);
}

static const char *cell_WAIT_P99(struct text *text, const struct view_row *row)
{
	return wait_time(text, row, row->counts->wait.p99);
}

static const char *cell_HOLD_TOTAL(struct text *text, const struct view_row *row)
{
	return time_of(text, &row->counts->hold, row->counts->hold.total);
}

static const char *cell_HOLD_MAX(struct text *text, const struct view_row *row)
{
	return time_of(text, &row->counts->hold, row->counts->hold.max);
}

static const char *cell_ERRORS(struct text *text, const struct view_row *row)
{
	return phrase_count(&text->scratch, row->counts->errors);
}

static const char *cell_HOLD_P50(struct text *text, const struct view_row *row)
{
	return time_of(text, &row->counts->hold, row->counts->hold.p50);
}

static const char *cell_HOLD_P99(struct text *text, const struct view_row *row)
{
	return time_of(text, &row->counts->hold, row->counts->hold.p99);
}

/* Of what stands for several there is no one time in which it was held. */
static const char *cell_BUSY(struct text *text, const struct view_row *row)
{
	return row->group ? ""
			  : units_share(scratch_room(&text->scratch),
					busy_share(text->report, row->counts), 1000);
}

static const char *cell_CONTENDED(struct text *text, const struct view_row *row)
{
	return units_share(scratch_room(&text->scratch), contended_share(row->counts), 1000);
}

static const char *cell_QUEUE(struct text *text, const struct view_row *row)
{
	return row->group ? "" : phrase_count(&text->scratch, row->counts->queue_max);
}

static const cell_function cells[] = {
#define X(id, ...) cell_##id,
#include "analyzer/render/columns.def"
#undef X
};

static bool is_empty(struct text *text, enum column column, const struct view_row *rows,
		     uint32_t shown)
{
	for (uint32_t i = 0; i < shown; i++)
		if (*cells[column](text, &rows[i]))
			return false;
	return true;
}

/* The usual columns of this view, but those that no line has. */
static void choose_columns(struct text *text, struct view *view, const struct view_row *rows,
			   uint32_t shown)
{
	bool if_any;

	for (unsigned i = 0; i < COLUMNS; i++)
		if (view_column_is_usual((enum column)i, text->report->by, &if_any) &&
		    !(if_any && is_empty(text, (enum column)i, rows, shown)))
			view->columns[view->column_count++] = (uint8_t)i;
}

static struct libscols_table *fill(struct text *text, const struct view_row *rows, uint32_t shown)
{
	struct libscols_table *table = scols_new_table();
	struct view view = text->view;

	if (!table)
		return NULL;
	if (!view.chosen)
		choose_columns(text, &view, rows, shown);
	for (unsigned i = 0; i < view.column_count; i++)
		scols_table_new_column(table, view_column_header(view.columns[i]), 0,
				       view_column_is_right(view.columns[i]) ? SCOLS_FL_RIGHT : 0);
	for (uint32_t i = 0; i < shown; i++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		for (unsigned c = 0; line && c < view.column_count; c++)
			scols_line_set_data(line, c, cells[view.columns[c]](text, &rows[i]));
	}
	return table;
}

static uint32_t folded(const struct view_row *rows, uint32_t shown)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < shown; i++)
		count += rows[i].group != NULL;
	return count;
}

void text_resources(struct text *text)
{
	uint32_t count, shown, folds;
	struct view_row *rows = view_rows(text->report, text->view.sort, !text->top, &count);
	struct libscols_table *table;

	shown = text_shown(text, count);
	folds = text->report->by == BY_RESOURCE ? folded(rows, shown) : 0;
	if (count) {
		table = fill(text, rows, shown);
		text_heading(text, scratch_format(&text->scratch, "%s, by %s",
						  view_by_heading(text->report->by),
						  view_sort_heading(text->view.sort)));
		text_table_print(text->out, table);
	}
	if (count > shown)
		fprintf(text->out, "and %s more.\n", phrase_count(&text->scratch, count - shown));
	if (folds)
		fprintf(text->out, "%s for several; --all shows each.\n",
			phrase_number(&text->scratch, folds, "line stands", "lines stand"));
	free(rows);
	scratch_reset(&text->scratch);
}
