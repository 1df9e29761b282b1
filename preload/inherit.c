/* SPDX-License-Identifier: MIT */
#include "preload/inherit.h"

#include <linux/kcmp.h>
#include <string.h>

#include "preload/arch.h"
#include "preload/clock.h"
#include "preload/emit.h"
#include "preload/file.h"
#include "preload/process.h"
#include "preload/process_table.h"
#include "preload/thread.h"
#include "preload/twins.h"

#define ANCESTORS_MAX 32
#define QUESTIONS_MAX \
	128 /* at most 0.2 ms; who is not asked about an fd is not known to share it */
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

/* An fd of ours, by the kernel's words about it, and what has been found out. */
struct mine {
	int fd;
	const char *path;
	size_t length;
	char *room;  /* PATH_ROOM bytes for the paths of others */
	bool shared; /* somebody else has it, */
	bool known;  /* and has locked it before: he has asked around, too */
	unsigned questions;
};

static bool same_path(const struct process_slot *other, int other_fd, const struct mine *mine)
{
	return other->pidns == recorder.pidns &&
	       file_path(other->pid, other_fd, mine->room, PATH_ROOM) == mine->length &&
	       !memcmp(mine->room, mine->path, mine->length);
}

/* 0: they are one description, 1 or more: they are not, less: the kernel does not say. */
static long compare(const struct process_slot *other, int other_fd, int fd)
{
	return raw6(SYS_kcmp, recorder.pid, other->pid, KCMP_FILE, fd, other_fd, 0);
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
		difference = compare(other, other_fd, mine->fd);
	return difference < 0 ? other_fd == mine->fd : !difference;
}

static void inherit(struct process_slot *other, int other_fd, struct mine *mine)
{
	uint64_t bit = UINT64_C(1) << (other_fd & 63);

	mine->shared = true;
	mine->known |= atomic_fetch_or_explicit(&other->watch, bit, memory_order_relaxed) & bit;
	record_sharing(mine->fd, atomic_load_explicit(&other->process, memory_order_relaxed),
		       other_fd);
}

/* ---- Ancestors, who need not have locked it themselves */

static void ancestors_same_number(struct mine *mine)
{
	struct process_slot *other = recorder.slot;

	for (int i = 0; i < ANCESTORS_MAX && (other = process_slot_of(other->parent)); i++)
		if (shares(other, mine->fd, mine))
			inherit(other, mine->fd, mine);
}

static void ancestors_other_number(struct mine *mine)
{
	struct process_slot *other = recorder.slot;

	for (int i = 0; i < ANCESTORS_MAX && (other = process_slot_of(other->parent)); i++)
		for (int fd = 0; fd < 64; fd++)
			if (fd != mine->fd && shares(other, fd, mine))
				inherit(other, fd, mine);
}

static void inherit_from_ancestors(struct mine *mine)
{
	char *room = thread_scratch();

	if (!room)
		return;
	mine->path = room;
	mine->length = file_path(0, mine->fd, room, PATH_ROOM);
	mine->room = room + PATH_ROOM;
	if (!mine->length)
		return;
	ancestors_same_number(mine);
	/* A fork child that has not exec'd has the numbers of its parent, unless it called dup. */
	if (!mine->shared && (recorder.open_fds != UINT64_MAX || twins_inherited(mine->fd)))
		ancestors_other_number(mine);
}

static bool is_ancestor(const struct process_slot *slot)
{
	const struct process_slot *other = recorder.slot;

	for (int i = 0; i < ANCESTORS_MAX && (other = process_slot_of(other->parent)); i++)
		if (other == slot)
			return true;
	return false;
}

/* ---- Relatives, who have locked it */

static bool is_same(const struct process_slot *slot, int its_fd, struct mine *mine)
{
	if (!mine->questions || !process_slot_is_near(slot))
		return false;
	mine->questions--;
	return !compare(slot, its_fd, mine->fd);
}

static void relative_same_number(struct process_slot *slot, struct mine *mine)
{
	uint64_t watch = atomic_load_explicit(&slot->watch, memory_order_relaxed);

	if (slot != recorder.slot && watch >> (mine->fd & 63) & 1 &&
	    is_same(slot, mine->fd, mine) && !is_ancestor(slot))
		inherit(slot, mine->fd, mine);
}

static void relative_other_number(struct process_slot *slot, struct mine *mine)
{
	uint64_t watch = atomic_load_explicit(&slot->watch, memory_order_relaxed);

	for (; watch; watch &= watch - 1) {
		int fd = __builtin_ctzll(watch);

		if (fd != mine->fd && is_same(slot, fd, mine)) {
			inherit(slot, fd, mine);
			return;
		}
	}
}

static void silent_same_number(struct process_slot *slot, struct mine *mine)
{
	uint64_t watch = atomic_load_explicit(&slot->watch, memory_order_relaxed);

	if (slot != recorder.slot && !(watch >> (mine->fd & 63) & 1) &&
	    is_same(slot, mine->fd, mine))
		inherit(slot, mine->fd, mine);
}

/*
 * Whoever has it and says nothing keeps what we lock after we have closed it: children above all.
 * One that has no slot yet finds our watch word set, and asks (process_slot_count_child).
 */
static void inherit_to_silent(struct mine *mine)
{
	uint32_t used = recorder.sandboxed ? 0 : process_slots_used();

	for (int children = 1; children >= 0; children--)
		for (uint32_t i = 0; i < used; i++)
			if ((recorder.process_slots[i].parent == recorder.process) == children)
				silent_same_number(&recorder.process_slots[i], mine);
}

/*
 * Siblings and the like have it from somebody who may have given it up, or who has it under another
 * number by now; what an earlier image of this process has duplicated is not known to this one.
 * Those who have not locked it ask when they do.
 */
static void inherit_from_relatives(struct mine *mine)
{
	uint32_t used = recorder.sandboxed ? 0 : process_slots_used();

	for (uint32_t i = 0; i < used; i++)
		relative_same_number(&recorder.process_slots[i], mine);
	for (uint32_t i = 0; i < used && !mine->known; i++)
		relative_other_number(&recorder.process_slots[i], mine);
}

void inherit_from_others(int fd)
{
	struct mine mine = { .fd = fd, .questions = QUESTIONS_MAX };

	inherit_from_ancestors(&mine);
	inherit_from_relatives(&mine);
	inherit_to_silent(&mine);
}

void inherit_to_children(int fd)
{
	struct mine mine = { .fd = fd, .questions = QUESTIONS_MAX };

	if (process_children())
		inherit_to_silent(&mine);
}

void inherit_since_fork(struct process_slot *parent)
{
	uint64_t watched = atomic_load_explicit(&parent->watch, memory_order_relaxed);

	if (recorder.sandboxed || parent == recorder.slot || !process_slot_is_near(parent))
		return;
	for (; watched; watched &= watched - 1) {
		struct mine mine = { .fd = __builtin_ctzll(watched) };

		if (file_is_known(mine.fd) || compare(parent, mine.fd, mine.fd))
			continue;
		process_watch(mine.fd);
		inherit(parent, mine.fd, &mine);
	}
}

bool inherit_from_twin(int twin, int fd)
{
	if (!recorder.sandboxed &&
	    raw6(SYS_kcmp, recorder.pid, recorder.pid, KCMP_FILE, fd, twin, 0) > 0)
		return false;
	record_sharing(fd, recorder.process, twin);
	return true;
}

void inherit_from_parent(void)
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
				inherit(parent, __builtin_ctzll(theirs), &mine);
			}
	}
}
