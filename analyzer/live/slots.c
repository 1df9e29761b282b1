/* SPDX-License-Identifier: MIT */
#include "analyzer/live/slots.h"

#include <string.h>

#include "trace/names.h"
#include "trace/range.h"
#include "trace/ring.h"

bool op_is_flock(uint8_t op)
{
	return op < LOCK_OPS && lock_ops[op].world == WORLD_FLOCK;
}

bool op_is_posix(uint8_t op)
{
	return op < LOCK_OPS && lock_ops[op].owner == OWNER_PROCESS;
}

bool wait_conflicts(const struct slot_wait *wait, bool flock, bool shared, uint64_t start,
		    uint64_t end)
{
	return op_is_flock(wait->op) == flock && !(shared && wait->mode == FLAG_SHARED) &&
	       start < wait->end && end > wait->start;
}

static const struct thread_slot *thread_slot(const struct slots *slots, uint32_t at)
{
	return (const struct thread_slot *)((const char *)slots->mapped +
					    slots->checked->thread_offset) +
	       at;
}

/* A thread waits in the innermost of its requests. */
static bool read_wait(const struct slots *slots, uint32_t at, struct slot_wait *wait)
{
	const struct thread_slot *slot = thread_slot(slots, at);
	uint32_t process = atomic_load_explicit(&slot->process, memory_order_acquire);
	uint32_t depth = atomic_load_explicit(&slot->depth, memory_order_acquire);
	struct record_lock record;
	uint64_t payload[PAYLOAD_WORDS];
	struct range range = { 0, RANGE_EOF };

	if (!process || !depth || depth > NEST_MAX)
		return false;
	wait->position = atomic_load_explicit(&slot->position[depth - 1], memory_order_acquire);
	if (!cell_read(&slot->request[depth - 1], wait->position, payload))
		return false;
	memcpy(&record, payload, sizeof(record));
	if (record.kind != RECORD_REQUEST || record.op >= LOCK_OPS ||
	    lock_ops[record.op].action != ACTION_WAIT ||
	    record.flags & (FLAG_NONBLOCK | FLAG_BAD_RANGE | FLAG_BASE_UNKNOWN | FLAG_RAW_MODE) ||
	    (record.flags & FLAG_MODE) == FLAG_UNLOCK)
		return false;
	if (!op_is_flock(record.op) &&
	    !range_from_flock((int64_t)record.base, (int64_t)record.start,
			      (int64_t)record.len_or_end, &range))
		return false;
	wait->time = record.time;
	wait->process = process;
	wait->tid = slot->tid;
	wait->slot = at;
	wait->file = record.file;
	wait->start = range.start;
	wait->end = range.end;
	wait->fd = record.fd;
	wait->op = record.op;
	wait->mode = record.flags & FLAG_MODE;
	return true;
}

static uint32_t at_most(uint32_t used, uint32_t slots)
{
	return used < slots ? used : slots;
}

void slots_waits(const struct slots *slots, struct slot_waits *waits)
{
	uint32_t used = atomic_load_explicit(&slots->mapped->threads_used, memory_order_relaxed);
	struct slot_wait wait;

	waits->vec.count = 0;
	for (uint32_t i = 0; i < at_most(used, slots->checked->thread_slots); i++)
		if (read_wait(slots, i, &wait))
			vec_push(&waits->vec, wait);
}

bool slots_still_waits(const struct slots *slots, const struct slot_wait *wait)
{
	struct slot_wait now;

	return read_wait(slots, wait->slot, &now) && now.position == wait->position &&
	       now.time == wait->time && now.process == wait->process && now.tid == wait->tid;
}

bool slots_next_peer(const struct slots *slots, uint32_t *at, struct peer *peer)
{
	const struct process_slot *first =
		(const struct process_slot *)((const char *)slots->mapped +
					      slots->checked->process_offset);
	uint32_t used = atomic_load_explicit(&slots->mapped->processes_used, memory_order_relaxed);

	while (*at < at_most(used, slots->checked->process_slots)) {
		const struct process_slot *slot = &first[(*at)++];
		uint32_t process = atomic_load_explicit(&slot->process, memory_order_acquire);

		if (!process || process == SLOT_BUSY || slot->pid <= 0)
			continue;
		*peer = (struct peer){
			.process = process,
			.inner = slot->pid,
			.start_time = slot->start_time,
			.pidns = slot->pidns,
			.slot = slot,
		};
		return true;
	}
	return false;
}
