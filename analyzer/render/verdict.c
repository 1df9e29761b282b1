/* SPDX-License-Identifier: MIT */
/* The first lines: what happened, and who is to blame. */
#include <string.h>

#include "analyzer/base/units.h"
#include "analyzer/render/text.h"

static void say_still_waiting(struct text *text)
{
	const struct report *report = text->report;
	const char *when = text->catalog->run.live ? "are waiting now"
						   : "were still waiting when recording ended";
	const char *longest = phrase_duration(&text->scratch, report->longest_pending);

	if (report->still_waiting == 1)
		fprintf(text->out, "1 request %s, for %s. ",
			text->catalog->run.live ? "is waiting now"
						: "was still waiting when recording ended",
			longest);
	else if (report->still_waiting)
		fprintf(text->out, "%s requests %s, the longest for %s. ",
			phrase_count(&text->scratch, report->still_waiting), when, longest);
}

static void say_cut_off(struct text *text)
{
	const struct report *report = text->report;

	if (report->died_waiting)
		fprintf(text->out, "%s cut off by the death of %s. ",
			phrase_number(&text->scratch, report->died_waiting, "request was",
				      "requests were"),
			report->died_waiting == 1 ? "its process" : "their process");
}

/* What lasted so long at most is not added to what was measured; here nothing was. */
static bool only_at_most(const struct report *report)
{
	return report->waits_at_most == report->waits_total;
}

static void say_waits(struct text *text)
{
	const struct report *report = text->report;
	const struct report_wait *worst = report->waits;
	bool only = only_at_most(report);
	const char *at_most = only ? "at most " : "";
	uint64_t count = report->waits_total - (only ? 0 : report->waits_at_most);
	const char *cost =
		phrase_duration(&text->scratch, report->wait_ns - (only ? 0 : report->at_most_ns));

	say_still_waiting(text);
	say_cut_off(text);
	if (count == 1)
		fprintf(text->out, "1 wait cost %s%s, at %s", at_most, cost,
			phrase_clock(&text->scratch, text->catalog, worst->begin));
	else
		fprintf(text->out, "%s waits cost %s%s, the worst %s%s at %s",
			phrase_count(&text->scratch, count), at_most, cost, at_most,
			phrase_duration(&text->scratch, worst->duration),
			phrase_clock(&text->scratch, text->catalog, worst->begin));
	if (report->waits_at_most && !only)
		fprintf(text->out, "; %s more of unknown end cost at most %s",
			phrase_count(&text->scratch, report->waits_at_most),
			phrase_duration(&text->scratch, report->at_most_ns));
	fputs(".\n", text->out);
}

/* "fcntl F_SETLK: EAGAIN 2x, flock: EBADF 1x": of the tries that found the lock taken, or of the
 * other errors. */
static const char *errors_in_brief(struct text *text, bool conflicts)
{
	const struct report *report = text->report;
	VEC(struct report_error) kinds = { 0 };
	const char *list = "";

	for (uint32_t i = 0; i < report->error_count; i++) {
		const struct report_error *error = &report->errors[i];
		uint32_t kind = 0;

		if (error->conflict != conflicts)
			continue;
		while (kind < kinds.count && (kinds.items[kind].op != error->op ||
					      kinds.items[kind].error != error->error))
			kind++;
		if (kind < kinds.count)
			kinds.items[kind].count += error->count;
		else
			vec_push(&kinds, *error);
	}
	for (uint32_t i = 0; i < kinds.count; i++)
		list = scratch_format(&text->scratch, "%s%s%s: %s %sx", list, i ? ", " : "",
				      phrase_call(&text->scratch, kinds.items[i].op),
				      phrase_error(&text->scratch, kinds.items[i].error),
				      phrase_count(&text->scratch, kinds.items[i].count));
	vec_free(&kinds);
	return list;
}

