/* SPDX-License-Identifier: MIT */
/* Deadlocks: the first lines when there is one, and each with all who take part. */
#include "analyzer/base/units.h"
#include "analyzer/render/text.h"

#define LINKS_SHOWN 6 /* of a cycle in one line */

/* What is over is told in the past. */
static bool is_over(const struct deadlock *deadlock)
{
	return deadlock->how != DEADLOCK_LASTS;
}

static bool awaits_others(const struct deadlock *deadlock)
{
	for (uint32_t i = 0; i < deadlock->knot; i++)
		if (deadlock->members[i].waits_for != WAITS_FOR_LOCK)
			return true;
	return false;
}

/* "2 processes wait for each other's locks since 03:12:07", "… waited … for 1.2 s from 03:12:07".
 */
static const char *in_short(struct text *text, const struct deadlock *deadlock)
{
	struct scratch *scratch = &text->scratch;
	bool over = is_over(deadlock);
	const char *wait = over ? "waited" : deadlock->knot == 1 ? "waits" : "wait";
	const char *since = phrase_clock(scratch, text->catalog, deadlock->since), *who, *what;
	const char *lasted = phrase_duration(scratch, deadlock->until - deadlock->since);

	if (deadlock->processes > 1)
		who = phrase_number(scratch, deadlock->processes, "process", "processes");
	else if (deadlock->knot > 1)
		who = scratch_format(scratch, "%s of one process",
				     phrase_number(scratch, deadlock->knot, "thread", "threads"));
	else
		who = phrase_process(scratch, text->catalog, deadlock->members[0].process,
				     deadlock->members[0].tid);
	what = deadlock->knot == 1	 ? "a lock of its own"
	       : awaits_others(deadlock) ? "each other"
					 : "each other's locks";
	if (over)
		return scratch_format(scratch, "%s %s for %s from %s, for %s%s", who, wait, what,
				      since, deadlock->at_most ? "at most " : "", lasted);
	return scratch_format(scratch, "%s %s for %s since %s", who, wait, what, since);
}

static const char *title(const struct deadlock *deadlock)
{
	switch (deadlock->verdict) {
	case VERDICT_CERTAIN:
		return "Deadlock";
	case VERDICT_UNTIL_TIMEOUT:
		return "Deadlock until a timer fires";
	case VERDICT_LIVELOCK:
		return "Livelock";
	case VERDICT_LIKELY:
		break;
	}
	return "Likely deadlock";
}

void text_deadlock_verdict(struct text *text)
{
	const struct deadlocks *deadlocks = text->deadlocks;
	const struct deadlock *first = deadlocks->items;

	fprintf(text->out, "%s: %s", title(first), in_short(text, first));
	if (deadlocks->count > 1)
		fprintf(text->out, ", and %s",
			phrase_number(&text->scratch, deadlocks->count - 1, "more deadlock",
				      "more deadlocks"));
	fputs(".\n", text->out);
}

static const char *wanted(struct text *text, const struct deadlock_member *member)
{
	switch (member->waits_for) {
	case WAITS_FOR_CHILD:
		return member->other == NONE ? "its children" : "its child";
	case WAITS_FOR_PIPE:
		return "what is to come through a pipe from";
	case WAITS_FOR_LOCK:
		break;
	}
	return phrase_file(&text->scratch, text->catalog, member->file, text->directory);
}

/* "a[1] waits for x held by b[2], which waits for y held by a[1]." */
static void print_cycle(struct text *text, const struct deadlock *deadlock)
{
	uint32_t shown = deadlock->cycle <= LINKS_SHOWN ? deadlock->cycle : LINKS_SHOWN;

	for (uint32_t i = 0; i < shown; i++) {
		const struct deadlock_member *member = &deadlock->members[i];
		const struct deadlock_member *next = &deadlock->members[(i + 1) % deadlock->cycle];

		if (!i)
			fprintf(text->out, "%s",
				phrase_process(&text->scratch, text->catalog, member->process,
					       member->tid));
		fprintf(text->out, "%s %s for %s%s%s", i ? ", which" : "",
			is_over(deadlock) ? "waited" : "waits", wanted(text, member),
			member->waits_for == WAITS_FOR_LOCK ? ", held by " : " ",
			phrase_process(&text->scratch, text->catalog, next->process, next->tid));
	}
	if (shown < deadlock->cycle)
		fprintf(text->out, ", and so on round %s",
			phrase_number(&text->scratch, deadlock->cycle, "thread", "threads"));
	fputs(".\n", text->out);
}

void text_deadlock_culprit(struct text *text)
{
	print_cycle(text, text->deadlocks->items);
}

/* ---- One by one */

/* "waits", "tried again and again" */
static const char *verb(const struct deadlock_member *member, bool over)
{
	if (member->tries)
		return over ? "tried again and again" : "tries again and again";
	return over ? "waited" : "waits";
}

