/* SPDX-License-Identifier: MIT */
/* What the queues for locks were like, where that is worth a word: convoys, starvation, nesting. */
#include <stdlib.h>

#include "analyzer/base/memory.h"
#include "analyzer/render/text.h"

/* What they did in one single wait is told there. */
static bool has_busy_holders(const struct resource *resource)
{
	return resource->contended > 1 && resource->doing &&
	       resource->doing->looks >= LOOKS_WORTH_TELLING;
}

static bool is_remarkable(const struct resource *resource)
{
	return resource->convoy_waits || resource->starved || resource->nested ||
	       has_busy_holders(resource);
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

static void say_doing(struct text *text, const struct resource *resource)
{
	if (has_busy_holders(resource))
		fprintf(text->out, TEXT_PAD "While others waited, its holders were %s, in %s.\n",
			phrase_doing(&text->scratch, resource->doing),
			phrase_number(&text->scratch, resource->doing->looks, "look", "looks"));
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
	say_doing(text, resource);
	scratch_reset(&text->scratch);
}

/* With a line of its own: not one of many that the table shows as one, and only nested. */
static bool stands_alone(const struct text *text, const struct resource *resource)
{
	return is_remarkable(resource) &&
	       (!text->top || !resource->fold || resource->convoy_waits || resource->starved);
}

/* How often the others of each fold were held while their holder waited; the caller frees it. Their
 * times would count one wait for each of the locks that were held then. */
static uint64_t *nested_in_folds(const struct text *text, uint32_t *folds)
{
	const struct report *report = text->report;
	uint64_t *nested = xcalloc(report->fold_count + 1, sizeof(*nested));

	*folds = 0;
	for (uint32_t i = 0; i < report->resource_count; i++) {
		const struct resource *resource = &report->resources[i];

		if (!is_remarkable(resource) || stands_alone(text, resource))
			continue;
		*folds += !nested[resource->fold - 1];
		nested[resource->fold - 1] += resource->nested;
	}
	return nested;
}

static void say_fold(struct text *text, const struct report_group *fold, uint64_t nested)
{
	const char *file =
		phrase_file(&text->scratch, text->catalog, fold->counts.file, text->directory);

	fprintf(text->out,
		"%s of %s%s:\n" TEXT_PAD "Held while their holder waited for another lock: %s.\n",
		phrase_number(&text->scratch, fold->members, "lock", "locks"), file,
		fold->files > 1 ? " and others like it" : "",
		phrase_number(&text->scratch, nested, "time", "times"));
	scratch_reset(&text->scratch);
}

void text_queues(struct text *text)
{
	const struct report *report = text->report;
	uint32_t count, shown = 0, most;
	uint64_t *nested = nested_in_folds(text, &count);

	for (uint32_t i = 0; i < report->resource_count; i++)
		count += stands_alone(text, &report->resources[i]);
	most = text_shown(text, count);
	if (count)
		text_heading(text, "Queues");
	for (uint32_t i = 0; i < report->resource_count && shown < most; i++) {
		if (!stands_alone(text, &report->resources[i]))
			continue;
		say_queue(text, &report->resources[i]);
		shown++;
	}
	for (uint32_t i = 0; i < report->fold_count && shown < most; i++) {
		if (!nested[i])
			continue;
		say_fold(text, &report->folds[i], nested[i]);
		shown++;
	}
	if (count > shown)
		fprintf(text->out, "and %s more.\n", phrase_count(&text->scratch, count - shown));
	free(nested);
	scratch_reset(&text->scratch);
}
