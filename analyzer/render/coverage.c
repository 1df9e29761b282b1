/* SPDX-License-Identifier: MIT */
/* What the report knows, and what it doesn't. */
#include "analyzer/render/text.h"

static void print_untraced(struct text *text)
{
	const struct catalog *catalog = text->catalog;

	for (uint32_t i = 0; i < catalog->untraced_count; i++) {
		const struct untraced_info *one = &catalog->untraced[i];

		fprintf(text->out, "Not recorded: %s[%d]: %s%s%s\n",
			*one->exe ? phrase_escaped(&text->scratch, trust_exe_name(one->exe))
				  : "unknown program",
			one->pid, phrase_escaped(&text->scratch, one->reason),
			*one->exe ? ", " : "", phrase_escaped(&text->scratch, one->exe));
	}
}

/* Also where only one of its connections was seen: the others need not make a lock call. */
static void print_databases(struct text *text)
{
	for (uint32_t i = 0; i < text->report->resource_count; i++)
		if (range_names_sqlite(text->names, text->report->resources[i].file)) {
			fputs("Not measured: waits of SQLite's connections for another one of the "
			      "same process; they make no lock calls.\n",
			      text->out);
			return;
		}
}

/* The waiter had to be woken, and on a busy machine that takes time; a word only where it counts.
 */
static void say_parts(struct text *text)
{
	const struct report *report = text->report;
	const struct wait_parts *parts = &report->parts;

	if (parts->hand_off + parts->unknown <= report->wait_ns / 100)
		return;
	fprintf(text->out,
		"Of the time waited: held %s, hand-off (free, not yet granted) %s, unknown %s.\n",
		phrase_duration(&text->scratch, parts->held + parts->omitted),
		phrase_duration(&text->scratch, parts->hand_off),
		phrase_duration(&text->scratch, parts->unknown));
}

void text_coverage(struct text *text)
{
	const struct report *report = text->report;
	const struct catalog *catalog = text->catalog;
	struct scratch *scratch = &text->scratch;

	text_heading(text, "Coverage");
	fprintf(text->out, "%s of %s: %s, %s, %s.\n",
		phrase_number(scratch, catalog->quality.events, "event", "events"),
		phrase_number(scratch, catalog->process_count, "process", "processes"),
		phrase_number(scratch, catalog->quality.lost, "record lost", "records lost"),
		phrase_number(scratch, catalog->quality.holes, "hole", "holes"),
		phrase_number(scratch, report->quality.overlaps, "overlap of conflicting holds",
			      "overlaps of conflicting holds"));
	print_untraced(text);
	print_databases(text);
	if (report->untraced_holders)
		fprintf(text->out, "Holder not known, or not all of the time: %s.\n",
			phrase_number(scratch, report->untraced_holders, "wait", "waits"));
	say_parts(text);
	if (report->unbalanced)
		fprintf(text->out, "Blame and waits differ by %s: a mistake of flocktrace.\n",
			phrase_duration(scratch, report->unbalanced));
	if (report->quality.implied_ends)
		fprintf(text->out,
			"Ended by the death of their holder, or by the next one's "
			"turn: %s.\n",
			phrase_number(scratch, report->quality.implied_ends, "hold", "holds"));
	if (text->unnamed)
		fprintf(text->out, "Frames not resolved: %s of the %s above.\n",
			phrase_count(scratch, text->unnamed), phrase_count(scratch, text->frames));
	if (catalog->quality.lost_stacks || catalog->quality.unresolved_stacks)
		fprintf(text->out, "Stacks not known: %s.\n",
			phrase_number(scratch,
				      catalog->quality.lost_stacks +
					      catalog->quality.unresolved_stacks,
				      "request", "requests"));
	scratch_reset(scratch);
}
