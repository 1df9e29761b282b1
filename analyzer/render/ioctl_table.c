/* SPDX-License-Identifier: MIT */
/* The ioctl requests by the time that they took. */
#include <inttypes.h>

#include "analyzer/render/ioctl_names.h"
#include "analyzer/render/text.h"
#include "analyzer/render/text_table.h"

enum ioctl_column { REQUEST, FILE_NAME, EXCLUDES, CALLS, ERRORS, TIME, P99, MAX, SLOWEST };

static const struct {
	const char *header;
	bool right;
} columns[] = {
	[REQUEST] = { "REQUEST", false },
	[FILE_NAME] = { "FILE", false },
	[EXCLUDES] = { "EXCLUDES", false },
	[CALLS] = { "CALLS", true },
	[ERRORS] = { "ERRORS", true },
	[TIME] = { "TIME", true },
	[P99] = { "P99", true },
	[MAX] = { "MAX", true },
	[SLOWEST] = { "SLOWEST", false },
};

#define COLUMN_COUNT (sizeof(columns) / sizeof(*columns))

static const char *request_name(struct text *text, const struct report_ioctl *one)
{
	const char *name = one->others ? "others" : ioctl_name(one->request);

	return name ? name : scratch_format(&text->scratch, "0x%" PRIx32, one->request);
}

static const char *place(struct text *text, const struct report_ioctl *one)
{
	struct site site = site_of(text->catalog, text->symbols, one->stack);
	bool has_source;
	const char *line = site_culprit(&text->scratch, &site, &has_source);

	site_free(&site);
	return line ? line : phrase_process(&text->scratch, text->catalog, one->process, 0);
}

static const char *calls(struct text *text, const struct report_ioctl *one)
{
	const char *count = phrase_count(&text->scratch, one->calls);

	return one->unfinished ? scratch_format(&text->scratch, "%s, %s unfinished", count,
						phrase_count(&text->scratch, one->unfinished))
			       : count;
}

static const char *cell(struct text *text, const struct report_ioctl *one, enum ioctl_column column)
{
	switch (column) {
	case REQUEST:
		return request_name(text, one);
	case FILE_NAME:
		return one->others ? ""
				   : phrase_file(&text->scratch, text->catalog, one->file,
						 text->directory);
	case EXCLUDES:
		return !one->others && ioctl_excludes(one->request) ? "others" : "";
	case CALLS:
		return calls(text, one);
	case ERRORS:
		return phrase_count(&text->scratch, one->errors);
	case TIME:
		return one->calls ? phrase_duration(&text->scratch, one->time.total) : "-";
	case P99:
		return one->calls ? phrase_duration(&text->scratch, one->time.p99) : "-";
	case MAX:
		return one->calls ? phrase_duration(&text->scratch, one->time.max) : "-";
	case SLOWEST:
		return one->calls ? place(text, one) : "";
	}
	return "";
}

static struct libscols_table *fill(struct text *text, uint32_t shown)
{
	struct libscols_table *table = scols_new_table();

	for (unsigned c = 0; table && c < COLUMN_COUNT; c++)
		scols_table_new_column(table, columns[c].header, 0,
				       columns[c].right ? SCOLS_FL_RIGHT : 0);
	for (uint32_t i = 0; table && i < shown; i++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		for (unsigned c = 0; line && c < COLUMN_COUNT; c++)
			scols_line_set_data(
				line, c,
				cell(text, &text->report->ioctls[i], (enum ioctl_column)c));
	}
	return table;
}

void text_ioctls(struct text *text)
{
	uint32_t count = text->report->ioctl_count, shown = text_shown(text, count);

	if (!count)
		return;
	text_heading(text, "ioctl requests, by time taken");
	text_table_print(text->out, fill(text, shown));
	if (count > shown)
		fprintf(text->out, "and %s more.\n", phrase_count(&text->scratch, count - shown));
	scratch_reset(&text->scratch);
}