/* Who finds a lock taken and tries again waits too, as SQLite does: no word that nobody waited. */
static void say_tries(struct text *text, bool complete)
{
	const struct report *report = text->report;
	const char *list = errors_in_brief(text, true);
	uint64_t conflicts = report->tries_taken - report->found;
	uint64_t others = report->failed - conflicts;

	if (report->found)
		list = scratch_format(&text->scratch, "%s%squeries %sx", list, *list ? ", " : "",
				      phrase_count(&text->scratch, report->found));
	fprintf(text->out, "No request %s, but %s of %s found the lock taken (%s)",
		complete ? "blocked" : "was seen to block",
		phrase_count(&text->scratch, report->tries_taken),
		phrase_number(&text->scratch, report->tries, "try", "tries"), list);
	if (others)
		fprintf(text->out, "; %s failed (%s)",
			phrase_number(&text->scratch, others, "request", "requests"),
			errors_in_brief(text, false));
	fputs(".\n", text->out);
}

/* Nothing is said not to have happened that could have happened unseen. */
static void say_no_waits(struct text *text, bool complete)
{
	const struct report *report = text->report;
	const char *requests =
		phrase_number(&text->scratch, report->requests, "lock request", "lock requests");
	const char *processes = phrase_number(&text->scratch, text->catalog->process_count,
					      "recorded process", "recorded processes");
	const char *failed = "";

	if (report->failed)
		failed = scratch_format(&text->scratch, ", %s of which failed (%s)",
					phrase_count(&text->scratch, report->failed),
					errors_in_brief(text, false));
	if (!text->catalog->process_count && !report->requests)
		fprintf(text->out, "Nothing was recorded.\n");
	else if (!report->requests && complete)
		fprintf(text->out, "No lock calls were made by the %s.\n", processes);
	else if (!report->requests)
		fprintf(text->out,
			"No lock calls were seen from the %s, but the record is incomplete.\n",
			processes);
	else if (complete)
		fprintf(text->out, "No waits in %s%s.\n", requests, failed);
	else
		fprintf(text->out, "No waits were seen in %s%s, but the record is incomplete.\n",
			requests, failed);
}

/* Only of what was recorded whole, to the end, and of all of it: otherwise it would be a guess. */
static bool is_free_of_deadlocks(const struct text *text, bool complete)
{
	const struct report *report = text->report;

	return complete && text->deadlocks && !text->deadlocks->count && text->catalog->run.end &&
	       !report->still_waiting && !report->died_waiting && filter_is_empty(report->filter);
}

void text_verdict(struct text *text)
{
	bool complete = !*trust_missing(&text->scratch, text->report, text->names);

	if (text->colour)
		fputs("\033[1m", text->out);
	if (text_has_deadlocks(text))
		text_deadlock_verdict(text);
	else if (text->report->wait_count) {
		if (is_free_of_deadlocks(text, complete))
			fputs("No deadlock. ", text->out);
		say_waits(text);
	} else if (text->report->tries_taken)
		say_tries(text, complete);
	else
		say_no_waits(text, complete);
	if (text->colour)
		fputs("\033[m", text->out);
}

/* All blame of one line of code (or of one program, where no line is known). */
struct culprit {
	char *name;
	uint64_t caused; /* ns */
	const struct blame *largest;
	bool varies; /* not the same range each time */
};

struct culprits {
	VEC(struct culprit) items;
};

/* "python3 worker.py", as far as the argument list was recorded; else "python3". */
static const char *script_name(struct text *text, const struct process_info *process)
{
	const int longest = 60;

	if (!*process->arguments)
		return phrase_escaped(&text->scratch, process->command);
	return phrase_escaped(
		&text->scratch,
		scratch_format(&text->scratch, "%.*s%s", longest, process->arguments,
			       strlen(process->arguments) > (size_t)longest ? "..." : ""));
}

const char *text_holder(struct text *text, const struct blame *blame)
{
	const struct catalog *catalog = text->catalog;
	struct site site = site_of(catalog, text->symbols, blame->holder_stack);
	bool has_source, interpreted = site.interpreted;
	const char *place = site_culprit(&text->scratch, &site, &has_source);
	const struct process_info *process = blame->holder_process < catalog->process_count
						     ? &catalog->processes[blame->holder_process]
						     : NULL;

	site_free(&site);
	if (interpreted && process && blame->taker == NONE && (place || *process->arguments) &&
	    *process->command)
		return place ? scratch_format(&text->scratch, "%s (%s)", place,
					      script_name(text, process))
			     : script_name(text, process);
	if (!place)
		return phrase_process(&text->scratch, catalog, blame->holder_process, 0);
	if (has_source || !process || !*process->command)
		return place;
	if (blame->taker != NONE) /* the place is in another program, which may have ended */
		return phrase_process(&text->scratch, catalog, blame->holder_process, 0);
	return scratch_format(&text->scratch, "%s at %s",
			      phrase_escaped(&text->scratch, process->command), place);
}

