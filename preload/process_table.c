/* SPDX-License-Identifier: MIT */
#include "preload/process_table.h"

#include <errno.h>

#include "preload/arch.h"
#include "trace/session.h"

struct process_slot process_spare_slot;

/* ---- Finding */

uint32_t process_slots_used(void)
{
	return slots_used(&recorder.session->processes_used, recorder.process_slot_count);
}

struct process_slot *process_slot_of(uint32_t process)
{
	uint32_t used = process ? process_slots_used() : 0;

	for (uint32_t i = 0; i < used; i++) {
		struct process_slot *slot = &recorder.process_slots[i];

		if (atomic_load_explicit(&slot->process, memory_order_acquire) == process)
			return slot;
	}
	return NULL;
}

bool process_slot_is_near(const struct process_slot *slot)
{
	uint32_t process = atomic_load_explicit(&slot->process, memory_order_acquire);

	return process && process != SLOT_BUSY && slot->pidns == recorder.pidns;
}

struct process_slot *process_slot_by_pid(int32_t pid, uint64_t start_time)
{
	uint32_t used = pid ? process_slots_used() : 0;

	for (uint32_t i = 0; i < used; i++) {
		struct process_slot *slot = &recorder.process_slots[i];

		if (process_slot_is_near(slot) && slot->pid == pid &&
		    (!start_time || session_same_start(slot->start_time, start_time)))
			return slot;
	}
	return NULL;
}

/* ---- Claiming */

void process_free_threads(uint32_t process)
{
	uint32_t used = slots_used(&recorder.session->threads_used, recorder.thread_slot_count);

	for (uint32_t i = 0; i < used; i++) {
		struct thread_slot *slot = &recorder.thread_slots[i];

		if (atomic_load_explicit(&slot->process, memory_order_relaxed) == process) {
			atomic_store_explicit(&slot->depth, 0, memory_order_relaxed);
			atomic_store_explicit(&slot->process, 0, memory_order_release);
		}
	}
}

static bool is_dead(const struct process_slot *slot)
{
	return slot->pidns == recorder.pidns && slot->pid > 0 &&
	       raw2(SYS_kill, slot->pid, 0) == -ESRCH;
}

static struct process_slot *claim_free_slot(void)
{
	for (uint32_t i = 0; i < recorder.process_slot_count; i++) {
		struct process_slot *slot = &recorder.process_slots[i];
		uint32_t free = 0;

		if (!atomic_load_explicit(&slot->process, memory_order_relaxed) &&
		    atomic_compare_exchange_strong(&slot->process, &free, SLOT_BUSY)) {
			slots_mark(&recorder.session->processes_used, i);
			return slot;
		}
	}
	return NULL;
}

/* A session that no launcher looks after fills up with the dead: make room, all at once. */
static void bury_the_dead(void)
{
	for (uint32_t i = 0; i < recorder.process_slot_count; i++) {
		struct process_slot *slot = &recorder.process_slots[i];
		uint32_t process = atomic_load_explicit(&slot->process, memory_order_acquire);

		if (!process || process == SLOT_BUSY || !is_dead(slot))
			continue;
		process_free_threads(process);
		atomic_compare_exchange_strong(&slot->process, &process, 0);
	}
}

struct process_slot *process_slot_claim(void)
{
	struct process_slot *slot = claim_free_slot();

	if (slot)
		return slot;
	bury_the_dead();
	slot = claim_free_slot();
	if (slot)
		return slot;
	recorder_count(&recorder.session->lost_processes);
	return &process_spare_slot;
}

/* 0 and SLOT_BUSY are nobody's number. */
uint32_t process_number_new(void)
{
	uint32_t process;

	do
		process = (uint32_t)atomic_fetch_add(&recorder.session->next_process.value, 1);
	while (!process || process == SLOT_BUSY);
	return process;
}

/* ---- Children */

/*
 * A parent asks its children who has an fd that it watches from now on, and a child its parent what
 * it watches: the child has said that it is there before it looks, and the parent that it watches.
 * So one of them sees the other.
 */
void process_slot_count_child(struct process_slot *parent)
{
	atomic_fetch_add_explicit(&parent->children, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
}
