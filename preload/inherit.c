/* SPDX-License-Identifier: MIT */
#include "preload/inherit.h"

#include <linux/kcmp.h>
#include <string.h>

#include "preload/arch.h"
#include "preload/clock.h"
#include "preload/emit.h"
#include "preload/file.h"
#include "preload/process.h"
#include "preload/thread.h"
#include "preload/twins.h"

#define ANCESTORS_MAX 32
#define PATH_ROOM                                                                              \
	1024 /* two fit into SCRATCH_ROOM; a longer path is taken as different: the sharing is \
		then not known */

static void record_sharing(int fd, uint32_t with, int other_fd)
{
	struct record_call record = {
		.kind = RECORD_CALL_RESULT,
		.op = CALL_INHERIT,
		.process = recorder.process,
		.tid = thread_ask_tid(),
		.fd = fd,
		.time = clock_monotonic(),
		.value = with,
		.last = other_fd,
	};

	emit(&record);
}

/* An fd of ours, by the kernel's words about it. */
struct mine {
	int fd;
	const char *path;
	size_t length;
	char *room; /* PATH_ROOM bytes for the paths of others */
};

static bool same_path(const struct process_slot *other, int other_fd, const struct mine *mine)
{
	return other->pidns == recorder.pidns &&
	       file_path(other->pid, other_fd, mine->room, PATH_ROOM) == mine->length &&
	       !memcmp(mine->room, mine->path, mine->length);
}

/*
 * Whether the descriptions are one the kernel says; both processes may have opened the file, and
 * got the same number. Where it can't be asked (a sandbox might kill for kcmp(2), or refuses it),
 * the same number counts as shared, and another one (dup2 between fork and exec) as not.
 */
static bool shares(const struct process_slot *other, int other_fd, const struct mine *mine)
{
	long difference = -1;

	if (!same_path(other, other_fd, mine))
		return false;
	if (!recorder.sandboxed)
		difference =
			raw6(SYS_kcmp, recorder.pid, other->pid, KCMP_FILE, mine->fd, other_fd, 0);
	return difference < 0 ? other_fd == mine->fd : !difference;
}

static void inherit(struct process_slot *other, int other_fd, int fd)
{
	atomic_fetch_or_explicit(&other->watch, UINT64_C(1) << (other_fd & 63),
				 memory_order_relaxed);
	record_sharing(fd, atomic_load_explicit(&other->process, memory_order_relaxed), other_fd);
}

static bool inherit_same_number(const struct mine *mine)
{
	struct process_slot *other = recorder.slot;
	bool found = false;

	for (int i = 0; i < ANCESTORS_MAX && (other = process_slot_of(other->parent)); i++)
		if (shares(other, mine->fd, mine)) {
			inherit(other, mine->fd, mine->fd);
			found = true;
		}
	return found;
}

static void inherit_other_number(const struct mine *mine)
{
	struct process_slot *other = recorder.slot;

	for (int i = 0; i < ANCESTORS_MAX && (other = process_slot_of(other->parent)); i++)
		for (int fd = 0; fd < 64; fd++)
			if (fd != mine->fd && shares(other, fd, mine))
				inherit(other, fd, mine->fd);
}

void inherit_from_ancestors(int fd)
{
	char *room = thread_scratch();
	struct mine mine = { .fd = fd, .path = room };

	if (!room)
		return;
	mine.length = file_path(0, fd, room, PATH_ROOM);
	mine.room = room + PATH_ROOM;
	/* A fork child that has not exec'd has the numbers of its parent, unless it called dup. */
	if (mine.length && !inherit_same_number(&mine) &&
	    (recorder.open_fds != UINT64_MAX || twins_inherited(fd)))
		inherit_other_number(&mine);
}

bool inherit_from_twin(int twin, int fd)
{
	if (!recorder.sandboxed &&
	    raw6(SYS_kcmp, recorder.pid, recorder.pid, KCMP_FILE, fd, twin, 0) > 0)
		return false;
	record_sharing(fd, recorder.process, twin);
	return true;
}

/* What it had may be gone already when it was asked. */
static bool has_left(const struct process_slot *parent)
{
	return atomic_load_explicit(&parent->exiting, memory_order_relaxed) ||
	       (int32_t)raw0(SYS_getppid) != recorder.slot->ppid;
}

bool inherit_from_parent(void)
{
	char room[2 * PATH_ROOM];
	struct process_slot *parent = process_slot_of(recorder.slot->parent);
	uint64_t watched = parent ? atomic_load_explicit(&parent->watch, memory_order_relaxed) : 0;

	for (uint64_t open = watched ? recorder.open_fds : 0; open; open &= open - 1) {
		struct mine mine = { .fd = __builtin_ctzll(open),
				     .path = room,
				     .room = room + PATH_ROOM };

		mine.length = file_path(0, mine.fd, room, PATH_ROOM);
		for (uint64_t theirs = mine.length ? watched : 0; theirs; theirs &= theirs - 1)
			if (shares(parent, __builtin_ctzll(theirs), &mine)) {
				process_watch(mine.fd);
				inherit(parent, __builtin_ctzll(theirs), mine.fd);
			}
	}
	return parent && !has_left(parent);
}
