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

struct pace {
	uint64_t looked, next_look;
	/* The waits that were judged last; the same again have to wait. */
	uint64_t judged, next_judge, pause;
	uint64_t gathering; /* the close look has been waiting for others since; 0: it hasn't */
	int64_t saved;	    /* ns of processor time that may be used */
	uint64_t used;	    /* processor time at the begin of this look */
};

void pace_open(struct pace *pace);
/* False: it isn't time to look. Else pace_end() follows. */
bool pace_begin(struct pace *pace, uint64_t now);
/* quiet: the same as at the look before. */
void pace_end(struct pace *pace, bool quiet, uint64_t now);

/* Whether these waits may be judged now. `print`: alike for the same waits. */
bool pace_may_judge(const struct pace *pace, uint64_t print, uint64_t now);
/* Many who go to sleep together are looked at together: false once all of them seem to be there.
 * settled: of so many waits it is known that they last. */
bool pace_others_come(struct pace *pace, uint32_t waits, uint32_t settled, uint64_t now);
/* told: there are deadlocks that have been told. */
void pace_judged(struct pace *pace, uint64_t print, enum suspicion suspicion, bool told,
		 uint64_t now);
/* Nothing is to be learnt about the waits that were judged last. */
void pace_rest(struct pace *pace, uint64_t now);

#endif
