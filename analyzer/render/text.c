/* SPDX-License-Identifier: MIT */
/* The report as text: verdict, culprit, trust, then what they rest on. */
#include "analyzer/render/text.h"

#include <stdlib.h>

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

void render_text(FILE *out, const struct report *report, const struct findings *findings,
		 struct symbols *symbols, const struct render_options *options)
{
	struct text text = {
		.out = out,
		.report = report,
		.findings = findings,
		.catalog = report->catalog,
		.symbols = symbols,
		.names = options->names,
		.top = options->top,
		.colour = options->colour,
		.directory = options->directory,
	};

	text_verdict(&text);
	text_culprit(&text);
	print_trust(&text);
	scratch_reset(&text.scratch);
	if (report->wait_count)
		text_waits(&text);
	if (findings && findings->count)
		text_findings(&text);
	/* Without waits the three lines say it all, unless all is asked for. */
	if (report->wait_count || !text.top) {
		text_resources(&text);
		text_errors(&text);
		text_coverage(&text);
	}
	for (uint32_t i = 0; i < text.stacks.count; i++)
		free(text.stacks.items[i]);
	vec_free(&text.stacks);
	scratch_free(&text.scratch);
}
