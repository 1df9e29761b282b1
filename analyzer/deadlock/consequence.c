/* SPDX-License-Identifier: MIT */
#include "analyzer/deadlock/consequence.h"

static bool is_posix_wait(const struct who *who)
{
	return who->waits && who->wait.waits_for == WAITS_FOR_LOCK && !who->wait.tries &&
	       who->wait.ownership == OWNED_BY_PROCESS;
}

/* Who has this hold and is at work; NONE: one of the knot has it, or nobody who will let go. */
static uint32_t worker_with(const struct look *look, const bool *inside, uint32_t hold)
{
	uint32_t worker = NONE;

	for (uint32_t i = 0; i < look->shares.count; i++) {
		uint32_t agent = look->shares.items[i].agent;

		if (look->shares.items[i].hold != hold)
			continue;
		if (inside[agent])
			return NONE;
		if (worker == NONE && !graph_is_tied(look->graph, agent))
			worker = agent;
	}
	return worker;
}

/* Somebody at work whose release wakes this one, while others of the knot are still in its way. */
static uint32_t opener_of(const struct look *look, const bool *inside, uint32_t agent)
{
	for (uint32_t i = 0; i < look->waits.count; i++) {
		uint32_t worker = NONE;

		if (look->waits.items[i].agent == agent)
			worker = worker_with(look, inside, look->waits.items[i].hold);
		if (worker != NONE)
			return worker;
	}
	return NONE;
}

static bool kernel_sees_circle(const struct look *look, const bool *inside, uint32_t agent)
{
	const struct who *who = &look->whos.items[agent];
	struct knot circle = { 0 };
	bool sees = look_circle(look, who->process, who->tid, &circle) &&
		    circle.count <= KERNEL_FOLLOWS;

	for (uint32_t i = 0; sees && i < circle.count; i++)
		sees = inside[circle.agents[i]] &&
		       is_posix_wait(&look->whos.items[circle.agents[i]]);
	free((uint32_t *)circle.agents);
	return sees;
}

/* It looks for a circle when a wait begins, at the first lock that is in its way alone, and again
 * when that one is gone. */
static void foresee_refusal(const struct look *look, const struct knot *knot, const bool *inside,
			    struct deadlock *deadlock)
{
	for (uint32_t i = 0; i < knot->count; i++) {
		uint32_t agent = knot->agents[i], opener;

		if (!is_posix_wait(&look->whos.items[agent]))
			continue;
		opener = opener_of(look, inside, agent);
		if (opener == NONE || !kernel_sees_circle(look, inside, agent))
			continue;
		deadlock->consequence = CONSEQUENCE_EDEADLK;
		deadlock->ends = i;
		deadlock->opener = look->whos.items[opener].process;
		deadlock->opener_tid = look->whos.items[opener].tid;
		return;
	}
}

static void foresee_timer(const struct look *look, const struct knot *knot,
			  struct deadlock *deadlock)
{
	for (uint32_t i = 0; i < knot->count; i++) {
		uint64_t timer = look->whos.items[knot->agents[i]].timer;

		if (!timer || (deadlock->timer && timer >= deadlock->timer))
			continue;
		deadlock->ends = i;
		deadlock->timer = timer;
	}
}

void consequence_foresee(const struct look *look, const struct knot *knot, const bool *inside,
			 struct deadlock *deadlock)
{
	switch (deadlock->consequence) {
	case CONSEQUENCE_HANG:
		/* What was seen to be certain was looked at closer than this. */
		if (deadlock->verdict != VERDICT_CERTAIN)
			foresee_refusal(look, knot, inside, deadlock);
		break;
	case CONSEQUENCE_TIMEOUT:
		foresee_timer(look, knot, deadlock);
		break;
	case CONSEQUENCE_EDEADLK:
	case CONSEQUENCE_LIVELOCK:
		break;
	}
}
