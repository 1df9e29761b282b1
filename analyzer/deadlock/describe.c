/* SPDX-License-Identifier: MIT */
#include "analyzer/deadlock/describe.h"

#include "analyzer/deadlock/consequence.h"

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

struct deadlock deadlock_of(const struct look *look, const struct knot *knot,
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
		.ends = NONE,
		.opener = NONE,
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
	consequence_foresee(look, knot, inside, &deadlock);
	deadlock.processes = count_processes(&deadlock);
	free(inside);
	return deadlock;
}
