/* SPDX-License-Identifier: MIT */
#include "analyzer/launch/coverage.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "analyzer/launch/clock.h"
#include "analyzer/launch/writer.h"
#include "analyzer/system/descendants.h"
#include "analyzer/system/elf.h"
#include "analyzer/system/process.h"
#include "trace/session.h"

#define INTERVAL_MIN  (10 * MILLISECOND)
#define INTERVAL_MAX  (200 * MILLISECOND)
#define COST_FACTOR   50		  /* at most 1/50 of the time is spent walking */
#define QUIET_FACTOR  1000		  /* while nothing changes */
#define TIME_TO_SPEAK (100 * MILLISECOND) /* from exec to the recorder's constructor */
#define SLICE	      8			  /* processes looked at before the ring is drained again */

void coverage_begin(struct coverage *coverage, struct session *session, struct watch *watch,
		    struct reaped *reaped, const char *preload, pid_t root)
{
	memset(coverage, 0, sizeof(*coverage));
	coverage->session = session;
	coverage->watch = watch;
	coverage->reaped = reaped;
	coverage->mark = session_mark(session);
	coverage->preload = preload;
	coverage->has_lists = descendants_has_lists();
	coverage->interval = INTERVAL_MIN;
	if (root) {
		struct process_stat stat;

		vec_push(&coverage->kin, (struct kin){ .pid = root, .ours = true });
		if (process_stat(root, &stat))
			coverage->program_start = stat.start_time;
	}
}

void coverage_hurry(struct coverage *coverage)
{
	coverage->next_walk = coverage->earliest;
}

static void add(struct coverage *coverage, pid_t pid, uint64_t forked_from, bool ours)
{
	for (uint32_t i = 0; i < coverage->kin.count; i++) {
		if (coverage->kin.items[i].pid == pid) {
			coverage->kin.items[i].ours |= ours;
			return;
		}
	}
	vec_push(&coverage->kin,
		 (struct kin){ .pid = pid, .forked_from = forked_from, .ours = ours });
	coverage->changed = true;
}

/* ---- One process ---------------------------------------------------------------------------- */

static void name(struct coverage *coverage, struct kin *kin, const char *reason)
{
	kin->settled = true;
	if (kin->named)
		return;
	kin->named = true;
	writer_untraced(coverage->session, kin->pid, kin->exe, reason);
}

/* What the executable or the environment rules out for good, at the first look. */
static enum obstacle certain_obstacle(const struct coverage *coverage, const struct kin *kin,
				      enum obstacle file)
{
	if (file != OBSTACLE_NONE && file != OBSTACLE_OTHER_LIBC)
		return file;
	if (*coverage->preload &&
	    process_started_with(kin->pid, "LD_PRELOAD", coverage->preload) == ANSWER_NO)
		return OBSTACLE_LOST_ENVIRONMENT;
	return OBSTACLE_NONE;
}

/* Why one that had time to speak did not. Privileges of a file count only where they changed
 * something, so they come last. */
static enum obstacle late_obstacle(const struct kin *kin, enum obstacle file, const char *exe)
{
	enum obstacle privileges = elf_privileges(exe);
	char *environment = NULL;
	bool empty = process_file(kin->pid, "environ", &environment) == 0;

	free(environment);
	if (empty)
		return OBSTACLE_LOST_ENVIRONMENT;
	if (privileges != OBSTACLE_NONE)
		return privileges;
	if (process_changed_user(kin->pid))
		return OBSTACLE_SETUID;
	if (file != OBSTACLE_NONE)
		return file;
	return OBSTACLE_NONE;
}

/* What its silence means, if it lasts: a busy machine, or a library's constructor, can keep the
 * recorder waiting for long. */
static enum obstacle doubted_obstacle(const struct kin *kin)
{
	if (getenv("FLOCKTRACE_ONLY") && *getenv("FLOCKTRACE_ONLY"))
		return OBSTACLE_LEFT_OUT;
	return process_maps(kin->pid, "/libflocktrace.so") == ANSWER_YES ? OBSTACLE_STEPPED_ASIDE
									 : OBSTACLE_UNKNOWN;
}

