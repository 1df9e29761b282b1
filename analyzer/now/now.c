/* SPDX-License-Identifier: MIT */
#include "analyzer/now/now.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/now/scan.h"
#include "analyzer/system/process.h"

int now_want_file(struct now_wanted *wanted, const char *path)
{
	/* O_PATH: no driver sees it, and no lock can hang on it. */
	int fd = open(path, O_PATH | O_CLOEXEC);
	struct mounts mounts = { 0 };
	struct fdinfo info;
	struct stat status;
	int error;

	if (fd < 0)
		return errno;
	error = fstat(fd, &status) ? errno : 0;
	wanted->one_file = true;
	mounts_read(&mounts, getpid());
	if (!fdinfo_read(&info, getpid(), fd) ||
	    !fdinfo_file(&info, &mounts, &wanted->device, &wanted->inode)) {
		wanted->device = status.st_dev;
		wanted->inode = status.st_ino;
	}
	kernel_locks_free(&info.locks);
	vec_free(&mounts.vec);
	close(fd);
	return error;
}

static bool holds(const struct now_hold *hold, pid_t pid)
{
	for (uint32_t i = 0; i < hold->sharers.count; i++)
		if (hold->sharers.items[i].pid == pid)
			return true;
	return hold->lock.pid == pid;
}

static bool is_dead(const struct now *now, pid_t pid)
{
	const struct now_process *process = now_process(now, pid);

	return process && !process->alive;
}

/* Who has ended since their descriptors were looked at have nothing any more. */
static bool is_gone(const struct now *now, struct now_hold *hold)
{
	uint32_t kept = 0, count = hold->sharers.count;

	for (uint32_t i = 0; i < count; i++)
		if (!is_dead(now, hold->sharers.items[i].pid))
			hold->sharers.items[kept++] = hold->sharers.items[i];
	hold->sharers.count = kept;
	if (!count)
		return hold->lock.kind == LOCK_KIND_POSIX && is_dead(now, (pid_t)hold->lock.pid);
	return !kept;
}

static bool is_wanted_file(const struct now *now, const struct now_wanted *wanted, uint32_t file)
{
	const struct now_file *at = &now->files.items[file];

	return !wanted->one_file || (at->device == wanted->device && at->inode == wanted->inode);
}

static bool wait_is_wanted(const struct now *now, const struct now_wanted *wanted,
			   const struct now_wait *wait)
{
	bool mine = !wanted->pid || wait->pid == wanted->pid;

	for (uint32_t i = 0; i < wait->blockers.count && !mine; i++)
		mine = holds(&now->holds.items[wait->blockers.items[i]], wanted->pid);
	return mine && is_wanted_file(now, wanted, wait->file) && !is_dead(now, wait->pid);
}

/* Those that the process has, and those in its way. */
static bool hold_is_wanted(const struct now *now, const struct now_wanted *wanted, uint32_t hold)
{
	bool mine = !wanted->pid || holds(&now->holds.items[hold], wanted->pid);

	for (uint32_t i = 0; i < now->waits.count && !mine; i++) {
		const struct now_wait *wait = &now->waits.items[i];

		for (uint32_t j = 0; j < wait->blockers.count; j++)
			mine |= wait->pid == wanted->pid && wait->blockers.items[j] == hold;
	}
	return mine && is_wanted_file(now, wanted, now->holds.items[hold].file);
}

static void renumber_blockers(struct now_wait *wait, const uint32_t *number)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < wait->blockers.count; i++)
		if (number[wait->blockers.items[i]] != NOT_KNOWN)
			wait->blockers.items[kept++] = number[wait->blockers.items[i]];
	wait->blockers.count = kept;
}

static void renumber_members(struct now *now, const uint32_t *number)
{
	for (uint32_t i = 0; i < now->circles.count; i++) {
		struct now_circle *circle = &now->circles.items[i];

		for (uint32_t j = 0; j < circle->members.count; j++)
			if (circle->members.items[j].wait != NOT_KNOWN)
				circle->members.items[j].wait =
					number[circle->members.items[j].wait];
	}
}

/* Whole circles belong to what was asked for if a part of them does. */
static void mark_circles(const struct now *now, bool *hold, bool *wait)
{
	for (uint32_t i = 0; i < now->circles.count; i++) {
		const struct now_circle *circle = &now->circles.items[i];
		bool touched = false;

		for (uint32_t j = 0; j < circle->members.count; j++)
			touched |= circle->members.items[j].wait != NOT_KNOWN &&
				   wait[circle->members.items[j].wait];
		for (uint32_t j = 0; touched && j < circle->members.count; j++) {
			uint32_t index = circle->members.items[j].wait;

			if (index == NOT_KNOWN)
				continue;
			wait[index] = true;
			for (uint32_t k = 0; k < now->waits.items[index].blockers.count; k++)
				hold[now->waits.items[index].blockers.items[k]] = true;
		}
	}
}

