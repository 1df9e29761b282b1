/* SPDX-License-Identifier: MIT */
#include "analyzer/live/kernel_word.h"

#include "analyzer/base/vec.h"
#include "analyzer/system/fdinfo.h"

#define READS 4

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

/* stat() may know the inode by another number. False: nobody can look. */
static bool kernel_inode(pid_t pid, int fd, uint64_t *inode)
{
	struct fdinfo info;

	if (!fdinfo_read(&info, pid, fd))
		return false;
	kernel_locks_free(&info.locks);
	*inode = info.inode;
	return info.has_inode;
}

struct asked {
	const struct slot_wait *wait;
	pid_t pid;
	uint64_t inode;
};

struct questions {
	VEC(struct asked) vec; /* those that were not shown yet */
};

static bool ask(const struct scene *scene, const struct knot *knot, struct questions *questions)
{
	for (uint32_t i = 0; i < knot->count; i++) {
		uint32_t wait = scene->actors.items[knot->agents[i]].wait;
		struct asked asked = { .pid = scene->tasks.vec.items[knot->agents[i]].pid };

		if (wait == NONE)
			continue;
		asked.wait = &scene->waits->vec.items[wait];
		if (!kernel_inode(asked.pid, asked.wait->fd, &asked.inode))
			return false;
		vec_push(&questions->vec, asked);
	}
	return true;
}

static void drop_shown(struct questions *questions, const struct kernel_locks *locks)
{
	for (uint32_t i = questions->vec.count; i-- > 0;) {
		const struct asked *asked = &questions->vec.items[i];

		for (uint32_t j = 0; j < locks->vec.count; j++)
			if (is_of(&locks->vec.items[j], asked->wait, asked->inode, asked->pid)) {
				vec_remove(&questions->vec, i);
				break;
			}
	}
}

bool kernel_shows(const struct scene *scene, const struct knot *knot)
{
	struct questions questions = { 0 };
	bool all = ask(scene, knot, &questions);

	/* What is longer than a page it tells in parts, and leaves lines out where others came and
	 * went between two of them. */
	for (int i = 0; all && questions.vec.count && i < READS; i++) {
		struct kernel_locks locks;

		all = !kernel_locks_read(&locks);
		drop_shown(&questions, &locks);
		kernel_locks_free(&locks);
	}
	all &= !questions.vec.count;
	vec_free(&questions.vec);
	return all;
}
