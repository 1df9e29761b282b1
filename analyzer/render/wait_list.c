/* SPDX-License-Identifier: MIT */
/* The longest waits, each as one sentence, with the stacks of both sides below. */
#include <string.h>
#include <sys/wait.h>

#include "analyzer/base/units.h"
#include "analyzer/render/text.h"

#define HOLDERS_SHOWN 3

/* The process of this hold is that of a longer one, too. */
static bool held_before(const struct report_wait *wait, uint32_t holder)
{
	uint32_t before = 0;

	while (before < holder && wait->holders[before].process != wait->holders[holder].process)
		before++;
	return before < holder;
}

static uint32_t distinct_processes(const struct report_wait *wait)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < wait->holder_count; i++)
		count += !held_before(wait, i);
	return count;
}

/* ", held by A, B, C and 4 others". How much of it was whose stands below. */
static void say_holders(struct text *text, const struct report_wait *wait)
{
	uint32_t processes = distinct_processes(wait), named = 0;

	if (!processes)
		fputs(", the holder is not known", text->out);
	for (uint32_t i = 0; i < wait->holder_count && named < HOLDERS_SHOWN; i++) {
		uint32_t process = wait->holders[i].process;

		if (held_before(wait, i))
			continue;
		named++;
		fprintf(text->out, "%s%s",
			named == 1	     ? ", held by "
			: named == processes ? " and "
					     : ", ",
			phrase_process(&text->scratch, text->catalog, process, 0));
	}
	if (processes > named)
		fprintf(text->out, " and %s",
			phrase_number(&text->scratch, processes - named, "other", "others"));
	if (processes && wait->holder_unknown)
		fprintf(text->out, "; for %s of it the holder is not known",
			phrase_duration(&text->scratch, wait->parts.unknown));
}

/* Of a process that was inside the call. */
static void say_death(struct text *text, uint32_t process)
{
	int status = process < text->catalog->process_count
			     ? text->catalog->processes[process].status
			     : -1;

	if (status == -1)
		fputs(", and its process ended while it waited", text->out);
	else if (WIFSIGNALED(status))
		fprintf(text->out, ", and was killed by %s while it waited",
			phrase_signal(&text->scratch, WTERMSIG(status)));
	else
		fputs(", and its process exited while it waited", text->out);
}

static void say_poll_outcome(struct text *text, const struct report_wait *wait)
{
	if (wait->outcome == OUTCOME_GRANTED)
		fputs(", and got it", text->out);
	else if (wait->gave_up)
		fputs(", and gave up", text->out);
	else
		fputs(text->catalog->run.live ? ", and is trying still"
					      : ", and was still trying when recording ended",
		      text->out);
	if (wait->free)
		fprintf(text->out, "; %s of it the lock was free",
			phrase_duration(&text->scratch, wait->free));
}

static void say_outcome(struct text *text, const struct report_wait *wait)
{
	if (wait->poll) {
		say_poll_outcome(text, wait);
		return;
	}
	switch (wait->outcome) {
	case OUTCOME_GRANTED:
		break;
	case OUTCOME_FAILED:
		fprintf(text->out, ", and got %s", phrase_error(&text->scratch, wait->error));
		break;
	case OUTCOME_ABANDONED:
		fputs(", and never came back from the call", text->out);
		break;
	case OUTCOME_DIED:
		say_death(text, wait->process);
		break;
	case OUTCOME_WAITING:
		if (wait->at_most) {
			fputs(", and nobody knows whether it died there", text->out);
			break;
		}
		fputs(text->catalog->run.live ? ", and is waiting still"
					      : ", and was still waiting when recording ended",
		      text->out);
		break;
	}
}

/* "tried 37 times in 1.203 s", "waited 1.203 s". */
static const char *what_it_did(struct text *text, const struct report_wait *wait)
{
	const char *duration = phrase_duration(&text->scratch, wait->duration);

	if (wait->poll)
		return scratch_format(&text->scratch, "tried %s in %s",
				      phrase_number(&text->scratch, wait->tries, "time", "times"),
				      duration);
	return scratch_format(&text->scratch, "waited %s%s", wait->at_most ? "at most " : "",
			      duration);
}

static void say_wait(struct text *text, const struct report_wait *wait)
{
	fprintf(text->out, "%s %s for %s of %s",
		phrase_process(&text->scratch, text->catalog, wait->process, wait->tid),
		what_it_did(text, wait),
		phrase_lock(&text->scratch, text->names, wait->file, wait->world, wait->mode,
			    wait->start, wait->end),
		phrase_file(&text->scratch, text->catalog, wait->file, text->directory));
	say_holders(text, wait);
	if (!wait->poll && wait->tries > 1)
		fprintf(text->out, ", after %s",
			phrase_number(&text->scratch, wait->tries - 1, "failed try",
				      "failed tries"));
	else if (!wait->poll && wait->wasted)
		fprintf(text->out, ", after %s that found it taken",
			phrase_number(&text->scratch, wait->wasted, "query", "queries"));
	say_outcome(text, wait);
	fputs(".\n", text->out);
}

