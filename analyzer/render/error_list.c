/* SPDX-License-Identifier: MIT */
/* Errors of lock calls: a line for each that looks different. */
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/vec.h"
#include "analyzer/render/text.h"

/* Counted by stack; several stacks of one place are one line. */
struct line {
	struct report_error error;
	const char *place; /* "": not known */
};

#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b))

static int by_looks(const void *left, const void *right)
{
	const struct line *a = left, *b = right;
	int order = ORDER(a->error.op, b->error.op);

	if (!order)
		order = ORDER(a->error.error, b->error.error);
	if (!order)
		order = ORDER(a->error.file, b->error.file);
	if (!order)
		order = ORDER(a->error.process, b->error.process);
	return order ? order : strcmp(a->place, b->place);
}

static int by_count(const void *left, const void *right)
{
	const struct line *a = left, *b = right;
	int order = ORDER(b->error.count, a->error.count);

	return order ? order : by_looks(a, b);
}

static const char *place_of(struct text *text, uint32_t stack)
{
	struct site site = site_of(text->catalog, text->symbols, stack);
	bool has_source;
	const char *place = site_culprit(&text->scratch, &site, &has_source);

	site_free(&site);
	return place ? place : "";
}

static void add(struct report_error *to, const struct report_error *error)
{
	to->count += error->count;
	if (to->start != error->start || to->end != error->end)
		to->start = to->end = 0;
}

/* Those that look the same become neighbours, and one; returns how many are left. */
static uint32_t merge(struct line *lines, uint32_t given)
{
	uint32_t count = 0;

	qsort(lines, given, sizeof(*lines), by_looks);
	for (uint32_t i = 0; i < given; i++) {
		if (count && !by_looks(&lines[count - 1], &lines[i]))
			add(&lines[count - 1].error, &lines[i].error);
		else
			lines[count++] = lines[i];
	}
	qsort(lines, count, sizeof(*lines), by_count);
	return count;
}

static void print_line(struct text *text, const struct line *line)
{
	const struct report_error *error = &line->error;

	fprintf(text->out, "%s: %s %sx on %s", phrase_call(&text->scratch, error->op),
		phrase_error(&text->scratch, error->error),
		phrase_count(&text->scratch, error->count),
		phrase_file_range(&text->scratch, text->catalog, text->names, error->file,
				  error->world, error->start, error->end, text->directory));
	if (*line->place)
		fprintf(text->out, " at %s", line->place);
	fprintf(text->out, " by %s\n",
		phrase_process(&text->scratch, text->catalog, error->process, 0));
}

void text_errors(struct text *text)
{
	VEC(struct line) lines = { 0 };
	uint32_t count, shown;

	for (uint32_t i = 0; i < text->report->error_count; i++) {
		const struct report_error *error = &text->report->errors[i];

		vec_push(&lines, (struct line){ *error, place_of(text, error->stack) });
	}
	if (!lines.count)
		return;
	count = merge(lines.items, lines.count);
	shown = text_shown(text, count);
	text_heading(text, "Errors of lock calls");
	for (uint32_t i = 0; i < shown; i++)
		print_line(text, &lines.items[i]);
	if (count > shown)
		fprintf(text->out, "and %s more.\n", phrase_count(&text->scratch, count - shown));
	vec_free(&lines);
	scratch_reset(&text->scratch);
}
