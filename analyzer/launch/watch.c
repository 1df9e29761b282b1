/* SPDX-License-Identifier: MIT */
#include "analyzer/launch/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/launch/clock.h"
#include "analyzer/launch/writer.h"
#include "analyzer/system/process.h"
#include "trace/session.h"

#define SCAN_INTERVAL  (100 * MILLISECOND)
#define SWEEP_INTERVAL (50 * MILLISECOND)
#define SLICE	       16 /* processes newly followed before the ring is drained again */

void watch_begin(struct watch *watch, struct session *session, struct trace_file_writer *trace,
		 int epoll)
{
	uint32_t slots = session->checked.process_slots;

	memset(watch, 0, sizeof(*watch));
	watch->session = session;
	watch->trace = trace;
	watch->epoll = epoll;
	watch->bury = true;
	watch->pidns = process_own_pidns();
	watch->watched = xcalloc(slots, sizeof(*watch->watched));
}

static uint32_t slot_process(const struct process_slot *slot)
{
	uint32_t process = atomic_load_explicit(&slot->process, memory_order_acquire);

	return process == SLOT_BUSY ? 0 : process;
}

static void forget(struct watch *watch, struct watched *watched)
{
	/* A child of ours may have the pidfd, too: then closing it alone would leave it in the
	 * epoll set, and whoever comes into its slot would be the dead one. */
	if (watched->pid && watched->pidfd >= 0) {
		epoll_ctl(watch->epoll, EPOLL_CTL_DEL, watched->pidfd, NULL);
		close(watched->pidfd);
	}
	memset(watched, 0, sizeof(*watched));
	watch->alive--;
}

/* ---- The dead ------------------------------------------------------------------------------- */

static bool is_buried(const struct watch *watch, uint32_t process)
{
	for (uint32_t i = 0; process && i < watch->buried.count; i++) {
		if (watch->buried.items[i] == process)
			return true;
	}
	return false;
}

/* One pass for all who died lately: the slots are many and far apart. */
void watch_sweep(struct watch *watch)
{
	struct thread_slot *slots = session_threads(watch->session);

	for (uint32_t i = 0; watch->buried.count && i < watch->session->checked.thread_slots; i++) {
		struct thread_slot *slot = &slots[i];

		if (!is_buried(watch, atomic_load_explicit(&slot->process, memory_order_acquire)))
			continue;
		if (atomic_load_explicit(&slot->depth, memory_order_relaxed))
			trace_keep_pending(watch->trace, slot);
		atomic_store_explicit(&slot->depth, 0, memory_order_relaxed);
		atomic_store_explicit(&slot->process, 0, memory_order_release);
	}
	watch->buried.count = 0;
}

static int status_of(const struct watch *watch, pid_t pid)
{
	return pid && pid == watch->child && watch->child_reaped ? watch->child_status : -1;
}

static void bury(struct watch *watch, uint32_t index)
{
	struct process_slot *slot = &session_processes(watch->session)[index];
	struct watched *watched = &watch->watched[index];
	uint32_t process = watched->process;

	if (watch->bury && slot_process(slot) == process) {
		writer_death(watch->session, process, slot->pid, status_of(watch, watched->pid));
		vec_push(&watch->buried, process);
		memset((char *)slot + sizeof(slot->process), 0,
		       sizeof(*slot) - sizeof(slot->process));
		atomic_store_explicit(&slot->process, 0, memory_order_release);
	}
	forget(watch, watched);
}

/* ---- The new -------------------------------------------------------------------------------- */

/* The pid that we know the process of a slot by; 0: its namespace is not ours. */
static pid_t pid_here(const struct watch *watch, const struct process_slot *slot)
{
	if (slot->pidns == watch->pidns)
		return slot->pid;
	return watch->find ? watch->find(watch->context, slot->pid, slot->start_time) : 0;
}

static bool is_gone(const struct watched *watched)
{
	struct process_stat stat;

	return !process_stat(watched->pid, &stat) ||
	       !session_same_start(watched->start_time, stat.start_time) || stat.state == 'Z' ||
	       stat.state == 'X';
}

