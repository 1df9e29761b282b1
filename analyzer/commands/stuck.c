/* SPDX-License-Identifier: MIT */
#include "analyzer/commands/stuck.h"

#include <stdio.h>
#include <stdlib.h>

#include "analyzer/now/now.h"
#include "analyzer/render/phrases.h"
#include "analyzer/system/process.h"

static bool is_waiter(const struct now_wait *wait, const struct pids *waiters)
{
	for (uint32_t i = 0; i < waiters->vec.count; i++)
		if (wait->pid == waiters->vec.items[i])
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

static char *sentence(const struct now *now, const struct now_wait *wait,
		      const struct now_hold *hold, enum stuck why)
{
	const char *path = now->files.items[hold->file].path;
	struct scratch scratch = { 0 };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	say_process(out, now, wait->pid);
	fprintf(out, " waits for %s, which is held by ",
		path ? phrase_escaped(&scratch, path) : "a file");
	for (uint32_t i = 0; i < hold->sharers.count; i++) {
		fputs(i ? ", " : "", out);
		say_process(out, now, hold->sharers.items[i].pid);
		if (why == STUCK_INHERITED && hold->sharers.items[i].fd >= 0)
			fprintf(out, " (descriptor %d)", hold->sharers.items[i].fd);
	}
	switch (why) {
	case STUCK_STOPPED:
		fputs(" and stopped", out);
		break;
	case STUCK_INHERITED:
		fputs(", inherited from a process that is gone; open the file with O_CLOEXEC or "
		      "close it in the child",
		      out);
		break;
	case STUCK_CIRCLE:
		break;
	}
	fclose(out);
	scratch_free(&scratch);
	return text;
}

static void look_at(const struct now *now, const struct now_wait *wait, const struct now_hold *hold,
		    pid_t program, struct stuck_waits *found)
{
	bool stopped = all_are_stopped(now, hold);
	enum stuck why = stopped ? STUCK_STOPPED : STUCK_INHERITED;

	if (!stopped && !is_left_behind(now, hold, program))
		return;
	vec_push(&found->vec, (struct stuck_wait){
				      .waiter = wait->pid,
				      .holder = hold->sharers.items[0].pid,
				      .fd = hold->sharers.items[0].fd,
				      .flock = wait->lock.kind == LOCK_KIND_FLOCK,
				      .start = wait->range_known ? wait->lock.start : 0,
				      .end = wait->range_known ? wait->lock.end : 0,
				      .why = why,
				      .sentence = sentence(now, wait, hold, why),
			      });
}

/* ---- Those who wait for each other */

/* The member that waits for this lock and is followed by one who has it. */
static uint32_t link_of(const struct now_circle *circle, uint32_t wait)
{
	for (uint32_t i = 0; i < circle->cycle; i++)
		if (circle->members.items[i].wait == wait)
			return i;
	return NOT_KNOWN;
}

/* "a[1] waits for x, which is held by b[2] (not recorded), which waits for y, which is held by
 * a[1]"
 */
static char *circle_sentence(const struct now *now, const struct now_circle *circle, uint32_t first)
{
	struct scratch scratch = { 0 };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (uint32_t i = 0; i < circle->cycle; i++) {
		const struct now_member *member =
			&circle->members.items[(first + i) % circle->cycle];
		const struct now_member *next =
			&circle->members.items[(first + i + 1) % circle->cycle];
		const char *path =
			member->wait == NOT_KNOWN
				? NULL
				: now->files.items[now->waits.items[member->wait].file].path;

		if (!i)
			say_process(out, now, member->pid);
		fprintf(out, "%s waits for ", i ? ", which" : "");
		if (member->wait != NOT_KNOWN)
			fprintf(out, "%s, which is held by ",
				path ? phrase_escaped(&scratch, path) : "a file");
		say_process(out, now, next->pid);
		fputs(i ? "" : " (not recorded)", out);
	}
	fputs(": likely a deadlock", out);
	fclose(out);
	scratch_free(&scratch);
	return text;
}

/* Each link of the circle: the launcher knows which of them are recorded. */
static void look_at_circle(const struct now *now, uint32_t index, struct stuck_waits *found)
{
	const struct now_wait *wait = &now->waits.items[index];

	for (uint32_t i = 0; i < now->circles.count; i++) {
		const struct now_circle *circle = &now->circles.items[i];
		uint32_t at = link_of(circle, index);

		if (circle->until_timeout || circle->others || at == NOT_KNOWN)
			continue;
		vec_push(&found->vec,
			 (struct stuck_wait){
				 .waiter = wait->pid,
				 .holder = circle->members.items[(at + 1) % circle->cycle].pid,
				 .fd = -1,
				 .flock = wait->lock.kind == LOCK_KIND_FLOCK,
				 .start = wait->range_known ? wait->lock.start : 0,
				 .end = wait->range_known ? wait->lock.end : 0,
				 .why = STUCK_CIRCLE,
				 .sentence = circle_sentence(now, circle, at),
			 });
	}
}

void stuck_find(const struct pids *waiters, pid_t program, struct stuck_waits *found)
{
	const struct now_wanted all = { 0 };
	struct now now;
	bool seen = !now_look(&now, &all);

	for (uint32_t i = 0; seen && i < now.waits.count; i++) {
		const struct now_wait *wait = &now.waits.items[i];

		for (uint32_t j = 0; is_waiter(wait, waiters) && j < wait->blockers.count; j++)
			look_at(&now, wait, &now.holds.items[wait->blockers.items[j]], program,
				found);
		if (is_waiter(wait, waiters))
			look_at_circle(&now, i, found);
	}
	now_free(&now);
}

void stuck_say(const struct stuck_wait *stuck)
{
	fprintf(stderr, "flocktrace: %s.\n", stuck->sentence);
}
