/* SPDX-License-Identifier: MIT */
/*
 * When to look, and when to look closely: soon where something new may be a deadlock, and never so
 * often that watching costs more than its share of a processor. Times in ns, CLOCK_MONOTONIC.
 */
#ifndef ANALYZER_LIVE_PACE_H
#define ANALYZER_LIVE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/live/suspects.h"

/* What was looked at closely, and when that is to be done again. */
struct judged {
	uint64_t print, next, pause, seen;
};

struct pace {
	uint64_t looked, next_look;
	/* The waits that were looked through last; the same again have to wait. */
	uint64_t print, next_find;
	uint64_t gathering; /* that has been waiting for others since; 0: it hasn't */
	VEC(struct judged) judged;
	int64_t saved; /* ns of processor time that may be used */
	uint64_t used; /* processor time at the begin of this look */
};

void pace_open(struct pace *pace);
void pace_close(struct pace *pace);

/* False: it isn't time to look. Else pace_end() follows. */
bool pace_begin(struct pace *pace, uint64_t now);
/* quiet: the same as at the look before. */
void pace_end(struct pace *pace, bool quiet, uint64_t now);

/*
 * Whether these waits may be looked through now. `print`: alike for the same waits. Many who go to
 * sleep together are looked at together: `settled` of `waits` are known to last.
 */
bool pace_may_find(struct pace *pace, uint64_t print, uint32_t waits, uint32_t settled,
		   uint64_t now);
/* Whether any of those that were found is to be looked at closely now. */
bool pace_may_judge(struct pace *pace, uint64_t print, const struct suspects *suspects,
		    uint64_t now);
/* Nothing more is to be learnt about these. */
void pace_rest(struct pace *pace, uint64_t print, uint64_t now);

#endif
