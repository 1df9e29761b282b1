/* SPDX-License-Identifier: MIT */
/* The slots beside the ring: requests in progress, and who was there. */
#ifndef ANALYZER_READ_SLOTS_H
#define ANALYZER_READ_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/read/file.h"

struct slot_request {
	struct record_lock record;
	uint64_t position; /* of its REQUEST in the ring; 0: it is not there */
	uint32_t slot;	   /* which thread slot, and how deep in it */
	uint32_t depth;
};

/* Goes through the requests that the thread slots say are in progress now. Start with { 0 }. */
struct slot_walk {
	uint32_t slot, depth;
	struct thread_slot current;
};

bool slots_next_request(struct slot_walk *walk, const struct trace_file *file,
			struct slot_request *request);

/* One process slot; false: it is free, or there is no such slot. */
bool slots_process(const struct trace_file *file, uint32_t slot, struct process_slot *process);

#endif