static void settle(struct coverage *coverage, struct kin *kin, uint64_t now)
{
	char exe[PATH_MAX], link[64];
	enum obstacle file, obstacle;
	struct elf_summary elf;
	enum answer mapped = process_maps(kin->pid, coverage->mark);
	bool late = now - kin->since >= TIME_TO_SPEAK;

	if (mapped == ANSWER_YES ||
	    (mapped == ANSWER_UNKNOWN &&
	     watch_is_recorded(coverage->watch, kin->pid, kin->start_time))) {
		kin->settled = true;
		return;
	}
	process_executable(kin->pid, exe, sizeof(exe));
	free(kin->exe);
	kin->exe = xstrdup(exe);
	/* It may take long until it loads the program, and the recorder. */
	if (executable_is_valgrind(exe))
		return;
	snprintf(link, sizeof(link), "/proc/%d/exe", (int)kin->pid);
	elf_look(link, &elf);
	file = elf_obstacle(&elf);
	obstacle = certain_obstacle(coverage, kin, file);
	if (obstacle == OBSTACLE_NONE && late)
		obstacle = late_obstacle(kin, file, link);
	/* Only if it is still the image that all this was asked about. */
	if (obstacle != OBSTACLE_NONE) {
		struct process_stat stat;

		if (process_stat(kin->pid, &stat) && stat.image == kin->image && stat.state != 'Z')
			name(coverage, kin, obstacle_row(obstacle)->word);
	} else if (late) {
		kin->doubt = obstacle_row(doubted_obstacle(kin))->word;
	}
}

/* The image that it was has had its time, and the last look had not found the recorder in it. */
static void judge_doubted(struct coverage *coverage, struct kin *kin)
{
	if (kin->doubt && !kin->settled &&
	    !reaped_announced_since(coverage->reaped, kin->pid, kin->since))
		name(coverage, kin, kin->doubt);
}

/* It ended between two looks. */
static void judge_ended(struct coverage *coverage, struct kin *kin)
{
	judge_doubted(coverage, kin);
	if (kin->exe && !kin->settled && !kin->doubt && !coverage->ending &&
	    !reaped_announced(coverage->reaped, kin->pid))
		name(coverage, kin, "ended before it could be looked at");
	if (kin->named)
		reaped_seen(coverage->reaped, kin->pid, true);
}

/* False: it is gone. */
static bool look(struct coverage *coverage, uint32_t index, uint64_t now)
{
	struct kin *kin = &coverage->kin.items[index];
	struct process_stat stat;
	struct pids children = { 0 };

	if (!process_stat(kin->pid, &stat) || stat.state == 'Z' || stat.state == 'X' ||
	    (kin->start_time && stat.start_time != kin->start_time)) {
		judge_ended(coverage, kin);
		return false;
	}
	if (stat.image != kin->image || !kin->start_time) {
		judge_doubted(coverage, kin);
		kin->start_time = stat.start_time;
		kin->image = stat.image;
		kin->since = now;
		kin->settled = false;
		kin->doubt = NULL;
		kin->inner = process_inner_pid(kin->pid);
		coverage->changed = true;
	}
	if (!kin->settled)
		settle(coverage, kin, now);
	if (kin->settled && (kin->named || kin->image != kin->forked_from))
		reaped_seen(coverage->reaped, kin->pid, kin->named);
	if (!kin->settled && !kin->doubt)
		coverage->changed = true;
	if (!coverage->has_lists)
		return true;
	descendants_children(kin->pid, &children);
	for (uint32_t i = 0; i < children.vec.count; i++)
		add(coverage, children.vec.items[i], stat.image, coverage->kin.items[index].ours);
	vec_free(&children.vec);
	return true;
}

/* ---- All of them ---------------------------------------------------------------------------- */

static void begin_walk(struct coverage *coverage, uint64_t now)
{
	struct pids parents = { 0 }, children = { 0 };

	coverage->walk_began = now;
	coverage->spent = 0;
	coverage->changed = false;
	coverage->at = 0;
	/* Those whose parents are gone are nobody's descendants, but they have slots. */
	for (uint32_t i = 0; i < coverage->session->checked.process_slots; i++) {
		const struct watched *watched = &coverage->watch->watched[i];

		if (watched->process && watched->pid)
			add(coverage, watched->pid, 0, false);
	}
	if (coverage->has_lists)
		return;
	for (uint32_t i = 0; i < coverage->kin.count; i++)
		vec_push(&parents.vec, coverage->kin.items[i].pid);
	descendants_scan(&parents, &children);
	for (uint32_t i = 0; i < children.vec.count; i++)
		add(coverage, children.vec.items[i], 0, false);
	vec_free(&parents.vec);
	vec_free(&children.vec);
}

