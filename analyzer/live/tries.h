/* SPDX-License-Identifier: MIT */
/*
 * Who tries for a lock again and again instead of waiting in a call, by the results that are
 * drained. A thread that tries for several locks by turns waits for none of them: any one would do.
 */
#ifndef ANALYZER_LIVE_TRIES_H
#define ANALYZER_LIVE_TRIES_H

#include "analyzer/base/map.h"
#include "analyzer/live/files.h"
#include "analyzer/live/slots.h"

#define TRIED_NS UINT64_C(1000000000) /* whoever has tried for less may be lucky yet */

/* A thread's tries for one lock, none of which got it. */
struct try_series {
	struct slot_wait wait; /* its position and time are those of the first try */
	struct file_name file;
	uint64_t last;	/* ns: end of the last one */
	uint64_t tries; /* 0: it has got the lock */
};

struct tries {
	VEC(struct try_series) vec;
	struct map by_thread;
	uint32_t kept; /* when those that were over were last taken out */
};

/* Each RECORD_RESULT. */
void tries_record(struct tries *tries, const struct file_names *names, uint64_t position,
		  const uint64_t *payload);
/* Appends those who have tried for TRIED_NS and haven't stopped, as waits. */
void tries_waits(const struct tries *tries, uint64_t now, struct slot_waits *waits);
bool tries_go_on(const struct tries *tries, const struct slot_wait *wait, uint64_t now);
void tries_free(struct tries *tries);

#endif