static void keep_circles(struct now *now, const bool *wait)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < now->circles.count; i++) {
		struct now_circle *circle = &now->circles.items[i];
		bool wanted = false;

		for (uint32_t j = 0; j < circle->members.count; j++)
			wanted |= circle->members.items[j].wait != NOT_KNOWN &&
				  wait[circle->members.items[j].wait];
		if (wanted)
			now->circles.items[kept++] = *circle;
		else
			vec_free(&circle->members);
	}
	now->circles.count = kept;
}

static void keep_wanted(struct now *now, const struct now_wanted *wanted)
{
	bool *hold = xcalloc(now->holds.count + 1, sizeof(*hold));
	bool *wait = xcalloc(now->waits.count + 1, sizeof(*wait));
	uint32_t *number = xcalloc(now->holds.count + now->waits.count + 1, sizeof(*number));
	uint32_t kept = 0;

	for (uint32_t i = 0; i < now->holds.count; i++)
		hold[i] = !is_gone(now, &now->holds.items[i]) && hold_is_wanted(now, wanted, i);
	for (uint32_t i = 0; i < now->waits.count; i++)
		wait[i] = wait_is_wanted(now, wanted, &now->waits.items[i]);
	mark_circles(now, hold, wait);
	keep_circles(now, wait);
	for (uint32_t i = 0; i < now->holds.count; i++) {
		number[i] = hold[i] ? kept : NOT_KNOWN;
		if (hold[i])
			now->holds.items[kept++] = now->holds.items[i];
		else
			vec_free(&now->holds.items[i].sharers);
	}
	now->holds.count = kept;
	for (uint32_t i = 0; i < now->waits.count; i++)
		renumber_blockers(&now->waits.items[i], number);
	kept = 0;
	for (uint32_t i = 0; i < now->waits.count; i++) {
		number[i] = wait[i] ? kept : NOT_KNOWN;
		if (wait[i])
			now->waits.items[kept++] = now->waits.items[i];
		else
			vec_free(&now->waits.items[i].blockers);
	}
	now->waits.count = kept;
	renumber_members(now, number);
	free(hold);
	free(wait);
	free(number);
}

int now_look(struct now *now, const struct now_wanted *wanted)
{
	struct scan scan = { .now = now };
	struct kernel_locks locks;
	struct timespec wall;
	int error;

	*now = (struct now){ 0 };
	clock_gettime(CLOCK_REALTIME, &wall);
	now->wall = (int64_t)wall.tv_sec * 1000000000 + wall.tv_nsec;
	error = kernel_locks_read(&locks);
	for (uint32_t i = 0; i < locks.vec.count; i++)
		if (locks.vec.items[i].has_file)
			scan_file(&scan, locks.vec.items[i].device, locks.vec.items[i].inode);
	if (!error) {
		scan_proc(&scan);
		merge_holds(&scan, &locks);
		merge_waits(&scan, &locks);
		find_blockers(now);
		find_circles(&scan);
		look_at_people(now);
		keep_wanted(now, wanted);
	}
	kernel_locks_free(&locks);
	scan_free(&scan);
	return error;
}

void now_free(struct now *now)
{
	for (uint32_t i = 0; i < now->files.count; i++)
		free(now->files.items[i].path);
	for (uint32_t i = 0; i < now->holds.count; i++)
		vec_free(&now->holds.items[i].sharers);
	for (uint32_t i = 0; i < now->waits.count; i++)
		vec_free(&now->waits.items[i].blockers);
	for (uint32_t i = 0; i < now->circles.count; i++)
		vec_free(&now->circles.items[i].members);
	for (uint32_t i = 0; i < now->processes.count; i++) {
		free(now->processes.items[i].command);
		free(now->processes.items[i].doing);
		free(now->processes.items[i].unit);
	}
	vec_free(&now->files);
	vec_free(&now->holds);
	vec_free(&now->waits);
	vec_free(&now->circles);
	vec_free(&now->processes);
}

bool now_taker_is_dead(const struct now *now, const struct now_hold *hold)
{
	const struct now_process *taker = now_process(now, (pid_t)hold->lock.pid);

	if (hold->lock.kind != LOCK_KIND_FLOCK || hold->lock.pid <= 0)
		return false;
	for (uint32_t i = 0; i < hold->sharers.count; i++)
		if (hold->sharers.items[i].pid == hold->lock.pid)
			return false;
	return !taker || !taker->alive || taker->state == 'Z';
}