static void finish_walk(struct coverage *coverage, uint64_t now)
{
	uint64_t interval = coverage->changed ? INTERVAL_MIN : 2 * coverage->interval;
	uint64_t earliest = INTERVAL_MIN;

	if (interval > INTERVAL_MAX)
		interval = INTERVAL_MAX;
	coverage->interval = interval;
	if (!coverage->changed && interval < QUIET_FACTOR * coverage->spent)
		interval = QUIET_FACTOR * coverage->spent;
	if (earliest < COST_FACTOR * coverage->spent)
		earliest = COST_FACTOR * coverage->spent;
	coverage->earliest = now + earliest;
	coverage->next_walk = now + (interval > earliest ? interval : earliest);
	coverage->walk_began = 0;
}

static void drop(struct coverage *coverage, uint32_t index)
{
	free(coverage->kin.items[index].exe);
	vec_remove(&coverage->kin, index);
}

void coverage_step(struct coverage *coverage, uint64_t now)
{
	uint64_t began = clock_read(CLOCK_THREAD_CPUTIME_ID);

	if (!coverage->walk_began) {
		if (now < coverage->next_walk)
			return;
		begin_walk(coverage, now);
	}
	for (int i = 0; i < SLICE && coverage->at < coverage->kin.count; i++) {
		if (look(coverage, coverage->at, now))
			coverage->at++;
		else
			drop(coverage, coverage->at);
	}
	coverage->spent += clock_read(CLOCK_THREAD_CPUTIME_ID) - began;
	if (coverage->at >= coverage->kin.count)
		finish_walk(coverage, clock_now());
}

pid_t coverage_find(const struct coverage *coverage, pid_t inner, uint64_t start_time)
{
	for (uint32_t i = 0; i < coverage->kin.count; i++) {
		const struct kin *kin = &coverage->kin.items[i];

		if (kin->inner == inner && session_same_start(start_time, kin->start_time))
			return kin->pid;
	}
	return 0;
}

/* ---- The end -------------------------------------------------------------------------------- */

void coverage_survivors(struct coverage *coverage)
{
	struct pids found = { 0 };

	if (!coverage->program_start)
		return;
	descendants_started_with("FLOCKTRACE_SESSION", coverage->session->path,
				 coverage->program_start, &found);
	for (uint32_t i = 0; i < found.vec.count; i++)
		add(coverage, found.vec.items[i], 0, false);
	vec_free(&found.vec);
}

/* Of a process that is not named, and could be by now. */
static bool lives_unheard(const struct coverage *coverage, const struct kin *kin)
{
	struct process_stat stat;

	return coverage->program_start && !coverage->reaped->foreign && !kin->named &&
	       process_stat(kin->pid, &stat) && stat.state != 'Z' && stat.state != 'X' &&
	       (!kin->start_time || stat.start_time == kin->start_time) &&
	       !watch_is_recorded(coverage->watch, kin->pid, stat.start_time) &&
	       !reaped_announced(coverage->reaped, kin->pid);
}

bool coverage_is_waiting(const struct coverage *coverage)
{
	for (uint32_t i = 0; i < coverage->kin.count; i++) {
		if (lives_unheard(coverage, &coverage->kin.items[i]))
			return true;
	}
	return false;
}

static void judge_last(struct coverage *coverage, struct kin *kin)
{
	char exe[PATH_MAX];

	if (!lives_unheard(coverage, kin)) {
		judge_ended(coverage, kin);
		return;
	}
	process_executable(kin->pid, exe, sizeof(exe));
	free(kin->exe);
	kin->exe = xstrdup(exe);
	name(coverage, kin, kin->doubt ? kin->doubt : "still ran at the end of the program");
}

void coverage_end(struct coverage *coverage)
{
	while (coverage->kin.count) {
		judge_last(coverage, &coverage->kin.items[coverage->kin.count - 1]);
		drop(coverage, coverage->kin.count - 1);
	}
	vec_free(&coverage->kin);
}
