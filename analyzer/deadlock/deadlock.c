/* SPDX-License-Identifier: MIT */
#include "analyzer/deadlock/deadlock.h"

#include <errno.h>

#include "analyzer/deadlock/describe.h"
#include "analyzer/deadlock/told.h"

#define LASTS_NS UINT64_C(1000000) /* shorter ones cost nobody anything */

struct deadlock_builder {
	const struct model *model;
	struct triers triers;
	struct people people;
	struct told told;
};

struct deadlock_builder *deadlock_builder_new(void)
{
	return xcalloc(1, sizeof(struct deadlock_builder));
}

void deadlock_builder_model(struct deadlock_builder *builder, const struct model *model)
{
	builder->model = model;
}

void deadlock_builder_triers(struct deadlock_builder *builder, const struct triers *triers)
{
	builder->triers = *triers;
}

void deadlock_builder_free(struct deadlock_builder *builder)
{
	if (!builder)
		return;
	told_free(&builder->told);
	people_free(&builder->people);
	free(builder);
}

/* ---- Looking */

static bool any_is(const struct look *look, const uint32_t *agents, uint32_t count,
		   const struct cause *cause)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct who *who = &look->whos.items[agents[i]];

		if (who->process == cause->process && (!cause->tid || who->tid == cause->tid))
			return true;
	}
	return false;
}

static bool concerns(const struct look *look, const struct knot *knot, const struct cause *cause)
{
	if (cause->process == NONE)
		return true;
	if (any_is(look, knot->agents, knot->count, cause))
		return true;
	/* Who was behind and went on had been let go by somebody's unseen end. */
	return cause->how == DEADLOCK_WENT_ON &&
	       any_is(look, knot->behind, knot->behind_count, cause);
}

/* Whoever of them lives on has let go unseen: it was no deadlock. */
static void doubt_those_in_the_way(struct deadlock_builder *builder, const struct look *look,
				   const struct cause *cause)
{
	for (uint32_t i = 0; i < look->waits.count; i++) {
		const struct who *waiter = &look->whos.items[look->waits.items[i].agent];

		if (waiter->process != cause->process || waiter->tid != cause->tid)
			continue;
		for (uint32_t j = 0; j < look->shares.count; j++)
			if (look->shares.items[j].hold == look->waits.items[i].hold)
				told_doubt(&builder->told,
					   look->whos.items[look->shares.items[j].agent].process);
	}
}

/* NULL: without the request nobody would have waited for ever. */
static const struct knot *knot_with(struct graph *graph, uint32_t agent)
{
	uint32_t count;
	const struct knot *knots = graph_solve(graph, &count);

	for (uint32_t i = 0; i < count; i++)
		for (uint32_t j = 0; j < knots[i].count; j++)
			if (knots[i].agents[j] == agent)
				return &knots[i];
	return NULL;
}

/* As things stood when the kernel refused a request. */
static void look_at_refusal(struct deadlock_builder *builder, const struct event *event)
{
	struct cause cause = {
		.how = DEADLOCK_INTERRUPTED,
		.time = event->time + event->lock.duration,
		.process = event->process,
		.tid = event->tid,
		.error = event->lock.error,
	};
	struct knot circle = { .firmness = NOBODY_WHO_TOOK };
	struct deadlock deadlock;
	const struct knot *knot;
	struct look look;

	look_take(&look, builder->model, &builder->people, &builder->triers, cause.time,
		  UINT64_MAX);
	if (look_circle(&look, event->process, event->tid, &circle)) {
		knot = knot_with(look.graph, circle.agents[0]);
		if (knot)
			circle.firmness = knot->firmness;
		deadlock = deadlock_of(&look, &circle, &cause);
		deadlock.consequence = CONSEQUENCE_EDEADLK;
		deadlock.ends = 0;
		deadlock.opener = NONE;
		deadlock.spurious = !knot;
		told_refused(&builder->told, &deadlock);
	}
	free((uint32_t *)circle.agents);
	look_free(&look);
}