/* does: "waits" */
static void print_wait(struct text *text, const struct deadlock_member *member, const char *does)
{
	const char *who =
		phrase_process(&text->scratch, text->catalog, member->process, member->tid);
	const char *since = phrase_clock(&text->scratch, text->catalog, member->since);

	if (member->waits_for != WAITS_FOR_LOCK) {
		fprintf(text->out, TEXT_PAD "%s %s for %s", who, does, wanted(text, member));
		if (member->other != NONE)
			fprintf(text->out, " %s",
				phrase_process(&text->scratch, text->catalog, member->other, 0));
		fprintf(text->out, "%s, since %s.\n",
			member->waits_for == WAITS_FOR_CHILD ? " to end" : "", since);
		return;
	}
	fprintf(text->out, TEXT_PAD "%s %s for %s of %s, since %s, in %s", who, does,
		phrase_lock(&text->scratch, text->names, member->file, member->world, member->mode,
			    member->start, member->end),
		wanted(text, member), since, phrase_call(&text->scratch, member->op));
	text_stack(text, member->stack);
}

static void print_holds(struct text *text, const struct deadlock_member *member, bool over)
{
	for (uint32_t i = 0; i < member->hold_count; i++) {
		const struct hold *hold = &member->holds[i];

		fprintf(text->out, TEXT_PAD "%s %s %s of %s, since %s, acquired",
			phrase_process(&text->scratch, text->catalog, member->process, member->tid),
			hold->process != member->process ? over ? "shared" : "shares"
			: over				 ? "held"
							 : "holds",
			phrase_lock(&text->scratch, text->names, hold->file, hold->world,
				    hold->mode, hold->start, hold->end),
			phrase_file(&text->scratch, text->catalog, hold->file, text->directory),
			phrase_clock(&text->scratch, text->catalog, hold->granted));
		if (hold->process != member->process || hold->tid != member->tid)
			fprintf(text->out, " by %s",
				phrase_process(&text->scratch, text->catalog, hold->process,
					       hold->tid));
		text_stack(text, hold->stack);
	}
}

static void say_end(struct text *text, const struct deadlock *deadlock)
{
	const char *breaker = deadlock->breaker == NONE
				      ? ""
				      : phrase_process(&text->scratch, text->catalog,
						       deadlock->breaker, deadlock->breaker_tid);

	switch (deadlock->how) {
	case DEADLOCK_LASTS:
		fprintf(text->out, ", and %s",
			text->catalog->run.live ? "wait still"
						: "waited still when recording ended");
		break;
	case DEADLOCK_DIED:
		fprintf(text->out, ", until %s died", breaker);
		break;
	case DEADLOCK_INTERRUPTED:
		fprintf(text->out, ", until %s got %s", breaker,
			phrase_error(&text->scratch, deadlock->error));
		break;
	case DEADLOCK_WENT_ON:
		fprintf(text->out, ", until %s went on", breaker);
		break;
	}
}

/* Why a circle stands that is of locks of one kind alone, or is not. */
static const char *why_kernel_lets_it(const struct deadlock *deadlock)
{
	if (awaits_others(deadlock))
		return "the kernel does not look for circles with a child or a pipe in them";
	for (uint32_t i = 0; i < deadlock->cycle; i++)
		if (deadlock->members[i].ownership != OWNED_BY_PROCESS)
			return "the kernel looks for circles of a process's record locks only, "
			       "not of flock and open file description locks";
	if (deadlock->cycle > KERNEL_FOLLOWS)
		return "the kernel sees no circle that is longer than 12";
	return "the kernel does not break it";
}

static const char *who_ends(struct text *text, const struct deadlock *deadlock)
{
	const struct deadlock_member *member = &deadlock->members[deadlock->ends];

	return phrase_process(&text->scratch, text->catalog, member->process, member->tid);
}

static void say_refusal(struct text *text, const struct deadlock *deadlock)
{
	const struct deadlock_member *member = &deadlock->members[deadlock->ends];

	fprintf(text->out,
		TEXT_PAD
		"Once %s lets go of its lock, the kernel looks for a circle again, and can "
		"refuse %s's %s with EDEADLK. Until then they wait.\n",
		phrase_process(&text->scratch, text->catalog, deadlock->opener,
			       deadlock->opener_tid),
		who_ends(text, deadlock), phrase_call(&text->scratch, member->op));
}

static void say_timer(struct text *text, const struct deadlock *deadlock)
{
	if (deadlock->ends == NONE) {
		fputs(TEXT_PAD "A timer was set, whose signal can end it.\n", text->out);
		return;
	}
	fprintf(text->out, TEXT_PAD "A timer was set, whose signal can end it: %s gets it by %s.\n",
		who_ends(text, deadlock),
		phrase_clock(&text->scratch, text->catalog, deadlock->timer));
}

