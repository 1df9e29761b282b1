/* SPDX-License-Identifier: MIT */
#include "analyzer/render/judge.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/render/text.h"

#define REASONS_SHOWN 20

const struct condition_kind condition_kinds[CONDITIONS] = {
#define X(id, name, code, taken_as) [CONDITION_##id] = { name, code, taken_as },
#include "analyzer/render/conditions.def"
#undef X
};

struct judging {
	struct text text; /* its `out` takes the reasons */
	const struct criteria *criteria;
	uint64_t count; /* of reasons of this condition */
};

/* True: there is room for one more. */
static bool is_met(struct judging *judging)
{
	return judging->count++ < REASONS_SHOWN;
}

/*
 * What a timer ends does not hang. Nobody who was recorded could have ended the others, unless
 * somebody shared a lock and did other things, tries and could give up, or lets the kernel look
 * again by its release: then it takes long to believe it.
 */
static bool hangs(const struct deadlock *deadlock, const struct criteria *criteria)
{
	bool long_enough = deadlock->until - deadlock->since >= criteria->stuck_after;

	switch (deadlock->consequence) {
	case CONSEQUENCE_HANG:
		return deadlock->doubt != DOUBT_SHARERS || long_enough;
	case CONSEQUENCE_LIVELOCK:
	case CONSEQUENCE_EDEADLK:
		return long_enough;
	case CONSEQUENCE_TIMEOUT:
		break;
	}
	return false;
}

static void judge_deadlocks(struct judging *judging)
{
	const struct deadlocks *all = judging->text.deadlocks;

	for (uint32_t i = 0; all && i < all->count; i++) {
		struct deadlocks one = { .items = &all->items[i], .count = 1 };

		if (!hangs(&all->items[i], judging->criteria) || !is_met(judging))
			continue;
		judging->text.deadlocks = &one;
		text_deadlock_culprit(&judging->text);
		judging->text.deadlocks = all;
	}
}

static void judge_waits(struct judging *judging)
{
	struct text *text = &judging->text;
	const struct report *report = text->report;

	for (uint32_t i = 0; i < report->wait_count; i++) {
		const struct report_wait *wait = &report->waits[i];

		/* How long it was at most says nothing of how long it was. */
		if (wait->at_most || wait->duration <= judging->criteria->max_wait ||
		    !is_met(judging))
			continue;
		fprintf(text->out, "%s waited %s for %s of %s, from %s.\n",
			phrase_process(&text->scratch, text->catalog, wait->process, wait->tid),
			phrase_duration(&text->scratch, wait->duration),
			phrase_lock(&text->scratch, text->names, wait->file, wait->world,
				    wait->mode, wait->start, wait->end),
			phrase_file(&text->scratch, text->catalog, wait->file, text->directory),
			phrase_clock(&text->scratch, text->catalog, wait->begin));
	}
}

static void judge_holds(struct judging *judging)
{
	struct text *text = &judging->text;
	const struct report *report = text->report;

	for (uint32_t i = 0; i < report->resource_count; i++) {
		const struct resource *resource = &report->resources[i];

		if (resource->hold.max <= judging->criteria->max_hold || !is_met(judging))
			continue;
		fprintf(text->out, "%s of %s was held for %s.\n",
			phrase_range(&text->scratch, text->names, resource->file, resource->world,
				     resource->start, resource->end),
			phrase_file(&text->scratch, text->catalog, resource->file, text->directory),
			phrase_duration(&text->scratch, resource->hold.max));
	}
}

static void judge_findings(struct judging *judging)
{
	struct text *text = &judging->text;

	for (uint32_t i = 0; text->findings && i < text->findings->count; i++) {
		const struct finding *finding = &text->findings->items[i];

		if ((!judging->criteria->any_finding && !judging->criteria->finding[finding->id]) ||
		    !is_met(judging))
			continue;
		fprintf(text->out, "%s: %s.\n", finding_kinds[finding->id].name,
			phrase_finding(&text->scratch, text->catalog, text->names, finding,
				       text->directory));
	}
}