static void print_holder(struct text *text, const struct report_wait *wait,
			 const struct report_holder *holder)
{
	char share[UNITS_ROOM];

	fprintf(text->out, TEXT_PAD "Held for %s of it (%s) by %s: %s%s, acquired",
		phrase_duration(&text->scratch, holder->overlap),
		units_share(share, holder->overlap, wait->duration),
		phrase_process(&text->scratch, text->catalog, holder->process, holder->tid),
		phrase_lock(&text->scratch, text->names, wait->file, wait->world, holder->mode,
			    holder->start, holder->end),
		holder->still_held ? ", still held then" : "");
	if (holder->taker != NONE)
		fprintf(text->out, " by %s",
			phrase_process(&text->scratch, text->catalog, holder->taker, 0));
	text_stack(text, holder->stack);
}

static void say_doing(struct text *text, const struct report_holder *holder)
{
	if (holder->doing && holder->doing->looks >= LOOKS_WORTH_TELLING)
		fprintf(text->out, TEXT_PAD "Meanwhile it was %s, in %s.\n",
			phrase_doing(&text->scratch, holder->doing),
			phrase_number(&text->scratch, holder->doing->looks, "look", "looks"));
}

/* Who looks for the culprit must not stop at one who was stuck himself. */
static void say_chain(struct text *text, const struct report_holder *holder)
{
	const char *what;

	if (!holder->passed_on)
		return;
	what = phrase_range(&text->scratch, text->names, holder->passed_file, holder->passed_world,
			    holder->passed_start, holder->passed_end);
	fprintf(text->out,
		TEXT_PAD "of which %s while it waited itself, for %s%s of %s, held by %s",
		phrase_duration(&text->scratch, holder->passed_on),
		strcmp(what, "flock") ? "" : "the ", what,
		phrase_file(&text->scratch, text->catalog, holder->passed_file, text->directory),
		phrase_process(&text->scratch, text->catalog, holder->root_process,
			       holder->root_tid));
	text_stack(text, holder->root_stack);
}

static void print_wait(struct text *text, uint32_t number, const struct report_wait *wait)
{
	uint32_t shown = wait->holder_count < HOLDERS_SHOWN ? wait->holder_count : HOLDERS_SHOWN;

	fprintf(text->out, "%s%u. ", number > 1 ? "\n" : "", number);
	say_wait(text, wait);
	fprintf(text->out, TEXT_PAD "%s since %s in %s", wait->poll ? "Trying" : "Waiting",
		phrase_clock(&text->scratch, text->catalog, wait->begin),
		phrase_call(&text->scratch, wait->op));
	text_stack(text, wait->stack);
	for (uint32_t i = 0; i < shown; i++) {
		print_holder(text, wait, &wait->holders[i]);
		say_doing(text, &wait->holders[i]);
		say_chain(text, &wait->holders[i]);
	}
	if (wait->holder_count + wait->holds_omitted > shown)
		fprintf(text->out, TEXT_PAD "and %s more.\n",
			phrase_number(&text->scratch,
				      wait->holder_count + wait->holds_omitted - shown, "hold",
				      "holds"));
	scratch_reset(&text->scratch);
}

/* What the list leaves out: longer than some that nobody would miss, and those. */
static void say_rest(struct text *text, uint32_t shown, uint64_t brief)
{
	const struct report *report = text->report;
	uint64_t more = report->waits_total - shown - brief;

	if (!more && !brief)
		return;
	if (!shown) {
		fputs("All were shorter than 1 ms; --all shows them.\n", text->out);
		return;
	}
	fputs("\nand ", text->out);
	if (more)
		fputs(phrase_number(&text->scratch, more, "shorter wait", "shorter waits"),
		      text->out);
	if (brief)
		fprintf(text->out, "%s%s of less than 1 ms, %s together", more ? ", and " : "",
			phrase_number(&text->scratch, brief, "wait", "waits"),
			phrase_duration(&text->scratch, report->brief_ns));
	fputs("; --all shows them.\n", text->out);
}

/* It is about what costs time. */
void text_waits(struct text *text)
{
	const struct report *report = text->report;
	uint64_t brief = text->top ? report->brief_waits : 0;
	uint32_t shown = 0;

	text_heading(text, "Longest waits");
	for (uint32_t i = 0; i < report->wait_count && (!text->top || shown < text->top); i++) {
		const struct report_wait *wait = &report->waits[i];

		if (!text->top || !is_brief(wait->outcome, wait->duration))
			print_wait(text, ++shown, wait);
	}
	say_rest(text, shown, brief);
	scratch_reset(&text->scratch);
}
