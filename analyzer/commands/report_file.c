/* SPDX-License-Identifier: MIT */
#include "analyzer/commands/report_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/commands/command.h"
#include "analyzer/deadlock/deadlock.h"
#include "analyzer/findings/findings.h"
#include "analyzer/names/names.h"
#include "analyzer/read/merged.h"
#include "analyzer/render/render.h"
#include "analyzer/stats/filter.h"
#include "analyzer/stats/report.h"
#include "analyzer/symbols/symbols.h"

#define USUAL_TOP 10

struct trace_report {
	const struct report_options *options;
	char *directory; /* NULL: paths stay absolute */
	struct merged *trace;
	struct symbols *symbols;
	struct range_names *names;
	struct findings_builder *looking;
	struct deadlock_builder *knots;
	struct report_builder *builder;
	struct findings findings; /* those that the filter selects, without suppressed ones */
	const struct deadlocks *deadlocks;
	const struct report *report;
};

/* Of the longest waits; the sums are over all of them anyway. */
static uint32_t waits_kept(const struct report_options *options)
{
	if (options->top == REPORT_ALL)
		return 0;
	if (options->top)
		return options->top;
	return options->json ? REPORT_WAITS : USUAL_TOP;
}

static bool read_own_names(struct trace_report *report)
{
	char *trouble = report->options->names
				? range_names_read(report->names, report->options->names)
				: NULL;

	if (trouble)
		fprintf(stderr, "flocktrace: %s\n", trouble);
	free(trouble);
	return !trouble;
}

/* Some files are known by the ranges that are locked in them. */
static void show_ranges(struct trace_report *report)
{
	for (uint32_t i = 0; i < report->report->resource_count; i++) {
		const struct resource *resource = &report->report->resources[i];

		if (!resource->folded)
			range_names_saw(report->names, resource->file, resource->world,
					resource->start, resource->end);
	}
}

static bool has_name(void *names, const struct resource *resource)
{
	char room[NAMES_ROOM];

	return range_names_of(names, resource->file, resource->world, resource->start,
			      resource->end, room) != NULL;
}

static void select_findings(struct trace_report *report, const struct findings *all)
{
	const struct report_filter *filter = &report->options->filter;
	const struct suppressions *suppressions = &report->options->suppressions;
	const struct catalog *catalog = merged_catalog(report->trace);
	struct finding *items = xcalloc((size_t)all->count + 1, sizeof(*items));
	struct findings *found = &report->findings;

	for (uint32_t i = 0; i < all->count; i++) {
		const struct finding *one = &all->items[i];
		uint32_t processes[FINDING_SIDES];

		for (unsigned side = 0; side < FINDING_SIDES; side++)
			processes[side] = one->sides[side].process;
		/* Only the first time is known of what was found more than once. */
		if (!filter_wants(filter, catalog, one->file, processes, FINDING_SIDES,
				  one->sides[0].time,
				  one->count > 1 ? UINT64_MAX : one->sides[0].time))
			continue;
		if (suppressions_have(suppressions, catalog, report->symbols, one)) {
			found->suppressed++;
			found->suppressed_of[one->id]++;
		} else {
			items[found->count++] = *one;
		}
	}
	found->items = items;
	found->suppressed_by = report->options->suppressions_file;
}

/* A process of this recording that holds a lock, NONE: none does. */
static uint32_t holder_of(const struct trace_report *report, uint32_t recording)
{
	const struct model *model = report_builder_model(report->builder);
	uint32_t found = NONE;

	for (uint32_t file = 0; file < merged_catalog(report->trace)->file_count; file++) {
		uint32_t count = model_holds(model, file, NULL, 0);
		struct hold *holds = xcalloc((size_t)count + 1, sizeof(*holds));

		model_holds(model, file, holds, count);
		for (uint32_t i = 0; i < count; i++)
			if (merged_recording(report->trace, holds[i].keeper) == recording)
				found = holds[i].keeper;
		free(holds);
	}
	return found;
}

/*
 * What somebody did after the end of a recording nobody knows, while the others go on: it must have
 * held nothing then, and waited for nothing.
 */
static bool refuse_left(const struct trace_report *report)
{
	uint32_t recording, waits, who;
	const char *path;

	while ((path = merged_left(report->trace, &recording, &waits))) {
		const struct process_info *info;

		who = waits != NONE ? waits : holder_of(report, recording);
		if (who == NONE)
			continue;
		info = &merged_catalog(report->trace)->processes[who];
		fprintf(stderr,
			"flocktrace: %s: ends while %s[%d] %s a lock, and the others go on: report "
			"on it alone\n",
			path, info->command, info->pid, waits != NONE ? "waits for" : "holds");
		return true;
	}
	return false;
}

static bool read_events(struct trace_report *report)
{
	struct event event;

	while (merged_next(report->trace, &event)) {
		findings_builder_event(report->looking, &event);
		deadlock_builder_event(report->knots, &event);
		report_builder_event(report->builder, &event);
		if (refuse_left(report))
			return false;
	}
	return true;
}

