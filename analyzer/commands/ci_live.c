/* SPDX-License-Identifier: MIT */
#include "analyzer/commands/ci_live.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/units.h"
#include "analyzer/now/now.h"
#include "analyzer/render/phrases.h"
#include "analyzer/system/process.h"

static bool is_reason(const struct live_verdict *verdict, const struct criteria *criteria,
		      uint64_t now)
{
	switch (verdict->verdict) {
	case VERDICT_CERTAIN:
		return true;
	case VERDICT_LIKELY:
	case VERDICT_LIVELOCK:
		return now >= verdict->since && now - verdict->since >= criteria->stuck_after;
	case VERDICT_UNTIL_TIMEOUT:
		break;
	}
	return false;
}

/* "flock[4711]" */
static void say_member(FILE *out, const struct live_member *member)
{
	struct scratch scratch = { 0 };
	char *name = NULL;

	if (process_file(member->pid, "comm", &name) > 0)
		fputs(phrase_escaped(&scratch, strtok(name, "\n")), out);
	fprintf(out, "[%d]", (int)member->pid);
	if (member->task != member->pid)
		fprintf(out, " thread %d", (int)member->task);
	free(name);
	scratch_free(&scratch);
}

static char *sentence(const struct live_verdict *verdict, uint64_t now)
{
	char lasted[UNITS_ROOM], *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (uint32_t i = 0; i < verdict->cycle; i++) {
		fputs(!i ? "" : i == 1 ? " waits for " : ", which waits for ", out);
		say_member(out, &verdict->members[i]);
	}
	fputs(verdict->cycle == 1 ? " waits for itself" : ", which waits for ", out);
	if (verdict->cycle > 1)
		say_member(out, &verdict->members[0]);
	for (uint32_t i = verdict->cycle; i < verdict->knot; i++) {
		fputs(i == verdict->cycle ? "; with " : ", ", out);
		say_member(out, &verdict->members[i]);
	}
	fprintf(out, ": %s for %s, so the program was ended.", verdict_name(verdict->verdict),
		units_duration(lasted, now - verdict->since));
	fclose(out);
	return text;
}

char *ci_reason_to_end(const struct criteria *criteria, const struct live_verdict *verdicts,
		       uint32_t count, uint64_t now)
{
	if (!criteria->wanted[CONDITION_DEADLOCK])
		return NULL;
	for (uint32_t i = 0; i < count; i++)
		if (is_reason(&verdicts[i], criteria, now))
			return sentence(&verdicts[i], now);
	return NULL;
}

/* ---- Stuck holders -------------------------------------------------------------------------- */

static bool is_waiter(const struct now_wait *wait, const pid_t *waiters, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (wait->pid == waiters[i])
			return true;
	return false;
}

static bool shares(const struct now_hold *hold, pid_t pid)
{
	for (uint32_t i = 0; i < hold->sharers.count; i++)
		if (hold->sharers.items[i].pid == pid)
			return true;
	return false;
}

/* Each of them waits until somebody lets it go on. */
static bool all_are_stopped(const struct now *now, const struct now_hold *hold)
{
	for (uint32_t i = 0; i < hold->sharers.count; i++) {
		const struct now_process *process = now_process(now, hold->sharers.items[i].pid);

		if (!process || process->state != 'T')
			return false;
	}
	return hold->sharers.count > 0;
}

/* In a pid namespace the kernel does not say who took a flock and is dead. */
static bool taker_is_gone(const struct now *now, const struct now_hold *hold)
{
	return now_taker_is_dead(now, hold) ||
	       (hold->lock.kind == LOCK_KIND_FLOCK && !hold->listed && !hold->lock.pid);
}

/*
 * Mostly the taker was flock(1), and the shell that has the descriptor will close it. Here it is
 * only with processes whose parents have gone, or have nothing to do with it.
 */
static bool is_left_behind(const struct now *now, const struct now_hold *hold, pid_t program)
{
	struct process_stat stat, parent;

	if (!taker_is_gone(now, hold) || !hold->sharers.count)
		return false;
	for (uint32_t i = 0; i < hold->sharers.count; i++) {
		/* Where we are process 1 ourselves, its parent looks like that of an orphan. */
		if (hold->sharers.items[i].pid == program ||
		    !process_stat(hold->sharers.items[i].pid, &stat))
			return false;
		if (stat.parent > 1 && process_stat(stat.parent, &parent) &&
		    !shares(hold, stat.parent))
			return false;
	}
	return true;
}

static void say_process(FILE *out, const struct now *now, pid_t pid)
{
	const struct now_process *process = now_process(now, pid);
	struct scratch scratch = { 0 };

	fprintf(out, "%s[%d]",
		process && process->command ? phrase_escaped(&scratch, process->command) : "?",
		(int)pid);
	scratch_free(&scratch);
}

static char *why_stuck(const struct now *now, const struct now_wait *wait,
		       const struct now_hold *hold, pid_t program)
{
	const char *path = now->files.items[hold->file].path;
	bool stopped = all_are_stopped(now, hold);
	struct scratch scratch = { 0 };
	char *text = NULL;
	size_t size;
	FILE *out;

	if (!stopped && !is_left_behind(now, hold, program))
		return NULL;
	out = open_memstream(&text, &size);
	say_process(out, now, wait->pid);
	fprintf(out, " waits for %s, which is held by ",
		path ? phrase_escaped(&scratch, path) : "a file");
	for (uint32_t i = 0; i < hold->sharers.count; i++) {
		fputs(i ? ", " : "", out);
		say_process(out, now, hold->sharers.items[i].pid);
		if (!stopped && hold->sharers.items[i].fd >= 0)
			fprintf(out, " (descriptor %d)", hold->sharers.items[i].fd);
	}
	fputs(stopped ? " and stopped"
		      : ", inherited from a process that is gone; open the file with O_CLOEXEC or "
			"close it in the child",
	      out);
	fputs(": so the program was ended.", out);
	fclose(out);
	scratch_free(&scratch);
	return text;
}

char *ci_stuck(const pid_t *waiters, uint32_t count, pid_t program)
{
	const struct now_wanted all = { 0 };
	struct now now;
	char *reason = NULL;

	if (now_look(&now, &all)) {
		now_free(&now);
		return NULL;
	}
	for (uint32_t i = 0; i < now.waits.count && !reason; i++) {
		const struct now_wait *wait = &now.waits.items[i];

		if (!is_waiter(wait, waiters, count))
			continue;
		for (uint32_t j = 0; j < wait->blockers.count && !reason; j++)
			reason = why_stuck(&now, wait, &now.holds.items[wait->blockers.items[j]],
					   program);
	}
	now_free(&now);
	return reason;
}
