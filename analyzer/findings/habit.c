/* SPDX-License-Identifier: MIT */
#include "analyzer/findings/habit.h"

#define HABIT_HOLDS 8	/* so many holds make a habit */
#define UNUSUAL	    100 /* times as long */

static unsigned size_of(uint64_t ns)
{
	unsigned size = ns ? 63 - (unsigned)__builtin_clzll(ns) : 0;

	return size < 48 ? size : 47;
}

void habit_note(struct habit *habit, uint64_t ns)
{
	habit->count++;
	habit->holds[size_of(ns)]++;
}

/* ns, at most twice as long as it was. */
static uint64_t median(const struct habit *habit)
{
	uint32_t before = 0;

	for (unsigned size = 0; size < 48; size++) {
		before += habit->holds[size];
		if (2 * before >= habit->count)
			return UINT64_C(2) << size;
	}
	return UINT64_MAX;
}

uint64_t habit_exceeded(const struct habit *habit, uint64_t ns)
{
	uint64_t times;

	if (habit->count < HABIT_HOLDS)
		return 0;
	times = ns / median(habit);
	return times < UNUSUAL ? 0 : times;
}
