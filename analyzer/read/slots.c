/* SPDX-License-Identifier: MIT */
#include "analyzer/read/slots.h"

#include <string.h>

#include "trace/ring.h"

#define PROCESS_BUSY UINT32_MAX /* claimed, not filled yet */

static bool load_thread(struct slot_walk *walk, const struct trace_file *file)
{
	uint64_t offset =
		file->header.thread_offset + (uint64_t)walk->slot * sizeof(struct thread_slot);

	return walk->slot < file->header.thread_slots &&
	       trace_file_read(file, offset, &walk->current, sizeof(walk->current)) ==
		       sizeof(walk->current);
}

static uint32_t depth_of(const struct thread_slot *slot)
{
	uint32_t depth = atomic_load_explicit(&slot->depth, memory_order_relaxed);

	if (!atomic_load_explicit(&slot->process, memory_order_relaxed))
		return 0;
	return depth < NEST_MAX ? depth : NEST_MAX;
}

bool slots_next_request(struct slot_walk *walk, const struct trace_file *file,
			struct slot_request *request)
{
	for (;;) {
		uint64_t payload[PAYLOAD_WORDS];
		uint32_t depth;

		if (!walk->depth && !load_thread(walk, file))
			return false;
		if (walk->depth >= depth_of(&walk->current)) {
			walk->slot++;
			walk->depth = 0;
			continue;
		}
		depth = walk->depth++;
		request->slot = walk->slot;
		request->depth = depth;
		request->position =
			atomic_load_explicit(&walk->current.position[depth], memory_order_relaxed);
		if (!cell_read(&walk->current.request[depth], request->position, payload))
			continue; /* being written or left at this moment */
		memcpy(&request->record, payload, sizeof(request->record));
		if (request->record.kind == RECORD_REQUEST)
			return true;
	}
}

bool slots_process(const struct trace_file *file, uint32_t slot, struct process_slot *process)
{
	uint64_t offset = file->header.process_offset + (uint64_t)slot * sizeof(*process);
	uint32_t number;

	if (slot >= file->header.process_slots ||
	    trace_file_read(file, offset, process, sizeof(*process)) != sizeof(*process))
		return false;
	number = atomic_load_explicit(&process->process, memory_order_relaxed);
	return number && number != PROCESS_BUSY;
}
