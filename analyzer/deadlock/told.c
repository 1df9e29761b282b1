/* SPDX-License-Identifier: MIT */
#include "analyzer/deadlock/told.h"

#define LASTS_NS       UINT64_C(1000000)    /* shorter ones cost nobody anything */
#define SUSPECT_NS     UINT64_C(1000000000) /* so long no thread lets others wait on purpose */
#define REMAINS_NS     UINT64_C(1000000000) /* so long a deadlock falls apart */
#define DEADLOCKS_KEPT 1000
#define REFUSED_KEPT   100

static void free_deadlock(struct deadlock *deadlock)
{
	for (uint32_t i = 0; i < deadlock->member_count; i++)
		free((struct hold *)deadlock->members[i].holds);
	free((struct deadlock_member *)deadlock->members);
}

static bool same_people(const struct deadlock *a, const struct deadlock *b)
{
	if (a->knot != b->knot)
		return false;
	for (uint32_t i = 0; i < a->knot; i++) {
		uint32_t at = 0;

		while (at < b->knot && (a->members[i].process != b->members[at].process ||
					a->members[i].tid != b->members[at].tid))
			at++;
		if (at == b->knot)
			return false;
	}
	return true;
}

/* Whether all of its waits were in the other one already. */
static bool is_part_of(const struct deadlock *part, const struct deadlock *whole)
{
	for (uint32_t i = 0; i < part->knot; i++) {
		const struct deadlock_member *member = &part->members[i];
		uint32_t at = 0;

		while (at < whole->knot && (whole->members[at].process != member->process ||
					    whole->members[at].tid != member->tid ||
					    whole->members[at].since != member->since))
			at++;
		if (at == whole->knot)
			return false;
	}
	return true;
}

/* When one of them has died the others are deadlocked still, until they are killed, too. */
static bool is_remains(const struct told *told, const struct deadlock *deadlock)
{
	for (uint32_t i = 0; deadlock->how != DEADLOCK_LASTS && i < told->items.count; i++) {
		const struct deadlock *before = &told->items.items[i].deadlock;

		if (before->how == DEADLOCK_DIED && is_part_of(deadlock, before) &&
		    deadlock->until < before->until + REMAINS_NS)
			return true;
	}
	return false;
}

static bool lasted(const struct deadlock *deadlock)
{
	uint64_t needed = deadlock->doubt == DOUBT_SHARERS ? SUSPECT_NS : LASTS_NS;

	if (deadlock->seen_live)
		return true;
	/* A child may have been killed before its parent waits for it: the signal is not recorded.
	 */
	for (uint32_t i = 0; i < deadlock->knot; i++)
		if (deadlock->members[i].waits_for != WAITS_FOR_LOCK || deadlock->members[i].tries)
			needed = SUSPECT_NS;

	return deadlock->until >= deadlock->since + needed;
}

/* Nobody saw why: it may have been let go of among what was lost. */
static bool may_have_been_let_go(const struct told *told, const struct deadlock *deadlock)
{
	for (uint32_t i = 0; i < deadlock->member_count; i++)
		for (uint32_t j = 0; j < deadlock->members[i].hold_count; j++)
			if (deadlock->members[i].holds[j].granted <= told->lost)
				return deadlock->how == DEADLOCK_WENT_ON && !deadlock->seen_live;
	return false;
}

/* Who is interrupted and tries again is in the same deadlock still. */
static bool goes_on(struct told *told, struct deadlock *deadlock)
{
	for (uint32_t i = 0; i < told->items.count; i++) {
		struct deadlock *before = &told->items.items[i].deadlock;

		if (!same_people(before, deadlock) || before->how != DEADLOCK_INTERRUPTED)
			continue;
		deadlock->since = before->since;
		free_deadlock(before);
		*before = *deadlock;
		return true;
	}
	return false;
}

bool told_add(struct told *told, struct deadlock *deadlock)
{
	if (!lasted(deadlock) || is_remains(told, deadlock) ||
	    may_have_been_let_go(told, deadlock)) {
		free_deadlock(deadlock);
		return false;
	}
	if (goes_on(told, deadlock))
		return false;
	if (told->items.count == DEADLOCKS_KEPT) {
		told->result.omitted++;
		free_deadlock(deadlock);
		return false;
	}
	vec_push(&told->items, (struct told_deadlock){ .deadlock = *deadlock });
	return true;
}

void told_doubt(struct told *told, uint32_t process)
{
	struct doubted doubted = { told->items.count - 1, process };

	if (!told->items.items[doubted.index].deadlock.seen_live)
		vec_push(&told->doubted, doubted);
}

bool told_has_room(struct told *told)
{
	if (told->refused.count < REFUSED_KEPT)
		return true;
	told->result.refused_omitted++;
	return false;
}

void told_refused(struct told *told, const struct deadlock *deadlock)
{
	vec_push(&told->refused, *deadlock);
}

/* ns: when the process did that; 0: it did nothing. */
static uint64_t moment(const struct event *event)
{
	switch (event->kind) {
	case EVENT_PROCESS:
	case EVENT_REQUEST:
	case EVENT_CALL:
		return event->time;
	case EVENT_RESULT:
		return event->lock.abandoned ? 0 : event->time + event->lock.duration;
	case EVENT_CALL_RESULT:
		return event->time + event->call.duration;
	case EVENT_KEPT:
	case EVENT_DEATH:
	case EVENT_VERDICT:
	case EVENT_DOING:
	case EVENT_STUCK:
	case EVENT_LOST:
	case EVENT_END:
		break;
	}
	return 0;
}

void told_event(struct told *told, const struct event *event)
{
	if (event->kind == EVENT_LOST)
		told->lost = event->time;
	for (uint32_t i = told->doubted.count; i-- > 0;) {
		const struct doubted *doubted = &told->doubted.items[i];
		struct told_deadlock *item = &told->items.items[doubted->index];

		if (doubted->process == event->process && moment(event) > item->deadlock.until) {
			item->refuted = true;
			vec_remove(&told->doubted, i);
		}
	}
}

/* ---- The result */

static int by_time(const void *left, const void *right)
{
	const struct deadlock *a = left, *b = right;

	if (a->since != b->since)
		return a->since > b->since ? 1 : -1;
	return (a->members[0].process > b->members[0].process) -
	       (a->members[0].process < b->members[0].process);
}

const struct deadlocks *told_finish(struct told *told)
{
	for (uint32_t i = 0; i < told->items.count; i++)
		if (!told->items.items[i].refuted)
			vec_push(&told->stand, told->items.items[i].deadlock);
	if (told->stand.count > 1)
		qsort(told->stand.items, told->stand.count, sizeof(*told->stand.items), by_time);
	told->result.items = told->stand.items;
	told->result.count = told->stand.count;
	told->result.refused = told->refused.items;
	told->result.refused_count = told->refused.count;
	return &told->result;
}

void told_free(struct told *told)
{
	for (uint32_t i = 0; i < told->items.count; i++)
		free_deadlock(&told->items.items[i].deadlock);
	for (uint32_t i = 0; i < told->refused.count; i++)
		free_deadlock(&told->refused.items[i]);
	vec_free(&told->refused);
	vec_free(&told->items);
	vec_free(&told->doubted);
	vec_free(&told->stand);
}