/* It was seen while it lasted. For which the program was ended is said already. */
static void judge_stuck(struct judging *judging)
{
	struct criteria stuck = { 0 };
	const struct criteria *asked = judging->criteria;

	if (asked->seen_live[CONDITION_STUCK])
		return;
	stuck.finding[FINDING_STUCK_STOPPED] = stuck.finding[FINDING_STUCK_INHERITED] = true;
	stuck.finding[FINDING_STUCK_UNRECORDED] = true;
	judging->criteria = &stuck;
	judge_findings(judging);
	judging->criteria = asked;
}

static void judge_completeness(struct judging *judging)
{
	struct text *text = &judging->text;
	const char *missing = trust_missing(&text->scratch, text->report, text->names);

	if (*missing && is_met(judging))
		fprintf(text->out, "%s.\n", missing);
}

static void judge_one(struct judging *judging, enum condition condition)
{
	switch (condition) {
	case CONDITION_DEADLOCK:
		judge_deadlocks(judging);
		break;
	case CONDITION_STUCK:
		judge_stuck(judging);
		break;
	case CONDITION_WAIT:
		judge_waits(judging);
		break;
	case CONDITION_HOLD:
		judge_holds(judging);
		break;
	case CONDITION_FINDING:
		judge_findings(judging);
		break;
	case CONDITION_INCOMPLETE:
		judge_completeness(judging);
		break;
	case CONDITIONS:
		break;
	}
}

static void say_reasons(struct judging *judging, enum condition condition)
{
	const char *seen = judging->criteria->seen_live[condition];

	judging->count = 0;
	if (seen && is_met(judging))
		fprintf(judging->text.out, "%s\n", seen);
	judge_one(judging, condition);
	if (judging->count > REASONS_SHOWN)
		fprintf(judging->text.out, "and %s more.\n",
			phrase_count(&judging->text.scratch, judging->count - REASONS_SHOWN));
}

struct judgement judge(const struct report *report, const struct findings *findings,
		       const struct render_options *options, const struct criteria *criteria)
{
	const struct catalog *catalog = report->catalog;
	struct judging judging = {
		.text = { .report = report,
			  .findings = findings,
			  .deadlocks = options->deadlocks,
			  .catalog = catalog,
			  .names = options->names,
			  .directory = options->directory },
		.criteria = criteria,
	};
	uint64_t begin = catalog->run.begin ? catalog->run.begin : catalog->quality.first_time;
	uint64_t end = catalog->run.end ? catalog->run.end : catalog->quality.last_time;
	struct judgement judgement = {
		.subject = xstrdup(phrase_escaped(&judging.text.scratch, catalog->run.command)),
		.seconds = end > begin ? (double)(end - begin) / 1e9 : 0,
		.begin = (int64_t)begin + catalog->wall_offset,
	};

	for (unsigned i = 0; i < CONDITIONS; i++) {
		struct judged *judged = &judgement.of[i];
		size_t size;

		judging.text.out = open_memstream(&judged->reasons, &size);
		if (criteria->wanted[i])
			say_reasons(&judging, i);
		fclose(judging.text.out);
		judged->asked = criteria->wanted[i];
		judged->met = *judged->reasons != '\0';
		if (judged->met && !judgement.code)
			judgement.code = condition_kinds[i].code;
		scratch_reset(&judging.text.scratch);
	}
	scratch_free(&judging.text.scratch);
	return judgement;
}

void judgement_free(struct judgement *judgement)
{
	for (unsigned i = 0; i < CONDITIONS; i++)
		free(judgement->of[i].reasons);
	free(judgement->subject);
}

void judgement_print(FILE *out, const struct judgement *judgement, bool failures_only,
		     const char *prefix)
{
	for (unsigned i = 0; i < CONDITIONS; i++) {
		const struct judged *judged = &judgement->of[i];
		const char *line = judged->reasons, *end;

		if (judged->asked && !judged->met && !failures_only)
			fprintf(out, "%sok   %s\n", prefix, condition_kinds[i].name);
		for (; (end = strchr(line, '\n')); line = end + 1)
			fprintf(out, "%sFAIL %s: %.*s\n", prefix, condition_kinds[i].name,
				(int)(end - line), line);
	}
}
