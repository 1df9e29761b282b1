/* SPDX-License-Identifier: MIT */
/* Timers that processes were seen to arm. */
#ifndef ANALYZER_LIVE_TIMERS_H
#define ANALYZER_LIVE_TIMERS_H

#include "analyzer/base/map.h"
#include "analyzer/base/vec.h"
#include "trace/format.h"

#define TIMER_KINDS 3 /* alarm, setitimer, timer_settime */

struct timer_state {
	uint32_t process;
	uint64_t until[TIMER_KINDS]; /* ns; 0: none */
};

struct timers {
	VEC(struct timer_state) vec;
	struct map by_process;
};

enum timing {
	TIMING_NONE,
	TIMING_RUNS,	/* its signal can come at any moment */
	TIMING_UNKNOWN, /* it may come again, or there is one that nobody saw being armed */
};

void timers_record(struct timers *timers, const uint64_t *payload);
/* pid: the process as seen from here. */
enum timing timers_of(const struct timers *timers, uint32_t process, pid_t pid, uint64_t now);
void timers_free(struct timers *timers);

#endif