static bool same_lock(const struct blame *a, const struct blame *b)
{
	return a->holder_file == b->holder_file && a->holder_world == b->holder_world &&
	       a->holder_start == b->holder_start && a->holder_end == b->holder_end;
}

static void charge(struct text *text, struct culprits *culprits, const struct blame *blame,
		   uint64_t caused)
{
	const char *name = text_holder(text, blame);
	struct culprit *culprit = NULL;

	for (uint32_t i = 0; i < culprits->items.count && !culprit; i++)
		if (!strcmp(culprits->items.items[i].name, name))
			culprit = &culprits->items.items[i];
	if (!culprit) {
		vec_push(&culprits->items,
			 (struct culprit){ .name = xstrdup(name), .largest = blame });
		culprit = &culprits->items.items[culprits->items.count - 1];
	}
	culprit->caused += caused;
	culprit->varies |= !same_lock(culprit->largest, blame);
}

static void say_culprit(struct text *text, const struct culprit *culprit)
{
	const struct blame *blame = culprit->largest;
	char range[UNITS_ROOM], room[NAMES_ROOM];
	const char *file =
		phrase_file(&text->scratch, text->catalog, blame->holder_file, text->directory);
	const char *name = range_names_of(text->names, blame->holder_file, blame->holder_world,
					  blame->holder_start, blame->holder_end, room);

	fprintf(text->out, "%s%s of it caused by %s, %sholding ",
		only_at_most(text->report) ? "At most " : "",
		phrase_duration(&text->scratch, culprit->caused), culprit->name,
		culprit->varies ? "mostly " : "");
	if (name)
		fprintf(text->out, "%s %s.", file, phrase_escaped(&text->scratch, name));
	else
		fprintf(text->out, "%s of %s.",
			blame->holder_world == FLOCK_LOCKS
				? "the flock"
				: units_range(range, blame->holder_start, blame->holder_end),
			file);
}

static void say_worst_culprit(struct text *text)
{
	struct culprits culprits = { 0 };
	const struct culprit *worst = NULL;

	for (uint32_t i = 0; i < text->report->root_count; i++) {
		const struct blame *blame = &text->report->roots[i];
		uint64_t caused =
			blame->exclusive - (only_at_most(text->report) ? 0 : blame->at_most);

		if (blame->holder_process != NONE && caused)
			charge(text, &culprits, blame, caused);
	}
	for (uint32_t i = 0; i < culprits.items.count; i++)
		if (!worst || culprits.items.items[i].caused > worst->caused)
			worst = &culprits.items.items[i];
	if (worst)
		say_culprit(text, worst);
	else
		fprintf(text->out, "No holder is known.");
	if (worst && text->report->parts.unknown > text->report->wait_ns / 10)
		fprintf(text->out, " No holder is known for %s of it.",
			phrase_duration(&text->scratch, text->report->parts.unknown));
	fputc('\n', text->out);
	for (uint32_t i = 0; i < culprits.items.count; i++)
		free(culprits.items.items[i].name);
	vec_free(&culprits.items);
}

void text_culprit(struct text *text)
{
	const struct report *report = text->report;

	if (text_has_deadlocks(text))
		text_deadlock_culprit(text);
	else if (report->wait_count)
		say_worst_culprit(text);
	else if (report->tries_taken)
		fprintf(text->out, "A single try is no wait, nor is a question alone.\n");
	else if (!report->requests)
		fprintf(text->out, "There is nobody to blame.\n");
	else if (*trust_missing(&text->scratch, report, text->names))
		fprintf(text->out, "Nobody was seen to hold a lock that somebody waited for.\n");
	else
		fprintf(text->out, "Nobody held a lock that somebody waited for.\n");
}
