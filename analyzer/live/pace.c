/* SPDX-License-Identifier: MIT */
#include "analyzer/live/pace.h"

#include <time.h>

#define MS	   UINT64_C(1000000)
#define LOOK_NS	   (20 * MS) /* between two looks that must be equal */
#define QUIET_NS   (50 * MS) /* while the same wait on */
#define RETRY_NS   (50 * MS) /* the same waits are judged again after this; then ever later */
#define RETRY_MAX  (2000 * MS)
#define UNKNOWN_NS (500 * MS)	/* so long somebody waits for whom nobody knows */
#define TOLD_MAX   (30000 * MS) /* once there is a verdict */
#define COST	   400		/* where nothing is suspected, after so many times what that took */
#define COST_MAX   (5000 * MS)
#define CROWD_NS   (MS / 10) /* so long others are waited for, for each that is there */
#define CROWD_MAX  (150 * MS)
#define SHARE	   100	       /* of a processor, one part of so many */
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
	pace->next_look = now + (quiet ? QUIET_NS : LOOK_NS);
	pace->saved -= (int64_t)(processor_time() - pace->used);
	/* Even the cheap look is too dear for its share now. */
	if (pace->saved < 0)
		pace->next_look += (uint64_t)-pace->saved * SHARE;
}

bool pace_may_judge(const struct pace *pace, uint64_t print, uint64_t now)
{
	return pace->saved > 0 && (print != pace->judged || now >= pace->next_judge);
}

bool pace_others_come(struct pace *pace, uint32_t waits, uint32_t settled, uint64_t now)
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

void pace_judged(struct pace *pace, uint64_t print, enum suspicion suspicion, bool told,
		 uint64_t now)
{
	uint64_t cost = processor_time() - pace->used;

	if (print != pace->judged)
		pace->pause = RETRY_NS;
	else if (suspicion != SUSPICION_NONE && pace->pause < (told ? TOLD_MAX : RETRY_MAX))
		pace->pause *= 2;
	switch (suspicion) {
	case SUSPICION_NONE:
		pace->pause = at_least(pace->pause, at_most(COST * cost, COST_MAX));
		break;
	case SUSPICION_UNKNOWN:
		pace->pause = at_least(pace->pause, UNKNOWN_NS);
		break;
	case SUSPICION_EARLY:
	case SUSPICION_YES:
		break;
	}
	pace->judged = print;
	pace->next_judge = now + pace->pause;
}

void pace_rest(struct pace *pace, uint64_t now)
{
	pace->next_judge = now + TOLD_MAX;
}
