/* SPDX-License-Identifier: MIT */
#include "analyzer/live/judge.h"

#include "analyzer/live/kernel_word.h"

static bool is_doubtful(const struct scene *scene, const struct knot *knot)
{
	for (uint32_t i = 0; i < knot->count; i++)
		for (uint32_t j = 0; j < scene->crowds.count; j++) {
			const struct crowd *crowd = &scene->crowds.items[j];

			if (crowd->doubtful && knot->agents[i] - crowd->first < crowd->count)
				return true;
		}
	return false;
}

static bool any_tries(const struct scene *scene, const struct knot *knot)
{
	for (uint32_t i = 0; i < knot->count; i++)
		if (scene_tries(scene, knot->agents[i]))
			return true;
	return false;
}

/* The kernel looks for circles of record locks when a wait begins, and again whenever one of
 * several holds in its way has gone: then it may refuse it. */
static bool may_be_refused(const struct scene *scene, const struct knot *knot)
{
	for (uint32_t i = 0; i < knot->count; i++) {
		uint32_t wait = scene->actors.items[knot->agents[i]].wait;

		if (wait != NONE && op_is_posix(scene->waits->vec.items[wait].op) &&
		    graph_may_wake(scene->graph, knot->agents[i]))
			return true;
	}
	return false;
}

enum verdict judge_knot(const struct scene *scene, const struct knot *knot, bool lost)
{
	if (knot->until_timeout)
		return VERDICT_UNTIL_TIMEOUT;
	if (any_tries(scene, knot))
		return VERDICT_LIVELOCK;
	if (knot->firmness != NOBODY_ELSE || lost || is_doubtful(scene, knot) ||
	    may_be_refused(scene, knot))
		return VERDICT_LIKELY;
	return kernel_shows(scene, knot) ? VERDICT_CERTAIN : VERDICT_LIKELY;
}

bool judge_is_ours(const struct scene *scene, const struct knot *knot)
{
	bool lock = false;

	for (uint32_t i = 0; i < knot->count; i++) {
		lock |= scene->actors.items[knot->agents[i]].wait != NONE;
		if (!scene_process(scene, scene->tasks.vec.items[knot->agents[i]].pid))
			return false;
	}
	return lock;
}
