/* SPDX-License-Identifier: MIT */
/* What the queues for locks were like, where that is worth a word: convoys, starvation, nesting. */
#include "analyzer/render/text.h"

static bool is_remarkable(const struct resource *resource)
{
	return resource->convoy_waits || resource->starved || resource->nested;
}

static void say_convoy(struct text *text, const struct resource *resource)
{
	if (resource->convoy_waits)
		fprintf(text->out,
			TEXT_PAD
			"A convoy: from %s on somebody always waited, for %s; %s waits ended "
			"meanwhile.\n",
			phrase_clock(&text->scratch, text->catalog, resource->convoy_begin),
			phrase_duration(&text->scratch, resource->convoy),
			phrase_count(&text->scratch, resource->convoy_waits));
}

static void say_starved(struct text *text, const struct resource *resource)
{
	if (resource->starved)
		fprintf(text->out,
			TEXT_PAD "Starved: %s overtaken more than twice as often as the queue was "
				 "long (%s), at most %s times.\n",
			phrase_number(&text->scratch, resource->starved, "wait was", "waits were"),
			phrase_count(&text->scratch, resource->queue_max),
			phrase_count(&text->scratch, resource->overtaken_max));
}

static void say_nested(struct text *text, const struct resource *resource)
{
	if (resource->nested)
		fprintf(text->out,
			TEXT_PAD
			"Held while its holder waited for another lock: %s, for %s all together.\n",
			phrase_number(&text->scratch, resource->nested, "time", "times"),
			phrase_duration(&text->scratch, resource->nested_waits));
}

static void say_queue(struct text *text, const struct resource *resource)
{
	fprintf(text->out, "%s of %s:\n",
		phrase_range(&text->scratch, text->names, resource->file, resource->world,
			     resource->start, resource->end),
		phrase_file(&text->scratch, text->catalog, resource->file, text->directory));
	say_convoy(text, resource);
	say_starved(text, resource);
	say_nested(text, resource);
	scratch_reset(&text->scratch);
}

void text_queues(struct text *text)
{
	const struct report *report = text->report;
	uint32_t count = 0, shown = 0;

	for (uint32_t i = 0; i < report->resource_count; i++)
		count += is_remarkable(&report->resources[i]);
	if (!count)
		return;
	text_heading(text, "Queues");
	for (uint32_t i = 0; i < report->resource_count && shown < text_shown(text, count); i++) {
		if (!is_remarkable(&report->resources[i]))
			continue;
		say_queue(text, &report->resources[i]);
		shown++;
	}
	if (count > shown)
		fprintf(text->out, "and %s more.\n", phrase_count(&text->scratch, count - shown));
	scratch_reset(&text->scratch);
}
