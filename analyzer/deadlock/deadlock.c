/* SPDX-License-Identifier: MIT */
#include "analyzer/deadlock/deadlock.h"

#include <errno.h>

#include "analyzer/deadlock/look.h"
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

/* ---- From a knot of the graph to a deadlock */

/* Why somebody looks: what ended the waits, if anything did. */
struct cause {
	enum deadlock_end how;
	uint64_t time;
	uint32_t process, tid; /* NONE: the end of the recording; tid 0: any */
	int error;
	bool at_most;
	uint64_t timers_since; /* ns: those that ran out before have nothing to do with it */
};

struct member_holds {
	struct hold *items;
	uint32_t count, room;
};

static bool is_wanted(const struct look *look, const bool *inside, uint32_t hold)
{
	for (uint32_t i = 0; i < look->waits.count; i++)
		if (look->waits.items[i].hold == hold && inside[look->waits.items[i].agent])
			return true;
	return false;
}

/* It has taken the hold, or shares it while who took it is not there. */
static bool answers_for(const struct look *look, const bool *inside, uint32_t agent, uint32_t hold)
{
	const struct hold *taken = &look->obstacles.items[hold].hold;

	if (look->whos.items[agent].process == taken->process &&
	    look->whos.items[agent].tid == taken->tid)
		return true;
	for (uint32_t i = 0; i < look->shares.count; i++) {
		const struct who *who = &look->whos.items[look->shares.items[i].agent];

		if (look->shares.items[i].hold == hold && inside[look->shares.items[i].agent] &&
		    who->process == taken->process && who->tid == taken->tid)
			return false;
	}
	return true;
}

static struct deadlock_member member_of(const struct look *look, const bool *inside, uint32_t agent)
{
	struct deadlock_member member = look->whos.items[agent].wait;
	struct member_holds holds = { 0 };

	for (uint32_t i = 0; i < look->shares.count; i++) {
		uint32_t hold = look->shares.items[i].hold;

		if (look->shares.items[i].agent == agent && is_wanted(look, inside, hold) &&
		    answers_for(look, inside, agent, hold))
			vec_push(&holds, look->obstacles.items[hold].hold);
	}
	member.holds = holds.items;
	member.hold_count = holds.count;
	return member;
}

/* Somebody who shares a hold of the knot and does not wait in it. */
static void find_sharer(const struct look *look, const bool *inside, struct deadlock *deadlock)
{
	for (uint32_t i = 0; i < look->shares.count; i++) {
		uint32_t agent = look->shares.items[i].agent;

		if (inside[agent] || !is_wanted(look, inside, look->shares.items[i].hold))
			continue;
		for (uint32_t j = 0; j < look->shares.count; j++) {
			if (look->shares.items[j].hold != look->shares.items[i].hold ||
			    !inside[look->shares.items[j].agent])
				continue;
			deadlock->sharer = look->whos.items[agent].process;
			deadlock->sharer_tid = look->whos.items[agent].tid;
			return;
		}
	}
}

static uint32_t count_processes(const struct deadlock *deadlock)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < deadlock->knot; i++) {
		uint32_t before = 0;

		while (before < i &&
		       deadlock->members[before].process != deadlock->members[i].process)
			before++;
		count += before == i;
	}
	return count;
}

static void judge(struct deadlock *deadlock, const struct knot *knot)
{
	switch (knot->firmness) {
	case NOBODY_ELSE:
		deadlock->verdict = VERDICT_CERTAIN;
		deadlock->doubt = DOUBT_NONE;
		break;
	case NOBODY_KNOWN:
		deadlock->verdict = VERDICT_LIKELY;
		deadlock->doubt = DOUBT_UNSEEN;
		break;
	case NOBODY_WHO_TOOK:
	case FIRMNESSES:
		deadlock->verdict = VERDICT_LIKELY;
		deadlock->doubt = DOUBT_SHARERS;
		break;
	}
	deadlock->consequence = CONSEQUENCE_HANG;
	if (knot->until_timeout) {
		deadlock->verdict = VERDICT_UNTIL_TIMEOUT;
		deadlock->consequence = CONSEQUENCE_TIMEOUT;
	}
}

/* What was seen live is firmer than what a trace tells, where it was seen of all of them. */
static void heed_live(const struct look *look, const struct knot *knot, struct deadlock *deadlock)
{
	const struct person *first = NULL;

	for (uint32_t i = 0; i < knot->count; i++) {
		const struct who *who = &look->whos.items[knot->agents[i]];
		const struct person *person = people_person(look->people, who->process, who->tid);

		if (!person || !person->live.number ||
		    (first && person->live.number != first->live.number))
			return;
		first = person;
	}
	deadlock->seen_live = true;
	switch (first->live.verdict) {
	case VERDICT_CERTAIN:
		deadlock->verdict = VERDICT_CERTAIN;
		deadlock->doubt = DOUBT_NONE;
		deadlock->consequence = CONSEQUENCE_HANG;
		break;
	case VERDICT_UNTIL_TIMEOUT:
		deadlock->verdict = VERDICT_UNTIL_TIMEOUT;
		deadlock->doubt = DOUBT_NONE;
		deadlock->consequence = CONSEQUENCE_TIMEOUT;
		break;
	case VERDICT_LIKELY:
	case VERDICT_LIVELOCK:
		break;
	}
}

static struct deadlock deadlock_of(const struct look *look, const struct knot *knot,
				   const struct cause *cause)
{
	uint32_t count = knot->count + knot->behind_count;
	struct deadlock_member *members = xcalloc(count, sizeof(*members));
	bool *inside = xcalloc((size_t)look->whos.count + 1, sizeof(*inside));
	struct deadlock deadlock = {
		.how = cause->how,
		.until = cause->time,
		.at_most = cause->at_most,
		.breaker = cause->process,
		.breaker_tid = cause->tid,
		.error = cause->error,
		.sharer = NONE,
		.members = members,
		.member_count = count,
		.cycle = knot->cycle,
		.knot = knot->count,
	};

	judge(&deadlock, knot);
	heed_live(look, knot, &deadlock);
	for (uint32_t i = 0; i < knot->count; i++) {
		inside[knot->agents[i]] = true;
		if (look->whos.items[knot->agents[i]].wait.since > deadlock.since)
			deadlock.since = look->whos.items[knot->agents[i]].wait.since;
	}
	for (uint32_t i = 0; i < knot->count; i++) {
		if (!look->whos.items[knot->agents[i]].wait.tries)
			continue;
		deadlock.verdict = VERDICT_LIVELOCK;
		if (deadlock.consequence == CONSEQUENCE_HANG)
			deadlock.consequence = CONSEQUENCE_LIVELOCK;
	}
	for (uint32_t i = 0; i < knot->behind_count; i++)
		inside[knot->behind[i]] = true;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t agent = i < knot->count ? knot->agents[i] : knot->behind[i - knot->count];

		members[i] = member_of(look, inside, agent);
		members[i].behind = i >= knot->count;
	}
	find_sharer(look, inside, &deadlock);
	deadlock.processes = count_processes(&deadlock);
	free(inside);
	return deadlock;
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
		if (family->threads.items[i].awaits ||
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

	if (!event->lock.has_request || !event->lock.may_block || event->lock.duration < LASTS_NS ||
	    event->lock.error == EDEADLK)
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
