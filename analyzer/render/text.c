/* SPDX-License-Identifier: MIT */
/* The report as text: verdict, culprit, trust, then what they rest on. */
#include "analyzer/render/text.h"

#include <stdlib.h>

#include "analyzer/base/units.h"

void text_heading(struct text *text, const char *heading)
{
	fprintf(text->out, text->colour ? "\n\033[1m%s\033[m\n" : "\n%s\n", heading);
}

uint32_t text_shown(const struct text *text, uint32_t count)
{
	return text->top && text->top < count ? text->top : count;
}

static void print_trust(struct text *text)
{
	const char *missing = trust_missing(&text->scratch, text->report, text->names);

	if (*missing)
		fprintf(text->out, "%sINCOMPLETE%s: %s.\n", text->colour ? "\033[1;33m" : "",
			text->colour ? "\033[m" : "", missing);
	else
		fprintf(text->out, text->catalog->run.live ? "Complete so far.\n" : "Complete.\n");
}

static void say_moment(struct text *text, const char *word, const struct moment *moment)
{
	char iso[UNITS_ROOM];

	if (moment->given && moment->wall)
		fprintf(text->out, " %s %s", word, units_iso(iso, moment->ns));
	else if (moment->given)
		fprintf(text->out, " %s %s after the start", word,
			phrase_duration(&text->scratch, (uint64_t)moment->ns));
}

/* So that nobody takes a part for the whole. */
static void say_filter(struct text *text)
{
	const struct report_filter *filter = text->report->filter;

	if (filter_is_empty(filter))
		return;
	fputs("Only locks", text->out);
	if (filter->path)
		fprintf(text->out, " on %s", phrase_escaped(&text->scratch, filter->path));
	if (filter->pid)
		fprintf(text->out, " of process %d", filter->pid);
	say_moment(text, "from", &filter->since);
	say_moment(text, "until", &filter->until);
	fputs(".\n", text->out);
}

static struct text text_of(FILE *out, const struct report *report, struct symbols *symbols,
			   const struct render_options *options)
{
	return (struct text){
		.out = out,
		.report = report,
		.deadlocks = options->deadlocks,
		.catalog = report->catalog,
		.symbols = symbols,
		.names = options->names,
		.view = options->view,
		.stacks_view = options->stacks,
		.blame_view = options->blame,
		.top = options->top,
		.colour = options->colour,
		.directory = options->directory,
	};
}

static void text_free(struct text *text)
{
	for (uint32_t i = 0; i < text->stacks.count; i++)
		free(text->stacks.items[i]);
	vec_free(&text->stacks);
	scratch_free(&text->scratch);
}

void render_deadlock(FILE *out, const struct report *report, uint32_t index,
		     struct symbols *symbols, const struct render_options *options)
{
	struct text text = text_of(out, report, symbols, options);

	text_deadlock(&text, index);
	text_free(&text);
}

void render_text(FILE *out, const struct report *report, const struct findings *findings,
		 struct symbols *symbols, const struct render_options *options)
{
	struct text text = text_of(out, report, symbols, options);
	/* Without waits the three lines say it all, unless all is asked for. */
	bool everything = report->wait_count || !text.top || options->table;

	text.findings = findings;
	text_verdict(&text);
	text_culprit(&text);
	print_trust(&text);
	say_filter(&text);
	scratch_reset(&text.scratch);
	if (text_has_deadlocks(&text))
		text_deadlocks(&text);
	text_refusals(&text);
	if (report->wait_count)
		text_waits(&text);
	if (findings && (findings->count || findings->suppressed))
		text_findings(&text);
	if (everything) {
		text_resources(&text);
		text_queues(&text);
		text_blame(&text);
		text_stack_views(&text);
		text_errors(&text);
	}
	text_ioctls(&text);
	if (everything)
		text_coverage(&text);
	text_free(&text);
}
