/* SPDX-License-Identifier: MIT */
#include "analyzer/live/kernel_word.h"

#include "analyzer/system/fdinfo.h"

static bool is_of(const struct kernel_lock *kept, const struct slot_wait *wait, uint64_t inode,
		  pid_t pid)
{
	enum lock_kind kind = op_is_flock(wait->op)   ? LOCK_KIND_FLOCK
			      : op_is_posix(wait->op) ? LOCK_KIND_POSIX
						      : LOCK_KIND_OFD;

	return kept->depth && kept->kind == kind && kept->shared == (wait->mode == FLAG_SHARED) &&
	       kept->inode == inode && kept->start == wait->start && kept->end == wait->end &&
	       (kept->pid <= 0 || kept->pid == pid);
}

static bool is_shown(const struct kernel_locks *locks, const struct slot_wait *wait, pid_t pid)
{
	struct fdinfo info;
	bool shown = false;

	/* stat() may know the inode by another number. */
	if (!fdinfo_read(&info, pid, wait->fd))
		return false;
	kernel_locks_free(&info.locks);
	for (uint32_t i = 0; info.has_inode && !shown && i < locks->vec.count; i++)
		shown = is_of(&locks->vec.items[i], wait, info.inode, pid);
	return shown;
}

bool kernel_shows(const struct scene *scene, const struct knot *knot)
{
	struct kernel_locks locks = { 0 };
	bool all = !kernel_locks_read(&locks);

	for (uint32_t i = 0; all && i < knot->count; i++) {
		uint32_t wait = scene->actors.items[knot->agents[i]].wait;

		all = wait == NONE || is_shown(&locks, &scene->waits->vec.items[wait],
					       scene->tasks.vec.items[knot->agents[i]].pid);
	}
	kernel_locks_free(&locks);
	return all;
}