/* The pidfd first, then the start time: so the pidfd is the right one's. */
static void follow_pid(struct watch *watch, uint32_t index)
{
	struct watched *watched = &watch->watched[index];
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = index };

	watched->pidfd = process_pidfd(watched->pid);
	if (is_gone(watched) && (watched->pid != watch->child || watch->child_reaped)) {
		bury(watch, index);
		return;
	}
	if (watched->pidfd >= 0 && epoll_ctl(watch->epoll, EPOLL_CTL_ADD, watched->pidfd, &event)) {
		close(watched->pidfd);
		watched->pidfd = -1;
	}
}

static void follow(struct watch *watch, uint32_t index, uint32_t process)
{
	const struct process_slot *slot = &session_processes(watch->session)[index];
	struct watched *watched = &watch->watched[index];

	if (!watched->process)
		watch->alive++;
	*watched = (struct watched){
		.process = process,
		.pid = pid_here(watch, slot),
		.start_time = slot->start_time,
		.pidfd = -1,
	};
	if (watched->pid)
		follow_pid(watch, index);
}

/* Goes on where the last call stopped; true at the end of the slots. */
static bool scan(struct watch *watch, uint32_t most)
{
	const struct process_slot *slots = session_processes(watch->session);

	for (; watch->at < watch->session->checked.process_slots && most; watch->at++) {
		uint32_t i = watch->at, process = slot_process(&slots[i]);
		struct watched *watched = &watch->watched[i];

		if (watched->process && watched->process != process)
			forget(watch, watched);
		if (process && !watched->pid && slots[i].pid > 0) {
			follow(watch, i, process); /* new, or not found from here so far */
			most--;
		} else if (watched->pid && watched->pidfd < 0 && is_gone(watched)) {
			watch_ended(watch, i);
		}
	}
	if (watch->at < watch->session->checked.process_slots)
		return false;
	watch->at = 0;
	watch->scanned = true;
	return true;
}

void watch_step(struct watch *watch, uint64_t now)
{
	uint64_t processes = atomic_load_explicit(&watch->session->header->next_process.value,
						  memory_order_relaxed);

	if (now >= watch->next_sweep) {
		watch_sweep(watch);
		watch->next_sweep = now + SWEEP_INTERVAL;
	}
	if (!watch->at) {
		if (processes == watch->seen_processes && now < watch->next_scan)
			return;
		watch->seen_processes = processes;
		watch->next_scan = now + SCAN_INTERVAL;
	}
	scan(watch, SLICE);
}

void watch_all(struct watch *watch)
{
	watch->at = 0;
	scan(watch, UINT32_MAX);
	for (uint32_t i = 0; i < watch->session->checked.process_slots; i++) {
		if (watch->watched[i].pid && is_gone(&watch->watched[i]))
			watch_ended(watch, i);
	}
	watch_sweep(watch);
}

void watch_ended(struct watch *watch, uint32_t slot)
{
	const struct watched *watched;

	if (slot >= watch->session->checked.process_slots || !watch->watched[slot].process)
		return;
	watched = &watch->watched[slot];
	/* Our own child's death is recorded with its status, which waitpid() has in a moment. */
	if (watched->pid == watch->child && watch->child && !watch->child_reaped)
		return;
	bury(watch, slot);
}

bool watch_is_recorded(const struct watch *watch, pid_t pid, uint64_t start_time)
{
	for (uint32_t i = 0; i < watch->session->checked.process_slots; i++) {
		const struct watched *watched = &watch->watched[i];

		if (watched->process && watched->pid == pid &&
		    session_same_start(watched->start_time, start_time))
			return true;
	}
	return false;
}

void watch_end(struct watch *watch)
{
	for (uint32_t i = 0; i < watch->session->checked.process_slots; i++) {
		if (watch->watched[i].process)
			forget(watch, &watch->watched[i]);
	}
	free(watch->watched);
	vec_free(&watch->buried);
}