static void say_consequence(struct text *text, const struct deadlock *deadlock)
{
	switch (deadlock->consequence) {
	case CONSEQUENCE_HANG:
		fprintf(text->out, TEXT_PAD "Left alone, they wait for ever: %s.\n",
			why_kernel_lets_it(deadlock));
		break;
	case CONSEQUENCE_LIVELOCK:
		fputs(TEXT_PAD "Left alone, they try until one of them gives up.\n", text->out);
		break;
	case CONSEQUENCE_TIMEOUT:
		say_timer(text, deadlock);
		break;
	case CONSEQUENCE_EDEADLK:
		say_refusal(text, deadlock);
		break;
	}
}

static void say_doubt(struct text *text, const struct deadlock *deadlock)
{
	switch (deadlock->doubt) {
	case DOUBT_NONE:
		break;
	case DOUBT_UNSEEN:
		fputs(TEXT_PAD "Not certain: a thread that made no recorded call could release "
			       "one of the locks.\n",
		      text->out);
		break;
	case DOUBT_SHARERS:
		fprintf(text->out, TEXT_PAD "Not certain: %s could release one of the locks.\n",
			deadlock->sharer == NONE
				? "another thread"
				: phrase_process(&text->scratch, text->catalog, deadlock->sharer,
						 deadlock->sharer_tid));
		break;
	}
}

static void print_people(struct text *text, const struct deadlock *deadlock)
{
	bool over = is_over(deadlock);

	for (uint32_t i = 0; i < deadlock->member_count; i++) {
		const struct deadlock_member *member = &deadlock->members[i];

		if (i == deadlock->knot)
			fputs(TEXT_PAD "Behind them, in nobody's way:\n", text->out);
		print_wait(text, member, verb(member, over));
		print_holds(text, member, over);
		scratch_reset(&text->scratch);
	}
	say_consequence(text, deadlock);
	say_doubt(text, deadlock);
	scratch_reset(&text->scratch);
}

static void print_deadlock(struct text *text, uint32_t number, const struct deadlock *deadlock)
{
	fprintf(text->out, "%s%u. %s: %s", number > 1 ? "\n" : "", number, title(deadlock),
		in_short(text, deadlock));
	say_end(text, deadlock);
	fputs(".\n", text->out);
	print_people(text, deadlock);
}

void text_deadlock(struct text *text, uint32_t index)
{
	const struct deadlock *deadlock = &text->deadlocks->items[index];

	fprintf(text->out, "%s: %s.\n", title(deadlock), in_short(text, deadlock));
	print_cycle(text, deadlock);
	print_people(text, deadlock);
}

/* All of them: who is stuck wants to know. */
void text_deadlocks(struct text *text)
{
	text_heading(text, "Deadlocks");
	for (uint32_t i = 0; i < text->deadlocks->count; i++)
		print_deadlock(text, i + 1, &text->deadlocks->items[i]);
	if (text->deadlocks->omitted)
		fprintf(text->out, "\nand %s more.\n",
			phrase_count(&text->scratch, text->deadlocks->omitted));
}

/* ---- Those that the kernel kept from being */

static void print_refusal(struct text *text, uint32_t number, const struct deadlock *refused)
{
	const struct deadlock_member *first = refused->members;

	fprintf(text->out, "%s%u. %s was refused a lock on %s at %s: %s.\n", number > 1 ? "\n" : "",
		number, phrase_process(&text->scratch, text->catalog, first->process, first->tid),
		wanted(text, first), phrase_clock(&text->scratch, text->catalog, refused->until),
		refused->spurious ? "the kernel took it for a circle, but it was none"
				  : "to wait would have closed a circle");
	for (uint32_t i = 0; i < refused->knot; i++) {
		print_wait(text, &refused->members[i], i ? "waited" : "asked");
		print_holds(text, &refused->members[i], true);
	}
	if (refused->doubt == DOUBT_SHARERS && refused->sharer != NONE)
		fprintf(text->out,
			TEXT_PAD "%s did not wait, and could have released one of the locks.\n",
			phrase_process(&text->scratch, text->catalog, refused->sharer,
				       refused->sharer_tid));
	scratch_reset(&text->scratch);
}

void text_refusals(struct text *text)
{
	if (!text->deadlocks || !text->deadlocks->refused_count)
		return;
	text_heading(text, "Refused with EDEADLK");
	for (uint32_t i = 0; i < text->deadlocks->refused_count; i++)
		print_refusal(text, i + 1, &text->deadlocks->refused[i]);
	if (text->deadlocks->refused_omitted)
		fprintf(text->out, "\nand %s more.\n",
			phrase_count(&text->scratch, text->deadlocks->refused_omitted));
}
