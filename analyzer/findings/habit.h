/* SPDX-License-Identifier: MIT */
/* How long locks are held mostly. */
#ifndef ANALYZER_FINDINGS_HABIT_H
#define ANALYZER_FINDINGS_HABIT_H

#include <stdbool.h>
#include <stdint.h>

/* How many holds lasted for 2^n ns. */
struct habit {
	uint32_t count;
	uint32_t holds[48];
};

void habit_note(struct habit *habit, uint64_t ns);
/* How many times as long as in the median (which is known up to a factor of 2, and taken for the
 * larger); 0: it is not a hundred times as long, or there were too few holds to make a habit. */
uint64_t habit_exceeded(const struct habit *habit, uint64_t ns);

#endif