static void set_up(struct trace_report *report)
{
	const struct report_options *options = report->options;
	const struct catalog *catalog = merged_catalog(report->trace);
	struct model_callbacks listener;

	report->looking = findings_builder_new(catalog);
	listener = findings_builder_callbacks(report->looking);
	report->builder = report_builder_new(waits_kept(options), &listener);
	report_builder_view(report->builder, options->by, &options->filter, catalog);
	findings_builder_model(report->looking, report_builder_model(report->builder));
	report->knots = deadlock_builder_new();
	deadlock_builder_model(report->knots, report_builder_model(report->builder));
	deadlock_builder_triers(report->knots,
				&(struct triers){ report->builder, report_builder_trying });
}

struct trace_report *trace_report_read(const char *const *paths, uint32_t count,
				       const struct report_options *options)
{
	struct trace_report *report;
	char *error;
	struct merged *trace = merged_open(paths, count, &error);

	if (!trace) {
		fprintf(stderr, "flocktrace: %s\n", error);
		free(error);
		return NULL;
	}
	report = xcalloc(1, sizeof(*report));
	report->options = options;
	report->directory = getcwd(NULL, 0);
	report->trace = trace;
	report->symbols = symbols_new();
	report->names = range_names_new(merged_catalog(trace));
	if (!read_own_names(report)) {
		trace_report_free(report);
		return NULL;
	}
	set_up(report);
	if (!read_events(report)) {
		trace_report_free(report);
		return NULL;
	}
	report->report = report_builder_finish(report->builder, merged_catalog(trace));
	select_findings(report, findings_builder_finish(report->looking));
	report->deadlocks = deadlock_builder_finish(report->knots);
	show_ranges(report);
	report_builder_fold(report->builder, has_name, report->names);
	return report;
}

bool wants_colour(FILE *out)
{
	const char *refused = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return isatty(fileno(out)) && !(refused && *refused) &&
	       !(terminal && !strcmp(terminal, "dumb"));
}

static struct render_options how_to_render(const struct trace_report *report)
{
	unsigned top = report->options->top;

	return (struct render_options){
		.top = top == REPORT_ALL ? 0
		       : top		 ? top
					 : USUAL_TOP,
		.directory = report->directory,
		.names = report->names,
		.view = report->options->view,
		.stacks = report->options->stacks,
		.blame = report->options->blame,
		.table = report->options->table,
		.deadlocks = report->deadlocks,
	};
}

void trace_report_write(struct trace_report *report, FILE *out)
{
	struct render_options options = how_to_render(report);

	options.colour = wants_colour(out);
	if (report->options->suppressions_only)
		suppressions_write(out, merged_catalog(report->trace), report->symbols,
				   &report->findings);
	else if (report->options->json)
		render_json(out, report->report, &report->findings, report->symbols, &options);
	else
		render_text(out, report->report, &report->findings, report->symbols, &options);
}

char *trace_report_text(struct trace_report *report)
{
	struct render_options options = how_to_render(report);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	render_text(out, report->report, &report->findings, report->symbols, &options);
	fclose(out);
	return text;
}

struct judgement trace_report_judge(struct trace_report *report, const struct criteria *criteria)
{
	struct render_options options = how_to_render(report);

	return judge(report->report, &report->findings, &options, criteria);
}

void trace_report_deadlocks(struct trace_report *report, FILE *out,
			    bool (*wanted)(const void *context, const struct catalog *catalog,
					   const struct deadlock *deadlock),
			    const void *context)
{
	char *directory = getcwd(NULL, 0);
	struct render_options options = {
		.directory = directory,
		.names = report->names,
		.deadlocks = report->deadlocks,
	};

	for (uint32_t i = 0; i < report->deadlocks->count; i++)
		if (wanted(context, merged_catalog(report->trace), &report->deadlocks->items[i]))
			render_deadlock(out, report->report, i, report->symbols, &options);
	free(directory);
}

void trace_report_free(struct trace_report *report)
{
	if (!report)
		return;
	free((void *)report->findings.items);
	report_builder_free(report->builder);
	findings_builder_free(report->looking);
	deadlock_builder_free(report->knots);
	range_names_free(report->names);
	free(report->directory);
	symbols_free(report->symbols);
	merged_free(report->trace);
	free(report);
}

int report_trace(FILE *out, const char *path, const struct report_options *options)
{
	struct trace_report *report = trace_report_read(&path, 1, options);

	if (!report)
		return EXIT_TROUBLE;
	trace_report_write(report, out);
	trace_report_free(report);
	return 0;
}

bool parse_top(const char *text, unsigned *top)
{
	char *end;
	unsigned long number;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno || *end || number >= REPORT_ALL)
		return false;
	*top = number ? (unsigned)number : REPORT_ALL;
	return true;
}
