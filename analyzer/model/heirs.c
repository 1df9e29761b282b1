/* SPDX-License-Identifier: MIT */
#include "analyzer/model/heirs.h"

#define LEFT_MAX 16 /* of one file in one world; the newest are kept */

void heirs_leave(struct model *model, struct lock_table *table, const struct held *held,
		 uint32_t count, uint64_t time)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct process *taker = process_known(model, held[i].hold.process);
		struct left_lock left = { .held = held[i], .taker = taker ? taker->pid : 0 };

		if (table->left.count == LEFT_MAX)
			vec_remove(&table->left, 0);
		left.held.hold.released = time;
		left.held.weakened = 0;
		vec_push(&table->left, left);
	}
}

static bool overlaps(const struct hold *hold, uint64_t start, uint64_t end)
{
	return hold->start < end && start < hold->end;
}

void heirs_settle(struct lock_table *table, enum mode mode, uint64_t start, uint64_t end)
{
	for (uint32_t i = table->left.count; i-- > 0;)
		if (overlaps(&table->left.items[i].held.hold, start, end) &&
		    held_conflicts(&table->left.items[i].held, mode))
			vec_remove(&table->left, i);
}

static bool may_be(const struct left_lock *left, const struct event *event)
{
	const struct hold *hold = &left->held.hold;

	if (left->taker && event->lock.taker && left->taker != event->lock.taker)
		return false;
	return hold->mode == event->lock.mode && hold->start <= event->lock.start &&
	       hold->end >= event->lock.end;
}

/* LEFT_MAX: none, or several: each might be it. */
static uint32_t find(const struct lock_table *table, const struct event *event)
{
	uint32_t found = LEFT_MAX;

	for (uint32_t i = 0; i < table->left.count; i++) {
		if (!may_be(&table->left.items[i], event))
			continue;
		if (found != LEFT_MAX)
			return LEFT_MAX;
		found = i;
	}
	return found;
}

bool heirs_find(struct model *model, struct lock_table *table, const struct event *event,
		struct held *out)
{
	uint32_t at = find(table, event);

	if (at == LEFT_MAX)
		return false;
	*out = table->left.items[at].held;
	vec_remove(&table->left, at);
	out->hold.id = ++model->last_hold;
	out->hold.start = event->lock.start;
	out->hold.end = event->lock.end;
	out->hold.keeper = event->process;
	out->hold.granted = out->hold.asked = out->hold.kept_since = out->hold.released;
	return true;
}
