/* SPDX-License-Identifier: MIT */
/* The slots of a session that is being recorded, read where they lie. Nothing in them is trusted.
 */
#ifndef ANALYZER_LIVE_SLOTS_H
#define ANALYZER_LIVE_SLOTS_H

#include "analyzer/base/vec.h"
#include "analyzer/live/live.h"

#define NO_SLOT UINT32_MAX

/* A thread that is inside of a request which may block, or tries again and again. The first four
 * tell it from all others. */
struct slot_wait {
	uint64_t position, time;
	uint32_t process, tid;
	uint32_t slot; /* NO_SLOT: it tries */
	reference file;
	uint64_t start, end;
	int32_t fd;
	uint8_t op, mode;
};

static inline bool wait_tries(const struct slot_wait *wait)
{
	return wait->slot == NO_SLOT;
}

struct slot_waits {
	VEC(struct slot_wait) vec; /* by slot, who tries last */
};

struct slots {
	const struct header *mapped, *checked;
};

/* A process of the session. */
struct peer {
	uint32_t process;
	pid_t inner; /* in its own pid namespace */
	uint64_t start_time, pidns;
	const struct process_slot *slot;
};

void slots_waits(const struct slots *slots, struct slot_waits *waits);
/* Whether it is in that request still. */
bool slots_still_waits(const struct slots *slots, const struct slot_wait *wait);

/* NULL beyond the last; *at begins at 0. */
bool slots_next_peer(const struct slots *slots, uint32_t *at, struct peer *peer);

/* Whether a lock of this mode and range, by such a call, can stand in the way of the wait. */
bool wait_conflicts(const struct slot_wait *wait, bool flock, bool shared, uint64_t start,
		    uint64_t end);
bool op_is_flock(uint8_t op);
bool op_is_posix(uint8_t op);

#endif
