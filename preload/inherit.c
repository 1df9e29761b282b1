/* SPDX-License-Identifier: MIT */
#include "preload/inherit.h"

#include <string.h>

#include "preload/arch.h"
#include "preload/clock.h"
#include "preload/emit.h"
#include "preload/file.h"
#include "preload/process.h"
#include "preload/thread.h"

#define ANCESTORS_MAX 32
#define PATH_ROOM     1024 /* a longer path is taken as different: the sharing is then not known */

static void record_sharing(int fd, uint32_t with)
{
	struct record_call record = {
		.kind = RECORD_CALL_RESULT,
		.op = CALL_INHERIT,
		.process = recorder.process,
		.tid = (uint32_t)raw0(SYS_gettid),
		.fd = fd,
		.time = clock_monotonic(),
		.value = with,
	};

	emit(&record);
}

/*
 * Same number, and the same file by the kernel's own words about both. That the other process
 * opened the same file anew at the same number is the one way to be wrong; kcmp(2) would know, but
 * sandboxes kill for it.
 */
static bool shares(const struct process_slot *other, int fd, const char *path, size_t length,
		   char *room)
{
	return other->pidns == recorder.pidns &&
	       file_path(other->pid, fd, room, PATH_ROOM) == length && !memcmp(room, path, length);
}

static void inherit(struct process_slot *other, int fd)
{
	atomic_fetch_or_explicit(&other->watch, UINT64_C(1) << (fd & 63), memory_order_relaxed);
	record_sharing(fd, atomic_load_explicit(&other->process, memory_order_relaxed));
}

void inherit_from_ancestors(int fd)
{
	char *room = thread_borrow_scratch(2 * PATH_ROOM);
	struct process_slot *other = recorder.slot;
	size_t length;

	if (!room)
		return;
	length = file_path(0, fd, room, PATH_ROOM);
	for (int i = 0; length && i < ANCESTORS_MAX; i++) {
		other = process_slot_of(other->parent);
		if (!other)
			break;
		if (shares(other, fd, room, length, room + PATH_ROOM))
			inherit(other, fd);
	}
	thread_return_scratch();
}

void inherit_from_parent(void)
{
	char room[2 * PATH_ROOM];
	struct process_slot *parent = process_slot_of(recorder.slot->parent);
	uint64_t shared;

	if (!parent)
		return;
	shared = atomic_load_explicit(&parent->watch, memory_order_relaxed) & recorder.open_fds;
	for (; shared; shared &= shared - 1) {
		int fd = __builtin_ctzll(shared);
		size_t length = file_path(0, fd, room, PATH_ROOM);

		if (length && shares(parent, fd, room, length, room + PATH_ROOM)) {
			process_watch(fd);
			inherit(parent, fd);
		}
	}
}
