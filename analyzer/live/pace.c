/* SPDX-License-Identifier: MIT */
#include "analyzer/live/pace.h"

#include <time.h>

#define MS	   UINT64_C(1000000)
#define LOOK_NS	   (20 * MS) /* between two looks that must be equal */
#define QUIET_NS   (50 * MS) /* while the same wait on */
#define RETRY_NS   (50 * MS) /* the same are looked at closely again after this; then ever later */
#define RETRY_MAX  (2000 * MS)
#define UNKNOWN_NS (500 * MS)	/* so long somebody waits for whom nobody knows */
#define REST_NS	   (30000 * MS) /* once there is a verdict */
#define COST	   1000		/* where nothing is suspected, after so many times what that took */
#define COST_MAX   (5000 * MS)
#define QUIET_COST 1000 /* the same, of a look at the slots alone */
#define QUIET_MAX  (200 * MS)
#define CROWD_NS   (MS / 10) /* so long others are waited for, for each that is there */
#define CROWD_MAX  (150 * MS)
#define SHARE	   100	       /* of a processor, one part of so many */
#define DEBT_MAX   (1000 * MS) /* so long it is paid back before the next look */
#define SAVED_MAX  (1000 * MS) /* of processor time not used so far */

static uint64_t processor_time(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000 * MS + (uint64_t)used.tv_nsec;
}

static uint64_t at_most(uint64_t time, uint64_t most)
{
	return time < most ? time : most;
}

static uint64_t at_least(uint64_t time, uint64_t least)
{
	return time > least ? time : least;
}

void pace_open(struct pace *pace)
{
	*pace = (struct pace){ .saved = SAVED_MAX };
}

void pace_close(struct pace *pace)
{
	vec_free(&pace->judged);
}

bool pace_begin(struct pace *pace, uint64_t now)
{
	if (now < pace->next_look)
		return false;
	pace->used = processor_time();
	pace->saved += pace->looked ? (int64_t)((now - pace->looked) / SHARE) : 0;
	if (pace->saved > (int64_t)SAVED_MAX)
		pace->saved = SAVED_MAX;
	pace->looked = now;
	return true;
}

void pace_end(struct pace *pace, bool quiet, uint64_t now)
{
	uint64_t cost = processor_time() - pace->used;

	pace->next_look =
		now + (quiet ? at_least(QUIET_NS, at_most(QUIET_COST * cost, QUIET_MAX)) : LOOK_NS);
	pace->saved -= (int64_t)cost;
	/* Even the cheap look is too dear for its share now; but who waits is not forgotten for
	 * long. */
	if (pace->saved < 0)
		pace->next_look += at_most((uint64_t)-pace->saved * SHARE, DEBT_MAX);
	pace->saved = pace->saved < -(int64_t)SAVED_MAX ? -(int64_t)SAVED_MAX : pace->saved;
}

static bool others_come(struct pace *pace, uint32_t waits, uint32_t settled, uint64_t now)
{
	if (settled == waits) {
		pace->gathering = 0;
		return false;
	}
	if (!pace->gathering)
		pace->gathering = now;
	else if (now - pace->gathering >= at_most(settled * CROWD_NS, CROWD_MAX))
		pace->gathering = 0;
	return pace->gathering;
}

bool pace_may_find(struct pace *pace, uint64_t print, uint32_t waits, uint32_t settled,
		   uint64_t now)
{
	return (print != pace->print || now >= pace->next_find) &&
	       !others_come(pace, waits, settled, now);
}

static bool is_due(struct pace *pace, const struct suspect *suspect, uint64_t now)
{
	uint32_t i = 0;
	struct judged *judged;

	while (i < pace->judged.count && pace->judged.items[i].print != suspect->print)
		i++;
	if (i == pace->judged.count) {
		uint64_t pause = suspect->unknown ? UNKNOWN_NS : RETRY_NS;

		vec_push(&pace->judged, (struct judged){ suspect->print, now + pause, pause, now });
		return !suspect->unknown;
	}
	judged = &pace->judged.items[i];
	judged->seen = now;
	if (now < judged->next)
		return false;
	judged->pause = at_most(2 * judged->pause, RETRY_MAX);
	judged->next = now + judged->pause;
	return true;
}

static void forget_those_gone(struct pace *pace, uint64_t now)
{
	for (uint32_t i = pace->judged.count; i-- > 0;)
		if (pace->judged.items[i].seen != now)
			vec_remove(&pace->judged, i);
}

bool pace_may_judge(struct pace *pace, uint64_t print, const struct suspects *suspects,
		    uint64_t now)
{
	uint64_t cost = processor_time() - pace->used;
	bool due = false;

	for (uint32_t i = 0; i < suspects->vec.count; i++)
		due |= is_due(pace, &suspects->vec.items[i], now);
	forget_those_gone(pace, now);
	pace->print = print;
	pace->next_find = now + at_least(RETRY_NS, at_most(COST * cost, COST_MAX));
	for (uint32_t i = 0; i < pace->judged.count; i++)
		pace->next_find = at_most(pace->next_find, pace->judged.items[i].next);
	if (suspects->early)
		pace->next_find = now;
	return due;
}

void pace_rest(struct pace *pace, uint64_t print, uint64_t now)
{
	for (uint32_t i = 0; i < pace->judged.count; i++)
		if (pace->judged.items[i].print == print)
			pace->judged.items[i].next = now + REST_NS;
}