static void look_for(struct deadlock_builder *builder, const struct cause *cause)
{
	struct look look;
	uint32_t count;
	const struct knot *knots;

	look_take(&look, builder->model, &builder->people, &builder->triers, cause->time,
		  cause->timers_since);
	knots = graph_solve(look.graph, &count);
	for (uint32_t i = 0; i < count; i++) {
		struct deadlock deadlock;

		if (!concerns(&look, &knots[i], cause))
			continue;
		deadlock = deadlock_of(&look, &knots[i], cause);
		if (told_add(&builder->told, &deadlock) && cause->how == DEADLOCK_WENT_ON)
			doubt_those_in_the_way(builder, &look, cause);
	}
	look_free(&look);
}

/* ---- When to look */

struct wanted_trier {
	uint32_t process;
	bool found;
};

static void note_trier(void *context, const struct standing *standing)
{
	struct wanted_trier *wanted = context;

	wanted->found |= standing->process == wanted->process;
}

/* Most who die have waited for nobody. */
static bool waits(const struct deadlock_builder *builder, uint32_t process, uint64_t now)
{
	const struct family *family = people_family(&builder->people, process);
	struct wanted_trier wanted = { .process = process };

	if (builder->triers.each)
		builder->triers.each(builder->triers.context, now, note_trier, &wanted);
	if (wanted.found)
		return true;

	for (uint32_t i = 0; family && i < family->threads.count; i++)
		if (person_was_seen_to_await(&family->threads.items[i]) ||
		    family->threads.items[i].awaits ||
		    model_stands(builder->model, process, family->threads.items[i].tid))
			return true;
	return false;
}

static void look_at_result(struct deadlock_builder *builder, const struct event *event)
{
	struct cause cause = {
		.how = event->lock.error       ? DEADLOCK_INTERRUPTED
		       : event->lock.abandoned ? DEADLOCK_DIED
					       : DEADLOCK_WENT_ON,
		.time = event->time + event->lock.duration,
		.process = event->process,
		.tid = event->tid,
		.error = event->lock.error,
		.timers_since =
			event->time + (event->lock.error == EINTR ? 0 : event->lock.duration),
	};

	if (!event->lock.has_request || !event->lock.may_block)
		return;
	if (event->lock.error == EDEADLK) {
		if (told_has_room(&builder->told))
			look_at_refusal(builder, event);
		return;
	}
	if (event->lock.duration < LASTS_NS)
		return;
	if (model_stands(builder->model, event->process, event->tid))
		look_for(builder, &cause);
}

/* A wait for children has ended: one is dead, of which nothing else may have been heard yet. */
static void look_at_reaped(struct deadlock_builder *builder, const struct event *event)
{
	struct cause cause = {
		.how = DEADLOCK_WENT_ON,
		.time = event->time + event->call.duration,
		.process = event->process,
		.tid = event->tid,
		.error = event->call.error,
		.timers_since = event->time + event->call.duration,
	};
	uint32_t child;

	if (event->call.call != WAIT_CHILD)
		return;
	child = people_child(&builder->people, event->process, event->call.value);
	if (child != NONE) {
		cause.how = DEADLOCK_DIED;
		cause.process = child;
		cause.tid = 0;
	}
	/* Who waits for a child that it has killed does not wait for long. */
	if (child == NONE && event->call.duration < LASTS_NS)
		return;
	if (waits(builder, cause.process, cause.time))
		look_for(builder, &cause);
}

void deadlock_builder_event(struct deadlock_builder *builder, const struct event *event)
{
	struct cause cause = {
		.how = DEADLOCK_DIED,
		.time = event->time,
		.process = event->process,
		.timers_since = event->time,
	};

	switch (event->kind) {
	case EVENT_RESULT:
		look_at_result(builder, event);
		break;
	case EVENT_CALL_RESULT:
		look_at_reaped(builder, event);
		break;
	case EVENT_DEATH:
		cause.at_most = event->death.late;
		if (waits(builder, event->process, event->time))
			look_for(builder, &cause);
		break;
	case EVENT_END:
		cause.how = DEADLOCK_LASTS;
		cause.process = NONE;
		cause.at_most = event->end.unwatched;
		look_for(builder, &cause);
		break;
	case EVENT_PROCESS:
	case EVENT_REQUEST:
	case EVENT_KEPT:
	case EVENT_CALL:
	case EVENT_VERDICT:
	case EVENT_DOING:
	case EVENT_STUCK:
	case EVENT_LOST:
		break;
	}
	told_event(&builder->told, event);
	people_event(&builder->people, event);
}

const struct deadlocks *deadlock_builder_finish(struct deadlock_builder *builder)
{
	return told_finish(&builder->told);
}
